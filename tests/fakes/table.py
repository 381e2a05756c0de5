"""A table in memory with the rules of `breakwater.store.Table`. `tests/contract/test_table.py` holds both to them."""

from collections.abc import Iterable, Iterator, Sequence

from breakwater.errors import BreakwaterError, ConflictError
from breakwater.store import TRANSACTION, Item, Key, Put, Refusal, Table, Value, Write, key_of


class FakeTable(Table):
    """Items in a dictionary; conditions and transactions as DynamoDB has them. It counts its calls."""

    def __init__(self) -> None:
        self.items: dict[Key, dict[str, Value]] = {}
        self.calls = 0

    def get_many(self, keys: Iterable[Key]) -> dict[Key, dict[str, Value]]:
        self.calls += 1
        return {key: dict(self.items[key]) for key in keys if key in self.items}

    def put_many(self, items: Iterable[Item]) -> None:
        self.calls += 1
        for item in items:
            self.items[_key(item)] = dict(item)

    def delete_many(self, keys: Iterable[Key]) -> None:
        self.calls += 1
        for key in keys:
            self.items.pop(key, None)

    def write(self, action: Write) -> None:
        self.calls += 1
        if not self._allowed(action):
            raise ConflictError("write an item: ConditionalCheckFailedException")
        self._apply(action)

    def transact(self, actions: Sequence[Write]) -> list[Refusal]:
        self.calls += 1
        if len(actions) > TRANSACTION or len({_target(action) for action in actions}) < len(actions):
            raise BreakwaterError("write a transaction: ValidationException")
        refusals = [
            Refusal(position, condition=True) for position, action in enumerate(actions) if not self._allowed(action)
        ]
        if not refusals:
            for action in actions:
                self._apply(action)
        return refusals

    def keys_with_status(self, status: str) -> Iterator[Key]:
        self.calls += 1
        return iter(sorted(key for key, item in self.items.items() if item.get("status") == status))

    def under(
        self, pk: str, prefix: str = "", *, newest_first: bool = False, page: int | None = None
    ) -> Iterator[dict[str, Value]]:
        self.calls += 1
        keys = sorted((key for key in self.items if key[0] == pk and key[1].startswith(prefix)), reverse=newest_first)
        return iter([dict(self.items[key]) for key in keys])

    def _allowed(self, action: Write) -> bool:
        there = self.items.get(_target(action))
        if isinstance(action, Put):
            return not (action.only_if_new and there is not None)
        values = there or {}
        lower = (isinstance(now := values.get(name), int) and now < limit for name, limit in action.below.items())
        return all(values.get(name) == value for name, value in action.expected.items()) and all(lower)

    def _apply(self, action: Write) -> None:
        if isinstance(action, Put):
            self.items[_target(action)] = dict(action.item)
            return
        there = self.items.setdefault(action.key, dict(key_of(action.key)))
        for name, value in action.defaults.items():
            there.setdefault(name, value)
        there.update(action.set_values)
        for name in action.remove:
            there.pop(name, None)


def _target(action: Write) -> Key:
    return _key(action.item) if isinstance(action, Put) else action.key


def _key(item: Item) -> Key:
    return str(item["pk"]), str(item["sk"])
