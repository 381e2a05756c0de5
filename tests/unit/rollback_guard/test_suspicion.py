"""What counts, and when a look at the service is worth a call."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.evidence import Kind, Tally
from breakwater.model import Cause, Mode
from breakwater.policies import GuardPolicy
from rollback_guard.answers import RollBack
from rollback_guard.counted import Seen, Stop, Suspicion
from rollback_guard.decision import decide_rollback
from rollback_guard.suspicion import LOOK_GAPS, Count, Ignore, Look, Wait, decide_look, decide_vote, look_gap
from tests.unit.rollback_guard.pictures import ACT, BAD, NOON, NOW, PRIMARY, WHO, a_picture, tally, tally_of

STOP = Stop("arn:task/1", WHO, "ecs-svc/2", BAD, Kind.EARLY, Cause.APP_ERROR, NOW, "it crashed", code=1)


@pytest.mark.parametrize(
    ("stop", "policy", "expected"),
    [
        pytest.param(STOP, ACT, Count, id="a failure"),
        pytest.param("somebody stopped it", ACT, Ignore, id="no failure"),
        pytest.param(STOP, GuardPolicy(mode=Mode.OBSERVE), Count, id="observe counts"),
        pytest.param(STOP, GuardPolicy(mode=Mode.OFF), Ignore, id="off"),
        pytest.param(replace(STOP, early_read=True), ACT, Count, id="before STOPPED"),
        pytest.param(
            replace(STOP, early_read=True), GuardPolicy(early_evidence=False), Ignore, id="before STOPPED, not wanted"
        ),
        pytest.param(replace(STOP, at=NOW - timedelta(minutes=31)), ACT, Ignore, id="half an hour old"),
        pytest.param(replace(STOP, at=NOW - timedelta(hours=25)), ACT, Ignore, id="a day late"),
        pytest.param(replace(STOP, at=NOW + timedelta(minutes=4)), ACT, Count, id="clocks differ"),
        pytest.param(replace(STOP, at=NOW + timedelta(hours=1)), ACT, Ignore, id="from the future"),
    ],
)
def test_a_stop_counts_or_not(stop: Stop | str, policy: GuardPolicy, expected: type) -> None:
    assert isinstance(decide_vote(stop, policy, NOW), expected)


def record(found: Tally, seen: Seen | None = None) -> Suspicion:
    return Suspicion(WHO, "ecs-svc/2", found, seen)


def looked(seconds_ago: float, looks: int = 1, starts: int = 10, *, settled: bool = False) -> Seen:
    return Seen(NOW - timedelta(seconds=seconds_ago), looks, starts, 10, NOON, settled)


@pytest.mark.parametrize(
    ("found", "seen", "expected"),
    [
        pytest.param(tally(early=1), None, Wait, id="one crash can never be enough"),
        pytest.param(tally(early=2), None, Look, id="two crashes could be"),
        pytest.param(tally(certain=1), None, Look, id="one image that is not there could be"),
        pytest.param(tally(early=2), looked(1), Wait, id="two of ten are known not to be"),
        pytest.param(tally(early=3), looked(1), Look, id="three of ten are worth another look, at once"),
        pytest.param(tally(early=9), looked(1, looks=5), Wait, id="the fifth look is just over"),
        pytest.param(tally(early=9), looked(6, looks=5), Look, id="five seconds after the fifth look"),
        pytest.param(tally(early=9), looked(59, looks=50), Wait, id="less than a minute after the fiftieth look"),
        pytest.param(tally(early=9), looked(60, looks=50), Look, id="a minute after the fiftieth look"),
        pytest.param(tally(early=9), looked(600, settled=True), Wait, id="it no longer counts"),
        pytest.param(tally(outside=2), None, Wait, id="two could not reach the registry"),
        pytest.param(tally(outside=3), None, Look, id="three could not reach the registry: somebody should say so"),
        pytest.param(tally(outside=9), looked(600), Wait, id="it was said"),
    ],
)
def test_a_look_is_worth_it_or_not(found: Tally, seen: Seen | None, expected: type) -> None:
    assert isinstance(decide_look(record(found, seen), ACT, NOW), expected)


def test_nobody_looks_where_the_guard_is_off() -> None:
    assert isinstance(decide_look(record(tally(early=9)), GuardPolicy(mode=Mode.OFF), NOW), Wait)


def test_the_gaps_grow() -> None:
    gaps = [look_gap(looks) for looks in range(1, 20)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == LOOK_GAPS[-1] == timedelta(seconds=60)
    assert look_gap(0) == timedelta()


@settings(max_examples=150, deadline=None)
@given(
    counts=st.fixed_dictionaries({kind.value: st.integers(0, 9) for kind in Kind}),
    starts=st.integers(0, 100),
    more=st.integers(0, 100),
)
def test_where_nobody_looks_a_look_would_have_led_to_nothing(counts: dict[str, int], starts: int, more: int) -> None:
    found = tally_of(counts)
    if isinstance(decide_look(record(found, looked(600, starts=starts)), ACT, NOW), Wait):
        picture = a_picture(own=found, primary=replace(PRIMARY, running=more), starts_seen=starts)
        assert not isinstance(decide_rollback(picture, ACT, NOW), RollBack)


def test_looks_are_bounded_however_many_stops_arrive() -> None:
    """A thousand stops in a minute, each of them enough by what is known: a handful of calls."""
    seen, looks = None, 0
    for number in range(1, 1001):
        now = NOW + timedelta(seconds=60 * number / 1000)
        if isinstance(decide_look(record(replace(tally(early=9), late=number), seen), ACT, now), Look):
            looks += 1
            seen = Seen(now, looks, starts=10, desired=10, created_at=NOON)
    assert 3 < looks < 10
