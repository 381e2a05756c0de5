"""When a window is open, in its own time zone, as EventBridge Scheduler counts time.

Scheduler fires at wall-clock times: in the hour that a change to summer time skips nothing fires, and in the hour that
a change back repeats it fires once, the first time. So a window that would open in the gap does not open that day. One
that would close in the gap closes when the gap is over: no schedule fires then, the sweep sees it, and a service is not
kept small for another day.

Occurrences that touch are one: Saturday and Sunday from midnight to midnight are one weekend, and somebody who changes
the service on Saturday is left alone until Monday.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from breakwater.policies import WindowPolicy

from .scale import Claim, ClaimKind

DAY = timedelta(days=1)
DAY_MINUTES = 24 * 60
LOOK_BACK = 15
"""Days: more than two weeks without a gap is no window but a size, and its occurrences are cut there."""


def open_claim(window: WindowPolicy, now: datetime) -> Claim | None:
    """The occurrence of a window that is going on now, as a claim, or `None`."""
    for starts, until in _occurrences(window, now):
        if starts <= now < until:
            return Claim(
                id=f"window:{window.name}@{starts.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
                kind=ClaimKind.WINDOW,
                starts=starts,
                until=until,
                desired=window.desired,
                minimum=window.minimum,
                maximum=window.maximum,
                by=f"window {window.name}",
            )
    return None


def _occurrences(window: WindowPolicy, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The occurrences around an instant, in order, those that touch or overlap joined."""
    zone = ZoneInfo(window.time_zone)
    today = now.astimezone(zone).date()
    joined: tuple[datetime, datetime] | None = None
    for back in range(LOOK_BACK, -3, -1):
        day = today - back * DAY
        if day.weekday() not in window.days:
            continue
        starts = instant(day, window.opens, zone)
        if starts is None:
            continue  # in the gap: Scheduler would not fire, so it does not open
        last = day if window.closes > window.opens else day + DAY
        until = instant(last, window.closes, zone) or _after_gap(last, window.closes, zone)
        if joined is not None and starts <= joined[1]:
            joined = (joined[0], max(joined[1], until))
            continue
        if joined is not None:
            yield joined
        joined = (starts, until)
    if joined is not None:
        yield joined


def instant(day: date, minute: int, zone: ZoneInfo) -> datetime | None:
    """The instant of a wall-clock time: the first of two in a repeated hour, `None` in a skipped one."""
    local = datetime.combine(day, time()) + timedelta(minutes=minute)
    at = local.replace(tzinfo=zone).astimezone(UTC)
    return at if at.astimezone(zone).replace(tzinfo=None) == local else None


def _after_gap(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The first instant after the gap in which a wall-clock time lies: where the clock jumps."""
    return next(at for extra in range(1, DAY_MINUTES) if (at := instant(day, minute + extra, zone)) is not None)
