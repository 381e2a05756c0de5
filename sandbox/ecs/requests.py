"""Requests on a listener over time: which target answers each of them, how, and how fast. Deterministic.

A request goes to the rule that takes it, to one of its target groups by weight, and there to the next target in turn
that is healthy. If none is healthy, all that are registered take turns (ELBv2 fails open); if none is registered, or
all weights are 0, it fails with 503. A target that is not healthy, or whose task does not run any more, answers with
502. What a workload answers while it is healthy is `Answers`, per image: a share of 500s, and a latency.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.ecs.balancers import Balancers
from sandbox.ecs.errors import invalid
from sandbox.ecs.state import Service, Target
from sandbox.ecs.world import World

MINUTE = 60_000
NOT_BY_A_TARGET = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answers:
    """How a workload answers requests while it runs: the share of 500s, and the median and spread of its latency."""

    error_rate: float = 0.0
    latency_ms: float = 20.0
    spread: float = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: its status, and whose it was. `revision` is the task definition's family:revision."""

    status: int
    service: str | None = None
    revision: str | None = None
    group: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the caller got an error of the server's side."""
        return self.status >= 500


@dataclass(slots=True)
class Sample:
    """One minute of one target group: how many requests, how many 5xx by targets and by the balancer, how slow.

    As in CloudWatch, a request that found no target is none of the target group's, only a 5xx of the balancer.
    """

    requests: int = 0
    target_5xx: int = 0
    balancer_5xx: int = 0
    latencies: list[float] = field(default_factory=list)
    """In milliseconds, of requests that a target answered."""


@dataclass(slots=True, eq=False)
class Flow:
    """A steady stream of requests, and what has become of them."""

    listener: str
    path: str
    host: str
    per_second: float
    until: int
    counts: Counter[Outcome] = field(default_factory=Counter)

    @property
    def sent(self) -> int:
        """How many requests there were."""
        return self.counts.total()

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(count for outcome, count in self.counts.items() if outcome.failed)

    def by(self, name: str) -> dict[str | int | None, int]:
        """How many requests per status, service, revision or group."""
        found: Counter[str | int | None] = Counter()
        for outcome, count in self.counts.items():
            found[getattr(outcome, name)] += count
        return dict(sorted(found.items(), key=lambda one: str(one[0])))


class Requests:
    """All requests of an account."""

    def __init__(self, world: World, balancers: Balancers) -> None:
        self._world, self._balancers = world, balancers
        self.answers: dict[str, Answers] = {}
        """By image; those that nobody set are the defaults."""
        self.flows: list[Flow] = []
        self.samples: dict[str, dict[int, Sample]] = defaultdict(lambda: defaultdict(Sample))
        """By target group, and by the minute it began with, in milliseconds since 1970."""
        self._credit: dict[str, dict[str, int]] = {}
        self._turn: Counter[str] = Counter()
        self._luck: dict[str, random.Random] = {}

    def flow(self, listener: str, path: str, per_second: float, seconds: float, *, host: str = "") -> Flow:
        """Send requests from now on, evenly spaced. A flow does not keep the model from being idle."""
        self._balancers.listener(listener)
        if not 0 < per_second <= 1000:
            raise invalid("a flow has more than 0 and at most 1000 requests a second")
        made = Flow(listener, path, host, per_second, self._world.now + round(seconds * 1000))
        self.flows.append(made)
        self._next(made, self._world.now, 0)
        return made

    def _next(self, flow: Flow, began: int, number: int) -> None:
        at = began + round(number * 1000 / flow.per_second)
        if at < flow.until:
            self._world.engine.background_at(at, self._send, flow, began, number)

    def _send(self, flow: Flow, began: int, number: int) -> None:
        flow.counts[self.send(flow.listener, flow.path, flow.host)] += 1
        self._next(flow, began, number + 1)

    def send(self, listener: str, path: str, host: str = "") -> Outcome:
        """One request, now."""
        placed = self._balancers.route(listener, path, host)
        if placed.status is not None:
            return Outcome(placed.status)
        group = self._group(placed.rule.arn, placed.rule.weights)
        if group is None:
            return Outcome(503)
        target = self._target(group)
        sample = self.samples[group][self._world.now // MINUTE * MINUTE]
        sample.requests += target is not None
        outcome, latency = self._answered(group, target)
        if outcome.status in NOT_BY_A_TARGET:
            sample.balancer_5xx += 1
        else:
            sample.target_5xx += outcome.failed
            sample.latencies.append(latency)
        return outcome

    def failed(self, service: str) -> int:
        """How many requests for a service failed, of all flows."""
        counts = (each for flow in self.flows for each in flow.counts.items())
        return sum(count for outcome, count in counts if outcome.service == service and outcome.failed)

    def _group(self, rule: str, weights: dict[str, int]) -> str | None:
        """By weight, as evenly as can be: the group that is owed most."""
        total = sum(weights.values())
        if total == 0:
            return None
        credit = self._credit.setdefault(rule, {})
        for group, weight in weights.items():
            credit[group] = credit.get(group, 0) + weight if weight else 0
        chosen = max(weights, key=lambda group: (weights[group] > 0, credit[group]))
        credit[chosen] -= total
        return chosen

    def _target(self, group: str) -> Target | None:
        targets = [one for one in self._world.target_groups[group].targets.values() if one.state != "draining"]
        able = [one for one in targets if one.state == "healthy"] or targets
        if not able:
            return None
        self._turn[group] += 1
        return able[self._turn[group] % len(able)]

    def _answered(self, group: str, target: Target | None) -> tuple[Outcome, float]:
        name = self._world.target_groups[group].name
        if target is None:
            owner = next((service.name for service in self._owners(group)), None)
            return Outcome(503, owner, None, name), 0.0
        task = target.task
        service = None if task.service is None else task.service.name
        revision = f"{task.definition.family}:{task.definition.revision}"
        if target.state != "healthy" or task.last_status != "RUNNING":
            return Outcome(502, service, revision, name), 0.0
        image = task.definition.containers[0].image
        answers, luck = self.answers.get(image, Answers()), self._luck_of(group)
        status = 500 if luck.random() < answers.error_rate else 200
        latency = answers.latency_ms * luck.lognormvariate(0.0, answers.spread)
        return Outcome(status, service, revision, name), latency

    def _luck_of(self, group: str) -> random.Random:
        if group not in self._luck:
            self._luck[group] = self._world.stream("requests", group)
        return self._luck[group]

    def _owners(self, group: str) -> Iterator[Service]:
        for cluster in self._world.clusters.values():
            for service in cluster.services.values():
                for binding in service.primary.revision.load_balancers:
                    if group in (binding.target_group_arn, getattr(binding, "alternate_target_group_arn", None)):
                        yield service

    def between(self, group: str, start: int, end: int) -> list[tuple[int, Sample]]:
        """The samples of a target group whose minutes begin in a span, in order."""
        return sorted((at, one) for at, one in self.samples.get(group, {}).items() if start <= at < end)
