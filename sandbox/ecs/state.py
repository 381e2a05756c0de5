"""What the model keeps. Only the modules of this package write to it; everybody else reads."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.ecs.definitions import (
    ContainerDefinition,
    DeploymentSettings,
    LoadBalancer,
    Override,
    TaskDefinition,
)

LIVE = frozenset({"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"})
"""The states that count against maximumPercent: RUNNING, and what ECS counts as pending."""


@dataclass(slots=True, eq=False)
class Container:
    """One container of a task."""

    definition: ContainerDefinition
    arn: str
    status: str = "PENDING"
    exit_code: int | None = None
    reason: str | None = None
    health: str = "UNKNOWN"
    host_ports: dict[int, int] = field(default_factory=dict)
    ignores_sigterm: bool = False
    exit_on_sigterm: int = 143
    ran: bool = False


@dataclass(slots=True, eq=False)
class Task:
    """One task, from PROVISIONING to STOPPED. `phase` goes up when what was planned for it no longer holds."""

    id: str
    arn: str
    cluster: "Cluster"
    definition: TaskDefinition
    containers: list[Container]
    group: str
    started_by: str | None
    launch_type: str
    capacity_provider: str | None
    created_at: int
    zone: str
    address: str
    phase_of_checks: float
    overrides: tuple[Override, ...] = ()
    service: "Service | None" = None
    deployment: "Deployment | None" = None
    instance: "Instance | None" = None
    version: int = 0
    last_status: str = "PROVISIONING"
    desired_status: str = "RUNNING"
    stop_code: str | None = None
    stopped_reason: str | None = None
    updated_at: int = 0
    connected_at: int | None = None
    pull_started_at: int | None = None
    pull_stopped_at: int | None = None
    started_at: int | None = None
    stopping_at: int | None = None
    execution_stopped_at: int | None = None
    stopped_at: int | None = None
    phase: int = 0
    healthy: bool = False
    """It counts towards the minimum healthy percent."""
    was_healthy: bool = False
    waiting_for: int = 0
    """Checks that have not passed yet."""
    exits: list[list[Any]] = field(default_factory=list)
    """The exits planned for it; emptied when they come to nothing, so that a timer far ahead keeps nothing alive."""
    once_healthy: list[tuple[Callable[..., None], tuple[Any, ...]]] = field(default_factory=list)
    """What is planned once it is healthy."""
    condemned: bool = False
    """It failed its health checks and is to be replaced."""
    condemned_reason: str = ""
    protected_until: int | None = None
    """Protected from scale-in and from being replaced by a deployment, until then."""
    failure: str | None = None
    """start, exit or health: why its stop may count for the circuit breaker."""

    @property
    def leaving(self) -> bool:
        """Whether its container instance drains."""
        return self.instance is not None and self.instance.status == "DRAINING"

    @property
    def live(self) -> bool:
        """Whether it counts as running or pending."""
        return self.last_status in LIVE

    @property
    def cluster_and_id(self) -> str:
        """As ARNs name it."""
        return f"{self.cluster.name}/{self.id}"


@dataclass(slots=True, eq=False)
class Instance:
    """A container instance (EC2). `cpu` and `memory` are what is left of it."""

    id: str
    arn: str
    ec2_id: str
    cluster: "Cluster"
    cpu: int
    memory: int
    cpu_registered: int
    memory_registered: int
    zone: str
    capacity_provider: str | None
    registered_at: int
    spot: bool = False
    status: str = "ACTIVE"
    agent_connected: bool = True
    health: str = "OK"
    health_changed_at: int = 0
    version: int = 0
    updated_at: int = 0
    ports: set[int] = field(default_factory=set)
    next_port: int = 0
    tasks: dict[str, Task] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Target:
    """One registration with a target group."""

    id: str
    port: int
    task: Task
    state: str = "initial"
    reason: str | None = "Elb.RegistrationInProgress"
    registered_at: int = 0


@dataclass(slots=True, eq=False)
class TargetGroup:
    """A target group of an application load balancer; times in milliseconds, thresholds as ALB has them (ecs 10)."""

    arn: str
    name: str
    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int
    deregistration_delay: int
    targets: dict[str, Target] = field(default_factory=dict)
    """By task id."""


@dataclass(slots=True, eq=False)
class Cluster:
    """A cluster, and the capacity of its own."""

    name: str
    arn: str
    status: str = "ACTIVE"
    services: dict[str, "Service"] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    """By id, stopped ones included for an hour."""


@dataclass(frozen=True, slots=True)
class ServiceRevision:
    """What a deployment rolls out: an immutable copy of what matters for tasks."""

    arn: str
    definition: TaskDefinition
    launch_type: str
    capacity_provider: str | None
    load_balancers: tuple[LoadBalancer, ...]
    created_at: int


@dataclass(slots=True, eq=False)
class Deployment:
    """One entry of the deployments of DescribeServices; its tasks carry its id in `startedBy`."""

    id: str
    revision: ServiceRevision
    created_at: int
    updated_at: int
    status: str = "PRIMARY"
    rollout_state: str = "IN_PROGRESS"
    rollout_reason: str = ""
    completed: bool = False
    """It was COMPLETED and has not been deployed again since: a rollback may go to it."""
    failed_tasks: int = 0
    tripped: bool = False
    stalled: bool = False
    """It failed, and nothing is launched for it any more."""
    is_rollback: bool = False
    stable_at: int | None = None
    """Since when everything but the watch over the alarms is done."""
    backoff: int = 0
    backoff_since: int = -1
    launch_after: int = 0
    target_groups: tuple[LoadBalancer, ...] = ()
    """Where its tasks register: the revision's, unless the strategy says otherwise."""
    ignored_alarms: frozenset[str] = frozenset()
    service_deployment: "ServiceDeployment | None" = None


