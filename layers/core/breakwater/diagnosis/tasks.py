"""Rules 3 to 8: what one task's state change means. The stop code decides before the exit code."""

import re
from collections.abc import Callable
from dataclasses import replace

from breakwater.events import Container, TaskStateChange
from breakwater.model import Category, Cause, Diagnosis, Severity

from .containers import Blame, blame, failed, out_of_memory, sidecar_cause
from .facts import Facts
from .memory import Memory
from .starts import cause_of_text, failed_to_start
from .votes import may_count, of_aws_batch
from .wording import in_brackets, name, nothing, quote, sentence

USER_INITIATED = "UserInitiated"
SERVICE_SCHEDULER = "ServiceSchedulerInitiated"
SPOT_INTERRUPTION = "SpotInterruption"
TERMINATION_NOTICE = "TerminationNotice"
INFRASTRUCTURE_HEALTH = "InfrastructureHealth"
FAILED_TO_START = "TaskFailedToStart"
ESSENTIAL_EXITED = "EssentialContainerExited"

# What stands in for an absent stop code. The first row found in `stoppedReason` wins, capitals do not matter.
_STAND_INS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"essential container in task exited", ESSENTIAL_EXITED),
        (r"scaling activity initiated by|failed (?:elb|container) health checks", SERVICE_SCHEDULER),
        (r"performing maintenance", SERVICE_SCHEDULER),
        (r"spot task was interrupted", SPOT_INTERRUPTION),
        (r"host ec2 .{0,200}terminated", TERMINATION_NOTICE),
        (r"task ?failed ?to ?start", FAILED_TO_START),
    )
)
_STOPPED_BY_USER = "Task stopped by user"

# What the service scheduler says when a stop was not simply wanted.
_HEALTH_CHECKS: tuple[tuple[str, Cause, str], ...] = (
    ("failed elb health checks", Cause.HEALTH_CHECK_ELB, "load balancer"),
    ("failed container health checks", Cause.HEALTH_CHECK_CONTAINER, "container"),
)
_MAINTENANCE = "performing maintenance"

_INTERRUPTED_BY: dict[Cause, str] = {
    Cause.SPOT_INTERRUPTION: "Spot capacity was taken back",
    Cause.HOST_TERMINATED: "its host was terminated",
    Cause.INFRASTRUCTURE: "the infrastructure under it was unhealthy",
    Cause.MAINTENANCE: "AWS is maintaining the infrastructure under it",
}

_ENDED_BY: dict[Cause, str] = {
    Cause.APP_ERROR: "the application failed",
    Cause.BAD_COMMAND: "its command could not be found or run",
    Cause.OOM: "out of memory",
    Cause.KILLED: "it was killed (SIGKILL), ECS does not say by whom",
    Cause.TERMINATED: "it was told to end (SIGTERM or SIGINT), but not by ECS",
    Cause.CRASH_SIGNAL: "it crashed on a signal or exception",
    Cause.UNKNOWN: "ECS gives a stop code that Breakwater does not know",
}


def diagnose_task(task: TaskStateChange, facts: Facts, memory: Memory) -> Diagnosis:
    """Judge one state of a task."""
    arn = task.task_arn
    if arn and memory.ended(arn):
        return _repeated(task)
    if not task.final:
        return _soften(task, _while_it_runs(task, facts, memory))
    if arn:
        memory.note_end(arn)
    return _soften(task, _BY_STOP_CODE.get(stop_code(task) or "", _container_ended)(task, facts))


def stop_code(task: TaskStateChange) -> str | None:
    """Return the stop code, or the one that `stoppedReason` stands for, or `None` if neither tells."""
    if task.detail.stop_code:
        return task.detail.stop_code
    text = task.detail.stopped_reason or ""
    if text == _STOPPED_BY_USER:
        return USER_INITIATED
    stand_in = next((code for pattern, code in _STAND_INS if pattern.search(text)), None)
    return stand_in or (FAILED_TO_START if cause_of_text([text]) else None)


def needs_essential(task: TaskStateChange) -> bool:
    """Whether `Facts.essential` can change the diagnosis: only then is it worth a look at the task definition.

    A container that is listed alone is the essential one only if ECS says that such a one ended the task. Of a task
    that did not start it may be the one that had to finish first.
    """
    containers = task.detail.containers
    if not any(failed(c) for c in containers):
        return False
    if not task.final:
        return _shows_running(task) and any(failed(c) and c.last_status == "STOPPED" for c in containers)
    code = stop_code(task)
    if code == ESSENTIAL_EXITED and len(containers) == 1:
        return False
    return _BY_STOP_CODE.get(code or "", _container_ended) in (_container_ended, failed_to_start)


