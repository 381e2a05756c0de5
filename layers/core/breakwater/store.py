"""The one table, spoken to in plain values.

An item is a flat mapping of names to strings and whole numbers; what is richer travels as JSON in one of the strings
(`doc`). So nothing but botocore is needed, and a condition can only be about what stands at the top of an item.

Limits are DynamoDB's: 100 keys in a batch read, 25 items in a batch write, 100 actions in a transaction.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from breakwater.aws import translated_errors
from breakwater.errors import ThrottledError

Value = str | int
Item = Mapping[str, Value]
Key = tuple[str, str]

READ_BATCH = 100
WRITE_BATCH = 25
TRANSACTION = 100
STATUS_INDEX = "status-index"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole item; with `only_if_new`, only where none stands under its key."""

    item: Item
    only_if_new: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """Change attributes of an item (made if absent).

    `set_values` are set, `defaults` only if absent, `remove` goes away. The write happens only if every attribute in
    `expected` has the given value, or is absent where `None` is given, and every one in `below` is there and less.
    """

    key: Key
    set_values: Item = field(default_factory=dict)
    defaults: Item = field(default_factory=dict)
    remove: Sequence[str] = ()
    expected: Mapping[str, Value | None] = field(default_factory=dict)
    below: Mapping[str, int] = field(default_factory=dict)


