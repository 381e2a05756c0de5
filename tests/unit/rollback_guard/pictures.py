"""Pictures of a service to decide about; a test changes what it is about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from breakwater.evidence import Kind, Tally
from breakwater.ledger import KnownGood, Ledger, Quarantined, Rollback, State
from breakwater.model import Cause, Mode
from breakwater.policies import GuardPolicy
from rollback_guard.counted import ServiceName
from rollback_guard.picture import (
    Picture,
    Presence,
    Rollout,
    RolloutState,
    ServiceDeployment,
    Target,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOW = NOON + timedelta(minutes=2)
WHO = ServiceName("prod", "web")
GOOD, BAD, OLDER = (f"arn:aws:ecs:us-east-1:111122223333:task-definition/web:{number}" for number in (41, 42, 40))
ACT = GuardPolicy(mode=Mode.ACT)

PRIMARY = Rollout("ecs-svc/2", BAD, RolloutState.IN_PROGRESS, NOON, desired=10, running=0, pending=4)
OLD = Rollout("ecs-svc/1", GOOD, RolloutState.COMPLETED, NOON - timedelta(days=3), desired=10, running=10)
UNDER_WAY = ServiceDeployment("arn:sd/2", "IN_PROGRESS", BAD)
LEDGER = Ledger((KnownGood(GOOD, NOON - timedelta(days=3)), KnownGood(OLDER, NOON - timedelta(days=9))))
THERE = Target(GOOD, Presence.THERE, Presence.THERE)


def quarantined(revision: str) -> Ledger:
    """The ledger with a revision in quarantine."""
    return replace(LEDGER, quarantined=(Quarantined(revision, NOON),))


def rolled_back(at: datetime, bad: str, to: str, deployment: str | None = None) -> Rollback:
    """A rollback of ours that is over."""
    return Rollback(at, bad, to, "ecs-svc/0", State.STEADY, "why", deployment=deployment)


def refused(bad: str, to: str, fence: str) -> Rollback:
    """A rollback that ECS refused."""
    return Rollback(NOON, bad, to, fence, State.FAILED, "why")


def tally(cause: Cause = Cause.IMAGE_PULL, code: int = 1, **counts: int) -> Tally:
    """So many failures of each kind, all in the last minute."""
    return tally_of(counts, cause, code)


def tally_of(counts: Mapping[str, int], cause: Cause = Cause.IMAGE_PULL, code: int = 1) -> Tally:
    """The same from a mapping."""
    found = Tally()
    for name, count in counts.items():
        for _ in range(count):
            found = found.adding(Kind(name), NOW - timedelta(seconds=30), cause=cause, code=code)
    return found


def a_picture(**changes: Any) -> Picture:
    """Six tasks of the new revision crashed on start, the old one is fine, everything allows to go back."""
    picture = Picture(
        service=WHO,
        read_at=NOW,
        primary=PRIMARY,
        desired=10,
        own=tally(early=6),
        others=(OLD,),
        service_deployment=UNDER_WAY,
        platform_target=GOOD,
        ledger=LEDGER,
        targets=(THERE,),
    )
    return replace(picture, **changes)
