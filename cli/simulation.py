"""A scenario file run in the sandbox: the account is made, the timeline happens, and what is left is judged."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from breakwater.compiled import Compiled, loaded
from breakwater.policy_reader import COMPILED
from cli.hindsight import leaks
from cli.rehearsal import TEMPLATE, WEBHOOK, Inbox, Progress, Watcher, left, parameters
from cli.releases import as_data, kept, line
from cli.run import Message, Run
from cli.stretch import Canary, Delivery, Expected, ServiceAt, Stretch, Trouble
from release.story import steps
from sandbox.bus import Chaos
from sandbox.ecs.errors import EcsError
from sandbox.ecs.log import Change
from sandbox.ecs.names import moment
from sandbox.front import Sandbox
from sandbox.patterns import compile_pattern
from sandbox.simulation.actions import Action
from sandbox.simulation.build import ScenarioError, Stage, building, declaring
from sandbox.simulation.enact import enact
from sandbox.simulation.evidence import Evidence, Noted, Recorder, Told, gather
from sandbox.simulation.judge import Verdict, judge, usual
from sandbox.simulation.logs import LastWords
from sandbox.simulation.normal import Drawn, draw, planned_and_drawn
from sandbox.simulation.parts import written
from sandbox.simulation.scenario import Faults, Scenario


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline that nobody was told of.

    It says what people did (`people`), what became of it in ECS (`ecs`), or what a release did (`release`).
    """

    at: datetime
    who: str
    what: str
    bodes: str = ""
    """Of a step of a release that was judged: `good`, `bad` or `open`."""


class StepError(Exception):
    """A step of the timeline that could not be carried out; `path` names it in the file."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path, self.why = path, why


@dataclass(slots=True)
class Onlooker(Watcher):
    """Whom a simulation tells what happens, while it does."""

    happened: Callable[[Happening], None] = lambda happening: None


@dataclass(frozen=True, slots=True)
class Simulation:
    """A run of a scenario, and the verdicts on it. `log` is that of ECS, one line of JSON for each change."""

    scenario: Scenario
    seed: int
    run: Run
    evidence: Evidence
    claimed: tuple[Verdict, ...]
    """On what the scenario says."""
    usual: tuple[Verdict, ...]
    """On what holds for each that does not say otherwise."""
    happenings: tuple[Happening, ...]
    log: str
    stretch: Stretch
    """The same as events in order of arrival, for the report."""

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All of them."""
        return *self.claimed, *self.usual

    @property
    def ok(self) -> bool:
        """Whether everything is as expected."""
        return all(verdict.ok for verdict in self.verdicts)

    def result(self) -> dict[str, Any]:
        """The whole result for programs. The same scenario and seed give the same text; real time is not in it."""
        evidence = self.evidence
        return {
            "ok": self.ok,
            "emulated": True,
            "title": self.scenario.title,
            "seed": self.seed,
            "began": self.scenario.start.isoformat(),
            "ended": self.stretch.end.isoformat(),
            "expectations": [asdict(verdict) for verdict in self.verdicts],
            "services": {name: asdict(state) for name, state in evidence.services.items()},
            "incidents": [
                {
                    "id": one.id,
                    "subject": str(one.subject),
                    "severity": one.severity,
                    "category": one.category,
                    "cause": one.cause,
                    "status": one.status,
                    "failures": one.count,
                    "summary": one.summary,
                }
                for one in evidence.told.incidents
            ],
            "messages": [
                {"at": one.at.isoformat(), "channel": one.channel, "title": one.title} for one in self.run.messages
            ],
            "releases": as_data(self.run.releases),
            "timeline": [{"at": one.at.isoformat(), "who": one.who, "what": one.what} for one in self.happenings],
            "figures": {
                "events": len(self.stretch.deliveries),
                "reached_the_code": len(self.run.admitted),
                "aws_calls": sum(self.run.calls.values()),
                "dead_letters": len(evidence.told.dead_letters),
            },
        }


def simulate(
    scenario: Scenario, seed: int | None = None, onlooker: Onlooker | None = None, *, share: float = 1.0
) -> Simulation:
    """Run a scenario against the whole sandbox, with its own seed or another.

    `share` is how much of what is normal in it happens, for those in a hurry.
    """
    began = time.perf_counter()
    used, watcher = scenario.seed if seed is None else seed, onlooker or Onlooker()
    drawn = draw(scenario, used, share)
    whole = scenario.model_copy(update={"images": {**scenario.images, **drawn.images}})
    with Sandbox.deploy(
        TEMPLATE,
        {**parameters(), **scenario.parameters},
        account=scenario.account.id,
        region=scenario.account.region,
        start=scenario.start - scenario.warm_up,
        seed=used,
    ) as sandbox:
        return _Simulating(whole, drawn, used, sandbox, watcher).run(began)


