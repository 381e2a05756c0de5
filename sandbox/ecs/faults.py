"""What befalls an account: the things that scenarios and property tests let happen."""

from sandbox.ecs import health, rollouts, tasks
from sandbox.ecs.state import Instance, Task
from sandbox.ecs.workloads import Workload
from sandbox.ecs.world import World


class Faults:
    """Workloads, shortages, outages, interruptions, alarms."""

    def __init__(self, world: World) -> None:
        self._world = world

    def set_workload(self, image: str, workload: Workload) -> None:
        """From now on containers of this image behave so, from their start."""
        self._world.images[image] = workload

    def miss_secret(self, secret: str, *, missing: bool = True) -> None:
        """A secret is deleted, or there again."""
        (self._world.missing_secrets.add if missing else self._world.missing_secrets.discard)(secret)

    def registry_outage(self, registry: str = "", *, over: bool = False) -> None:
        """Images whose reference begins so cannot be pulled; the empty text is all of them."""
        (self._world.registries_out.discard if over else self._world.registries_out.add)(registry)
        self._world.note("registry", registry or "all", "back" if over else "out")

    def shortage(self, provider: str = "FARGATE", *, over: bool = False, after_placement: bool = False) -> None:
        """Fargate or Fargate Spot has no capacity: tasks are not placed, or are placed and fail to start."""
        if over:
            self._world.short_of.pop(provider, None)
            self._world.capacity_freed()
        else:
            self._world.short_of[provider] = after_placement
        self._world.note("capacity", provider, "back" if over else "short")

    def spot_interruption(self, task: Task) -> None:
        """A task on Fargate Spot gets its two minutes' notice."""
        tasks.spot_warning(self._world, task)

    def spot_instance_interruption(self, instance: Instance) -> None:
        """A Spot instance is drained at the notice, and gone two minutes later."""
        if instance.status == "ACTIVE":
            instance.status = "DRAINING"
            self._world.instance_changed(instance)
            for task in instance.tasks.values():
                self._world.wake(task.service)
        self._world.engine.at(self._world.now + self._world.timing.spot_warning, self.lose_instance, instance)

    def lose_instance(self, instance: Instance) -> None:
        """An instance is terminated with everything on it."""
        if instance.status == "INACTIVE":
            return
        instance.status, instance.agent_connected = "INACTIVE", False
        self._world.instance_changed(instance)
        for task in list(instance.tasks.values()):
            tasks.lost(self._world, task, "TerminationNotice", f"Host EC2 (instance {instance.ec2_id}) terminated.")
            self._world.wake(task.service)
        del instance.cluster.instances[instance.id]

    def instance_health(self, instance: Instance, status: str) -> None:
        """The container runtime of an instance is IMPAIRED, or OK again."""
        if instance.health != status:
            self._world.instance_health_changed(instance, status)

    def maintenance(self, task: Task) -> None:
        """AWS retires the host of a task."""
        reason = "ECS is performing maintenance on the underlying infrastructure hosting the task"
        tasks.stop(self._world, task, "ServiceSchedulerInitiated", reason)

    def infrastructure_failure(self, task: Task) -> None:
        """The host of a task is found to be impaired."""
        reason = "Task stopped because the underlying infrastructure is impaired"
        tasks.stop(self._world, task, "InfrastructureHealth", reason)

    def break_health(self, task: Task) -> None:
        """The checks of a running task fail from now on."""
        health.break_down(self._world, task)

    def crash(self, task: Task, exit_code: int = 1, container: str | None = None, reason: str | None = None) -> None:
        """A container of a running task exits by itself, now; `reason` is what the event says of it."""
        if task.last_status != "RUNNING" or task.desired_status != "RUNNING":
            return
        for one in task.containers:
            if one.status == "RUNNING" and container in (None, one.definition.name):
                tasks.exited(self._world, task, one, exit_code, reason)
                return

    def set_alarm(self, name: str, state: str) -> None:
        """A CloudWatch alarm changes its state: OK, ALARM or INSUFFICIENT_DATA."""
        world = self._world
        world.alarms[name] = state
        world.note("alarm", name, state)
        for cluster in world.clusters.values():
            for service in cluster.services.values():
                if service.deployments and state != "ALARM":
                    service.primary.ignored_alarms -= {name}
                elif service.deployments:
                    rollouts.alarms_checked(world, service)
