"""Rule 11: what schedules may start. A run is one schedule at one scheduled time, however often it is attempted."""

from dataclasses import replace
from datetime import datetime

from breakwater.events import BatchRun, ScaleRevert, ScheduledEvent
from breakwater.model import Action, Cause, Diagnosis

from .facts import Facts
from .memory import Memory
from .uploads import refused
from .wording import name, nothing

_SOURCES = frozenset({"aws.events", "aws.scheduler"})


def diagnose_run(event: BatchRun, facts: Facts, memory: Memory) -> Diagnosis:
    """Run the job if this schedule is the job's own."""
    at = event.at
    if at is None:
        return _no_time()
    return _once(event.schedule_arn, at, run_of_schedule(event, facts), memory)


def diagnose_scheduled_event(event: ScheduledEvent, facts: Facts, memory: Memory) -> Diagnosis:
    """Run the job whose schedule or rule sent the envelope; its time is the scheduled time."""
    if event.source not in _SOURCES:
        return refused("A scheduled event that no schedule and no rule sent.")
    at = event.at
    if at is None:
        return _no_time()
    return _once(event.resource, at, run_of_schedule(event, facts), memory)


def run_of_schedule(event: BatchRun | ScheduledEvent, facts: Facts) -> str | None:
    """The job that a schedule may run: the one whose own schedule it is, and no other that a payload may name."""
    if isinstance(event, BatchRun):
        allowed = any(job.job == event.job and job.schedule == event.schedule_arn for job in facts.jobs)
        return event.job if allowed else None
    return next((job.job for job in facts.jobs if job.schedule == event.resource), None)


def diagnose_revert(event: ScaleRevert, facts: Facts) -> Diagnosis:
    """Give a temporary scale-up back, unless somebody has changed the count since."""
    if event.at is None:
        return _no_time()
    surge = facts.surge
    if surge is None or surge.id != event.surge_id:
        return refused(f"There is no temporary scale-up {name(event.surge_id, 'without a name')} to give back.")
    who = name(surge.service, "the service")
    if surge.desired_now == surge.set_to:
        reason = f"The temporary scale-up of {who} is over: back from {surge.set_to} to {surge.previous}."
        return replace(nothing(Cause.SCHEDULE, reason), action=Action.SCALE_REVERT)
    reason = f"{who} is at {surge.desired_now}, not at {surge.set_to}: somebody changed the count, so it is left alone."
    return replace(nothing(Cause.STALE, reason), action=Action.STAND_DOWN)


def _once(schedule: str | None, at: datetime, job: str | None, memory: Memory) -> Diagnosis:
    if schedule and memory.met(("run", schedule, at.isoformat())):
        return nothing(Cause.DUPLICATE, f"The run that was due at {at:%Y-%m-%d %H:%M:%S} UTC has been seen before.")
    if job is None:
        return refused(f"No job may be started by {name(schedule, 'a schedule without a name')} in this way.")
    reason = f"Job {name(job, 'without a name')} is due ({at:%Y-%m-%d %H:%M:%S} UTC)."
    return replace(nothing(Cause.SCHEDULE, reason), action=Action.RUN_TASK)


def _no_time() -> Diagnosis:
    return refused("The scheduled time cannot be read; perhaps its placeholder was not replaced.", Cause.MALFORMED)
