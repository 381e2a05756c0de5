"""Lifecycle hooks at work: Lambda called and called back, PAUSE waiting for somebody, and what times out (ecs 4).

What a hook comes to is noted on its run and told as an event at once; the deployment acts on it at the scheduler's
next tick. A function is called through `invoke`, which is handed in: the model itself calls nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.ecs import lifecycle, rollouts
from sandbox.ecs.constants import MINUTE
from sandbox.ecs.errors import invalid
from sandbox.ecs.lifecycle import Answer, Hook, Run
from sandbox.ecs.names import hexadecimal, moment, uuid
from sandbox.ecs.state import ServiceDeployment
from sandbox.ecs.world import World

Invoke = Callable[[str, dict[str, Any]], object]
"""Function ARN and event to its answer; what it raises is a failed hook. It may answer `LATER`."""
Direction = Callable[[ServiceDeployment], Mapping[str, Any]]
"""The weights and the target revision as they are now."""


class Later:
    """Answered by `invoke` when the function runs elsewhere: its answer comes with `Hooks.answered`."""


LATER = Later()


def no_functions(function: str, event: dict[str, Any]) -> object:
    """What `invoke` is unless something better is given."""
    raise LookupError(f"nothing invokes {function}")


@dataclass(frozen=True, slots=True)
class NativeReadings:
    """Where documents conflict or are silent on native strategies, both readings can be had."""

    payload_wrapped: bool = True
    """CONFLICT in ecs 4: a real payload has the `executionDetails` wrapper, the guide prints its fields flat."""
    shift_before_hooks: bool = True
    """Whether traffic has moved when the hooks of a traffic shift run, or moves once they succeeded. Silent."""
    failed_hook_fails_rollback: bool = False
    """Whether a hook that fails on the way back ends it as ROLLBACK_FAILED, or the way back simply goes on. Silent."""


@dataclass(slots=True, eq=False)
class Journal:
    """The hooks of one service deployment."""

    hooks: tuple[Hook, ...]
    runs: list[Run] = field(default_factory=list)
    """All of them, the oldest first."""
    current: list[Run] = field(default_factory=list)
    """Those of the stage that the deployment is in."""


class Hooks:
    """Runs the hooks of all deployments."""

    def __init__(self, world: World, invoke: Invoke, readings: NativeReadings, direction: Direction) -> None:
        self._world = world
        self._readings = readings
        self._direction = direction
        self.invoke = invoke

    def start(self, rollout: ServiceDeployment, journal: Journal, stage: str) -> None:
        """A stage was entered: run its hooks in their order, up to the first that fails at once."""
        journal.current = []
        for hook in journal.hooks:
            if stage in hook.stages:
                run = self._begin(rollout, journal, hook, stage)
                if run.failed:
                    return

    def close(self, rollout: ServiceDeployment, journal: Journal, why: str) -> None:
        """The deployment does not wait for its hooks any more."""
        for run in journal.runs:
            if run.is_open:
                self._now(rollout, run, "FAILED", why)
        journal.current = []

    def resume(self, rollout: ServiceDeployment, journal: Journal, hook_id: str, action: str | None) -> None:
        """ContinueServiceDeployment; an omitted action means CONTINUE."""
        run = next((one for one in journal.runs if one.hook_id == hook_id), None)
        if action not in (None, "CONTINUE", "ROLLBACK"):
            raise invalid(f"Invalid action {action}.")
        if run is None:
            raise invalid(f"The lifecycle hook {hook_id} was not found.")
        if run.status != "AWAITING_ACTION" or rollout.status not in rollouts.ONGOING:
            raise invalid(f"The lifecycle hook {hook_id} is not awaiting an action.")
        if action == "ROLLBACK":
            self._now(rollout, run, "FAILED", "rolled back by user")
            self._world.service_deployment_changed(rollout, "ROLLBACK_REQUESTED", "Rollback requested at a hook.")
        else:
            self._now(rollout, run, "SUCCEEDED", "")
        self._world.wake(rollout.service)

    def answered(self, rollout: ServiceDeployment, journal: Journal, hook_id: str, answer: object) -> None:
        """The answer of a function that ran elsewhere. One that comes too late changes nothing."""
        run = next((one for one in journal.runs if one.hook_id == hook_id), None)
        if run is not None and run.answer_due is not None and run.is_open:
            run.answer_due = None
            self._take(rollout, run, lifecycle.understood(answer))

    def _begin(self, rollout: ServiceDeployment, journal: Journal, hook: Hook, stage: str) -> Run:
        world = self._world
        rng = world.stream("hook", rollout.arn, len(journal.runs))
        run = Run(
            hook=hook,
            hook_id=f"ecs-pause-{hexadecimal(rng, 43)}" if hook.pauses else f"ecs-hook-{hexadecimal(rng, 40)}",
            execution_id=uuid(rng),
            stage=stage,
            status="AWAITING_ACTION" if hook.pauses else "IN_PROGRESS",
            expires_at=world.now + hook.timeout_minutes * MINUTE,
            updated_at=world.now,
            details=hook.details,
        )
        journal.runs.append(run)
        journal.current.append(run)
        self._tell(rollout, run)
        world.engine.at(run.expires_at, self._expire, rollout, run)
        if not hook.pauses:
            self._call(rollout, run)
        return run

    def _call(self, rollout: ServiceDeployment, run: Run) -> None:
        if not self._waits(rollout, run):
            return
        run.calls += 1
        wrapped = self._readings.payload_wrapped
        event = lifecycle.payload(rollout, run, self._direction(rollout), wrapped=wrapped)
        try:
            answer = self.invoke(run.hook.target_arn or "", event)
        except Exception as error:  # whatever a function raises is one more way to fail
            self._take(rollout, run, Answer("FAILED", reason=f"the hook raised {type(error).__name__}"))
            return
        if isinstance(answer, Later):
            run.answer_due = self._world.now + lifecycle.LONGEST_RUN
            self._world.engine.at(run.answer_due, self._too_long, rollout, run, run.answer_due)
            return
        self._take(rollout, run, lifecycle.understood(answer))

    def _take(self, rollout: ServiceDeployment, run: Run, answer: Answer) -> None:
        if answer.status == "IN_PROGRESS":
            if answer.details is not None:
                run.details = answer.details
            self._world.engine.at(self._world.now + answer.delay, self._call, rollout, run)
            return
        self._now(rollout, run, answer.status, answer.reason)
        self._world.wake(rollout.service)

    def _too_long(self, rollout: ServiceDeployment, run: Run, due: int) -> None:
        if run.answer_due == due and self._waits(rollout, run):
            run.answer_due = None
            self._take(rollout, run, Answer("FAILED", reason="the hook did not answer in time"))

    def _expire(self, rollout: ServiceDeployment, run: Run) -> None:
        if self._waits(rollout, run):
            self._now(rollout, run, "TIMED_OUT", "the hook timed out")
            self._world.wake(rollout.service)

    def _waits(self, rollout: ServiceDeployment, run: Run) -> bool:
        return run.is_open and rollout.status in rollouts.ONGOING

    def _now(self, rollout: ServiceDeployment, run: Run, status: str, reason: str) -> None:
        run.status, run.reason, run.updated_at = status, reason, self._world.now
        self._tell(rollout, run)

    def _tell(self, rollout: ServiceDeployment, run: Run) -> None:
        subject = f"{run.stage}/{run.hook_id}"
        self._world.hook_changed(rollout.arn, lifecycle.hook_detail(rollout, run), subject, run.status)


def details(rollout: ServiceDeployment, journal: Journal) -> list[dict[str, Any]]:
    """`lifecycleHookDetails` of DescribeServiceDeployments; a hook that nobody waits for any more is not open."""
    over = rollout.status not in rollouts.ONGOING
    return [
        {
            "hookId": run.hook_id,
            "targetType": run.hook.target_type,
            **({} if run.hook.target_arn is None else {"targetArn": run.hook.target_arn}),
            "status": "FAILED" if over and run.is_open else run.status,
            "expiresAt": moment(run.expires_at),
            "timeoutAction": run.hook.timeout_action,
        }
        for run in journal.runs
    ]
