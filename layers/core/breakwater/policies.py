"""What the policy says, as the decisions take it: one frozen value for each automation.

The defaults here are those of an account without a policy document. A decision sees nothing else of the document.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from breakwater.model import Mode, Severity


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """How loud incidents are.

    An update is sent when the count has grown `growth_factor`-fold since the last message, or when `remind_minutes`
    have passed and it has grown at all (the gap doubles with each reminder, to a day). `quiet_minutes` without
    a new finding resolve an incident; the time doubles each time it comes back within a day, to a day.
    """

    mode: Mode = Mode.ACT
    quiet_minutes: int = 30
    growth_factor: int = 10
    remind_minutes: int = 60
    log_tail: bool = True
    log_lines: int = 20


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """How far the rollback guard may go for one service.

    A revision is known good once its deployment COMPLETED and `bake_minutes` went by without a crash; failures count
    for `watch_minutes` after COMPLETED. `budget` bounds the automatic rollbacks of one service in 24 hours. A service
    that wants tasks and has had none for `silence_minutes` is an incident. `early_evidence` lets exit codes count that
    a task shows before it is STOPPED. `halted` is the kill switch: everything is decided and said, nothing done.
    """

    mode: Mode = Mode.OBSERVE
    bake_minutes: int = 10
    watch_minutes: int = 60
    budget: int = 2
    silence_minutes: int = 10
    early_evidence: bool = True
    halted: bool = False


@dataclass(frozen=True, slots=True)
class QuietPolicy:
    """A time in which only incidents of high severity are told at once; the others are told at its end.

    It begins on each of `days` (0 is Monday) at `begins` and ends at the next `ends`, both minutes since midnight in
    `time_zone`.
    """

    days: tuple[int, ...]
    begins: int
    ends: int
    time_zone: str = "UTC"


class Overlap(StrEnum):
    """What becomes of an occurrence of a job while an earlier run of it still goes on."""

    ALLOW = "allow"
    SKIP = "skip"
    REPLACE = "replace"


class KeyPlace(StrEnum):
    """Where the key of an uploaded object goes: into one environment value, or into one word after the command."""

    ENVIRONMENT = "environment"
    ARGUMENT = "argument"


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """Which task a run is, as RunTask takes it.

    `container` is the one that gets the overrides and whose exit code is the result; "" for the only container of the
    task definition. `capacity_providers` are tried in order: the first until a capacity or Spot failure, then the next
    (`FARGATE_SPOT`, `FARGATE` is Spot with a fall-back to on-demand); empty for `launch_type`, and without that the
    cluster's default strategy. `command` replaces the image's command if it is not empty.
    """

    cluster: str
    task_definition: str
    container: str = ""
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    capacity_providers: tuple[str, ...] = ()
    launch_type: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    assign_public_ip: bool = False
    platform_version: str = ""


@dataclass(frozen=True, slots=True)
class RetrySpec:
    """When a run is tried again: `attempts` tasks in all, the first included.

    Capacity, Spot and infrastructure failures are always worth another try. An exit code is only if `exit_codes` holds
    it; `None` means any code but 0. Between two tries `backoff_seconds` pass, doubled each time, to a quarter of an
    hour.
    """

    attempts: int = 3
    exit_codes: tuple[int, ...] | None = ()
    backoff_seconds: int = 60


@dataclass(frozen=True, slots=True)
class RunRules:
    """What holds for every run of a job or an upload.

    A task that runs longer than `timeout_minutes` is stopped. A run has to have succeeded `deadline_minutes` after its
    scheduled time or its upload (0: no deadline), or an incident says that it has not.
    """

    mode: Mode = Mode.OBSERVE
    timeout_minutes: int = 60
    deadline_minutes: int = 0
    retry: RetrySpec = RetrySpec()


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job that a schedule runs.

    `schedule` is EventBridge Scheduler's expression, `cron(…)`, `rate(…)` or `at(…)`; cron and at are read in the IANA
    zone `timezone`. `schedule_arn` is the one schedule that may start the job. `since` (ISO 8601, UTC) is when this
    schedule came into force: nothing before it was missed, and a rate is counted from it. An occurrence that has not
    begun `grace_minutes` after its time was missed.
    """

    name: str
    task: TaskSpec
    schedule: str
    schedule_arn: str
    since: str
    timezone: str = "UTC"
    overlap: Overlap = Overlap.SKIP
    grace_minutes: int = 15
    rules: RunRules = RunRules()


