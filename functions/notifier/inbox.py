"""What one SQS batch brings: notices of the incident topic (raw delivery) and our own wake-ups.

A body that is neither is named as unreadable and nothing else: it goes back to the queue and from there to the
dead-letter queue, while its neighbours are delivered.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from breakwater.errors import BreakwaterError
from breakwater.model import Notice
from breakwater.wire import load_notice

SCHEMA = "breakwater/1"
FLUSH = "notifier.flush"
LONGEST_WAKE_UP = 300


@dataclass(slots=True)
class Inbox:
    """The messages of a batch, read. A notice that came in several messages is there once, with all their ids."""

    notices: dict[str, Notice] = field(default_factory=dict)
    carriers: dict[str, list[str]] = field(default_factory=dict)
    flushes: dict[str, list[str]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


def read_batch(event: Mapping[str, Any]) -> Inbox:
    """Read every message of an SQS event."""
    inbox = Inbox()
    for record in event["Records"]:
        message_id, body = str(record["messageId"]), str(record["body"])
        try:
            channel = _flush_channel(body)
            if channel is not None:
                inbox.flushes.setdefault(channel, []).append(message_id)
                continue
            notice = load_notice(body)
        except (BreakwaterError, ValueError) as error:
            inbox.unreadable[message_id] = str(error)
            continue
        inbox.notices.setdefault(notice.id, notice)
        inbox.carriers.setdefault(notice.id, []).append(message_id)
    return inbox


def flush_body(channel: str) -> str:
    """The wake-up for the digest of one channel."""
    return json.dumps({"schema": SCHEMA, "action": FLUSH, "channel": channel})


def _flush_channel(body: str) -> str | None:
    """The channel of a wake-up; `None` if the body is something else. Raises `ValueError` for a wrong wake-up."""
    if len(body) > LONGEST_WAKE_UP or '"schema"' not in body:
        return None
    raw = json.loads(body)
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        return None
    if raw.keys() != {"schema", "action", "channel"} or raw["action"] != FLUSH or not isinstance(raw["channel"], str):
        raise ValueError("not a wake-up: it takes schema, action and channel, and no other action is known")
    return raw["channel"]
