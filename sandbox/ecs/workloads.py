"""How containers behave, per image. A workload is data; `plan` draws what one container of one task will do.

Every task has random numbers of its own, so that what one service does never changes the luck of another.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from sandbox.ecs.constants import HOUR, SECOND


@dataclass(frozen=True, slots=True)
class Workload:
    """What an image does. The functions below make the usual ones; fields may be combined with `replace`."""

    kind: str = "healthy"
    ready_after: int = 0
    """RUNNING to the first health check that would pass."""
    passes_container_checks: bool = True
    passes_target_checks: bool = True
    exits_after: int | None = None
    """RUNNING to the exit by itself."""
    exits_once_healthy: int | None = None
    """The same, counted from when the task became healthy."""
    exit_code: int = 0
    exit_reason: str | None = None
    out_of_memory: bool = False
    probability: float = 1.0
    """That this task is one of those that exit; else it is healthy."""
    crashes_per_hour: float = 0.0
    ignores_sigterm: bool = False
    exit_on_sigterm: int = 143
    pull_error: str | None = None
    """The registry's answer instead of the image. `{image}` is the image."""
    start_error: str | None = None
    """What keeps the task from starting before any pull."""
    command: tuple[str, ...] = ()
    """A real process, run by whoever was given to the model as its runner."""
    turns: tuple["Workload", ...] = ()
    """Instead of all this: one for each task, in the order in which they start; the last one stays."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one container of one task is going to do. Times count from RUNNING."""

    ready_after: int
    exits_after: int | None
    exits_once_healthy: int | None
    exit_code: int
    workload: Workload


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """What a real process did: how long it took in virtual time, and its exit code."""

    milliseconds: int
    exit_code: int


Runner = Callable[[tuple[str, ...], dict[str, str]], ProcessResult]
"""Runs a command with an environment. The model itself starts no process."""

HEALTHY = Workload()

IMAGE_MISSING = (
    "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: "
    "{image}: not found"
)
REGISTRY_OUT = (
    "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {image}: "
    "failed to do request: dial tcp: i/o timeout"
)
ASM_REFUSED = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
    "unable to retrieve secret from asm: service call has been retried 5 time(s): ResourceNotFoundException: "
    "Secrets Manager can't find the specified secret."
)
CAPACITY_UNAVAILABLE = (
    "Capacity is unavailable at this time. Please try again later or in a different availability zone"
)


def slow_start(seconds: float) -> Workload:
    """It runs at once and answers health checks after some time."""
    return Workload(kind="slow_start", ready_after=round(seconds * SECOND))


def crash_on_start(exit_code: int = 1) -> Workload:
    """It exits as soon as it runs."""
    return Workload(kind="crash_on_start", exits_after=0, exit_code=exit_code)


def crash_after(seconds: float, exit_code: int = 1) -> Workload:
    """It exits some time after it began to run, healthy or not."""
    return Workload(kind="crash_after", exits_after=round(seconds * SECOND), exit_code=exit_code)


def crash_once_healthy(seconds: float = 1.0, exit_code: int = 1) -> Workload:
    """It exits some time after its task has become healthy."""
    return Workload(kind="crash_once_healthy", exits_once_healthy=round(seconds * SECOND), exit_code=exit_code)


def flaky(probability: float, exit_code: int = 1) -> Workload:
    """It crashes on start with a probability; otherwise it is healthy."""
    return Workload(kind="flaky", probability=probability, exits_after=0, exit_code=exit_code)


def background_crashes(per_hour: float, exit_code: int = 1) -> Workload:
    """It crashes now and then, at a rate for each task."""
    return Workload(kind="background_crashes", crashes_per_hour=per_hour, exit_code=exit_code)


def out_of_memory(seconds: float) -> Workload:
    """The kernel kills it for its memory some time after it began to run."""
    return Workload(kind="out_of_memory", exits_after=round(seconds * SECOND), exit_code=137, out_of_memory=True)


def image_missing() -> Workload:
    """The registry does not have it."""
    return Workload(kind="image_missing", pull_error=IMAGE_MISSING)


def secret_missing() -> Workload:
    """A secret that it asks for does not exist."""
    return Workload(kind="secret_missing", start_error=ASM_REFUSED)


def never_healthy() -> Workload:
    """It runs, and no health check of a target group or of the container ever passes."""
    return Workload(kind="never_healthy", passes_container_checks=False, passes_target_checks=False)


def never_healthy_at_target_group() -> Workload:
    """It runs, passes its container's check, and never one of its target group."""
    return Workload(kind="never_healthy_at_target_group", passes_target_checks=False)


def ignores_sigterm(of: Workload = HEALTHY) -> Workload:
    """It has to be killed at its stopTimeout: 137."""
    return replace(of, kind="ignores_sigterm", ignores_sigterm=True)


def exits_zero(seconds: float) -> Workload:
    """It does its work and leaves with 0."""
    return Workload(kind="exits_zero", exits_after=round(seconds * SECOND), exit_code=0)


def real_process(*command: str) -> Workload:
    """A real process, for batch work. The model needs a runner for it."""
    return Workload(kind="real_process", command=command)


def in_turn(*turns: Workload) -> Workload:
    """The first task does the first, the second task the second; the last one stays."""
    return Workload(kind="in_turn", turns=turns)


KINDS: dict[str, Callable[..., Workload]] = {
    "healthy": Workload,
    "slow_start": slow_start,
    "crash_on_start": crash_on_start,
    "crash_after": crash_after,
    "crash_once_healthy": crash_once_healthy,
    "flaky": flaky,
    "background_crashes": background_crashes,
    "out_of_memory": out_of_memory,
    "image_missing": image_missing,
    "secret_missing": secret_missing,
    "never_healthy": never_healthy,
    "never_healthy_at_target_group": never_healthy_at_target_group,
    "ignores_sigterm": ignores_sigterm,
    "exits_zero": exits_zero,
    "real_process": real_process,
    "in_turn": in_turn,
}
"""Every workload by the name that scenarios use."""


def plan(workload: Workload, rng: random.Random) -> Plan:
    """Draw what one container does. The same stream gives the same plan."""
    exits_after, once_healthy = workload.exits_after, workload.exits_once_healthy
    if workload.probability < 1 and rng.random() >= workload.probability:
        exits_after = once_healthy = None
    if workload.crashes_per_hour:
        crash = round(rng.expovariate(workload.crashes_per_hour) * HOUR)
        exits_after = crash if exits_after is None else min(crash, exits_after)
    return Plan(workload.ready_after, exits_after, once_healthy, workload.exit_code, workload)
