"""The shortcuts and seams over moto: they have to give what moto gives, and moto has to be what they expect."""

import copy
import inspect
import json
import random
from pathlib import Path
from typing import Any

import moto
import moto.dynamodb.models as models
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from urllib3.connectionpool import HTTPConnectionPool

from sandbox import Sandbox
from tests.thoroughness import so_many

TEMPLATE = Path(__file__).parent / "fixtures" / "template.yaml"
CONDITIONS = [
    None,
    "attribute_not_exists(pk)",
    "attribute_exists(#c) AND #c < :n",
    "attribute_not_exists(#s) OR #s = :s",
    "NOT (#c >= :n)",
    "#c <> :n",
]
UPDATES = [
    "SET #s = :s, doc = :d",
    "SET #c = if_not_exists(#c, :zero) + :n, doc = :d",
    "ADD #c :n SET doc = :d",
    "REMOVE #s SET #c = :n",
    "SET #c = #c - :n",
    "SET doc = #s REMOVE #s",
]
NAMES = {"#c": "count", "#s": "status"}


def used(text: str) -> dict[str, Any]:
    values = {":n": {"N": "2"}, ":s": {"S": "open"}, ":d": {"S": "text"}, ":zero": {"N": "0"}}
    names = {name: full for name, full in NAMES.items() if name in text}
    given = {name: value for name, value in values.items() if name in text}
    return {
        **({"ExpressionAttributeNames": names} if names else {}),
        **({"ExpressionAttributeValues": given} if given else {}),
    }


def action(rng: random.Random) -> tuple[str, dict[str, Any]]:
    key = {"pk": {"S": f"p{rng.randrange(4)}"}, "sk": {"S": f"s{rng.randrange(3)}"}}
    condition = rng.choice(CONDITIONS)
    said = {"ConditionExpression": condition} if condition else {}
    if rng.random() < 0.4:
        item = {**key, "doc": {"S": "x" * rng.randrange(1, 9)}}
        item |= {"count": {"N": str(rng.randrange(5))}} if rng.random() < 0.5 else {}
        item |= {"status": {"S": rng.choice(["open", "shut"])}} if rng.random() < 0.5 else {}
        return "Put", {"Item": item, **said, **used(condition or "")}
    update = rng.choice(UPDATES)
    return "Update", {"Key": key, "UpdateExpression": update, **said, **used(f"{update} {condition}")}


