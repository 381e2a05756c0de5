"""Virtual time: the order of timers, what counts as busy, and what the process sees."""

import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from sandbox.clock import Clock
from sandbox.errors import SandboxError, TimedOutError

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


def run(clock: Clock, until: datetime) -> None:
    while clock.run_next(until):
        pass


def test_timers_run_by_time_and_then_by_registration() -> None:
    clock, seen = Clock(START), list[str]()

    def nested() -> None:
        clock.call_in(0, lambda: seen.append("at once"), "nested")

    for name, seconds in (("late", 2), ("first", 1), ("second", 1)):
        clock.call_in(seconds, partial(seen.append, name), name)
    clock.call_in(1, nested, "nesting")
    run(clock, START + timedelta(seconds=5))
    assert seen == ["first", "second", "at once", "late"]


@pytest.mark.parametrize(
    ("recurring", "busy"), [pytest.param(True, False, id="a schedule"), pytest.param(False, True, id="work")]
)
def test_only_what_is_not_recurring_keeps_it_busy(recurring: bool, busy: bool) -> None:
    clock = Clock(START)
    clock.call_at(START, lambda: None, "something", recurring=recurring)
    assert clock.busy is busy


def test_what_is_taken_back_twice_is_taken_back_once() -> None:
    clock = Clock(START)
    timer = clock.call_in(1, lambda: None, "work")
    clock.call_in(2, lambda: None, "more work")
    clock.cancel(timer)
    clock.cancel(timer)
    assert clock.busy
    run(clock, START + timedelta(seconds=5))
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
