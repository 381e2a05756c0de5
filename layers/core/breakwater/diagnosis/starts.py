"""Rule 6: why a task never started, by its texts. Mostly there is no exit code, and perhaps no container either."""

from collections.abc import Iterable

from breakwater.events import Container, TaskStateChange
from breakwater.model import Category, Cause, Diagnosis, Severity

from .containers import failed, running
from .facts import Facts
from .votes import may_count
from .wording import in_brackets, name, sentence

_CAPACITY_IN_CAPITALS = "RESOURCE:"

# The first row of which a text holds one wins; capitals do not matter. `RESOURCE:` is asked before.
_CAUSES_BY_TEXT: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    (Cause.CAPACITY, ("capacity is unavailable",)),
    (Cause.IMAGE_PULL, ("cannotpull",)),
    (Cause.CONFIGURATION, ("efs",)),
    (Cause.LOGGING, ("logger", "logging driver", "log stream")),
    (Cause.NETWORK, ("connection issue", "dial tcp", "i/o timeout", "network interface")),
    (Cause.SECRETS, ("secret", "registry auth", "from ssm")),
    (Cause.START_TIMEOUT, ("dockertimeouterror", "containerruntimetimeouterror")),
    (Cause.CONTAINER_CREATE, ("cannotcreatecontainer", "cannotstartcontainer", "oci runtime")),
)

# The registry's limit is on all of us, not on this revision.
_RATE_LIMIT = "toomanyrequests"

_WHAT: dict[Cause, str] = {
    Cause.CAPACITY: "there was no capacity for it",
    Cause.IMAGE_PULL: "its image could not be pulled",
    Cause.CONFIGURATION: "its file system could not be mounted",
    Cause.LOGGING: "its logging could not be set up",
    Cause.NETWORK: "its network could not be set up or reached",
    Cause.SECRETS: "its secrets or registry credentials could not be fetched",
    Cause.START_TIMEOUT: "the container runtime was too slow",
    Cause.CONTAINER_CREATE: "a container could not be created or started",
    Cause.INIT_FAILED: "a container that has to finish first failed",
    Cause.UNKNOWN: "ECS does not say why in words that Breakwater knows",
}


def cause_of_text(texts: Iterable[str | None]) -> Cause | None:
    """Name the cause that the texts tell together, or `None`. Each text is searched by itself."""
    together = "\n".join(text for text in texts if text)
    if _CAPACITY_IN_CAPITALS in together:
        return Cause.CAPACITY
    lowered = together.lower()
    return next((cause for cause, marks in _CAUSES_BY_TEXT if any(mark in lowered for mark in marks)), None)


def failed_to_start(task: TaskStateChange, facts: Facts) -> Diagnosis:
    """Judge a task that ECS could not start."""
    detail = task.detail
    texts = [detail.stopped_reason, *(container.reason for container in detail.containers)]
    first_to_fail = next(
        (c for c in detail.containers if failed(c) and not running(c) and not facts.is_essential(c.name)), None
    )
    cause = cause_of_text(texts) or (Cause.INIT_FAILED if first_to_fail else Cause.UNKNOWN)
    told_by = next((c for c in detail.containers if c.reason), None)
    culprit = first_to_fail if cause is Cause.INIT_FAILED else told_by
    capacity = cause is Cause.CAPACITY
    rate_limited = cause is Cause.IMAGE_PULL and any(_RATE_LIMIT in text.lower() for text in texts if text)
    generic = cause_of_text([detail.stopped_reason]) is None
    said = told_by.reason if told_by and generic else detail.stopped_reason
    who = _ended(first_to_fail) if first_to_fail else ""
    return Diagnosis(
        Category.TASK_START_FAILED,
        Severity.MEDIUM if capacity else Severity.HIGH,
        cause,
        sentence(
            f"A task of {name(task.revision, 'an unnamed task definition')} did not start: {_WHAT[cause]}"
            f"{who}{in_brackets(said, detail.scrub)}."
        ),
        counts_for_rollback=not capacity and not rate_limited and may_count(task, facts),
        container=name(culprit.name, "") or None if culprit else None,
    )


def _ended(container: Container) -> str:
    return f" (container {name(container.name, 'without a name')} ended with {str(container.exit_code)[:20]})"
