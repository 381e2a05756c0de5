"""What a healthy account does all morning. None of it may alert, whatever exit codes it leaves behind."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sandbox.scenarios.account import JOBS, SERVICES, Workload
from sandbox.scenarios.shapes import Stop, alarm_event, instance_event, service_action
from sandbox.scenarios.stage import Stage

# Containers that are told to go end with 143 if they mind the signal, 137 if they do not, 0 if they are polite, and 1
# or 2 if their author did not think of it. A scale-in is none the worse for it.
_GOODBYES = (143, 143, 143, 0, 0, 137, 1, 2)
_ALARMS = ("prod-cpu-high", "prod-memory-high", "data-cpu-reservation", "staging-cpu-high")
_USER_REASONS = (
    "Task stopped by user",
    "restart after config change, ticket OPS-4411",
    "Essential container in task exited",  # what people write there is no evidence
    "load test done",
)

Happening = Callable[[Stage, datetime], None]


def rolling_deployment(stage: Stage, at: datetime) -> None:
    """A new revision comes up task by task, the old one goes, the deployment completes."""
    work = _some_service(stage, untouched=True)
    roll_out(stage, work, at, "deployment")


def roll_out(stage: Stage, work: Workload, at: datetime, label: str, *, revision: int | None = None) -> datetime:
    """Replace what a service runs by a revision; says when it was done."""
    old = stage.running(work)
    deployment = stage.begin_deployment(work, at, label, revision=revision)
    for position in range(work.desired):
        born = at + timedelta(seconds=20 + 55 * position + stage.rng.randrange(12))
        up = stage.start(stage.task(work, born), label)
        if position < len(old):
            gone = stage.stop(old[position], up + timedelta(seconds=12), replaced(stage, work, deployment), label)
            at = max(at, gone)
        at = max(at, up)
    stage.complete_deployment(work, at + timedelta(seconds=25), label)
    return at + timedelta(seconds=25)


def replaced(stage: Stage, work: Workload, deployment: str) -> Stop:
    """How a task ends that the scheduler no longer wants."""
    exits: dict[str, tuple[int | None, str | None]] = {
        spec.name: (stage.rng.choice(_GOODBYES), None) for spec in work.containers
    }
    return Stop("ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {deployment})", exits)


def scale_out(stage: Stage, at: datetime) -> None:
    """Autoscaling adds tasks."""
    work = _some_service(stage)
    label = "scale-out"
    stage.emit(service_action(stage.rng, work, "SERVICE_DESIRED_COUNT_UPDATED", at), at, label)
    for _ in range(stage.rng.randrange(1, 4)):
        at += timedelta(seconds=stage.rng.randrange(2, 9))
        stage.start(stage.task(work, at), label)
    stage.emit(service_action(stage.rng, work, "SERVICE_STEADY_STATE", at), at + timedelta(minutes=1), label)


def scale_in(stage: Stage, at: datetime) -> None:
    """Autoscaling takes tasks away, whose exit codes mean nothing."""
    work = max(SERVICES, key=lambda work: len(stage.running(work)) - work.desired)
    spare = stage.running(work)[work.desired :] or stage.running(work)[-1:]
    label = "scale-in"
    stage.emit(service_action(stage.rng, work, "SERVICE_DESIRED_COUNT_UPDATED", at), at, label)
    for task in spare[:3]:
        at += timedelta(seconds=stage.rng.randrange(2, 9))
        stage.stop(task, at, replaced(stage, work, stage.deployment(work)), label)
    stage.emit(service_action(stage.rng, work, "TASKS_STOPPED", at), at, label)


def successful_job(stage: Stage, at: datetime) -> None:
    """A batch task runs and ends with 0."""
    work = stage.rng.choice([job for job in JOBS if job.name not in ("nightly-etl", "daily-report")])
    task = stage.task(work, at)
    up = stage.start(task, "batch job")
    done = up + timedelta(seconds=stage.rng.randrange(30, 400))
    stage.stop(task, done, Stop("EssentialContainerExited", "Essential container in task exited", {"app": (0, None)}),
               "batch job")  # fmt: skip


def spot_interruption(stage: Stage, at: datetime) -> None:
    """Spot takes a service's task: two minutes' warning, then it ends, and the service starts another."""
    work = stage.rng.choice([work for work in SERVICES if work.provider == "FARGATE_SPOT"])
    tasks = stage.running(work)
    if not tasks:
        return
    exits: dict[str, tuple[int | None, str | None]] = {
        spec.name: (stage.rng.choice((137, 143)), None) for spec in work.containers
    }
    stop = Stop("SpotInterruption", "Your Spot Task was interrupted.", exits)
    label = "spot, service"
    stage.step(tasks[0], "RUNNING", at, label, stop=stop)
    stage.stop(tasks[0], at + timedelta(seconds=112), stop, label)
    stage.start(stage.task(work, at + timedelta(seconds=125)), label)


def user_stop(stage: Stage, at: datetime) -> None:
    """Somebody stops a task by hand, saying what they like; the service starts another."""
    work = _some_service(stage)
    tasks = stage.running(work)
    if not tasks:
        return
    exits: dict[str, tuple[int | None, str | None]] = {
        spec.name: (stage.rng.choice(_GOODBYES), None) for spec in work.containers
    }
    stage.stop(tasks[0], at, Stop("UserInitiated", stage.rng.choice(_USER_REASONS), exits), "stopped by user")
    stage.start(stage.task(work, at + timedelta(seconds=20)), "stopped by user")


def maintenance(stage: Stage, at: datetime) -> None:
    """AWS retires the host of a service's task; the service starts another."""
    work = stage.rng.choice([work for work in SERVICES if work.launch_type == "FARGATE" and _calm(work)])
    tasks = stage.running(work)
    if not tasks:
        return
    text = "ECS is performing maintenance on the underlying infrastructure hosting the task"
    exits: dict[str, tuple[int | None, str | None]] = {spec.name: (137, None) for spec in work.containers}
    stage.start(stage.task(work, at), "maintenance")
    stage.stop(tasks[0], at + timedelta(seconds=70), Stop("ServiceSchedulerInitiated", text, exits), "maintenance")


