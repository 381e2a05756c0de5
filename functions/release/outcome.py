"""Is the service as it should be? The same question after a release and after a return, with other expectations.

ECS is eventually consistent: what is not so yet may be so soon. Only time makes it wrong.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import gcd

from .facts import ServiceSeen, Weights


@dataclass(frozen=True, slots=True)
class Expected:
    """How the service should look. `weights` only where they are known beforehand: on the way back, as recorded.

    After a release forward the new side has all of the weight at each rule of `rules_shifted`: which of the two target
    groups that is, ECS chooses.
    """

    task_definition: str
    weights: Weights = field(default_factory=dict)
    rules_shifted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """It is as it should be."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """It may still become so: look again."""

    reason: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """It is not, and waiting does not help: a person is told what is missing."""

    reason: str
    missing: tuple[str, ...]


OutcomeDecision = Verified | NotYet | Wrong


def decide_outcome(expected: Expected, seen: ServiceSeen, now: datetime, until: datetime) -> OutcomeDecision:
    """Compare what is seen with what should be, until `until`."""
    missing = tuple(_missing(expected, seen))
    if not missing:
        healthy = seen.targets.get("healthy", 0)
        return Verified(
            f"{seen.task_definition.rpartition('/')[2]} runs {seen.running} of {seen.desired} tasks, {healthy} targets "
            "healthy, the weights are as they should be"
        )
    told = "; ".join(missing)
    return Wrong(f"not so by {until:%H:%M} UTC: {told}", missing) if now >= until else NotYet(told, missing)


def _missing(expected: Expected, seen: ServiceSeen) -> Iterator[str]:
    if seen.task_definition != expected.task_definition:
        wanted, there = (one.rpartition("/")[2] for one in (expected.task_definition, seen.task_definition))
        yield f"the service has {there}, not {wanted}"
    if seen.deployments > 1:
        yield f"{seen.deployments} deployments are still there"
    if seen.running != seen.desired:
        yield f"{seen.running} of {seen.desired} tasks run"
    bad = {state: count for state, count in seen.targets.items() if state not in ("healthy", "draining") and count}
    if bad:
        yield f"targets are {', '.join(f'{state} ({count})' for state, count in sorted(bad.items()))}"
    elif seen.targets and seen.targets.get("healthy", 0) < seen.desired:
        yield f"{seen.targets.get('healthy', 0)} of {seen.desired} targets are healthy"
    for rule, weights in sorted(expected.weights.items()):
        now = {**dict.fromkeys(weights, 0), **seen.weights.get(rule, {})}
        if _shares(now) != _shares(weights):
            yield f"the weights at {_name(rule)} are {_told(now)}, not {_told(weights)}"
    for rule in expected.rules_shifted:
        shares = [weight for weight in seen.weights.get(rule, {}).values() if weight]
        if len(shares) != 1:
            yield f"the weights at {_name(rule)} are {_told(seen.weights.get(rule, {}))}, not all on one side"


def _shares(weights: Mapping[str, int]) -> dict[str, int]:
    """The proportions of the traffic, in the smallest numbers: 1 and 0 is the same as ECS's 100 and 0."""
    largest = gcd(*weights.values())
    return {group: weight // largest for group, weight in weights.items() if weight}


def _name(rule: str) -> str:
    return rule.rpartition("/")[2] or rule


def _told(weights: object) -> str:
    return ", ".join(f"{_group(group)} {weight}" for group, weight in sorted(dict(weights).items())) or "unknown"  # type: ignore[call-overload]  # a mapping


def _group(arn: str) -> str:
    return arn.split("targetgroup/")[-1].partition("/")[0]
