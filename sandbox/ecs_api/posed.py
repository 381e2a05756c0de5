"""What somebody says is there: described to whoever asks, and never run.

The tasks of a recording have revisions of which only some is known. Those stand beside the model, under names that it
does not use itself.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.ecs.model import Model
from sandbox.errors import SandboxError


class Posed:
    """Task definitions that are only described."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._definitions: dict[str, Mapping[str, Any]] = {}

    def pose_definition(self, definition: Mapping[str, Any]) -> None:
        """Have DescribeTaskDefinition answer with this one, by its ARN and by `family:revision`."""
        family = definition["family"]
        if family in self._model.world.families:
            raise SandboxError(f"the family {family} is the model's")
        self._definitions[f"{family}:{definition['revision']}"] = definition

    def definition(self, name: str) -> Mapping[str, Any] | None:
        """A posed task definition by ARN or `family:revision`."""
        return self._definitions.get(name.rpartition("/")[2]) if self._definitions else None
