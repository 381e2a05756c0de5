"""What the cheap half knows: one failure of a service's task, and what is on record of a deployment. Frozen.

Most events end here, with one write or none. So this is apart from the picture of a whole service, which only a look
needs and which costs a cold start more than all of this.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from breakwater.evidence import Kind, Tally
from breakwater.model import Cause

COUNTS_FOR = timedelta(minutes=30)
"""How old a failure may be to count: when it arrives, and at every look once its deployment is COMPLETED."""


@dataclass(frozen=True, slots=True)
class ServiceName:
    """Which service: names, not ARNs."""

    cluster: str
    name: str

    def __str__(self) -> str:
        return f"{self.cluster}/{self.name}"


@dataclass(frozen=True, slots=True)
class Home:
    """Our own account and Region: other registries cannot be asked."""

    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Stop:
    """One failure of a service's task, as evidence: made by `stops.read_stop`.

    `deployment` is the task's `startedBy`; whether it is PRIMARY only a Describe tells. `code` is the exit code of the
    container to blame. `early_read` says that the task is not STOPPED yet.
    """

    task: str
    service: ServiceName
    deployment: str
    revision: str
    kind: Kind
    cause: Cause
    at: datetime
    reason: str
    code: int | None = None
    early_read: bool = False
    container: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last look at a service found, kept beside the tally: lower bounds, for the question whether to look.

    `starts` is the most that was ever seen to be started, `desired` the highest count. `settled` says that
    failures of this deployment no longer count (superseded, or COMPLETED longer ago than the policy watches).
    """

    at: datetime
    looks: int
    starts: int = 0
    desired: int = 0
    created_at: datetime | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Suspicion:
    """The table's record of one deployment of one service: its failures, and the last look (None: nobody looked)."""

    service: ServiceName
    deployment: str
    tally: Tally = field(default_factory=Tally)
    seen: Seen | None = None
