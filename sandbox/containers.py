"""What a test puts into the account's ECS and into its containers' logs: task definitions and log lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.account import Account


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a task definition; with a `log_group` it logs through awslogs, under `log_prefix`."""

    name: str
    image: str = "example.com/app:1"
    essential: bool = True
    log_group: str | None = None
    log_prefix: str = "ecs"
    environment: tuple[tuple[str, str], ...] = ()

    def definition(self, region: str) -> dict[str, Any]:
        """Give it as RegisterTaskDefinition takes it."""
        definition: dict[str, Any] = {
            "name": self.name,
            "image": self.image,
            "essential": self.essential,
            "memory": 128,
            "environment": [{"name": name, "value": value} for name, value in self.environment],
        }
        if self.log_group:
            options = {
                "awslogs-group": self.log_group,
                "awslogs-region": region,
                "awslogs-stream-prefix": self.log_prefix,
            }
            definition["logConfiguration"] = {"logDriver": "awslogs", "options": options}
        return definition


def register(account: Account, family: str, containers: Sequence[Container], **more: Any) -> str:
    """Register the next revision of a task definition and give its ARN."""
    answer = account.client("ecs").register_task_definition(
        family=family, containerDefinitions=[container.definition(account.region) for container in containers], **more
    )
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def write_log(account: Account, group: str, stream: str, lines: Sequence[str], at: datetime | None = None) -> None:
    """Put lines into a log stream, a millisecond apart and ending at an instant; makes what is missing."""
    client = account.client("logs")
    for make, names in (
        (client.create_log_group, {"logGroupName": group}),
        (client.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
    ):
        try:
            make(**names)
        except client.exceptions.ResourceAlreadyExistsException:
            continue
    end = at or account.clock.now
    stamps = [
        int((end - timedelta(milliseconds=len(lines) - 1 - index)).timestamp() * 1000) for index in range(len(lines))
    ]
    client.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": stamp, "message": line} for stamp, line in zip(stamps, lines, strict=True)],
    )
