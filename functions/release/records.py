"""Where releases are kept: one item each, with a version: of two invocations that change it at once one is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from breakwater.store import Put, Table, Update
from breakwater.wire import dump, load

from .record import Release, Stage

KEPT_DAYS = 90
OPEN = "release-open"


@dataclass(frozen=True, slots=True)
class Kept:
    """A release as the table has it."""

    release: Release
    version: int


class Records:
    """The releases in the table, by execution, and which of them a service has now."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, execution: str) -> Kept | None:
        """The release of an execution, if it has come that far."""
        key = (_pk(execution), "RELEASE")
        item = self._table.get_many([key]).get(key)
        return None if item is None else Kept(load(Release, str(item["doc"])), int(item["version"]))

    def begin(self, release: Release, now: datetime) -> Kept:
        """Keep a new one. Raises `ConflictError` if the execution has one."""
        self._table.write(Put(_item(release, 1, now), only_if_new=True))
        return Kept(release, 1)

    def keep(self, kept: Kept, release: Release, now: datetime) -> Kept:
        """Keep a changed one. Raises `ConflictError` if another invocation changed it meanwhile."""
        if release == kept.release:
            return kept
        item = _item(release, kept.version + 1, now)
        values = {name: value for name, value in item.items() if name not in ("pk", "sk")}
        gone = () if "status" in item else ("status",)
        self._table.write(
            Update((_pk(release.execution), "RELEASE"), values, remove=gone, expected={"version": kept.version})
        )
        return Kept(release, kept.version + 1)

    def open(self) -> Iterator[str]:
        """The executions whose release is not over."""
        return (pk.partition("#")[2] for pk in self._table.with_status(OPEN) if pk.startswith("RELEASE#"))


def _pk(execution: str) -> str:
    return f"RELEASE#{execution}"


def _item(release: Release, version: int, now: datetime) -> dict[str, str | int]:
    item: dict[str, str | int] = {
        "pk": _pk(release.execution),
        "sk": "RELEASE",
        "doc": dump(release),
        "version": version,
        "service": release.service,
        "ttl": int(now.timestamp()) + KEPT_DAYS * 86400,
    }
    ends = release.stage in (Stage.TURNED, Stage.REHEARSED, Stage.OVER)
    return item if ends else {**item, "status": OPEN}
