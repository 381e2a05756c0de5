"""Notices arrive in SQS batches and leave as messages: at once while the channel's minute has room, else in a digest.

Arrives: `breakwater.model.Notice` as JSON (the incident topic, raw delivery), or our own wake-up `notifier.flush`.
Decided: `decide_delivery` and `decide_digest`; the policy says who is told what and when it is quiet. Effects: e-mail
through the mail topic, Slack through its webhook, and what the notifier remembers of both in the table.

A message that failed on any channel is reported, comes again, and reaches the dead-letter queue if it keeps failing;
the channels that had it already recognise it. The batch loop is written by hand, since the batch processor of
Powertools imports asyncio and its idempotency and parameters import boto3: a third of a cold start for ten lines.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from breakwater.compiled import Compiled
from breakwater.errors import BreakwaterError
from breakwater.model import Notice, Severity

from .decision import NEVER
from .delivery import deliver, flush
from .inbox import read_batch
from .wiring import Deps, wiring


def handler(event: Mapping[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Deliver one batch and name the messages that have to come again."""
    return respond(event, wiring())


def respond(event: Mapping[str, Any], deps: Deps) -> dict[str, list[dict[str, str]]]:
    """Read the batch, deliver its notices on every channel, then send the digests it asks for."""
    inbox = read_batch(event)
    failed = set(inbox.unreadable)
    for message_id, problem in inbox.unreadable.items():
        deps.means.outcomes.message(message_id, problem)
    policy = deps.policy() if deps.channels and inbox.notices else None
    quiet = _quiet(policy, inbox.notices.values(), deps.means.now()) if policy else NEVER
    for channel in deps.channels.values():
        wanted = _wanted(policy, channel.name, list(inbox.notices.values()))
        for notice_id in deliver(channel, wanted, deps.means, quiet):
            failed.update(inbox.carriers[notice_id])
    for name, message_ids in inbox.flushes.items():
        if not _flushed(name, deps):
            failed.update(message_ids)
    deps.means.outcomes.close()
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}


def _wanted(policy: Compiled | None, channel: str, notices: list[Notice]) -> list[Notice]:
    """The notices that the policy lets a channel have, by severity."""
    if policy is None:
        return notices
    least = policy.channel(channel).minimum_severity.rank
    return [notice for notice in notices if notice.incident.severity.rank >= least]


def _quiet(policy: Compiled, notices: Iterable[Notice], now: datetime) -> Mapping[str, datetime]:
    """The notices that wait for the end of quiet hours, and until when. What is of high severity never waits."""
    below = (notice for notice in notices if notice.incident.severity is not Severity.HIGH)
    hours = {notice.id: said for notice in below if (said := policy.quiet_for(notice.incident.subject))}
    if not hours:
        return NEVER
    from breakwater.quiet import quiet_until  # time zones: only who has quiet hours pays for them

    return {id_: until for id_, said in hours.items() if (until := quiet_until(said, now)) is not None}


def _flushed(name: str, deps: Deps) -> bool:
    channel = deps.channels.get(name)
    if channel is None:
        deps.means.outcomes.digest("nothing to send", name, 0, "there is no such channel any more")
        return True
    try:
        flush(channel, deps.means)
    except BreakwaterError as error:
        deps.means.outcomes.digest("failed", name, 0, str(error))
        return False
    return True
