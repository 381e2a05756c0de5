"""The cold starts that are compared: which handler, which first event, what AWS answers, what has to come of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from breakwater.incidents import Announce, Record, decide_incident
from breakwater.model import AlertPolicy, Category, Cause, Diagnosis, Evidence, Finding, Severity, Subject, SubjectKind
from breakwater.wire import dump_notice, dump_record

ACCOUNT = "111122223333"
REGION = "eu-central-1"
TABLE = "breakwater"
TASK = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/prod/0123456789abcdef0123456789abcdef"
REVISION = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/checkout:7"

Json = dict[str, Any]


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
            {"resolved": 1, "published": 1, "unpublished": 0},
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
            {"resolved": 0, "published": 0, "unpublished": 0},
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
    }


def task_stop(now: datetime, **detail: object) -> Json:
    """An ECS Task State Change: by default of an essential container that ended with exit code 1 a moment ago."""
    at = (now - timedelta(seconds=3)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    stopped: Json = {
        "taskArn": TASK,
        "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod",
        "taskDefinitionArn": REVISION,
        "version": 5,
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "group": "service:checkout",
        "startedBy": "ecs-svc/1234567890123456789",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "cpu": "256",
        "memory": "512",
        "connectivity": "CONNECTED",
        "createdAt": at,
        "startedAt": at,
        "stoppingAt": at,
        "stoppedAt": at,
        "updatedAt": at,
        "attachments": [{"id": "1", "type": "eni", "status": "DELETED", "details": []}],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "arm64"}],
        "containers": [
            {
                "containerArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:container/prod/{index}",
                "name": name,
                "lastStatus": "STOPPED",
                "exitCode": code,
                "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}:7",
                "imageDigest": "sha256:" + "0123456789abcdef" * 4,
                "networkInterfaces": [{"attachmentId": "1", "privateIpv4Address": "10.0.1.17"}],
            }
            for index, (name, code) in enumerate((("app", 1), ("log-router", 0)))
        ],
        "overrides": {"containerOverrides": [{"name": "app"}, {"name": "log-router"}]},
    } | detail
    return {
        "version": "0",
        "id": "9d1c3a52-6f0e-4c52-9a5b-2f7c1f6c0a11",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": at,
        "region": REGION,
        "resources": [TASK],
        "detail": stopped,
    }


SCALE_IN: Json = {
    "stopCode": "ServiceSchedulerInitiated",
    "stoppedReason": "Scaling activity initiated by (deployment ecs-svc/1234567890123456789)",
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
                {"timestamp": 1, "message": f"worker {line}: cannot reach postgres://shop:pw@db/orders", "ingestionTime": 1}
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
        diagnosis=Diagnosis(
            Category.TASK_FAILED, Severity.HIGH, Cause.APP_ERROR, "Container app ended with exit code 1.", container="app"
        ),
        at=at,
        evidence=Evidence(task_arn=TASK, task_definition=REVISION, stop_code="EssentialContainerExited"),
    )
    decision = decide_incident(None, [finding], AlertPolicy(), at)
    assert isinstance(decision, Announce)
    return decision.record


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
