"""The ledger: per service, which revisions are known good, which are quarantined, and what was rolled back.

A revision is known good once its deployment COMPLETED and it then ran without a crash for the policy's bake. A task
definition is named by its ARN. Everything is bounded, so it stays small however old the service is. Pure; the table's
side is `breakwater.ledger_store`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

MOST_GOOD = 5
MOST_BAD = 20
MOST_ROLLBACKS = 20


@dataclass(frozen=True, slots=True)
class KnownGood:
    """A revision that ran well. `since` is when that was first shown, `deployment` the last one that showed it.

    `digests` are pairs of container and image digest, where the registry tells it.
    """

    revision: str
    since: datetime
    digests: tuple[tuple[str, str], ...] = ()
    deployment: str | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A revision that was rolled back, or should have been: it is not rolled back to, nor rolled back twice."""

    revision: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Bake:
    """A revision that COMPLETED and still has to show that it stays up. A crash begins its time anew."""

    deployment: str
    revision: str
    since: datetime


class State(StrEnum):
    """How far a rollback has come."""

    INTENDED = "intended"
    """Written down, and ECS perhaps asked."""
    ASKED = "asked"
    """ECS was asked, and people were told."""
    STEADY = "steady"
    FAILED = "failed"
    ABANDONED = "abandoned"
    """Somebody else deployed before ECS was asked."""
    SUPERSEDED = "superseded"
    """Somebody deployed something else after it, before its outcome was known."""

    @property
    def open(self) -> bool:
        """Whether something is still to be done or to be found out."""
        return self in (State.INTENDED, State.ASKED)


@dataclass(frozen=True, slots=True)
class Rollback:
    """One automatic rollback. `fence` is the deployment that was PRIMARY when it was decided, `stop` the service
    deployment to be stopped if that is how; else the service is updated."""

    at: datetime
    bad: str
    to: str
    fence: str
    state: State
    reason: str
    stop: str | None = None
    remains: tuple[str, ...] = ()
    deployment: str | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """All of it, the newest first."""

    known_good: tuple[KnownGood, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    rollbacks: tuple[Rollback, ...] = ()
    bake: Bake | None = None
    backfilled: bool = False

    @property
    def open_rollback(self) -> Rollback | None:
        """The rollback that is under way, if one is."""
        return next((each for each in self.rollbacks if each.state.open), None)

    @property
    def refused(self) -> frozenset[str]:
        """The revisions in quarantine: never gone back to, and not fought if somebody deploys one again."""
        return frozenset(each.revision for each in self.quarantined)

    def good(self, revision: str) -> KnownGood | None:
        """The entry of a known good revision."""
        return next((each for each in self.known_good if each.revision == revision), None)


def with_good(ledger: Ledger, good: KnownGood) -> Ledger:
    """The ledger with a revision known good, as the newest; it leaves quarantine, for it has shown that it runs.

    One that shows it again keeps the time of the first: what ran well before has not changed with a new deployment.
    """
    before = ledger.good(good.revision)
    if before is not None:
        good = replace(good, since=min(before.since, good.since), digests=good.digests or before.digests)
    others = tuple(each for each in ledger.known_good if each.revision != good.revision)
    return replace(
        ledger,
        known_good=(good, *others)[:MOST_GOOD],
        quarantined=tuple(each for each in ledger.quarantined if each.revision != good.revision),
    )


def unproven(ledger: Ledger, deployment: str, revision: str) -> bool:
    """Whether a COMPLETED deployment has still to show that its revision stays up, each deployment once."""
    good = ledger.good(revision)
    baking = ledger.bake is not None and ledger.bake.deployment == deployment
    return baking or good is None or good.deployment != deployment


def with_completed(ledger: Ledger, deployment: str, revision: str, at: datetime) -> Ledger:
    """The ledger after a deployment COMPLETED: its bake begins, once."""
    if ledger.bake is not None and ledger.bake.deployment == deployment:
        return ledger
    return replace(ledger, bake=Bake(deployment, revision, at))


def with_crash(ledger: Ledger, at: datetime) -> Ledger:
    """The ledger after a crash of the revision that bakes."""
    if ledger.bake is None or at <= ledger.bake.since:
        return ledger
    return replace(ledger, bake=replace(ledger.bake, since=at))


def baked(ledger: Ledger, now: datetime, minutes: int) -> bool:
    """Whether the bake is over without a crash."""
    return ledger.bake is not None and now - ledger.bake.since >= timedelta(minutes=minutes)


def with_intent(ledger: Ledger, rollback: Rollback) -> Ledger:
    """The ledger with a rollback intended and the bad revision quarantined, also where it was known good."""
    return replace(
        ledger,
        rollbacks=(rollback, *ledger.rollbacks)[:MOST_ROLLBACKS],
        quarantined=(
            Quarantined(rollback.bad, rollback.at),
            *(each for each in ledger.quarantined if each.revision != rollback.bad),
        )[:MOST_BAD],
        known_good=tuple(each for each in ledger.known_good if each.revision != rollback.bad),
        bake=None,
    )


def with_state(ledger: Ledger, rollback: Rollback, state: State, deployment: str | None = None) -> Ledger:
    """The ledger with one rollback further on. An abandoned one leaves no quarantine: it was never carried out."""
    changed = replace(rollback, state=state, deployment=deployment or rollback.deployment)
    kept = tuple(changed if each == rollback else each for each in ledger.rollbacks)
    if state is not State.ABANDONED:
        return replace(ledger, rollbacks=kept)
    free = tuple(each for each in ledger.quarantined if each.revision != rollback.bad)
    return replace(ledger, rollbacks=tuple(each for each in kept if each != changed), quarantined=free)
