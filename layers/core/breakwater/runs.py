"""Batch runs as values: what was due or uploaded, how far it is, and how each attempt ended.

A run is one occurrence of a job (schedule and scheduled time) or one version of an uploaded object. It has at most one
task at a time; another attempt is another task of the same run. A lane holds the places of one job or upload: what runs
now, and never more than it has room for.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

from breakwater.model import Cause

STARTED_BY = "breakwater/run/"
"""How `startedBy` of our own tasks begins: `breakwater/run/NAME/ID/ATTEMPT`. At most 128 characters."""

_PARTS = 3


class RunKind(StrEnum):
    """What asked for a run."""

    JOB = "job"
    UPLOAD = "upload"


class Phase(StrEnum):
    """How far a run is. STARTING is the intent to call RunTask, with a token that makes the call repeatable."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"


class Outcome(StrEnum):
    """What came of a run."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    SKIPPED = "skipped"
    REPLACED = "replaced"
    MISSED = "missed"
    REFUSED = "refused"
    OBSERVED = "observed"


class Failure(StrEnum):
    """Why an attempt came to nothing, by what follows from it.

    Capacity, Spot, infrastructure and throttling are the platform's and worth another try. An exit code is the
    application's. The others come out the same the next time.
    """

    CAPACITY = "capacity"
    SPOT = "spot"
    INFRASTRUCTURE = "infrastructure"
    THROTTLED = "throttled"
    EXIT = "exit"
    CONFIGURATION = "configuration"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    STOPPED = "stopped"
    UNHEARD = "unheard"

    @property
    def of_the_platform(self) -> bool:
        """Whether the platform failed, so that another try may well work."""
        return self in (Failure.CAPACITY, Failure.SPOT, Failure.INFRASTRUCTURE, Failure.THROTTLED)

    @property
    def elsewhere(self) -> bool:
        """Whether the next capacity provider may do better."""
        return self in (Failure.CAPACITY, Failure.SPOT)


class StopWhy(StrEnum):
    """Why Breakwater asked a task to stop."""

    TIMEOUT = "timeout"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One task of a run, once it has ended or has come to nothing."""

    number: int
    failure: Failure | None = None
    task: str | None = None
    provider: str | None = None
    exit_code: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `attempt` counts tasks from 1, 0 before the first; `tries` the calls of RunTask for this attempt.

    `identity` is what makes two requests the same run. `due` is the scheduled time, or when the object was uploaded.
    `asked_at` is when the intent to start was written, `not_before` when a waiting run may start.
    """

    id: str
    name: str
    kind: RunKind
    identity: str
    due: datetime
    arrived: datetime
    phase: Phase = Phase.WAITING
    bucket: str | None = None
    key: str | None = None
    attempt: int = 0
    tries: int = 0
    provider: int = 0
    cluster: str | None = None
    task: str | None = None
    task_definition: str | None = None
    container: str | None = None
    not_before: datetime | None = None
    asked_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stop_why: StopWhy | None = None
    overdue_told: bool = False
    outcome: Outcome | None = None
    exit_code: int | None = None
    cause: Cause | None = None
    reason: str = ""
    history: tuple[Attempt, ...] = ()

    @property
    def ref(self) -> str:
        """The run by name and id, for people and for keys."""
        return f"{self.name}/{self.id}"

    @property
    def started_by(self) -> str:
        """What ECS shall note of its task: from it an event finds the run."""
        return f"{STARTED_BY}{self.ref}/{self.attempt}"

    @property
    def token(self) -> str:
        """The clientToken of this attempt: 64 characters at most, the same however often the call is made."""
        return sha256(f"{self.identity}\n{self.attempt}".encode("utf-8", "surrogatepass")).hexdigest()[:64]


@dataclass(frozen=True, slots=True)
class Lane:
    """The places of one job or upload. `active` holds the runs that have one, by id, the oldest first.

    `incidents` are the ids of what people were told is wrong with it: its next success resolves them. `checked` is the
    time up to which missed occurrences have been looked for.
    """

    name: str
    active: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    checked: datetime | None = None
    last_outcome: Outcome | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Which attempt of which run a task belongs to, by its `startedBy`."""

    name: str
    id: str
    attempt: int


def origin_of(started_by: str | None) -> Origin | None:
    """Read our own `startedBy`; `None` if it is anything else."""
    if not (started_by or "").startswith(STARTED_BY):
        return None
    parts = (started_by or "")[len(STARTED_BY) :].split("/")
    if len(parts) != _PARTS or not (parts[2].isascii() and parts[2].isdigit() and len(parts[2]) < _PARTS + 1):
        return None
    return Origin(parts[0], parts[1], int(parts[2]))


def run_id(at: datetime, identity: str) -> str:
    """The id of a run: it sorts by time, and the same identity at the same time has the same one."""
    digest = sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest}"


def occurrence(schedule_arn: str, at: datetime) -> str:
    """What identifies a scheduled run: the schedule and the scheduled time, never the execution id or attempt."""
    return f"schedule\n{schedule_arn}\n{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
