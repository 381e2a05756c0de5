"""Short ways to a model with something in it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.ecs import Model, Readings, Timing
from sandbox.ecs.definitions import (
    CircuitBreaker,
    ContainerDefinition,
    DeploymentSettings,
    HealthCheck,
    LoadBalancer,
    PortMapping,
    Threshold,
)
from sandbox.ecs.log import Change
from sandbox.ecs.state import Service, TargetGroup, Task
from sandbox.ecs.workloads import Runner, Workload

CLUSTER = "prod"
EXACT = Timing(launch_jitter=0.0)
"""Every launch takes 35 s sharp."""


@dataclass
class Told:
    """What a listener heard."""

    changes: list[Change] = field(default_factory=list)
    events: list[dict[str, Any] | None] = field(default_factory=list)

    def hear(self, change: Change, event: dict[str, Any] | None) -> None:
        """Note one change."""
        self.changes.append(change)
        self.events.append(event)

    def details(self, detail_type: str) -> list[dict[str, Any]]:
        """The details of all events of one type."""
        return [event["detail"] for event in self.events if event and event["detail-type"] == detail_type]

    def statuses(self, task: Task) -> list[str]:
        """What a task went through."""
        return [
            detail["lastStatus"] for detail in self.details("ECS Task State Change") if detail["taskArn"] == task.arn
        ]

    def final(self, task: Task) -> dict[str, Any]:
        """The last event of a task."""
        return [one for one in self.details("ECS Task State Change") if one["taskArn"] == task.arn][-1]

    def actions(self) -> list[str]:
        """The names of all service actions."""
        return [detail["eventName"] for detail in self.details("ECS Service Action")]

    def rollouts(self) -> list[tuple[str, str, str]]:
        """State, deployment and reason of all deployment events."""
        return [
            (one["eventName"].removeprefix("SERVICE_DEPLOYMENT_"), one["deploymentId"], one["reason"])
            for one in self.details("ECS Deployment State Change")
        ]


def a_model(
    *, seed: int = 1, timing: Timing = EXACT, readings: Readings | None = None, runner: Runner | None = None
) -> tuple[Model, Told]:
    """A model with a cluster, and what it tells."""
    model = Model(seed=seed, timing=timing, readings=readings, runner=runner)
    told = Told()
    model.listen(told.hear)
    model.catalogue.create_cluster(CLUSTER)
    return model, told


def revise(
    model: Model,
    workload: Workload | None = None,
    *,
    family: str = "web",
    others: Iterable[ContainerDefinition] = (),
    check: HealthCheck | None = None,
    stop_timeout: int | None = None,
    network_mode: str = "awsvpc",
    secrets: tuple[str, ...] = (),
    host_port: int = 0,
) -> str:
    """Register the next revision, with an image of its own that behaves as told; answers its ARN."""
    serial = len(model.world.families.get(family, [])) + 1
    image = f"{family}:{serial}"
    if workload is not None:
        model.faults.set_workload(image, workload)
    app = ContainerDefinition(
        "app",
        image,
        ports=(PortMapping(80, host_port),),
        health_check=check,
        stop_timeout=stop_timeout,
        secrets=secrets,
    )
    registered = model.catalogue.register(family, [app, *others], cpu=256, memory=512, network_mode=network_mode)
    return registered.arn


def guarded(
    *,
    rollback: bool = True,
    kind: str = "BOUNDED_PERCENT",
    value: int = 50,
    reset: bool = True,
    least: int = 100,
    most: int = 200,
) -> DeploymentSettings:
    """Deployment settings with the circuit breaker on."""
    breaker = CircuitBreaker(True, rollback, Threshold(kind, value), reset)
    return DeploymentSettings(minimum_healthy_percent=least, maximum_percent=most, circuit_breaker=breaker)


def a_service(
    model: Model,
    desired: int = 2,
    *,
    name: str = "web",
    workload: Workload | None = None,
    settings: DeploymentSettings | None = None,
    behind: TargetGroup | None = None,
    grace: int = 0,
    check: HealthCheck | None = None,
) -> Service:
    """A service that has settled on its first, healthy revision."""
    arn = revise(model, workload, family=name, check=check)
    bindings = [] if behind is None else [LoadBalancer(behind.arn, "app", 80)]
    service = model.create_service(
        CLUSTER, name, arn, desired, settings=settings or guarded(), load_balancers=bindings, grace_seconds=grace
    )
    assert model.settle()
    return service


def deploy(model: Model, service: Service, workload: Workload | None = None, **more: Any) -> None:
    """Deploy a new revision that behaves as told."""
    model.update_service(CLUSTER, service.name, task_definition=revise(model, workload, family=service.name, **more))


def counts(service: Service) -> Mapping[str, int]:
    """How many tasks a service has in each state."""
    found: dict[str, int] = {}
    for task in service.tasks.values():
        found[task.last_status] = found.get(task.last_status, 0) + 1
    return found


def parsed(model: Model) -> list[dict[str, Any]]:
    """The log, read back."""
    return [json.loads(line) for line in model.log().splitlines()]
