"""How the containers of an image behave: one class for each workload of the model."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from sandbox.ecs import workloads
from sandbox.ecs.workloads import Workload
from sandbox.simulation.parts import Duration, Lines, Part

ExitCode = Annotated[int, Field(ge=0, le=255)]


class Does(Part):
    """What all of them have."""

    logs: Lines = ()
    """What its containers write just before they end, however they end."""


class Healthy(Does):
    """It runs and is well."""

    kind: Literal["healthy"]
    exit_on_sigterm: ExitCode = 143
    """What it leaves with when it is told to stop."""

    def workload(self) -> Workload:
        """As the model takes it."""
        if self.exit_on_sigterm == workloads.HEALTHY.exit_on_sigterm:
            return workloads.HEALTHY
        return replace(workloads.HEALTHY, exit_on_sigterm=self.exit_on_sigterm)


class SlowStart(Does):
    """It runs at once and answers health checks after some time."""

    kind: Literal["slow_start"]
    ready_after: Duration
    """From RUNNING to the first health check that passes."""

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.slow_start(self.ready_after.total_seconds())


class CrashOnStart(Does):
    """It exits as soon as it runs."""

    kind: Literal["crash_on_start"]
    exit_code: ExitCode = 1

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.crash_on_start(self.exit_code)


class CrashAfter(Does):
    """It exits some time after it began to run, healthy or not."""

    kind: Literal["crash_after"]
    after: Duration
    exit_code: ExitCode = 1

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.crash_after(self.after.total_seconds(), self.exit_code)


class CrashOnceHealthy(Does):
    """It exits some time after its task has become healthy."""

    kind: Literal["crash_once_healthy"]
    after: Duration = timedelta(seconds=1)
    exit_code: ExitCode = 1

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.crash_once_healthy(self.after.total_seconds(), self.exit_code)


class Flaky(Does):
    """It crashes on start with a probability; otherwise it is healthy."""

    kind: Literal["flaky"]
    probability: Annotated[float, Field(gt=0, lt=1)]
    exit_code: ExitCode = 1

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.flaky(self.probability, self.exit_code)


class BackgroundCrashes(Does):
    """It crashes now and then, at a rate for each task."""

    kind: Literal["background_crashes"]
    per_hour: Annotated[float, Field(gt=0)]
    exit_code: ExitCode = 1

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.background_crashes(self.per_hour, self.exit_code)


class OutOfMemory(Does):
    """The kernel kills it for its memory some time after it began to run."""

    kind: Literal["out_of_memory"]
    after: Duration = timedelta(0)

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.out_of_memory(self.after.total_seconds())


class ImageMissing(Does):
    """The registry does not have it."""

    kind: Literal["image_missing"]

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.image_missing()


class SecretMissing(Does):
    """A secret that it asks for does not exist."""

    kind: Literal["secret_missing"]

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.secret_missing()


class NeverHealthy(Does):
    """It runs, and no health check of a target group or of the container ever passes."""

    kind: Literal["never_healthy"]

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.never_healthy()


class NeverHealthyAtTargetGroup(Does):
    """It runs, passes its container's check, and never one of its target group."""

    kind: Literal["never_healthy_at_target_group"]

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.never_healthy_at_target_group()


class IgnoresSigterm(Does):
    """It is well, and has to be killed at its stopTimeout: 137."""

    kind: Literal["ignores_sigterm"]

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.ignores_sigterm()


class ExitsZero(Does):
    """It does its work and leaves with 0."""

    kind: Literal["exits_zero"]
    after: Duration

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.exits_zero(self.after.total_seconds())


class RealProcess(Does):
    """A real process of this machine, for batch work. Its exit code is the container's."""

    kind: Literal["real_process"]
    command: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Program and arguments; nothing interprets them. RunTask may override it."""
    takes: Duration = timedelta(minutes=1)
    """How long it takes in virtual time, however long it really took."""
    folder: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")] | None = None
    """A folder of this repository to run in; then it has the account's S3 and DynamoDB, and `python` is ours."""

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.real_process(*self.command)


_Plain = (
    Healthy
    | SlowStart
    | CrashOnStart
    | CrashAfter
    | CrashOnceHealthy
    | Flaky
    | BackgroundCrashes
    | OutOfMemory
    | ImageMissing
    | SecretMissing
    | NeverHealthy
    | NeverHealthyAtTargetGroup
    | IgnoresSigterm
    | ExitsZero
    | RealProcess
)


class InTurn(Does):
    """Each task that starts does the next of these, and the last one stays: a job that fails once, then succeeds."""

    kind: Literal["in_turn"]
    turns: Annotated[tuple[Annotated[_Plain, Field(discriminator="kind")], ...], Field(min_length=2, strict=False)]

    def workload(self) -> Workload:
        """As the model takes it."""
        return workloads.in_turn(*(turn.workload() for turn in self.turns))


Behaviour = Annotated[_Plain | InTurn, Field(discriminator="kind")]
"""What an image does."""


class Answers(Part):
    """How an image answers requests while it is healthy."""

    error_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The share of 500s."""
    latency_ms: Annotated[float, Field(gt=0)] = 20.0
    """The median."""
    spread: Annotated[float, Field(ge=0, le=3)] = 0.2
    """Of the latency: the deviation of its logarithm."""
    status: Annotated[int, Field(ge=100, le=599)] = 200
    """What the HTTP checks of a release get from it; the requests of `send_requests` steps do not."""
    body: Annotated[str, Field(max_length=2000)] = "{}"
    """And with which body."""
