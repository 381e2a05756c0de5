"""Rule 9, what lies under the services: container instances, EC2's warnings, alarms."""

from breakwater.events import (
    AlarmStateChange,
    InstanceHealthChange,
    InstanceStateChange,
    SpotWarning,
    TerminateLifecycle,
)
from breakwater.model import Category, Cause, Diagnosis, Severity

from .facts import Facts
from .wording import in_brackets, name, nothing, sentence

_LEAVING = {
    "DRAINING": "is being drained",
    "DEREGISTERING": "is being deregistered",
    "INACTIVE": "has left the cluster",
}


def diagnose_instance(event: InstanceStateChange, facts: Facts) -> Diagnosis:
    """Judge a container instance's state. A disconnected agent is normal several times an hour and means nothing."""
    who = f"Container instance {name(event.instance, 'without a name')} of {name(event.cluster, 'an unnamed cluster')}"
    leaving = _LEAVING.get(event.detail.status or "")
    if leaving is None:
        return nothing(Cause.ROUTINE, f"{who} changed its state, which is routine.")
    return _interruption(Cause.DRAIN, f"{who} {leaving}.")


def diagnose_instance_health(event: InstanceHealthChange, facts: Facts) -> Diagnosis:
    """Judge an instance's health."""
    who = f"Container instance {name(event.instance, 'without a name')} of {name(event.cluster, 'an unnamed cluster')}"
    if event.detail.overall_status != "IMPAIRED":
        return nothing(Cause.ROUTINE, f"{who} is not impaired.")
    bad = [check for check in event.detail.health_checks if check.status == "IMPAIRED"]
    checks = ", ".join(name(check.type, "a check without a name") for check in bad[:4])
    said = in_brackets(next((check.status_reason for check in bad if check.status_reason), None))
    what = f": {checks}" if checks else ""
    return Diagnosis(
        Category.INSTANCE_IMPAIRED, Severity.MEDIUM, Cause.INFRASTRUCTURE, sentence(f"{who} is impaired{what}{said}.")
    )


def diagnose_alarm(event: AlarmStateChange, facts: Facts) -> Diagnosis:
    """Judge an alarm by the state it is in and the one it was in."""
    who = f"Alarm {name(event.detail.alarm_name or event.resource, 'without a name')}"
    if event.now == "ALARM":
        said = in_brackets(event.detail.state.reason if event.detail.state else None)
        return Diagnosis(
            Category.THRESHOLD_CROSSED, Severity.MEDIUM, Cause.THRESHOLD, sentence(f"{who} went off{said}.")
        )
    if event.now == "OK" and event.before == "ALARM":
        return Diagnosis(Category.THRESHOLD_CROSSED, Severity.INFO, Cause.RECOVERED, sentence(f"{who} is over."))
    return nothing(Cause.ROUTINE, f"{who} changed its state without going off.")


def diagnose_termination(event: TerminateLifecycle, facts: Facts) -> Diagnosis:
    """An Auto Scaling group is about to end an instance."""
    detail = event.detail
    group = name(detail.group_name, "an unnamed Auto Scaling group")
    return _interruption(Cause.DRAIN, f"{group} is ending instance {name(detail.ec2_instance_id, 'without a name')}.")


def diagnose_spot_warning(event: SpotWarning, facts: Facts) -> Diagnosis:
    """EC2 takes an instance back in two minutes."""
    who = name(event.detail.instance_id, "without a name")
    return _interruption(Cause.SPOT_INTERRUPTION, f"EC2 takes Spot instance {who} back in two minutes.")


def _interruption(cause: Cause, reason: str) -> Diagnosis:
    return Diagnosis(Category.INTERRUPTED, Severity.INFO, cause, sentence(reason))
