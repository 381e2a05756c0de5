"""The cheap half: does this stop count, and could a look at the service lead to anything? No Describe for either.

A stop that counts is added to the record of its deployment, once for each task. Then `decide_look` asks whether the
evidence could be enough if nothing but what is known were started: only then is a Describe worth its call. What it
finds (more starts) goes back into the record, so that it takes more failures before the next one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from breakwater.evidence import Exposure, weigh
from breakwater.model import Mode
from breakwater.policies import GuardPolicy

from .counted import COUNTS_FOR, Stop, Suspicion

SKEW = timedelta(minutes=5)
"""How far clocks may differ."""

LOOK_GAPS = tuple(timedelta(seconds=seconds) for seconds in (0, 0, 0, 2, 5, 10, 20, 40, 60))
"""At least so long between one look at a deployment and the next; the last gap goes on."""

OUTSIDE_WORTH_A_LOOK = 3


@dataclass(frozen=True, slots=True)
class Ignore:
    """The stop is no evidence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Count:
    """Add the stop to the record of its deployment, once for each task."""

    stop: Stop
    reason: str


VoteDecision = Ignore | Count


@dataclass(frozen=True, slots=True)
class Wait:
    """Do not look now. Only another failure, or the sweep, changes that."""

    reason: str


@dataclass(frozen=True, slots=True)
class Look:
    """Describe the service and call `decide_rollback`."""

    reason: str


LookDecision = Wait | Look


def decide_vote(stop: Stop | str, policy: GuardPolicy, now: datetime) -> VoteDecision:
    """Say whether a stop counts. A text is the reason why `read_stop` found no evidence in the event."""
    if isinstance(stop, str):
        return Ignore(stop)
    if policy.mode is Mode.OFF:
        return Ignore("the rollback guard is off for this service")
    if stop.early_read and not policy.early_evidence:
        return Ignore("the task is not STOPPED yet, and the policy waits for that")
    if not -SKEW <= now - stop.at <= COUNTS_FOR:
        minutes = (now - stop.at).total_seconds() / 60
        return Ignore(
            f"the task ended {minutes:.0f} minutes ago by its own time: too old, or from the future, to count"
        )
    return Count(stop, f"a failure of kind {stop.kind} of a task of deployment {stop.deployment}")


def decide_look(record: Suspicion, policy: GuardPolicy, now: datetime) -> LookDecision:
    """Say whether to look. `record` includes the stop that was just counted.

    The starts in the record may be too few, so the evidence may seem stronger here than it is, never weaker: what is
    not enough here is not enough after a look either.
    """
    if policy.mode is Mode.OFF:
        return Wait("the rollback guard is off for this service")
    tally, seen = record.tally, record.seen
    if seen is not None and seen.settled:
        return Wait("failures of this deployment no longer count")
    if seen is not None and now < seen.at + look_gap(seen.looks):
        return Wait(
            f"the service was described {(now - seen.at).total_seconds():.0f} s ago, for the {seen.looks}. time"
        )
    if seen is None and tally.outside >= OUTSIDE_WORTH_A_LOOK:
        return Look(f"{tally.outside} tasks could not start for reasons outside the revision")
    weighed = weigh(tally, _known_exposure(record, now))
    numbers = f"{weighed.failures} failures, {weighed.starts} starts known"
    if weighed.enough:
        return Look(f"{numbers}: it could be enough")
    return Wait(f"{numbers}: it cannot be enough")


def look_gap(looks: int) -> timedelta:
    """How long to leave a service alone after so many looks at one deployment."""
    return LOOK_GAPS[min(looks, len(LOOK_GAPS)) - 1] if looks else timedelta()


def _known_exposure(record: Suspicion, now: datetime) -> Exposure:
    seen, failures = record.seen, record.tally.failures
    if seen is None:
        return Exposure(failures)
    hours = (now - seen.created_at).total_seconds() / 3600 if seen.created_at else 0.0
    return Exposure(max(seen.starts, failures), max(0.0, hours) * seen.desired)
