from datetime import timedelta

import pytest

from breakwater.model import NoticeKind, Severity
from notifier.decision import (
    GATHER,
    SETTLE,
    SINGLES_A_MINUTE,
    WINDOW,
    Defer,
    Hold,
    Mark,
    Meter,
    Send,
    Skip,
    decide_delivery,
    defer_all,
)
from tests.unit.notifier.samples import START, a_notice, notices_of

NO_MARKS: dict[str, Mark] = {}


def test_nine_of_twelve_notices_go_out_singly_and_three_wait_for_a_digest() -> None:
    plan = decide_delivery(notices_of(12), NO_MARKS, (), Meter(), START)
    assert [type(delivery) for delivery in plan.deliveries] == [Send] * 9 + [Defer] * 3
    assert plan.meter.singles == (START,) * SINGLES_A_MINUTE
    assert plan.wake == START + GATHER


def test_a_quiet_channel_sends_at_once_and_asks_for_no_wake_up() -> None:
    plan = decide_delivery([a_notice()], NO_MARKS, (), Meter(), START)
    assert [type(delivery) for delivery in plan.deliveries] == [Send]
    assert plan.wake is None


@pytest.mark.parametrize(
    ("age", "free"),
    [
        pytest.param(timedelta(seconds=1), 0, id="a second ago"),
        pytest.param(WINDOW - timedelta(milliseconds=1), 0, id="almost a window ago"),
        pytest.param(WINDOW, 9, id="a window ago"),
    ],
)
def test_messages_count_for_a_window_wherever_the_full_minute_falls(age: timedelta, free: int) -> None:
    meter = Meter(singles=(START - age,) * 9)
    plan = decide_delivery(notices_of(9), NO_MARKS, (), meter, START)
    assert sum(isinstance(delivery, Send) for delivery in plan.deliveries) == free


def test_new_bad_news_goes_first_when_messages_are_scarce() -> None:
    notices = [
        a_notice(1, kind=NoticeKind.RESOLVED, severity=Severity.HIGH),
        a_notice(2, severity=Severity.LOW),
        a_notice(3, kind=NoticeKind.UPDATED, severity=Severity.HIGH),
        a_notice(4, severity=Severity.HIGH, seconds=1),
        a_notice(5, severity=Severity.MEDIUM),
        a_notice(6, severity=Severity.HIGH),
        a_notice(7, kind=NoticeKind.REOPENED, severity=Severity.HIGH),
    ]
    plan = decide_delivery(notices, NO_MARKS, (), Meter(), START)
    assert [int(delivery.notice.incident.id, 16) for delivery in plan.deliveries] == [6, 4, 7, 3, 5, 2, 1]


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        pytest.param(Mark(sent=True, until=START), Skip, id="sent before"),
        pytest.param(Mark(sent=False, until=START + timedelta(seconds=1)), Hold, id="being sent by another"),
        pytest.param(Mark(sent=False, until=START), Send, id="the other one died"),
    ],
)
def test_a_marked_notice_is_not_sent_twice(mark: Mark, expected: type) -> None:
    notice = a_notice()
    (delivery,) = decide_delivery([notice], {notice.id: mark}, (), Meter(), START).deliveries
    assert isinstance(delivery, expected)
    assert delivery.reason


def test_what_was_sent_before_takes_no_message_from_the_others() -> None:
    notices = notices_of(12)
    marks = {notice.id: Mark(sent=True, until=START) for notice in notices[:3]}
    plan = decide_delivery(notices, marks, (), Meter(), START)
    assert sum(isinstance(delivery, Send) for delivery in plan.deliveries) == 9
    assert plan.wake is None


@pytest.mark.parametrize(
    ("on_its_way", "expected"),
    [
        pytest.param(None, timedelta(seconds=30), id="none"),
        pytest.param(timedelta(seconds=20), None, id="one that will do"),
        pytest.param(timedelta(seconds=5), timedelta(seconds=65), id="one that may be too early, so a minute later"),
        pytest.param(timedelta(minutes=-10), timedelta(seconds=30), id="one that is long past"),
    ],
)
def test_one_wake_up_a_minute_is_asked_for(on_its_way: timedelta | None, expected: timedelta | None) -> None:
    meter = Meter(singles=(START,) * 9, wake=None if on_its_way is None else START + on_its_way)
    plan = decide_delivery([a_notice()], NO_MARKS, (), meter, START)
    assert plan.wake == (None if expected is None else START + expected)
    assert plan.meter.wake is not None
    assert plan.meter.wake >= START + SETTLE


def test_the_wake_up_waits_until_a_digest_may_go_again() -> None:
    meter = Meter(singles=(START,) * 9, digest=START - timedelta(seconds=5))
    assert decide_delivery([a_notice()], NO_MARKS, (), meter, START).wake == START - timedelta(seconds=5) + WINDOW


def test_what_waits_for_a_digest_is_not_sent_singly_as_well() -> None:
    first, second = notices_of(2)
    plan = decide_delivery([first, second], NO_MARKS, {first.id}, Meter(), START)
    assert [type(delivery) for delivery in plan.deliveries] == [Defer, Send]
    assert plan.wake == START + GATHER


def test_a_plan_without_its_meter_sends_nothing_singly_and_loses_nothing() -> None:
    sent = a_notice(99)
    plan = decide_delivery([*notices_of(12), sent], {sent.id: Mark(sent=True, until=START)}, (), Meter(), START)
    crowded = defer_all(plan)
    assert sum(isinstance(delivery, Defer) for delivery in crowded.deliveries) == 12
    assert sum(isinstance(delivery, Skip) for delivery in crowded.deliveries) == 1
    assert crowded.wake is None
