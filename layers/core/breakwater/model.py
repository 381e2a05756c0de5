"""The words of Breakwater as frozen values.

Everything else leans on this module and it leans on the standard library alone, so a decision can be tested
with nothing but values. The vocabularies (`Category`, `Severity`, `Cause`, `Action`) are closed.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Mode(StrEnum):
    """What an automation may do: nothing, everything but change the user's resources, or everything."""

    OFF = "off"
    OBSERVE = "observe"
    ACT = "act"


class Category(StrEnum):
    """What kind of thing an event tells of."""

    TASK_FAILED = "task_failed"
    TASK_START_FAILED = "task_start_failed"
    HEALTH_CHECK_FAILED = "health_check_failed"
    SIDECAR_FAILED = "sidecar_failed"
    INTERRUPTED = "interrupted"
    DEPLOYMENT_FAILED = "deployment_failed"
    DEPLOYMENT_ROLLED_BACK = "deployment_rolled_back"
    SERVICE_IMPAIRED = "service_impaired"
    HOOK_ATTENTION = "hook_attention"
    INSTANCE_IMPAIRED = "instance_impaired"
    THRESHOLD_CROSSED = "threshold_crossed"
    POLICY_REJECTED = "policy_rejected"
    RUN_FAILED = "run_failed"
    UPLOAD_FAILED = "upload_failed"
    SCALE_ATTENTION = "scale_attention"
    RELEASED = "released"
    NONE = "none"

    @property
    def said_once(self) -> bool:
        """Whether AWS says it once and not again while it lasts: then silence is no sign that it is over."""
        repeats = (Category.TASK_FAILED, Category.TASK_START_FAILED, Category.HEALTH_CHECK_FAILED)
        return self not in repeats and not self.stands and not self.is_news

    @property
    def stands(self) -> bool:
        """Whether it goes on until Breakwater itself sees that it is over: quiet does not resolve it."""
        return self in (Category.POLICY_REJECTED, Category.RUN_FAILED)

    @property
    def is_news(self) -> bool:
        """Whether it went well: it is told once, is over with that, and needs nobody."""
        return self is Category.RELEASED


class Severity(StrEnum):
    """How bad it is. `high`, `medium` and `low` alert; `info` is recorded; `none` goes with category `none`."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"
    NONE = "none"

    @property
    def alerts(self) -> bool:
        """Whether a person is told."""
        return self in (Severity.HIGH, Severity.MEDIUM, Severity.LOW)

    @property
    def rank(self) -> int:
        """Order of badness: 4 for `high` down to 0 for `none`."""
        return 4 - list(Severity).index(self)


class Cause(StrEnum):
    """Why it happened, as far as the event tells."""

    APP_ERROR = "app_error"
    BAD_COMMAND = "bad_command"
    OOM = "oom"
    KILLED = "killed"
    TERMINATED = "terminated"
    CRASH_SIGNAL = "crash_signal"
    SIDECAR_ERROR = "sidecar_error"
    EXITED_ZERO = "exited_zero"
    SUCCESS = "success"
    IMAGE_PULL = "image_pull"
    SECRETS = "secrets"
    NETWORK = "network"
    LOGGING = "logging"
    CONTAINER_CREATE = "container_create"
    START_TIMEOUT = "start_timeout"
    INIT_FAILED = "init_failed"
    CONFIGURATION = "configuration"
    CAPACITY = "capacity"
    HEALTH_CHECK_ELB = "health_check_elb"
    HEALTH_CHECK_CONTAINER = "health_check_container"
    SCALE_IN = "scale_in"
    USER_STOP = "user_stop"
    SPOT_INTERRUPTION = "spot_interruption"
    HOST_TERMINATED = "host_terminated"
    MAINTENANCE = "maintenance"
    INFRASTRUCTURE = "infrastructure"
    CIRCUIT_BREAKER = "circuit_breaker"
    DEPLOYMENT_ALARM = "deployment_alarm"
    START_IMPAIRED = "start_impaired"
    TARGET_UNHEALTHY = "target_unhealthy"
    PLACEMENT = "placement"
    THROTTLED = "throttled"
    ROLLED_BACK = "rolled_back"
    WOULD_ROLL_BACK = "would_roll_back"
    ROLLBACK_HELD = "rollback_held"
    ROLLBACK_STEADY = "rollback_steady"
    ROLLBACK_FAILED = "rollback_failed"
    NOT_RUNNING = "not_running"
    RELEASE_ASKS = "release_asks"
    RELEASE_RETURNED = "release_returned"
    RELEASE_UNSETTLED = "release_unsettled"
    RELEASED = "released"
    HOOK_WAITING = "hook_waiting"
    HOOK_FAILED = "hook_failed"
    HOOK_TIMED_OUT = "hook_timed_out"
    DRAIN = "drain"
    THRESHOLD = "threshold"
    POLICY_INVALID = "policy_invalid"
    POLICY_UNAPPLIED = "policy_unapplied"
    MISSED = "missed"
    OVERLAPPED = "overlapped"
    REPLACED = "replaced"
    OVERDUE = "overdue"
    TIMED_OUT = "timed_out"
    UNHEARD = "unheard"
    OBSERVED = "observed"
    CHANGE_KEPT = "change_kept"
    CHANGE_WITHHELD = "change_withheld"
    RECOVERED = "recovered"
    UPLOAD = "upload"
    SCHEDULE = "schedule"
    REFUSED = "refused"
    ROUTINE = "routine"
    NOT_FINAL = "not_final"
    DUPLICATE = "duplicate"
    STALE = "stale"
    MALFORMED = "malformed"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"

    @property
    def says_all(self) -> bool:
        """Whether it is Breakwater's own account of what it has finished: that it is over is then no news."""
        return self in (Cause.ROLLED_BACK, Cause.ROLLBACK_STEADY, Cause.RELEASE_RETURNED, Cause.CHANGE_KEPT)


