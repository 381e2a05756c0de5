"""The cold starts of releases: the steps of the machine, its sweep, the lane of deployments' events, the native hook.

Nobody is paged by these: a deployment waits minutes for itself. They have rows so that none of them grows unseen.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from benchmarks.cold.answers import ALL_NEW, TABLE
from benchmarks.stops import ACCOUNT, REGION, Json
from breakwater.model import Mode
from breakwater.wire import dump
from release.record import Before, Release, Stage

if TYPE_CHECKING:
    from benchmarks.cold.cases import Case

_ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}:"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:breakwater-release:r1"
DEPLOYMENT = f"{_ECS}service-deployment/prod/checkout/x1"
SERVICE = f"{_ECS}service/prod/checkout"
OLD, NEW = (f"{_ECS}task-definition/checkout:{number}" for number in (7, 8))
READ = "dynamodb.BatchGetItem"
NO_DEPLOYMENT = {"ecs.DescribeServiceDeployments": json.dumps({"serviceDeployments": []}), "dynamodb.PutItem": "{}"}


def release_cases(make: "type[Case]", env: Mapping[str, str], now: datetime) -> "dict[str, Case]":
    """The rows by their names. `env` is what every function has."""
    topic = {"INCIDENT_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:incidents"}
    machine = {"STATE_MACHINE_ARN": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:breakwater-release"}
    steps = {
        **env,
        **topic,
        "POWERTOOLS_SERVICE_NAME": "release",
        "REPORT_BUCKET": "reports",
        "STACK_NAME": "breakwater",
    }
    hooks = {**env, "POWERTOOLS_SERVICE_NAME": "deployment_hooks"}
    native = {"NATIVE_HOOK_ARN": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:hook"}
    answers = {**ALL_NEW, **NO_DEPLOYMENT}
    begun = {**answers, READ: _kept(now)}
    wait: Json = {"execution": EXECUTION, "token": "t", "number": 1, "todo": {"verb": "watch"}}
    closed: Json = {"next": "failed", "pause": 0, "outcome": {"error": "Refused", "cause": "it never began"}}
    deploy: Json = {"next": "move", "todo": {"verb": "deploy"}, "patience": 1800}
    onward: Json = {"next": "close", "todo": {"verb": "watch"}, "patience": 1800}
    refused: Json = {"next": "close", "todo": None, "patience": 1800}
    swept: Json = {"repaired": 0, "nudged": 0, "orphans": 0, "attended": 0}
    told = (READ, "dynamodb.UpdateItem", READ, "ecs.DescribeServiceDeployments", READ)
    return {
        "ReleaseBeginFunction": make(
            "release.begin.handler",
            {"execution": EXECUTION, "request": {}},
            refused,
            answers,
            (READ, "dynamodb.PutItem"),
            {**steps, **native},
        ),
        "ReleaseMoveFunction": make(
            "release.move.handler",
            {"execution": EXECUTION, "todo": {"verb": "return"}},
            onward,
            answers,
            (READ,),
            steps,
        ),
        "ReleaseWaitFunction": make(
            "release.wait.handler",
            wait,
            {"kept": True},
            begun,
            (READ, "dynamodb.UpdateItem", READ, "dynamodb.UpdateItem"),
            steps,
        ),
        "ReleaseCheckFunction": make(
            "release.check.handler",
            {"execution": EXECUTION, "event": None, "todo": None},
            deploy,
            begun,
            (READ, "dynamodb.UpdateItem"),
            steps,
        ),
        "ReleaseCloseFunction": make(
            "release.close.handler", {"execution": EXECUTION, "failure": None}, closed, answers, (READ,), steps
        ),
        "ReleaseSweepFunction": make(
            "release.sweep.handler", {}, swept, answers, ("dynamodb.Query", "dynamodb.Query"), {**steps, **machine}
        ),
        "DeploymentHooksEventsFunction": make(
            "deployment_hooks.events.handler",
            _waiting(now),
            {"taken": True},
            answers,
            told,
            {**hooks, **machine, **native},
        ),
        "DeploymentHooksNativeFunction": make(
            "deployment_hooks.native.handler",
            {
                "lifecycleStage": "TEST_TRAFFIC_SHIFT",
                "resourceArn": DEPLOYMENT,
                "executionDetails": {"serviceArn": SERVICE},
            },
            {"hookStatus": "SUCCEEDED"},
            answers,
            (READ, "ecs.DescribeServiceDeployments", "dynamodb.PutItem"),
            {**hooks, **topic, "STACK_NAME": "breakwater"},
        ),
    }


def _kept(now: datetime) -> str:
    """A release that has just called UpdateService and does not see its deployment yet."""
    before = Before(OLD, "ecs-svc/7", 4)
    release = Release(
        EXECUTION,
        "prod/checkout",
        Stage.FORWARD,
        Mode.ACT,
        now,
        task_definition=NEW,
        token=1,
        before=before,
        intended_at=now - timedelta(seconds=30),
    )
    item = {
        "pk": {"S": f"RELEASE#{EXECUTION}"},
        "sk": {"S": "RELEASE"},
        "doc": {"S": dump(release)},
        "version": {"N": "2"},
    }
    return json.dumps({"Responses": {TABLE: [item]}, "UnprocessedKeys": {}})


def _waiting(now: datetime) -> Json:
    """A deployment of somebody else's waits at a hook."""
    at = now.isoformat()
    return {
        "version": "0",
        "id": "00000000-0000-4000-8000-000000000000",
        "detail-type": "ECS Hook State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": at,
        "region": REGION,
        "resources": [DEPLOYMENT, SERVICE],
        "detail": {
            "eventType": "INFO",
            "eventName": "HOOK_AWAITING_ACTION",
            "serviceDeploymentArn": DEPLOYMENT,
            "hookId": "ecs-pause-1",
            "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT",
            "createdAt": at,
            "updatedAt": at,
        },
    }
