"""Rule 9, services: deployments, service actions and deployment hooks, by the event's name."""

from collections.abc import Callable
from dataclasses import dataclass

from breakwater.events import HookStateChange, ServiceEvent
from breakwater.model import Action, Category, Cause, Diagnosis, Severity

from .facts import Facts
from .wording import in_brackets, name, nothing, sentence


@dataclass(frozen=True, slots=True)
class Row:
    """What an event's name means by itself. `says` follows the service's name."""

    category: Category
    severity: Severity
    cause: Cause
    says: str
    action: Action = Action.NONE


def _impaired(severity: Severity, cause: Cause, says: str) -> Row:
    return Row(Category.SERVICE_IMPAIRED, severity, cause, says)


def _quiet(cause: Cause, says: str, action: Action = Action.NONE) -> Row:
    return Row(Category.NONE, Severity.NONE, cause, says, action)


# The events name no deployment, so none of them is evidence against one.
_ACTIONS: dict[str, Row] = {
    "SERVICE_DEPLOYMENT_COMPLETED": _quiet(Cause.SUCCESS, "completed a deployment", Action.RECORD_KNOWN_GOOD),
    "SERVICE_TASK_START_IMPAIRED": _impaired(
        Severity.HIGH, Cause.START_IMPAIRED, "cannot start tasks that stay up; ECS keeps trying, ever more slowly"
    ),
    "SERVICE_TASK_CONFIGURATION_FAILURE": _impaired(
        Severity.HIGH, Cause.CONFIGURATION, "cannot start tasks because something in its configuration is wrong"
    ),
    "SERVICE_TASK_PLACEMENT_FAILURE": _impaired(
        Severity.HIGH, Cause.PLACEMENT, "cannot place a task: no place satisfies what the task asks for"
    ),
    "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY": _impaired(
        Severity.MEDIUM, Cause.TARGET_UNHEALTHY, "has a task that service discovery finds unhealthy"
    ),
    "VPC_LATTICE_TARGET_UNHEALTHY": _impaired(
        Severity.MEDIUM, Cause.TARGET_UNHEALTHY, "has a target that VPC Lattice finds unhealthy"
    ),
    "SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED": _impaired(
        Severity.MEDIUM, Cause.PLACEMENT, "is a daemon whose placement constraint no longer holds on an instance"
    ),
    "ECS_OPERATION_THROTTLED": _impaired(Severity.MEDIUM, Cause.THROTTLED, "is held up because ECS is being throttled"),
    "SERVICE_DISCOVERY_OPERATION_THROTTLED": _impaired(
        Severity.MEDIUM, Cause.THROTTLED, "is held up because service discovery is being throttled"
    ),
    "SERVICE_HEALTH_UNKNOWN": _impaired(Severity.MEDIUM, Cause.UNKNOWN, "is in a state that ECS cannot tell"),
    "SERVICE_STEADY_STATE": _quiet(Cause.ROUTINE, "is in a steady state"),
    "TASKSET_STEADY_STATE": _quiet(Cause.ROUTINE, "has a task set in a steady state"),
    "CAPACITY_PROVIDER_STEADY_STATE": _quiet(Cause.ROUTINE, "has a capacity provider in a steady state"),
    "SERVICE_DESIRED_COUNT_UPDATED": _quiet(Cause.ROUTINE, "has a new desired count"),
    "TASKS_STOPPED": _quiet(Cause.ROUTINE, "had tasks stopped"),
}
_NO_CAPACITY = _impaired(Severity.HIGH, Cause.CAPACITY, "cannot place a task: there is not enough capacity")
_NEW_AND_BAD = _impaired(
    Severity.MEDIUM, Cause.UNKNOWN, "reports a problem of a kind that Breakwater does not know yet"
)
_NEW = _quiet(Cause.UNKNOWN, "reports something that Breakwater does not know yet")
_CAPITALS_FOR_CAPACITY = "RESOURCE:"
_SEVERITIES_THAT_MATTER = frozenset({"WARN", "ERROR"})

_DEPLOYMENT_CAUSES: tuple[tuple[str, Cause], ...] = (
    ("circuit breaker", Cause.CIRCUIT_BREAKER),
    ("alarm", Cause.DEPLOYMENT_ALARM),
)
_ROLLING_BACK = "rolling back to"


def diagnose_service(event: ServiceEvent, facts: Facts) -> Diagnosis:
    """Judge a deployment's or a service's event; both arrive under either detail-type."""
    special = _SPECIAL.get(event.detail.event_name or "")
    return special(event, facts) if special else _by_row(event, _row(event))


def _row(event: ServiceEvent) -> Row:
    known = _ACTIONS.get(event.detail.event_name or "")
    if known is not None:
        return known
    return _NEW_AND_BAD if event.detail.event_type in _SEVERITIES_THAT_MATTER else _NEW


def _by_row(event: ServiceEvent, row: Row) -> Diagnosis:
    told = _said(event) if row.severity.alerts else ""
    new = f": {name(event.detail.event_name, 'without a name')}" if row in (_NEW, _NEW_AND_BAD) else ""
    reason = sentence(f"{_service(event)} {row.says}{new}{told}.")
    return Diagnosis(row.category, row.severity, row.cause, reason, action=row.action)


