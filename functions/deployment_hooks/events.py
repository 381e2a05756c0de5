"""Hooks and deployments change state: who waits is answered, and who waits unattended gets a release that attends.

Arrives: ECS Hook State Change, ECS Deployment State Change, the end of a check's task. Decided: `decide_meeting` and
`decide_attend`. Effects: a task token is answered; an execution of the release machine is started; a deployment that
is itself a rollback is continued. What goes wrong raises, and the event comes again.
"""

from datetime import datetime
from typing import Any, assert_never

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError
from breakwater.events import HookStateChange, TaskStateChange, parse_arn, read
from breakwater.rendezvous import Kind, Message
from breakwater.rendezvous_events import message_of

from .attending import Attend, Continue, LeaveAlone, Waiting, decide_attend
from .event_wiring import Means, wiring

CHECK_GROUP = "breakwater-check"


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
    claimed = means.claimed(service)
    waiting = Waiting(
        cluster, name, str(message.deployment), message.body.get("hook_id", ""), message.body.get("stage", "")
    )
    policy = means.policy(service, now)
    decision = decide_attend(waiting, means.direction(waiting.deployment), policy, claimed_by=claimed)
    means.logger.info(
        "hook waits", service=service, stage=waiting.stage, answer=type(decision).__name__, reason=decision.reason
    )
    match decision:
        case LeaveAlone():
            return
        case Continue(action=action, reason=reason):
            _continue(waiting, action, means)
            means.journal(waiting, f"{action.lower()} at {waiting.stage}", reason, now)
        case Attend(name=execution, input=text, reason=reason):
            _start(execution, text, means)
            means.journal(waiting, "attend", reason, now)
        case _:
            assert_never(decision)


def _continue(waiting: Waiting, action: str, means: Means) -> None:
    """Let it go on. One that went on by itself, or was answered by somebody, does not wait any more."""
    try:
        with translated_errors(f"continue {waiting.deployment.rpartition('/')[2]}"):
            means.client("ecs").continue_service_deployment(
                serviceDeploymentArn=waiting.deployment, hookId=waiting.hook_id, action=action
            )
    except BreakwaterError as error:
        if "InvalidParameterException" not in str(error):
            raise
        means.logger.info("hook did not wait any more", problem=str(error))


def _start(name: str, text: str, means: Means) -> None:
    """Start it once: the same name again is an error once the execution has ended, and none while it runs."""
    try:
        with translated_errors("start a release"):
            means.client("stepfunctions").start_execution(stateMachineArn=means.state_machine, name=name, input=text)
    except BreakwaterError as error:
        if "ExecutionAlreadyExists" not in str(error):
            raise
