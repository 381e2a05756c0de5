"""The ledgers in the table: one item for each service, with a version.

Whoever changes a ledger read it before, and of two that change it at once one is refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from breakwater.ledger import Ledger
from breakwater.store import Item, Key, Table, Update, Write
from breakwater.wire import dump, load


@dataclass(frozen=True, slots=True)
class Kept:
    """A ledger as the table has it; version 0 is one that is not there yet."""

    service: str
    ledger: Ledger
    version: int


class Ledgers:
    """The ledgers in the table, by `cluster/service`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, services: Iterable[str]) -> dict[str, Kept]:
        """The ledgers of these services; an empty one where there is none. Raises `BreakwaterError` if one cannot be
        read: without it nobody knows where to go."""
        wanted = list(dict.fromkeys(services))
        items = self._table.get_many(key(service) for service in wanted)
        return {service: read(service, items.get(key(service))) for service in wanted}

    def keep(self, kept: Kept, ledger: Ledger, beside: Sequence[Write] = ()) -> Kept | None:
        """Keep a changed ledger, with other writes or not at all. `None`: somebody changed it meanwhile, or one of the
        writes beside it was refused."""
        if self._table.transact([changed(kept, ledger), *beside]):
            return None
        return Kept(kept.service, ledger, kept.version + 1)


def key(service: str) -> Key:
    """Where a service's ledger lies."""
    return f"LEDGER#{service}", "LEDGER"


def read(service: str, item: Item | None) -> Kept:
    """A ledger from its item."""
    if item is None:
        return Kept(service, Ledger(), 0)
    return Kept(service, load(Ledger, str(item["doc"])), int(item["version"]))


def changed(kept: Kept, ledger: Ledger) -> Update:
    """The write that replaces a ledger, refused if somebody changed it meanwhile."""
    return Update(
        key(kept.service),
        set_values={"doc": dump(ledger), "version": kept.version + 1},
        expected={"version": kept.version or None},
    )
