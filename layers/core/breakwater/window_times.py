"""The times at which EventBridge Scheduler has to wake the scaler for a window, in the window's own time zone.

The scaler itself decides what is open (`scaler.windows`); a wake-up at the wrong time does nothing.
"""

from breakwater.policies import WindowPolicy

DAY_MINUTES = 24 * 60
DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


def expressions(window: WindowPolicy) -> tuple[str, str]:
    """The cron expressions of a window's beginning and of its end.

    A window that closes at or before the time at which it opens, or at midnight, ends on the day after.
    """
    shift = 0 if window.opens < window.closes < DAY_MINUTES else 1
    closing = sorted((day + shift) % 7 for day in window.days)
    return _cron(window.opens, sorted(window.days)), _cron(window.closes, closing)


def _cron(minute: int, days: list[int]) -> str:
    of_day = minute % DAY_MINUTES
    return f"cron({of_day % 60} {of_day // 60} ? * {','.join(DAYS[day] for day in days)} *)"
