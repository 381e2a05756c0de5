"""Provisioning of what moto keeps: tables, log groups, buckets."""

from collections.abc import Callable, Mapping
from typing import Any

from moto.logs.models import logs_backends

from sandbox import iam
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
    """Made in moto without a request: a stack has dozens of them, and a fifth of a deployment was asking for them."""
    name = p.text("LogGroupName", account.name(p.logical_id))
    backend = logs_backends[account.id][account.region]
    backend.create_log_group(name, {})
    retention = p.maybe("RetentionInDays")
    if retention is not None:
        if int(retention) not in RETENTIONS:
            raise TemplateError(f"{p.logical_id}: RetentionInDays {retention}")
        backend.put_retention_policy(name, str(int(retention)))
    if p.text("LogGroupClass", "STANDARD") != "STANDARD":
        raise UnsupportedError(f"{p.logical_id}: AWS::Logs::LogGroup property LogGroupClass")
    p.without_effect("Tags", "KmsKeyId")
    return name, {"Arn": account.arn("logs", f"log-group:{name}:*")}


def _bucket(account: Account, p: Properties) -> Made:
    name = p.text("BucketName", account.name(p.logical_id).lower()[:63].rstrip("-"))
    client = account.client("s3")
    client.create_bucket(
        Bucket=name,
        **(
            {}
            if account.region == "us-east-1"
            else {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
        ),
    )
    versioning = p.inside("VersioningConfiguration")
    if versioning.text("Status", "Suspended") == "Enabled":
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    versioning.done()
    notifications = p.inside("NotificationConfiguration")
    bridge = notifications.inside("EventBridgeConfiguration")
    if bridge.flag("EventBridgeEnabled", default=False):
        client.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
    bridge.done()
    notifications.done()
    p.without_effect(
        "BucketEncryption", "PublicAccessBlockConfiguration", "OwnershipControls", "LifecycleConfiguration"
    )
    p.without_effect("Tags")
    return name, {"Arn": f"arn:aws:s3:::{name}"}


def _bucket_policy(account: Account, p: Properties) -> Made:
    bucket = p.text("Bucket")
    document = p.any("PolicyDocument")
    account.buckets.policies[bucket] = iam.parse(document, p.logical_id, resource_policy=True)
    return account.name(p.logical_id), {}


MAKERS: Mapping[str, Callable[[Account, Properties], Made]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
}
