"""The model's front door: what the AWS API, a scenario or a test calls. docs/emulation.md says what it claims.

Everything takes and gives the objects of `state`; nothing happens in time but in `advance`. Requests that ECS would
refuse raise `EcsError` with ECS's own name for the refusal.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sandbox.ecs import capacity, rollouts, scheduler, tasks
from sandbox.ecs.catalogue import Catalogue
from sandbox.ecs.constants import SECOND, Readings, Timing
from sandbox.ecs.definitions import DeploymentSettings, LoadBalancer, Override, TaskRequest
from sandbox.ecs.errors import EcsError, conflict, invalid
from sandbox.ecs.faults import Faults
from sandbox.ecs.log import lines
from sandbox.ecs.names import Place, milliseconds, moment, number
from sandbox.ecs.rolling import Rolling
from sandbox.ecs.state import Cluster, Service, ServiceDeployment, ServiceRevision, Task
from sandbox.ecs.strategy import Strategy
from sandbox.ecs.workloads import Runner
from sandbox.ecs.world import Listener, World

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


class Model:
    """One account's ECS in one Region."""

    def __init__(
        self,
        *,
        seed: int | str = 0,
        start: datetime = START,
        place: Place | None = None,
        timing: Timing | None = None,
        readings: Readings | None = None,
        runner: Runner | None = None,
    ) -> None:
        self.world = World(milliseconds(start), seed, place or Place(), timing or Timing(), readings or Readings())
        self.world.runner = runner
        self.world.tick = lambda service: scheduler.tick(self.world, service)
        self.world.healthy = lambda task: rollouts.task_healthy(self.world, task)
        self.world.stopped = lambda task: rollouts.task_stopped(self.world, task)
        self.add_strategy("ROLLING", Rolling())
        self.catalogue = Catalogue(self.world)
        self.faults = Faults(self.world)

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def now(self) -> datetime:
        """The model's instant."""
        return moment(self.world.now)

    @property
    def next_at(self) -> datetime | None:
        """When the next thing happens by itself; a clock that drives the model waits for this."""
        due = self.world.engine.next_at
        return None if due is None else moment(due)

    @property
    def idle(self) -> bool:
        """Whether nothing is left to happen but what repeats for ever."""
        return self.world.engine.idle

    def advance(self, by: timedelta | float | datetime) -> None:
        """Let time pass: by a duration, by seconds, or up to an instant."""
        if isinstance(by, datetime):
            until = milliseconds(by)
        else:
            seconds = by.total_seconds() if isinstance(by, timedelta) else by
            until = self.world.now + round(seconds * SECOND)
        self.world.engine.advance(until)

    def call_at(self, at: datetime, action: Callable[[], None]) -> None:
        """Do something at an instant of the model: a scenario's timeline."""
        self.world.engine.at(milliseconds(at), action)

    def settle(self, limit: timedelta = timedelta(hours=6)) -> bool:
        """Let time pass until every service is steady or stalled; False if the limit came first."""
        deadline = self.world.now + limit // timedelta(milliseconds=1)
        while not self.settled:
            due = self.world.engine.next_at
            if due is None or due > deadline:
                return False
            self.world.engine.advance(due)
        return True

    @property
    def settled(self) -> bool:
        """Whether no service has anything under way."""
        return all(
            service.status == "INACTIVE" or (service.tick_at is None and (service.steady or service.primary.stalled))
            for cluster in self.world.clusters.values()
            for service in cluster.services.values()
        )

    # ── what happened ───────────────────────────────────────────────────────────────────────────────────────────────
    def listen(self, listener: Listener) -> None:
        """Be told of each change as it happens, with the event that ECS would send."""
        self.world.listeners.append(listener)

    def log(self) -> str:
        """Everything that changed, one line of JSON each."""
        return lines(self.world.log)

    def add_strategy(self, name: str, strategy: Strategy) -> None:
        """Teach the model another deployment strategy."""
        self.world.strategies[name] = strategy

    # ── services ────────────────────────────────────────────────────────────────────────────────────────────────────
    def create_service(
        self,
        cluster: str,
        name: str,
        task_definition: str,
        desired: int,
        *,
        settings: DeploymentSettings | None = None,
        launch_type: str = "FARGATE",
        capacity_provider: str | None = None,
        load_balancers: Sequence[LoadBalancer] = (),
        grace_seconds: int = 0,
    ) -> Service:
        """CreateService of a REPLICA service; its first deployment begins."""
        world, home = self.world, self.catalogue.cluster(cluster)
        if name in home.services and home.services[name].status != "INACTIVE":
            raise invalid("Creation of service was not idempotent.")
        settings = settings or DeploymentSettings()
        self._check(desired, settings)
        offset = world.stream("service", cluster, name).randrange(world.timing.tick)
        arn = world.place.arn("service", f"{cluster}/{name}")
        service = Service(name, arn, home, desired, settings, world.now, offset, grace_seconds * SECOND)
        revision = self._revision(service, task_definition, launch_type, capacity_provider, tuple(load_balancers))
        home.services[name] = service
        world.note("service", f"{cluster}/{name}", "ACTIVE", f"desired {desired}")
        self._roll_out(service, revision)
        return service

    def update_service(
        self,
        cluster: str,
        name: str,
        *,
        task_definition: str | None = None,
        desired: int | None = None,
        settings: DeploymentSettings | None = None,
        force_new_deployment: bool = False,
        capacity_provider: str | None = None,
        load_balancers: Sequence[LoadBalancer] | None = None,
        grace_seconds: int | None = None,
    ) -> Service:
        """UpdateService. A new task definition, a new load balancer or force makes a deployment; a count does not."""
        service = self.active_service(cluster, name)
        if task_definition is not None and service.controller != "ECS":
            raise invalid(
                f"Unable to update task definition on services with a {service.controller} deployment controller."
            )
        self._check(service.desired if desired is None else desired, settings or service.settings)
        before = service.primary.revision
        revision = self._revision(
            service,
            task_definition or before.definition.arn,
            before.launch_type,
            capacity_provider or before.capacity_provider,
            before.load_balancers if load_balancers is None else tuple(load_balancers),
            checked=task_definition is not None,
        )
        if settings is not None:
            rollouts.settings_changed(self.world, service, settings)
        if grace_seconds is not None:
            service.grace = grace_seconds * SECOND
        if desired is not None and desired != service.desired:
            service.desired = desired
            self.world.note("service", f"{cluster}/{name}", service.status, f"desired {desired}")
        if force_new_deployment or replace(revision, arn="", created_at=0) != replace(before, arn="", created_at=0):
            self._roll_out(service, revision)
        self.world.wake(service)
        return service

    def delete_service(self, cluster: str, name: str, *, force: bool = False) -> Service:
        """DeleteService: DRAINING until the last task is gone, then INACTIVE."""
        service = self.active_service(cluster, name)
        if service.desired and not force:
            raise invalid("The service cannot be stopped while it is scaled above 0.")
        service.desired, service.status = 0, "DRAINING"
        self.world.note("service", f"{cluster}/{name}", "DRAINING")
        self.world.wake(service)
        return service

    def stop_service_deployment(self, arn: str, stop_type: str = "ROLLBACK") -> ServiceDeployment:
        """StopServiceDeployment: back to the last completed deployment, also where rollback was not configured."""
        rollout = self.service_deployment(arn)
        if stop_type != "ROLLBACK":
            raise invalid(f"Invalid stop type {stop_type}.")
        if rollout.status not in rollouts.ONGOING:
            raise conflict(f"The service deployment is {rollout.status} and cannot be stopped.")
        if rollout.status.startswith("ROLLBACK"):
            return rollout  # it is on its way back already: ecs 3, "simply continue"
        world, service = self.world, rollout.service
        target = rollouts.rollback_target(service)
        if target is None:
            raise conflict("There is no completed service deployment to roll back to.")
        world.service_deployment_changed(rollout, "ROLLBACK_REQUESTED", "Service deployment stopped by user.")
        why = "Service deployment stopped by user."
        rollouts.fail(world, service, why, "ECS deployment stopped by user", roll_back=True)
        return rollout

    def active_service(self, cluster: str, name: str) -> Service:
        """A service that can be changed."""
        service = self.catalogue.cluster(cluster).services.get(name)
        if service is None:
            raise EcsError("ServiceNotFoundException", "Service not found.")
        if service.status != "ACTIVE":
            raise EcsError("ServiceNotActiveException", "Service was not ACTIVE.")
        return service

    def service_deployment(self, arn: str) -> ServiceDeployment:
        """A service deployment by its ARN."""
        for cluster in self.world.clusters.values():
            for service in cluster.services.values():
                for rollout in service.service_deployments:
                    if rollout.arn == arn:
                        return rollout
        raise EcsError("ServiceDeploymentNotFoundException", f"The service deployment {arn} was not found.")

    def _check(self, desired: int, settings: DeploymentSettings) -> None:
        if desired < 0:
            raise invalid("desiredCount must not be negative.")
        if settings.strategy not in self.world.strategies:
            raise EcsError("UnsupportedFeatureException", f"the model does not know the strategy {settings.strategy}")
        if settings.maximum_percent < 100 or not 0 <= settings.minimum_healthy_percent <= settings.maximum_percent:
            raise invalid("maximumPercent must be at least 100 and at least minimumHealthyPercent.")
        if settings.maximum_percent == settings.minimum_healthy_percent == 100:
            raise invalid("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")
        breaker = settings.circuit_breaker
        if (
            breaker.threshold.type not in ("COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT")
            or breaker.threshold.value < 1
        ):
            raise invalid("thresholdConfiguration is not valid.")
        early = settings.early_success
        if early is not None and not settings.minimum_healthy_percent <= early.healthy_percent <= 100:
            raise invalid("healthyPercent must be between minimumHealthyPercent and 100.")

    def _revision(
        self,
        service: Service,
        task_definition: str,
        launch_type: str,
        capacity_provider: str | None,
        load_balancers: tuple[LoadBalancer, ...],
        *,
        checked: bool = True,
    ) -> ServiceRevision:
        definition = self.catalogue.usable(task_definition) if checked else self.catalogue.known(task_definition)
        for binding in load_balancers:
            self.catalogue.check_binding(definition, binding)
        if launch_type == "FARGATE" and definition.network_mode != "awsvpc":
            raise invalid("Fargate only supports network mode 'awsvpc'.")
        rng = self.world.stream(
            "revision", service.cluster.name, service.name, service.created_at, len(service.revisions)
        )
        arn = self.world.place.arn("service-revision", f"{service.cluster.name}/{service.name}/{number(rng)}")
        return ServiceRevision(arn, definition, launch_type, capacity_provider, load_balancers, self.world.now)

    def _roll_out(self, service: Service, revision: ServiceRevision) -> None:
        service.revisions.append(revision)
        rollouts.begin(self.world, service, revision)

    # ── tasks ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def run_task(
        self,
        cluster: str,
        task_definition: str,
        *,
        count: int = 1,
        group: str | None = None,
        started_by: str | None = None,
        launch_type: str = "FARGATE",
        capacity_provider: str | None = None,
        overrides: Sequence[Override] = (),
    ) -> tuple[list[Task], list[str]]:
        """RunTask: the tasks, and for each one without room the reason. Nobody replaces these tasks."""
        home = self.catalogue.cluster(cluster)
        if not 1 <= count <= self.world.limits.run_task:
            raise invalid(f"count must be between 1 and {self.world.limits.run_task}.")
        definition = self.catalogue.usable(task_definition)
        names = {container.name for container in definition.containers}
        strangers = [override.name for override in overrides if override.name not in names]
        if strangers:
            raise invalid(f"Override for container named {strangers[0]} is not a container in the TaskDefinition.")
        group = f"family:{definition.family}" if group is None else group
        request = TaskRequest(definition, launch_type, capacity_provider, group, started_by, tuple(overrides))
        started: list[Task] = []
        failures: list[str] = []
        for _ in range(count):
            where = capacity.place(self.world, home, request)
            if isinstance(where, str):
                failures.append(where)
            else:
                started.append(tasks.launch(self.world, home, request, where))
        return started, failures

    def stop_task(self, cluster: str, task: str, reason: str | None = None) -> Task:
        """StopTask: the stopCode is UserInitiated, and the reason is whatever the caller says."""
        found = self.task(cluster, task)
        tasks.stop(self.world, found, "UserInitiated", reason or "Task stopped by user")
        return found

    def task(self, cluster: str, task: str) -> Task:
        """A task by id or ARN; stopped ones are known for an hour."""
        home: Cluster = self.catalogue.cluster(cluster)
        found = home.tasks.get(task.rpartition("/")[2])
        if found is None or self._forgotten(found):
            raise invalid("The referenced task was not found.")
        return found

    def _forgotten(self, task: Task) -> bool:
        return task.stopped_at is not None and task.stopped_at < self.world.now - self.world.timing.stopped_task_kept
