"""Provisioning of what moto keeps: tables and log groups, through the public API."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.account import Account
from sandbox.errors import TemplateError, UnsupportedError
from sandbox.properties import Properties

Made = tuple[str, Mapping[str, str]]
RETENTIONS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


def _table(account: Account, p: Properties) -> Made:
    name = p.text("TableName", account.name(p.logical_id))
    if p.text("BillingMode", "PROVISIONED") != "PAY_PER_REQUEST":
        raise UnsupportedError(f"{p.logical_id}: AWS::DynamoDB::Table property BillingMode other than on demand")
    request: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": p.any("AttributeDefinitions"),
        "KeySchema": p.any("KeySchema"),
    }
    indexes = p.items("GlobalSecondaryIndexes")
    if indexes:
        request["GlobalSecondaryIndexes"] = indexes
    _check_attributes(p.logical_id, request)
    recovery = p.inside("PointInTimeRecoverySpecification")
    continuous = recovery.flag("PointInTimeRecoveryEnabled")
    recovery.without_effect("RecoveryPeriodInDays")
    recovery.done()
    lifetime = p.inside("TimeToLiveSpecification")
    ttl = lifetime.maybe("AttributeName") if lifetime.flag("Enabled") else lifetime.maybe("")
    lifetime.without_effect("AttributeName")
    lifetime.done()
    p.without_effect("SSESpecification", "Tags", "DeletionProtectionEnabled", "TableClass")
    client = account.client("dynamodb")
    arn = client.create_table(**request)["TableDescription"]["TableArn"]
    if ttl:
        client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": ttl})
    if continuous:
        client.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    return name, {"Arn": arn}


def _check_attributes(logical_id: str, request: Mapping[str, Any]) -> None:
    """AWS refuses attributes that no key uses, and keys without attribute; moto takes both."""
    declared = {attribute["AttributeName"] for attribute in request["AttributeDefinitions"]}
    schemas = [request["KeySchema"], *(index["KeySchema"] for index in request.get("GlobalSecondaryIndexes", []))]
    used = {part["AttributeName"] for schema in schemas for part in schema}
    if declared != used:
        raise TemplateError(f"{logical_id}: attribute {min(declared ^ used)} is declared or used, but not both")


def _log_group(account: Account, p: Properties) -> Made:
    name = p.text("LogGroupName", account.name(p.logical_id))
    client = account.client("logs")
    client.create_log_group(logGroupName=name)
    retention = p.maybe("RetentionInDays")
    if retention is not None:
        if int(retention) not in RETENTIONS:
            raise TemplateError(f"{p.logical_id}: RetentionInDays {retention}")
        client.put_retention_policy(logGroupName=name, retentionInDays=int(retention))
    if p.text("LogGroupClass", "STANDARD") != "STANDARD":
        raise UnsupportedError(f"{p.logical_id}: AWS::Logs::LogGroup property LogGroupClass")
    p.without_effect("Tags", "KmsKeyId")
    return name, {"Arn": account.arn("logs", f"log-group:{name}:*")}


MAKERS: Mapping[str, Callable[[Account, Properties], Made]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::Logs::LogGroup": _log_group,
}
