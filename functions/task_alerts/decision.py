"""Is an event something that a person should hear of? And what has to be looked up before that can be said?

Pure: the answer follows from the event and the facts alone.
"""

from dataclasses import dataclass

from breakwater.diagnosis import Facts, diagnose, needs_essential
from breakwater.events import Event, HookStateChange, ServiceEvent, TaskStateChange, Unreadable
from breakwater.findings import finding_of
from breakwater.model import Cause, Finding


@dataclass(frozen=True, slots=True)
class Report:
    """Somebody should hear of it."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nobody needs to hear of it."""

    cause: Cause
    reason: str


AlertDecision = Report | Ignore


def decide_alert(event: Event | Unreadable, facts: Facts) -> AlertDecision:
    """Diagnose one event and say whether it becomes part of an incident."""
    diagnosis = diagnose(event, facts)
    if not diagnosis.any_alert or isinstance(event, Unreadable):
        return Ignore(diagnosis.cause, diagnosis.reason)
    finding = finding_of(event, diagnosis, facts.now)
    if finding is None:
        return Ignore(diagnosis.cause, "nobody is told of this kind of event")
    return Report(finding, diagnosis.reason)


def task_definition_wanted(event: Event | Unreadable, home: Facts) -> str | None:
    """The ARN of the task definition that decides about this event, if any does: it tells what is essential."""
    if not isinstance(event, TaskStateChange) or (event.account, event.region) != (home.account, home.region):
        return None
    return event.detail.task_definition_arn if needs_essential(event) else None


def service_wanted(event: Event | Unreadable, home: Facts) -> tuple[str | None, str] | None:
    """The service, as (cluster, name), whose state decides about this event: only of a failed deployment."""
    if not isinstance(event, ServiceEvent) or event.detail.event_name != "SERVICE_DEPLOYMENT_FAILED":
        return None
    if (event.account, event.region) != (home.account, home.region):
        return None
    return (event.cluster, event.service) if event.service else None


def hook_wanted(event: Event | Unreadable, home: Facts) -> tuple[str | None, str, str] | None:
    """The hook that waits, as (cluster, service, stage), where it matters whether a release answers it."""
    if not isinstance(event, HookStateChange) or event.detail.event_name != "HOOK_AWAITING_ACTION":
        return None
    if (event.account, event.region) != (home.account, home.region) or not event.service:
        return None
    return event.cluster, event.service, event.detail.lifecycle_stage or ""
