"""When to look again at a service that settles: soon at first, then at growing gaps. Pure.

A look costs three transitions, as a question of a design that polls each 15 seconds does. No gap is shorter than
`SHORTEST`, so that settling takes at most a third of the transitions of such a design, however long it takes.
"""

import math
from datetime import datetime, timedelta

SHORTEST = timedelta(seconds=45)
LONGEST = timedelta(minutes=5)


def next_look(since: datetime, until: datetime, now: datetime) -> int:
    """Seconds until the next look: as long again as it has taken so far, within bounds, and the last at the end."""
    gap = min(LONGEST, now - since, until - now)
    return math.ceil(max(SHORTEST, gap).total_seconds())
