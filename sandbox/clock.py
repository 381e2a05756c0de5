"""Virtual time: a heap of timers, and the process's clock frozen at the model's instant while the sandbox works.

Outside the sandbox's own calls the process keeps real time, so a progress bar or a test runner is not disturbed.
`time.monotonic` and `time.perf_counter` are never frozen (time-machine leaves them alone).
"""

import heapq
import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol, SupportsIndex

import time_machine

from sandbox.errors import SandboxError, TimedOutError

# time-machine sets the process's zone anew at each move to an instant that names one; `frozen` sets it once.
_NO_ZONE = timezone(timedelta(hours=1))
MAX_TIMERS_AT_ONE_INSTANT = 200_000  # beyond it the model is spinning without time passing


@dataclass(slots=True, eq=False)
class Timer:
    """Something due at an instant; ties run in the order of registration. `recurring` ones do not keep it busy."""

    at: datetime
    order: int
    action: Callable[[], None]
    name: str
    recurring: bool = False
    over: bool = False  # it ran, or was taken back


@contextmanager
def time_zone(name: str) -> Iterator[None]:
    """Let local time of the process be that of a zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    apply_time_zone()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        apply_time_zone()


def apply_time_zone() -> None:
    """Have the process's local time follow TZ, where it can."""
    if hasattr(time, "tzset"):
        time.tzset()


class Beside(Protocol):
    """A model with timers of its own that keeps to this clock: ECS."""

    @property
    def next_at(self) -> datetime | None:
        """When the next thing happens there."""

    @property
    def idle(self) -> bool:
        """Whether nothing is left to happen there but what repeats for ever."""

    def advance(self, by: datetime) -> None:
        """Let what is due by an instant happen."""


class Clock:
    """The model's time and what is due when.

    What runs beside it moves only here, between timers: while a handler runs, even one that sleeps, it stands still.
    """

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise SandboxError("the start of a sandbox needs a time zone")
        self._now = start.astimezone(UTC)
        self._heap: list[tuple[datetime, int, Timer]] = []
        self._order = itertools.count()
        self._pending = 0
        self._ran_now = 0
        self._depth = 0
        self._traveller: time_machine.Traveller | None = None
        self.deadline: datetime | None = None  # of the handler that runs now
        self.beside: Beside | None = None

    @property
    def now(self) -> datetime:
        """The model's instant."""
        return self._now

    @property
    def timestamp(self) -> float:
        """The model's instant as seconds since 1970."""
        return self._now.timestamp()

    def call_at(self, at: datetime, action: Callable[[], None], name: str, *, recurring: bool = False) -> Timer:
        """Run something at an instant; one that is past runs next."""
        timer = Timer(max(at, self._now), next(self._order), action, name, recurring)
        self._pending += not recurring
        heapq.heappush(self._heap, (timer.at, timer.order, timer))
        return timer

    def call_in(self, seconds: float, action: Callable[[], None], name: str) -> Timer:
        """Run something after some seconds."""
        return self.call_at(self._now + timedelta(seconds=seconds), action, name)

    def cancel(self, timer: Timer) -> None:
        """Take a timer back; it will not run."""
        if not timer.over:
            timer.over = True
            self._pending -= not timer.recurring

    @property
    def busy(self) -> bool:
        """Whether anything but recurring timers is waiting."""
        return self._pending > 0 or (self.beside is not None and not self.beside.idle)

    def run_next(self, until: datetime) -> bool:
        """Run the next timer that is due by then; False if there is none."""
        while self._heap and self._heap[0][2].over:
            heapq.heappop(self._heap)
        if self._run_beside(until):
            return True
        if not self._heap or self._heap[0][0] > until:
            return False
        timer = heapq.heappop(self._heap)[2]
        self.cancel(timer)
        if timer.at > self._now:
            self._ran_now = 0
            self.pass_to(timer.at)
        self._ran_now += 1
        if self._ran_now > MAX_TIMERS_AT_ONE_INSTANT:
            raise SandboxError(f"{timer.name}: timers run at {self._now.isoformat()} without end")
        timer.action()
        return True

    def _run_beside(self, until: datetime) -> bool:
        """Let happen what is due beside the clock before its own next timer, or with it."""
        due = None if self.beside is None else self.beside.next_at
        if due is None or due > until or (self._heap and due > self._heap[0][0]):
            return False
        self.pass_to(max(due, self._now))
        return True

    def pass_to(self, at: datetime) -> None:
        """Set the instant, here and beside; what is due there by then happens."""
        if at != self._now:  # the process is told of it, which takes a while
            self.move_to(at)
        if self.beside is not None:
            self.beside.advance(at)

    def move_to(self, at: datetime) -> None:
        """Set the model's instant without running anything (a handler that sleeps does this)."""
        self._now = at
        if self._traveller is not None:
            self._traveller.move_to(at.astimezone(_NO_ZONE), tick=False)

    def sleep(self, seconds: float | SupportsIndex) -> None:
        """What `time.sleep` does while a handler runs: virtual time passes, and none of it is real."""
        until = self._now + timedelta(seconds=float(seconds))
        if self.deadline is not None and until > self.deadline:
            self.move_to(self.deadline)
            raise TimedOutError
        self.move_to(until)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the whole process see the model's time; nests."""
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        self._depth = 1
        with time_zone("UTC"), time_machine.travel(self._now.astimezone(_NO_ZONE), tick=False) as traveller:
            self._traveller = traveller
            real, _sleeper[:] = time.sleep, [self]
            time.sleep = _sleep
            try:
                yield
            finally:
                time.sleep = real
                _sleeper.clear()
                self._traveller = None
                self._depth = 0


_sleeper: list[Clock] = []
_real_sleep = time.sleep


def _sleep(seconds: float | SupportsIndex) -> None:
    """Sleep by the clock that is frozen now. Moto keeps the function that it imports, so this holds no clock itself."""
    sleep = _sleeper[-1].sleep if _sleeper else _real_sleep
    sleep(float(seconds))
