"""ECS Task State Change: one container state after another until the task is STOPPED."""

from typing import Annotated

from .base import Arn, AwsEvent, Number, Text, cluster_in, last_name, parse_arn
from .shapes import Reads, Shape, each, named

SERVICE_GROUP = "service:"
_MOST_SCRUB = 2000


def override_values(overrides: object) -> tuple[str, ...]:
    """Collect what must never be shown: environment values and command words of a task's overrides.

    They are not data to us. They are kept, in memory only, so that they can be struck out where AWS's text or a log
    line repeats them. The shape is not trusted: whatever is found where values and commands belong is taken.
    """
    entries = overrides.get("containerOverrides") if isinstance(overrides, dict) else None
    found: list[str] = []
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or len(found) > _MOST_SCRUB:
            continue
        found.extend(_command_words(entry.get("command")))
        found.extend(_environment_values(entry.get("environment")))
    return tuple(dict.fromkeys(found[:_MOST_SCRUB]))


def _command_words(command: object) -> list[str]:
    """Take each word, and the parts of a word that is a whole line (`sh -c "run --token abc"`)."""
    words = [command] if isinstance(command, str) else command if isinstance(command, list) else []
    texts = [str(word) for word in words[:_MOST_SCRUB] if isinstance(word, (str, int, float))]
    return [part for text in texts for part in ((text, *text.split()) if " " in text.strip() else (text,))]


def _environment_values(environment: object) -> list[str]:
    if isinstance(environment, dict):
        values: list[object] = list(environment.values())
    elif isinstance(environment, list):
        values = [item.get("value") if isinstance(item, dict) else item for item in environment[:_MOST_SCRUB]]
    else:
        return []
    return [str(value) for value in values if isinstance(value, (str, int, float)) and not isinstance(value, bool)]


class Container(Shape):
    """One container of a task. `exit_code` is absent until it stopped, and for ever if it never ran."""

    name: Text = None
    last_status: Text = None
    exit_code: Number = None
    reason: Text = None
    image: Text = None
    image_digest: Text = None


class TaskDetail(Shape):
    """The task as of this event. `scrub` holds what its overrides carry and nobody may be shown."""

    task_arn: Text = None
    cluster_arn: Text = None
    task_definition_arn: Text = None
    version: Number = None
    last_status: Text = None
    desired_status: Text = None
    group: Text = None
    started_by: Text = None
    stop_code: Text = None
    stopped_reason: Text = None
    containers: Annotated[tuple[Container, ...], each(Container)] = ()
    launch_type: Text = None
    created_at: Text = None
    started_at: Text = None
    stopping_at: Text = None
    execution_stopped_at: Text = None
    stopped_at: Text = None
    scrub: Annotated[tuple[str, ...], Reads(override_values)] = named("overrides")


class TaskStateChange(AwsEvent):
    """A task changed its state. ECS sends one state under several envelope ids, out of order too."""

    detail: TaskDetail

    @property
    def task_arn(self) -> str | None:
        """What identifies the task; the envelope's `id` identifies nothing."""
        return self.detail.task_arn or self.resource

    @property
    def arn(self) -> Arn | None:
        """The parts of the task's ARN, if it is one."""
        return parse_arn(self.task_arn)

    @property
    def final(self) -> bool:
        """Whether this is the task's last state."""
        return self.detail.last_status == "STOPPED"

    @property
    def standalone(self) -> bool:
        """Whether no service owns the task, so that nobody replaces it. `startedBy` does not decide this."""
        return not (self.detail.group or "").startswith(SERVICE_GROUP)

    @property
    def service(self) -> str | None:
        """The name of the service that owns the task."""
        return None if self.standalone else (self.detail.group or "")[len(SERVICE_GROUP) :] or None

    @property
    def cluster(self) -> str | None:
        """The cluster's name."""
        return last_name(self.detail.cluster_arn) or cluster_in(self.task_arn)

    @property
    def revision(self) -> str | None:
        """The task definition as `family:number`."""
        return last_name(self.detail.task_definition_arn)

    @property
    def family(self) -> str | None:
        """The task definition's family."""
        return self.revision.split(":", 1)[0] or None if self.revision else None
