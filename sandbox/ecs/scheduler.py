"""The service scheduler: at its ticks it compares what a service should have with what it has.

It is woken by what happens (a task ran, turned healthy, stopped, capacity came back) and then looks at its next tick,
which is the same as looking at every tick, without the ticks that find nothing.
"""

from collections.abc import Iterable, Sequence

from sandbox.ecs import capacity, rollouts, tasks
from sandbox.ecs.definitions import TaskRequest
from sandbox.ecs.state import Deployment, Service, Task
from sandbox.ecs.world import World


def tick(world: World, service: Service) -> None:
    """Look at one service."""
    if service.status == "INACTIVE":
        return
    rollout = rollouts.current(service)
    if rollout is not None and rollout.status == "PENDING":
        rollout.started_at = world.now
        world.service_deployment_changed(rollout, "IN_PROGRESS")
    rollouts.alarms_checked(world, service)
    rollouts.check_guards(world, service)
    strategy = rollout.settings.strategy if rollout is not None else "ROLLING"
    world.strategies[strategy].step(world, service)
    rollouts.retire(world, service)
    _steady(world, service)
    if service.status == "DRAINING" and not service.tasks:
        service.status = "INACTIVE"
        world.note("service", f"{service.cluster.name}/{service.name}", "INACTIVE")


def most(service: Service) -> int:
    """How many tasks may be RUNNING or PENDING: rounded down (ecs 10)."""
    return service.desired * service.settings.maximum_percent // 100


def fewest(service: Service) -> int:
    """How many tasks must stay healthy: rounded up (ecs 10)."""
    return -(-service.desired * service.settings.minimum_healthy_percent // 100)


def wanted(task: Task) -> bool:
    """Whether a task is one to keep: not stopping, not condemned by its checks, not on a draining instance."""
    return task.desired_status == "RUNNING" and not task.condemned and not task.leaving


def protected(world: World, task: Task) -> bool:
    """Whether a task is protected: neither scale-in nor a deployment stops it (UpdateTaskProtection)."""
    return task.protected_until is not None and task.protected_until > world.now


def launch(world: World, service: Service, deployment: Deployment, count: int) -> int:
    """Start up to so many tasks of a deployment; answers how many there was room for."""
    if count <= 0:
        return 0
    if deployment.launch_after > world.now:
        world.wake_at(service, deployment.launch_after - 1)
        return 0
    revision = deployment.revision
    request = TaskRequest(
        revision.definition,
        revision.launch_type,
        revision.capacity_provider,
        f"service:{service.name}",
        deployment.id,
    )
    started: list[Task] = []
    lacking = None
    for _ in range(count):
        where = capacity.place(world, service.cluster, request)
        if isinstance(where, str):
            lacking = where
            break
        started.append(tasks.launch(world, service.cluster, request, where, service, deployment))
    if started:
        world.say(service, f"has started {len(started)} tasks: {_listed(started)}.")
    _starving(world, service, lacking)
    return len(started)


def _starving(world: World, service: Service, lacking: str | None) -> None:
    service.starved = lacking is not None
    if lacking is None:
        world.starved.pop(service.arn, None)
        return
    world.starved[service.arn] = service
    world.service_action(
        service,
        "SERVICE_TASK_PLACEMENT_FAILURE",
        f"was unable to place a task. Reason: {lacking}.",
        severity="ERROR",
        reason=lacking,
        again=world.timing.repeat_suppressed,
    )


def throttled(world: World, deployment: Deployment) -> bool:
    """Whether launches are held back because tasks of this deployment never ran."""
    return deployment.launch_after > world.now


def stop(world: World, service: Service, unwanted: Sequence[Task]) -> None:
    """Stop tasks of a service, with the reason that ECS gives."""
    unwanted = [task for task in unwanted if task.condemned or not protected(world, task)]
    if not unwanted:
        return
    running = [task for task in unwanted if task.last_status == "RUNNING"]
    for task in unwanted:
        deployment = task.deployment.id if task.deployment is not None else "?"
        reason = task.condemned_reason or f"Scaling activity initiated by (deployment {deployment})"
        tasks.stop(world, task, "ServiceSchedulerInitiated", reason)
    if running:
        world.say(service, f"has stopped {len(running)} running tasks: {_listed(running)}.")


def _listed(some: Iterable[Task]) -> str:
    return " ".join(f"(task {task.id})" for task in some)


def _steady(world: World, service: Service) -> None:
    """Say once that the service is steady, and again every six hours while it is."""
    steady = (
        bool(service.deployments)
        and service.primary.rollout_state != "IN_PROGRESS"
        and len(service.tasks) == service.desired
        and all(task.healthy and task.deployment is service.primary for task in service.tasks.values())
    )
    if steady == service.steady:
        return
    service.steady = steady
    service.steady_round += 1
    if steady:
        service.said.clear()
        _say_steady(world, service, service.steady_round)


def _say_steady(world: World, service: Service, round_: int) -> None:
    if service.steady and service.steady_round == round_ and service.status == "ACTIVE":
        world.service_action(service, "SERVICE_STEADY_STATE", "has reached a steady state.")
        world.engine.background_at(world.now + world.timing.steady_repeat, _say_steady, world, service, round_)
