"""What the notifier remembers of its channels, in the one table.

| item | what it is for |
|---|---|
| `CHANNEL#<channel>` / `METER` | the messages reserved lately; replaced whole, if its `version` is still the one read |
| `CHANNEL#<channel>` / `PENDING#<incident id>#<notice id>` | a notice that waits for the digest |
| `NOTICE#<notice id>` / `<channel>` | the notice is being sent (`until`) or was sent (`sent` is 1) |

Each pending notice is an item of its own, not one per incident to be merged in place: writing it twice changes
nothing, a batch write needs no condition, and a digest deletes exactly what it named, whatever came meanwhile. They are
merged when they are read. Marks outlive the fourteen days that a message can spend in a dead-letter queue.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from breakwater.model import Category, Cause, Notice, NoticeKind, Severity
from breakwater.store import Item, Key, Table, Update, Value

from .decision import Entry, Mark, Meter

MARK_DAYS = 15
PENDING_DAYS = 14
METER_DAYS = 2
_DAY = 86400


class ChannelStore:
    """The notifier's memory. Each method is one read or one kind of write."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, channel: str, notices: Sequence[Notice]) -> tuple[Meter, dict[str, Mark], frozenset[str]]:
        """The meter of a channel, the marks of these notices on it, and which of them wait for the digest."""
        waiting_keys = {_pending_key(channel, notice.incident.id, notice.id): notice.id for notice in notices}
        found = self._table.get_many(
            [_meter_key(channel), *(_mark_key(channel, notice.id) for notice in notices), *waiting_keys]
        )
        waiting = frozenset(waiting_keys[key] for key in waiting_keys.keys() & found.keys())
        return _meter_in(found, channel), _marks_in(found), waiting

    def read_pending(self, channel: str) -> tuple[list[Entry], Meter, dict[str, Mark]]:
        """What waits for the digest of a channel, its meter, and the marks of what waits."""
        entries = [_entry(str(item["doc"])) for item in self._table.under(f"CHANNEL#{channel}", "PENDING#")]
        found = self._table.get_many([_meter_key(channel), *(_mark_key(channel, each.notice_id) for each in entries)])
        return entries, _meter_in(found, channel), _marks_in(found)

    def save(self, channel: str, meter: Meter, now: datetime) -> None:
        """Replace the meter that `meter` was derived from. Raises `ConflictError` if another was saved meanwhile."""
        values: Item = {"version": meter.version + 1, "doc": _meter_doc(meter), "ttl": _ttl(now, METER_DAYS)}
        expected: Mapping[str, Value | None] = {"version": meter.version or None}
        self._table.write(Update(_meter_key(channel), set_values=values, expected=expected))

    def claim(self, channel: str, notice_id: str, seen: Mark | None, until: datetime, now: datetime) -> None:
        """Say that a notice is about to be sent. Raises `ConflictError` unless its mark is still the one seen.

        Of two that saw the same mark, only one can replace its `until`.
        """
        values: Item = {"sent": 0, "until": _micros(until), "ttl": _ttl(now, MARK_DAYS)}
        expected: Mapping[str, Value | None] = (
            {"until": None} if seen is None else {"until": _micros(seen.until), "sent": 0}
        )
        self._table.write(Update(_mark_key(channel, notice_id), set_values=values, expected=expected))

    def mark_sent(self, channel: str, notice_ids: Iterable[str], now: datetime) -> None:
        """Say that these notices were sent."""
        keys = [_mark_key(channel, notice_id) for notice_id in notice_ids]
        rest: Item = {"sent": 1, "until": _micros(now), "ttl": _ttl(now, MARK_DAYS)}
        self._table.put_many({"pk": pk, "sk": sk, **rest} for pk, sk in keys)

    def defer(self, channel: str, entries: Iterable[Entry], now: datetime) -> None:
        """Keep these for the digest."""
        self._table.put_many(
            {"pk": pk, "sk": sk, "doc": _entry_doc(entry), "ttl": _ttl(now, PENDING_DAYS)}
            for entry in entries
            for pk, sk in [_pending_key(channel, entry.incident_id, entry.notice_id)]
        )

    def forget(self, channel: str, entries: Iterable[Entry]) -> None:
        """Nothing of this waits any more."""
        self._table.delete_many(_pending_key(channel, entry.incident_id, entry.notice_id) for entry in entries)


def _meter_key(channel: str) -> Key:
    return f"CHANNEL#{channel}", "METER"


def _mark_key(channel: str, notice_id: str) -> Key:
    return f"NOTICE#{notice_id}", channel


def _pending_key(channel: str, incident_id: str, notice_id: str) -> Key:
    return f"CHANNEL#{channel}", f"PENDING#{incident_id}#{notice_id}"


def _ttl(now: datetime, days: int) -> int:
    return int(now.timestamp()) + days * _DAY


def _micros(at: datetime) -> int:
    """Microseconds since 1970, exactly: floating point would not give the same number back."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)


def _at(micros: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + micros * datetime.resolution


def _marks_in(found: Mapping[Key, Mapping[str, Value]]) -> dict[str, Mark]:
    return {
        pk.removeprefix("NOTICE#"): Mark(item["sent"] == 1, _at(int(item["until"])))
        for (pk, _), item in found.items()
        if pk.startswith("NOTICE#")
    }


def _meter_doc(meter: Meter) -> str:
    return json.dumps(
        {
            "singles": [at.isoformat() for at in meter.singles],
            "digest": meter.digest.isoformat() if meter.digest else None,
            "wake": meter.wake.isoformat() if meter.wake else None,
        }
    )


def _meter_in(found: Mapping[Key, Mapping[str, Value]], channel: str) -> Meter:
    item = found.get(_meter_key(channel))
    if item is None:
        return Meter()
    doc = json.loads(str(item["doc"]))
    return Meter(
        version=int(item["version"]),
        singles=tuple(datetime.fromisoformat(at) for at in doc["singles"]),
        digest=datetime.fromisoformat(doc["digest"]) if doc["digest"] else None,
        wake=datetime.fromisoformat(doc["wake"]) if doc["wake"] else None,
    )


_TIMES = ("at", "first_seen", "last_seen", "not_before")
_WORDS: Mapping[str, Any] = {"kind": NoticeKind, "severity": Severity, "category": Category, "cause": Cause}


def _entry_doc(entry: Entry) -> str:
    values = {each.name: getattr(entry, each.name) for each in fields(entry)}
    return json.dumps(
        {name: value.isoformat() if name in _TIMES and value else value for name, value in values.items()}
    )


def _entry(doc: str) -> Entry:
    raw: dict[str, Any] = json.loads(doc)
    raw |= {name: datetime.fromisoformat(raw[name]) for name in _TIMES if raw.get(name)}
    raw |= {name: kind(raw[name]) for name, kind in _WORDS.items()}
    return Entry(**{each.name: raw[each.name] for each in fields(Entry) if each.name in raw})
