"""From an event to evidence: what one stopped task is worth. Pure.

The diagnosis decides whether it is a failure of the workload at all (diagnosis rule 8). Here it is weighed: what
repeats with certainty, what came right after the start, and what only shows that something outside was out of reach.
"""

from dataclasses import replace
from datetime import datetime

from breakwater.diagnosis import Facts, diagnose, fresh
from breakwater.events import Event, TaskStateChange, Unreadable, parse_time
from breakwater.evidence import EARLY_SECONDS, YOUNG_SECONDS, Kind
from breakwater.model import Category, Cause, Diagnosis

from .counted import ServiceName, Stop

_ENDING = frozenset({"DEACTIVATING", "STOPPING", "DEPROVISIONING"})
_EXITED = "EssentialContainerExited"

# What the revision asks for does not exist: it will be the same next time. In lower case.
_CERTAIN_WORDS: dict[Cause, tuple[str, ...]] = {
    Cause.IMAGE_PULL: ("not found", "manifest unknown", "does not exist", "invalid reference"),
    Cause.SECRETS: (
        "can't find the specified secret",
        "resourcenotfound",
        "invalid parameters",
        "invalidparameters",
        "did not contain json key",
    ),
    Cause.LOGGING: ("log group does not exist", "resourcenotfound"),
    Cause.CONTAINER_CREATE: (
        "executable file not found",
        "no such file or directory",
        "permission denied",
        "exec format",
    ),
    Cause.CONFIGURATION: ("does not exist", "filesystemnotfound", "accesspointnotfound"),
}
# Something that others need too could not be reached, or was too slow. These words win over those above.
_OUTSIDE_WORDS = (
    "timeout",
    "timed out",
    "toomanyrequests",
    "throttl",
    "rate exceeded",
    "connection refused",
    "connection reset",
    "no route to host",
    "no such host",
    "temporary failure",
    "tls handshake",
    "dial tcp",
    "internal server error",
    "service unavailable",
    "bad gateway",
    "status: 5",
    "status code: 5",
    "no space left",
)
# Mostly the revision's, but IAM may take minutes to know a new role: a failure of a start like any other.
_DENIED_WORDS = ("accessdenied", "access denied", "not authorized to perform")
_OUTSIDE_CAUSES = frozenset(
    {Cause.IMAGE_PULL, Cause.SECRETS, Cause.NETWORK, Cause.LOGGING, Cause.START_TIMEOUT, Cause.CONFIGURATION}
)


def read_stop(event: Event | Unreadable, facts: Facts) -> Stop | str:
    """The failure of a service's task as evidence, or a sentence that says why it is none.

    Whether the task's deployment is PRIMARY is not asked: each deployment has a tally of its own, and a Describe tells
    later which one it is. A task that is ending and already shows its exit code is read as if it had ended
    (`early_read`); it is the same task later, and counts once.
    """
    if not isinstance(event, TaskStateChange):
        return "it is not the state change of a task"
    detail = event.detail
    if event.standalone or not event.service or not event.cluster or not event.task_arn:
        return "no service owns the task"
    if not detail.started_by or not event.revision or not detail.task_definition_arn:
        return "the event does not say which deployment and task definition the task is of"
    early = _ending_with_a_code(event)
    final = _as_final(event) if early else event
    known = replace(facts, deployment_in_progress=detail.started_by, deployment_is_rollback=False)
    diagnosis = diagnose(final, known)
    outside = diagnosis.category is Category.TASK_START_FAILED and fresh(event, facts) and not event.replayed
    if not diagnosis.counts_for_rollback and not outside:
        return diagnosis.reason
    at = _ended_at(event)
    if at is None:
        return "the event does not say when the task ended"
    kind, code = _worth(final, diagnosis, at)
    return Stop(
        task=event.task_arn,
        service=ServiceName(event.cluster, event.service),
        deployment=detail.started_by,
        revision=detail.task_definition_arn,
        kind=kind,
        cause=diagnosis.cause,
        at=at,
        reason=diagnosis.reason,
        code=code,
        early_read=early,
        container=diagnosis.container,
    )


def _ending_with_a_code(task: TaskStateChange) -> bool:
    """Whether the task is on its way to STOPPED because a container exited, and the exit code is there already."""
    detail = task.detail
    return (
        detail.last_status in _ENDING
        and detail.stop_code == _EXITED
        and any(container.exit_code is not None for container in detail.containers)
    )


def _as_final(task: TaskStateChange) -> TaskStateChange:
    detail = type(task.detail).read({})
    detail.__dict__.update(task.detail.__dict__ | {"last_status": "STOPPED"})
    ended = type(task).read({})
    ended.__dict__.update(task.__dict__ | {"detail": detail})
    return ended


def _ended_at(task: TaskStateChange) -> datetime | None:
    """When it ended by itself: STOPPED comes some time after the exit."""
    detail = task.detail
    times = (detail.execution_stopped_at, detail.stopping_at, detail.stopped_at)
    return next((at for text in times if (at := parse_time(text)) is not None), None) or task.at


def _worth(task: TaskStateChange, diagnosis: Diagnosis, at: datetime) -> tuple[Kind, int | None]:
    if diagnosis.category is Category.TASK_START_FAILED:
        return _start_worth(task, diagnosis), None
    code = next((c.exit_code for c in task.detail.containers if c.name == diagnosis.container), None)
    started = parse_time(task.detail.started_at)
    age = YOUNG_SECONDS + 1 if started is None else (at - started).total_seconds()
    if age > YOUNG_SECONDS:
        return Kind.LATE, code
    if age <= EARLY_SECONDS and code is not None and diagnosis.category is Category.TASK_FAILED:
        return (Kind.CERTAIN if diagnosis.cause is Cause.BAD_COMMAND else Kind.EARLY), code
    return Kind.YOUNG, code


def _start_worth(task: TaskStateChange, diagnosis: Diagnosis) -> Kind:
    """What a start that failed is worth, by what ECS says of it; the name of an image may hold any of the words."""
    texts = (task.detail.stopped_reason, *(container.reason for container in task.detail.containers))
    said = "\n".join(text for text in texts if text).lower()
    for image in {container.image for container in task.detail.containers if container.image}:
        said = said.replace(image.lower(), "")
    if not diagnosis.counts_for_rollback or any(word in said for word in _OUTSIDE_WORDS):
        return Kind.OUTSIDE
    if any(word in said for word in _CERTAIN_WORDS.get(diagnosis.cause, ())):
        return Kind.CERTAIN
    if any(word in said for word in _DENIED_WORDS):
        return Kind.YOUNG
    return Kind.OUTSIDE if diagnosis.cause in _OUTSIDE_CAUSES else Kind.YOUNG