def play(sandbox: Sandbox, seed: int) -> list[str]:
    """Play a random history and write down every answer, every error and the table at the end."""
    rng = random.Random(seed)
    client, table = sandbox.client("dynamodb"), sandbox.resource("Table").physical_id
    seen: list[str] = []

    def call(operation: str, **params: Any) -> None:
        try:
            answer = getattr(client, operation)(**params)
            for name in ("ResponseMetadata", "ConsumedCapacity"):  # moto tells the latter unasked
                answer.pop(name, None)
            seen.append(json.dumps({k: v for k, v in answer.items() if v}, sort_keys=True, default=str))
        except ClientError as error:
            seen.append(f"{error.response['Error']} {error.response.get('CancellationReasons')}")

    for _ in range(150):
        roll = rng.random()
        if roll < 0.5:
            kind, body = action(rng)
            wanted = {"ReturnValues": "ALL_NEW"} if kind == "Update" and rng.random() < 0.3 else {}
            call("put_item" if kind == "Put" else "update_item", TableName=table, **body, **wanted)
        elif roll < 0.75:
            actions = [action(rng) for _ in range(rng.randrange(1, 4))]
            call("transact_write_items", TransactItems=[{kind: {"TableName": table, **body}} for kind, body in actions])
        else:
            keys = [{"pk": {"S": f"p{i}"}, "sk": {"S": f"s{j}"}} for i in range(4) for j in range(3)]
            call("batch_get_item", RequestItems={table: {"Keys": rng.sample(keys, 5), "ConsistentRead": True}})
            item = {**keys[0], "doc": {"S": "batch"}, "status": {"S": "open"}}
            call(
                "batch_write_item",
                RequestItems={table: [{"PutRequest": {"Item": item}}, {"DeleteRequest": {"Key": keys[5]}}]},
            )
            call("get_item", TableName=table, Key=keys[1])
            call(
                "query",
                TableName=table,
                IndexName="status-index",
                KeyConditionExpression="#s = :s",
                ExpressionAttributeNames={"#s": "status"},
                ExpressionAttributeValues={":s": {"S": "open"}},
            )
            for more in ({}, {"ScanIndexForward": False, "ConsistentRead": True}, {"Limit": 1}):
                partition = {":p": {"S": f"p{rng.randrange(5)}"}}
                call(
                    "query",
                    TableName=table,
                    KeyConditionExpression="pk = :p AND begins_with(sk, :s)",
                    ExpressionAttributeValues=partition | {":s": {"S": rng.choice(["s", "s1", "none"])}},
                    **more,
                )
                call(
                    "query",
                    TableName=table,
                    KeyConditionExpression="pk = :p",
                    ExpressionAttributeValues=partition,
                    **more,
                )
    return [*seen, repr(sandbox.table_items())]


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, id=f"history {seed}") for seed in range(so_many(3, exhaustive=12))]
)
def test_random_histories_are_the_same_with_and_without_shortcuts(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox.deploy(TEMPLATE, {"AlertEmail": "ops@example.com"}) as sandbox:
        quick = play(sandbox, seed)
        assert sandbox._gate.shortcuts.taken > 50
    with Sandbox.deploy(TEMPLATE, {"AlertEmail": "ops@example.com"}) as sandbox:
        monkeypatch.setattr(sandbox._gate.shortcuts, "answer", lambda operation, params: None, raising=False)
        slow = play(sandbox, seed)
    for index, (left, right) in enumerate(zip(quick, slow, strict=True)):
        assert left == right, f"step {index}"


@pytest.fixture
def table(sandbox: Sandbox) -> tuple[Any, str]:
    return sandbox.client("dynamodb"), sandbox.resource("Table").physical_id


def test_a_refused_transaction_leaves_nothing_behind(sandbox: Sandbox, table: tuple[Any, str]) -> None:
    client, name = table
    client.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"S": "1"}, "doc": {"S": "old"}})
    update = {
        "TableName": name,
        "Key": {"pk": {"S": "a"}, "sk": {"S": "1"}},
        "UpdateExpression": "SET doc = :d",
        "ExpressionAttributeValues": {":d": {"S": "new"}},
    }
    put = {
        "TableName": name,
        "Item": {"pk": {"S": "b"}, "sk": {"S": "1"}},
    }
    refused = {**put, "Item": {"pk": {"S": "a"}, "sk": {"S": "2"}}, "ConditionExpression": "attribute_exists(pk)"}
    with pytest.raises(ClientError) as caught:
        client.transact_write_items(TransactItems=[{"Update": update}, {"Put": put}, {"Put": refused}])
    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "None", "ConditionalCheckFailed"]
    assert sandbox.table_items() == [{"pk": "a", "sk": "1", "doc": "old"}]


def test_moto_is_the_version_that_the_seams_were_written_for() -> None:
    assert moto.__version__ == "5.2.5"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(
            models.DynamoDBBackend.transact_write_items,
            ["copy.deepcopy(", "self.tables[table_name] = original_table_state[table_name]"],
            id="a transaction copies tables and puts them back",
        ),
        pytest.param(Table.query, ["self.all_items()", "hash_key_conditions"], id="a query walks all items"),
        pytest.param(Table.put_item, ["self.items[hash_value][range_value] = item"], id="items by hash and range"),
        pytest.param(Item.__init__, ["self.hash_key", "self.range_key", "self.attrs"], id="what an item is made of"),
        pytest.param(BaseClient._make_api_call, ["operation_name", "api_params"], id="the choke point of botocore"),  # type: ignore[attr-defined]
        pytest.param(
            HTTPConnectionPool._make_request, ["conn", "method", "preload_content"], id="below urllib3's retries"
        ),
    ],
)
def test_the_seams_still_fit(found: Any, words: list[str]) -> None:
    source = inspect.getsource(found)
    assert [word for word in words if word not in source] == []


def test_moto_is_put_back_when_the_sandbox_closes() -> None:
    transact, query, call = models.DynamoDBBackend.transact_write_items, Table.query, BaseClient._make_api_call  # type: ignore[attr-defined]
    with Sandbox.deploy(TEMPLATE, {"AlertEmail": "ops@example.com"}):
        assert models.DynamoDBBackend.transact_write_items is not transact
    assert models.DynamoDBBackend.transact_write_items is transact
    assert (Table.query, BaseClient._make_api_call, models.copy) == (query, call, copy)  # type: ignore[attr-defined]
