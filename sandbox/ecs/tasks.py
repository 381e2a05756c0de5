"""The life of a task, from PROVISIONING to STOPPED, with the stop codes and wordings of ecs 11.

Whatever is planned for a task carries the task's `phase`; a stop raises it, so that older plans come to nothing.
"""

from collections.abc import Iterable
from typing import Any

from sandbox.ecs import capacity, health, targets
from sandbox.ecs.definitions import TaskRequest
from sandbox.ecs.names import hexadecimal, uuid
from sandbox.ecs.state import Cluster, Container, Deployment, Instance, Service, Task
from sandbox.ecs.workloads import ASM_REFUSED, CAPACITY_UNAVAILABLE, HEALTHY, REGISTRY_OUT, Plan, plan
from sandbox.ecs.world import World

NOT_FOUND_ON_EC2 = "CannotPullContainerError: Error response from daemon: manifest for {image} not found"
OUT_OF_MEMORY = "OutOfMemoryError: {container} killed due to memory usage"
ESSENTIAL_EXITED = "Essential container in task exited"
SPOT_INTERRUPTED = "Your Spot Task was interrupted."


def launch(
    world: World,
    cluster: Cluster,
    request: TaskRequest,
    instance: Instance | None,
    service: Service | None = None,
    deployment: Deployment | None = None,
) -> Task:
    """Begin a task for which there is room."""
    if service is not None:
        service.launched += 1
        rng = world.stream("task", cluster.name, service.name, service.launched)
    else:
        world.standalone += 1
        rng = world.stream("run", cluster.name, world.standalone)
    task_id = hexadecimal(rng)
    zone = instance.zone if instance is not None else f"{world.place.region}{'abc'[rng.randrange(3)]}"
    named = f"{cluster.name}/{task_id}"
    containers = [
        Container(definition, world.place.arn("container", f"{named}/{uuid(rng)}"))
        for definition in request.definition.containers
    ]
    address = f"10.0.{rng.randrange(256)}.{rng.randrange(4, 255)}"
    task = Task(
        id=task_id,
        arn=world.place.arn("task", named),
        cluster=cluster,
        definition=request.definition,
        containers=containers,
        group=request.group,
        started_by=request.started_by,
        launch_type=request.launch_type,
        capacity_provider=request.capacity_provider,
        created_at=world.now,
        zone=zone,
        address=address,
        phase_of_checks=rng.random(),
        overrides=request.overrides,
        service=service,
        deployment=deployment,
        instance=instance,
    )
    cluster.tasks[task_id] = task
    if service is not None:
        service.tasks[task_id] = task
    if instance is not None:
        capacity.take(world, task, instance)
    world.task_changed(task)
    timing = world.timing
    pace = 1 + timing.launch_jitter * (2 * rng.random() - 1)
    start = world.launch_slot()
    pending = start + round(timing.provisioning * pace)
    pulled = pending + round(timing.pulling * pace)
    at = world.engine.at
    at(pending, _pending, world, task, task.phase, pulled, pulled + round(timing.activating * pace))
    return task


