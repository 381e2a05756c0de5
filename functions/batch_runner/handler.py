"""Schedules that are due, objects that were uploaded and tasks of our runs that stopped arrive in one queue.

A message is handed back if it is not JSON, or if what it asks for could not be written down; what is written down goes
on without it.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from breakwater.diagnosis import Facts
from breakwater.errors import BreakwaterError
from breakwater.events import Record, parse_arn, read_batch
from breakwater.model import Mode

from .engine import Engine
from .intake import Ask, End, Look, Nothing, Wish, read_wish
from .specs import Specs
from .wiring import Work, wiring

ENOUGH_TIME_MS = 15_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one batch of BatchRunnerQueue with the messages that have to come again."""
    return respond(event, context, wiring())


def respond(event: dict[str, Any], context: Any, work: Work) -> dict[str, Any]:
    """Take in every message in order, then give the places that are free to those who wait."""
    batch = read_batch(event)
    if batch is None:
        raise ValueError("the invocation is not an SQS batch: there is no list of Records")
    if work.settings.mode is Mode.OFF:
        return {"batchItemFailures": []}
    policy = work.policy()
    specs = Specs(policy.batch, work.settings.mode)

    def time_left() -> bool:
        return bool(context.get_remaining_time_in_millis() > ENOUGH_TIME_MS)

    engine = work.engine(specs, policy.alerts(), time_left)
    facts = facts_of(specs, context, work.now())
    again: list[str] = []
    touched: dict[str, str] = {}
    for position, record in enumerate(batch.records):
        message_id = record.message_id or ""
        if not time_left():
            again.append(message_id)
            continue
        try:
            name = _take(record, position, engine, specs, facts, work)
        except (BreakwaterError, ValueError) as error:
            work.logger.error("message goes back to the queue", message_id=message_id, problem=str(error))
            again.append(message_id)
            continue
        if name is not None:
            touched[name] = message_id
    _dispatch(touched, engine, work, again)
    work.count({"MessagesReturned": len(again), "MessagesTaken": len(batch.records) - len(again)})
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in dict.fromkeys(again)]}


def facts_of(specs: Specs, context: Any, now: datetime) -> Facts:
    """What decides about events: the policy, and who and where we are by the function's own ARN."""
    arn = parse_arn(context.invoked_function_arn)
    return specs.facts(now, arn.account if arn else "", arn.region if arn else "")


def _take(record: Record, position: int, engine: Engine, specs: Specs, facts: Facts, work: Work) -> str | None:
    """Write down what one message asks for. Returns the lane that may have a place to give now."""
    wish: Wish = read_wish(record.body or "", specs, facts)
    match wish:
        case Nothing(reason=reason):
            work.logger.info("nothing is asked for", message_id=record.message_id, reason=reason)
            return None
        case Look(name=name, at=at):
            if at is not None and at > work.now():
                work.wake(name, at - work.now())
                return None
            engine.look(name)
            return None
        case Ask(run=run):
            spec = specs.of(run.name)
            if spec is None:
                return None
            arrived = min(record.sent_at or run.arrived, run.arrived)
            said = engine.admit(replace(run, arrived=arrived), spec, position)
            work.logger.info("a run was asked for", run=run.ref, decided=said)
            return run.name
        case End(origin=origin, ended=ended, finding=finding):
            said = engine.stopped(origin.name, origin.id, ended, finding)
            work.logger.info("a task stopped", run=f"{origin.name}/{origin.id}", decided=said)
            return origin.name
        case _:
            assert_never(wish)


def _dispatch(touched: dict[str, str], engine: Engine, work: Work, again: list[str]) -> None:
    """Begin what has a place. If that fails the message comes again, and the sweep looks too."""
    for name, message_id in touched.items():
        try:
            engine.dispatch(name)
        except BreakwaterError as error:
            work.logger.error("runs could not be begun; they are tried again", job=name, problem=str(error))
            again.append(message_id)
