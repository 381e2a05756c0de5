"""What a failure of RunTask or of a task means for the run: the platform's, the application's, or for good. Pure.

RunTask answers 200 with `failures[]` where it found no room (ecs 7); an exception means that it was refused, or that
its outcome is unknown. Each of them, and each way a task can end, belongs to one class of `Failure`.
"""

from dataclasses import dataclass
from datetime import datetime

from breakwater.diagnosis import stop_code
from breakwater.events import TaskStateChange, parse_time
from breakwater.findings import finding_of
from breakwater.model import Category, Cause, Diagnosis
from breakwater.runs import Failure


@dataclass(frozen=True, slots=True)
class Started:
    """RunTask began a task (or says again that it did)."""

    task: str
    task_definition: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """RunTask began nothing, for certain."""

    failure: Failure
    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether RunTask began a task: no answer, or an error on its side. The same token asks again."""

    reason: str


Launch = Started | Rejected | Unknown


@dataclass(frozen=True, slots=True)
class Ended:
    """How a task ended. `failure` is `None` if it did what it was for."""

    task: str
    attempt: int
    at: datetime
    failure: Failure | None
    cause: Cause
    reason: str
    exit_code: int | None = None
    container: str | None = None
    by_itself: bool = True


# RESOURCE:* and an agent that is away pass; what is missing for good (a port that is taken stays taken by a service)
# passes as well once another task ends. ATTRIBUTE and LOCATION are settings of the task against those of the cluster.
_NO_ROOM = ("RESOURCE:", "CAPACITY", "EMPTY CAPACITY PROVIDER")
_AWAY = ("AGENT", "MISSING", "INACTIVE")
_FOR_GOOD = ("ATTRIBUTE", "LOCATION", "MEMBEROF")

_INTERRUPTED = {
    Cause.SPOT_INTERRUPTION: Failure.SPOT,
    Cause.HOST_TERMINATED: Failure.INFRASTRUCTURE,
    Cause.INFRASTRUCTURE: Failure.INFRASTRUCTURE,
    Cause.MAINTENANCE: Failure.INFRASTRUCTURE,
}
_PASSING = {Cause.NETWORK: Failure.INFRASTRUCTURE, Cause.START_TIMEOUT: Failure.INFRASTRUCTURE}
_PULL_PASSES = ("i/o timeout", "timeout exceeded", "toomanyrequests", "connection re", "tls handshake", "503", "500")


def class_of_reason(reason: str | None, detail: str | None = None) -> Rejected:
    """Classify one entry of `failures[]` by its reason. An unknown one is the platform's: it is tried again."""
    told = ": ".join(part for part in (reason, detail) if part) or "no reason given"
    text = (reason or "").upper()
    if text.startswith(_NO_ROOM):
        return Rejected(Failure.CAPACITY, Cause.CAPACITY, f"ECS had no room for the task: {told}.")
    if text.startswith(_AWAY):
        return Rejected(Failure.CAPACITY, Cause.PLACEMENT, f"ECS had no container instance to use: {told}.")
    if text.startswith(_FOR_GOOD):
        return Rejected(Failure.CONFIGURATION, Cause.PLACEMENT, f"No container instance is of the kind wanted: {told}.")
    return Rejected(Failure.INFRASTRUCTURE, Cause.UNKNOWN, f"ECS did not start the task: {told}.")


_CAPACITY_TEXTS = ("capacity is unavailable", "no container instances were found")
_PASSING_ERRORS = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})
_UNKNOWN_ERRORS = frozenset({"ServerException", "InternalServerError", "InternalFailure", "ServiceUnavailable"})


def class_of_error(code: str, status: int, message: str) -> Launch:
    """Classify an error answer of RunTask. 5xx leave the outcome open; all others say that nothing was started."""
    told = f"{code}: {message}" if message else code
    if code in _PASSING_ERRORS:
        return Rejected(Failure.THROTTLED, Cause.THROTTLED, f"ECS was asked too often: {told}")
    if code in _UNKNOWN_ERRORS or status >= 500:
        return Unknown(f"ECS answered with an error of its own: {told}")
    if any(text in message.lower() for text in _CAPACITY_TEXTS):
        return Rejected(Failure.CAPACITY, Cause.CAPACITY, f"ECS had no room for the task: {told}")
    if code == "LimitExceededException":
        return Rejected(Failure.CAPACITY, Cause.CAPACITY, f"A quota of the account is used up: {told}")
    return Rejected(Failure.CONFIGURATION, Cause.REFUSED, f"ECS refused to start the task: {told}")


def ended_by(event: TaskStateChange, diagnosis: Diagnosis, attempt: int, container: str, now: datetime) -> Ended:
    """How a stopped task ended: the exit code of its container, if it ended by itself.

    A code of 0 after Spot, a person or Breakwater asked the task to stop is no success: many programs leave with 0
    on SIGTERM, and nobody knows whether the work was done.
    """
    finding = finding_of(event, diagnosis, now)
    outcomes = finding.evidence.containers if finding else ()
    named = next((each for each in outcomes if each.name == container), None)
    one = named or next((each for each in outcomes if each.name == diagnosis.container), None)
    if one is None and outcomes:
        one = max(outcomes, key=lambda each: (each.exit_code is not None, each.exit_code or 0))
    code = one.exit_code if one else None
    stopped_at = parse_time(event.detail.stopped_at) or event.at or now
    by_itself = stop_code(event) in (None, "EssentialContainerExited")
    failure, cause, reason = _verdict(event, diagnosis, code, named=named is not None, by_itself=by_itself)
    name = (named or one).name if one else (container or None)
    return Ended(event.task_arn or "", attempt, min(stopped_at, now), failure, cause, reason, code, name, by_itself)


def _verdict(
    event: TaskStateChange, diagnosis: Diagnosis, code: int | None, *, named: bool, by_itself: bool
) -> tuple[Failure | None, Cause, str]:
    if by_itself and code == 0 and (named or diagnosis.category in (Category.NONE, Category.SIDECAR_FAILED)):
        return None, Cause.SUCCESS, "The container ended with exit code 0."
    cause, reason = diagnosis.cause, diagnosis.reason
    if cause in _INTERRUPTED:
        return _INTERRUPTED[cause], cause, reason
    if cause is Cause.CAPACITY:
        return Failure.CAPACITY, cause, reason
    if diagnosis.category is Category.TASK_START_FAILED:
        return _start_failure(event, cause), cause, reason
    if cause is Cause.USER_STOP or (diagnosis.category is Category.NONE and not by_itself):
        return Failure.STOPPED, Cause.USER_STOP, "The task was stopped before it had ended by itself."
    if code is None:
        return Failure.INFRASTRUCTURE, Cause.UNKNOWN, f"The container has no exit code. {reason}"
    return Failure.EXIT, cause if cause is not Cause.SUCCESS else Cause.APP_ERROR, reason


def _start_failure(event: TaskStateChange, cause: Cause) -> Failure:
    """A start that may work the next time, or one that will fail the same way."""
    if cause in _PASSING:
        return _PASSING[cause]
    texts = " ".join([event.detail.stopped_reason or "", *(each.reason or "" for each in event.detail.containers)])
    passing = cause is Cause.IMAGE_PULL and any(text in texts.lower() for text in _PULL_PASSES)
    return Failure.INFRASTRUCTURE if passing else Failure.CONFIGURATION
