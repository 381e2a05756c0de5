"""From an SQS message to what it asks for: a run, the end of a task, or a look at a lane. Pure.

Whether an event may start anything is decided by `breakwater.diagnosis`, the same rules that `breakwater explain`
shows.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from breakwater.diagnosis import Facts, diagnose, run_of_schedule, run_of_upload
from breakwater.events import (
    SCHEMA,
    BatchRun,
    ObjectCreated,
    ScheduledEvent,
    TaskStateChange,
    parse_time,
    read,
    read_json,
)
from breakwater.findings import finding_of
from breakwater.model import Action, Finding
from breakwater.policies import JobSpec
from breakwater.runs import Origin, Run, RunKind, occurrence, origin_of, run_id

from .classes import Ended, ended_by
from .decision import occurrence_run
from .specs import Specs

WAKE = "batch.wake"


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody asks for a run."""

    run: Run


@dataclass(frozen=True, slots=True)
class Look:
    """A wake-up of our own: look at a lane, and not before `at`."""

    name: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class End:
    """A task that says it is ours has stopped. `finding` is what is told if no run of ours knows it."""

    origin: Origin
    ended: Ended
    finding: Finding | None


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing is asked for."""

    reason: str


Wish = Ask | Look | End | Nothing


def wake_body(name: str, at: datetime) -> dict[str, str]:
    """The wake-up for a lane, at a time that may be further away than a message is sent."""
    return {"schema": SCHEMA, "action": WAKE, "name": name, "at": at.isoformat()}


def read_wish(body: str, specs: Specs, facts: Facts) -> Wish:
    """Read one message. Raises `ValueError` if it is not JSON."""
    raw = read_json(body)
    if isinstance(raw, dict) and raw.get("schema") == SCHEMA and raw.get("action") == WAKE:
        return Look(str(raw.get("name")), parse_time(raw.get("at")))
    return wish_of(raw, specs, facts)


def wish_of(raw: object, specs: Specs, facts: Facts) -> Wish:
    """What an event asks for. `facts` are those of the specs."""
    event = read(raw)
    if isinstance(event, TaskStateChange):
        return _end(event, facts, specs)
    diagnosis = diagnose(event, facts)
    if diagnosis.action is not Action.RUN_TASK:
        return Nothing(diagnosis.reason)
    if isinstance(event, ObjectCreated):
        return Ask(_uploaded(event, run_of_upload(event, facts) or "", facts.now))
    if isinstance(event, (BatchRun, ScheduledEvent)):
        return _due(event, run_of_schedule(event, facts) or "", specs, facts.now)
    return Nothing(diagnosis.reason)


def _due(event: BatchRun | ScheduledEvent, name: str, specs: Specs, now: datetime) -> Wish:
    spec = specs.of(name)
    at = event.at
    if not isinstance(spec, JobSpec) or at is None:
        return Nothing("it asks for no job of the policy")
    return Ask(run_at(spec, at, now))


def run_at(job: JobSpec, at: datetime, now: datetime) -> Run:
    """The run of the occurrence at a scheduled time. The same occurrence is the same run, whoever asks for it."""
    from breakwater.occurrences import read_schedule  # with the time zones, which the end of a task has no use for

    try:
        slot = read_schedule(job.schedule, job.timezone, parse_time(job.since)).slot(at)
    except ValueError:  # the runtime does not know the zone, say: what fires is run all the same
        slot = at.astimezone(UTC).replace(second=0, microsecond=0)
    return occurrence_run(job, occurrence(job.schedule_arn, slot), slot, now)


def _uploaded(event: ObjectCreated, name: str, now: datetime) -> Run:
    """The run of one version of an object. Without version, etag and sequencer the time of the event stands in."""
    at = event.at or now
    parts = event.identity or (event.bucket or "", event.key or "", "time", f"{at.astimezone(UTC):%Y%m%dT%H%M%S}")
    identity = "\n".join(("object", name, *parts))
    return Run(
        run_id(at, identity), name, RunKind.UPLOAD, identity, min(at, now), now, bucket=event.bucket, key=event.key
    )


def _end(event: TaskStateChange, facts: Facts, specs: Specs) -> Wish:
    origin = origin_of(event.detail.started_by)
    if origin is None:
        return Nothing("the task is not one of our runs")
    if (event.account, event.region) != (facts.account, facts.region) or not event.task_arn:
        return Nothing("the event comes from another account or Region, or names no task")
    if not event.final:
        return Nothing("the task has not stopped")
    spec = specs.of(origin.name)
    container = spec.task.container if spec else ""
    # A batch task has one container that counts; the others are beside it, whatever the definition calls essential.
    judged = diagnose(event, replace(facts, essential={container: True}) if container else facts)
    ended = ended_by(event, judged, origin.attempt, container, facts.now)
    finding = finding_of(event, judged, facts.now) if judged.any_alert else None
    return End(origin, ended, finding)


def event_of_description(task: dict[str, Any], account: str, region: str, now: datetime) -> dict[str, Any]:
    """A task as DescribeTasks shows it, as the event that would tell of it: the fields are the same."""
    times = {key: value.isoformat() for key, value in task.items() if isinstance(value, datetime)}
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "account": account,
        "region": region,
        "time": now.isoformat(),
        "resources": [task.get("taskArn")],
        "detail": {**task, **times},
    }
