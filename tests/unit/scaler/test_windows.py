"""When a window is open: weekdays, nights, weekends, and the two nights a year that are not 24 hours apart."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakwater.policies import WindowPolicy
from breakwater.window_times import expressions
from scaler.windows import open_claim

DAYS = tuple(range(7))
BERLIN = "Europe/Berlin"


def a_window(opens: str, closes: str, days: tuple[int, ...] = DAYS, zone: str = BERLIN) -> WindowPolicy:
    return WindowPolicy("w", "prod/web", days, _minutes(opens), _minutes(closes), zone, desired=0)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NIGHT = a_window("22:00", "06:00")
WORKING = a_window("08:00", "18:00", (0, 1, 2, 3, 4))
WEEKEND = a_window("00:00", "24:00", (5, 6))


@pytest.mark.parametrize(
    ("window", "now", "is_open"),
    [
        pytest.param(NIGHT, "2026-03-02T20:59", False, id="a minute before ten in Berlin"),
        pytest.param(NIGHT, "2026-03-02T21:00", True, id="ten in Berlin"),
        pytest.param(NIGHT, "2026-03-03T04:59", True, id="the last minute"),
        pytest.param(NIGHT, "2026-03-03T05:00", False, id="six in Berlin"),
        pytest.param(WORKING, "2026-03-06T12:00", True, id="Friday noon"),
        pytest.param(WORKING, "2026-03-07T12:00", False, id="Saturday noon"),
        pytest.param(WEEKEND, "2026-03-06T22:59", False, id="Friday, a minute before midnight"),
        pytest.param(WEEKEND, "2026-03-08T12:00", True, id="Sunday noon"),
        pytest.param(WEEKEND, "2026-03-08T23:00", False, id="Monday midnight"),
        pytest.param(
            a_window("22:00", "06:00", (4,)), "2026-03-07T02:00", True, id="Friday's night lasts into Saturday"
        ),
        pytest.param(
            a_window("02:30", "05:00"), "2026-03-29T02:00", False, id="it would open in the gap, so it does not"
        ),
        pytest.param(a_window("02:30", "05:00"), "2026-03-28T02:00", True, id="the day before it does"),
        pytest.param(a_window("22:00", "02:30"), "2026-03-29T00:59", True, id="before the gap in which it closes"),
        pytest.param(a_window("22:00", "02:30"), "2026-03-29T01:00", False, id="it closes where the gap ends"),
        pytest.param(a_window("02:30", "05:00"), "2026-10-25T00:29", False, id="before the repeated hour"),
        pytest.param(a_window("02:30", "05:00"), "2026-10-25T00:30", True, id="it opens the first time it is 02:30"),
        pytest.param(a_window("02:30", "05:00"), "2026-10-25T01:15", True, id="and stays open when it is 02:15 again"),
        pytest.param(a_window("22:00", "02:30"), "2026-10-25T00:30", False, id="it closes the first time it is 02:30"),
        pytest.param(a_window("22:00", "02:30"), "2026-10-25T01:15", False, id="and does not open again at 02:15"),
    ],
)
def test_a_window_is_open_by_the_clock_on_the_wall(window: WindowPolicy, now: str, is_open: bool) -> None:
    assert (open_claim(window, at(now)) is not None) is is_open


def test_saturday_and_sunday_are_one_weekend() -> None:
    """Otherwise somebody who starts the service on Saturday would have it stopped on Sunday."""
    saturday, sunday = open_claim(WEEKEND, at("2026-03-07T12:00")), open_claim(WEEKEND, at("2026-03-08T12:00"))
    assert saturday is not None
    assert saturday == sunday
    assert saturday.until - saturday.starts == timedelta(hours=48)


@given(
    st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
)
def test_an_occurrence_contains_the_moment_and_is_never_longer_than_a_day_and_its_hour(
    zone: str, opens: int, closes: int, now: datetime
) -> None:
    window = WindowPolicy("w", "prod/web", (now.weekday(), (now.weekday() + 3) % 7), opens, closes, zone, desired=0)
    claim = open_claim(window, now)
    if claim is not None:
        assert claim.starts <= now < claim.until
        assert claim.until - claim.starts <= timedelta(hours=25)
        assert open_claim(window, claim.starts) == claim
        assert open_claim(window, claim.until) is None


def test_the_schedules_of_a_window_are_cron_in_its_own_zone() -> None:
    friday = a_window("22:15", "06:00", (4,))
    assert expressions(friday) == ("cron(15 22 ? * FRI *)", "cron(0 6 ? * SAT *)")
    assert expressions(WEEKEND) == ("cron(0 0 ? * SAT,SUN *)", "cron(0 0 ? * MON,SUN *)")
    assert expressions(WORKING) == ("cron(0 8 ? * MON,TUE,WED,THU,FRI *)", "cron(0 18 ? * MON,TUE,WED,THU,FRI *)")
