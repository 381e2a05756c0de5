"""What is read before a release, and by the doctor: one snapshot. What could not be read is `Unknown`, with the why."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from breakwater.listener_rules import Road


@dataclass(frozen=True, slots=True)
class Unknown:
    """It could not be read; `why` is what the call said, without anything secret."""

    why: str


@dataclass(frozen=True, slots=True)
class Hook:
    """One lifecycle hook of a service. `target_type` is AWS_LAMBDA or PAUSE.

    `on_timeout` is what ECS does when a PAUSE hook's time is up: CONTINUE or ROLLBACK.
    """

    stages: frozenset[str]
    target_type: str = "AWS_LAMBDA"
    target_arn: str | None = None
    on_timeout: str = "ROLLBACK"


@dataclass(frozen=True, slots=True)
class Binding:
    """A service's entry at a load balancer; the last three are there where ECS may shift traffic."""

    container: str
    port: int
    target_group: str
    alternate: str | None = None
    production_rule: str | None = None
    test_rule: str | None = None

    @property
    def target_groups(self) -> tuple[str, ...]:
        """Its own and the alternate one, if there is one."""
        return (self.target_group, self.alternate) if self.alternate else (self.target_group,)


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What matters of the service as it stands.

    `alarms` are those that its deployments watch, `steps` in how many steps one shifts its traffic, `step_bake_minutes`
    how long it waits behind each of them but the last, `bake_minutes` behind the last. `providers` are its capacity
    providers, which may add instances.
    """

    cluster: str
    name: str
    status: str = "ACTIVE"
    controller: str = "ECS"
    scheduling: str = "REPLICA"
    strategy: str = "ROLLING"
    launch_type: str = "FARGATE"
    task_definition: str = ""
    desired: int = 1
    maximum_percent: int = 200
    hooks: tuple[Hook, ...] = ()
    bindings: tuple[Binding, ...] = ()
    grace_seconds: int = 0
    subnets: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    deployment_in_progress: str | None = None
    steps: int = 1
    step_bake_minutes: int = 0
    bake_minutes: int = 0
    providers: tuple[str, ...] = ()

    @property
    def shifts_traffic(self) -> bool:
        """Whether two revisions stand side by side and ECS moves the traffic between them."""
        return self.strategy in ("BLUE_GREEN", "LINEAR", "CANARY")

    @property
    def tasks_added(self) -> int:
        """How many tasks run beside the present ones at the most while the service is deployed."""
        if self.shifts_traffic:
            return self.desired
        return max(0, self.desired * self.maximum_percent // 100 - self.desired)

    @property
    def shift_minutes(self) -> int:
        """How long a deployment takes by its own settings, from its first share of traffic to the end of the bake."""
        return (self.steps - 1) * self.step_bake_minutes + self.bake_minutes

    @property
    def on_instances(self) -> bool:
        """Whether its tasks need room on instances that are there already: nothing adds some for it."""
        return self.launch_type != "FARGATE" and not self.providers


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """What matters of a container. `secrets` are references (`valueFrom`), never values.

    `start_seconds` is how long it may take to start by its own health check (`startPeriod`); 0 where it says nothing.
    """

    name: str
    image: str
    ports: frozenset[int] = frozenset()
    secrets: tuple[str, ...] = ()
    start_seconds: int = 0


@dataclass(frozen=True, slots=True)
class DefinitionFacts:
    """What matters of the task definition that is to be released."""

    arn: str
    status: str = "ACTIVE"
    network_mode: str = "awsvpc"
    containers: tuple[ContainerFacts, ...] = ()
    compatibilities: frozenset[str] = frozenset()
    cpu: int = 0
    """CPU units that a task takes on an instance."""
    memory: int = 0
    """MiB that a task takes on an instance."""
    roles: tuple[str, ...] = ()
    """The task role and the execution role, as far as it names any."""

    @property
    def start_seconds(self) -> int:
        """How long a task may take to start, as far as its containers say so."""
        return max((container.start_seconds for container in self.containers), default=0)

    @property
    def revision(self) -> str:
        """`family:number`."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the registry says of an image. `digest` is absent if there is no such image; `mutable` is of its tags."""

    digest: str | None
    mutable: bool | Unknown = False


@dataclass(frozen=True, slots=True)
class TargetGroupFacts:
    """What matters of a target group. Times are in seconds."""

    target_type: str = "ip"
    protocol: str = "HTTP"
    health_path: str | None = "/"
    interval: int = 30
    timeout: int = 5
    unhealthy_threshold: int = 2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of it.

    A mapping holds `None` where the thing was looked for and is not there. `room` is how many tasks fit on the
    cluster's own instances, `None` where tasks need none there (Fargate, capacity providers). `roads` are how checks
    come to the service, by the name of its listener (`test`, `production`). `quarantined` says why the revision is, and
    `other_release` which one is under way. `native_hook` is the ARN of Breakwater's Lambda hook.
    """

    service: ServiceFacts | Unknown
    definition: DefinitionFacts | Unknown | None
    images: Mapping[str, ImageFacts | Unknown] = field(default_factory=dict)
    target_groups: Mapping[str, TargetGroupFacts | Unknown | None] = field(default_factory=dict)
    secrets: Mapping[str, bool | Unknown] = field(default_factory=dict)
    free_addresses: Mapping[str, int | Unknown] = field(default_factory=dict)
    room: int | Unknown | None = None
    alarms: Mapping[str, str | Unknown] = field(default_factory=dict)
    roads: Mapping[str, Road] | Unknown = field(default_factory=dict)
    quarantined: str | None = None
    other_release: str | None = None
    native_hook: str | None = None


@dataclass(frozen=True, slots=True)
class ImageReference:
    """The parts of an image's name. `registry` is absent for one of the default registry."""

    registry: str | None
    repository: str
    tag: str | None
    digest: str | None

    @property
    def in_ecr(self) -> bool:
        """Whether Amazon ECR keeps it, so that it can be asked for it."""
        return bool(self.registry and ".dkr.ecr." in self.registry and ".amazonaws.com" in self.registry)

    @property
    def is_latest(self) -> bool:
        """Whether it means whatever is newest: `latest`, or no tag at all."""
        return self.digest is None and self.tag in (None, "latest")


def image_reference(image: str) -> ImageReference:
    """Take an image's name apart.

    >>> image_reference("111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/web:1.4").repository
    'shop/web'
    """
    name, _, digest = image.partition("@")
    first, slash, rest = name.partition("/")
    registry = first if slash and ({".", ":"} & set(first) or first == "localhost") else None
    path = rest if registry else name
    repository, colon, tag = path.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = path, ""
    return ImageReference(registry, repository, tag or None, digest or None)
