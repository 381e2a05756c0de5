"""What has been seen before, for those who read several events in a row (rule 2, order and repeats)."""

from collections.abc import Iterable


class Memory:
    """Tasks that ended, sidecars told of, objects and scheduled runs met. Deployed functions keep these in the table.

    A task is known by its ARN: the envelope's id identifies nothing, and `version` only orders.
    """

    def __init__(self) -> None:
        self._ended: set[str] = set()
        self._sidecars: set[tuple[str, str | None]] = set()
        self._met: set[tuple[str, ...]] = set()

    def ended(self, task: str) -> bool:
        """Whether the task's final state has been seen."""
        return task in self._ended

    def note_end(self, task: str) -> None:
        """Remember that the task's final state has been seen."""
        self._ended.add(task)

    def untold(self, task: str, sidecars: Iterable[str | None]) -> set[str | None]:
        """Return those failed sidecars of a running task that nobody has heard of yet, and remember them."""
        fresh = {name for name in sidecars if (task, name) not in self._sidecars}
        self._sidecars.update((task, name) for name in fresh)
        return fresh

    def met(self, identity: tuple[str, ...]) -> bool:
        """Whether this object or scheduled run came before; remembers it."""
        if identity in self._met:
            return True
        self._met.add(identity)
        return False
