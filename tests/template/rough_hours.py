"""A few rough hours in the sandbox, and every permission that each function turned out to need.

Crashes, a failed deployment, storms that end in digests, outages of every service in turn, and sweeps at odd moments:
so that each call of each function is made at least once. What a function is granted beyond that is too much.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from sandbox import Container, Sandbox, Secret, actions, iam
from sandbox.ecs.workloads import crash_after, crash_on_start
from tests.sandbox.policy_stack import GUARD_ACTS, put_in_force
from tests.template.bus import Event, an_exit
from tests.template.reading import ACCOUNT, REGION, ROOT
from tests.template.rough_batch import run_batch_work
from tests.template.rough_policies import push_and_remove
from tests.template.rough_releases import play_releases
from tests.template.scaled_hours import scaled

START = datetime(2026, 3, 2, 10, 6, tzinfo=UTC)
SWEEPS = ("TaskAlertsSweepFunction", "NotifierSweepFunction", "ScalerSweepFunction")
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}
OUTAGES = (
    ("sns", "PublishBatch"),
    ("sns", "Publish"),
    ("sqs", "SendMessage"),
    ("dynamodb", "BatchGetItem"),
    ("dynamodb", "BatchWriteItem"),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "Query"),
    ("dynamodb", "TransactWriteItems"),
    ("logs", "GetLogEvents"),
)

SERVICES = 14  # more than a minute has room for, so that digests are sent


@dataclass(frozen=True, slots=True)
class Lived:
    """What each function needed, the statements that its role holds, and the calls that were refused."""

    needed: Mapping[str, list[iam.Request]]
    held: Mapping[str, tuple[iam.Statement, ...]]
    refused: list[str]


@cache
def lived() -> Lived:
    """Live through the hours once."""
    needed: defaultdict[str, list[iam.Request]] = defaultdict(list)
    parameters: dict[str, str | Secret] = {
        "AlertEmail": "oncall@example.com",
        "Mode": "act",
        "CheckTaskRoleArns": f"arn:aws:iam::{ACCOUNT}:role/task",
        "CheckSecretArns": Secret("token", name="breakwater/check"),
        "SlackSecretArn": Secret("https://hooks.slack.com/services/T0/B0/x"),
    }
    template = ROOT / "template.yaml"
    with pytest.MonkeyPatch.context() as patch, Sandbox.deploy(template, parameters, start=START) as stack:
        functions = stack.account.functions

        def noted(account: Any, service: str, operation: str, params: Mapping[str, Any]) -> list[iam.Request]:
            requests = _original(account, service, operation, params)
            if functions.current is not None:
                needed[functions.current.logical_id] += requests
            return requests

        _original = actions.needed
        patch.setattr(actions, "needed", noted)
        _live(stack)
        held = {function.logical_id: function.role.statements for function in functions.all()}
        calls = stack.calls.log
        refused = [f"{call.function} {call.service}:{call.operation}" for call in calls if _refused(call.error)]
    return Lived(needed, held, refused)


def _refused(error: str | None) -> bool:
    return error is not None and error.startswith(("AccessDenied", "AuthorizationError"))


def _live(stack: Sandbox) -> None:
    for at in range(SERVICES):
        stack.register_task_definition(f"web{at}", [Container("app", log_group="/web", log_prefix="ecs")])
    for number, (service, operation) in enumerate(OUTAGES):
        stack.fail(service, operation, "ThrottlingException", times=2)
        if number % 4 == 0:
            stack.webhooks.reply(503, "down", times=3)
        stack.put_event([_crash(number, at) for at in range(SERVICES)])
        stack.put_event(_failed_deployment(number))
        for _ in range(5):
            stack.advance(timedelta(seconds=36))
            for sweep in SWEEPS:
                stack.invoke(sweep, {})
        stack.advance(timedelta(minutes=3))
    stack.advance(timedelta(hours=1))
    push_and_remove(stack)
    run_batch_work(stack)
    scaled(stack)
    play_releases(stack, stack.client("secretsmanager").describe_secret(SecretId="breakwater/check")["ARN"])
    put_in_force(stack, GUARD_ACTS)
    for by_sweep in (False, True):
        _bad_deployments(stack, by_sweep=by_sweep)


def _bad_deployments(stack: Sandbox, *, by_sweep: bool) -> None:
    """Two services that work get revisions that do not. `by_sweep`: the action itself is left to the sweep."""
    ecs = stack.client("ecs")
    ecs.create_cluster(clusterName="prod")
    bad = []
    for workload in (crash_on_start(), crash_after(300)):
        name = f"{workload.kind}-{by_sweep}".replace("_", "-").lower()
        good, second = (_registered(ecs, name, number, beside=not by_sweep) for number in (1, 2))
        ecs.create_service(
            cluster="prod", serviceName=name, taskDefinition=good, desiredCount=4, launchType="FARGATE",
            networkConfiguration=NETWORK,
        )  # fmt: skip
        stack.ecs.faults.set_workload(f"{REGISTRY}/{name}:2", workload)
        bad.append((name, second))
    stack.advance(timedelta(minutes=20))
    for name, second in bad:
        ecs.update_service(cluster="prod", service=name, taskDefinition=second)
    if by_sweep:  # every look of the events' lane fails from here on, what it marks stays
        stack.fail("ecs", "DescribeServices", "ThrottlingException", times=9999, function="RollbackGuardFunction")
        stack.fail("ecs", "DescribeTaskDefinition", "ThrottlingException", times=9999, function="TaskAlertsFunction")
    stack.advance(timedelta(minutes=25))


def _registered(ecs: Any, name: str, number: int, *, beside: bool) -> str:
    """A revision whose log is read; `beside`: with a container that is not essential."""
    options = {"awslogs-group": "/web", "awslogs-region": REGION, "awslogs-stream-prefix": "ecs"}
    app = {
        "name": "app",
        "image": f"{REGISTRY}/{name}:{number}",
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    agent = {"name": "agent", "image": "agent", "essential": False}
    made = ecs.register_task_definition(
        family=name, networkMode="awsvpc", cpu="256", memory="512", containerDefinitions=[app, agent][: 1 + beside]
    )
    return str(made["taskDefinition"]["taskDefinitionArn"])


def _crash(number: int, service: int) -> Event:
    crash = an_exit(
        1 + service % 3,
        taskArn=f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/prod/{number:04d}{service:028d}",
        clusterArn=f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod",
        taskDefinitionArn=f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web{service}:1",
        group=f"service:web{service}-{number}",
    )
    return crash | {"id": "", "time": (START + timedelta(minutes=6 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")}


def _failed_deployment(number: int) -> Event:
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Deployment State Change",
        "resources": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/prod/web{number}"],
        "detail": {
            "eventName": "SERVICE_DEPLOYMENT_FAILED",
            "eventType": "ERROR",
            "deploymentId": f"ecs-svc/{number}",
            "reason": "ECS deployment circuit breaker: tasks failed to start.",
        },
    }
