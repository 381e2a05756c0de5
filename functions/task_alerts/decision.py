"""Is an event something that a person should hear of? And what has to be looked up before that can be said?

Pure: the answer follows from the event and the facts alone.
"""

from dataclasses import dataclass
from datetime import timedelta

from breakwater.diagnosis import Facts, diagnose, needs_essential
from breakwater.events import Event, HookStateChange, ServiceEvent, TaskStateChange, Unreadable
from breakwater.findings import finding_of
from breakwater.ledger import Ledger
from breakwater.model import Category, Cause, Diagnosis, Finding
from breakwater.sent_back import SentBack

A_WAY_BACK = timedelta(minutes=10)
"""For so long after a release sent a deployment back, a rollback whose event gives no reason is what it asked for."""


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


def decide_alert(
    event: Event | Unreadable, facts: Facts, ledger: Ledger | None = None, sent_back: SentBack | None = None
) -> AlertDecision:
    """Diagnose one event and say whether it becomes part of an incident.

    `ledger` is that of its service, `sent_back` the last deployment of the service that a release sent back.
    """
    diagnosis = diagnose(event, facts)
    if sent_back is not None and _is_a_releases_own(event, diagnosis, sent_back):
        return Ignore(diagnosis.cause, "a release sent this deployment back, and tells of it")
    if ledger is not None and isinstance(event, ServiceEvent) and _is_the_guards_own(event, diagnosis, ledger):
        return Ignore(diagnosis.cause, "the rollback guard went back from this deployment, and has told of it")
    if not diagnosis.any_alert or isinstance(event, Unreadable):
        return Ignore(diagnosis.cause, diagnosis.reason)
    finding = finding_of(event, diagnosis, facts.now)
    if finding is None:
        return Ignore(diagnosis.cause, "nobody is told of this kind of event")
    return Report(finding, diagnosis.reason)


def _is_the_guards_own(event: ServiceEvent, diagnosis: Diagnosis, ledger: Ledger) -> bool:
    """Whether ECS tells of what the rollback guard asked for: the deployment that it stopped, and the way back.

    ECS gives a stop by request no wording that is documented; the ledger names the deployment before ECS is asked.
    """
    deployment = event.detail.deployment_id
    if diagnosis.cause is not Cause.UNKNOWN or not deployment:
        return False
    match diagnosis.category:
        case Category.DEPLOYMENT_FAILED:
            return any(past.fence == deployment for past in ledger.rollbacks)
        case Category.DEPLOYMENT_ROLLED_BACK:
            stopped = [past for past in ledger.rollbacks if past.stop]
            return any(past.deployment == deployment or (not past.deployment and past.state.open) for past in stopped)
        case _:
            return False


def _is_a_releases_own(event: Event | Unreadable, diagnosis: Diagnosis, sent: SentBack) -> bool:
    """Whether ECS tells of what a release asked for: its hook that was told ROLLBACK, the deployment, the way back.

    The way back is a deployment with an id of its own, so it is known by its time; ECS's own reasons, circuit breaker
    and alarm, are news in any case.
    """
    if isinstance(event, HookStateChange):
        named = event.detail.service_deployment_arn or event.resource
        return event.detail.event_name == "HOOK_FAILED" and named == sent.service_deployment
    if not isinstance(event, ServiceEvent) or diagnosis.cause is not Cause.UNKNOWN:
        return False
    match diagnosis.category:
        case Category.DEPLOYMENT_FAILED:
            return bool(sent.deployment) and event.detail.deployment_id == sent.deployment
        case Category.DEPLOYMENT_ROLLED_BACK:
            return event.at is not None and abs(event.at - sent.at) <= A_WAY_BACK
        case _:
            return False


def way_back_wanted(event: Event | Unreadable, home: Facts) -> str | None:
    """The service, as `cluster/name`, of which it matters whether a release sent its deployment back."""
    if not isinstance(event, HookStateChange):
        return ledger_wanted(event, home)
    if event.detail.event_name != "HOOK_FAILED" or (event.account, event.region) != (home.account, home.region):
        return None
    return f"{event.cluster}/{event.service}" if event.cluster and event.service else None


def ledger_wanted(event: Event | Unreadable, home: Facts) -> str | None:
    """The service, as `cluster/name`, whose ledger decides about this event: a deployment failed or goes back."""
    if not isinstance(event, ServiceEvent) or (event.account, event.region) != (home.account, home.region):
        return None
    told = event.detail.event_name in ("SERVICE_DEPLOYMENT_FAILED", "SERVICE_DEPLOYMENT_IN_PROGRESS")
    return f"{event.cluster}/{event.service}" if told and event.cluster and event.service else None


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
