"""Every five minutes: a document that no event told of, and what of a policy was not applied yet.

Every six hours schedules and rules are compared with the policy in any case, so what somebody changed is put right.
"""

from collections.abc import Callable
from typing import Any

from breakwater.errors import ConflictError, NotFoundError
from breakwater.model import Mode

from .handler import ENOUGH_TIME_MS, respond
from .state import Status
from .wiring import Work, wiring

LOOK_AGAIN_SECONDS = 6 * 3600


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look whether there is anything to do, and do it."""
    return sweep(wiring(), context.aws_request_id, lambda: context.get_remaining_time_in_millis() > ENOUGH_TIME_MS)


def sweep(work: Work, owner: str, time_left: Callable[[], bool] = lambda: True) -> dict[str, Any]:
    """Synchronize if it is due; somebody else who is at it just now is as good."""
    reason = None if work.settings.mode is Mode.OFF else _due(work)
    if reason is None:
        return {"outcome": "nothing to do"}
    work.logger.info("synchronizing", reason=reason)
    try:
        return respond(work, owner, time_left)
    except ConflictError:
        return {"outcome": "somebody else is at it"}


def _due(work: Work) -> str | None:
    """Why it is time to synchronize, or `None`."""
    document, _ = work.state.read()
    try:
        newest = work.newest()
    except NotFoundError:
        return None
    if newest.version != document.version:
        return "there is a document that was not looked at"
    if document.behind or document.status is Status.APPLYING:
        return "schedules and rules are behind the policy"
    if work.now().timestamp() - document.checked >= LOOK_AGAIN_SECONDS:
        return "it is time to compare"
    return None
