"""Where a task can run: Fargate with shortages, container instances with CPU, memory and host ports."""

from collections.abc import Iterator

from sandbox.ecs.definitions import TaskRequest
from sandbox.ecs.state import Cluster, Container, Instance, Task
from sandbox.ecs.world import World


def place(world: World, cluster: Cluster, request: TaskRequest) -> Instance | str | None:
    """Find room for a task: an instance, None for Fargate, or the reason why there is none (ecs 7)."""
    if request.launch_type == "FARGATE":
        short = world.short_of.get(request.capacity_provider or "FARGATE")
        return "RESOURCE:FARGATE" if short is False else None
    return _instance(cluster, request)


def _instance(cluster: Cluster, request: TaskRequest) -> Instance | str:
    """The instance with the fewest tasks that fits; else what the last filter lacked."""
    wanted = request.definition
    candidates = [
        instance
        for instance in cluster.instances.values()
        if instance.status == "ACTIVE"
        and instance.agent_connected
        and request.capacity_provider in (None, instance.capacity_provider)
    ]
    if not candidates:
        return "MISSING"
    fixed = {port.host_port for container in wanted.containers for port in container.ports if port.host_port}
    for reason, fitting in (
        ("RESOURCE:CPU", [one for one in candidates if one.cpu >= wanted.cpu]),
        ("RESOURCE:MEMORY", [one for one in candidates if one.memory >= wanted.memory]),
        ("RESOURCE:PORTS", [one for one in candidates if not fixed & one.ports]),
    ):
        kept = [one for one in candidates if one in fitting]
        if not kept:
            return reason
        candidates = kept
    return min(candidates, key=lambda one: len(one.tasks))


def take(world: World, task: Task, instance: Instance) -> None:
    """Put a task onto an instance; each placement is an event of the instance (events 6)."""
    instance.cpu -= task.definition.cpu
    instance.memory -= task.definition.memory
    instance.tasks[task.id] = task
    if task.definition.network_mode != "awsvpc":
        for container in task.containers:
            _bind(world, instance, container)
    world.instance_changed(instance)


def _bind(world: World, instance: Instance, container: Container) -> None:
    for mapping in container.definition.ports:
        port = mapping.host_port or next(_free_ports(world, instance))
        instance.ports.add(port)
        container.host_ports[mapping.container_port] = port


def _free_ports(world: World, instance: Instance) -> Iterator[int]:
    """The ports of the dynamic range in turn, beginning behind the one given out last."""
    first, last = world.limits.first_dynamic_port, world.limits.last_dynamic_port
    for _ in range(first, last + 1):
        port = max(first, instance.next_port)
        instance.next_port = port + 1 if port < last else first
        if port not in instance.ports:
            yield port


def release(world: World, task: Task) -> None:
    """Give back what a task held, and let those who wait look again."""
    instance = task.instance
    if instance is not None and instance.tasks.pop(task.id, None) is not None:
        instance.cpu += task.definition.cpu
        instance.memory += task.definition.memory
        for container in task.containers:
            instance.ports.difference_update(container.host_ports.values())
        if instance.status != "INACTIVE":
            world.instance_changed(instance)
        world.capacity_freed()
