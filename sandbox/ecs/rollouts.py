"""Deployments from request to end: begun, superseded, completed, failed, rolled back. Facts: ecs 2, 3 and 11."""

from sandbox.ecs import breaker
from sandbox.ecs.constants import AlarmAtStart
from sandbox.ecs.definitions import DeploymentSettings
from sandbox.ecs.names import number, short
from sandbox.ecs.state import Deployment, Service, ServiceDeployment, ServiceRevision, Task
from sandbox.ecs.world import World

ONGOING = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
ALARMS_DETECTED = "ECS deployment failed: alarm(s) detected."


def begin(world: World, service: Service, revision: ServiceRevision) -> ServiceDeployment:
    """Start to roll out a revision. Whatever was on its way is superseded."""
    serial = len(service.service_deployments)
    rng = world.stream("deployment", service.cluster.name, service.name, service.created_at, serial)
    sources = _supersede(world, service)
    deployment = _new(world, service, revision, f"ecs-svc/{number(rng)}")
    settings = service.settings
    rollout = ServiceDeployment(
        arn=world.place.arn("service-deployment", f"{service.cluster.name}/{service.name}/{short(rng)}"),
        service=service,
        sources=sources,
        target=revision,
        deployment=deployment,
        settings=settings,
        created_at=world.now,
        updated_at=world.now,
    )
    deployment.service_deployment = rollout
    service.service_deployments.append(rollout)
    service.deployments.insert(0, deployment)
    watch(world, service, rollout)
    if world.readings.alarm_at_start is AlarmAtStart.IGNORED:
        deployment.ignored_alarms = frozenset(
            name for name in settings.alarms.names if world.alarms.get(name) == "ALARM"
        )
    world.service_deployment_changed(rollout, "PENDING")
    world.deployment_changed(service, deployment, "IN_PROGRESS", f"ECS deployment {deployment.id} in progress.")
    world.strategies[settings.strategy].begin(world, service, rollout)
    world.wake(service)
    return rollout


def watch(world: World, service: Service, rollout: ServiceDeployment) -> None:
    """Set what the circuit breaker and the alarms show while they watch; the settings are the service's latest."""
    settings = service.settings
    guarded = settings.circuit_breaker.enable and (
        settings.strategy == "ROLLING" or world.readings.breaker_guards_blue_green
    )
    rollout.settings = settings
    rollout.breaker_status = "MONITORING" if guarded else "DISABLED"
    rollout.breaker_threshold = breaker.threshold(settings.circuit_breaker, service.desired, world.limits)
    rollout.alarm_status = "MONITORING" if settings.alarms.enable else "DISABLED"


def _new(world: World, service: Service, revision: ServiceRevision, name: str) -> Deployment:
    return Deployment(name, revision, world.now, world.now, target_groups=revision.load_balancers)


def _supersede(world: World, service: Service) -> tuple[ServiceRevision, ...]:
    """Make way for a newer deployment; answers the revisions that still have tasks."""
    for deployment in service.deployments:
        deployment.status = "ACTIVE"
        deployment.updated_at = world.now
    for rollout in service.service_deployments[-2:]:
        if rollout.status in ONGOING:
            rollout.stopped_at = rollout.finished_at = world.now
            _watched(rollout, "MONITORING_COMPLETE")
            world.service_deployment_changed(rollout, "STOPPED", "Service deployment was superseded by a newer one.")
    return tuple(deployment.revision for deployment in service.deployments)


def _watched(rollout: ServiceDeployment, status: str) -> None:
    for name in ("breaker_status", "alarm_status"):
        if getattr(rollout, name) == "MONITORING":
            setattr(rollout, name, status)


def current(service: Service) -> ServiceDeployment | None:
    """The service deployment that is going on, if any."""
    if not service.service_deployments:
        return None
    latest = service.service_deployments[-1]
    return latest if latest.status in ONGOING else None


def in_progress(service: Service) -> bool:
    """Whether the PRIMARY deployment is still rolling out."""
    return bool(service.deployments) and service.primary.rollout_state == "IN_PROGRESS"


