"""What people must hear of a policy: that it was rejected, or that AWS did not take all of it."""

from collections.abc import Sequence
from datetime import datetime

from breakwater.model import Category, Cause, Diagnosis, Finding, Severity, Subject, SubjectKind
from breakwater.redact import redact

LONGEST = 1000


def rejected(version: str, problems: Sequence[str], now: datetime) -> Finding:
    """The document is wrong. Each version of it is an incident of its own, so that each mistake is told."""
    reason = f"Nothing of the document was applied. {_listed(problems)}"
    return _finding("rejected", version, Cause.POLICY_INVALID, reason, now)


def unapplied(version: str, problems: Sequence[str], now: datetime) -> Finding:
    """The document is right and in force, and some of its schedules and rules could not be made."""
    reason = f"The policy is in force, but {len(problems)} of its changes failed. {_listed(problems)}"
    return _finding("unapplied", version, Cause.POLICY_UNAPPLIED, reason, now)


def _finding(what: str, version: str, cause: Cause, reason: str, now: datetime) -> Finding:
    return Finding(
        identity=f"policy:{version}:{what}",
        subject=Subject(SubjectKind.POLICY, "policy.yaml", revision=redact(version)[:64]),
        diagnosis=Diagnosis(Category.POLICY_REJECTED, Severity.HIGH, cause, reason),
        at=now,
    )


def _listed(problems: Sequence[str]) -> str:
    """The first problems, as many as fit, and how many more there are."""
    told: list[str] = []
    for problem in problems:
        if sum(map(len, told)) + len(problem) > LONGEST and told:
            break
        told.append(problem[:LONGEST])
    more = f" And {len(problems) - len(told)} more." if len(problems) > len(told) else ""
    return redact(" | ".join(told)) + more
