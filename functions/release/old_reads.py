"""Does a read show what an event has told already? ECS is eventually consistent: a read may be older. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from breakwater.rendezvous import Kind

from .facts import OVER, ROLLING_BACK, DeploymentSeen, HookSeen

RECENT = timedelta(minutes=2)
"""What an event told longer ago, every read shows: then it is the event that is late."""
_ENDS = {"SERVICE_DEPLOYMENT_COMPLETED": OVER, "SERVICE_DEPLOYMENT_FAILED": OVER | ROLLING_BACK}


def is_behind(
    told: Mapping[str, Any], seen: DeploymentSeen, hook: HookSeen | None, answered: tuple[str, ...], now: datetime
) -> bool:
    """Whether the event tells of a hook that waits, or of an end, and the read knows neither it nor what came after.

    `answered` are the hooks of the deployment that wait no more: an event of such a one is late.
    """
    body: Mapping[str, Any] = told.get("body") or {}
    at = str(told.get("at") or "")
    if not at or now - datetime.fromisoformat(at) > RECENT or seen.status in OVER:
        return False
    if told.get("kind") == Kind.HOOK:
        named = body.get("hook_id")
        known = (*answered, *((hook.hook_id,) if hook else ()))
        return named is not None and named not in known and seen.status not in ROLLING_BACK
    ends = _ENDS.get(str(body.get("event")))
    return ends is not None and seen.status not in ends
