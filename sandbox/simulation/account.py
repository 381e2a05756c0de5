"""What there is before anything happens: clusters and their instances, load balancers, task definitions, services."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from sandbox.simulation.parts import Count, Duration, Many, Name, Part, RuleName

Weight = Annotated[int, Field(ge=0, le=999)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Instances(Part):
    """Container instances (EC2) of one size."""

    count: Annotated[int, Field(ge=1, le=500)] = 1
    cpu: Annotated[int, Field(ge=128)] = 2048
    """CPU units of one instance."""
    memory: Annotated[int, Field(ge=128)] = 7764
    """MiB of one instance."""
    capacity_provider: Name | None = None
    spot: bool = False
    """Whether AWS may take it with two minutes' notice."""


class Cluster(Part):
    """A cluster. Fargate needs no instances."""

    instances: Annotated[tuple[Instances, ...], Field(strict=False)] = ()


class TargetGroup(Part):
    """A target group with the defaults of an application load balancer."""

    interval: Duration = timedelta(seconds=30)
    timeout: Duration = timedelta(seconds=5)
    healthy_threshold: Annotated[int, Field(ge=2, le=10)] = 5
    unhealthy_threshold: Annotated[int, Field(ge=2, le=10)] = 2
    deregistration_delay: Duration = timedelta(minutes=5)


class Rule(Part):
    """One listener rule: the first whose path fits a request sends it on."""

    path: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^/")]
    """A path pattern as load balancers have it: `*` is anything, `?` one character."""
    forward: dict[Name, Weight]
    """Target groups and their weights."""


class Listener(Part):
    """A port of a load balancer."""

    port: Port
    rules: Annotated[tuple[Rule, ...], Field(strict=False)] = ()
    """In the order of their priority."""
    default: dict[Name, Weight]
    """Where everything else goes: target groups and their weights."""


class LoadBalancer(Part):
    """An application load balancer."""

    target_groups: dict[Name, TargetGroup]
    listeners: dict[Name, Listener]


class Account(Part):
    """The account without its services."""

    id: Annotated[str, Field(pattern=r"^\d{12}$")] = "111122223333"
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] = "eu-central-1"
    clusters: dict[Name, Cluster] = Field(default_factory=lambda: {"prod": Cluster()})
    load_balancers: dict[Name, LoadBalancer] = Field(default_factory=dict)
    buckets: Many = ()
    """S3 buckets that send their events to EventBridge."""
    tables: dict[Name, Name] = Field(default_factory=dict)
    """DynamoDB tables: the name of each one's key, a text."""


class HealthCheck(Part):
    """A container's health check."""

    interval: Duration = timedelta(seconds=30)
    timeout: Duration = timedelta(seconds=5)
    retries: Annotated[int, Field(ge=1, le=10)] = 3
    start_period: Duration = timedelta(0)


class Container(Part):
    """A container of a task definition."""

    image: Name
    essential: bool = True
    cpu: Count = 0
    memory: Annotated[int, Field(ge=6)] = 128
    """MiB."""
    port: Port | None = None
    host_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """In network mode bridge; 0 is a dynamic one."""
    health_check: HealthCheck | None = None
    stop_timeout: Duration | None = None
    secrets: Many = ()
    """Names of secrets that it is given."""
    environment: dict[Name, str] = Field(default_factory=dict)
    """Variables with their values, as they stand in the task definition."""


class TaskDefinition(Part):
    """The first revision of a family; a `deploy` step with an image registers the next one."""

    containers: Annotated[dict[Name, Container], Field(min_length=1)]
    cpu: Annotated[int, Field(ge=128)] = 256
    memory: Annotated[int, Field(ge=128)] = 512
    network_mode: Literal["awsvpc", "bridge", "host"] = "awsvpc"
    """Fargate needs awsvpc; dynamic host ports need bridge."""
    revision: Annotated[int, Field(ge=1)] = 1
    """Its number; those before it are not there."""


class Breaker(Part):
    """The native circuit breaker."""

    enable: bool = True
    rollback: bool = True
    threshold_type: Literal["COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"] = "BOUNDED_PERCENT"
    threshold: Annotated[int, Field(ge=1)] = 50
    reset_on_healthy_task: bool = True


class Alarms(Part):
    """CloudWatch alarms that fail a deployment."""

    names: Annotated[Many, Field(min_length=1)]
    enable: bool = True
    rollback: bool = True


class Hook(Part):
    """A PAUSE hook: a deployment waits at these stages until a `continue_deployment` step, or a release goes on.

    The first deployment of a service has none: its hooks are declared once it runs.
    """

    stages: Annotated[Many, Field(min_length=1)]
    timeout: Duration = timedelta(days=1)
    on_timeout: Literal["ROLLBACK", "CONTINUE"] = "ROLLBACK"


class Deployment(Part):
    """How a service is deployed; what is not given is as ECS has it."""

    strategy: Literal["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"] = "ROLLING"
    minimum_healthy_percent: Annotated[int, Field(ge=0, le=100)] = 100
    maximum_percent: Annotated[int, Field(ge=100, le=400)] = 200
    circuit_breaker: Breaker | None = None
    alarms: Alarms | None = None
    bake: Duration | None = None
    """After the last shift of traffic, in whole minutes; BLUE_GREEN needs it."""
    step_percent: Annotated[float, Field(ge=0.1, le=100, strict=False)] | None = None
    """Of LINEAR each step, of CANARY the first share."""
    step_bake: Duration | None = None
    """After each step of LINEAR, after the first share of CANARY, in whole minutes."""
    hooks: Annotated[tuple[Hook, ...], Field(strict=False)] = ()


class Attachment(Part):
    """Where the tasks of a service are registered."""

    load_balancer: Name
    target_group: Name
    container: Name | None = None
    """The one with the port; the first that has one unless given."""
    alternate: Name | None = None
    """The other target group of BLUE_GREEN, LINEAR and CANARY."""
    production_rule: RuleName | None = None
    """Listener and path of the rule whose weights ECS shifts: `https/*`, or the listener alone for its default."""
    test_rule: RuleName | None = None


class Service(Part):
    """A REPLICA service. It is created and settles before the timeline begins."""

    task: Name
    """The family of its task definition."""
    cluster: Name = "prod"
    desired: Count = 1
    launch_type: Literal["FARGATE", "EC2"] = "FARGATE"
    capacity_provider: Name | None = None
    """`FARGATE_SPOT`, or that of instances; instead of the launch type."""
    deployment: Deployment = Deployment()
    load_balancers: Annotated[tuple[Attachment, ...], Field(strict=False)] = ()
    grace: Duration = timedelta(0)
    """How long failing health checks of a new task do not matter."""
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def on_fargate(self) -> bool:
        """Whether its tasks need no instances."""
        if self.capacity_provider is not None:
            return self.capacity_provider in ("FARGATE", "FARGATE_SPOT")
        return self.launch_type == "FARGATE"