@dataclass(slots=True)
class _Simulating:
    """One simulation while it goes on."""

    scenario: Scenario
    drawn: Drawn
    seed: int
    sandbox: Sandbox
    watcher: Onlooker
    stage: Stage = field(init=False)
    recorder: Recorder = field(init=False)
    last_words: LastWords = field(init=False)
    inbox: Inbox = field(default_factory=Inbox)
    happenings: list[Happening] = field(default_factory=list)
    waiting: list[Happening] = field(default_factory=list)
    """Not yet shown; messages and happenings are shown in the order of their time."""
    deliveries: list[Delivery] = field(default_factory=list)
    services: list[ServiceAt] = field(default_factory=list)
    admitted: set[int] = field(default_factory=set)
    told_of: Counter[str] = field(default_factory=Counter)
    """How many steps of each execution of a release were shown, and of which no more will come."""
    over: set[str] = field(default_factory=set)
    progress: Progress = field(init=False)

    def run(self, began: float) -> Simulation:
        """From the empty account to the verdicts."""
        scenario, sandbox = self.scenario, self.sandbox
        self.progress = Progress(sandbox.now)
        self.stage = Stage(scenario, sandbox)
        self.recorder, self.last_words = Recorder(self.stage), LastWords(self.stage)
        sandbox.ecs.listen(self._changed)
        sandbox.account.bus.heard = self._heard
        sandbox.account.bus.chaos = _chaos(scenario.faults)
        for path, make in building(self.stage):
            with sandbox.account.clock.frozen():
                self._carefully(path, make)
        self._advance(scenario.start)
        self._check_settled()
        for path, make in declaring(self.stage):
            with sandbox.account.clock.frozen():
                self._carefully(path, make)
        self.recorder.begin(scenario.start)
        for at, path, step in planned_and_drawn(scenario, self.drawn):
            self._advance(scenario.start + at)
            self._happened(sandbox.now, "people", step.action.told())
            self._carefully(f"{path}.{step.name}", partial(self._enact, step.action))
        self._advance(scenario.start + scenario.lasts)
        self.recorder.end(sandbox.now)
        self._collect()
        run = left(sandbox, self.inbox, frozenset(self.admitted), time.perf_counter() - began)
        stretch, run = self._stretch(run)
        evidence = gather(self.stage, self.recorder, _told(run, stretch.canaries))
        return Simulation(
            scenario,
            self.seed,
            run,
            evidence,
            tuple(judge(scenario, evidence)),
            tuple(usual(scenario, evidence)),
            tuple(self.happenings),
            sandbox.ecs.log(),
            stretch,
        )

    def _check_settled(self) -> None:
        """A timeline begins in peace, unless the scenario says that it does not warm up."""
        for name, service in self.scenario.services.items():
            found = self.sandbox.ecs.active_service(service.cluster, name)
            if self.scenario.warm_up and found.primary.rollout_state != "COMPLETED":
                after = f"{written(self.scenario.warm_up)} after it was created"
                raise StepError(
                    f"services.{name}", f"not deployed {after}: give it a longer warm_up, or none at all (0s)"
                )

    def _enact(self, action: Action) -> None:
        with self.sandbox.account.clock.frozen():
            enact(action, self.stage)
        self.sandbox.account.raise_faults()

    def _carefully(self, path: str, act: Callable[[], None]) -> None:
        """What AWS refuses is a mistake of the scenario, at this place of it."""
        try:
            act()
        except ClientError as error:
            why = error.response["Error"]
            raise StepError(path, f"{error.operation_name} was refused: {why['Code']}: {why['Message']}") from error
        except (EcsError, ScenarioError, ParamValidationError) as error:
            raise StepError(path, str(error)) from error

    def _advance(self, until: datetime) -> None:
        """Let time pass minute by minute, so that whoever watches sees people being told."""
        self._collect()
        while self.sandbox.now < until:
            self.sandbox.advance(min(until, self.sandbox.now + timedelta(minutes=1)))
            self._collect()

    def _follow(self) -> None:
        """Whatever releases have done since the last look."""
        for execution in self.sandbox.executions:
            if execution.state_machine != "ReleaseStateMachine" or execution.arn in self.over:
                continue
            if execution.status != "RUNNING":
                self.over.add(execution.arn)
            key = {"pk": {"S": f"RELEASE#{execution.arn}"}, "sk": {"S": "RELEASE"}}
            table = self.sandbox.resource("Table").physical_id
            item = self.sandbox.client("dynamodb").get_item(TableName=table, Key=key).get("Item")
            if item is not None:
                release = kept({"doc": item["doc"]["S"]})
                told = steps(release)
                for step in told[self.told_of[execution.arn] :]:
                    what = line(release.service or "a release", step)
                    self._happened(step.at, "release", what, step.mark[1] if step.mark else "")
                self.told_of[execution.arn] = len(told)

    def _collect(self) -> None:
        self._follow()
        fresh = self.inbox.collect(self.sandbox)
        self.waiting.sort(key=lambda happening: happening.at)
        for happening in self.waiting:
            before = [message for message in fresh if message.at < happening.at]
            fresh = fresh[len(before) :]
            self._tell(before)
            self.watcher.happened(happening)
        self._tell(fresh)
        self.waiting.clear()
        self.progress.at = self.sandbox.now
        self.progress.share = max(0.0, (self.sandbox.now - self.scenario.start) / self.scenario.lasts)
        self.progress.events, self.progress.admitted = len(self.deliveries), len(self.admitted)
        self.watcher.moved(self.progress)

    def _tell(self, messages: list[Message]) -> None:
        if messages:
            self.watcher.told(messages)

    def _heard(self, event: Mapping[str, Any], matched: bool) -> None:
        if matched:
            self.admitted.add(len(self.deliveries))
        self.deliveries.append(Delivery(self.sandbox.now, event))
        self.recorder.heard(event)

    def _changed(self, change: Change, event: Mapping[str, Any] | None) -> None:
        self.recorder.changed(change, event)
        self.last_words.changed(change, event)
        if change.kind == "service_deployment":
            cluster, name, _ = change.subject.split("/", 2)
            note = f" ({change.note})" if change.note else ""
            self._happened(moment(change.at), "ecs", f"{cluster}/{name}: {change.status}{note}")
        elif change.kind == "deployment":
            cluster, name, _ = change.subject.split("/", 2)
            shown = self.sandbox.account.ecs.answer("DescribeServices", {"cluster": cluster, "services": [name]})
            self.services += [ServiceAt(moment(change.at), service) for service in shown["services"]]

    def _happened(self, at: datetime, who: str, what: str, bodes: str = "") -> None:
        happening = Happening(at, who, what, bodes)
        self.happenings.append(happening)
        if self.recorder.began is not None:
            self.waiting.append(happening)

    def _in_force(self) -> Compiled | None:
        """The policy at the end, if the stack acts on it."""
        items = [item for item in self.sandbox.table_items() if (item["pk"], item["sk"]) == COMPILED]
        acts = self.scenario.parameters.get("Mode") == "act"
        return loaded(str(items[0]["doc"])) if items and acts else None

    def _stretch(self, run: Run) -> tuple[Stretch, Run]:
        """What was on the bus, and which of it reached the code: since the timeline began, as the warm-up is no news.

        If an incident began in the warm-up, it is all there.
        """
        scenario, ecs = self.scenario, self.sandbox.client("ecs")
        before = sum(delivery.at < scenario.start for delivery in self.deliveries)
        skipped = 0 if any(one.first_seen < scenario.start for one in run.incidents) else before
        arns = [one.arn for family in self.sandbox.ecs.world.families.values() for one in family]
        jobs = set(scenario.task_definitions) - {service.task for service in scenario.services.values()}
        stretch = Stretch(
            title=scenario.title,
            seed=self.seed,
            account=scenario.account.id,
            region=scenario.account.region,
            start=scenario.start if skipped else scenario.start - scenario.warm_up,
            end=self.sandbox.now,
            deliveries=tuple(self.deliveries[skipped:]),
            task_definitions=tuple(ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"] for arn in arns),
            services=tuple(self.services),
            troubles=tuple(_troubles(scenario)),
            canaries=tuple(_canaries(scenario)),
            policy=self._in_force(),
            cast={
                "clusters": len(scenario.account.clusters),
                "services": len(scenario.services),
                "jobs": len(jobs),
            },
        )
        admitted = frozenset(position - skipped for position in self.admitted if position >= skipped)
        return stretch, replace(run, admitted=admitted)


def _canaries(scenario: Scenario) -> Iterator[Canary]:
    """Those of the scenario; beside them the sandbox's own secret is one."""
    if scenario.canaries:
        yield from (Canary(where, secret) for where, secret in scenario.canaries.items())
        yield WEBHOOK


def _chaos(faults: Faults) -> Chaos:
    return Chaos(
        drop=faults.drop,
        duplicate=faults.duplicate,
        delay=faults.delay,
        again=faults.again,
        renamed=faults.renamed,
        late=faults.late,
        late_by=faults.late_by,
        only=None if faults.only is None else compile_pattern(faults.only),
    )


def _told(run: Run, canaries: tuple[Canary, ...]) -> Told:
    return Told(
        tuple(run.incidents),
        len(run.messages),
        run.dead_letters,
        run.errors,
        tuple(Noted(line.automation, line.subject, line.decision, line.outcome) for line in run.journal),
        tuple(leak.found for leak in leaks(run, canaries)),
    )


def _troubles(scenario: Scenario) -> Iterator[Trouble]:
    for name, trouble in sorted(scenario.troubles.items(), key=lambda each: each[1].at):
        expected = tuple(Expected(each.subject, each.category, each.cause) for each in trouble.incidents)
        yield Trouble(name, scenario.start + trouble.at, trouble.story, expected)


def as_json(simulation: Simulation) -> str:
    """The result as text: the same bytes for the same scenario and seed."""
    return json.dumps(simulation.result(), ensure_ascii=False)
