"""The rolling update: new tasks up to maximumPercent, old ones down to minimumHealthyPercent, until all are new.

The same comparison keeps a service at its desired count when nothing is being deployed: it replaces what stopped, what
failed its checks and what sits on a draining instance (ecs 8, ecs 10, botocore `DeploymentConfiguration`).
"""

from sandbox.ecs import rollouts, scheduler
from sandbox.ecs.state import Deployment, Service, ServiceDeployment, Task
from sandbox.ecs.world import World


class Rolling:
    """The strategy ROLLING."""

    def begin(self, world: World, service: Service, rollout: ServiceDeployment) -> None:
        """There is nothing to prepare."""
        world.stage_changed(rollout, "SCALE_UP")

    def step(self, world: World, service: Service) -> None:
        """Launch, stop, and see whether the deployment is done."""
        if service.primary.stalled:
            hold_still(world, service)
            return
        reconcile(world, service)
        if rollouts.in_progress(service):
            self._finish(world, service)

    def roll_back(self, world: World, service: Service, rollout: ServiceDeployment, to: Deployment, why: str) -> None:
        """The old deployment becomes PRIMARY again and rolls forward over the failed one."""
        rollouts.revert(world, service, rollout, to, why)

    def _finish(self, world: World, service: Service) -> None:
        deployment = service.primary
        rollout = deployment.service_deployment
        if deployment.stable_at is None:
            if not _stable(service):
                return
            deployment.stable_at = world.now
        alarms = service.settings.alarms
        if alarms.enable and not deployment.is_rollback:
            if rollout is not None:
                world.stage_changed(rollout, "BAKE_TIME")
            due = deployment.stable_at + world.timing.alarm_bake
            if world.now < due:
                world.wake_at(service, due - 1)
                return
        rollouts.complete(world, service)


def _stable(service: Service) -> bool:
    """Whether the target revision is up and the rest is gone, or as much of it as early success asks for."""
    deployment = service.primary
    healthy = sum(task.deployment is deployment and task.healthy for task in service.tasks.values())
    old = any(task.deployment is not deployment for task in service.tasks.values())
    early = service.settings.early_success
    if early is not None and not deployment.is_rollback:
        enough = healthy * 100 >= early.healthy_percent * service.desired
        return enough and (early.cleanup == "DEFERRED" or not old)
    return healthy >= service.desired and not old and len(service.tasks) == healthy


def reconcile(world: World, service: Service) -> None:
    """One comparison of what should run with what does."""
    primary, desired = service.primary, service.desired
    own: list[Task] = []
    rest: list[Task] = []
    live = ending = 0
    for task in service.tasks.values():
        if not task.live:
            ending += _holds_its_place(world, task)
            continue
        live += 1
        if task.deployment is primary and scheduler.wanted(task):
            own.append(task)
        elif task.desired_status == "RUNNING":
            rest.append(task)
    need = desired - len(own) - (ending if len(own) < desired else 0)
    room = scheduler.most(service) - live - ending
    launched = scheduler.launch(world, service, primary, min(need, room))
    if need < 0:
        free = [task for task in own if not scheduler.protected(world, task)]
        scheduler.stop(world, service, _least_useful(free, -need))
    if rest:
        blocked = 0
        if scheduler.throttled(world, primary):
            world.wake_at(service, primary.launch_after - 1)
        else:
            starved = service.starved and primary.revision.launch_type != "FARGATE"
            blocked = need - launched if starved else max(0, need - max(0, room))
        _stop_rest(world, service, own, rest, blocked)


def _holds_its_place(world: World, task: Task) -> bool:
    """Whether a task that ended by itself is replaced only once it is STOPPED, as in the formula of performance 4."""
    return (
        world.readings.replaced_when_stopped
        and task.failure in ("start", "exit")
        and task.service is not None
        and task.deployment is task.service.primary
    )


def _least_useful(some: list[Task], count: int) -> list[Task]:
    """Which tasks go first: what is not healthy, then the youngest."""
    youngest_first = some[::-1]
    return sorted(youngest_first, key=lambda task: task.healthy)[:count]


def _stop_rest(world: World, service: Service, own: list[Task], rest: list[Task], blocked: int) -> None:
    """Stop what is to be replaced, as far as that leaves enough healthy tasks.

    `blocked` tasks could not be launched for want of room: then healthy ones may go down to minimumHealthyPercent.
    """
    healthy = [task for task in rest if task.healthy]
    condemned: list[Task] = []
    idle: list[Task] = []
    for task in rest:
        if not task.healthy:
            (condemned if task.condemned and task.deployment is service.primary else idle).append(task)
    in_service = len(healthy) + sum(task.healthy for task in own)
    replaced = in_service - service.desired
    for_room = min(blocked, in_service - scheduler.fewest(service))
    going = idle + healthy[: max(0, replaced, for_room)]
    running = sum(task.last_status == "RUNNING" for task in own)
    successors = running + len(condemned) - service.desired
    going += condemned[: max(0, successors, blocked)]
    scheduler.stop(world, service, going)


def hold_still(world: World, service: Service) -> None:
    """A deployment that failed without a way back launches nothing more (ecs 2); what is too much or broken goes."""
    keep = [task for task in service.tasks.values() if task.live and task.desired_status == "RUNNING"]
    broken = [task for task in keep if task.condemned]
    scheduler.stop(world, service, broken)
    keep = [task for task in keep if not task.condemned]
    scheduler.stop(world, service, _least_useful(keep, max(0, len(keep) - service.desired)))
