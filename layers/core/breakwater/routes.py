"""What leads a time or an object to us: schedules and rules, as values, and which of them a policy asks for.

Ours are told from others by where they are and what they say of themselves: a schedule by its group, a rule by the
prefix of its name, and both by a description that begins with `MARK`. What lacks either is never touched.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from breakwater.model import Mode
from breakwater.policies import JobSpec, UploadSpec, WindowPolicy
from breakwater.window_times import expressions

MARK = "Breakwater: "
TARGET_ID = "breakwater"
LATEST_SECONDS = 3600
TRIES = 185
LONGEST_PATTERN = 2048
"""What EventBridge takes of a rule's pattern, in characters."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where our schedules and rules are and what they lead to; all of it from the stack.

    `schedule_arn` is that of a schedule of ours with `{}` for its name. Schedules send to `jobs_arn` in the name of
    `role_arn`, rules to `uploads_arn`; what could not be handed over goes to `dead_letters_arn`. The schedules of
    windows call `scaler_arn`, in the name of a role and with a queue for dead letters of their own.
    """

    account: str
    region: str
    schedule_group: str
    schedule_arn: str
    rule_prefix: str
    role_arn: str
    jobs_arn: str
    uploads_arn: str
    dead_letters_arn: str
    scaler_arn: str
    scaler_role_arn: str
    scaler_dead_letters_arn: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of EventBridge Scheduler in our group."""

    name: str
    expression: str
    zone: str
    target: str
    role: str
    dead_letters: str
    input: str
    description: str
    enabled: bool = True

    @property
    def ours(self) -> bool:
        """Whether Breakwater made it."""
        return self.description.startswith(MARK)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the default bus with its targets, by id and ARN; `dead_letters` is that of the only target of ours."""

    name: str
    pattern: str
    targets: tuple[tuple[str, str], ...]
    dead_letters: str
    description: str
    enabled: bool = True

    @property
    def ours(self) -> bool:
        """Whether Breakwater made it."""
        return self.description.startswith(MARK)


@dataclass(frozen=True, slots=True)
class Routes:
    """Schedules and rules: those that a policy asks for, or those that are there."""

    schedules: tuple[Schedule, ...] = ()
    rules: tuple[Rule, ...] = ()


def routes_of(
    jobs: tuple[JobSpec, ...],
    uploads: tuple[UploadSpec, ...],
    place: Place,
    windows: tuple[WindowPolicy, ...] = (),
) -> Routes:
    """The schedules and rules that jobs, uploads and windows ask for; one that is `off` asks for none."""
    turns = [turn for window in windows if window.mode is not Mode.OFF for turn in _turns(window, place)]
    return Routes(
        (*(_schedule(job, place) for job in jobs if job.rules.mode is not Mode.OFF), *turns),
        tuple(_rule(upload, place) for upload in uploads if upload.rules.mode is not Mode.OFF),
    )


def _schedule(job: JobSpec, place: Place) -> Schedule:
    request = {
        "schema": "breakwater/1",
        "action": "batch.run",
        "job": job.name,
        "scheduleArn": "<aws.scheduler.schedule-arn>",
        "scheduledTime": "<aws.scheduler.scheduled-time>",
        "executionId": "<aws.scheduler.execution-id>",
        "attempt": "<aws.scheduler.attempt-number>",
    }
    return Schedule(
        name=job.name,
        expression=job.schedule,
        zone=job.timezone,
        target=place.jobs_arn,
        role=place.role_arn,
        dead_letters=place.dead_letters_arn,
        input=json.dumps(request),
        description=f"{MARK}job {job.name}",
    )


def _turns(window: WindowPolicy, place: Place) -> Iterator[Schedule]:
    """The two schedules of a window. Names of jobs have no dot, so these are nobody else's."""
    request = {"schema": "breakwater/1", "action": "scale.window", "window": window.name}
    for which, expression in zip(("opens", "closes"), expressions(window), strict=True):
        yield Schedule(
            name=f"window.{window.name}.{which}",
            expression=expression,
            zone=window.time_zone,
            target=place.scaler_arn,
            role=place.scaler_role_arn,
            dead_letters=place.scaler_dead_letters_arn,
            input=json.dumps(request),
            description=f"{MARK}window {window.name} {which}",
        )


def _rule(upload: UploadSpec, place: Place) -> Rule:
    return Rule(
        name=f"{place.rule_prefix}{upload.name}",
        pattern=pattern_of(upload.bucket, upload.prefix, upload.suffix, place.account, place.region),
        targets=((TARGET_ID, place.uploads_arn),),
        dead_letters=place.dead_letters_arn,
        description=f"{MARK}upload {upload.name}",
    )


def pattern_of(bucket: str, prefix: str, suffix: str, account: str, region: str) -> str:
    """The pattern of an upload's rule: one bucket, and of its keys those with prefix and suffix.

    Conditions beside each other on one field are alternatives, so both together are one wildcard. There a star and a
    backslash of the key are written with a backslash before them. A key in which prefix and suffix overlap (`in/a.csv`
    of `in/` and `/a.csv`) fits no such wildcard; those few stand beside it.
    """
    keys: list[object] = []
    if prefix and suffix:
        keys = [{"wildcard": f"{_escaped(prefix)}*{_escaped(suffix)}"}, *_overlapping(prefix, suffix)]
    elif prefix:
        keys = [{"prefix": prefix}]
    elif suffix:
        keys = [{"suffix": suffix}]
    detail: dict[str, object] = {"bucket": {"name": [bucket]}}
    if keys:
        detail["object"] = {"key": keys}
    pattern = {
        "account": [account],
        "region": [region],
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": detail,
    }
    return canonical(pattern)


def _overlapping(prefix: str, suffix: str) -> list[str]:
    lengths = range(1, min(len(prefix), len(suffix)) + 1)
    return sorted({prefix + suffix[both:] for both in lengths if prefix.endswith(suffix[:both])})


def canonical(pattern: object) -> str:
    """One spelling for equal JSON."""
    return json.dumps(pattern, sort_keys=True, separators=(",", ":"))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*")