@dataclass(slots=True, eq=False)
class ServiceDeployment:
    """The newer view of a rollout: one from request to end, its rollback included."""

    arn: str
    service: "Service"
    sources: tuple[ServiceRevision, ...]
    target: ServiceRevision
    deployment: Deployment
    settings: DeploymentSettings
    created_at: int
    updated_at: int
    status: str = "PENDING"
    status_reason: str = ""
    stage: str | None = None
    started_at: int | None = None
    finished_at: int | None = None
    stopped_at: int | None = None
    rollback_reason: str | None = None
    rollback_started_at: int | None = None
    rollback_revision: ServiceRevision | None = None
    rollback_deployment: Deployment | None = None
    breaker_status: str = "DISABLED"
    breaker_failures: int = 0
    breaker_threshold: int = 0
    alarm_status: str = "DISABLED"
    triggered_alarms: tuple[str, ...] = ()
    progress: Any = None
    """What a strategy keeps of its own."""


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """One line of the service's event list."""

    id: str
    at: int
    message: str


@dataclass(slots=True, eq=False)
class Service:
    """One REPLICA service."""

    name: str
    arn: str
    cluster: Cluster
    desired: int
    settings: DeploymentSettings
    created_at: int
    tick_offset: int
    grace: int = 0
    """How long after a task began to run its failed health checks are forgiven; a change holds at once."""
    status: str = "ACTIVE"
    controller: str = "ECS"
    deployments: list[Deployment] = field(default_factory=list)
    """PRIMARY first, then what it replaces, the newest first. INACTIVE ones are gone."""
    last_completed: list[Deployment] = field(default_factory=list)
    """Deployments that were COMPLETED, the latest last."""
    service_deployments: list[ServiceDeployment] = field(default_factory=list)
    """The oldest first."""
    revisions: list[ServiceRevision] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    """By id, in the order of their launch; stopped ones are gone."""
    events: deque[ServiceEvent] = field(default_factory=deque)
    tick_at: int | None = None
    steady: bool = False
    steady_round: int = 0
    starved: bool = False
    """The last launch found no capacity."""
    said: dict[str, int] = field(default_factory=dict)
    """When each service event was said last."""
    launched: int = 0

    @property
    def primary(self) -> Deployment:
        """The deployment that the service is on, or on its way to."""
        return self.deployments[0]
