"""The tasks of one revision among several of a service: kept at the desired count, counted, stopped (ecs 4, ecs 8)."""

from collections.abc import Collection

from sandbox.ecs import rollouts, scheduler
from sandbox.ecs.state import Deployment, Service, Task
from sandbox.ecs.world import World


def tasks_of(service: Service, deployment: Deployment) -> list[Task]:
    """Its tasks that are not STOPPED yet, the oldest first."""
    return [task for task in service.tasks.values() if task.deployment is deployment]


def healthy(service: Service, deployment: Deployment) -> int:
    """How many of its tasks are healthy and to stay."""
    return sum(task.healthy and scheduler.wanted(task) for task in tasks_of(service, deployment))


def can_take_traffic(service: Service, deployment: Deployment) -> bool:
    """Whether it has a healthy task, or is to have none."""
    return service.desired == 0 or any(task.healthy for task in tasks_of(service, deployment))


def others(service: Service, *known: Deployment | None) -> list[Deployment]:
    """The other deployments of a service that are still listed."""
    return [one for one in service.deployments if one not in known]


def serving(world: World, service: Service) -> Deployment | None:
    """Blue: what a new deployment begins from.

    It is the last completed deployment while that has tasks. If it has none, the latest one that has took over from
    it: its deployment was superseded while it cleaned up, and a rollback may go to it from now on [inferred].
    """
    candidates = service.deployments[1:]
    if not candidates:
        return None
    running = [one for one in candidates if any(scheduler.wanted(task) for task in tasks_of(service, one))]
    target = rollouts.rollback_target(service)
    if target in running or (target in candidates and not running):
        return target
    if not running:
        return candidates[0]
    blue = running[0]
    if target is not None and blue.rollout_state != "FAILED":
        blue.completed = True
        service.last_completed = [*service.last_completed[-9:], blue]
    return blue


def adopt(service: Service, of: Deployment, by: Deployment) -> None:
    """A rollback that makes a new deployment of the old revision takes over the tasks that still run."""
    if of is not by:
        for task in tasks_of(service, of):
            task.deployment = by


def keep(world: World, service: Service, deployment: Deployment) -> None:
    """Launch what is missing, stop what is broken, and what is too much once the desired count went down."""
    own: list[Task] = []
    broken: list[Task] = []
    ending = 0
    for task in tasks_of(service, deployment):
        if not task.live:
            ending += task.failure in ("start", "exit") and world.readings.replaced_when_stopped
        elif scheduler.wanted(task):
            own.append(task)
        elif task.desired_status == "RUNNING":
            broken.append(task)
    missing = service.desired - len(own)
    scheduler.launch(world, service, deployment, missing - ending)
    enough = sum(task.healthy for task in own) >= service.desired
    going = [task for task in broken if enough or not task.healthy]
    if missing < 0:
        youngest_first = own[::-1]
        going += sorted(youngest_first, key=lambda task: task.healthy)[:-missing]
    scheduler.stop(world, service, going)


def stop_all(world: World, service: Service, *, except_for: Collection[Deployment]) -> None:
    """Stop the tasks of every other revision."""
    unwanted = [
        task
        for task in service.tasks.values()
        if task.deployment not in except_for and task.desired_status == "RUNNING"
    ]
    scheduler.stop(world, service, unwanted)
