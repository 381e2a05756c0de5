"""The cold starts that are compared: which handler, which first event, what AWS answers, what has to come of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from benchmarks.stops import ACCOUNT, REGION, REVISION, SCALE_IN, TASK, Json, task_stop
from breakwater.incidents import Record, decide_incident
from breakwater.model import Category, Cause, Diagnosis, Evidence, Finding, Severity, Subject, SubjectKind
from breakwater.policies import AlertPolicy
from breakwater.wire import dump_notice, dump_record

TABLE = "breakwater"


@dataclass(frozen=True, slots=True)
class Case:
    """One cold start. `answers` are AWS's by operation; `calls` are the operations that have to be seen, in order."""

    handler: str
    event: Json
    answer: Json | None
    answers: Mapping[str, str] = field(default_factory=dict)
    calls: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)


def cases(now: datetime | None = None) -> dict[str, Case]:
    """Every row by its name; those of a function of the template begin with its logical id."""
    now = now or datetime.now(UTC)
    env = {"TABLE_NAME": TABLE, "MODE": "observe", "LOG_LEVEL": "INFO", "POWERTOOLS_METRICS_NAMESPACE": "Breakwater"}
    alerts = env | {"POWERTOOLS_SERVICE_NAME": "task_alerts", "INCIDENT_TOPIC_ARN": _topic("incidents")}
    notifier = env | {
        "POWERTOOLS_SERVICE_NAME": "notifier",
        "MAIL_TOPIC_ARN": _topic("mail"),
        "NOTIFIER_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/notifier",
    }
    scaler = env | {
        "POWERTOOLS_SERVICE_NAME": "scaler",
        "INCIDENT_TOPIC_ARN": _topic("incidents"),
        "SCHEDULE_GROUP": "scaler",
        "SCHEDULE_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/scaler",
        "SCHEDULE_DEAD_LETTERS_ARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:scaler",
    }
    nothing_returned: Json = {"batchItemFailures": []}
    key = {"pk": {"S": TASK}, "sk": {"S": "TASK"}}
    stop = Case(
        "task_alerts.handler.handler",
        _batch(json.dumps(task_stop(now))),
        nothing_returned,
        _ALL_NEW,
        (
            "dynamodb.BatchGetItem",
            "ecs.DescribeTaskDefinition",
            "dynamodb.BatchWriteItem",
            "dynamodb.BatchGetItem",
            "cloudwatch-logs.GetLogEvents",
            "dynamodb.TransactWriteItems",
            "sns.PublishBatch",
            "dynamodb.TransactWriteItems",
        ),
        alerts,
    )
    notice = Case(
        "notifier.handler.handler",
        _batch(dump_notice(_record(now).notice)),
        nothing_returned,
        _ALL_NEW,
        (
            "dynamodb.BatchGetItem",
            "dynamodb.UpdateItem",
            "dynamodb.UpdateItem",
            "sns.Publish",
            "dynamodb.BatchWriteItem",
        ),
        notifier,
    )
    quiet = _record(now - timedelta(hours=1))
    return {
        "bare": Case(
            "benchmarks.cold.bare.handler",
            {"body": json.dumps({"pk": TASK, "sk": "TASK"})},
            {"statusCode": 200},
            {"dynamodb.GetItem": json.dumps({"Item": key})},
            ("dynamodb.GetItem",),
        ),
        "naive": Case(
            "benchmarks.cold.naive.handler",
            stop.event,
            nothing_returned,
            _ALL_NEW,
            (
                "dynamodb.BatchGetItem",
                "ecs.DescribeTaskDefinition",
                "cloudwatch-logs.GetLogEvents",
                "dynamodb.TransactWriteItems",
                "sns.PublishBatch",
            ),
            env,
        ),
        "TaskAlertsFunction": stop,
        "TaskAlertsFunction_dropped": replace(
            stop, event=_batch(json.dumps(task_stop(now, **SCALE_IN))), answers={}, calls=()
        ),
        "TaskAlertsSweepFunction": Case(
            "task_alerts.sweep.handler",
            {},
            {"resolved": 1, "published": 1},
            _ALL_NEW | _open_incident(quiet),
            (
                "dynamodb.Query",
                "dynamodb.BatchGetItem",
                "dynamodb.TransactWriteItems",
                "sns.PublishBatch",
                "dynamodb.TransactWriteItems",
            ),
            alerts,
        ),
        "TaskAlertsSweepFunction_idle": Case(
            "task_alerts.sweep.handler",
            {},
            {"resolved": 0, "published": 0},
            {"dynamodb.Query": json.dumps({"Items": []})},
            ("dynamodb.Query",),
            alerts,
        ),
        "NotifierFunction": notice,
        "NotifierSweepFunction": Case(
            "notifier.sweep.handler",
            {},
            {"looked_after": ["mail"]},
            _ALL_NEW,
            ("dynamodb.Query", "dynamodb.BatchGetItem"),
            notifier,
        ),
        "ScalerFunction": Case(
            "scaler.handler.handler",
            {"action": "list"},
            {"mode": "observe", "services": []},
            _ALL_NEW,
            ("dynamodb.BatchGetItem", "dynamodb.Query"),
            scaler,
        ),
        "ScalerSweepFunction": Case(
            "scaler.sweep.handler",
            {},
            {"services": 0, "clusters": 0},
            _ALL_NEW,
            ("dynamodb.Query", "dynamodb.BatchGetItem"),
            scaler,
        ),
    }


