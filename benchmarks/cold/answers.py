"""What AWS answers in the cold starts that are compared, by operation."""

import json
from datetime import datetime

from benchmarks.stops import ACCOUNT, REGION, REVISION
from breakwater.incidents import Record
from breakwater.wire import dump_record

TABLE = "breakwater"

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
ALL_NEW: dict[str, str] = {
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


EMPTY_POLICY = {
    "s3.GetObject": "version: 1\n",
    "scheduler.ListSchedules": json.dumps({"Schedules": []}),
    "eventbridge.ListRules": json.dumps({"Rules": []}),
    "dynamodb.PutItem": "{}",
}


_CLUSTER, _SERVICE = (f"arn:aws:ecs:{REGION}:{ACCOUNT}:{path}" for path in ("cluster/prod", "service/prod/checkout"))
# A service that runs as it did at the last look.
SEEN_SERVICE = {
    "ecs.ListClusters": json.dumps({"clusterArns": [_CLUSTER]}),
    "ecs.ListServices": json.dumps({"serviceArns": [_SERVICE]}),
    "ecs.DescribeServices": json.dumps(
        {
            "services": [
                {
                    "serviceArn": _SERVICE,
                    "clusterArn": _CLUSTER,
                    "serviceName": "checkout",
                    "status": "ACTIVE",
                    "desiredCount": 2,
                    "runningCount": 2,
                    "deployments": [
                        {
                            "id": "ecs-svc/1",
                            "status": "PRIMARY",
                            "rolloutState": "COMPLETED",
                            "taskDefinition": REVISION,
                            "desiredCount": 2,
                            "runningCount": 2,
                        }
                    ],
                }
            ]
        }
    ),
    "dynamodb.BatchGetItem": json.dumps(
        {
            "Responses": {
                TABLE: [
                    {
                        "pk": {"S": "GUARD#prod/checkout"},
                        "sk": {"S": "GUARD"},
                        "doc": {"S": json.dumps({"primary": "ecs-svc/1"})},
                        "version": {"N": "1"},
                    }
                ]
            },
            "UnprocessedKeys": {},
        }
    ),
}


def applied(at: datetime) -> dict[str, str]:
    """A policy document that was looked at already; its object is of version v1."""
    said = {"version": "v1", "outcome": "applied", "problems": "[]", "changes": "[]", "incidents": "[]"}
    item = {name: {"S": value} for name, value in ({"pk": "POLICY", "sk": "DOCUMENT"} | said).items()}
    item["checked"] = {"N": str(int(at.timestamp()))}
    return {"dynamodb.BatchGetItem": json.dumps({"Responses": {TABLE: [item]}, "UnprocessedKeys": {}})}


def open_incident(record: Record) -> dict[str, str]:
    """One incident that is open, as its record says."""
    key = {"pk": {"S": f"INCIDENT#{record.incident.id}"}, "sk": {"S": "INCIDENT"}}
    item = key | {"doc": {"S": dump_record(record)}, "version": {"N": "1"}, "notice_sent": {"N": "1"}}
    return {
        "dynamodb.Query": json.dumps({"Items": [key | {"status": {"S": "open"}}], "Count": 1}),
        "dynamodb.BatchGetItem": json.dumps({"Responses": {TABLE: [item]}, "UnprocessedKeys": {}}),
    }
