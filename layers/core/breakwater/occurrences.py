"""When a schedule is due: EventBridge Scheduler's `cron(…)`, `rate(…)` and `at(…)`, in an IANA time zone.

As the platform does it: a local time that the change to summer time skips is not due that day, one that is repeated
is due once, the first time. A rate counts from the schedule's start and knows no zone. Cron has six fields (minutes,
hours, day of month, month, day of week, year); one of the two days is `?`. `L`, `W` and `#` mean what they mean there:
the last day, the weekday nearest to a day of the same month, the n-th such weekday of the month.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_RATE = re.compile(r"rate\((\d{1,9}) (minute|hour|day)(s?)\)", re.ASCII)
_CRON = re.compile(r"cron\(([^()]+)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", re.ASCII)
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIRST_YEAR, _LAST_YEAR = 1970, 2199  # as EventBridge Scheduler's cron has them
_LONGEST_RATE = 36_525 * 86_400
_FIELDS = 6
_WEEK = 7
_SATURDAY, _SUNDAY = 6, 7

NEAR = timedelta(minutes=2)
"""How far apart a rate of EventBridge's and ours may be counted and still be the same."""

DayTest = Callable[[date], bool]


@dataclass(frozen=True, slots=True, eq=False)
class _Cron:
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    on: DayTest


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule expression, read. `start` is what a rate counts from."""

    expression: str
    zone: ZoneInfo
    start: datetime
    _step: timedelta | None = None
    _at: datetime | None = None
    _cron: _Cron | None = None

    @property
    def is_rate(self) -> bool:
        """Whether it counts from its start instead of reading a calendar."""
        return self._step is not None

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The instants at which it is due, later than `after` and not later than `until`, in order, in UTC."""
        if self._step is not None:
            passed = max(0, (after - self.start) // self._step)
            at = self.start + passed * self._step
            while at <= until:
                if at > after:
                    yield at
                at += self._step
        elif self._at is not None:
            if after < self._at <= until:
                yield self._at
        elif self._cron is not None:
            yield from self._days(self._cron, after, until)

    def slot(self, at: datetime) -> datetime:
        """The occurrence that an invocation belongs to: its minute; of a rate the point of its grid, if one is near.

        EventBridge may begin to count a rate some seconds from where we do. That must not make another run of it. A
        schedule that is changed or made anew may be counted from then on: what is far from our grid stands for itself.
        """
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
        if self._step is None:
            return minute
        nearest = self.start + round((at - self.start) / self._step) * self._step
        return nearest if abs(at - nearest) <= NEAR else minute

    def going_on_from(self, last: datetime | None) -> "Schedule":
        """The same schedule; a rate counted from its last occurrence, if that is one of this schedule's time."""
        if self._step is None or last is None or last < self.start:
            return self
        return replace(self, start=last)

    def _days(self, cron: _Cron, after: datetime, until: datetime) -> Iterator[datetime]:
        # A local day may begin up to a day before or after the same date in UTC.
        day = after.astimezone(self.zone).date() - timedelta(days=1)
        last = until.astimezone(self.zone).date()
        while day <= last:
            if cron.on(day):
                yield from (at for at in _instants(cron, self.zone, day) if after < at <= until)
            day += timedelta(days=1)


@lru_cache(maxsize=2048)
def _instants(cron: _Cron, zone: ZoneInfo, day: date) -> tuple[datetime, ...]:
    """The instants of one local day. Sorted: around a change of the clock their order is not that of the wall."""
    found = []
    for hour in cron.hours:
        for minute in cron.minutes:
            local = datetime(day.year, day.month, day.day, hour, minute)
            at = local.replace(tzinfo=zone).astimezone(UTC)
            if at.astimezone(zone).replace(tzinfo=None) == local:
                found.append(at)
    return tuple(sorted(found))


@lru_cache(maxsize=256)
def read_schedule(expression: str, zone: str = "UTC", start: datetime | None = None) -> Schedule:
    """Read an expression. Raises `ValueError` saying what is wrong with it, or that the zone is unknown."""
    try:
        where = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{zone!r} is no IANA time zone") from None
    begin = (start or datetime(1970, 1, 1, tzinfo=UTC)).astimezone(UTC).replace(second=0, microsecond=0)
    if match := _RATE.fullmatch(expression):
        count = int(match[1])
        if count < 1 or (count == 1) is bool(match[3]):
            raise ValueError(f"{expression}: a rate is of at least 1; one takes the singular, any other the plural")
        if count * _SECONDS[match[2]] > _LONGEST_RATE:
            raise ValueError(f"{expression}: a rate is of at most a hundred years")
        return Schedule(expression, where, begin, _step=timedelta(seconds=count * _SECONDS[match[2]]))
    if match := _AT.fullmatch(expression):
        try:
            local = datetime.fromisoformat(match[1])
        except ValueError:
            raise ValueError(f"{expression}: there is no such date or time") from None
        if not _FIRST_YEAR <= local.year <= _LAST_YEAR:
            raise ValueError(f"{expression}: its year is not between {_FIRST_YEAR} and {_LAST_YEAR}")
        return Schedule(expression, where, begin, _at=local.replace(tzinfo=where).astimezone(UTC))
    if match := _CRON.fullmatch(expression):
        return Schedule(expression, where, begin, _cron=_cron(match[1]))
    raise ValueError(f"{expression!r} is none of cron(…), rate(…) and at(…)")


def _cron(text: str) -> _Cron:
    fields = text.upper().split()
    if len(fields) != _FIELDS:
        raise ValueError(f"cron({text}) has {len(fields)} fields; six are needed")
    minutes, hours, days, months, weekdays, years = fields
    if (days == "?") is (weekdays == "?"):
        raise ValueError(f"cron({text}): exactly one of day of month and day of week is ?")
    in_month = _numbers(months, 1, 12, _MONTHS, "month")
    in_year = _numbers(years, _FIRST_YEAR, _LAST_YEAR, (), "year")
    fits = _day_of_month(days) if weekdays == "?" else _day_of_week(weekdays)

    def on(day: date) -> bool:
        return day.month in in_month and day.year in in_year and fits(day)

    return _Cron(
        tuple(sorted(_numbers(minutes, 0, 59, (), "minute"))),
        tuple(sorted(_numbers(hours, 0, 23, (), "hour"))),
        on,
    )


def _day_of_month(text: str) -> DayTest:
    if text == "L":
        return lambda day: day.day == _last(day)
    if match := re.fullmatch(r"(\d{1,2})W", text, re.ASCII):
        wanted = int(match[1])
        if not 1 <= wanted <= 31:
            raise ValueError(f"day of month {text!r} is not between 1W and 31W")
        return lambda day: wanted <= _last(day) and day.day == _nearest_weekday(day, wanted)
    if text == "LW":
        return lambda day: day.day == _nearest_weekday(day, _last(day))
    days = _numbers(text, 1, 31, (), "day of month")
    return lambda day: day.day in days


def _day_of_week(text: str) -> DayTest:
    if match := re.fullmatch(r"([1-7]|[A-Z]{3})#([1-5])", text, re.ASCII):
        wanted, nth = _number(match[1], _DAYS, "day of week"), int(match[2])
        return lambda day: _weekday(day) == wanted and (day.day - 1) // _WEEK + 1 == nth
    if match := re.fullmatch(r"([1-7]|[A-Z]{3})?L", text, re.ASCII):
        if match[1] is None:
            return lambda day: _weekday(day) == _WEEK
        wanted = _number(match[1], _DAYS, "day of week")
        return lambda day: _weekday(day) == wanted and day.day > _last(day) - _WEEK
    days = _numbers(text, 1, 7, _DAYS, "day of week")
    return lambda day: _weekday(day) in days


def _weekday(day: date) -> int:
    """Sunday is 1, Saturday 7."""
    return day.isoweekday() % _WEEK + 1


def _last(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> int:
    """The weekday nearest to a day of the same month; it never leaves the month."""
    target = day.replace(day=wanted)
    if target.isoweekday() == _SATURDAY:
        return wanted - 1 if wanted > 1 else wanted + 2
    if target.isoweekday() == _SUNDAY:
        return wanted + 1 if wanted < _last(day) else wanted - 2
    return wanted


def _numbers(text: str, low: int, high: int, names: tuple[str, ...], what: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        start = low if span == "*" else _number(first, names, what)
        end = high if span == "*" or (slash and not dash) else _number(last, names, what) if dash else start
        stride = _number(step, (), what) if slash else 1
        if not low <= start <= high or not low <= end <= high or start > end or stride < 1:
            raise ValueError(f"{what} {text!r} is not within {low} to {high}, or runs backwards")
        found.update(range(start, end + 1, stride))
    return frozenset(found)


def _number(text: str, names: tuple[str, ...], what: str) -> int:
    if text in names:
        return names.index(text) + 1
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII):
        raise ValueError(f"{what} {text!r} is not a number that cron knows here")
    return int(text)