def _repeated(task: TaskStateChange) -> Diagnosis:
    if task.final:
        return nothing(Cause.DUPLICATE, f"The end of this task of {_of(task)} has been seen before.")
    return nothing(Cause.STALE, f"A state of a task of {_of(task)} that has ended meanwhile: it came too late.")


def _soften(task: TaskStateChange, diagnosis: Diagnosis) -> Diagnosis:
    """AWS Batch retries by itself and tells its users: its tasks are recorded, without an alert."""
    if not diagnosis.any_alert or not of_aws_batch(task):
        return diagnosis
    return replace(diagnosis, severity=Severity.INFO, nonzero_exit_alert=False, counts_for_rollback=False)


# ── Rule 3: before the end ────────────────────────────────────────────────────────────────────────────────────────────


def _while_it_runs(task: TaskStateChange, facts: Facts, memory: Memory) -> Diagnosis:
    if _interruption(task) is Cause.SPOT_INTERRUPTION:
        return _interrupted(task, facts)
    stopped = [c for c in task.detail.containers if c.last_status == "STOPPED" and failed(c)]
    sidecars = [c for c in stopped if not facts.is_essential(c.name)]
    if not sidecars or not _shows_running(task):
        return nothing(Cause.NOT_FINAL, f"A task of {_of(task)} changed its state; only its end is judged.")
    arn = task.task_arn
    untold = memory.untold(arn, [c.name for c in sidecars]) if arn else {c.name for c in sidecars}
    if not untold:
        return nothing(Cause.DUPLICATE, f"The failed sidecar of a running task of {_of(task)} has been told before.")
    return _sidecar_failed(task, next(c for c in sidecars if c.name in untold), "the task runs on without it")


def _shows_running(task: TaskStateChange) -> bool:
    return task.detail.last_status == task.detail.desired_status == "RUNNING"


# ── Rules 4 and 5: somebody stopped it ────────────────────────────────────────────────────────────────────────────────


def _stopped_by_user(task: TaskStateChange, facts: Facts) -> Diagnosis:
    """The reason of StopTask is free text of its caller: it is neither read nor shown."""
    return nothing(Cause.USER_STOP, f"Somebody stopped a task of {_of(task)} through the API.")


def _stopped_by_scheduler(task: TaskStateChange, facts: Facts) -> Diagnosis:
    text = (task.detail.stopped_reason or "").lower()
    for mark, cause, which in _HEALTH_CHECKS:
        if mark in text:
            return Diagnosis(
                Category.HEALTH_CHECK_FAILED,
                Severity.MEDIUM,
                cause,
                sentence(f"A task of {_of(task)} was stopped because it failed its {which} health check{_said(task)}."),
                counts_for_rollback=may_count(task, facts),
            )
    if _MAINTENANCE in text:
        return _interrupted(task, facts)
    return nothing(Cause.SCALE_IN, f"The service scheduler stopped a task of {_of(task)}: the stop was wanted.")


def _interruption(task: TaskStateChange) -> Cause | None:
    """Name what interrupted the task, or `None` if nothing did."""
    code, text = stop_code(task), task.detail.stopped_reason or ""
    if code == SPOT_INTERRUPTION or (code == TERMINATION_NOTICE and "Spot" in text):
        return Cause.SPOT_INTERRUPTION
    if code == SERVICE_SCHEDULER and _MAINTENANCE in text.lower():
        return Cause.MAINTENANCE
    return {TERMINATION_NOTICE: Cause.HOST_TERMINATED, INFRASTRUCTURE_HEALTH: Cause.INFRASTRUCTURE}.get(code or "")


def _interrupted(task: TaskStateChange, facts: Facts) -> Diagnosis:
    """A service replaces its task. Nobody replaces a standalone one, so its work is lost."""
    cause = _interruption(task) or Cause.INFRASTRUCTURE
    lost = task.standalone and task.final
    will = "is being" if not task.final else "was"
    so = "nobody replaces it, its work is lost" if task.standalone else "the service replaces it"
    return Diagnosis(
        Category.INTERRUPTED,
        Severity.MEDIUM if lost else Severity.INFO,
        cause,
        sentence(f"A task of {_of(task)} {will} interrupted: {_INTERRUPTED_BY[cause]}; {so}{_said(task)}."),
    )


