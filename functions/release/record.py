"""What is kept of a release: enough to go on from any point, and to tell what happened. Pure values, and their store.

Every function of the machine reads it first and writes it before it acts: intent, act, confirm. So a function that is
tried again, or another one after a crash, finds how far it has come. It is one item with a version.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from breakwater.model import Mode
from breakwater.store import Put, Table, Update
from breakwater.wire import dump, load

KEPT_DAYS = 90
OPEN = "release-open"
MOST_LINES = 200


class Stage(StrEnum):
    """How far it has come."""

    TURNED = "turned"
    REHEARSED = "rehearsed"
    ADMITTED = "admitted"
    """The lease is held, and nothing of the service was changed."""
    FORWARD = "forward"
    """A deployment was asked for, or is attended."""
    RETURNING = "returning"
    HANDED_OVER = "handed over"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Share:
    """The weight of a target group at a listener rule."""

    rule: str
    group: str
    weight: int


@dataclass(frozen=True, slots=True)
class Before:
    """What stood before."""

    task_definition: str
    deployment: str
    desired: int
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What a person was asked, and how long they have. `at` is where the deployment waits."""

    at: str
    reason: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks at the metrics in one stage."""

    at: str
    since: datetime
    count: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """The stage and traffic that its deployment was last seen at, and since when."""

    at: str
    since: datetime


@dataclass(frozen=True, slots=True)
class CheckTask:
    """A task that was run for a check. `at` is the hook at which it was run."""

    check: str
    at: str
    began_at: datetime
    arn: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, for the report."""

    at: datetime
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended: what the machine goes to, what its caller reads, and what has been told of it so far."""

    next: str
    error: str
    cause: str
    recorded: bool = False
    told: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """All of it. `token` is that of the lease, `judged` where its last checks passed."""

    execution: str
    service: str
    stage: Stage
    mode: Mode
    began_at: datetime
    task_definition: str = ""
    strategy: str = "ROLLING"
    attended: bool = False
    requested_by: str = ""
    why: str = ""
    token: int = 0
    before: Before | None = None
    rules: tuple[str, ...] = ()
    intended_at: datetime | None = None
    deployment: str | None = None
    service_deployment: str | None = None
    hook: str | None = None
    hook_stage: str | None = None
    judged: str = ""
    progress: Progress | None = None
    looks: Looks | None = None
    question: Question | None = None
    tasks: tuple[CheckTask, ...] = ()
    redeployed_at: datetime | None = None
    settle_until: datetime | None = None
    ending: Ending | None = None
    lines: tuple[Line, ...] = ()

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.service.partition("/")[0]

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service.partition("/")[2]

    @property
    def short(self) -> str:
        """The execution's own name."""
        return self.execution.rpartition(":")[2]

    @property
    def names(self) -> tuple[str, ...]:
        """What events call its deployment."""
        return tuple(name for name in (self.service_deployment, self.deployment) if name)

    def told(self, at: datetime, what: str, reason: str) -> "Release":
        """With one more line; the same twice in a row is one."""
        if self.lines and (self.lines[-1].what, self.lines[-1].reason) == (what, reason):
            return self
        return replace(self, lines=(*self.lines, Line(at, what, reason))[-MOST_LINES:])


@dataclass(frozen=True, slots=True)
class Kept:
    """A release as the table has it."""

    release: Release
    version: int


class Records:
    """The releases in the table, by execution, and which of them a service has now."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, execution: str) -> Kept | None:
        """The release of an execution, if it has come that far."""
        key = (_pk(execution), "RELEASE")
        item = self._table.get_many([key]).get(key)
        return None if item is None else Kept(load(Release, str(item["doc"])), int(item["version"]))

    def begin(self, release: Release, now: datetime) -> Kept:
        """Keep a new one. Raises `ConflictError` if the execution has one."""
        self._table.write(Put(_item(release, 1, now), only_if_new=True))
        return Kept(release, 1)

    def keep(self, kept: Kept, release: Release, now: datetime) -> Kept:
        """Keep a changed one. Raises `ConflictError` if another invocation changed it meanwhile."""
        if release == kept.release:
            return kept
        item = _item(release, kept.version + 1, now)
        values = {name: value for name, value in item.items() if name not in ("pk", "sk")}
        gone = () if "status" in item else ("status",)
        self._table.write(
            Update((_pk(release.execution), "RELEASE"), values, remove=gone, expected={"version": kept.version})
        )
        return Kept(release, kept.version + 1)

    def open(self) -> Iterator[str]:
        """The executions whose release is not over."""
        return (pk.partition("#")[2] for pk in self._table.with_status(OPEN) if pk.startswith("RELEASE#"))


def _pk(execution: str) -> str:
    return f"RELEASE#{execution}"


def _item(release: Release, version: int, now: datetime) -> dict[str, str | int]:
    item: dict[str, str | int] = {
        "pk": _pk(release.execution),
        "sk": "RELEASE",
        "doc": dump(release),
        "version": version,
        "service": release.service,
        "ttl": int(now.timestamp()) + KEPT_DAYS * 86400,
    }
    ends = release.stage in (Stage.TURNED, Stage.REHEARSED, Stage.OVER)
    return item if ends else {**item, "status": OPEN}
