"""Every five minutes: resolve what has been quiet, remind of what goes on, tell what was due and never told."""

from typing import Any

from breakwater.errors import ThrottledError
from breakwater.model import Mode

from .wiring import Work, wiring


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look at all incidents that need attention, with the same rules as the events' lane and no event."""
    return respond(wiring())


def respond(work: Work) -> dict[str, Any]:
    """Sweep once and say what came of it. Raises `ThrottledError` if a notice that is due could not be published."""
    if work.settings.mode is Mode.OFF:
        return {"resolved": 0, "published": 0}
    swept = work.desk.sweep(work.policy, work.now())
    for incident in swept.incidents:
        work.logger.info("incident changed", incident=incident.id, status=str(incident.status), count=incident.count)
    told = swept.told
    work.metrics.add_metric(name="NoticesUnpublished", unit="Count", value=told.unpublished)
    work.metrics.flush_metrics()
    if told.unpublished:
        # The sweep is the last to try. Its failure is what the alarms and the dead-letter queue of the stack show.
        raise ThrottledError(f"{told.unpublished} notices could not be published: {told.problem}")
    resolved = sum(incident.status == "resolved" for incident in swept.incidents)
    return {"resolved": resolved, "published": told.published}
