"""Clusters, task definitions, target groups and container instances: what there is to run on and to run."""

from collections.abc import Sequence

from sandbox.ecs.constants import SECOND
from sandbox.ecs.definitions import ContainerDefinition, LoadBalancer, TaskDefinition
from sandbox.ecs.errors import EcsError, invalid, refused
from sandbox.ecs.names import hexadecimal
from sandbox.ecs.state import Cluster, Instance, TargetGroup
from sandbox.ecs.world import World


class Catalogue:
    """Registers and finds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._instances = 0

    # ── clusters ────────────────────────────────────────────────────────────────────────────────────────────────────
    def create_cluster(self, name: str) -> Cluster:
        """CreateCluster; the same name again is the same cluster."""
        if name not in self._world.clusters:
            self._world.clusters[name] = Cluster(name, self._world.place.arn("cluster", name))
        return self._world.clusters[name]

    def cluster(self, name: str) -> Cluster:
        """A cluster by name or ARN."""
        found = self._world.clusters.get(name.rpartition("/")[2])
        if found is None or found.status != "ACTIVE":
            raise EcsError("ClusterNotFoundException", "Cluster not found.")
        return found

    # ── task definitions ────────────────────────────────────────────────────────────────────────────────────────────
    def register(
        self,
        family: str,
        containers: Sequence[ContainerDefinition],
        *,
        cpu: int | None = None,
        memory: int | None = None,
        network_mode: str = "awsvpc",
    ) -> TaskDefinition:
        """RegisterTaskDefinition: the next revision of a family."""
        if not any(container.essential for container in containers):
            raise refused("At least one container must be essential.")
        if len({container.name for container in containers}) != len(containers):
            raise refused("Container names must be unique.")
        revisions = self._world.families.setdefault(family, [])
        revision = self._first(family) + len(revisions)
        definition = TaskDefinition(
            arn=self._world.place.arn("task-definition", f"{family}:{revision}"),
            family=family,
            revision=revision,
            containers=tuple(containers),
            cpu=sum(one.cpu for one in containers) if cpu is None else cpu,
            memory=sum(one.memory or 0 for one in containers) if memory is None else memory,
            network_mode=network_mode,
            registered_at=self._world.now,
        )
        revisions.append(definition)
        self._world.note("task_definition", f"{family}:{revision}", "ACTIVE")
        return definition

    def begin_at(self, family: str, revision: int) -> None:
        """Have a family without revisions begin at this one: those before it were deleted long ago."""
        if family in self._world.families:
            raise refused(f"the family {family} has revisions")
        self._world.first_revision[family] = revision

    def _first(self, family: str) -> int:
        return self._world.first_revision.get(family, 1)

    def known(self, name: str) -> TaskDefinition:
        """A task definition by ARN, `family:revision`, or `family` for its latest ACTIVE revision."""
        family, _, revision = name.rpartition("/")[2].partition(":")
        revisions = self._world.families.get(family, [])
        if revision:
            at = int(revision) - self._first(family) if revision.isdigit() else -1
            found = revisions[at] if 0 <= at < len(revisions) else None
        else:
            found = next((one for one in reversed(revisions) if one.status == "ACTIVE"), None)
        if found is None:
            raise refused("Unable to describe task definition.")
        return found

    def usable(self, name: str) -> TaskDefinition:
        """The same for UpdateService and RunTask: INACTIVE revisions are refused after a while (ecs 3)."""
        found = self.known(name)
        gone = found.deregistered_at
        if gone is not None and self._world.now >= gone + self._world.timing.inactive_grace:
            raise refused("TaskDefinition is inactive")
        return found

    def deregister(self, name: str) -> TaskDefinition:
        """DeregisterTaskDefinition: INACTIVE; running services keep scaling on it."""
        found = self.known(name)
        if found.status == "ACTIVE":
            found.status, found.deregistered_at = "INACTIVE", self._world.now
            self._world.note("task_definition", f"{found.family}:{found.revision}", "INACTIVE")
        return found

    # ── target groups ───────────────────────────────────────────────────────────────────────────────────────────────
    def create_target_group(
        self,
        name: str,
        *,
        arn: str | None = None,
        interval_seconds: int = 30,
        timeout_seconds: int = 5,
        healthy_threshold: int = 5,
        unhealthy_threshold: int = 2,
        deregistration_delay_seconds: int = 300,
    ) -> TargetGroup:
        """A target group with the defaults of an application load balancer (ecs 10; delay and 2 failures [known])."""
        place = self._world.place
        number = hexadecimal(self._world.stream("target group", name), 16)
        where = f"arn:aws:elasticloadbalancing:{place.region}:{place.account}:targetgroup/{name}/{number}"
        group = TargetGroup(
            arn or where,
            name,
            interval_seconds * SECOND,
            timeout_seconds * SECOND,
            healthy_threshold,
            unhealthy_threshold,
            deregistration_delay_seconds * SECOND,
        )
        self._world.target_groups[group.arn] = group
        return group

    def check_binding(self, definition: TaskDefinition, binding: LoadBalancer) -> None:
        """Refuse a load balancer that names what is not there."""
        if binding.target_group_arn not in self._world.target_groups:
            raise invalid(f"The specified target group {binding.target_group_arn} does not exist.")
        for container in definition.containers:
            if container.name == binding.container_name:
                if any(port.container_port == binding.container_port for port in container.ports):
                    return
                raise invalid(
                    f"The container {container.name} did not have a container port {binding.container_port} defined."
                )
        raise invalid(f"The container {binding.container_name} does not exist in the task definition.")

    # ── container instances ─────────────────────────────────────────────────────────────────────────────────────────
    def register_instance(
        self,
        cluster: str,
        *,
        cpu: int = 2048,
        memory: int = 7764,
        capacity_provider: str | None = None,
        spot: bool = False,
    ) -> Instance:
        """An EC2 instance joins a cluster."""
        home, world = self.cluster(cluster), self._world
        self._instances += 1
        rng = world.stream("instance", cluster, self._instances)
        instance_id = hexadecimal(rng)
        instance = Instance(
            id=instance_id,
            arn=world.place.arn("container-instance", f"{home.name}/{instance_id}"),
            ec2_id=f"i-{hexadecimal(rng, 17)}",
            cluster=home,
            cpu=cpu,
            memory=memory,
            cpu_registered=cpu,
            memory_registered=memory,
            zone=f"{world.place.region}{'abc'[self._instances % 3]}",
            capacity_provider=capacity_provider,
            registered_at=world.now,
            spot=spot,
        )
        home.instances[instance_id] = instance
        world.instance_changed(instance)
        world.capacity_freed()
        return instance

    def instance(self, cluster: str, name: str) -> Instance:
        """A container instance by id or ARN."""
        found = self.cluster(cluster).instances.get(name.rpartition("/")[2])
        if found is None:
            raise invalid("The referenced container instance was not found.")
        return found

    def set_instance_status(self, cluster: str, name: str, status: str) -> Instance:
        """UpdateContainerInstancesState: DRAINING from ACTIVE, and back (ecs 6)."""
        instance = self.instance(cluster, name)
        if status not in ("ACTIVE", "DRAINING"):
            raise invalid("Container instance status should be one of [ACTIVE,DRAINING]")
        if instance.status not in ("ACTIVE", "DRAINING"):
            raise invalid(f"A container instance that is {instance.status} cannot become {status}.")
        if instance.status != status:
            instance.status = status
            self._world.instance_changed(instance)
            for task in instance.tasks.values():
                self._world.wake(task.service)
            self._world.capacity_freed()
        return instance
