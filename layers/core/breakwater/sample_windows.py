"""From when on each side's metrics are looked at: traffic of the release, and none from before it. Pure.

Before its first share of production traffic a new revision is asked by smoke tests alone, and by whatever else knows
the test listener. An error that a check tolerated is no error of production, and a load test is no sample of it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from breakwater.preflight_facts import ServiceFacts


@dataclass(frozen=True, slots=True)
class Starts:
    """Where the windows of the new and of the old side begin."""

    green: datetime
    blue: datetime


def starts_of(service: ServiceFacts, since: datetime, window: timedelta) -> Starts:
    """The starts for a deployment that has waited at its hook since `since`.

    The hook comes after the bake of the step, in which the new side had its share: so far the window may reach back,
    and no further. CANARY and LINEAR compare both sides over the same minutes. BLUE_GREEN shifts everything at once,
    and the hook comes right behind it: the new side is looked at from then on, the old one over the window before.
    """
    before = since - window
    shifted = since - timedelta(minutes=service.step_bake_minutes)
    green = before if shifted <= before else _whole_minute_after(shifted)
    return Starts(green, before if service.strategy == "BLUE_GREEN" else green)


def _whole_minute_after(moment: datetime) -> datetime:
    """The minute of the shift itself has still something of what was before it."""
    whole = moment.replace(second=0, microsecond=0)
    return whole if whole == moment else whole + timedelta(minutes=1)