@dataclass(frozen=True, slots=True)
class UploadSpec:
    """A route from new objects of one bucket to runs.

    An object fits if its key begins with `prefix`, ends with `suffix` and matches `allowed_key` (a Python regular
    expression for the whole key; `None` allows every key). What lies under `output_prefixes`, where the task itself
    writes, never starts a run. `key_place` and `key_name` say how the task hears of the key: in the environment
    variable `key_name`, or as the one word after the command. `bucket_name` is the environment variable that gets the
    bucket, "" for none. No more than `concurrency` runs go on at a time; the others wait in order of arrival.
    An object whose run has failed `retry.attempts` times is set aside and reported.
    """

    name: str
    task: TaskSpec
    bucket: str
    prefix: str = ""
    suffix: str = ""
    allowed_key: str | None = None
    allow_empty: bool = False
    output_prefixes: tuple[str, ...] = ()
    key_place: KeyPlace = KeyPlace.ENVIRONMENT
    key_name: str = "OBJECT_KEY"
    bucket_name: str = "OBJECT_BUCKET"
    concurrency: int = 5
    rules: RunRules = RunRules(retry=RetrySpec(exit_codes=None))


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """All jobs and uploads. Names are unique among both."""

    jobs: tuple[JobSpec, ...] = ()
    uploads: tuple[UploadSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelPolicy:
    """What one channel is told: incidents of at least this severity. `name` is the notifier's name of the channel."""

    name: str
    minimum_severity: Severity = Severity.LOW


class OnDoubt(StrEnum):
    """What an inconclusive verdict leads to: a person is asked until the time is up, or it goes back at once."""

    ASK = "ask"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True)
class ReleasePolicy:
    """How a release of one service is judged beyond its checks.

    A question to a person is answered by a rollback after `approval_minutes`; `on_doubt` says whether one is asked.
    A service has `settle_minutes` to look as it should once its deployment is over. Smoke tests may reach the service's
    own listeners and `allowed_hosts` (names, or origins with scheme and port), nothing else, and private addresses in
    `allowed_networks` only. `require_digest` refuses images that are named by a tag alone.
    """

    mode: Mode = Mode.OBSERVE
    approval_minutes: int = 60
    settle_minutes: int = 15
    on_doubt: OnDoubt = OnDoubt.ASK
    require_digest: bool = False
    allowed_hosts: tuple[str, ...] = ()
    allowed_networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """One check of a new revision: `kind` is `http`, `task` or `metrics`, `spec` what the document says, as JSON."""

    name: str
    kind: str
    spec: str


@dataclass(frozen=True, slots=True)
class SurgePolicy:
    """How far a temporary scale-up may go: to `maximum_factor` times what it found, and to `maximum_tasks`."""

    mode: Mode = Mode.OBSERVE
    maximum_factor: int = 5
    maximum_tasks: int = 200
    maximum_hours: int = 24


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """A time in which the services that `match` are held at `desired`, or within `minimum` and `maximum`.

    It opens on each of `days` (0 is Monday) at `opens` and closes at the next `closes`, both minutes since midnight in
    `time_zone`: one that closes before it opens ends on the day after.
    """

    name: str
    match: str
    days: tuple[int, ...]
    opens: int
    closes: int
    time_zone: str = "UTC"
    mode: Mode = Mode.OBSERVE
    desired: int | None = None
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class HeadroomPolicy:
    """The clusters (a glob) whose room for one more task is watched."""

    match: str
    mode: Mode = Mode.OBSERVE


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """What the scaler may do: how far a surge goes, and which windows and clusters it looks after."""

    surge: SurgePolicy = SurgePolicy()
    windows: tuple[WindowPolicy, ...] = ()
    headroom: tuple[HeadroomPolicy, ...] = ()


def matches(glob: str, text: str) -> bool:
    """Whether a glob matches: `*` is any number of characters and `?` one, neither of them a slash."""
    return _compiled(glob).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile("".join({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)) for char in glob))


def lowered(mode: Mode, tag: str | None) -> Mode:
    """The mode after a service's tag `breakwater:<automation>`: it can lower the mode and never raise it.

    Who may tag a service must not be able to arm Breakwater for it. A tag that says none of the modes lowers to
    `observe`: somebody meant to hold Breakwater back.
    """
    wanted = Mode.ACT if tag is None else {"off": Mode.OFF, "act": Mode.ACT}.get(tag.strip().lower(), Mode.OBSERVE)
    return lower(mode, wanted)


def lower(mode: Mode, other: Mode) -> Mode:
    """The lower of two modes; the stack's own bounds what a policy may say."""
    return min(mode, other, key=(Mode.OFF, Mode.OBSERVE, Mode.ACT).index)
