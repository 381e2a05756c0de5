"""From an event and its diagnosis to a finding: what it is about, which fact it is, what is kept as evidence.

All text that an event brings is redacted and cut here, once; nothing behind this module sees it raw. Overrides are
never kept: their values serve only to strike themselves out of other text.
"""

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
)
from breakwater.model import ContainerOutcome, Diagnosis, Evidence, Finding, Subject, SubjectKind
from breakwater.redact import redact

LONGEST_NAME = 255
LONGEST_REASON = 1000
MOST_CONTAINERS = 10


def finding_of(event: Event, diagnosis: Diagnosis, now: datetime) -> Finding | None:
    """The finding that an event makes, or `None` for a kind of event that nobody is told of.

    It happened when the event says, but not after `now`: a clock that runs ahead must not keep an incident open.
    Without a readable time it happened now.
    """
    at = min(getattr(event, "at", None) or now, now)
    match event:
        case TaskStateChange():
            return Finding(
                identity=f"task:{event.task_arn or event.id}:{'final' if event.final else 'sidecar'}",
                subject=_task_subject(event),
                diagnosis=diagnosis,
                at=at,
                evidence=_task_evidence(event),
                scrub=event.detail.scrub,
            )
        case ServiceEvent():
            detail = event.detail
            which = detail.deployment_id or detail.updated_at or detail.created_at or event.time
            return Finding(
                identity=f"service:{event.cluster}/{event.service}:{detail.event_name}:{which}",
                subject=_subject(SubjectKind.SERVICE, event.service, event.cluster),
                diagnosis=diagnosis,
                at=at,
                evidence=Evidence(deployment=_name(detail.deployment_id), stopped_reason=_text(detail.reason)),
            )
        case HookStateChange():
            return Finding(
                identity=f"hook:{event.detail.hook_id or event.id}:{event.detail.event_name}",
                subject=_subject(SubjectKind.SERVICE, event.service, event.cluster),
                diagnosis=diagnosis,
                at=at,
                evidence=Evidence(deployment=_name(event.detail.service_deployment_arn)),
            )
        case InstanceHealthChange() | InstanceStateChange():
            return Finding(
                identity=f"instance:{event.instance or event.id}:{diagnosis.category}:{_changed(event) or event.time}",
                subject=_subject(SubjectKind.INSTANCE, event.instance, event.cluster),
                diagnosis=diagnosis,
                at=at,
            )
        case AlarmStateChange():
            state = event.detail.state
            return Finding(
                identity=f"alarm:{event.detail.alarm_name or event.id}:{state.timestamp if state else event.time}",
                subject=_subject(SubjectKind.ALARM, event.detail.alarm_name, None),
                diagnosis=diagnosis,
                at=at,
                evidence=Evidence(stopped_reason=_text(state.reason if state else None)),
            )
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
        task_arn=_name(event.task_arn),
        task_definition=_name(detail.task_definition_arn),
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


def _changed(event: InstanceHealthChange | InstanceStateChange) -> str | None:
    """When the check that tells of trouble last changed: it stays the same if ECS sends the event again."""
    if not isinstance(event, InstanceHealthChange):
        return None
    return max((check.last_status_change or "" for check in event.detail.health_checks), default=None)


@lru_cache(maxsize=4096)
def _name(text: str | None) -> str | None:
    return None if text is None else _cut(redact(text), LONGEST_NAME)


def _text(text: str | None, known: tuple[str, ...] = ()) -> str | None:
    return None if text is None else _cut(redact(text, known), LONGEST_REASON)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
