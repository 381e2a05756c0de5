"""Runs and lanes in the table.

A run is one item under its job (`RUNS#name`, by id, so by time); a lane is one item (`BATCH`, `LANE#name`). A request
is claimed by its identity (`CLAIM#…`), written together with the run, so that a request that comes again, however late,
finds its claim and makes no second run. What waits stands beside it in order of arrival (`WAIT#name`); such an entry is
a pointer, and one whose run waits no longer means nothing.

`status` stands on a run that goes on (`run-active`) or is over and not yet told (`run-untold`): the sweep reads them
from the sparse index. Uploads that wait carry none, for there may be thousands. No item grows with the number of runs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice

from breakwater.errors import ConflictError
from breakwater.journal import Entry, written
from breakwater.runs import Lane, Phase, Run, RunKind
from breakwater.store import Key, Put, Table, Update, Value, Write
from breakwater.wire import dump, load

RUN_DAYS = 90
CLAIM_DAYS = 30
"""Longer than any event can be on its way: a day at the bus and fourteen in each of two dead-letter queues."""
ACTIVE = "run-active"
UNTOLD = "run-untold"
_DAY = 86400


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run as the table has it."""

    run: Run
    version: int


@dataclass(frozen=True, slots=True)
class KeptLane:
    """A lane as the table has it; version 0 is one that is not there yet."""

    lane: Lane
    version: int = 0


@dataclass(frozen=True, slots=True)
class Pointer:
    """An entry of the waiting line, and the run that it points to."""

    sk: str
    run_id: str
    at: datetime


@dataclass(slots=True)
class Change:
    """What is written at once: runs and a lane in place of what was read, new runs, places in line, the journal."""

    runs: list[tuple[Run, KeptRun | None]] = field(default_factory=list)
    lane: tuple[Lane, KeptLane] | None = None
    line: list[tuple[Run, datetime, int]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    untold: bool = True


class RunStore:
    """The runs of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def runs(self, name: str, ids: Iterable[str]) -> dict[str, KeptRun]:
        """The runs of a job or upload with these ids, as far as there are any."""
        items = self._table.get_many((f"RUNS#{name}", id_) for id_ in ids)
        return {sk: _kept(item) for (_, sk), item in items.items()}

    def latest(self, name: str, limit: int) -> list[Run]:
        """The newest runs of a job or upload, the newest first."""
        return [_kept(item).run for item in islice(self._table.under(f"RUNS#{name}", newest_first=True), limit)]

    def lane(self, name: str) -> KeptLane:
        """The lane of a job or upload; an empty one if there is none yet."""
        items = self._table.get_many([_lane_key(name)])
        item = items.get(_lane_key(name))
        return KeptLane(load(Lane, str(item["doc"])), int(item["version"])) if item else KeptLane(Lane(name))

    def lanes(self) -> list[Lane]:
        """All lanes: every job and upload that ever ran."""
        return [load(Lane, str(item["doc"])) for item in self._table.under("BATCH", "LANE#")]

    def known(self, identities: Iterable[str]) -> dict[str, str]:
        """Which of these requests came before, and the id of the run that each made."""
        by_key = {_claim_key(identity): identity for identity in identities}
        return {by_key[key]: str(item["run"]) for key, item in self._table.get_many(by_key).items()}

    def line(self, name: str, limit: int) -> list[Pointer]:
        """The first of those who wait, in order of arrival."""
        entries = islice(self._table.under(f"WAIT#{name}", page=limit), limit)
        return [
            Pointer(str(item["sk"]), str(item["run"]), datetime.fromtimestamp(int(item["at"]), UTC)) for item in entries
        ]

    def forget(self, name: str, pointers: Iterable[Pointer]) -> None:
        """Take entries out of the line whose runs wait no longer."""
        self._table.delete_many((f"WAIT#{name}", pointer.sk) for pointer in pointers)

    def going_on(self) -> Iterator[tuple[str, str]]:
        """Runs that have a place, as (name, id)."""
        return ((pk.removeprefix("RUNS#"), sk) for pk, sk in self._table.keys_with_status(ACTIVE))

    def untold(self) -> Iterator[tuple[str, str]]:
        """Runs that are over and of which people may not have been told, as (name, id)."""
        return ((pk.removeprefix("RUNS#"), sk) for pk, sk in self._table.keys_with_status(UNTOLD))

    def keep(self, change: Change, now: datetime) -> None:
        """Write all of it or nothing. Raises `ConflictError` if somebody changed any of it meanwhile."""
        refusals = self._table.transact(list(_writes(change, now)))
        if refusals:
            raise ConflictError(f"write a run: {len(refusals)} of its items have changed")

    def told(self, kept: KeptRun) -> None:
        """Note that people were told. Losing this write costs another telling, which the incident desk recognises."""
        key = (f"RUNS#{kept.run.name}", kept.run.id)
        self._table.transact([Update(key, remove=("status",), expected={"version": kept.version})])


def _kept(item: dict[str, Value]) -> KeptRun:
    return KeptRun(load(Run, str(item["doc"])), int(item["version"]))


def _lane_key(name: str) -> Key:
    return "BATCH", f"LANE#{name}"


def _claim_key(identity: str) -> Key:
    digest = sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return f"CLAIM#{digest}", "CLAIM"


def _status(run: Run, *, untold: bool) -> str | None:
    if run.phase is Phase.DONE:
        return UNTOLD if untold else None
    waits_outside = run.phase is Phase.WAITING and run.kind is RunKind.UPLOAD
    return None if waits_outside else ACTIVE


def _writes(change: Change, now: datetime) -> Iterator[Write]:
    seconds = int(now.timestamp())
    for run, base in change.runs:
        status = _status(run, untold=change.untold)
        doc: dict[str, Value] = {"doc": dump(run), "ttl": seconds + RUN_DAYS * _DAY}
        doc |= {"status": status} if status else {}
        if base is None:
            pk = f"RUNS#{run.name}"
            yield Put({"pk": pk, "sk": run.id, "version": 1, **doc}, only_if_new=True)
            claim, sk = _claim_key(run.identity)
            ttl = seconds + CLAIM_DAYS * _DAY
            yield Put({"pk": claim, "sk": sk, "name": run.name, "run": run.id, "ttl": ttl}, only_if_new=True)
        else:
            yield Update(
                (f"RUNS#{run.name}", run.id),
                set_values={**doc, "version": base.version + 1},
                remove=() if status else ("status",),
                expected={"version": base.version},
            )
    if change.lane is not None:
        lane, kept = change.lane
        yield Update(
            _lane_key(lane.name),
            set_values={"doc": dump(lane), "version": kept.version + 1},
            expected={"version": kept.version or None},
        )
    for run, at, position in change.line:
        place = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}#{position:06d}#{run.id}"
        when = int((run.not_before or at).timestamp())
        ttl = seconds + RUN_DAYS * _DAY
        yield Put({"pk": f"WAIT#{run.name}", "sk": place, "run": run.id, "at": when, "ttl": ttl})
    for entry in change.entries:
        yield written(entry)
