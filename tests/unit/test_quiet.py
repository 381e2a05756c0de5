"""Quiet hours by the clock of their own zone, on the days of a change of the clock too."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.policies import QuietPolicy
from breakwater.quiet import quiet_until

EVERY_DAY = tuple(range(7))
NIGHT = QuietPolicy(EVERY_DAY, 22 * 60, 7 * 60, "Europe/Berlin")
LUNCH = QuietPolicy((0, 1, 2, 3, 4), 12 * 60, 13 * 60, "America/New_York")
WEEKEND = (QuietPolicy((5, 6), 0, 23 * 60, "UTC"),)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        pytest.param((NIGHT,), "2026-03-02T20:59:59", None, id="a second before"),
        pytest.param((NIGHT,), "2026-03-02T21:00:00", "2026-03-03T06:00:00", id="it begins"),
        pytest.param((NIGHT,), "2026-03-03T05:59:59", "2026-03-03T06:00:00", id="after midnight"),
        pytest.param((NIGHT,), "2026-03-03T06:00:00", None, id="it is over"),
        pytest.param(
            (NIGHT,), "2026-03-29T00:30:00", "2026-03-29T05:00:00", id="the short night: seven is an hour sooner"
        ),
        pytest.param((NIGHT,), "2026-10-25T00:30:00", "2026-10-25T06:00:00", id="the long night"),
        pytest.param((LUNCH,), "2026-03-06T17:30:00", "2026-03-06T18:00:00", id="friday noon in winter"),
        pytest.param((LUNCH,), "2026-03-07T17:30:00", None, id="saturday noon"),
        pytest.param((LUNCH,), "2026-03-09T16:30:00", "2026-03-09T17:00:00", id="monday noon in summer"),
        pytest.param(WEEKEND, "2026-03-08T23:30:00", None, id="the last hour of sunday"),
        pytest.param((NIGHT, LUNCH), "2026-03-02T21:00:00", "2026-03-03T06:00:00", id="one of two"),
        pytest.param(
            (NIGHT, QuietPolicy(EVERY_DAY, 23 * 60, 9 * 60)),
            "2026-03-02T23:30:00",
            "2026-03-03T09:00:00",
            id="the longer",
        ),
        pytest.param((), "2026-03-02T21:00:00", None, id="none"),
        pytest.param(
            (QuietPolicy(EVERY_DAY, 0, 1439, "Mars/Olympus"),), "2026-03-02T21:00:00", None, id="no such zone"
        ),
    ],
)
def test_it_is_quiet_until_the_end_of_the_hours_in_which_an_instant_lies(
    hours: tuple[QuietPolicy, ...], now: str, until: str | None
) -> None:
    assert quiet_until(hours, at(now)) == (at(until) if until else None)


minutes = st.integers(0, 1439)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"])
hours = st.builds(QuietPolicy, st.sets(st.integers(0, 6), min_size=1).map(tuple), minutes, minutes, zones).filter(
    lambda each: each.begins != each.ends
)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(hours, max_size=4), moments)
def test_nothing_waits_for_longer_than_a_day_and_every_end_is_a_time_of_the_policy(
    said: list[QuietPolicy], now: datetime
) -> None:
    until = quiet_until(said, now)
    if until is not None:
        assert now < until <= now + timedelta(hours=25)
        assert any(
            (local := until.astimezone(ZoneInfo(each.time_zone))).hour * 60 + local.minute
            in (each.ends, each.ends + 30, each.ends + 60)
            for each in said
        ), "or an hour later, where the change of the clock skips that time"


def test_time_zones_are_read_from_what_is_shipped_where_the_system_has_none() -> None:
    import zoneinfo

    before = zoneinfo.TZPATH
    try:
        zoneinfo.reset_tzpath(to=[])
        assert zoneinfo.ZoneInfo.no_cache("Europe/Berlin").utcoffset(datetime(2026, 7, 1)) == timedelta(hours=2)
        assert "Pacific/Chatham" in zoneinfo.available_timezones()
    finally:
        zoneinfo.reset_tzpath(to=before)
