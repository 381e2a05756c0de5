"""SQS batches and JSON text: the wrapping around events."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .base import whole_number


def read_json(text: str | bytes) -> object:
    """Read JSON strictly, or raise `ValueError`. Nesting too deep to read counts as not readable.

    Python would take NaN and Infinity, which are not JSON, and refuse integers of more than 4,300 digits, which are.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        return _read_huge_numbers(text)


def _read_huge_numbers(text: str | bytes) -> object:
    try:
        return json.loads(text, parse_constant=_refuse, parse_int=_huge)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _huge(digits: str) -> int:
    """Read an integer of any length; one that is absurdly long is cut, its size means nothing to us."""
    number = whole_number(digits.lstrip("-")) or 0
    return -number if digits.startswith("-") else number


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


@dataclass(frozen=True, slots=True)
class Record:
    """One message. Its body is the event, as text; `sent_at` is when it came into the queue."""

    message_id: str | None
    body: str | None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of one invocation, in order."""

    records: tuple[Record, ...]


def read_batch(raw: object) -> Batch | None:
    """Read `{"Records": [...]}`, or say that it is no batch. Entries of any shape are kept and so counted."""
    if not isinstance(raw, dict) or "detail-type" in raw or not isinstance(raw.get("Records"), list):
        return None
    return Batch(tuple(_record(entry) for entry in raw["Records"]))


def _record(entry: object) -> Record:
    if not isinstance(entry, dict):
        return Record(None, None)
    message_id, body = entry.get("messageId"), entry.get("body")
    return Record(
        message_id if isinstance(message_id, str) else None, body if isinstance(body, str) else None, _sent_at(entry)
    )


def _sent_at(entry: dict[str, Any]) -> datetime | None:
    """SQS gives milliseconds since 1970, as text."""
    attributes = entry.get("attributes")
    millis = attributes.get("SentTimestamp") if isinstance(attributes, dict) else None
    if not isinstance(millis, str) or not re.fullmatch(r"[0-9]{1,14}", millis):
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(millis))
