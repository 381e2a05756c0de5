"""Quiet hours: the times of the week at which only incidents of high severity are told at once.

Wall-clock times in a zone of their own. A time that the change to summer time skips is an hour later that day, one that
is repeated is the first of the two. What waits is told at the end of the quiet time in which it came, so it waits for
less than a day, however the hours are set.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from breakwater.policies import QuietPolicy

_DAY = timedelta(days=1)


def quiet_until(hours: Iterable[QuietPolicy], now: datetime) -> datetime | None:
    """When the quiet time ends in which this instant lies; `None` if it lies in none. The latest end, of several."""
    return max((ends for each in hours for begins, ends in _around(each, now) if begins <= now < ends), default=None)


def _around(hours: QuietPolicy, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The quiet times that began on this local day or the one before. A zone that nobody knows here has none."""
    try:
        zone = ZoneInfo(hours.time_zone)
    except (KeyError, ValueError, OSError):
        return
    today = now.astimezone(zone).date()
    for day in (today - _DAY, today):
        if day.weekday() in hours.days:
            last = day if hours.ends > hours.begins else day + _DAY
            yield _instant(day, hours.begins, zone), _instant(last, hours.ends, zone)


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    local = datetime.combine(day, time()) + timedelta(minutes=minute)
    return local.replace(tzinfo=zone).astimezone(UTC)
