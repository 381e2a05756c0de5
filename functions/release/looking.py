"""See the deployment that an event tells of: its reads may be older than the event."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from .old_reads import is_behind
from .record import Release
from .sight import Rollout
from .wiring import Work

READS = 5


def looked_for(release: Release, told: Mapping[str, Any], work: Work, now: datetime) -> tuple[Rollout | None, bool]:
    """The deployment, and whether its reads still lack what the event has told after `READS` of them.

    The event is spent: who goes back to waiting on an old read is woken by the sweep only. A name that is known and
    leads nowhere is looked up again as well.
    """
    arn = release.service_deployment
    for look in range(READS):
        if look:
            work.sleep(2**look)
        rollout = work.sight.rollout(arn) if arn else None
        if arn is None:
            break
        if rollout is not None and not is_behind(told, rollout.seen, rollout.hook, rollout.answered, now):
            return _staged(rollout, told), False
    return _staged(rollout, told), rollout is not None


def _staged(rollout: Rollout | None, told: Mapping[str, Any]) -> Rollout | None:
    """The hook's stage is the event's, where it tells of the hook that waits now."""
    body = told.get("body") or {}
    if rollout is None or rollout.hook is None or body.get("hook_id") != rollout.hook.hook_id or not body.get("stage"):
        return rollout
    return replace(rollout, hook=replace(rollout.hook, stage=str(body["stage"])))
