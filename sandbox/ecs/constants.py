"""Every number and every choice of reading the model runs on, each with its source.

Sources name the fact sheets: `ecs 2` is section 2 of facts/ecs.md, `performance 4` section 4 of facts/performance.md,
`botocore` the service model of ECS. Labels as there: [read] in public documentation, [modelled] a constant of the
published comparison with the native breaker, [known] general knowledge, [inferred] deduced. Times are milliseconds.
"""

from dataclasses import dataclass
from enum import StrEnum

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take. A scenario may replace any of them."""

    provisioning: int = 5 * SECOND
    """PROVISIONING to PENDING. Launch to RUNNING takes 35 s in all: performance 4, `L` [modelled]; the split is
    [inferred]."""
    pulling: int = 24 * SECOND
    """PENDING to ACTIVATING: the images are pulled."""
    activating: int = 6 * SECOND
    """ACTIVATING to RUNNING."""
    launch_jitter: float = 0.1
    """Each launch takes up to this share more or less [inferred]; the mean stays at 35 s."""
    stop: int = 15 * SECOND
    """From the exit of the essential container to STOPPED: performance 4, `s` [modelled]. A third of it is
    DEACTIVATING and STOPPING each, the rest DEPROVISIONING [inferred]."""
    tick: int = 10 * SECOND
    """The service scheduler looks at a service this often: performance 4, `b` [modelled]."""
    launches_per_minute: int = 500
    """Of one account: performance 4, `r` [modelled]."""
    stop_timeout: int = 30 * SECOND
    """From SIGTERM to SIGKILL unless the container definition says otherwise: ecs 10 [known]."""
    graceful_exit: int = 1 * SECOND
    """How long an ordinary container takes to leave on SIGTERM [inferred]."""
    healthy_without_checks: int = 40 * SECOND
    """A task without any health check counts as healthy this long after RUNNING: botocore,
    `minimumHealthyPercent` [read]."""
    target_registration: int = 5 * SECOND
    """RUNNING to the first possible health check of a load balancer [inferred]."""
    backoff_first: int = 10 * SECOND
    """First pause after tasks that never reached RUNNING; it doubles [inferred]."""
    backoff_longest: int = 27 * MINUTE
    """ecs 2, restart throttling [read]."""
    spot_warning: int = 2 * MINUTE
    """From a Spot warning to the stop [known]."""
    steady_repeat: int = 6 * HOUR
    """SERVICE_STEADY_STATE comes again: events 5 [read]; how often is [inferred] from the next."""
    repeat_suppressed: int = 6 * HOUR
    """The same service event is not repeated before: ecs 6 [read]."""
    stopped_task_kept: int = 1 * HOUR
    """DescribeTasks knows a stopped task about this long: ecs 6 [read]."""
    alarm_bake: int = 3 * MINUTE
    """How long a rolling deployment with alarms stays under watch once it is stable. ECS computes it from the alarms'
    configuration (ecs 2 [read]); the model does not, so it is a constant [inferred]."""
    inactive_grace: int = 10 * MINUTE
    """An INACTIVE task definition is still accepted this long: ecs 3 [read]."""
    instance_loss_noticed: int = 5 * SECOND
    """From the loss of an instance to STOPPED of its tasks [inferred]."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that ECS states."""

    breaker_fewest: int = 3
    breaker_most: int = 200
    """The bounds of BOUNDED_PERCENT: ecs 2 [read]."""
    breaker_percent: int = 50
    """The value of BOUNDED_PERCENT unless another is given: ecs 2 [read]."""
    service_events: int = 100
    """DescribeServices shows the last ones only: ecs 6 [read]."""
    run_task: int = 10
    """RunTask starts at most this many: ecs 6 [read]."""
    first_dynamic_port: int = 32768
    last_dynamic_port: int = 60999
    """Dynamic host ports are drawn from the ephemeral range [known]."""


class CrashCounting(StrEnum):
    """Which exits after RUNNING the breaker counts; it is not known of AWS (performance 4, last paragraph)."""

    UNTIL_HEALTHY = "until_healthy"
    """An exit counts while the task has not been healthy. It fits the formula of performance 4 for a crash on start
    and "a task that starts, turns healthy, then dies is not caught" (ecs 2). The default."""
    NEVER = "never"
    """Only tasks that never ran or failed a check count: `failedTasks` stayed 0 with `CMD exit 1` (ecs 2)."""
    ALWAYS = "always"
    """Every exit during the deployment counts, as in the simulation of performance 4."""


class AlarmAtStart(StrEnum):
    """What a deployment makes of an alarm that is in ALARM when it begins. CONFLICT in ecs 2."""

    IGNORED = "ignored"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Readings:
    """Where the documents conflict or are silent, both readings can be had; the first is the default."""

    crash_counting: CrashCounting = CrashCounting.UNTIL_HEALTHY
    alarm_at_start: AlarmAtStart = AlarmAtStart.IGNORED
    start_failures_in_stage_two: bool = False
    """Whether a task that never runs counts once more than one task of the deployment is RUNNING. ecs 2: stage 1 is
    skipped then [read]."""
    breaker_guards_blue_green: bool = False
    """CONFLICT in ecs 2: the service model says rolling only, a guide page says blue/green too. Strategies ask it."""
    rollback_reuses_deployment: bool = True
    """Whether a rollback makes the old deployment PRIMARY again, under its old id (ecs 2: "it becomes IN_PROGRESS"), or
    makes a new one of the old revision."""
    replaced_when_stopped: bool = True
    """Whether a task that ended by itself is replaced once it is STOPPED (a generation takes L + c + s in the formula
    of performance 4) or as soon as it is going to stop."""
    cluster_in_deployment_events: bool = True
    """CONFLICT in events 4: real payloads have `clusterArn`, documented samples do not."""
