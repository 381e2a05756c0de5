"""rollback_guard over fakes: a table and a topic in memory, and an ECS of one service."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from breakwater import log
from breakwater.compiled import Compiled, ServiceRules
from breakwater.desk import IncidentDesk
from breakwater.ecs import TaskDefinitions
from breakwater.incident_store import IncidentStore
from breakwater.leases import Leases
from breakwater.ledger_store import Ledgers
from breakwater.model import Mode
from breakwater.policies import AlertPolicy, GuardPolicy
from breakwater.services import EcsServices
from rollback_guard.records import Records
from rollback_guard.targets import Targets
from rollback_guard.tools import Tools
from rollback_guard.wiring import Settings, Switch, Work, policies
from tests.fakes.table import FakeTable
from tests.fakes.topic import FakeTopic

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
AT = "arn:aws:ecs:us-east-1:111122223333"
DEPLOYMENT = "ecs-svc/2"
ACTS = Compiled(others=ServiceRules("*/*", GuardPolicy(mode=Mode.ACT)))


class FakeEcs:
    """One service whose PRIMARY deployment rolls out `web:2`. A call that is not here does not exist."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.controller = "ECS"
        self.status = "ACTIVE"
        self.changes: dict[str, Any] = {}

    def describe_services(self, services: list[str], cluster: str, include: list[str] | None = None) -> dict[str, Any]:
        self.calls["describe_services"] += 1
        rollout = {
            "id": DEPLOYMENT,
            "status": "PRIMARY",
            "taskDefinition": f"{AT}:task-definition/web:2",
            "desiredCount": 400,
            "runningCount": 10,
            "pendingCount": 90,
            "rolloutState": "IN_PROGRESS",
            "createdAt": START - timedelta(minutes=2),
            "updatedAt": START - timedelta(minutes=2),
            **self.changes,
        }
        service = {
            "serviceArn": f"{AT}:service/{cluster}/web",
            "serviceName": "web",
            "clusterArn": f"{AT}:cluster/{cluster}",
            "status": self.status,
            "desiredCount": 400,
            "runningCount": 310,
            "pendingCount": 90,
            "deploymentController": {"type": self.controller},
            "deployments": [rollout],
        }
        if self.controller != "ECS":
            del service["deployments"]
            service["taskSets"] = [{key: value for key, value in rollout.items() if key != "rolloutState"}]
        return {"services": [service], "failures": []}

    def list_clusters(self, **page: Any) -> dict[str, Any]:
        self.calls["list_clusters"] += 1
        return {"clusterArns": [f"{AT}:cluster/prod"]}

    def list_services(self, **page: Any) -> dict[str, Any]:
        self.calls["list_services"] += 1
        return {"serviceArns": [f"{AT}:service/prod/web"]}

    def list_service_deployments(self, **asked: Any) -> dict[str, Any]:
        self.calls["list_service_deployments"] += 1
        return {"serviceDeployments": []}

    def describe_task_definition(self, taskDefinition: str) -> dict[str, Any]:  # noqa: N803  # ECS's own name
        self.calls["describe_task_definition"] += 1
        error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
        raise ClientError(error, "DescribeTaskDefinition")  # type: ignore[arg-type]  # botocore's own stub


@dataclass
class Context:
    """What Lambda hands to a handler."""

    invoked_function_arn: str = "arn:aws:lambda:us-east-1:111122223333:function:x"
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@dataclass
class House:
    """The guard over fakes."""

    mode: Mode = Mode.ACT
    policy: Compiled = ACTS
    now: datetime = START
    table: FakeTable = field(default_factory=FakeTable)
    topic: FakeTopic = field(default_factory=FakeTopic)
    ecs: FakeEcs = field(default_factory=FakeEcs)

    def work(self) -> Work:
        settings = Settings("table", "topic", self.mode, Switch.OFF)
        return Work(
            settings=settings,
            policy_for=policies(settings, lambda: self.policy),
            logger=log.logger("rollback_guard"),
            metrics=log.metrics("rollback_guard"),
            definitions=TaskDefinitions(lambda: self.ecs, self.table),
            table=self.table,
            records=Records(self.table),
            services=lambda: EcsServices(lambda: self.ecs),
            tools=self.tools,
            now=lambda: self.now,
        )

    def tools(self) -> Tools:
        return Tools(
            alerts=AlertPolicy,
            targets=Targets(EcsServices(lambda: self.ecs), lambda: None),
            ledgers=Ledgers(self.table),
            leases=Leases(self.table),
            desk=IncidentDesk(IncidentStore(self.table), self.topic, "rollback_guard"),
            read_log=lambda finding: None,
        )


def a_stop(number: int, at: datetime, **detail: Any) -> dict[str, Any]:
    """A task of `prod/web` whose only container ended with 1."""
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "account": "111122223333",
        "region": "us-east-1",
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resources": [],
        "detail": {
            "taskArn": f"{AT}:task/prod/{number:032d}",
            "clusterArn": f"{AT}:cluster/prod",
            "taskDefinitionArn": f"{AT}:task-definition/web:2",
            "group": "service:web",
            "startedBy": DEPLOYMENT,
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "startedAt": at.isoformat(),
            "stoppedAt": at.isoformat(),
            "containers": [{"name": "app", "lastStatus": "STOPPED", "exitCode": 1}],
            **detail,
        },
    }
