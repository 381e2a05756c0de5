"""One event, one diagnosis. Rule 1 is here: is it ours at all?"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from breakwater.events import (
    AlarmStateChange,
    AwsEvent,
    BatchRun,
    DeploymentStateChange,
    Event,
    HookStateChange,
    InstanceHealthChange,
    InstanceStateChange,
    ObjectCreated,
    ObjectOther,
    ScaleRevert,
    ScheduledEvent,
    ServiceAction,
    SpotWarning,
    TaskStateChange,
    TerminateLifecycle,
    Unreadable,
)
from breakwater.model import Cause, Diagnosis

from .facts import Facts
from .hosts import (
    diagnose_alarm,
    diagnose_instance,
    diagnose_instance_health,
    diagnose_spot_warning,
    diagnose_termination,
)
from .memory import Memory
from .schedules import diagnose_revert, diagnose_run, diagnose_scheduled_event
from .services import diagnose_hook, diagnose_service
from .tasks import diagnose_task
from .uploads import diagnose_other_object_event, diagnose_upload, refused
from .votes import ahead, fresh
from .wording import nothing, quote, sentence


def _forgetful(judge: Callable[[Any, Facts], Diagnosis]) -> Callable[[Any, Facts, Memory], Diagnosis]:
    """Let a judge that does not need the memory be called like one that does."""
    return lambda event, facts, memory: judge(event, facts)


_JUDGES: dict[type, Callable[[Any, Facts, Memory], Diagnosis]] = {
    TaskStateChange: diagnose_task,
    ServiceAction: _forgetful(diagnose_service),
    DeploymentStateChange: _forgetful(diagnose_service),
    HookStateChange: _forgetful(diagnose_hook),
    InstanceStateChange: _forgetful(diagnose_instance),
    InstanceHealthChange: _forgetful(diagnose_instance_health),
    AlarmStateChange: _forgetful(diagnose_alarm),
    TerminateLifecycle: _forgetful(diagnose_termination),
    SpotWarning: _forgetful(diagnose_spot_warning),
    ObjectCreated: diagnose_upload,
    ObjectOther: _forgetful(diagnose_other_object_event),
    ScheduledEvent: diagnose_scheduled_event,
    BatchRun: diagnose_run,
    ScaleRevert: _forgetful(diagnose_revert),
}


def diagnose(event: Event | Unreadable, facts: Facts, memory: Memory | None = None) -> Diagnosis:
    """Judge one event. Without a memory it is judged alone, as if nothing had come before."""
    if isinstance(event, Unreadable):
        return _unreadable(event, facts)
    if isinstance(event, AwsEvent) and not _from_here(event.account, event.region, facts):
        return _elsewhere()
    diagnosis = _JUDGES[type(event)](event, facts, Memory() if memory is None else memory)
    if isinstance(event, AwsEvent) and not fresh(event, facts):
        return replace(diagnosis, late=True)
    if isinstance(event, AwsEvent) and diagnosis.any_alert and ahead(event, facts):
        told = diagnosis.reason.rstrip(".")
        return replace(diagnosis, reason=sentence(f"{told}; the event is dated in the future."))
    return diagnosis


def _from_here(account: str | None, region: str | None, facts: Facts) -> bool:
    return facts.account in (None, account) and facts.region in (None, region)


def _elsewhere() -> Diagnosis:
    return nothing(Cause.FOREIGN, "The event comes from another account or Region.")


def _unreadable(event: Unreadable, facts: Facts) -> Diagnosis:
    if event.placed and not _from_here(event.account, event.region, facts):
        return _elsewhere()
    what = f": {quote(event.what, limit=80)}" if event.what else ""
    reason = f"The event cannot be judged, {event.why}{what}."
    return refused(reason, event.cause) if event.own else nothing(event.cause, reason)
