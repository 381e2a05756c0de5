"""The contestants. Each watches one rehearsal and says when it asked, or decided, to go back.

The native ones are the model's own: the circuit breaker with its default threshold, the same with COUNT = 3 (both
with `resetOnHealthyTask`, as it is by default), and a CloudWatch alarm on failed tasks that the deployment is tied to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from benchmarks.rollbacks.guard import Guard
from benchmarks.rollbacks.service import Rehearsal, Setting
from sandbox.ecs.definitions import CircuitBreaker, DeploymentAlarms, Threshold
from sandbox.ecs.names import moment
from sandbox.ecs.state import Task

ALARM = "web-failed-tasks"
PERIOD = timedelta(seconds=60)
LAG = timedelta(seconds=60)
"""From the end of a period to the alarm: performance 4 [modelled]."""


class Contestant(Protocol):
    """Watches from before the deployment."""

    @property
    def called_at(self) -> datetime | None:
        """When the way back began, if it did."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A contestant: how the service is set up for it, and how it watches."""

    name: str
    set_up: Callable[[Setting], Setting]
    watch: Callable[[Rehearsal], Contestant]


class Native:
    """ECS by itself."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._service = rehearsal.service

    @property
    def called_at(self) -> datetime | None:
        """When the service deployment began its way back."""
        at = self._service.service_deployments[-1].rollback_started_at
        return None if at is None else moment(at)


class Alarm(Native):
    """An alarm: failed tasks in two periods of 60 s in a row, at least one in twenty of the desired count in each."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        super().__init__(rehearsal)
        self._model, self._failed = rehearsal.model, 0
        self._threshold = max(1.0, 0.05 * rehearsal.setting.desired)
        self._above = 0
        world, stopped = self._model.world, self._model.world.stopped

        def stopped_and_counted(task: Task) -> None:
            self._failed += task.failure is not None
            stopped(task)

        world.stopped = stopped_and_counted
        self._model.call_at(self._model.now + PERIOD * rehearsal.luck.random(), self._period_ends)

    def _period_ends(self) -> None:
        self._above = self._above + 1 if self._failed >= self._threshold else 0
        self._failed = 0
        if self._above >= 2:
            self._model.call_at(self._model.now + LAG, lambda: self._model.faults.set_alarm(ALARM, "ALARM"))
        self._model.world.engine.background_at(self._model.world.now + 60_000, self._period_ends)


class First(Native):
    """Nobody: the first failed task that is STOPPED, or the first exit. No detector on that evidence can be faster."""

    def __init__(self, rehearsal: Rehearsal, *, early: bool = False) -> None:
        super().__init__(rehearsal)
        self._at: datetime | None = None
        model, world = rehearsal.model, rehearsal.model.world
        if early:
            noted = world.task_changed

            def changed_and_noted(task: Task) -> None:
                self._note(task, model.now)
                noted(task)

            world.task_changed = changed_and_noted  # type: ignore[method-assign]  # the model is driven directly
            return
        stopped = world.stopped

        def stopped_and_noted(task: Task) -> None:
            self._note(task, model.now)
            stopped(task)

        world.stopped = stopped_and_noted

    def _note(self, task: Task, now: datetime) -> None:
        if self._at is None and task.failure is not None:
            self._at = now

    @property
    def called_at(self) -> datetime | None:
        """When the first evidence could be seen."""
        return self._at


def _breaker(threshold: Threshold) -> Callable[[Setting], Setting]:
    breaker = CircuitBreaker(enable=True, rollback=True, threshold=threshold)
    return lambda setting: replace(setting, breaker=breaker)


def _alarmed(setting: Setting) -> Setting:
    return replace(setting, alarms=DeploymentAlarms((ALARM,), enable=True, rollback=True))


OURS, EARLY, DEFAULT, COUNT3, ALARMS = (
    "breakwater",
    "breakwater, early",
    "native default",
    "native COUNT=3",
    "alarm 2x60 s",
)
FIRST_STOP, FIRST_EXIT = "first STOPPED", "first exit"
ENTRIES: Mapping[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(OURS, lambda setting: setting, Guard),
        Entry(EARLY, lambda setting: setting, lambda rehearsal: Guard(rehearsal, early=True)),
        Entry(DEFAULT, _breaker(Threshold()), Native),
        Entry(COUNT3, _breaker(Threshold("COUNT", 3)), Native),
        Entry(ALARMS, _alarmed, Alarm),
        Entry(FIRST_STOP, lambda setting: setting, First),
        Entry(FIRST_EXIT, lambda setting: setting, lambda rehearsal: First(rehearsal, early=True)),
    )
}
