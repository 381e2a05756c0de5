"""Every five minutes: resolve what has been quiet, remind of what goes on, tell what was due and never told."""

from typing import Any

from breakwater.model import Mode

from .wiring import Work, wiring


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look at all incidents that need attention, with the same rules as the events' lane and no event."""
    return respond(wiring())


def respond(work: Work) -> dict[str, Any]:
    """Sweep once and say what came of it."""
    if work.settings.mode is Mode.OFF:
        return {"resolved": 0, "published": 0, "unpublished": 0}
    swept = work.desk.sweep(work.policy, work.now())
    for incident in swept.incidents:
        work.logger.info("incident changed", incident=incident.id, status=str(incident.status), count=incident.count)
    resolved = sum(incident.status == "resolved" for incident in swept.incidents)
    if swept.unpublished:
        work.logger.error("notices could not be published; the next sweep tries again", notices=swept.unpublished)
    return {"resolved": resolved, "published": swept.published, "unpublished": swept.unpublished}
