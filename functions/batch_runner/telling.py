"""What people are told of a run: the finding that its record makes. Pure; the same record makes the same finding."""

from datetime import datetime

from breakwater.model import (
    Category,
    Cause,
    ContainerOutcome,
    Diagnosis,
    Evidence,
    Finding,
    Severity,
    Subject,
    SubjectKind,
)
from breakwater.redact import redact, redact_name
from breakwater.runs import Outcome, Run, RunKind

_SEVERITY = {
    Outcome.FAILED: Severity.HIGH,
    Outcome.MISSED: Severity.HIGH,
    Outcome.QUARANTINED: Severity.MEDIUM,
    Outcome.REFUSED: Severity.MEDIUM,
    Outcome.SKIPPED: Severity.LOW,
    Outcome.REPLACED: Severity.LOW,
    Outcome.OBSERVED: Severity.LOW,
}
LONGEST_KEY = 200


def finding_of_end(run: Run) -> Finding | None:
    """What is told of a run that is over; `None` of one that succeeded."""
    severity = _SEVERITY.get(run.outcome) if run.outcome else None
    if severity is None:
        return None
    what = "set aside" if run.outcome is Outcome.QUARANTINED else str(run.outcome)
    reason = f"{_who(run)}: {what}: {run.reason}"
    return _finding(run, "end", severity, run.cause or Cause.UNKNOWN, reason, run.ended_at or run.arrived)


def finding_of_deadline(run: Run, now: datetime) -> Finding:
    """What is told once of a run that has not succeeded by its deadline."""
    reason = f"{_who(run)} has not succeeded by its deadline; it is {run.phase}, at attempt {run.attempt}."
    return _finding(run, "deadline", Severity.HIGH, Cause.OVERDUE, reason, now)


def subject_of(run: Run) -> Subject:
    """What incidents and the journal file a run under: its job or upload, in its cluster."""
    kind = SubjectKind.UPLOAD if run.kind is RunKind.UPLOAD else SubjectKind.JOB
    return Subject(kind, redact_name(run.name), redact_name((run.cluster or "").rpartition("/")[2]) or None)


def _finding(run: Run, which: str, severity: Severity, cause: Cause, reason: str, at: datetime) -> Finding:
    upload = run.kind is RunKind.UPLOAD
    diagnosis = Diagnosis(
        category=Category.UPLOAD_FAILED if upload else Category.RUN_FAILED,
        severity=severity,
        cause=cause,
        reason=redact(reason),
        container=run.container,
    )
    return Finding(f"run:{run.ref}:{which}", subject_of(run), diagnosis, at, _evidence(run))


def _evidence(run: Run) -> Evidence:
    containers = (ContainerOutcome(run.container, run.exit_code),) if run.container else ()
    return Evidence(
        task_arn=run.task,
        task_definition=run.task_definition,
        stopped_reason=redact(run.reason) or None,
        containers=containers,
        started_at=run.started_at.isoformat() if run.started_at else None,
        stopped_at=run.ended_at.isoformat() if run.ended_at else None,
    )


def _who(run: Run) -> str:
    if run.kind is RunKind.UPLOAD:
        key = run.key or ""
        shown = key if len(key) <= LONGEST_KEY else key[: LONGEST_KEY - 1] + "…"
        return f"Upload {run.name}: object {redact_name(shown)!r} in {run.bucket}"
    return f"Job {run.name}: the run due at {run.due:%Y-%m-%d %H:%M} UTC"
