"""What policy_sync remembers: the compiled policy, what became of the newest document, and who is at work.

`COMPILED` is what functions read: the last good policy. `DOCUMENT` says of the newest document whether it was applied,
rejected, or not yet applied in full; who pushed it waits for that. `LEASE` lets one worker at a time change schedules
and rules. It ends with the longest time that a worker can run, so a killed one holds nobody up for long.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from breakwater.compiled import Compiled, loaded
from breakwater.errors import BreakwaterError, ConflictError
from breakwater.policy_reader import COMPILED
from breakwater.store import Key, Put, Table, Update, Value

DOCUMENT: Key = ("POLICY", "DOCUMENT")
LEASE: Key = ("POLICY", "LEASE")
LEASE_SECONDS = 150
ITEM_BYTES = 380_000
MOST_PROBLEMS = 50


class Status(StrEnum):
    """What became of the newest document."""

    APPLYING = "applying"
    APPLIED = "applied"
    REJECTED = "rejected"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class Document:
    """The newest document that was looked at, by the version of its object; `problems` say why it is not applied.

    `incidents` are those that its fate, or that of the ones before, has opened. `behind` says that schedules and rules
    are not yet those of the policy in force, `checked` when they were last compared, in seconds since 1970.
    """

    version: str = ""
    status: Status = Status.APPLIED
    problems: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    behind: bool = False
    checked: int = 0


class PolicyState:
    """The three items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self) -> tuple[Document, Compiled]:
        """The newest document's fate and the last good policy. Raises `BreakwaterError` if it cannot be read."""
        items = self._table.get_many([DOCUMENT, COMPILED])
        compiled = items.get(COMPILED)
        return document_of(items.get(DOCUMENT)), loaded(str(compiled["doc"])) if compiled else Compiled()

    def put_in_force(self, policy: Compiled, document: Document, owner: str, now: datetime) -> None:
        """Put a policy in force and note that its schedules and rules are still to be made, both or neither.

        Raises `ConflictError` if the lease is not the owner's any more.
        """
        held = Update(LEASE, set_values={"owner": owner}, expected={"owner": owner})
        items = [Put(_compiled_item(policy, document, now)), Put(_document_item(document, now))]
        if self._table.transact([held, *items]):
            raise ConflictError("the lease of the policy is somebody else's by now")

    def note(self, document: Document, now: datetime) -> None:
        """Note what became of the newest document."""
        self._table.write(Put(_document_item(document, now)))

    @contextmanager
    def lease(self, owner: str, now: datetime) -> Iterator[None]:
        """Be the only one at work. Raises `ConflictError` while somebody else is."""
        seconds = int(now.timestamp())
        mine: dict[str, Value] = {"owner": owner, "until": seconds + LEASE_SECONDS}
        try:
            self._table.write(Update(LEASE, set_values=mine, expected={"owner": None}))
        except ConflictError:
            self._table.write(Update(LEASE, set_values=mine, below={"until": seconds}))
        try:
            yield
        finally:
            with suppress(BreakwaterError):  # then it ends by itself
                self._table.write(Update(LEASE, remove=("owner", "until"), expected={"owner": owner}))


def fits(policy: Compiled) -> int | None:
    """The size of a compiled policy in bytes if it is more than an item of the table takes, else `None`."""
    size = len(policy.dumped().encode())
    return size if size > ITEM_BYTES else None


def document_of(item: dict[str, Value] | None) -> Document:
    """The newest document's fate, from its item."""
    if item is None:
        return Document()
    return Document(
        version=str(item["version"]),
        status=Status(str(item["outcome"])),
        problems=tuple(json.loads(str(item["problems"]))),
        changes=tuple(json.loads(str(item["changes"]))),
        incidents=tuple(json.loads(str(item["incidents"]))),
        behind=bool(item.get("behind", 0)),
        checked=int(item["checked"]),
    )


def _document_item(document: Document, now: datetime) -> dict[str, Value]:
    return {
        "pk": DOCUMENT[0],
        "sk": DOCUMENT[1],
        "version": document.version,
        "outcome": str(document.status),
        "problems": json.dumps(document.problems[:MOST_PROBLEMS]),
        "changes": json.dumps(document.changes[:MOST_PROBLEMS]),
        "incidents": json.dumps(document.incidents),
        "behind": int(document.behind),
        "checked": document.checked,
        "at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
    }


def _compiled_item(policy: Compiled, document: Document, now: datetime) -> dict[str, Value]:
    doc = policy.dumped()
    return {
        "pk": COMPILED[0],
        "sk": COMPILED[1],
        "doc": doc,
        "digest": sha256(doc.encode()).hexdigest(),
        "version": document.version,
        "at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
    }
