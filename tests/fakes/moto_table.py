"""The one table over moto, with the keys and the index that template.yaml declares."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from moto import mock_aws

from breakwater.store import Table
from sandbox.template import load

NAME = "table"
_TEMPLATE = Path(__file__).parents[2] / "template.yaml"
_ASKED_AT_CREATION = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


@contextmanager
def moto_table() -> Iterator[Table]:
    """The adapter over an empty table named `NAME`, inside moto."""
    declared = load(_TEMPLATE)["Resources"]["Table"]["Properties"]
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(TableName=NAME, **{key: declared[key] for key in _ASKED_AT_CREATION})
        yield Table(lambda: client, NAME, sleep=lambda seconds: None)
