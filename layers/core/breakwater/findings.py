"""From an event and its diagnosis to a finding: what it is about, which fact it is, what is kept as evidence.

All text that an event brings is redacted and cut here, once; nothing behind this module sees it raw. Overrides are
never kept: their values serve only to strike themselves out of other text.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from breakwater.events import (
    AlarmStateChange,
    Event,
    HookStateChange,
    InstanceHealthChange,
    InstanceStateChange,
    ServiceEvent,
    TaskStateChange,
    parse_time,
)
from breakwater.model import ContainerOutcome, Diagnosis, Evidence, Finding, Subject, SubjectKind
from breakwater.redact import redact, redact_name

NO_EVIDENCE = Evidence()
LONGEST_NAME = 255
LONGEST_ARN = 1024
LONGEST_REASON = 1000
MOST_CONTAINERS = 10


def finding_of(event: Event, diagnosis: Diagnosis, now: datetime) -> Finding | None:
    """The finding that an event makes, or `None` for a kind of event that nobody is told of.

    It happened when the event's detail says, else at the envelope's time, else now; never after `now`: a clock that
    runs ahead must not keep an incident open. The detail's time comes first since AWS may send one state twice.
    """
    fact = _fact_of(event, diagnosis)
    if fact is None:
        return None
    times = (parse_time(fact.time), getattr(event, "at", None))
    happened = next((time for time in times if time is not None), now)
    return Finding(fact.identity, fact.subject, diagnosis, min(happened, now), fact.evidence, fact.scrub)


@dataclass(frozen=True, slots=True)
class _Fact:
    """What an event tells of. `identity` is the same however often and under whatever envelope it is told."""

    identity: str
    subject: Subject
    time: str | None = None
    evidence: Evidence = NO_EVIDENCE
    scrub: tuple[str, ...] = ()


def _fact_of(event: Event, diagnosis: Diagnosis) -> _Fact | None:
    match event:
        case TaskStateChange(detail=detail):
            which = "final" if event.final else f"sidecar:{diagnosis.container}"
            ended = detail.stopped_at if event.final else None
            identity = f"task:{event.task_arn or event.time}:{which}"
            return _Fact(identity, _task_subject(event), ended, _task_evidence(event), detail.scrub)
        case ServiceEvent(detail=detail):
            time = detail.updated_at or detail.created_at
            identity = f"service:{event.cluster}/{event.service}:{detail.event_name}:{detail.deployment_id or time}"
            evidence = Evidence(deployment=_name(detail.deployment_id), stopped_reason=_text(detail.reason))
            return _Fact(identity, _subject(SubjectKind.SERVICE, event.service, event.cluster), time, evidence)
        case HookStateChange(detail=detail):
            # Whether a hook's id is new for each deployment is not documented: all that tells them apart is used.
            told_apart = (detail.service_deployment_arn, detail.hook_id, detail.lifecycle_stage, detail.updated_at)
            identity = ":".join(["hook", detail.event_name or "", *(part or "" for part in told_apart)])
            evidence = Evidence(deployment=_name(detail.service_deployment_arn))
            subject = _subject(SubjectKind.SERVICE, event.service, event.cluster)
            return _Fact(identity, subject, detail.updated_at, evidence)
        case InstanceHealthChange() | InstanceStateChange():
            time = _impaired_since(event)
            identity = f"instance:{event.instance}:{diagnosis.category}:{time or event.time}"
            return _Fact(identity, _subject(SubjectKind.INSTANCE, event.instance, event.cluster), time)
        case AlarmStateChange(detail=detail):
            time = detail.state.timestamp if detail.state else None
            evidence = Evidence(stopped_reason=_text(detail.state.reason if detail.state else None))
            identity = f"alarm:{detail.alarm_name}:{time or event.time}"
            return _Fact(identity, _subject(SubjectKind.ALARM, detail.alarm_name, None), time, evidence)
        case _:
            return None


def _task_subject(event: TaskStateChange) -> Subject:
    kind = SubjectKind.FAMILY if event.standalone else SubjectKind.SERVICE
    name = event.family if event.standalone else event.service
    return _subject(kind, name, event.cluster, event.revision)


def _subject(kind: SubjectKind, name: str | None, cluster: str | None, revision: str | None = None) -> Subject:
    return Subject(kind, _name(name) or "unknown", _name(cluster), _name(revision))


def _task_evidence(event: TaskStateChange) -> Evidence:
    detail = event.detail
    known = detail.scrub
    return Evidence(
        task_arn=_arn(event.task_arn),
        task_definition=_arn(detail.task_definition_arn),
        deployment=_name(detail.started_by),
        stop_code=_name(detail.stop_code),
        stopped_reason=_text(detail.stopped_reason, known),
        containers=tuple(
            ContainerOutcome(
                name=_name(container.name) or "unnamed",
                exit_code=container.exit_code,
                reason=_text(container.reason, known),
                image=_name(container.image),
                digest=_name(container.image_digest),
            )
            for container in detail.containers[:MOST_CONTAINERS]
        ),
        launch_type=_name(detail.launch_type),
        started_at=_name(detail.started_at),
        stopped_at=_name(detail.stopped_at),
    )


def _impaired_since(event: InstanceHealthChange | InstanceStateChange) -> str | None:
    """When the last of the checks that are impaired became so: it stays the same if ECS sends the event again."""
    if not isinstance(event, InstanceHealthChange):
        return None
    impaired = (check.last_status_change for check in event.detail.health_checks if check.status == "IMPAIRED")
    times = [(parsed, text) for text in impaired if (parsed := parse_time(text))]
    return max(times)[1] if times else None


@lru_cache(maxsize=4096)
def _name(text: str | None) -> str | None:
    return None if text is None else _cut(redact_name(text), LONGEST_NAME)


@lru_cache(maxsize=1024)
def _arn(text: str | None) -> str | None:
    """An ARN, long enough to be looked up with."""
    return None if text is None else _cut(redact_name(text), LONGEST_ARN)


def _text(text: str | None, known: tuple[str, ...] = ()) -> str | None:
    return None if text is None else _cut(redact(text, known), LONGEST_REASON)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
