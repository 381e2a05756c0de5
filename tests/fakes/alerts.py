"""task_alerts over fakes, and the events that its tests send."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from breakwater import log
from breakwater.desk import IncidentDesk
from breakwater.ecs import ServiceState, TaskDefinitions
from breakwater.incident_store import IncidentStore
from breakwater.ledger_store import Ledgers
from breakwater.model import Finding, LogTail, Mode, Notice
from breakwater.policies import AlertPolicy
from breakwater.sent_back_store import SentBackStore
from task_alerts.wiring import Settings, Work
from tests.fakes.table import FakeTable
from tests.fakes.topic import FakeTopic

NOW = datetime.fromisoformat("2026-03-02T10:06:00+00:00")
REGION, ACCOUNT = "us-east-1", "111122223333"
CANARY = "canary-hunter2-0123"


def a_stop(task: str = "t1", *, service: str | None = "web", exit_code: object = 1, **detail: object) -> dict[str, Any]:
    """A task whose container `app` ended by itself, with a second container stopped after it."""
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/prod/{task}"
    return {
        "version": "0",
        "id": f"envelope-{task}",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "region": REGION,
        "time": "2026-03-02T10:05:00Z",
        "resources": [arn],
        "detail": {
            "taskArn": arn,
            "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod",
            "taskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:7",
            "group": f"service:{service}" if service else "family:web",
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "containers": [
                {"name": "app", "lastStatus": "STOPPED", "exitCode": exit_code},
                {"name": "agent", "lastStatus": "STOPPED", "exitCode": 143},
            ],
            "overrides": {"containerOverrides": [{"name": "app", "command": ["run", CANARY]}]},
            **detail,
        },
    }


def a_failed_deployment() -> dict[str, Any]:
    """A deployment of `prod/web` that the circuit breaker gave up."""
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Deployment State Change",
        "account": ACCOUNT,
        "region": REGION,
        "time": "2026-03-02T10:05:00Z",
        "resources": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/prod/web"],
        "detail": {
            "eventType": "ERROR",
            "eventName": "SERVICE_DEPLOYMENT_FAILED",
            "deploymentId": "ecs-svc/1",
            "reason": "ECS deployment circuit breaker: tasks failed to start.",
        },
    }


@dataclass
class FakeEcs:
    """Knows the containers of one revision and counts how often it is asked."""

    containers: list[dict[str, Any]]
    asked: int = 0

    def describe_task_definition(self, **request: str) -> dict[str, Any]:
        self.asked += 1
        return {"taskDefinition": {"containerDefinitions": self.containers}}


@dataclass
class Context:
    """What Lambda hands to a handler."""

    left_ms: int = 100_000
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:x"

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


@dataclass
class House:
    """The automation over fakes."""

    mode: Mode = Mode.OBSERVE
    policy: AlertPolicy = field(default_factory=AlertPolicy)
    now: datetime = NOW
    services: dict[tuple[str | None, str], ServiceState] = field(default_factory=dict)
    table: FakeTable = field(default_factory=FakeTable)
    topic: FakeTopic = field(default_factory=FakeTopic)
    lines: io.StringIO = field(default_factory=io.StringIO)
    ecs: FakeEcs = field(default_factory=lambda: FakeEcs([{"name": "app"}, {"name": "agent", "essential": False}]))
    asked_for: list[list[tuple[str | None, str]]] = field(default_factory=list)

    def work(self) -> Work:
        logger = log.logger("task_alerts")
        logger.handlers[0].setStream(self.lines)  # type: ignore[attr-defined]  # Powertools hides its stream handler
        return Work(
            settings=Settings("table", "topic", self.mode),
            policy=lambda: self.policy,
            logger=logger,
            metrics=log.metrics("task_alerts"),
            definitions=TaskDefinitions(lambda: self.ecs, self.table),
            services=self._services,
            ledgers=Ledgers(self.table),
            sent_back=SentBackStore(self.table),
            desk=IncidentDesk(IncidentStore(self.table), self.topic, "task_alerts"),
            read_log=self._log,
            now=lambda: self.now,
        )

    def _services(self, wanted: list[tuple[str | None, str]]) -> Mapping[tuple[str | None, str], ServiceState]:
        self.asked_for.append(wanted)
        return self.services

    @staticmethod
    def _log(finding: Finding) -> LogTail:
        return LogTail(lines=(f"log of {finding.diagnosis.container}",))

    @property
    def told(self) -> list[Notice]:
        return self.topic.published


def a_batch(*bodies: object) -> dict[str, Any]:
    """An SQS batch; a `str` goes in as it is, an event as JSON. Message ids are m0, m1, …"""
    return {
        "Records": [
            {"messageId": f"m{number}", "body": body if isinstance(body, str) else json.dumps(body)}
            for number, body in enumerate(bodies)
        ]
    }
