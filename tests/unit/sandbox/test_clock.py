"""Virtual time: the order of timers, what counts as busy, and what the process sees."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import Clock
from sandbox.errors import SandboxError, TimedOutError

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


def run(clock: Clock, until: datetime) -> None:
    while clock.run_next(until):
        pass


def test_timers_run_by_time_and_then_by_registration() -> None:
    clock, seen = Clock(START), list[str]()
    for name, seconds in (("late", 2), ("first", 1), ("second", 1)):
        clock.call_in(seconds, lambda name=name: seen.append(name), name)  # type: ignore[misc]
    clock.call_in(1, lambda: clock.call_in(0, lambda: seen.append("at once"), "x") and None, "y")
    run(clock, START + timedelta(seconds=5))
    assert seen == ["first", "second", "at once", "late"]


def test_only_what_is_not_recurring_keeps_it_busy() -> None:
    clock = Clock(START)
    clock.call_at(START, lambda: None, "schedule", recurring=True)
    assert not clock.busy
    timer = clock.call_in(1, lambda: None, "work")
    assert clock.busy
    clock.cancel(timer)
    clock.cancel(timer)
    assert not clock.busy


def test_the_process_sees_virtual_time_only_inside() -> None:
    clock = Clock(START)
    with clock.frozen(), clock.frozen():
        assert time.time() == START.timestamp()
        time.sleep(90)
        assert datetime.now(UTC) == START + timedelta(seconds=90)
    assert time.time() != clock.timestamp


def test_sleep_ends_at_the_deadline_of_the_handler() -> None:
    clock = Clock(START)
    clock.deadline = START + timedelta(seconds=3)
    with clock.frozen(), pytest.raises(TimedOutError):
        time.sleep(4)
    assert clock.now == clock.deadline


def test_a_start_without_time_zone_is_refused() -> None:
    with pytest.raises(SandboxError, match="time zone"):
        Clock(datetime(2026, 1, 1))
