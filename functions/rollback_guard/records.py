"""What the guard keeps in the table: a mark for each stop that counts, and one note for each service.

A mark is an item of its own under its service, written once for each task however often the event comes: the one
conditional write of the events' lane. So no item grows with the number of tasks and no two writers want the same one.
The note holds what the last looks found and what was told; it is one item with a version.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from breakwater.errors import ConflictError
from breakwater.evidence import Kind, Tally
from breakwater.ledger_store import Kept as KeptLedger
from breakwater.ledger_store import key as ledger_key
from breakwater.ledger_store import read as read_ledger
from breakwater.model import Cause
from breakwater.store import Item, Key, Put, Table, Update, Value, Write
from breakwater.wire import dump, load

from .counted import Seen, ServiceName, Stop, Suspicion

MARK_HOURS = 12
NOTE_DAYS = 90
MOST_SEEN = 5
MOST_TOLD = 30
GUARDED = "guarded"


@dataclass(frozen=True, slots=True)
class Mark:
    """One stop that counts, as the table keeps it. `reason` is redacted; no command and no environment is in it."""

    task: str
    deployment: str
    revision: str
    kind: Kind
    cause: Cause
    at: datetime
    reason: str
    code: int | None = None
    container: str | None = None


@dataclass(frozen=True, slots=True)
class SeenOf:
    """What the last look found of one deployment."""

    deployment: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class Note:
    """What the guard remembers of one service between looks.

    `told` are the identities of what people were told already. `silent_since` is since when the service has wanted
    tasks and had none. `until` is how long the sweep keeps an eye on it.
    """

    seen: tuple[SeenOf, ...] = ()
    told: tuple[str, ...] = ()
    primary: str | None = None
    silent_since: datetime | None = None
    until: datetime | None = None

    def of(self, deployment: str) -> Seen | None:
        """What the last look found of a deployment."""
        return next((each.seen for each in self.seen if each.deployment == deployment), None)

    def with_seen(self, deployment: str, seen: Seen) -> "Note":
        """The note after a look."""
        others = tuple(each for each in self.seen if each.deployment != deployment)
        return replace(self, seen=(SeenOf(deployment, seen), *others)[:MOST_SEEN])

    @property
    def left_to_the_platform(self) -> tuple[str, ...]:
        """The deployments that were left to the platform and whose end is not known yet."""
        left = dict.fromkeys(told.split(":")[1] for told in self.told if told.startswith("stand-down:"))
        return tuple(fence for fence in left if f"verified:{fence}" not in self.told)

    def with_told(self, identity: str) -> "Note":
        """The note after people were told."""
        return self if identity in self.told else replace(self, told=(identity, *self.told)[:MOST_TOLD])


@dataclass(frozen=True, slots=True)
class KeptNote:
    """A note as the table has it; version 0 is one that is not there yet."""

    service: str
    note: Note
    version: int


class Records:
    """Marks and notes of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def mark(self, stop: Stop, now: datetime) -> bool:
        """Keep a stop; `False` if its task was counted before."""
        mark = Mark(
            stop.task, stop.deployment, stop.revision, stop.kind, stop.cause, stop.at, stop.reason[:500], stop.code,
            stop.container,
        )  # fmt: skip
        item: Item = {
            "pk": _marks(str(stop.service)),
            "sk": stop.task.rpartition("/")[2],
            "doc": dump(mark),
            "ttl": int((now + timedelta(hours=MARK_HOURS)).timestamp()),
        }
        try:
            self._table.write(Put(item, only_if_new=True))
        except ConflictError:
            return False
        return True

    def marks(self, service: str, now: datetime) -> list[Mark]:
        """The stops of a service that count still; DynamoDB deletes what has expired only in its own time."""
        seconds = int(now.timestamp())
        items = self._table.under(_marks(service))
        return [load(Mark, str(item["doc"])) for item in items if int(item["ttl"]) > seconds]

    def load(self, services: Iterable[str]) -> dict[str, tuple[KeptNote, KeptLedger]]:
        """Notes and ledgers of these services, empty where there are none."""
        wanted = list(dict.fromkeys(services))
        items = self._table.get_many(key for each in wanted for key in (_key(each), ledger_key(each)))
        return {
            each: (_read(each, items.get(_key(each))), read_ledger(each, items.get(ledger_key(each))))
            for each in wanted
        }

    def keep(self, kept: KeptNote, note: Note, now: datetime, beside: Sequence[Write] = ()) -> KeptNote | None:
        """Keep a changed note; `None` if somebody changed it meanwhile.

        `status` stands on it while the sweep has to look at the service: it is the key of the sparse index.
        """
        watched = note.until is not None and note.until > now
        values: dict[str, Value] = {
            "doc": dump(note),
            "version": kept.version + 1,
            "ttl": int((now + timedelta(days=NOTE_DAYS)).timestamp()),
        }
        update = Update(
            _key(kept.service),
            set_values=values | ({"status": GUARDED} if watched else {}),
            remove=() if watched else ("status",),
            expected={"version": kept.version or None},
        )
        if beside:
            refused = bool(self._table.transact([update, *beside]))
        else:
            try:
                self._table.write(update)
                refused = False
            except ConflictError:
                refused = True
        return None if refused else KeptNote(kept.service, note, kept.version + 1)

    def guarded(self) -> list[str]:
        """The services that the sweep has to look at."""
        return [pk.removeprefix("GUARD#") for pk in self._table.with_status(GUARDED)]


def tally_of(marks: Iterable[Mark], deployment: str, since: datetime | None = None) -> Tally:
    """The failures of one deployment, all of them or those since then."""
    tally = Tally()
    for mark in marks:
        if mark.deployment == deployment and (since is None or mark.at >= since):
            tally = tally.adding(mark.kind, mark.at, cause=mark.cause, code=mark.code)
    return tally


def control_of(marks: Iterable[Mark], deployments: Container[str], revisions: Container[str], since: datetime) -> Tally:
    """What fails anyway: the failures since then of all but these deployments and revisions."""
    tally = Tally()
    for mark in marks:
        if mark.at >= since and mark.deployment not in deployments and mark.revision not in revisions:
            tally = tally.adding(mark.kind, mark.at, cause=mark.cause, code=mark.code)
    return tally


def suspicion(service: ServiceName, deployment: str, marks: Iterable[Mark], note: Note) -> Suspicion:
    """The record of one deployment, for the question whether to look."""
    return Suspicion(service, deployment, tally_of(marks, deployment), note.of(deployment))


def _marks(service: str) -> str:
    return f"STOPS#{service}"


def _key(service: str) -> Key:
    return f"GUARD#{service}", "GUARD"


def _read(service: str, item: Item | None) -> KeptNote:
    if item is None:
        return KeptNote(service, Note(), 0)
    return KeptNote(service, load(Note, str(item["doc"])), int(item["version"]))
