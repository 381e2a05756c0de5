"""From an event of ECS to the message that a waiting release takes, and the service under which they meet. Pure."""

from dataclasses import dataclass

from breakwater.events import DeploymentStateChange, Event, HookStateChange, ServiceAction, Unreadable, parse_time
from breakwater.redact import redact
from breakwater.rendezvous import Kind, Message

AWAITING = "HOOK_AWAITING_ACTION"
CHECK_GROUP = "breakwater-check"
"""How the group of a check's task begins. The service follows, so that the event of its end finds the release."""
ENDED = frozenset({"SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED"})


@dataclass(frozen=True, slots=True)
class Told:
    """A message and the key of its meeting."""

    key: str
    message: Message


def message_of(event: Event | Unreadable) -> Told | None:
    """Read what a release may wait for, or say that this is nothing of the kind.

    FAILED is no end yet where ECS rolls back, and COMPLETED under an old id is that rollback's end: the waiter looks at
    the truth. SERVICE_DEPLOYMENT_* come under two detail-types: two messages at worst, and the second one wakes
    somebody who then waits on. A time is part of the identity: a deployment that is rolled back to completes again.
    """
    match event:
        case HookStateChange(detail=detail) if detail.event_name == AWAITING:
            at, deployment = detail.updated_at, detail.service_deployment_arn or event.resource
            body = {"hook_id": detail.hook_id, "stage": detail.lifecycle_stage, "expires_at": detail.expires_at}
            identity = f"hook:{deployment}:{detail.hook_id}:{detail.lifecycle_stage}"
            kind = Kind.HOOK
        case DeploymentStateChange(detail=detail) | ServiceAction(detail=detail) if detail.event_name in ENDED:
            at, deployment = detail.updated_at or detail.created_at, detail.deployment_id
            body = {"event": detail.event_name, "reason": redact(detail.reason or "")[:300]}
            identity = f"ended:{deployment}:{detail.event_name}"
            kind = Kind.ENDED
        case _:
            return None
    if not event.service or not event.cluster or not deployment:
        return None
    when = parse_time(at) or event.at
    moment = when.isoformat() if when else ""
    known = {name: value for name, value in body.items() if value}
    return Told(f"{event.cluster}/{event.service}", Message(f"{identity}:{moment}", kind, moment, deployment, known))
