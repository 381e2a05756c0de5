"""When schedules are due, day by day and across changes of the clock. The sandbox evaluates them too, by itself."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.occurrences import read_schedule
from sandbox.schedules import instants

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu")


def due(expression: str, zone: str, first: str, last: str) -> list[str]:
    """The instants between two days, in UTC."""
    schedule = read_schedule(expression, zone)
    begin, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, last))
    return [f"{at:%m-%d %H:%M}" for at in schedule.between(begin, end)]


@pytest.mark.parametrize(
    ("expression", "zone", "first", "last", "expected"),
    [
        pytest.param(
            "cron(30 2 * * ? *)",
            "Europe/Berlin",
            "2026-03-28",
            "2026-03-31",
            ["03-28 01:30", "03-30 00:30"],
            id="Berlin skips 02:30 when summer time begins",
        ),
        pytest.param(
            "cron(30 2 * * ? *)",
            "Europe/Berlin",
            "2026-10-24",
            "2026-10-27",
            ["10-24 00:30", "10-25 00:30", "10-26 01:30"],
            id="Berlin has 02:30 twice when it ends, and it is due once",
        ),
        pytest.param(
            "cron(30 2 * * ? *)",
            "America/New_York",
            "2026-03-07",
            "2026-03-10",
            ["03-07 07:30", "03-09 06:30"],
            id="New York skips 02:30",
        ),
        pytest.param(
            "cron(30 1 * * ? *)",
            "America/New_York",
            "2026-10-31",
            "2026-11-03",
            ["10-31 05:30", "11-01 05:30", "11-02 06:30"],
            id="New York has 01:30 twice",
        ),
        pytest.param(
            "cron(15 2 * * ? *)",
            "Australia/Lord_Howe",
            "2026-10-02",
            "2026-10-05",
            ["10-02 15:45", "10-04 15:15"],
            id="Lord Howe skips half an hour",
        ),
        pytest.param(
            "cron(45 1 * * ? *)",
            "Australia/Lord_Howe",
            "2026-04-03",
            "2026-04-06",
            ["04-03 14:45", "04-04 14:45", "04-05 15:15"],
            id="Lord Howe has 01:45 twice",
        ),
        pytest.param(
            "cron(*/30 2 * * ? *)",
            "Europe/Berlin",
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            ["10-25 00:00", "10-25 00:30"],
            id="every half hour of a repeated hour once",
        ),
        pytest.param(
            "rate(1 hour)",
            "Europe/Berlin",
            "2026-03-29T00:30",
            "2026-03-29T03:30",
            ["03-29 01:00", "03-29 02:00", "03-29 03:00"],
            id="a rate knows no zone",
        ),
        pytest.param(
            "cron(0 9 L * ? *)", "UTC", "2026-02-01", "2026-04-01", ["02-28 09:00", "03-31 09:00"], id="the last day"
        ),
        pytest.param(
            "cron(0 9 LW * ? *)", "UTC", "2026-02-01", "2026-03-01", ["02-27 09:00"], id="the last weekday of a month"
        ),
        pytest.param(
            "cron(0 9 1W * ? *)",
            "UTC",
            "2026-08-01",
            "2026-10-01",
            ["08-03 09:00", "09-01 09:00"],
            id="the weekday nearest to the first stays in the month",
        ),
        pytest.param(
            "cron(0 9 31W * ? *)",
            "UTC",
            "2026-05-01",
            "2026-06-30",
            ["05-29 09:00"],
            id="the weekday nearest to the 31st stays in the month, and June has none",
        ),
        pytest.param(
            "cron(0 9 ? * 2#1 *)",
            "UTC",
            "2026-04-01",
            "2026-06-01",
            ["04-06 09:00", "05-04 09:00"],
            id="the first Monday",
        ),
        pytest.param("cron(0 9 ? * FRIL *)", "UTC", "2026-04-01", "2026-05-01", ["04-24 09:00"], id="the last Friday"),
        pytest.param(
            "cron(0 9 ? * L *)", "UTC", "2026-04-01", "2026-04-12", ["04-04 09:00", "04-11 09:00"], id="Saturdays"
        ),
        pytest.param(
            "cron(0 9 29 FEB ? 2027-2028)", "UTC", "2026-01-01", "2030-01-01", ["02-29 09:00"], id="a leap day"
        ),
        pytest.param("at(2026-04-14T02:30:00)", "Europe/Berlin", "2026-04-01", "2026-05-01", ["04-14 00:30"], id="at"),
    ],
)
def test_a_schedule_is_due_when_the_platform_would_fire(
    expression: str, zone: str, first: str, last: str, expected: list[str]
) -> None:
    assert due(expression, zone, first, last) == expected


minutes = st.sampled_from(["0", "*/20", "5,35", "10-12", "59", "7/30"])
hours = st.sampled_from(["*", "2", "1-3", "0/6", "23", "1,2,3"])
days = st.sampled_from([("*", "?"), ("?", "*"), ("1-7", "?"), ("?", "SUN"), ("?", "MON-FRI"), ("25,29", "?")])
months = st.sampled_from(["*", "3", "MAR,OCT,NOV", "4-11"])
starts = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)).map(lambda at: at.replace(tzinfo=UTC))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(minutes, hours, days, months, st.sampled_from(ZONES), starts)
def test_it_agrees_with_the_sandbox(
    minute: str, hour: str, day: tuple[str, str], month: str, zone: str, start: datetime
) -> None:
    expression = f"cron({minute} {hour} {day[0]} {month} {day[1]} *)"
    end = start + timedelta(days=12)
    theirs = takewhile(lambda at: at <= end, instants(expression, start, ZoneInfo(zone)))
    # The sandbox gives a day in the order of its wall clock, and a minute that the clock skips never.
    assert list(read_schedule(expression, zone).between(start, end)) == sorted(theirs)


@pytest.mark.parametrize(
    ("expression", "zone", "why"),
    [
        pytest.param("cron(0 9 * * * *)", "UTC", "exactly one", id="no ?"),
        pytest.param("cron(0 9 ? * ? *)", "UTC", "exactly one", id="two ?"),
        pytest.param("cron(0 9 * * ?)", "UTC", "5 fields", id="five fields"),
        pytest.param("cron(60 9 * * ? *)", "UTC", "minute", id="minute 60"),
        pytest.param("cron(0 24 * * ? *)", "UTC", "hour", id="hour 24"),
        pytest.param("cron(0 9 0 * ? *)", "UTC", "day of month", id="day 0"),
        pytest.param("cron(0 9 32W * ? *)", "UTC", "31W", id="day 32W"),
        pytest.param("cron(0 9 * 13 ? *)", "UTC", "month", id="month 13"),
        pytest.param("cron(0 9 ? * 8 *)", "UTC", "day of week", id="day of week 8"),
        pytest.param("cron(5-1 9 * * ? *)", "UTC", "backwards", id="backwards"),
        pytest.param("cron(*/0 9 * * ? *)", "UTC", "minute", id="a step of none"),
        pytest.param("rate(0 minutes)", "UTC", "at least 1", id="rate 0"),
        pytest.param("rate(1 hours)", "UTC", "singular", id="plural of one"),
        pytest.param("rate(2 hour)", "UTC", "plural", id="singular of two"),
        pytest.param("at(2026-02-30T00:00:00)", "UTC", "no such date", id="a date that is none"),
        pytest.param("every day", "UTC", "none of", id="prose"),
        pytest.param("rate(1 hour)", "Mars/Olympus", "time zone", id="a zone that is none"),
        pytest.param("rate(1 hour)", "../etc/passwd", "time zone", id="a path"),
    ],
)
def test_what_is_no_schedule_is_refused_with_a_reason(expression: str, zone: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_schedule(expression, zone)


@pytest.mark.parametrize(
    ("at", "slot"),
    [
        pytest.param("12:00:41", "12:00", id="a little late"),
        pytest.param("11:58:30", "12:00", id="a little early"),
        pytest.param("12:01:59", "12:00", id="counted from two minutes later"),
        pytest.param("12:28:31", "12:28", id="counted from elsewhere"),
        pytest.param("11:45:00", "11:45", id="a quarter of an hour before"),
    ],
)
def test_an_invocation_of_a_rate_belongs_to_the_point_of_its_grid_that_is_near_or_to_its_own_minute(
    at: str, slot: str
) -> None:
    schedule = read_schedule("rate(1 hour)", start=datetime(2026, 4, 1, tzinfo=UTC))
    when = datetime.fromisoformat(f"2026-04-14T{at}+00:00")
    assert f"{schedule.slot(when):%H:%M}" == slot