class Action(StrEnum):
    """What an event asks Breakwater to do besides telling people. Task events ask for nothing."""

    RUN_TASK = "run_task"
    REFUSE = "refuse"
    SCALE_REVERT = "scale_revert"
    RECORD_KNOWN_GOOD = "record_known_good"
    STAND_DOWN = "stand_down"
    SMOKE_TEST = "smoke_test"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What one event means.

    `reason` is one sentence for people: redacted, without control characters. `container` is the one to
    blame, where there is one. `late` says that the event was older than 30 minutes, or of unknown age, when read.
    """

    category: Category
    severity: Severity
    cause: Cause
    reason: str
    counts_for_rollback: bool = False
    action: Action = Action.NONE
    nonzero_exit_alert: bool = False
    container: str | None = None
    late: bool = False

    @property
    def any_alert(self) -> bool:
        """Whether a person is told of it."""
        return self.severity.alerts


class SubjectKind(StrEnum):
    """What an incident can be about."""

    SERVICE = "service"
    FAMILY = "family"
    INSTANCE = "instance"
    ALARM = "alarm"
    POLICY = "policy"
    JOB = "job"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an incident is about: a service, a task family without one, a container instance, an alarm, the policy,
    a batch job or an upload route.

    `revision` is the task definition as `family:number` where the event names one; `cluster` is the cluster's name.
    """

    kind: SubjectKind
    name: str
    cluster: str | None = None
    revision: str | None = None

    def __str__(self) -> str:
        return f"{self.cluster}/{self.name}" if self.cluster else self.name


@dataclass(frozen=True, slots=True)
class ContainerOutcome:
    """How one container of a stopped task ended. `exit_code` is absent if it never ran; `reason` is redacted."""

    name: str
    exit_code: int | None = None
    reason: str | None = None
    image: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class LogTail:
    """The last lines of the failing container's log, redacted, or why there are none (`missing`)."""

    group: str | None = None
    stream: str | None = None
    lines: tuple[str, ...] = ()
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What ECS forgets after about an hour, kept with the incident. No environment value, command or secret.

    `done` is what Breakwater did, or would have done, or why it did nothing; `remains` is what is left for people.
    """

    task_arn: str | None = None
    task_definition: str | None = None
    deployment: str | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    containers: tuple[ContainerOutcome, ...] = ()
    launch_type: str | None = None
    started_at: str | None = None
    stopped_at: str | None = None
    log: LogTail | None = None
    done: str | None = None
    remains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One diagnosed fact that a person should hear of.

    `identity` names the fact itself (one task's end, one service action): the same fact delivered twice, late or
    out of order has the same identity and is counted once. `at` is when it happened, by the event's own time.
    `scrub` holds values of the event's overrides, in memory only, so that a log line that prints one can be redacted;
    it is never written anywhere.
    """

    identity: str
    subject: Subject
    diagnosis: Diagnosis
    at: datetime
    evidence: Evidence = Evidence()
    scrub: tuple[str, ...] = field(default=(), repr=False)


class IncidentStatus(StrEnum):
    """Whether the trouble goes on."""

    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Incident:
    """All findings with one fingerprint: opened once, updated in place, resolved after a quiet time.

    `count` counts distinct facts since the record began, `episode_count` those since the incident was last opened.
    `first_seen` and `last_seen` are event times; `opened_at`, `resolved_at` are the receiver's. `flaps` counts how
    often it came back within a day: the more often, the longer it has to be quiet. `over` says how Breakwater knows
    that a resolved incident is over; `None` where it was only quiet.
    """

    id: str
    subject: Subject
    category: Category
    cause: Cause
    severity: Severity
    summary: str
    first_seen: datetime
    last_seen: datetime
    count: int
    opened_at: datetime
    status: IncidentStatus = IncidentStatus.OPEN
    container: str | None = None
    episode: int = 1
    episode_count: int = 0
    flaps: int = 0
    late: bool = False
    resolved_at: datetime | None = None
    evidence: Evidence = Evidence()
    over: str | None = None


class NoticeKind(StrEnum):
    """What happened to an incident that people are told of."""

    OPENED = "opened"
    UPDATED = "updated"
    REOPENED = "reopened"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell people about one incident. `id` is the same however often the notice is delivered."""

    id: str
    kind: NoticeKind
    incident: Incident
    at: datetime
