"""DynamoDB write units by the documented arithmetic, since moto counts none.

One unit per started KiB of the larger of the item before and after; a delete or a failed condition costs the item
that is there; transactions cost double. A secondary index costs one unit per index entry that appears, vanishes or
changes (two if its key changes), per started KiB of the entry, which is taken to be one.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType


@dataclass(slots=True)
class Measured:
    """What one call cost."""

    units: int = 0


_Target = tuple[str, Mapping[str, Any]]


class WriteUnits:
    """Looks at the items around each write."""

    def __init__(self, account: str, region: str) -> None:
        self._account, self._region = account, region

    @contextmanager
    def measured(self, service: str, operation: str, params: Mapping[str, Any]) -> Iterator[Measured]:
        """Count the units of a call that is made inside."""
        measured = Measured()
        targets = list(_targets(operation, params)) if service == "dynamodb" else []
        if not targets:
            yield measured
            return
        before = [self._look(table, key) for table, key in targets]
        try:
            yield measured
        except ClientError as error:
            if error.response["Error"]["Code"] not in (
                "ConditionalCheckFailedException",
                "TransactionCanceledException",
            ):
                raise
            measured.units = self._cost(operation, before, before)
            raise
        after = [self._look(table, key) for table, key in targets]
        measured.units = self._cost(operation, before, after)

    def _cost(self, operation: str, before: "list[_Look]", after: "list[_Look]") -> int:
        double = 2 if operation == "TransactWriteItems" else 1
        base = sum(max(1, math.ceil(max(old.size, new.size) / 1024)) for old, new in zip(before, after, strict=True))
        index = sum(_index_units(old, new) for old, new in zip(before, after, strict=True))
        return base * double + index

    def _look(self, table_name: str, key: Mapping[str, Any]) -> "_Look":
        backend = dynamodb_backends[self._account][self._region]
        table = backend.tables.get(table_name.rsplit("/", 1)[-1])
        if table is None:
            return _Look(0, ())
        names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
        if not all(name in key for name in names):
            return _Look(0, ())
        range_key = DynamoType(key[table.range_key_attr]) if table.range_key_attr else None
        item = table.get_item(DynamoType(key[table.hash_key_attr]), range_key)
        if item is None:
            return _Look(0, tuple(None for _ in table.global_indexes))
        entries = []
        for index in table.global_indexes:
            keys = [part["AttributeName"] for part in index.schema]
            present = all(name in item.attrs for name in keys)
            entries.append(tuple(str(item.attrs[name].value) for name in keys) if present else None)
        return _Look(sum(len(name) + _size(value) for name, value in item.attrs.items()), tuple(entries))


@dataclass(frozen=True, slots=True)
class _Look:
    size: int
    entries: tuple[tuple[str, ...] | None, ...]


def _size(value: DynamoType) -> int:
    return int(value.size())


def _index_units(old: _Look, new: _Look) -> int:
    units = 0
    for left, right in zip(old.entries, new.entries, strict=False):
        if left != right:
            units += (left is not None) + (right is not None)
    return units


def _targets(operation: str, params: Mapping[str, Any]) -> Iterator[_Target]:
    if operation == "PutItem":
        yield params["TableName"], params["Item"]
    elif operation in ("UpdateItem", "DeleteItem"):
        yield params["TableName"], params["Key"]
    elif operation == "BatchWriteItem":
        for table, requests in params["RequestItems"].items():
            for request in requests:
                [(_, body)] = request.items()
                yield table, body.get("Item") or body["Key"]
    elif operation == "TransactWriteItems":
        for item in params["TransactItems"]:
            [(_, body)] = item.items()
            yield body["TableName"], body.get("Item") or body["Key"]
