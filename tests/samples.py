"""Values that tests start from: small builders, each with a default for what a test does not care about."""

from datetime import UTC, datetime, timedelta

from breakwater.model import Category, Cause, Diagnosis, Evidence, Finding, Severity, Subject, SubjectKind

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def a_finding(
    identity: str = "task-0",
    *,
    minutes: float = 0,
    service: str = "web",
    revision: str | None = "web:1",
    cause: Cause = Cause.APP_ERROR,
    severity: Severity = Severity.HIGH,
    reason: str = "Container app of web:1 ended with exit code 1.",
    late: bool = False,
) -> Finding:
    """A container of `prod/web` that crashed `minutes` after noon."""
    return Finding(
        identity=identity,
        subject=Subject(SubjectKind.SERVICE, service, "prod", revision),
        diagnosis=Diagnosis(Category.TASK_FAILED, severity, cause, reason, container="app", late=late),
        at=NOON + timedelta(minutes=minutes),
        evidence=Evidence(task_arn=f"arn:aws:ecs:us-east-1:111122223333:task/prod/{identity}"),
    )
