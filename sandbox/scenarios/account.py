"""The invented account: three clusters, their services and jobs, and how their containers look."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT = "111122223333"
FOREIGN_ACCOUNT = "999988887777"
REGION = "us-east-1"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a task definition."""

    name: str
    essential: bool = True


@dataclass(frozen=True, slots=True)
class Workload:
    """A service, or a job (a family whose tasks belong to no service). `revision` is the one of the morning's start."""

    cluster: str
    name: str
    revision: int
    containers: tuple[Container, ...] = (Container("app"),)
    desired: int = 2
    launch_type: str = "FARGATE"
    provider: str = "FARGATE"
    job: bool = False
    started_by: str = ""

    @property
    def label(self) -> str:
        """`cluster/name`, as people read it."""
        return f"{self.cluster}/{self.name}"

    @property
    def log_group(self) -> str:
        """Where its containers log."""
        return f"/ecs/{self.cluster}/{self.name}"


APP = Container("app")
ENVOY = Container("envoy", essential=False)
METRICS = Container("metrics-agent", essential=False)

SERVICES: tuple[Workload, ...] = (
    Workload("prod", "checkout-api", 42, (APP, ENVOY), desired=4),
    Workload("prod", "orders-api", 118, (APP,), desired=3),
    Workload("prod", "payments", 67, (APP, ENVOY), desired=3),
    Workload("prod", "catalog", 203, (APP,), desired=4),
    Workload("prod", "search", 31, (APP, ENVOY), desired=3),
    Workload("prod", "web", 311, (APP, ENVOY), desired=5),
    Workload("prod", "identity", 54, (APP,), desired=3),
    Workload("prod", "cart", 89, (APP,), desired=3),
    Workload("prod", "shipping", 27, (APP,), desired=2),
    Workload("prod", "invoices", 15, (APP,), desired=2),
    Workload("prod", "notifications", 73, (APP, METRICS), desired=2),
    Workload("prod", "profile", 41, (APP,), desired=2),
    Workload("prod", "pricing", 96, (APP,), desired=2),
    Workload("prod", "recommendations", 22, (APP, METRICS), desired=3, provider="FARGATE_SPOT"),
    Workload("prod", "legacy-import", 9, (APP,), desired=1),
    Workload("staging", "gateway", 130, (APP,), desired=2),
    Workload("staging", "checkout-api", 61, (APP,), desired=1),
    Workload("staging", "orders-api", 121, (APP,), desired=1),
    Workload("staging", "web", 318, (APP,), desired=1, provider="FARGATE_SPOT"),
    Workload("staging", "catalog", 209, (APP,), desired=1, provider="FARGATE_SPOT"),
    Workload("data", "ml-scoring", 12, (APP,), desired=4, launch_type="EC2", provider="data-asg"),
    Workload("data", "ingest", 58, (APP,), desired=4, provider="FARGATE_SPOT"),
    Workload("data", "stream-router", 33, (APP,), desired=3, launch_type="EC2", provider="data-asg"),
    Workload("data", "feature-store", 17, (APP,), desired=2, launch_type="EC2", provider="data-asg"),
    Workload("data", "warehouse-sync", 25, (APP,), desired=1),
)

JOBS: tuple[Workload, ...] = (
    Workload("data", "nightly-etl", 7, (APP,), provider="FARGATE_SPOT", job=True,
             started_by="chronos-schedule/nightly-etl"),
    Workload("data", "daily-report", 19, (APP,), job=True, started_by="chronos-schedule/daily-report"),
    Workload("data", "thumbnails", 64, (APP,), provider="FARGATE_SPOT", job=True, started_by="thumbnails-dispatcher"),
    Workload("data", "dedupe-users", 5, (APP,), job=True, started_by="AWS Step Functions"),
    Workload("prod", "sitemap", 11, (APP,), job=True, started_by="events-rule/sitemap-hourly"),
    Workload("prod", "db-migrate", 48, (APP,), job=True, started_by="deploy-pipeline"),
)  # fmt: skip

INSTANCES = tuple((f"{number:032x}", f"i-0d47a{number:012x}") for number in (0x5EA1, 0x5EA2, 0x5EA3, 0x5EA4))


def arn(kind: str, rest: str, account: str = ACCOUNT) -> str:
    """An ECS ARN of this account and Region."""
    return f"arn:aws:ecs:{REGION}:{account}:{kind}/{rest}"


def find(label: str) -> Workload:
    """The workload with this `cluster/name`."""
    return next(workload for workload in (*SERVICES, *JOBS) if workload.label == label)


def task_definition(workload: Workload, revision: int, secret: str) -> dict[str, Any]:
    """A revision in the shape of DescribeTaskDefinition; `secret` stands in its environment, where people put such."""
    family = workload.name
    return {
        "taskDefinitionArn": arn("task-definition", f"{family}:{revision}"),
        "family": family,
        "revision": revision,
        "status": "ACTIVE",
        "networkMode": "awsvpc" if workload.launch_type == "FARGATE" else "bridge",
        "containerDefinitions": [
            _definition(workload, container, revision, secret) for container in workload.containers
        ],
    }


def _definition(workload: Workload, container: Container, revision: int, secret: str) -> Mapping[str, Any]:
    return {
        "name": container.name,
        "image": image(workload, container.name, revision),
        "essential": container.essential,
        "environment": [{"name": "SESSION_KEY", "value": secret}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": workload.log_group,
                "awslogs-region": REGION,
                "awslogs-stream-prefix": "ecs",
            },
        },
    }


def image(workload: Workload, container: str, revision: int) -> str:
    """The image of a container of one revision."""
    repository = workload.name if container == "app" else container
    return f"{REGISTRY}/{repository}:{'v' if container == 'app' else '1.'}{revision}"
