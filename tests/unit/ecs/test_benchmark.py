"""The benchmark simulates what it says."""

from benchmarks.control_plane import GUARDED, a_day


def test_a_small_day_is_the_same_each_time_and_does_something() -> None:
    _seconds, transitions = a_day(4, 7)
    assert transitions == a_day(4, 7)[1] > 400
    assert GUARDED.circuit_breaker.rollback


def test_listening_changes_no_transition() -> None:
    assert a_day(3, 7, listening=True)[1] == a_day(3, 7)[1]
