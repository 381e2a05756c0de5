"""What is kept of a release: enough to go on from any point, and to tell what happened. Pure; `records` stores it.

Every function of the machine reads it first and writes it before it acts: intent, act, confirm. So a function that is
tried again, or another one after a crash, finds how far it has come.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from breakwater.checks.tasks import TaskEnd
from breakwater.model import Mode
from breakwater.release_policy import StageWork

MOST_LINES = 200
MOST_SEEN = 200


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
    """What stood before: where a failed release has to come back to. `deployment` is the PRIMARY deployment's id."""

    task_definition: str
    deployment: str
    desired: int
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What a person was asked, and how long they have. `at` is where the deployment waits, `of` what was in doubt."""

    at: str
    reason: str
    since: datetime
    until: datetime
    of: StageWork = StageWork.CHECKS


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks at the metrics in one stage. Until `due` more traffic is gathered, and nobody looks."""

    at: str
    since: datetime
    count: int = 0
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far its deployment was seen to come at its present stage and weight, and since when.

    `most` tasks ran of the side that grows, and at the fewest `fewest` of the other one.
    """

    at: str
    since: datetime
    most: int = 0
    fewest: int = 0


@dataclass(frozen=True, slots=True)
class CheckTask:
    """A task that was run for a check. `at` is the hook at which it was run. Its end is kept: ECS forgets it."""

    check: str
    at: str
    began_at: datetime
    arn: str = ""
    end: TaskEnd | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was seen of the production traffic at one moment, for the report.

    `stage` is where the deployment was, `share` the new side's part of the weight at the service's listener rules, in
    percent. The counts are those of both sides' metrics, at the moments when an analysis read them.
    """

    at: datetime
    stage: str
    share: float | None = None
    new_requests: int | None = None
    new_errors: int | None = None
    old_requests: int | None = None
    old_errors: int | None = None


class LineKind(StrEnum):
    """What a line tells of, as the beginning of its `what`; which one of them comes after it."""

    WARNING = "warning: "
    CHECK = "check "
    LOOK = "look "
    CONTINUE = "CONTINUE at "
    ROLLBACK = "ROLLBACK at "
    STEP = ""
    """What there is one of: its `what` is the whole of it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, for the report."""

    at: datetime
    what: str
    reason: str

    @property
    def kind(self) -> LineKind:
        """What it tells of."""
        return next(kind for kind in LineKind if self.what.startswith(kind))

    @property
    def which(self) -> str:
        """The rule that warns, the check, the number of the look, the stage of the hook."""
        return self.what.removeprefix(self.kind)


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended: what the machine goes to, and what its caller reads."""

    next: str
    error: str
    cause: str


@dataclass(frozen=True, slots=True)
class Release:
    """All of it.

    `token` is that of the lease, `judged` where its last checks passed. `at_fault` says that it goes back because of
    the revision itself: a check or the metrics failed, or its tasks crash. What goes back for another reason (a person,
    the checker, capacity, the lease) is not said to be bad. `refused` is the hook that was told ROLLBACK: it is never
    told CONTINUE, whatever a read says of it.
    """

    execution: str
    service: str
    stage: Stage
    mode: Mode
    began_at: datetime
    task_definition: str = ""
    strategy: str = "ROLLING"
    attended: bool = False
    requested_by: str = ""
    requested_for: str = ""
    """Why, in the words of who asked."""
    why: str = ""
    at_fault: bool = False
    token: int = 0
    before: Before | None = None
    rules: tuple[str, ...] = ()
    intended_at: datetime | None = None
    deployment: str | None = None
    service_deployment: str | None = None
    judged: str = ""
    progress: Progress | None = None
    looks: Looks | None = None
    question: Question | None = None
    tasks: tuple[CheckTask, ...] = ()
    redeployed_at: datetime | None = None
    refused: str = ""
    settle_until: datetime | None = None
    ending: Ending | None = None
    traffic: tuple[Traffic, ...] = ()
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
        """What events call its deployment. That ECS is back is told of the deployment that stood before."""
        back = self.before.deployment if self.before and self.stage is Stage.RETURNING else None
        return tuple(name for name in (self.service_deployment, self.deployment, back) if name)

    def seen(self, traffic: Traffic) -> "Release":
        """With one more look at the traffic; what is as it was before is no news."""
        last = self.traffic[-1] if self.traffic else None
        if (
            last is not None
            and traffic.new_requests is None
            and (last.stage, last.share) == (traffic.stage, traffic.share)
        ):
            return self
        return replace(self, traffic=(*self.traffic, traffic)[-MOST_SEEN:])

    def told(self, at: datetime, what: str, reason: str) -> "Release":
        """With one more line; the same twice in a row is one."""
        if self.lines and (self.lines[-1].what, self.lines[-1].reason) == (what, reason):
            return self
        return replace(self, lines=(*self.lines, Line(at, what, reason))[-MOST_LINES:])
