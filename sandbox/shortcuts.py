"""DynamoDB's data plane at the speed of a storm: plain calls that will succeed are done on moto's tables directly.

Moto stays the judge. The first call of each shape (expressions, names, types of values) goes to moto, which knows
reserved words, unused names and the rest; a call whose condition fails goes to moto, which knows the error; whatever
is not plain goes to moto. Only then is a call done here, and a test compares both over random histories.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

from sandbox import expressions
from sandbox.expressions import PlainError

MAX_ITEM_BYTES = 400_000
MAX_ANSWER_BYTES = 1_000_000
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,36})(\.\d{1,30})?")
_PARTITION = re.compile(r"(?P<hash>#?\w+) = (?P<value>:\w+)(?: AND begins_with\((?P<range>#?\w+), (?P<prefix>:\w+)\))?")
_ALLOWED: Mapping[str, frozenset[str]] = {
    "GetItem": frozenset({"TableName", "Key", "ConsistentRead"}),
    "BatchGetItem": frozenset({"RequestItems"}),
    "BatchWriteItem": frozenset({"RequestItems"}),
    "PutItem": frozenset({
        "TableName", "Item", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
    }),
    "UpdateItem": frozenset({
        "TableName", "Key", "UpdateExpression", "ConditionExpression", "ExpressionAttributeNames",
        "ExpressionAttributeValues", "ReturnValues",
    }),
    "TransactWriteItems": frozenset({"TransactItems", "ClientRequestToken"}),
    "Query": frozenset({
        "TableName", "IndexName", "KeyConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
        "ConsistentRead", "ScanIndexForward",
    }),
}  # fmt: skip

Params = Mapping[str, Any]
Shape = tuple[object, ...]
Place = tuple[Table, DynamoType, DynamoType]
Pending = tuple[Place, dict[str, DynamoType] | None]


class Shortcuts:
    """Answers plain calls, and remembers which shapes moto has accepted."""

    def __init__(self, account: str, region: str) -> None:
        self._account, self._region = account, region
        self._accepted: set[Shape] = set()
        self.taken = 0

    def answer(self, operation: str, params: Params) -> dict[str, Any] | None:
        """Do a call, or give None if moto has to."""
        allowed = _ALLOWED.get(operation)
        if allowed is None or not params.keys() <= allowed:
            return None
        try:
            if any(shape not in self._accepted for shape in _shapes(operation, params)):
                return None
            result = self._do(operation, params)
        except PlainError:
            return None
        self.taken += 1
        return result

    def accept(self, operation: str, params: Params) -> None:
        """Remember that moto has taken a call of this shape."""
        if operation in _ALLOWED:
            try:
                self._accepted.update(_shapes(operation, params))
            except PlainError:
                return

    def _do(self, operation: str, params: Params) -> dict[str, Any]:
        match operation:
            case "GetItem":
                item = _get(self._place(params["TableName"], params["Key"], exact=True))
                return {} if item is None else {"Item": _plain(item)}
            case "BatchGetItem":
                return self._batch_get(params["RequestItems"])
            case "BatchWriteItem":
                return self._batch_write(params["RequestItems"])
            case "TransactWriteItems":
                return self._transact(params["TransactItems"])
            case "Query":
                return _query(self._table(params["TableName"]), params)
        pending = self._prepared("Put" if operation == "PutItem" else "Update", params)
        _apply([pending])
        return _returned(params.get("ReturnValues", "NONE"), pending)

    def _batch_get(self, requests: Mapping[str, Any]) -> dict[str, Any]:
        answers: dict[str, list[Any]] = {}
        size = 0
        for name, wanted in requests.items():
            if wanted.keys() - {"Keys", "ConsistentRead"}:
                raise PlainError(name)
            places = [self._place(name, key, exact=True) for key in wanted["Keys"]]
            _distinct(places)
            items = [item for item in map(_get, places) if item is not None]
            size += sum(item.size() for item in items)
            answers[name] = [_plain(item) for item in items]
        if sum(len(wanted["Keys"]) for wanted in requests.values()) > 100 or size > MAX_ANSWER_BYTES:
            raise PlainError("batch")
        return {"Responses": answers, "UnprocessedKeys": {}}

    def _batch_write(self, requests: Mapping[str, Any]) -> dict[str, Any]:
        pending: list[Pending] = []
        for name, writes in requests.items():
            for write in writes:
                [(kind, body)] = write.items()
                if kind == "PutRequest":
                    pending.append(self._prepared("Put", {"TableName": name, "Item": body["Item"]}))
                else:
                    pending.append((self._place(name, body["Key"], exact=True), None))
        _distinct(place for place, _ in pending)
        if not 1 <= len(pending) <= 25:
            raise PlainError("batch")
        _apply(pending)
        return {"UnprocessedItems": {}}

    def _transact(self, actions: list[Params]) -> dict[str, Any]:
        pending: list[Pending] = []
        checked: list[Place] = []
        for action in actions:
            [(kind, body)] = action.items()
            if kind in ("Put", "Update"):
                pending.append(self._prepared(kind, body))
            elif kind in ("Delete", "ConditionCheck"):
                place = self._place(body["TableName"], body["Key"], exact=True)
                _require(body, _get(place))
                if kind == "Delete":
                    pending.append((place, None))
                else:
                    checked.append(place)
        _distinct([*checked, *(place for place, _ in pending)])
        if not 1 <= len(actions) <= 100:
            raise PlainError("transaction")
        _apply(pending)
        return {}

    def _table(self, name: str) -> Table:
        table = dynamodb_backends[self._account][self._region].tables.get(name)
        if table is None or table.range_key_attr is None or table.stream_shard is not None:
            raise PlainError(name)
        return table

    def _place(self, name: str, attributes: Params, *, exact: bool) -> Place:
        table = self._table(name)
        keys = (table.hash_key_attr, str(table.range_key_attr))
        if exact and attributes.keys() != set(keys):
            raise PlainError(name)
        hash_key, range_key = (attributes.get(key) for key in keys)
        for value, kind in ((hash_key, table.hash_key_type), (range_key, table.range_key_type)):
            if not isinstance(value, Mapping) or value.keys() != {kind} or kind != "S" or not 0 < len(value["S"]) < 300:
                raise PlainError(name)
        return table, DynamoType(hash_key), DynamoType(range_key)  # type: ignore[arg-type]

    def _prepared(self, kind: str, body: Params) -> Pending:
        put = kind == "Put"
        place = self._place(body["TableName"], body["Item" if put else "Key"], exact=not put)
        old = _get(place)
        _require(body, old)
        new = _inserted(body["Item"]) if put else _updated(place, old, body)
        for declared in place[0].attr:
            value = new.get(declared["AttributeName"])
            if value is not None and (value.type != declared["AttributeType"] or value.value == ""):
                raise PlainError(declared["AttributeName"])
        if sum(len(name.encode()) + int(value.size()) for name, value in new.items()) > MAX_ITEM_BYTES:
            raise PlainError("size")
        return place, new


def _query(table: Table, params: Params) -> dict[str, Any]:
    """One page of a partition, of the table or of an index. Moto finds it; what it would cost to ask it is left out."""
    found = _PARTITION.fullmatch(params["KeyConditionExpression"])
    if found is None:
        raise PlainError("KeyConditionExpression")
    names, values = _words(params)
    partition = (names.get(found["hash"], found["hash"]), values[found["value"]])
    prefix = [values[found["prefix"]]] if found["prefix"] else []
    sorts = [(names.get(found["range"], found["range"]), "BEGINS_WITH", prefix)] if prefix else []
    no_limit, no_start = cast("int", None), cast("dict[str, Any]", None)  # what moto gives for what is not asked
    items, scanned, following = table.query(
        partition[1], "BEGINS_WITH" if prefix else None, prefix, no_limit, no_start,
        params.get("ScanIndexForward", True), None,
        index_name=params.get("IndexName"), hash_key_conditions=[partition], range_key_conditions=sorts,
    )  # fmt: skip
    if following is not None:
        raise PlainError("more than a page")
    return {"Items": [_plain(item) for item in items], "Count": len(items), "ScannedCount": scanned}


def _inserted(item: Params) -> dict[str, DynamoType]:
    return {name: _value(value) for name, value in item.items()}


def _updated(place: Place, old: Item | None, body: Params) -> dict[str, DynamoType]:
    changes = expressions.update(body.get("UpdateExpression", ""))
    if not changes:
        raise PlainError("update")
    table, hash_key, range_key = place
    before: dict[str, DynamoType] = dict(old.attrs) if old else {}
    new = before or {table.hash_key_attr: hash_key, str(table.range_key_attr): range_key}
    new = dict(new)
    names, values = _words(body)
    for change in changes:
        change(new, before, names, values)
    return new


def _words(body: Params) -> tuple[Mapping[str, str], dict[str, DynamoType]]:
    values = {name: _value(value) for name, value in body.get("ExpressionAttributeValues", {}).items()}
    return body.get("ExpressionAttributeNames", {}), values


def _require(body: Params, item: Item | None) -> None:
    """Go on only if the condition holds; moto tells what happens otherwise."""
    text = body.get("ConditionExpression")
    if text is None:
        return
    compiled = expressions.condition(text)
    names, values = _words(body)
    if compiled is None or not compiled(item.attrs if item else {}, names, values):
        raise PlainError(text)


def _value(value: Params) -> DynamoType:
    [(kind, content)] = value.items()
    if kind not in ("S", "N", "BOOL", "NULL") or (kind == "N" and not _NUMBER.fullmatch(content)):
        raise PlainError(kind)
    return DynamoType(dict(value))


def _get(place: Place) -> Item | None:
    table, hash_key, range_key = place
    partition = table.items.get(hash_key)
    return partition.get(range_key) if partition else None


def _plain(item: Item) -> dict[str, Any]:
    if any(value.type not in ("S", "N", "BOOL", "NULL") for value in item.attrs.values()):
        raise PlainError("types")
    return {name: {value.type: value.value} for name, value in item.attrs.items()}


def _distinct(places: Iterable[Place]) -> None:
    listed = list(places)
    if len({(place[0].name, place[1].value, place[2].value) for place in listed}) < len(listed):
        raise PlainError("twice")


def _apply(pending: Iterable[Pending]) -> None:
    for (table, hash_key, range_key), new in pending:
        if new is None:
            table.delete_item(hash_key, range_key)
            continue
        item: Item = object.__new__(Item)
        item.hash_key, item.range_key = hash_key, range_key
        item.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
        dict.update(item.attrs, new)
        table.items[hash_key][range_key] = item


def _returned(wanted: str, pending: Pending) -> dict[str, Any]:
    if wanted == "NONE":
        return {}
    return {"Attributes": {name: {value.type: value.value} for name, value in (pending[1] or {}).items()}}


def _shapes(operation: str, params: Params) -> list[Shape]:
    """Say what moto has to have seen before: expressions with their names and the types of their values."""
    if operation in ("GetItem", "BatchGetItem", "BatchWriteItem"):
        return []
    if operation == "TransactWriteItems":
        return [_shape(kind, body) for action in params["TransactItems"] for kind, body in action.items()]
    if params.get("ReturnValues", "NONE") not in ("NONE", "ALL_NEW"):
        raise PlainError("ReturnValues")
    return [_shape(operation, params)]


def _shape(kind: str, body: Params) -> Shape:
    names = body.get("ExpressionAttributeNames", {})
    values = body.get("ExpressionAttributeValues", {})
    return (
        kind,
        body["TableName"],
        body.get("UpdateExpression"),
        body.get("ConditionExpression"),
        *(body.get(word) for word in ("KeyConditionExpression", "IndexName", "ConsistentRead")),
        tuple(sorted(names.items())),
        tuple(sorted((name, next(iter(value))) for name, value in values.items())),
    )
