"""The arithmetic of the deployment circuit breaker: ecs 2, with its settings of 2026-07-01."""

from sandbox.ecs.constants import CrashCounting, Limits, Readings
from sandbox.ecs.definitions import CircuitBreaker

LIMITS = Limits()


def threshold(breaker: CircuitBreaker, desired: int, limits: Limits = LIMITS) -> int:
    """How many failures trip it, by the latest desired count.

    A share is rounded up, as in `ceil(0.5 x desiredCount)`. UNBOUNDED_PERCENT has no bounds, but nothing trips before
    a first failure.
    """
    kind, value = breaker.threshold.type, breaker.threshold.value
    if kind == "COUNT":
        return value
    share = -(-value * desired // 100)
    if kind == "UNBOUNDED_PERCENT":
        return max(1, share)
    return min(max(share, limits.breaker_fewest), limits.breaker_most)


def counts(failure: str | None, *, was_healthy: bool, running: int, readings: Readings) -> bool:
    """Whether the end of a task is a failure of its deployment. `running` are the deployment's RUNNING tasks.

    Stage 1 asks whether tasks reach RUNNING and is over once more than one does; stage 2 asks for their health.
    """
    if failure == "start":
        return running <= 1 or readings.start_failures_in_stage_two
    if failure == "exit":
        return readings.crash_counting is CrashCounting.ALWAYS or (
            readings.crash_counting is CrashCounting.UNTIL_HEALTHY and not was_healthy
        )
    return failure == "health"


def reason(failures: int) -> str:
    """The wording of the failure; both forms occur (ecs 11)."""
    tasks = "task" if failures == 1 else "tasks"
    return f"ECS deployment circuit breaker: {tasks} failed to start."
