"""Target groups: who is registered, and the state and reason that DescribeTargetHealth would give (ecs 10)."""

from collections.abc import Iterator

from sandbox.ecs.definitions import LoadBalancer
from sandbox.ecs.state import Target, TargetGroup, Task
from sandbox.ecs.world import World


def register(world: World, task: Task, group: TargetGroup, binding: LoadBalancer) -> Target:
    """Register a task that has begun to run: by address, or by instance and host port."""
    port = binding.container_port
    where = task.address
    if task.instance is not None and task.definition.network_mode != "awsvpc":
        where = task.instance.ec2_id
        container = next(one for one in task.containers if one.definition.name == binding.container_name)
        port = container.host_ports.get(binding.container_port, binding.container_port)
    target = Target(where, port, task, registered_at=world.now)
    group.targets[task.id] = target
    _note(world, group, target)
    return target


def checking(world: World, task: Task, group: TargetGroup) -> None:
    """The load balancer knows the target and has begun to ask it."""
    target = group.targets.get(task.id)
    if target is not None and target.state == "initial":
        target.reason = "Elb.InitialHealthChecking"


def healthy(world: World, group: TargetGroup, target: Target) -> None:
    """It gets traffic from now on."""
    target.state, target.reason = "healthy", None
    _note(world, group, target)


def unhealthy(world: World, group: TargetGroup, target: Target, task: Task) -> None:
    """It failed too often in a row."""
    target.state, target.reason = "unhealthy", "Target.FailedHealthChecks"
    _note(world, group, target)
    if task.service is not None:
        port = f"(port {target.port}) is unhealthy in (target-group {group.arn})"
        world.say(task.service, f"{port} due to (reason Health checks failed)")


def deregister(world: World, task: Task) -> int:
    """Take a task out of its target groups; answers how long its connections may drain.

    A target that never got traffic has no connections, and is gone at once.
    """
    longest = 0
    for group, target in list(of(world, task)):
        if target.state == "draining":
            continue
        delay = group.deregistration_delay if target.state == "healthy" else 0
        target.state, target.reason = "draining", "Target.DeregistrationInProgress"
        longest = max(longest, delay)
        _note(world, group, target)
        world.engine.at(world.now + delay, _gone, world, group, target)
    return longest


def of(world: World, task: Task) -> Iterator[tuple[TargetGroup, Target]]:
    """The registrations of a task."""
    if task.deployment is not None:
        for binding in task.deployment.target_groups:
            group = world.target_groups[binding.target_group_arn]
            target = group.targets.get(task.id)
            if target is not None:
                yield group, target


def _gone(world: World, group: TargetGroup, target: Target) -> None:
    if group.targets.get(target.task.id) is target:
        del group.targets[target.task.id]
        world.note("target", f"{group.name}/{target.task.id}", "unused", "Target.NotRegistered")


def _note(world: World, group: TargetGroup, target: Target) -> None:
    world.note("target", f"{group.name}/{target.task.id}", target.state, target.reason or "")
