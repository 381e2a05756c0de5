"""Abnormal ECS events arrive in batches; what a person should hear of goes to the incident desk.

A message is handed back only if its body is not JSON or if there was no time to count what it tells; everything else
is done with once it was read, whether it was news, a repeat or noise.
"""

from typing import Any

from breakwater.desk import Taken
from breakwater.diagnosis import Facts
from breakwater.errors import BreakwaterError
from breakwater.events import parse_arn
from breakwater.ledger import Ledger
from breakwater.model import Finding, LogTail, Mode
from breakwater.sent_back import SentBack

from .decision import (
    AlertDecision,
    Report,
    decide_alert,
    hook_wanted,
    ledger_wanted,
    service_wanted,
    task_definition_wanted,
    way_back_wanted,
)
from .intake import Letter, Post, distinct, facts_for, open_batch
from .wiring import Work, wiring

ENOUGH_TIME_MS = 20_000
TIME_TO_READ_LOGS_MS = 60_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one batch of TaskAlertsQueue with the messages that have to come again."""
    return respond(event, context, wiring())


def respond(event: dict[str, Any], context: Any, work: Work) -> dict[str, Any]:
    """Open the batch, decide each event, take what is reported to the desk, say what became of it."""
    post = open_batch(event)
    if work.settings.mode is Mode.OFF:
        return {"batchItemFailures": []}
    decided = _decided(post, work, _home(work, context))
    reports = [(letter, decision) for letter, decision in decided if isinstance(decision, Report)]
    policy = work.policy() if reports else None  # an event that is dropped makes no call
    taken = None
    if policy and policy.mode is not Mode.OFF:
        taken = work.desk.take(
            [report.finding for _, report in reports],
            policy,
            work.now(),
            read_log=lambda finding: _log(work, finding, context),
            time_left=lambda: context.get_remaining_time_in_millis() > ENOUGH_TIME_MS,
        )
    left = {finding.identity for finding in taken.unfinished} if taken else set()
    again = [*post.poison, *(letter.message_id for letter, report in reports if report.finding.identity in left)]
    _say(work, post, decided, taken, again)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in again]}


def _log(work: Work, finding: Finding, context: Any) -> LogTail | None:
    """The log tail, while there is time: incidents are to be kept even if CloudWatch Logs hangs."""
    if context.get_remaining_time_in_millis() < TIME_TO_READ_LOGS_MS:
        return LogTail(missing="there was no time to read the log")
    return work.read_log(finding)


def _home(work: Work, context: Any) -> Facts:
    """Who and where we are, by the function's own ARN, and when it is."""
    arn = parse_arn(context.invoked_function_arn)
    return Facts(now=work.now(), account=arn.account if arn else "", region=arn.region if arn else "")


def _decided(post: Post, work: Work, home: Facts) -> list[tuple[Letter, AlertDecision]]:
    """Look up what the events of the batch need, all of it at once, and decide each."""
    wanted = distinct(task_definition_wanted(letter.event, home) for letter in post.letters)
    definitions = work.definitions.read(wanted, home.now) if wanted else {}
    named = list(dict.fromkeys(service for letter in post.letters if (service := service_wanted(letter.event, home))))
    services = work.services(named) if named else {}
    hooks = distinct(hook_wanted(letter.event, home) for letter in post.letters)
    attended = frozenset(hook for hook in hooks if work.attends(*hook))
    ledgers = _ledgers(work, distinct(ledger_wanted(letter.event, home) for letter in post.letters))
    sent_back = _sent_back(work, distinct(way_back_wanted(letter.event, home) for letter in post.letters))
    return [
        (
            letter,
            decide_alert(
                letter.event,
                facts_for(letter.event, home, definitions, services, attended),
                ledgers.get(ledger_wanted(letter.event, home) or ""),
                sent_back.get(way_back_wanted(letter.event, home) or ""),
            ),
        )
        for letter in post.letters
    ]


def _ledgers(work: Work, names: list[str]) -> dict[str, Ledger]:
    """The ledgers of these services; unread, nothing is taken for the rollback guard's own doing."""
    if not names:
        return {}
    try:
        return {name: kept.ledger for name, kept in work.ledgers.load(names).items()}
    except BreakwaterError as error:
        work.logger.warning("the ledger could not be read", problem=str(error))
        return {}


def _sent_back(work: Work, names: list[str]) -> dict[str, SentBack]:
    """What releases sent back of these services; unread, nothing is taken for a release's own doing."""
    if not names:
        return {}
    try:
        return work.sent_back.load(names)
    except BreakwaterError as error:
        work.logger.warning("what releases sent back could not be read", problem=str(error))
        return {}


def _say(
    work: Work, post: Post, decided: list[tuple[Letter, AlertDecision]], taken: Taken | None, again: list[str]
) -> None:
    """One log line for each event that came to nothing and one for the batch; the figures as metrics."""
    ignored = 0
    for letter, decision in decided:
        if not isinstance(decision, Report):
            ignored += 1
            work.logger.info(
                "event ignored", message_id=letter.message_id, cause=str(decision.cause), reason=decision.reason
            )
    for message_id in post.poison:
        work.logger.error("message is not JSON and goes back to the queue", message_id=message_id)
    figures = {
        "EventsIgnored": ignored,
        "EventsReported": len(decided) - ignored,
        "MessagesReturned": len(again),
        "NoticesPublished": taken.told.published if taken else 0,
        "NoticesUnpublished": taken.told.unpublished if taken else 0,
    }
    if taken and taken.told.unpublished:
        work.logger.error("notices could not be published; the sweep tries again", problem=taken.told.problem)
    work.logger.info("batch answered", extra={"mode": str(work.settings.mode), **figures})
    for name, value in figures.items():
        work.metrics.add_metric(name=name, unit="Count", value=value)
    work.metrics.flush_metrics()
