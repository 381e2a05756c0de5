"""A task check: it ran on the new revision; does its end speak for the revision, against it, or not at all?"""

from dataclasses import dataclass

from breakwater.model import Cause
from breakwater.redact import redact

from .results import CheckResult, Failed, Inconclusive, Passed, Verdict
from .spec import TaskCheck

# The revision says these things itself: an image, a command, a secret's name, memory. Everything else may be the
# account's or AWS's affair, and a check that did not run has shown nothing.
_ABOUT_THE_REVISION = frozenset(
    {
        Cause.BAD_COMMAND,
        Cause.CONFIGURATION,
        Cause.CONTAINER_CREATE,
        Cause.IMAGE_PULL,
        Cause.LOGGING,
        Cause.OOM,
        Cause.SECRETS,
        Cause.CRASH_SIGNAL,
        Cause.APP_ERROR,
    }
)


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """How the task of a check ended.

    `exit_code` is absent if the container never ran; `cause` is that of the diagnosis of its stop; `overdue` says that
    it was still running when its time was up; `refused` is why there never was a task (RunTask's failures).
    """

    exit_code: int | None = None
    cause: Cause = Cause.UNKNOWN
    detail: str = ""
    overdue: bool = False
    refused: str | None = None


def judge_task(check: TaskCheck, end: TaskEnd) -> CheckResult:
    """Judge the end of a task: 0 in time passes; any other exit code fails unless somebody else ended the task."""
    return CheckResult(check.name, _verdict(check, end))


def _verdict(check: TaskCheck, end: TaskEnd) -> Verdict:
    detail = redact(end.detail, check.command)
    figures = {"exit_code": end.exit_code, "cause": str(end.cause)}
    told = f": {detail}" if detail else ""
    if end.refused is not None:
        return Inconclusive(f"the task was not started: {redact(end.refused, check.command)}", figures)
    if end.overdue:
        return Failed(f"the task had not ended after {check.timeout_seconds} s", figures)
    if end.exit_code == 0 and end.cause in (Cause.SUCCESS, Cause.EXITED_ZERO, Cause.UNKNOWN):
        return Passed("the task ended with exit code 0", figures)
    if end.cause in _ABOUT_THE_REVISION:
        code = f"with exit code {end.exit_code}" if end.exit_code is not None else "without starting"
        return Failed(f"the task ended {code} ({end.cause}){told}", figures)
    if end.exit_code is not None and end.exit_code not in _ENDED_BY_OTHERS and end.cause is Cause.UNKNOWN:
        return Failed(f"the task ended with exit code {end.exit_code}{told}", figures)
    return Inconclusive(f"the task did not end by itself ({end.cause}){told}", figures)


_ENDED_BY_OTHERS = frozenset({0, 137, 143})
