"""What the API remembers beside the model: what has no effect there, but is given back to whoever asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.ecs.errors import invalid
from sandbox.ecs.state import Task

Json = dict[str, Any]
MAX_TAGS = 50


def check_tags(tags: Sequence[Mapping[str, str]]) -> None:
    """Refuse tags that no resource can have."""
    if len(tags) > MAX_TAGS:
        raise invalid(f"A resource has at most {MAX_TAGS} tags.")
    for tag in tags:
        if not tag.get("key") or tag["key"].lower().startswith("aws:"):
            raise invalid("A tag needs a key, and it must not begin with aws:.")


@dataclass(frozen=True, slots=True)
class Run:
    """One RunTask with a client token: what was asked, and what was answered."""

    until: datetime
    asked: str
    tasks: Sequence[Task]
    reasons: Sequence[str]


@dataclass(slots=True)
class Kept:
    """By ARN, except for client tokens: those are by cluster and token."""

    definitions: dict[str, Json] = field(default_factory=dict)
    clusters: dict[str, Json] = field(default_factory=dict)
    services: dict[str, Json] = field(default_factory=dict)
    """Members of the service as they were given; `created` is the whole request of CreateService."""
    revisions: dict[str, Json] = field(default_factory=dict)
    overrides: dict[str, Json] = field(default_factory=dict)
    providers: dict[str, Json] = field(default_factory=dict)
    """Capacity providers by name, as a scenario puts them: nothing creates, scales or deletes one."""
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    runs: dict[tuple[str, str], Run] = field(default_factory=dict)

    def tag(self, arn: str, tags: Sequence[Mapping[str, str]]) -> None:
        """Add tags to a resource."""
        if not tags:
            return
        together = self.tags.get(arn, {}) | {tag["key"]: tag.get("value", "") for tag in tags}
        if len(together) > MAX_TAGS:
            raise invalid(f"A resource has at most {MAX_TAGS} tags.")
        self.tags[arn] = together

    def tagged(self, arn: str) -> list[dict[str, str]]:
        """The tags of a resource as ECS lists them."""
        return [{"key": key, "value": value} for key, value in self.tags.get(arn, {}).items()]
