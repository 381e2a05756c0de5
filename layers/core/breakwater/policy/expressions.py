"""Schedule expressions as EventBridge Scheduler wants them, judged before AWS sees them."""

import re
from datetime import UTC, datetime, timedelta

from breakwater.occurrences import read_schedule

LONGEST = 256
_FOUR_YEARS = timedelta(days=1462)


def checked(expression: str) -> str:
    """Give the expression back; ValueError says what is wrong with it.

    A time that cannot come (the 31st of February) is refused too: a job that never runs tells nobody.
    """
    if len(expression) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    schedule = read_schedule(expression)
    if expression.startswith("cron"):
        years = re.findall(r"\b(?:19[7-9]|20[0-9]|21[0-9])[0-9]\b", expression.rpartition(" ")[2])
        start = datetime(int(min(years, default="2024")), 1, 1, tzinfo=UTC) - timedelta(days=2)
        if next(schedule.between(start, start + _FOUR_YEARS), None) is None:
            raise ValueError(f"{expression} never comes: none of these months has that day")
    return expression
