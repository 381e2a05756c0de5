"""From an SQS batch to typed events, and what has to be known to judge them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from breakwater.diagnosis import Facts
from breakwater.ecs import ServiceState, TaskDefinition
from breakwater.events import Event, ServiceEvent, TaskStateChange, Unreadable, read, read_batch, read_json

from .decision import hook_wanted, service_wanted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Letter:
    """One message with the event it carried."""

    message_id: str
    event: Event | Unreadable


@dataclass(frozen=True, slots=True)
class Post:
    """A batch, opened: what could be read, and the ids of the messages whose body is not JSON."""

    letters: tuple[Letter, ...]
    poison: tuple[str, ...]


def open_batch(raw: object) -> Post:
    """Read each message of a batch; one that cannot be read does not hold up the others.

    Raises `ValueError` if it is no batch at all: then something other than the queue calls us.
    """
    batch = read_batch(raw)
    if batch is None:
        raise ValueError("the invocation is not an SQS batch: there is no list of Records")
    letters, poison = [], []
    for record in batch.records:
        try:
            letters.append(Letter(record.message_id or "", read(read_json(record.body or ""))))
        except ValueError:
            poison.append(record.message_id or "")
    return Post(tuple(letters), tuple(poison))


def facts_for(
    event: Event | Unreadable,
    base: Facts,
    definitions: Mapping[str, TaskDefinition],
    services: Mapping[tuple[str | None, str], ServiceState],
    attended: Collection[tuple[str | None, str, str]] = (),
) -> Facts:
    """What is known for one event. A task definition that could not be read leaves every container essential."""
    if hook_wanted(event, base) in attended:
        return replace(base, smoke_test=True)
    if isinstance(event, TaskStateChange):
        definition = definitions.get(event.detail.task_definition_arn or "")
        return replace(base, essential=definition.essential) if definition else base
    wanted = service_wanted(event, base)
    state = services.get(wanted) if wanted else None
    if state is None or not isinstance(event, ServiceEvent):
        return base
    # ECS may have begun the rollback since, which is PRIMARY then: what counts is the deployment that has just failed.
    deployment = event.detail.deployment_id
    return replace(
        base,
        deployment_in_progress=deployment if deployment in state.failed else state.deployment_in_progress,
        deployment_is_rollback=deployment in state.rollbacks,
        native_rollback=state.native_rollback,
        deployment_controller=state.controller,
    )


def distinct(values: Iterable[T | None]) -> list[T]:
    """The values that are there, each once, in order."""
    return list(dict.fromkeys(value for value in values if value is not None))
