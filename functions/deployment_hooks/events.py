"""Hooks and deployments change state: who waits is answered, and who waits unattended gets a release that attends.

Arrives: ECS Hook State Change, ECS Deployment State Change, the end of a check's task. Decided: `decide_meeting` and
`breakwater.attending`. Effects: a task token is answered; an execution of the release machine is started; a deployment
that is itself a rollback is continued. What goes wrong raises, and the event comes again.
"""

from datetime import datetime
from typing import Any

from breakwater.attending import Waiting
from breakwater.events import HookStateChange, TaskStateChange, parse_arn, read
from breakwater.rendezvous import Kind, Message
from breakwater.rendezvous_events import CHECK_GROUP, message_of

from .event_wiring import Means, wiring


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take one event from EventBridge."""
    return respond(event, context, wiring())


def respond(raw: dict[str, Any], context: Any, means: Means) -> dict[str, Any]:
    """Bring the event to the service's rendezvous, then see that a hook that waits is attended."""
    now = means.now()
    event = read(raw)
    home = parse_arn(context.invoked_function_arn)
    if home is None or (getattr(event, "account", None), getattr(event, "region", None)) != (home.account, home.region):
        return {"taken": False}
    if isinstance(event, TaskStateChange):
        return _task(event, means, now)
    told = message_of(event)
    if told is None:
        return {"taken": False}
    decision = means.rendezvous.arrive(told.key, told.message, now)
    means.logger.info("event met", service=told.key, kind=str(told.message.kind), reason=decision.reason)
    if told.message.kind is Kind.HOOK and isinstance(event, HookStateChange):
        _attend(told.key, told.message, means, now)
    return {"taken": True}


def _task(event: TaskStateChange, means: Means, now: datetime) -> dict[str, Any]:
    """A check's task ended: the release that began it is told, under the service that it has."""
    kind, _, service = (event.detail.group or "").partition(":")
    if kind != CHECK_GROUP or not event.task_arn or not event.final:
        return {"taken": False}
    message = Message(f"task:{event.task_arn}", Kind.ENDED, now.isoformat(), str(event.task_arn))
    means.rendezvous.arrive(service, message, now)
    return {"taken": True}


def _attend(service: str, message: Message, means: Means, now: datetime) -> None:
    """Who answers this hook? It is looked up whether it still waits, for the event may be old."""
    cluster, _, name = service.partition("/")
    body = message.body
    waiting = Waiting(cluster, name, str(message.deployment), body.get("hook_id", ""), body.get("stage", ""))
    decision = means.see_to(waiting, now)
    means.logger.info(
        "hook waits", service=service, stage=waiting.stage, answer=type(decision).__name__, reason=decision.reason
    )
