"""When checks pass or fail, worked out ahead: a check every 30 s of every task would be most of the model's work.

A check that will pass first at a known instant needs one timer, not one for each try. The rules are those of ecs 10.
"""

from dataclasses import dataclass

from sandbox.ecs import targets
from sandbox.ecs.state import Container, Target, TargetGroup, Task
from sandbox.ecs.workloads import Plan
from sandbox.ecs.world import World


@dataclass(frozen=True, slots=True)
class Outlook:
    """When a check makes its verdict, counted from the first try's origin; None: never."""

    healthy_at: int | None
    unhealthy_at: int | None


def outlook(
    first: int, interval: int, ready: int | None, failures: int, *, forgiven_until: int = 0, successes_after: int = 1
) -> Outlook:
    """Follow tries at `first`, `first + interval`, ... of something that answers from `ready` on (None: never).

    `failures` in a row after `forgiven_until` make it unhealthy; then it takes `successes_after` to be healthy again.
    """
    skipped = max(0, -(-(forgiven_until - first + 1) // interval)) if forgiven_until else 0
    unhealthy = first + (skipped + failures - 1) * interval
    if ready is None:
        return Outlook(None, unhealthy)
    passes = first + max(0, -(-(ready - first) // interval)) * interval
    if passes <= unhealthy:
        return Outlook(passes, None)
    return Outlook(passes + (successes_after - 1) * interval, unhealthy)


def begin(world: World, task: Task, plans: list[Plan]) -> None:
    """Start all checks of a task that is RUNNING now."""
    checks = 0
    for container, plan in zip(task.containers, plans, strict=True):
        if container.definition.essential and container.definition.health_check is not None:
            checks += 1
            _check_container(world, task, container, plan)
    if task.service is not None and task.deployment is not None:
        by_name = {container.definition.name: plan for container, plan in zip(task.containers, plans, strict=True)}
        for binding in task.deployment.target_groups:
            group = world.target_groups[binding.target_group_arn]
            target = targets.register(world, task, group, binding)
            checks += 1
            _check_target(world, task, group, target, by_name[binding.container_name])
    task.waiting_for = checks
    if not checks:
        task.waiting_for = 1
        world.engine.at(world.now + world.timing.healthy_without_checks, _passed, world, task, task.phase)


def _check_container(world: World, task: Task, container: Container, plan: Plan) -> None:
    check = container.definition.health_check
    assert check is not None  # noqa: S101  # for the type checker: the caller has looked
    ready = plan.ready_after if plan.workload.passes_container_checks else None
    view = outlook(check.interval, check.interval, ready, check.retries, forgiven_until=check.start_period)
    if view.healthy_at is not None:
        world.engine.at(world.now + view.healthy_at, _container_passed, world, task, task.phase, container)
    if view.unhealthy_at is not None:
        world.engine.at(world.now + view.unhealthy_at, _container_failed, world, task, task.phase, container)


def _check_target(world: World, task: Task, group: TargetGroup, target: Target, plan: Plan) -> None:
    first = world.timing.target_registration + round(task.phase_of_checks * group.interval)
    ready = plan.ready_after if plan.workload.passes_target_checks else None
    thresholds = group.unhealthy_threshold, group.healthy_threshold
    view = outlook(first, group.interval, ready, thresholds[0], successes_after=thresholds[1])
    world.engine.at(world.now + world.timing.target_registration, targets.checking, world, task, group)
    if view.healthy_at is not None:
        world.engine.at(world.now + view.healthy_at, _target_passed, world, task, task.phase, group, target)
    if view.unhealthy_at is not None:
        world.engine.at(world.now + view.unhealthy_at, _target_failed, world, task, task.phase, group, target)


def _container_passed(world: World, task: Task, phase: int, container: Container) -> None:
    if task.phase == phase:
        container.health = "HEALTHY"
        _passed(world, task, phase)


def _container_failed(world: World, task: Task, phase: int, container: Container) -> None:
    if task.phase == phase:
        container.health = "UNHEALTHY"
        _failing(world, task, "Task failed container health checks")


def _target_passed(world: World, task: Task, phase: int, group: TargetGroup, target: Target) -> None:
    if task.phase == phase:
        targets.healthy(world, group, target)
        _passed(world, task, phase)


def _target_failed(world: World, task: Task, phase: int, group: TargetGroup, target: Target) -> None:
    if task.phase == phase:
        targets.unhealthy(world, group, target, task)
        _failing(world, task, f"Task failed ELB health checks in (target-group {group.arn})")


def _passed(world: World, task: Task, phase: int) -> None:
    """One check is through; with the last one the task counts as healthy."""
    if task.phase != phase:
        return
    task.waiting_for -= 1
    if task.waiting_for <= 0 and not task.condemned:
        task.healthy = task.was_healthy = True
        for action, arguments in task.once_healthy:
            action(world, task, phase, *arguments)
        world.healthy(task)


def _failing(world: World, task: Task, reason: str) -> None:
    """A check failed for good: the service replaces the task once the grace period is over (ecs 10)."""
    task.healthy = False
    if task.service is None or task.deployment is None or task.started_at is None:
        return  # nobody replaces a standalone task, healthy or not
    grace_over = task.started_at + task.service.grace
    if world.now >= grace_over:
        _condemn(world, task, task.phase, reason)
    else:
        world.engine.at(grace_over, _condemn, world, task, task.phase, reason)


def _condemn(world: World, task: Task, phase: int, reason: str) -> None:
    if task.phase == phase and task.waiting_for > 0 and not task.condemned:
        task.condemned, task.condemned_reason, task.failure = True, reason, "health"
        world.wake(task.service)


def break_down(world: World, task: Task) -> None:
    """From now on the checks of a running task fail: an outage behind the health check. For scenarios."""
    if task.last_status != "RUNNING" or task.desired_status != "RUNNING" or task.condemned:
        return
    task.waiting_for = max(1, task.waiting_for)
    for container in task.containers:
        check = container.definition.health_check
        if container.definition.essential and check is not None:
            after = world.now + check.retries * check.interval
            world.engine.at(after, _container_failed, world, task, task.phase, container)
    for group, target in targets.of(world, task):
        after = world.now + group.unhealthy_threshold * group.interval
        world.engine.at(after, _target_failed, world, task, task.phase, group, target)