def alarm_calms_down(stage: Stage, at: datetime) -> None:
    """An alarm reports that all is well."""
    before = stage.rng.choice(("ALARM", "INSUFFICIENT_DATA"))
    name = stage.rng.choice(_ALARMS)
    stage.emit(alarm_event(stage.rng, name, at, before, "OK"), at, "alarm OK")


def steady_state(stage: Stage, at: datetime) -> None:
    """A service repeats that it is steady."""
    work = stage.rng.choice(SERVICES)
    stage.emit(service_action(stage.rng, work, "SERVICE_STEADY_STATE", at), at, "steady state")


def placement(stage: Stage, at: datetime) -> None:
    """A container instance reports its resources again, as it does with every placement."""
    stage.emit(instance_event(stage.rng, at), at, "instance state")


def draining(stage: Stage, at: datetime) -> None:
    """A container instance is drained on purpose."""
    stage.emit(instance_event(stage.rng, at, "DRAINING"), at, "instance draining")


HAPPENINGS: tuple[tuple[int, Happening], ...] = (
    (8, rolling_deployment),
    (14, scale_out),
    (14, scale_in),
    (16, successful_job),
    (5, spot_interruption),
    (4, user_stop),
    (2, maintenance),
    (6, alarm_calms_down),
    (9, steady_state),
    (20, placement),
    (1, draining),
)
"""How often each happens, relative to the others."""

LARGEST = 60
"""No happening leaves more events than this."""

# Services whose deployments belong to a trouble of the morning.
_SPOKEN_FOR = frozenset({"prod/checkout-api", "prod/invoices", "prod/legacy-import", "staging/web", "staging/gateway",
                         "data/ml-scoring"})  # fmt: skip


def _calm(work: Workload) -> bool:
    return work.label not in _SPOKEN_FOR


def _some_service(stage: Stage, *, untouched: bool = False) -> Workload:
    calm = [work for work in SERVICES if _calm(work)]
    fresh = [work for work in calm if len(stage.revisions[work.label]) == 1]
    return stage.rng.choice(fresh if untouched and fresh else calm)
