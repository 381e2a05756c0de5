"""What the guard knows of a service when it decides: frozen, made of what AWS gives cheaply, in the words of ECS.

The shell makes it from one DescribeServices (`Service` answer), DescribeServiceDeployments where there is one, the
table's tallies and ledger. Nothing here is looked up later: a decision that needs more says so (`Inspect`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from breakwater.evidence import Tally
from breakwater.ledger import Ledger
from breakwater.model import Cause

from .counted import COUNTS_FOR, ServiceName

UNTIL_STOPPED = timedelta(seconds=15)
"""From the exit of a task until it is STOPPED (performance 4, `s`). Only its exit code may be told before."""

TOLD_BY = UNTIL_STOPPED + timedelta(seconds=5)
"""From the exit of a task until all have heard of it: STOPPED has been delivered, and ECS's breaker has counted it."""


# ── the service ───────────────────────────────────────────────────────────────────────────────────────────────────────


class RolloutState(StrEnum):
    """`rolloutState` of a deployment; ECS omits it for controllers other than its own."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Rollout:
    """One entry of `deployments` in DescribeServices. `revision` is its task definition.

    A task definition is a text here: its ARN, the same spelling everywhere, and shown by its last part (`short`).
    `completed_at` is when it became COMPLETED as far as anybody knows: the ledger's time, else `finishedAt` of its
    service deployment, else its `updatedAt`.
    """

    id: str
    revision: str
    state: RolloutState
    created_at: datetime
    reason: str = ""
    desired: int = 0
    running: int = 0
    pending: int = 0
    failed: int = 0
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Breaker:
    """`deploymentCircuitBreaker` of the service's configuration."""

    enable: bool = False
    rollback: bool = False


@dataclass(frozen=True, slots=True)
class Alarms:
    """`alarms` of the service's deployment configuration."""

    enable: bool = False
    rollback: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceDeployment:
    """What DescribeServiceDeployments says of the deployment under way, or of the last one.

    `status`, `breaker_status` and `alarm_status` are ECS's words. `target` is the task definition it rolls out;
    `rollback_to` the one that the platform is on its way back to.
    """

    arn: str
    status: str
    target: str | None = None
    breaker_status: str = "DISABLED"
    breaker_failures: int = 0
    breaker_threshold: int = 0
    alarm_status: str = "DISABLED"
    triggered_alarms: tuple[str, ...] = ()
    rollback_to: str | None = None


# ── what one could go back to ─────────────────────────────────────────────────────────────────────────────────────────


class Presence(StrEnum):
    """Whether something is there, as far as could be seen."""

    THERE = "there"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Target:
    """What was looked up of one known good revision.

    `active` is GONE if the task definition is INACTIVE or being deleted; `images` is GONE if any image is, UNKNOWN for
    registries that cannot be asked. `shares` names the causes of failure that going back cannot cure because
    both revisions depend on the same thing: IMAGE_PULL if the target has every image reference of the failing one,
    SECRETS if it asks for every secret that the failing one asks for, LOGGING and CONFIGURATION alike for log groups
    and volumes. `differs` are other settings of the service revision that a rollback would change or keep.
    """

    revision: str
    active: Presence = Presence.UNKNOWN
    images: Presence = Presence.UNKNOWN
    shares: frozenset[Cause] = frozenset()
    differs: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether a service can go there: the task definition is surely ACTIVE, and no image surely gone."""
        return self.active is Presence.THERE and self.images is not Presence.GONE


# ── the whole ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that `decide_rollback` looks at.

    `read_at` is when DescribeServices was asked. `own` are the failures of the PRIMARY deployment since `own_since`,
    `control` those of the deployments that are a control group (`no_control`) since `control_since`. `recent` are those
    of `own` that ended less than `TOLD_BY` ago: ECS may not have counted them yet. `starts_seen` is the most starts of
    the PRIMARY deployment that any look found. `platform_target` is the task definition of the last successful service
    deployment: where StopServiceDeployment would go. `targets` are the ledger's known good revisions that were looked
    at, the newest first; `None` means that nobody looked yet.
    """

    service: ServiceName
    read_at: datetime
    primary: Rollout
    desired: int
    own: Tally = field(default_factory=Tally)
    control: Tally = field(default_factory=Tally)
    others: tuple[Rollout, ...] = ()
    recent: int = 0
    starts_seen: int = 0
    looks: int = 0
    controller: str = "ECS"
    strategy: str = "ROLLING"
    active: bool = True
    breaker: Breaker = Breaker()
    alarms: Alarms = Alarms()
    service_deployment: ServiceDeployment | None = None
    platform_target: str | None = None
    ledger: Ledger = field(default_factory=Ledger)
    targets: tuple[Target, ...] | None = None


def own_since(primary: Rollout, now: datetime) -> datetime | None:
    """From when on failures of the PRIMARY deployment count; `None`: all of them.

    While it rolls out, all do. Once it is COMPLETED it has outlived those before a long quiet. To leave failures out
    never makes the evidence stronger, so the stated error rate holds for the deployment as a whole.
    """
    return now - COUNTS_FOR if primary.state is RolloutState.COMPLETED else None


def no_control(others: Iterable[Rollout], ledger: Ledger) -> tuple[Rollout, ...]:
    """Which deployments say nothing of what would fail anyway: those of revisions that are bad themselves.

    They never COMPLETED (a first attempt that somebody deployed over), or were rolled back.
    """
    return tuple(
        rollout
        for rollout in others
        if rollout.state in (RolloutState.IN_PROGRESS, RolloutState.FAILED) or rollout.revision in ledger.refused
    )


def control_since(primary: Rollout, at: datetime) -> datetime:
    """From when on failures of the old revision say what would fail anyway: ten minutes before the new one came, at
    most half an hour before `at`, its first failure. Failures of both that came together stay together as time goes by.
    """
    return max(primary.created_at - timedelta(minutes=10), at - COUNTS_FOR)


def short(revision: str) -> str:
    """A task definition as people write it: `family:number`."""
    return revision.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The picture could not be made: a Describe was denied or throttled, the service is gone, nothing is PRIMARY."""

    service: ServiceName
    problem: str