def _placement_failed(event: ServiceEvent, facts: Facts) -> Diagnosis:
    no_capacity = _CAPITALS_FOR_CAPACITY in (event.detail.reason or "")
    return _by_row(event, _NO_CAPACITY if no_capacity else _row(event))


def _deployment_in_progress(event: ServiceEvent, facts: Facts) -> Diagnosis:
    """A rollback is itself a deployment that begins; only the text tells."""
    if _ROLLING_BACK not in (event.detail.reason or "").lower():
        return nothing(Cause.ROUTINE, f"{_service(event)} began a deployment.")
    return Diagnosis(
        Category.DEPLOYMENT_ROLLED_BACK,
        Severity.MEDIUM,
        _deployment_cause(event),
        sentence(f"{_service(event)} is being rolled back by ECS{_said(event)}."),
        action=Action.STAND_DOWN,
    )


def _deployment_failed(event: ServiceEvent, facts: Facts) -> Diagnosis:
    deployment = event.detail.deployment_id
    current = bool(deployment) and deployment == facts.deployment_in_progress
    rolls_back_itself = current and facts.native_rollback
    if not current:
        then = "it is not the deployment in progress"
    elif rolls_back_itself:
        then = "ECS rolls it back by itself"
    elif facts.deployment_is_rollback:
        then = "it was itself a rollback, so a person is needed"
    else:
        then = "ECS does not roll it back by itself"
    return Diagnosis(
        Category.DEPLOYMENT_FAILED,
        Severity.HIGH if current else Severity.MEDIUM,
        _deployment_cause(event),
        sentence(f"A deployment of {_service(event, start=False)} failed{_said(event)}; {then}."),
        counts_for_rollback=current
        and not rolls_back_itself
        and not facts.deployment_is_rollback
        and not event.replayed,
        action=Action.STAND_DOWN if rolls_back_itself else Action.NONE,
    )


_SPECIAL: dict[str, Callable[[ServiceEvent, Facts], Diagnosis]] = {
    "SERVICE_DEPLOYMENT_IN_PROGRESS": _deployment_in_progress,
    "SERVICE_DEPLOYMENT_FAILED": _deployment_failed,
    "SERVICE_TASK_PLACEMENT_FAILURE": _placement_failed,
}


def _deployment_cause(event: ServiceEvent) -> Cause:
    text = (event.detail.reason or "").lower()
    return next((cause for mark, cause in _DEPLOYMENT_CAUSES if mark in text), Cause.UNKNOWN)


def _hook(severity: Severity, cause: Cause, says: str, action: Action = Action.NONE) -> Row:
    return Row(Category.HOOK_ATTENTION, severity, cause, says, action)


# A hook that failed or ran out of time has been answered: ECS goes on as the hook was told to.
_HOOKS: dict[str, Row] = {
    "HOOK_AWAITING_ACTION": _hook(
        Severity.MEDIUM, Cause.HOOK_WAITING, "waits for a person's answer: no smoke test is configured"
    ),
    "HOOK_FAILED": _hook(Severity.MEDIUM, Cause.HOOK_FAILED, "failed at a hook", Action.STAND_DOWN),
    "HOOK_TIMED_OUT": _hook(
        Severity.HIGH, Cause.HOOK_TIMED_OUT, "ran out of time at a hook that nobody answered", Action.STAND_DOWN
    ),
    "HOOK_IN_PROGRESS": _quiet(Cause.ROUTINE, "is at a hook"),
    "HOOK_SUCCEEDED": _quiet(Cause.SUCCESS, "passed a hook"),
}
_WAITS_FOR_US = _hook(Severity.INFO, Cause.HOOK_WAITING, "waits for its smoke test", Action.SMOKE_TEST)
_NEW_AND_BAD_HOOK = _hook(Severity.MEDIUM, Cause.UNKNOWN, "reports a problem at a hook that Breakwater does not know")


def diagnose_hook(event: HookStateChange, facts: Facts) -> Diagnosis:
    """Judge a deployment's lifecycle hook."""
    detail = event.detail
    row = _HOOKS.get(detail.event_name or "")
    if row is None:
        row = _NEW_AND_BAD_HOOK if detail.event_type in _SEVERITIES_THAT_MATTER else _NEW
    elif row.cause is Cause.HOOK_WAITING and facts.smoke_test:
        row = _WAITS_FOR_US
    stage = f", stage {name(detail.lifecycle_stage, '')}" if detail.lifecycle_stage else ""
    until = f", until {name(detail.expires_at, '')}" if detail.expires_at and row.cause is Cause.HOOK_WAITING else ""
    who = name(event.service, "an unnamed service")
    reason = sentence(f"The deployment of {who} {row.says}{stage}{until}.")
    return Diagnosis(row.category, row.severity, row.cause, reason, action=row.action)


def _service(event: ServiceEvent, start: bool = True) -> str:
    return f"{'Service' if start else 'service'} {name(event.service, 'without a name')}"


def _said(event: ServiceEvent) -> str:
    return in_brackets(event.detail.reason)