def _pending(world: World, task: Task, phase: int, pulled: int, running: int) -> None:
    if task.phase != phase:
        return
    task.last_status = "PENDING"
    task.connected_at = world.now
    world.task_changed(task)
    error = _start_error(world, task)
    at = world.engine.at
    if error is not None:
        at((world.now + pulled) // 2, _failed_to_start, world, task, phase, error)
        return
    at(pulled, _pulled, world, task, phase, world.now, running)


def _start_error(world: World, task: Task) -> str | None:
    """What keeps a task from starting before anything is pulled."""
    if task.launch_type == "FARGATE" and world.short_of.get(task.capacity_provider or "FARGATE"):
        return CAPACITY_UNAVAILABLE
    for container in task.containers:
        error = world.workload_of(task, container.definition.image).start_error
        if error is not None:
            return error
        if any(secret in world.missing_secrets for secret in container.definition.secrets):
            return ASM_REFUSED
    return None


def _pulled(world: World, task: Task, phase: int, began: int, running: int) -> None:
    if task.phase != phase:
        return
    for container in task.containers:
        image = container.definition.image
        outage = any(image.startswith(registry) for registry in world.registries_out)
        error = REGISTRY_OUT if outage else world.workload_of(task, image).pull_error
        if error is None:
            continue
        if task.instance is None:
            _fail_to_start(world, task, error.format(image=image))
        else:
            container.reason = (REGISTRY_OUT if outage else NOT_FOUND_ON_EC2).format(image=image)
            _fail_to_start(world, task, "Task failed to start")
        return
    task.pull_started_at, task.pull_stopped_at = began, world.now
    task.last_status = "ACTIVATING"
    world.task_changed(task)
    world.engine.at(running, _running, world, task, phase)


def _failed_to_start(world: World, task: Task, phase: int, reason: str) -> None:
    if task.phase == phase:
        _fail_to_start(world, task, reason)


def _fail_to_start(world: World, task: Task, reason: str) -> None:
    task.failure = "start"
    stop(world, task, "TaskFailedToStart", reason)


def _running(world: World, task: Task, phase: int) -> None:
    if task.phase != phase:
        return
    task.last_status = "RUNNING"
    task.started_at = world.now
    plans: list[Plan] = []
    for container in task.containers:
        container.status, container.ran = "RUNNING", True
        workload = world.workload_of(task, container.definition.image)
        container.ignores_sigterm, container.exit_on_sigterm = workload.ignores_sigterm, workload.exit_on_sigterm
        plain = workload is HEALTHY
        plans.append(
            _HEALTHY_PLAN if plain else plan(workload, world.stream("plan", task.id, container.definition.name))
        )
    world.task_changed(task)
    if task.deployment is not None:
        task.deployment.backoff = 0
        task.deployment.launch_after = 0
    health.begin(world, task, plans)
    for container, what in zip(task.containers, plans, strict=True):
        if what is not _HEALTHY_PLAN:
            _plan_exit(world, task, container, what)
    world.wake(task.service)


_HEALTHY_PLAN = Plan(0, None, None, 0, HEALTHY)


def _plan_exit(world: World, task: Task, container: Container, what: Plan) -> None:
    after, code = what.exits_after, what.exit_code
    if what.workload.command:
        if world.runner is None:
            raise RuntimeError(f"{container.definition.image} is a real process, and the model has no runner")
        result = world.runner(*_command(task, container, what.workload.command))
        after, code = result.milliseconds, result.exit_code
    reason = None
    if what.workload.out_of_memory:
        reason = OUT_OF_MEMORY.format(container="container" if task.instance is None else "Container")
    if after is not None:
        _exits_in(world, task, task.phase, after, container, code, reason)
    if what.exits_once_healthy is not None:
        task.once_healthy.append((_exits_in, (what.exits_once_healthy, container, code, reason)))


def _command(task: Task, container: Container, usual: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    override = next((one for one in task.overrides if one.name == container.definition.name), None)
    if override is None:
        return usual, {}
    return override.command or usual, dict(override.environment)


def _exits_in(
    world: World, task: Task, phase: int, after: int, container: Container, code: int, reason: str | None
) -> None:
    if task.phase == phase:
        planned = [world, task, container, code, reason]
        task.exits.append(planned)
        world.engine.at(world.now + after, _exits, planned)


def _exits(planned: list[Any]) -> None:
    if planned:
        world, task, container, code, reason = planned
        if container.status == "RUNNING":
            exited(world, task, container, code, reason)


def exited(world: World, task: Task, container: Container, code: int, reason: str | None = None) -> None:
    """A container ended by itself. If it is essential, the task ends with it and takes the others along."""
    container.status, container.exit_code, container.reason = "STOPPED", code, reason
    container.health = "UNKNOWN"
    if not container.definition.essential:
        world.task_changed(task)
        return
    task.failure = task.failure or "exit"
    stop(world, task, "EssentialContainerExited", ESSENTIAL_EXITED)


def stop(world: World, task: Task, code: str, reason: str) -> None:
    """Ask a task to stop, for a reason that stays with it. A task that is stopping already goes on as it was."""
    if task.desired_status == "STOPPED":
        return
    ran = task.last_status == "RUNNING"
    _mark(world, task, code, reason)
    if not ran:
        _deprovision(world, task, world.now, since=world.now)
        return
    by_itself = code == "EssentialContainerExited"
    delay = targets.deregister(world, task)
    task.last_status = "DEACTIVATING"
    world.task_changed(task)
    until = world.now if by_itself else world.now + delay
    world.engine.at(until, _terminate, world, task, task.phase, world.now if by_itself else None)


def _mark(world: World, task: Task, code: str, reason: str) -> None:
    task.phase += 1
    for planned in task.exits:
        planned.clear()
    task.exits.clear()
    task.healthy = False
    task.desired_status, task.stop_code, task.stopped_reason = "STOPPED", code, reason
    task.stopping_at = world.now
    world.wake(task.service)


def _terminate(world: World, task: Task, phase: int, exited_at: int | None) -> None:
    """Send SIGTERM to what still runs, and SIGKILL to what has not left at its stopTimeout: 137 then."""
    if task.phase != phase:
        return
    last = exited_at if exited_at is not None else world.now
    ending: list[tuple[Container, int]] = []
    for container in task.containers:
        if container.status != "RUNNING":
            continue
        timeout = container.definition.stop_timeout
        timeout = world.timing.stop_timeout if timeout is None else timeout
        patient = container.ignores_sigterm or world.timing.graceful_exit >= timeout
        ending.append((container, 137 if patient else container.exit_on_sigterm))
        last = max(last, world.now + (timeout if patient else world.timing.graceful_exit))
    step = world.timing.stop // 3
    world.engine.at(world.now + step, _stopping, world, task, phase)
    world.engine.at(max(last + 2 * step, world.now + 2 * step), _terminated, world, task, phase, last, ending)


def _stopping(world: World, task: Task, phase: int) -> None:
    if task.phase == phase:
        task.last_status = "STOPPING"
        world.task_changed(task)


def _terminated(world: World, task: Task, phase: int, last: int, ending: Iterable[tuple[Container, int]]) -> None:
    if task.phase != phase:
        return
    for container, code in ending:
        container.status, container.exit_code, container.health = "STOPPED", code, "UNKNOWN"
    task.execution_stopped_at = last
    _deprovision(world, task, last + world.timing.stop, since=last)


def _deprovision(world: World, task: Task, until: int, *, since: int) -> None:
    for container in task.containers:
        container.status = "STOPPED"
    task.last_status = "DEPROVISIONING"
    world.task_changed(task)
    world.engine.at(max(until, since + world.timing.stop), _finish, world, task, task.phase)


def _finish(world: World, task: Task, phase: int) -> None:
    if task.phase == phase:
        _stopped(world, task)


def _stopped(world: World, task: Task) -> None:
    """The final state. DescribeTasks forgets the task about an hour later."""
    task.last_status = "STOPPED"
    task.stopped_at = world.now
    world.task_changed(task)
    capacity.release(world, task)
    if task.service is not None:
        task.service.tasks.pop(task.id, None)
    world.stopped_tasks.append(task)
    while world.stopped_tasks and (world.stopped_tasks[0].stopped_at or 0) < world.now - world.timing.stopped_task_kept:
        old = world.stopped_tasks.popleft()
        old.cluster.tasks.pop(old.id, None)
    world.stopped(task)


def lost(world: World, task: Task, code: str, reason: str) -> None:
    """The host is gone: no exit codes, and containers that still say RUNNING (ecs 11)."""
    if task.last_status == "STOPPED":
        return
    if task.desired_status != "STOPPED":
        _mark(world, task, code, reason)
    else:
        task.phase += 1
    targets.deregister(world, task)
    world.engine.at(world.now + world.timing.instance_loss_noticed, _finish, world, task, task.phase)


def spot_warning(world: World, task: Task) -> None:
    """Two minutes' notice: still RUNNING, but desired STOPPED; then the stop itself."""
    if task.desired_status == "STOPPED":
        return
    if task.last_status != "RUNNING":
        stop(world, task, "SpotInterruption", SPOT_INTERRUPTED)
        return
    _mark(world, task, "SpotInterruption", SPOT_INTERRUPTED)
    targets.deregister(world, task)
    world.task_changed(task)
    world.wake(task.service)
    world.engine.at(world.now + world.timing.spot_warning, _spot_stop, world, task, task.phase)


def _spot_stop(world: World, task: Task, phase: int) -> None:
    if task.phase == phase:
        task.last_status = "DEACTIVATING"
        world.task_changed(task)
        world.wake(task.service)
        _terminate(world, task, phase, None)