# ── what the end of a task means for its deployment ─────────────────────────────────────────────────────────────────
def task_stopped(world: World, task: Task) -> None:
    """Count a failure, slow down launches of what never runs, and let the scheduler look."""
    service, deployment = task.service, task.deployment
    if service is None or deployment is None:
        return
    world.wake(service)
    if task.failure is None:
        return
    if task.failure == "start":
        _back_off(world, service, deployment, task)
    if deployment is not service.primary or deployment.rollout_state != "IN_PROGRESS":
        return
    running = sum(one.deployment is deployment and one.last_status == "RUNNING" for one in service.tasks.values())
    if breaker.counts(task.failure, was_healthy=task.was_healthy, running=running, readings=world.readings):
        deployment.failed_tasks += 1
        _judge(world, service, deployment)


def _judge(world: World, service: Service, deployment: Deployment) -> None:
    rollout = deployment.service_deployment
    if rollout is None:
        return
    rollout.breaker_threshold = breaker.threshold(service.settings.circuit_breaker, service.desired, world.limits)
    if not deployment.is_rollback:  # what is shown is why the deployment itself failed
        rollout.breaker_failures = deployment.failed_tasks
    if rollout.breaker_status != "DISABLED" and deployment.failed_tasks >= rollout.breaker_threshold:
        deployment.tripped = True


def _back_off(world: World, service: Service, deployment: Deployment, task: Task) -> None:
    """Only tasks that never reach RUNNING are held back, up to 27 minutes: one step for each round of launches."""
    if task.created_at < deployment.backoff_since:
        return
    timing = world.timing
    pause = min(timing.backoff_first << min(deployment.backoff, 20), timing.backoff_longest)
    deployment.backoff += 1
    deployment.backoff_since = world.now
    deployment.launch_after = world.now + pause
    if deployment.backoff >= 3:
        world.service_action(
            service,
            "SERVICE_TASK_START_IMPAIRED",
            "is unable to consistently start tasks successfully.",
            severity="WARN",
            again=timing.repeat_suppressed,
        )


def task_healthy(world: World, task: Task) -> None:
    """A healthy task sets the count back to 0 unless the service counts cumulatively (ecs 2)."""
    service, deployment = task.service, task.deployment
    if service is None or deployment is None:
        return
    if service.settings.circuit_breaker.reset_on_healthy_task and not deployment.tripped:
        deployment.failed_tasks = 0
        rollout = deployment.service_deployment
        if rollout is not None and rollout.deployment is deployment and rollout.breaker_status == "MONITORING":
            rollout.breaker_failures = 0
    world.wake(service)


# ── ends ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def complete(world: World, service: Service) -> None:
    """The PRIMARY deployment is done: it is COMPLETED and, from now on, what a rollback goes to."""
    deployment = service.primary
    deployment.completed = True
    if deployment in service.last_completed:
        service.last_completed.remove(deployment)
    service.last_completed = [*service.last_completed[-9:], deployment]
    rollout = deployment.service_deployment
    if rollout is not None and rollout.status in ONGOING:
        rollout.finished_at = world.now
        _watched(rollout, "MONITORING_COMPLETE")
        back = rollout.status.startswith("ROLLBACK")
        world.service_deployment_changed(rollout, "ROLLBACK_SUCCESSFUL" if back else "SUCCESSFUL")
    world.deployment_changed(service, deployment, "COMPLETED", f"ECS deployment {deployment.id} completed.")


def check_guards(world: World, service: Service) -> None:
    """Fail the PRIMARY deployment if its circuit breaker tripped or an alarm of it went off."""
    deployment, settings = service.primary, service.settings
    rollout = deployment.service_deployment
    if rollout is None or rollout.status not in ONGOING:
        return
    if deployment.tripped:
        rollout.breaker_status = "TRIGGERED"
        why = breaker.reason(deployment.failed_tasks)
        fail(world, service, why, "ECS deployment circuit breaker", roll_back=settings.circuit_breaker.rollback)
    elif rollout.triggered_alarms and rollout.alarm_status == "MONITORING":
        rollout.alarm_status = "TRIGGERED"
        fail(world, service, ALARMS_DETECTED, "ECS deployment alarm(s) detected", roll_back=settings.alarms.rollback)