Write = Put | Update


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which action of a transaction was refused: `condition` did not hold, or another writer was there (`not`)."""

    position: int
    condition: bool


class Table:
    """One DynamoDB table with the keys `pk` and `sk`, both strings. Errors are those of `breakwater.errors`."""

    def __init__(self, client: Callable[[], Any], name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep

    def get_many(self, keys: Iterable[Key]) -> dict[Key, dict[str, Value]]:
        """Read items, strongly consistent. A key without an item is missing from the answer."""
        found: dict[Key, dict[str, Value]] = {}
        for chunk in chunks(list(dict.fromkeys(keys)), READ_BATCH):
            wanted: Any = {self._name: {"Keys": [_marshal(key_of(key)) for key in chunk], "ConsistentRead": True}}
            for attempt in range(6):
                with translated_errors("read items"):
                    answer = self._client().batch_get_item(RequestItems=wanted)
                for raw in answer["Responses"].get(self._name, []):
                    item = _unmarshal(raw)
                    found[str(item["pk"]), str(item["sk"])] = item
                wanted = answer.get("UnprocessedKeys")
                if not wanted:
                    break
                self._sleep(0.05 * 2**attempt)
            else:
                raise ThrottledError("read items: the table left keys unread six times")
        return found

    def put_many(self, items: Iterable[Item]) -> None:
        """Write items without any condition, in batches."""
        self._write_many([{"PutRequest": {"Item": _marshal(item)}} for item in items])

    def delete_many(self, keys: Iterable[Key]) -> None:
        """Delete items, there or not, in batches."""
        self._write_many([{"DeleteRequest": {"Key": _marshal(key_of(key))}} for key in keys])

    def write(self, action: Write) -> None:
        """Do one write. Raises `ConflictError` if its condition does not hold."""
        with translated_errors("write an item"):
            if isinstance(action, Put):
                self._client().put_item(**self._expression(action))
            else:
                self._client().update_item(**self._expression(action))

    def transact(self, actions: Sequence[Write]) -> list[Refusal]:
        """Do all of it, or nothing and say which actions were refused. At most 100 actions."""
        from botocore.exceptions import ClientError

        verbs = [("Put" if isinstance(action, Put) else "Update", self._expression(action)) for action in actions]
        try:
            with translated_errors("write a transaction"):
                self._client().transact_write_items(TransactItems=[{verb: words} for verb, words in verbs])
        except Exception as error:
            cause = error.__cause__
            if not isinstance(cause, ClientError) or "CancellationReasons" not in cause.response:
                raise
            refusals = [
                Refusal(position, reason["Code"] == "ConditionalCheckFailed")
                for position, reason in enumerate(cause.response["CancellationReasons"])
                if reason.get("Code", "None") in ("ConditionalCheckFailed", "TransactionConflict")
            ]
            if not refusals:
                raise ThrottledError(f"write a transaction: {error}") from error
            return refusals
        return []

    def with_status(self, status: str) -> Iterator[str]:
        """The partition keys of all items that carry this `status`, from the index (eventually consistent)."""
        return (pk for pk, _ in self.keys_with_status(status))

    def keys_with_status(self, status: str) -> Iterator[Key]:
        """The keys of all items that carry this `status`, from the index (eventually consistent)."""
        start: dict[str, Any] = {}
        while True:
            with translated_errors("query the status index"):
                answer = self._client().query(
                    TableName=self._name,
                    IndexName=STATUS_INDEX,
                    KeyConditionExpression="#status = :status",
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={":status": {"S": status}},
                    **start,
                )
            yield from ((raw["pk"]["S"], raw["sk"]["S"]) for raw in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def under(
        self, pk: str, prefix: str = "", *, newest_first: bool = False, page: int | None = None
    ) -> Iterator[dict[str, Value]]:
        """The items under one partition key whose sort key begins with `prefix`, in order; `page` at most a call."""
        bound: dict[str, Any] = {"ScanIndexForward": False} if newest_first else {}
        bound |= {"Limit": page} if page else {}
        start: dict[str, Any] = {}
        while True:
            with translated_errors("query a partition"):
                answer = self._client().query(
                    TableName=self._name,
                    KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)" if prefix else "pk = :pk",
                    ExpressionAttributeValues={":pk": {"S": pk}} | ({":prefix": {"S": prefix}} if prefix else {}),
                    ConsistentRead=True,
                    **bound,
                    **start,
                )
            yield from (_unmarshal(raw) for raw in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _write_many(self, requests: list[dict[str, Any]]) -> None:
        for chunk in chunks(requests, WRITE_BATCH):
            wanted: Any = {self._name: chunk}
            for attempt in range(6):
                with translated_errors("write items"):
                    answer = self._client().batch_write_item(RequestItems=wanted)
                wanted = answer.get("UnprocessedItems")
                if not wanted:
                    break
                self._sleep(0.05 * 2**attempt)
            else:
                raise ThrottledError("write items: the table left items unwritten six times")

    def _expression(self, action: Write) -> dict[str, Any]:
        if isinstance(action, Put):
            words: dict[str, Any] = {"TableName": self._name, "Item": _marshal(action.item)}
            return words | ({"ConditionExpression": "attribute_not_exists(pk)"} if action.only_if_new else {})
        mentioned = (*action.set_values, *action.defaults, *action.remove, *action.expected, *action.below)
        names = {f"#{name}": name for name in mentioned}
        values = {f":{name}": value for name, value in (*action.set_values.items(), *action.defaults.items())}
        values |= {f":expected_{name}": value for name, value in action.expected.items() if value is not None}
        values |= {f":below_{name}": value for name, value in action.below.items()}
        sets = [f"#{name} = :{name}" for name in action.set_values]
        sets += [f"#{name} = if_not_exists(#{name}, :{name})" for name in action.defaults]
        clauses = [f"SET {', '.join(sets)}"] if sets else []
        clauses += [f"REMOVE {', '.join(f'#{name}' for name in action.remove)}"] if action.remove else []
        conditions = [
            f"attribute_not_exists(#{name})" if value is None else f"#{name} = :expected_{name}"
            for name, value in action.expected.items()
        ] + [f"#{name} < :below_{name}" for name in action.below]
        words = {
            "TableName": self._name,
            "Key": _marshal(key_of(action.key)),
            "UpdateExpression": " ".join(clauses),
            "ExpressionAttributeNames": names,
        }
        if values:
            words["ExpressionAttributeValues"] = _marshal(values)
        if conditions:
            words["ConditionExpression"] = " AND ".join(conditions)
        return words


def key_of(key: Key) -> Item:
    """The key as the attributes that carry it."""
    return {"pk": key[0], "sk": key[1]}


def chunks(values: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Cut a sequence into pieces of at most `size`."""
    return (values[start : start + size] for start in range(0, len(values), size))


def _marshal(item: Item) -> dict[str, dict[str, str]]:
    return {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in item.items()}


def _unmarshal(raw: Mapping[str, Mapping[str, str]]) -> dict[str, Value]:
    return {name: int(value["N"]) if "N" in value else value["S"] for name, value in raw.items()}
