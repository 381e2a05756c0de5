"""What goes on in a healthy account all the time, drawn by the seed: steps of the same kinds as those of a timeline.

Whatever exit codes it leaves behind, none of it may alert. It keeps away from what a scenario plans: no service is
touched around a step that names it, one that somebody deploys is not deployed here, and no two things befall one
service at once, so that each can be carried out.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from sandbox.simulation.actions import Deploy, Release, RunTask, Step
from sandbox.simulation.images import Behaviour
from sandbox.simulation.parts import Count, Duration, Many, Part, seconds, written

if TYPE_CHECKING:
    from sandbox.simulation.scenario import Scenario

BEFORE, AFTER = 10 * 60, 25 * 60
"""Seconds around a planned step in which its service is left alone."""
TRIES = 30
REASONS = (
    "restart after config change, ticket OPS-4411",
    "Essential container in task exited",  # what people write there is no evidence
    "load test done",
    None,
)
_TAG = re.compile(r"^(.*:(?:.*\D)?)(\d+)$")


class Normal(Part):
    """What goes on all the time: how often each of it happens. Another seed, another time and another service."""

    lasts: Duration = timedelta(hours=1)
    """From the beginning of the timeline."""
    deployments: Count = 0
    """Rolling deployments of the next version: the number at the end of the image's tag goes up."""
    scalings: Count = 0
    """Scaling out, and back in a while later."""
    jobs: Count = 0
    """Tasks that do their work and end with 0: one of `runs`."""
    runs: Annotated[tuple[RunTask, ...], Field(strict=False)] = ()
    """What jobs there are; the images of all should end with 0."""
    spot_interruptions: Count = 0
    """Of services on FARGATE_SPOT."""
    user_stops: Count = 0
    maintenance: Count = 0
    """Of the hosts of services on Fargate."""
    drains: Count = 0
    """Of a container instance, and back."""
    calm_alarms: Count = 0
    """CloudWatch alarms that are over."""
    alarms: Many = ()
    """Their names."""
    spared: Many = ()
    """Services that none of it befalls."""

    @property
    def until(self) -> timedelta:
        """When the last of it has happened."""
        return self.lasts if any(getattr(self, kind) for kind in _KINDS) else timedelta(0)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw: steps in the order of their time, and how the images behave that are new in them."""

    steps: tuple[Step, ...]
    images: Mapping[str, Behaviour]


def draw(scenario: "Scenario", seed: int, share: float = 1.0) -> Drawn:
    """What is normal in a run of a scenario with this seed, or a share of it."""
    drawing = _Drawing(scenario, random.Random(f"normal {seed}"))
    for kind, happens in _KINDS.items():
        for _ in range(round(getattr(scenario.normal, kind) * share)):
            happens(drawing)
    images: dict[str, Behaviour] = {}
    steps = tuple(_next_versions(scenario, sorted(drawing.steps, key=lambda entry: entry[0]), images))
    return Drawn(steps, images)


def _next_versions(scenario: "Scenario", steps: list[tuple[int, Step]], images: dict[str, Behaviour]) -> Iterator[Step]:
    """Number what is deployed in the order of time; each version behaves as the one before it."""
    now = {name: _first_image(scenario, service.task) for name, service in scenario.services.items()}
    for at, step in steps:
        if step.deploy is None:
            yield step
            continue
        before = now[step.deploy.service]
        match = _TAG.match(before)
        image = now[step.deploy.service] = f"{match[1]}{int(match[2]) + 1}" if match else f"{before}-2"
        images[image] = images[before] if before in images else scenario.images[before]
        yield _step(at, "deploy", service=step.deploy.service, image=image)


def _first_image(scenario: "Scenario", family: str) -> str:
    return next(iter(scenario.task_definitions[family].containers.values())).image


def _step(at: int, kind: str, **what: Any) -> Step:
    return Step.model_validate({"at": written(timedelta(seconds=at)), kind: what})


@dataclass(slots=True)
class _Drawing:
    """A draw while it goes on. `taken` has the spans in which each service is spoken for, in seconds."""

    scenario: "Scenario"
    rng: random.Random
    steps: list[tuple[int, Step]] = field(default_factory=list)
    taken: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    deployed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        planned = [(at, step.action) for at, _, step in self.scenario.planned()]
        self.deployed = frozenset(action.service for _, action in planned if isinstance(action, Deploy | Release))
        for at, action in planned:
            for name in (getattr(action, "service", None), *getattr(action, "services", ())):
                if name is not None:
                    self.take(name, seconds(at) - BEFORE, seconds(at) + AFTER)

    def take(self, service: str, since: int, until: int) -> None:
        """Speak for a service."""
        self.taken.setdefault(service, []).append((since, until))

    def free(self, service: str, since: int, until: int) -> bool:
        """Whether nothing else befalls a service then."""
        return all(until <= begins or ends <= since for begins, ends in self.taken.get(service, ()))

    def moment(self, room: int = 0) -> int:
        """A second of the stretch, with room after it."""
        return self.rng.randrange(60, max(61, seconds(self.scenario.normal.lasts) - room))

    def some(self, may: Callable[[str], bool], takes: int) -> tuple[int, str] | None:
        """A time, and a service that is free then for so many seconds; none if it is all too crowded."""
        spared = self.scenario.normal.spared
        names = [name for name in self.scenario.services if name not in spared and may(name)]
        for _ in range(TRIES if names else 0):
            at, name = self.moment(takes), self.rng.choice(names)
            if self.free(name, at, at + takes):
                self.take(name, at, at + takes)
                return at, name
        return None

    def add(self, at: int, kind: str, **what: Any) -> None:
        """One step more."""
        self.steps.append((at, _step(at, kind, **what)))


def _deployment(drawing: _Drawing) -> None:
    found = drawing.some(lambda name: name not in drawing.deployed, 15 * 60)
    if found is not None:
        at, name = found
        image = _first_image(drawing.scenario, drawing.scenario.services[name].task)  # numbered later
        drawing.add(at, "deploy", service=name, image=image)


def _scaling(drawing: _Drawing) -> None:
    lasts = 60 * drawing.rng.randrange(8, 40)
    found = drawing.some(lambda name: True, lasts + 3 * 60)
    if found is not None:
        at, name = found
        desired = drawing.scenario.services[name].desired
        drawing.add(at, "scale", service=name, desired=desired + drawing.rng.randrange(1, 4))
        drawing.add(at + lasts, "scale", service=name, desired=desired)


def _job(drawing: _Drawing) -> None:
    runs = drawing.scenario.normal.runs
    if runs:
        run = drawing.rng.choice(runs)
        drawing.add(drawing.moment(10 * 60), "run_task", **run.model_dump(mode="python", exclude_defaults=True))


def _spot(drawing: _Drawing) -> None:
    services = drawing.scenario.services
    found = drawing.some(lambda name: services[name].capacity_provider == "FARGATE_SPOT", 8 * 60)
    if found is not None:
        drawing.add(found[0], "spot_interruption", service=found[1])


def _user_stop(drawing: _Drawing) -> None:
    found = drawing.some(lambda name: True, 5 * 60)
    if found is not None:
        reason = drawing.rng.choice(REASONS)
        drawing.add(found[0], "stop_task", service=found[1], **({} if reason is None else {"reason": reason}))


def _maintenance(drawing: _Drawing) -> None:
    found = drawing.some(lambda name: drawing.scenario.services[name].on_fargate, 5 * 60)
    if found is not None:
        drawing.add(found[0], "maintenance", service=found[1])


def _drain(drawing: _Drawing) -> None:
    """Services on instances are left alone meanwhile: an instance less has room for what runs, not for everything."""
    clusters = drawing.scenario.account.clusters
    there = [(name, sum(one.count for one in cluster.instances)) for name, cluster in clusters.items()]
    there = [(name, number) for name, number in there if number > 1]
    for _ in range(TRIES if there else 0):
        cluster, number = drawing.rng.choice(there)
        at = drawing.moment(20 * 60)
        on_it = [name for name, one in drawing.scenario.services.items() if one.cluster == cluster]
        on_it = [name for name in on_it if not drawing.scenario.services[name].on_fargate]
        if all(drawing.free(name, at - 5 * 60, at + 20 * 60) for name in on_it):
            for name in on_it:
                drawing.take(name, at - 5 * 60, at + 20 * 60)
            which = drawing.rng.randrange(1, number + 1)
            drawing.add(at, "drain", cluster=cluster, instance=which)
            drawing.add(at + 12 * 60, "drain", cluster=cluster, instance=which, undo=True)
            return


def _calm_alarm(drawing: _Drawing) -> None:
    alarms = drawing.scenario.normal.alarms
    if alarms:
        before = drawing.rng.choice(("ALARM", "INSUFFICIENT_DATA"))
        told = {"alarmName": drawing.rng.choice(alarms), "state": {"value": "OK"}, "previousState": {"value": before}}
        drawing.add(drawing.moment(), "put_event", file="alarm_in_alarm", changes={"detail": told})


_KINDS: Mapping[str, Callable[[_Drawing], None]] = {
    "drains": _drain,
    "spot_interruptions": _spot,
    "user_stops": _user_stop,
    "maintenance": _maintenance,
    "deployments": _deployment,
    "scalings": _scaling,
    "jobs": _job,
    "calm_alarms": _calm_alarm,
}
"""Those that need the most room first."""


def planned_and_drawn(scenario: "Scenario", drawn: Drawn) -> Iterator[tuple[timedelta, str, Step]]:
    """Everything that happens, in the order of time, with its place in the file."""
    every = [(at, _written(where), step) for at, where, step in scenario.planned()]
    every += [(step.at, f"normal, {written(step.at)}", step) for step in drawn.steps]
    yield from sorted(every, key=lambda entry: entry[0])


def _written(where: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")
