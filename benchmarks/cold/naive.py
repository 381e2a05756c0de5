"""The work that task_alerts has with one stop, the way tutorials write it: everything imported and made at the top."""

import json
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.parser import BaseModel, envelopes
from pydantic import Field

logger = Logger(service="naive")
metrics = Metrics(namespace="Naive", service="naive")
processor = BatchProcessor(event_type=EventType.SQS)

dynamodb = boto3.client("dynamodb")
ecs = boto3.client("ecs")
logs = boto3.client("logs")
sns = boto3.client("sns")


class Container(BaseModel):
    """One container."""

    name: str
    exit_code: int | None = Field(None, alias="exitCode")


class Task(BaseModel):
    """One task."""

    task_arn: str = Field(alias="taskArn")
    task_definition: str = Field(alias="taskDefinitionArn")
    stopped_reason: str | None = Field(None, alias="stoppedReason")
    containers: tuple[Container, ...] = ()


def keep(record: SQSRecord) -> None:
    """Look the task up, keep it, tell people."""
    task: Any = envelopes.EventBridgeEnvelope().parse(data=json.loads(record.body), model=Task)
    key = {"pk": {"S": task.task_arn}, "sk": {"S": "TASK"}}
    dynamodb.batch_get_item(RequestItems={"breakwater": {"Keys": [key]}})
    ecs.describe_task_definition(taskDefinition=task.task_definition)
    logs.get_log_events(logGroupName="/ecs/checkout", logStreamName="ecs/app/1")
    dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": "breakwater", "Item": key}}])
    message = {"Id": "1", "Message": task.stopped_reason or "a task stopped"}
    topic = "arn:aws:sns:eu-central-1:111122223333:incidents"
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[message])
    logger.info("task failed", extra={"task": task.task_arn})
    metrics.add_metric(name="TasksFailed", unit="Count", value=1)


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> Any:
    """Answer one batch."""
    return process_partial_response(event=event, record_handler=keep, processor=processor, context=context)
