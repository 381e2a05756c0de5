"""Incidents in the table: read many, change many, count each fact once.

An incident is one item; each fact counted is a marker of its own beside it (`FACT#…`), written in the same
transaction as the count. So a fact delivered again, even after a crash, finds its marker and changes nothing, and no
item grows with the number of tasks. Markers outlive the longest way a message can take (14 days in a dead-letter
queue), incidents their last change by 90 days.

The attribute `status` stands on an incident while it needs anybody's attention (open, or resolved and not yet told):
it is the key of the sparse index that the sweep reads.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from breakwater.errors import BreakwaterError
from breakwater.incidents import Record
from breakwater.journal import Entry, written
from breakwater.model import IncidentStatus
from breakwater.store import TRANSACTION, Item, Key, Put, Table, Update, Value, Write
from breakwater.wire import dump_record, load_record

FACT_DAYS = 15
INCIDENT_DAYS = 90
NEEDS_ATTENTION = "open"
FACTS_PER_CHANGE = TRANSACTION - 2
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as the table has it. `confirmed` is the last notice known to be published."""

    record: Record
    version: int
    confirmed: int

    @property
    def untold(self) -> bool:
        """Whether the newest notice may not have been published: the writer may have died before it did."""
        return self.record.told.sequence > self.confirmed


@dataclass(frozen=True, slots=True)
class Change:
    """A record to be kept in place of `base` (or as a new one), with the facts it counts and its journal entry."""

    record: Record
    base: Kept | None
    facts: tuple[str, ...]
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A change that was not kept: these facts were counted before, or somebody changed the incident meanwhile."""

    change: Change
    known: frozenset[str]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The incidents that are there, by id, and the ids of those whose record this version cannot read."""

    found: dict[str, Kept]
    unreadable: frozenset[str] = frozenset()


class IncidentStore:
    """The incidents of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, ids: Iterable[str]) -> Loaded:
        """The incidents with these ids, as far as there are any. One that cannot be read does not hide the others."""
        items = self._table.get_many(_key(id_) for id_ in ids)
        found: dict[str, Kept] = {}
        unreadable: set[str] = set()
        for (pk, _), item in items.items():
            id_ = pk.removeprefix("INCIDENT#")
            try:
                found[id_] = Kept(load_record(str(item["doc"])), int(item["version"]), int(item["notice_sent"]))
            except (BreakwaterError, KeyError):
                unreadable.add(id_)
        return Loaded(found, frozenset(unreadable))

    def needing_attention(self) -> list[str]:
        """The ids of incidents that are open, or resolved and not yet told."""
        return [pk.removeprefix("INCIDENT#") for pk in self._table.with_status(NEEDS_ATTENTION)]

    def keep(self, changes: Sequence[Change], now: datetime) -> tuple[list[Kept], list[Moved]]:
        """Keep each change wholly or not at all, several to a transaction; of each incident at most one change.

        A change that is refused does not hold up its neighbours: they are tried again without it.
        """
        kept: list[Kept] = []
        moved: list[Moved] = []
        waiting = list(changes)
        while waiting:
            pack, waiting = _first_pack(waiting)
            owners = [(change, fact, write) for change in pack for fact, write in _writes(change, now)]
            refusals = self._table.transact([write for _, _, write in owners])
            refused: dict[str, set[str]] = {}
            for refusal in refusals:
                change, fact, _ = owners[refusal.position]
                known = refused.setdefault(change.record.incident.id, set())
                if fact is not None and refusal.condition:
                    known.add(fact)
            for change in pack:
                id_ = change.record.incident.id
                if id_ in refused:
                    moved.append(Moved(change, frozenset(refused[id_])))
                elif refusals:
                    waiting.append(change)
                else:
                    base = change.base
                    version, confirmed = (base.version + 1, base.confirmed) if base else (1, 0)
                    kept.append(Kept(change.record, version, confirmed))
        return kept, moved

    def confirm(self, told: Iterable[Kept]) -> None:
        """Note that the newest notices of these records were published.

        It also takes a resolved incident out of the sweep's sight. Losing this write costs a repeated publication,
        which the notifier recognises; so a refusal (somebody changed the incident meanwhile) is let go.
        """
        waiting: list[Update] = [_confirmation(kept) for kept in told]
        while waiting:
            chunk, waiting = waiting[:TRANSACTION], waiting[TRANSACTION:]
            refused = {refusal.position for refusal in self._table.transact(chunk)}
            if refused:
                waiting += [update for position, update in enumerate(chunk) if position not in refused]


def _key(id_: str) -> Key:
    return f"INCIDENT#{id_}", "INCIDENT"


def _first_pack(changes: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """As many changes from the front as fit into one transaction, and the rest."""
    size = 0
    for position, change in enumerate(changes):
        size += 1 + len(change.facts) + (change.entry is not None)
        if size > TRANSACTION:
            return list(changes[: max(1, position)]), list(changes[max(1, position) :])
    return list(changes), []


def _writes(change: Change, now: datetime) -> Iterator[tuple[str | None, Write]]:
    """The writes of one change, each with the fact that it marks, if it marks one."""
    record, base = change.record, change.base
    seconds = int(now.timestamp())
    version = base.version if base else 0
    attributes: dict[str, Value] = {
        "version": version + 1,
        "doc": dump_record(record),
        "ttl": seconds + INCIDENT_DAYS * _DAY,
    }
    attention = _attention(record, base)
    if attention:
        attributes["status"] = NEEDS_ATTENTION
    yield (
        None,
        Update(
            _key(record.incident.id),
            set_values=attributes,
            defaults={"notice_sent": 0},
            remove=() if attention else ("status",),
            expected={"version": version if base else None},
        ),
    )
    for fact in change.facts:
        marker: Item = {
            "pk": f"FACT#{sha256(fact.encode('utf-8', 'replace')).hexdigest()[:32]}",
            "sk": "FACT",
            "incident": record.incident.id,
            "ttl": seconds + FACT_DAYS * _DAY,
        }
        yield fact, Put(marker, only_if_new=True)
    if change.entry:
        yield None, written(change.entry)


def _attention(record: Record, base: Kept | None) -> bool:
    """Whether the incident has to be in the sweep's sight: it is open, or its resolution is still to be told."""
    told_now = base is None or base.record.told.sequence < record.told.sequence
    return record.incident.status is IncidentStatus.OPEN or told_now


def _confirmation(kept: Kept) -> Update:
    key = _key(kept.record.incident.id)
    sent = {"notice_sent": kept.record.told.sequence}
    if kept.record.incident.status is IncidentStatus.RESOLVED:
        return Update(key, set_values=sent, remove=("status",), expected={"version": kept.version})
    return Update(key, set_values=sent, below={"notice_sent": kept.record.told.sequence})
