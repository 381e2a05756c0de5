"""What every Lambda function that talks to AWS pays: json and one boto3 client. The measure of the others."""

import json
from typing import Any

import boto3

client = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Read the event and make one call."""
    wanted = json.loads(event["body"])
    client.get_item(TableName="breakwater", Key={"pk": {"S": wanted["pk"]}, "sk": {"S": wanted["sk"]}})
    return {"statusCode": 200}