# ── Rule 7: a container ended it ──────────────────────────────────────────────────────────────────────────────────────


def _container_ended(task: TaskStateChange, facts: Facts) -> Diagnosis:
    found = blame(task.detail.containers, facts)
    if found.essential:
        return _task_failed(task, facts, found)
    if found.sidecars:
        return _sidecar_failed(task, found.sidecars[0], "the task itself did not fail")
    if not found.readable:
        return _ended_without_a_code(task)
    if task.standalone:
        return nothing(Cause.SUCCESS, f"The task of {_of(task)} has done its work.")
    return nothing(Cause.EXITED_ZERO, f"A task of {_of(task)} ended with exit code 0; its service starts another.")


def _task_failed(task: TaskStateChange, facts: Facts, found: Blame) -> Diagnosis:
    container, cause = found.essential[0]
    known_end = stop_code(task) == ESSENTIAL_EXITED
    if task.detail.stop_code and not known_end:
        cause = Cause.UNKNOWN
    others = [name(other.name, "without a name") for other, _ in found.essential[1:4]]
    also = f"; so did {', '.join(others)}" if others else ""
    which = f", {quote(task.detail.stop_code, task.detail.scrub, 40)}" if cause is Cause.UNKNOWN else ""
    return Diagnosis(
        Category.TASK_FAILED,
        Severity.MEDIUM if cause in (Cause.TERMINATED, Cause.UNKNOWN) else Severity.HIGH,
        cause,
        sentence(f"{_ended(task, container)}: {_ENDED_BY[cause]}{which}{_told_by(task, container, cause)}{also}."),
        counts_for_rollback=known_end and may_count(task, facts),
        nonzero_exit_alert=True,
        container=_shown_name(container),
    )


def _sidecar_failed(task: TaskStateChange, container: Container, when: str) -> Diagnosis:
    cause = sidecar_cause(container)
    why = f"{_ENDED_BY[cause]}; " if cause is Cause.OOM else ""
    return Diagnosis(
        Category.SIDECAR_FAILED,
        Severity.LOW,
        cause,
        sentence(f"{_ended(task, container)}: {why}{when}{_told_by(task, container, cause)}."),
        nonzero_exit_alert=True,
        container=_shown_name(container),
    )


def _ended_without_a_code(task: TaskStateChange) -> Diagnosis:
    """No container shows how it ended: better told once than passed over, but no evidence."""
    memory_ran_out = next((c for c in task.detail.containers if out_of_memory(c)), None)
    cause = Cause.OOM if memory_ran_out else Cause.UNKNOWN
    return Diagnosis(
        Category.TASK_FAILED,
        Severity.MEDIUM,
        cause,
        sentence(f"A task of {_of(task)} ended and no container shows an exit code{_said(task)}."),
        container=_shown_name(memory_ran_out) if memory_ran_out else None,
    )


_BY_STOP_CODE: dict[str, Callable[[TaskStateChange, Facts], Diagnosis]] = {
    USER_INITIATED: _stopped_by_user,
    SERVICE_SCHEDULER: _stopped_by_scheduler,
    SPOT_INTERRUPTION: _interrupted,
    TERMINATION_NOTICE: _interrupted,
    INFRASTRUCTURE_HEALTH: _interrupted,
    FAILED_TO_START: failed_to_start,
    ESSENTIAL_EXITED: _container_ended,
}


# ── Words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of(task: TaskStateChange) -> str:
    return name(task.revision or task.service, "an unnamed task definition")


def _said(task: TaskStateChange) -> str:
    return in_brackets(task.detail.stopped_reason, task.detail.scrub)


def _ended(task: TaskStateChange, container: Container) -> str:
    who = name(container.name, "without a name")
    return f"Container {who} of {_of(task)} ended with exit code {str(container.exit_code)[:20]}"


def _told_by(task: TaskStateChange, container: Container, cause: Cause) -> str:
    """Quote the container's reason; of a task that ran out of memory the words may stand on another container."""
    reason = container.reason
    if cause is Cause.OOM and not reason:
        reason = next((other.reason for other in task.detail.containers if out_of_memory(other)), None)
    return in_brackets(reason, task.detail.scrub)


def _shown_name(container: Container) -> str | None:
    return name(container.name, "") or None