def alarms_checked(world: World, service: Service) -> None:
    """Note which alarms of a deployment are in ALARM now. A rollback is not held up by them."""
    rollout = current(service)
    if rollout is None or not rollout.settings.alarms.enable or service.primary.is_rollback:
        return
    ignored = service.primary.ignored_alarms
    names = rollout.settings.alarms.names
    loud = tuple(name for name in names if world.alarms.get(name) == "ALARM" and name not in ignored)
    if loud:
        rollout.triggered_alarms = loud
        world.wake(service)


def fail(world: World, service: Service, why: str, by: str, *, roll_back: bool) -> None:
    """End a deployment as FAILED: back to the last COMPLETED one if asked and there is one, else it stalls."""
    deployment = service.primary
    rollout = deployment.service_deployment
    world.deployment_changed(service, deployment, "FAILED", why)
    deployment.completed = False
    _forget(service, deployment)
    target = rollback_target(service)
    if rollout is None:
        deployment.stalled = True
        return
    was_rollback = rollout.status.startswith("ROLLBACK_IN")
    if roll_back and target is not None and not was_rollback:
        start_back(world, service, rollout, target, why, f"{by}: rolling back to deploymentId {target.id}.")
        return
    deployment.stalled = True
    rollout.finished_at = world.now
    if not (roll_back or was_rollback):
        rollout.stopped_at = world.now
    failed = "ROLLBACK_FAILED" if roll_back or was_rollback else "STOPPED"
    world.service_deployment_changed(rollout, failed, why)


def _forget(service: Service, deployment: Deployment) -> None:
    if deployment in service.last_completed:
        service.last_completed.remove(deployment)


def rollback_target(service: Service) -> Deployment | None:
    """The most recent COMPLETED deployment other than the one going on."""
    return next((one for one in reversed(service.last_completed) if one is not service.primary), None)


def start_back(
    world: World, service: Service, rollout: ServiceDeployment, to: Deployment, why: str, announced: str
) -> None:
    """Begin the way back; the strategy does it."""
    rollout.rollback_reason, rollout.rollback_started_at = why, world.now
    rollout.rollback_revision = to.revision
    world.service_deployment_changed(rollout, "ROLLBACK_IN_PROGRESS", why)
    world.strategies[rollout.settings.strategy].roll_back(world, service, rollout, to, announced)
    world.wake(service)


def revert(world: World, service: Service, rollout: ServiceDeployment, to: Deployment, announced: str) -> None:
    """Make an old deployment PRIMARY again; until it is COMPLETED no other rollback can go to it."""
    failed = service.primary
    failed.status, failed.updated_at = "ACTIVE", world.now
    _forget(service, to)
    if world.readings.rollback_reuses_deployment:
        back = to
        if back in service.deployments:
            service.deployments.remove(back)
    else:
        rng = world.stream("rollback", rollout.arn)
        back = _new(world, service, to.revision, f"ecs-svc/{number(rng)}")
        announced = announced.replace(to.id, back.id)
    back.status, back.completed, back.is_rollback = "PRIMARY", False, True
    back.failed_tasks, back.tripped, back.stalled, back.stable_at = 0, False, False, None
    back.backoff, back.launch_after = 0, 0
    back.service_deployment = rollout
    back.target_groups = to.target_groups
    service.deployments.insert(0, back)
    rollout.rollback_deployment = back
    world.deployment_changed(service, back, "IN_PROGRESS", announced)


def retire(world: World, service: Service) -> None:
    """Drop what is completely replaced: a deployment without tasks is INACTIVE and no longer listed."""
    busy = {id(task.deployment) for task in service.tasks.values()}
    for deployment in service.deployments[1:]:
        if id(deployment) not in busy:
            deployment.status = "INACTIVE"
            service.deployments.remove(deployment)


def settings_changed(world: World, service: Service, settings: DeploymentSettings) -> None:
    """New percentages or breaker settings hold at once, for a deployment that is going on too."""
    service.settings = settings
    rollout = current(service)
    if rollout is not None:
        before = rollout.breaker_failures
        watch(world, service, rollout)
        rollout.breaker_failures = before
