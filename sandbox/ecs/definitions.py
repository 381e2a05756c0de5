"""What people declare: task definitions, load balancers, deployment settings. All frozen; a change is a new value."""

from dataclasses import dataclass, field

from sandbox.ecs.constants import SECOND


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A container's health check. Defaults as ecs 10 has them; milliseconds."""

    interval: int = 30 * SECOND
    timeout: int = 5 * SECOND
    retries: int = 3
    start_period: int = 0


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A port of a container. A host port of 0 is a dynamic one: ECS picks it on the container instance."""

    container_port: int
    host_port: int = 0
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class ContainerDefinition:
    """One container of a task definition. `stop_timeout` None is the default of the platform."""

    name: str
    image: str
    essential: bool = True
    cpu: int = 0
    memory: int | None = None
    ports: tuple[PortMapping, ...] = ()
    health_check: HealthCheck | None = None
    stop_timeout: int | None = None
    secrets: tuple[str, ...] = ()
    """The secrets it is given, by ARN or name; one that is missing keeps the task from starting."""


@dataclass(slots=True, eq=False)
class TaskDefinition:
    """One revision of a family. Its status is the one thing about it that changes."""

    arn: str
    family: str
    revision: int
    containers: tuple[ContainerDefinition, ...]
    cpu: int
    """CPU units of the task, or the sum of its containers'."""
    memory: int
    """MiB of the task, or the sum of its containers'."""
    network_mode: str
    registered_at: int
    status: str = "ACTIVE"
    deregistered_at: int | None = None


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """Which container's port a service registers with which target group."""

    target_group_arn: str
    container_name: str
    container_port: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """When the circuit breaker trips: COUNT, BOUNDED_PERCENT or UNBOUNDED_PERCENT, and its value."""

    type: str = "BOUNDED_PERCENT"
    value: int = 50


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """The native circuit breaker with its settings of 2026 (ecs 2)."""

    enable: bool = False
    rollback: bool = False
    threshold: Threshold = Threshold()
    reset_on_healthy_task: bool = True


@dataclass(frozen=True, slots=True)
class DeploymentAlarms:
    """CloudWatch alarms that fail a deployment."""

    names: tuple[str, ...] = ()
    enable: bool = False
    rollback: bool = False


@dataclass(frozen=True, slots=True)
class EarlySuccess:
    """SUCCESSFUL before the service is fully stable (ecs 3, `earlySuccessCriteria`)."""

    healthy_percent: int
    cleanup: str = "BLOCKING"


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    """How a service is deployed. `more` is for strategies other than ROLLING: bake times, hooks, steps."""

    strategy: str = "ROLLING"
    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    alarms: DeploymentAlarms = DeploymentAlarms()
    early_success: EarlySuccess | None = None
    more: object = None


@dataclass(frozen=True, slots=True)
class Override:
    """What RunTask changes in one container."""

    name: str
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What a task is started with, by a service or by RunTask."""

    definition: TaskDefinition
    launch_type: str = "FARGATE"
    capacity_provider: str | None = None
    group: str = ""
    started_by: str | None = None
    overrides: tuple[Override, ...] = field(default=())
