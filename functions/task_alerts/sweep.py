"""Every five minutes: resolve what has been quiet, remind of what goes on, tell what was due and never told."""

from collections.abc import Callable
from typing import Any

from breakwater.errors import BreakwaterError, ThrottledError
from breakwater.model import Mode

from .wiring import Work, wiring

ENOUGH_TIME_MS = 20_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look at all incidents that need attention, with the same rules as the events' lane and no event."""
    return respond(wiring(), lambda: context.get_remaining_time_in_millis() > ENOUGH_TIME_MS)


def respond(work: Work, time_left: Callable[[], bool] = lambda: True) -> dict[str, Any]:
    """Sweep once and say what came of it.

    Raises `BreakwaterError` if a notice that is due could not be published or an incident not be read.
    """
    policy = None if work.settings.mode is Mode.OFF else work.policy()
    if policy is None or policy.mode is Mode.OFF:
        return {"resolved": 0, "published": 0}
    swept = work.desk.sweep(policy, work.now(), time_left)
    for incident in swept.incidents:
        work.logger.info("incident changed", incident=incident.id, status=str(incident.status), count=incident.count)
    told = swept.told
    work.metrics.add_metric(name="NoticesUnpublished", unit="Count", value=told.unpublished)
    work.metrics.flush_metrics()
    if told.unpublished:
        # The sweep is the last to try. Its failure is what the alarms and the dead-letter queue of the stack show.
        raise ThrottledError(f"{told.unpublished} notices could not be published: {told.problem}")
    if swept.unreadable:
        raise BreakwaterError(f"the records of these incidents cannot be read: {', '.join(swept.unreadable)}")
    resolved = sum(incident.status == "resolved" for incident in swept.incidents)
    return {"resolved": resolved, "published": told.published}
