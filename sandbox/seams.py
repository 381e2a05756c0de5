"""Where moto is too slow for a storm: small replacements that give the same answers.

Each leans on moto's private names, so moto is pinned exactly and `tests/sandbox` has a canary for each seam.

- `transact_write_items` deep-copies the whole table for each call, to be able to roll back. Here only the items that
  the transaction touches are kept.
- `Table.query` sorts and walks the whole table. Here it is shown only the items that it can answer with.
"""

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import moto.dynamodb.models as dynamodb
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_Key = tuple[Table, DynamoType, DynamoType | None]


def _deepcopy(value: Any, memo: Any = None) -> Any:
    """Copy anything but a table, which `transact_write_items` puts back itself."""
    return value if isinstance(value, Table) else copy.deepcopy(value, memo)


def _touched(backend: Any, items: list[dict[str, Any]]) -> list[_Key]:
    keys: list[_Key] = []
    for item in items:
        for body in item.values():
            table = backend.tables.get(str(body.get("TableName")).rsplit("/", 1)[-1])
            attributes = body.get("Item") or body.get("Key") or {}
            names = [table.hash_key_attr, table.range_key_attr] if table else []
            if table is None or any(name and name not in attributes for name in names):
                continue  # moto refuses it before anything is written
            range_key = DynamoType(attributes[table.range_key_attr]) if table.range_key_attr else None
            keys.append((table, DynamoType(attributes[table.hash_key_attr]), range_key))
    return keys


def _put_back(key: _Key, item: Any) -> None:
    table, hash_key, range_key = key
    if item is None:
        table.delete_item(hash_key, range_key)
    elif range_key is not None:
        table.items[hash_key][range_key] = item
    else:
        table.items[hash_key] = item


def _shown(attributes: Mapping[str, Any], wanted: Iterable[tuple[str, Any]]) -> bool:
    """Whether an item belongs to a partition of an index. Most belong to none."""
    for name, value in wanted:
        there = attributes.get(name)
        if there is None or there != value:
            return False
    return True


@contextmanager
def faster_dynamodb() -> Iterator[None]:
    """Replace what is slow, for as long as the sandbox is open."""
    backend = dynamodb.DynamoDBBackend
    transact, query = backend.transact_write_items, Table.query

    def transact_write_items(self: Any, transact_items: list[dict[str, Any]]) -> None:
        before = [(key, copy.deepcopy(key[0].get_item(key[1], key[2]))) for key in _touched(self, transact_items)]
        try:
            transact(self, transact_items)
        except Exception:
            for key, item in before:
                _put_back(key, item)
            raise

    def partition_query(self: Table, hash_key: Any, *args: Any, **kwargs: Any) -> Any:
        index = kwargs.get("index_name", args[6] if len(args) > 6 else None)
        wanted = kwargs.get("hash_key_conditions")
        if not self.has_range_key or (wanted is None if index else hash_key is None):
            return query(self, hash_key, *args, **kwargs)
        whole = self.items
        shown: Any = defaultdict(dict)
        if index is None:
            shown[hash_key] = whole.get(hash_key, {})
        else:
            for key, partition in whole.items():
                for range_key, item in partition.items():
                    if _shown(item.attrs, wanted or ()):
                        shown[key][range_key] = item
        self.items = shown
        try:
            return query(self, hash_key, *args, **kwargs)
        finally:
            self.items = whole

    dynamodb.copy = SimpleNamespace(deepcopy=_deepcopy, copy=copy.copy)  # type: ignore[assignment, attr-defined]
    backend.transact_write_items = transact_write_items  # type: ignore[method-assign]
    Table.query = partition_query  # type: ignore[method-assign]
    try:
        yield
    finally:
        dynamodb.copy = copy  # type: ignore[attr-defined]
        backend.transact_write_items = transact  # type: ignore[method-assign]
        Table.query = query  # type: ignore[method-assign]
