"""When rate, cron and one-time schedules fire."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from sandbox.errors import TemplateError, UnsupportedError
from sandbox.schedules import instants

MONDAY = datetime(2026, 3, 2, 10, 0, 30, tzinfo=UTC)


def fires(expression: str, count: int = 3, zone: str | None = None, after: datetime = MONDAY) -> list[str]:
    found = islice(instants(expression, after, ZoneInfo(zone) if zone else None), count)
    return [at.strftime("%m-%d %H:%M:%S") for at in found]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("rate(5 minutes)", ["03-02 10:05:30", "03-02 10:10:30", "03-02 10:15:30"], id="rate"),
        pytest.param("rate(1 day)", ["03-03 10:00:30", "03-04 10:00:30", "03-05 10:00:30"], id="rate of one"),
        pytest.param("cron(0/20 * * * ? *)", ["03-02 10:20:00", "03-02 10:40:00", "03-02 11:00:00"], id="steps"),
        pytest.param(
            "cron(15 12 ? * MON-WED *)", ["03-02 12:15:00", "03-03 12:15:00", "03-04 12:15:00"], id="weekdays"
        ),
        pytest.param("cron(0 8 1 * ? *)", ["04-01 08:00:00", "05-01 08:00:00", "06-01 08:00:00"], id="day of month"),
        pytest.param("cron(0 0 ? APR SUN 2026)", ["04-05 00:00:00", "04-12 00:00:00", "04-19 00:00:00"], id="names"),
        pytest.param("at(2026-03-02T11:00:00)", ["03-02 11:00:00"], id="once"),
        pytest.param("at(2026-03-02T09:00:00)", [], id="once, in the past"),
        pytest.param("cron(0 0 1 1 ? 2025)", [], id="a year that is over"),
    ],
)
def test_schedules_fire_when_they_should(expression: str, expected: list[str]) -> None:
    assert fires(expression) == expected


def test_a_time_that_summer_time_skips_does_not_fire() -> None:
    after = datetime(2026, 3, 28, tzinfo=UTC)
    assert fires("cron(30 2 * * ? *)", 3, "Europe/Berlin", after) == [
        "03-28 01:30:00",
        "03-30 00:30:00",
        "03-31 00:30:00",
    ]


def test_a_time_that_comes_twice_fires_once() -> None:
    after = datetime(2026, 10, 24, tzinfo=UTC)
    assert fires("cron(30 2 * * ? *)", 3, "Europe/Berlin", after) == [
        "10-24 00:30:00",
        "10-25 00:30:00",
        "10-26 01:30:00",
    ]


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        pytest.param("rate(1 minutes)", TemplateError, id="one in the plural"),
        pytest.param("rate(0 minutes)", TemplateError, id="zero"),
        pytest.param("rate(5 seconds)", TemplateError, id="seconds"),
        pytest.param("cron(0 0 * * * *)", TemplateError, id="no question mark"),
        pytest.param("cron(0 0 * *)", TemplateError, id="too few fields"),
        pytest.param("cron(61 0 * * ? *)", TemplateError, id="minute 61"),
        pytest.param("cron(0 0 L * ? *)", UnsupportedError, id="the last day"),
        pytest.param("every day", TemplateError, id="words"),
    ],
)
def test_wrong_schedules_are_refused(expression: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        fires(expression)
