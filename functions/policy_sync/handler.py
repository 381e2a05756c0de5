"""A document was put into the policy bucket: apply it, or say what is wrong with it.

Which version the event tells of does not matter: the newest is read, so events may come late, twice, in any order or
not at all (then the sweep sees it). Effects: schedules and rules of ours, the compiled policy, incidents.
"""

from collections.abc import Callable
from typing import Any

from breakwater.model import Mode

from .sync import synchronize
from .wiring import Work, wiring

ENOUGH_TIME_MS = 20_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Apply the newest document. An error is an error of this invocation, and Lambda tries again."""
    return respond(wiring(), context.aws_request_id, lambda: context.get_remaining_time_in_millis() > ENOUGH_TIME_MS)


def respond(work: Work, owner: str, time_left: Callable[[], bool] = lambda: True) -> dict[str, Any]:
    """Bring the newest document into force and say what became of it."""
    if work.settings.mode is Mode.OFF:
        work.logger.warning("the mode is off: the document waits until it is not")
        return {"outcome": "off"}
    document = synchronize(work, owner, time_left)
    if document is None:
        work.logger.info("there is no document")
        return {"outcome": "none"}
    work.logger.info("document judged", version=document.version, outcome=str(document.status))
    work.metrics.add_metric(name="PolicyProblems", unit="Count", value=len(document.problems))
    work.metrics.flush_metrics()
    return {"outcome": str(document.status), "version": document.version, "problems": len(document.problems)}