_PUBLISHED = (
    '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Failed/><Successful>'
    "<member><Id>0</Id><MessageId>1</MessageId></member></Successful></PublishBatchResult>"
    "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PublishBatchResponse>"
)
_SENT = (
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId>'
    "</PublishResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PublishResponse>"
)
# An account in which nothing is known yet and everything works.
_ALL_NEW: dict[str, str] = {
    "dynamodb.BatchGetItem": json.dumps({"Responses": {TABLE: []}, "UnprocessedKeys": {}}),
    "dynamodb.BatchWriteItem": json.dumps({"UnprocessedItems": {}}),
    "dynamodb.Query": json.dumps({"Items": [], "Count": 0}),
    "dynamodb.TransactWriteItems": "{}",
    "dynamodb.UpdateItem": "{}",
    "ecs.DescribeTaskDefinition": json.dumps(
        {
            "taskDefinition": {
                "taskDefinitionArn": REVISION,
                "containerDefinitions": [
                    {
                        "name": name,
                        "essential": name == "app",
                        "logConfiguration": {
                            "logDriver": "awslogs",
                            "options": {
                                "awslogs-group": "/ecs/checkout",
                                "awslogs-region": REGION,
                                "awslogs-stream-prefix": "ecs",
                            },
                        },
                    }
                    for name in ("app", "log-router")
                ],
            }
        }
    ),
    "cloudwatch-logs.GetLogEvents": json.dumps(
        {
            "events": [
                {"timestamp": line, "message": f"worker {line}: no answer from postgres://shop:pw@db/orders"}
                for line in range(20)
            ]
        }
    ),
    "sns.PublishBatch": _PUBLISHED,
    "sns.Publish": _SENT,
}


def _open_incident(record: Record) -> dict[str, str]:
    key = {"pk": {"S": f"INCIDENT#{record.incident.id}"}, "sk": {"S": "INCIDENT"}}
    item = key | {"doc": {"S": dump_record(record)}, "version": {"N": "1"}, "notice_sent": {"N": "1"}}
    return {
        "dynamodb.Query": json.dumps({"Items": [key | {"status": {"S": "open"}}], "Count": 1}),
        "dynamodb.BatchGetItem": json.dumps({"Responses": {TABLE: [item]}, "UnprocessedKeys": {}}),
    }


def _record(at: datetime) -> Record:
    """A service's container that crashed."""
    finding = Finding(
        identity=TASK,
        subject=Subject(SubjectKind.SERVICE, "checkout", "prod", "checkout:7"),
        diagnosis=Diagnosis(Category.TASK_FAILED, Severity.HIGH, Cause.APP_ERROR, "Exit code 1.", container="app"),
        at=at,
        evidence=Evidence(task_arn=TASK, task_definition=REVISION, stop_code="EssentialContainerExited"),
    )
    return decide_incident(None, [finding], AlertPolicy(), at).record


def _batch(*bodies: str) -> Json:
    return {
        "Records": [
            {
                "messageId": f"00000000-0000-4000-8000-{number:012}",
                "receiptHandle": "receipt",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1764000000000"},
                "messageAttributes": {},
                "md5OfBody": "0" * 32,
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue",
                "awsRegion": REGION,
            }
            for number, body in enumerate(bodies)
        ]
    }


def _topic(name: str) -> str:
    return f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
