"""What the containers of a scenario write, put into CloudWatch Logs where their task definitions say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sandbox import containers
from sandbox.ecs.log import Change
from sandbox.ecs.state import Task
from sandbox.simulation.build import Stage, log_group

BEFORE = timedelta(seconds=1)
"""How long before its end a container writes the last of it."""


def write(stage: Stage, task: Task, lines: Sequence[str], container: str | None = None) -> None:
    """Let a container of a running task write; the first one unless it is named."""
    if lines:
        _put(stage, task.definition.family, container or task.containers[0].definition.name, task.id, lines)


def _put(stage: Stage, family: str, container: str, task: str, lines: Sequence[str]) -> None:
    at = stage.sandbox.now - BEFORE
    containers.write_log(stage.sandbox.account, log_group(family), f"ecs/{container}/{task}", lines, at)


@dataclass(slots=True)
class LastWords:
    """Writes what images say before their containers end, once for each container that ran."""

    stage: Stage
    _over: set[str] = field(default_factory=set)

    def changed(self, change: Change, event: Mapping[str, Any] | None) -> None:
        """Something changed in ECS."""
        if change.kind != "task" or event is None:
            return
        detail = event["detail"]
        for container in detail["containers"]:
            behaviour = self.stage.behaviours.get(container["image"])
            if "exitCode" not in container or behaviour is None or container["containerArn"] in self._over:
                continue
            self._over.add(container["containerArn"])
            if behaviour.logs:
                family, task = detail["taskDefinitionArn"].rpartition("/")[2], detail["taskArn"].rpartition("/")[2]
                _put(self.stage, family.partition(":")[0], container["name"], task, behaviour.logs)
