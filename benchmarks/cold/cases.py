"""The cold starts that are compared: which handler, which first event, what AWS answers, what has to come of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from benchmarks.cold.answers import ALL_NEW, EMPTY_POLICY, SEEN_SERVICE, TABLE, applied, open_incident
from benchmarks.cold.releases import release_cases
from benchmarks.stops import ACCOUNT, REGION, REVISION, SCALE_IN, TASK, Json, task_stop
from breakwater.incidents import Record, decide_incident
from breakwater.model import Category, Cause, Diagnosis, Evidence, Finding, Severity, Subject, SubjectKind
from breakwater.policies import AlertPolicy
from breakwater.wire import dump_notice


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
    batch = alerts | {
        "POWERTOOLS_SERVICE_NAME": "batch_runner",
        "BATCH_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/batch",
    }
    arn = f":{REGION}:{ACCOUNT}:"
    guard = alerts | {"POWERTOOLS_SERVICE_NAME": "rollback_guard", "KILL_SWITCH": "off"}
    policy = env | {
        "POWERTOOLS_SERVICE_NAME": "policy_sync",
        "INCIDENT_TOPIC_ARN": _topic("incidents"),
        "POLICY_BUCKET": "breakwater-policy",
        "SCHEDULE_GROUP": "ours",
        "SCHEDULE_GROUP_ARN": f"arn:aws:scheduler{arn}schedule-group/ours",
        "RULE_PREFIX": "breakwater-0a1b2c3d-upload-",
        "SCHEDULE_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/ours",
        "SCALER_TARGET_ARN": f"arn:aws:lambda{arn}function:scaler",
        "SCALER_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/scaler",
        "SCALER_DEAD_LETTERS_ARN": f"arn:aws:sqs{arn}scaler-dead",
        "JOBS_TARGET_ARN": f"arn:aws:sqs{arn}jobs",
        "UPLOADS_TARGET_ARN": f"arn:aws:sqs{arn}uploads",
        "ROUTES_DEAD_LETTERS_ARN": f"arn:aws:sqs{arn}dead",
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
        ALL_NEW,
        (
            "dynamodb.BatchGetItem",
            "ecs.DescribeTaskDefinition",
            "dynamodb.BatchWriteItem",
            "dynamodb.BatchGetItem",  # the policy
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
        ALL_NEW,
        (
            "dynamodb.BatchGetItem",  # the policy
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
            ALL_NEW,
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
            ALL_NEW | open_incident(quiet),
            (
                "dynamodb.BatchGetItem",  # the policy
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
            ALL_NEW,
            ("dynamodb.BatchGetItem", "dynamodb.Query"),  # the policy, and what is open
            alerts,
        ),
        "NotifierFunction": notice,
        "NotifierSweepFunction": Case(
            "notifier.sweep.handler",
            {},
            {"looked_after": ["mail"]},
            ALL_NEW,
            ("dynamodb.Query", "dynamodb.BatchGetItem"),
            notifier,
        ),
        "BatchRunnerFunction": replace(
            stop,
            handler="batch_runner.handler.handler",
            event=_batch(json.dumps(task_stop(now, startedBy="breakwater/run/nightly/20260414T120000Z-0/1"))),
            calls=(
                "dynamodb.BatchGetItem",  # the policy
                "dynamodb.BatchGetItem",  # the run, which is not there: the task is judged like anybody's
                "dynamodb.BatchGetItem",
                "dynamodb.BatchGetItem",
                "ecs.DescribeTaskDefinition",
                "dynamodb.BatchWriteItem",
                "cloudwatch-logs.GetLogEvents",
                "dynamodb.TransactWriteItems",
                "sns.PublishBatch",
                "dynamodb.TransactWriteItems",
            ),
            env=batch,
        ),
        "BatchRunnerSweepFunction": Case(
            "batch_runner.sweep.handler",
            {},
            {"jobs": 0},
            ALL_NEW,
            ("dynamodb.BatchGetItem", "dynamodb.Query", "dynamodb.Query", "dynamodb.Query"),
            batch,
        ),
        "RollbackGuardFunction": Case(
            "rollback_guard.handler.handler",
            task_stop(now),
            {"decision": "wait"},
            ALL_NEW | {"dynamodb.PutItem": "{}"},
            (
                "dynamodb.BatchGetItem",  # which container is essential
                "ecs.DescribeTaskDefinition",
                "dynamodb.BatchWriteItem",
                "dynamodb.BatchGetItem",  # the policy
                "dynamodb.PutItem",  # the stop counts
                "dynamodb.BatchGetItem",
                "dynamodb.Query",
            ),
            guard,
        ),
        "RollbackGuardFunction_dropped": Case(
            "rollback_guard.handler.handler",
            task_stop(now, stopCode="UserInitiated"),
            {"decision": "ignore"},
            env=guard,
        ),
        "RollbackGuardSweepFunction": Case(
            "rollback_guard.sweep.handler",
            {},
            {"looked": 0, "asked": 0},
            ALL_NEW | SEEN_SERVICE,
            ("dynamodb.Query", "ecs.ListClusters", "ecs.ListServices", "ecs.DescribeServices", "dynamodb.BatchGetItem"),
            guard,
        ),
        "PolicySyncFunction": Case(
            "policy_sync.handler.handler",
            {},
            {"outcome": "applied", "version": "v1", "problems": 0},
            ALL_NEW | EMPTY_POLICY,
            (
                "dynamodb.UpdateItem",  # the lease
                "dynamodb.BatchGetItem",
                "s3.GetObject",
                "scheduler.ListSchedules",
                "eventbridge.ListRules",
                "dynamodb.TransactWriteItems",
                "dynamodb.PutItem",
                "dynamodb.UpdateItem",
            ),
            policy,
        ),
        "PolicySyncSweepFunction": Case(
            "policy_sync.sweep.handler",
            {},
            {"outcome": "nothing to do"},
            ALL_NEW | EMPTY_POLICY | applied(now),
            ("dynamodb.BatchGetItem", "s3.GetObject"),
            policy,
        ),
        "ScalerFunction": Case(
            "scaler.handler.handler",
            {"action": "list"},
            {"mode": "observe", "services": []},
            ALL_NEW,
            ("dynamodb.BatchGetItem", "dynamodb.Query"),
            scaler,
        ),
        "ScalerSweepFunction": Case(
            "scaler.sweep.handler",
            {},
            {"services": 0, "clusters": 0},
            ALL_NEW,
            ("dynamodb.Query", "dynamodb.BatchGetItem", "dynamodb.BatchGetItem"),
            scaler,
        ),
        **release_cases(Case, env, now),
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
