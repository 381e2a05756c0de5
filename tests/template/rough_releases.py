"""The part of the rough hours in which releases pass, go back and are left behind, with all that policy may ask for."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sandbox import Sandbox
from sandbox.ecs.workloads import crash_on_start, exits_zero
from tests.sandbox.release_stage import ANALYSED, BEFORE_STEPS, CANARY, CHECKED, ROLLING, Shop, Street, metrics, smoke

REGION = "us-east-1"
MEDIA = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": MEDIA, "config": {"digest": "sha256:1"}, "layers": []})
NATIVE = ("PRE_SCALE_UP", CHECKED, ANALYSED)


def play_releases(stack: Sandbox, secret: str) -> None:
    """Have every call of a release made at least once. `secret` is what checks may send."""
    street = Street(stack)
    stack.ecs.catalogue.register_instance("prod", cpu=8192, memory=16384)
    container, alarm = _leaned_on(stack), _alarm(stack)
    check = {**smoke(), "secret_headers": [{"name": "Authorization", "secret_arn": secret}]}
    everything = (("smoke", "http", check), ("metrics", "metrics", metrics()))
    _passes(street, container, alarm, everything)
    _goes_back(street)
    _runs_tasks(street)
    _native(street, container, alarm, everything)
    _lost_and_left(street)
    _crashes(street)


def _leaned_on(stack: Sandbox) -> dict[str, Any]:
    """What a container may lean on: an image of ECR, a secret, a parameter."""
    uri = stack.client("ecr").create_repository(repositoryName="shop")["repository"]["repositoryUri"]
    secret = stack.client("secretsmanager").create_secret(Name="shop/db", SecretString="x")["ARN"]
    stack.client("ssm").put_parameter(Name="/shop/key", Value="x", Type="String")
    parameter = f"arn:aws:ssm:{REGION}:{stack.account.id}:parameter/shop/key"
    secrets = [{"name": "DB", "valueFrom": secret}, {"name": "KEY", "valueFrom": parameter}]
    stack.client("ecr").put_image(repositoryName="shop", imageTag="1", imageManifest=MANIFEST)
    return {"image": f"{uri}:1", "secrets": secrets}


def _alarm(stack: Sandbox) -> str:
    stack.client("cloudwatch").put_metric_alarm(
        AlarmName="shop", Namespace="Shop", MetricName="Errors", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    return "shop"


def _passes(street: Street, container: dict[str, Any], alarm: str, checks: Any) -> None:
    pauses = (CHECKED, BEFORE_STEPS)
    shop = Shop(street, CANARY, pauses=pauses, checks=checks, container=container, alarm=alarm, launch="EC2")
    shop.traffic(per_second=10, hours=0.6)
    street.account.fail("stepfunctions", "SendTaskSuccess", "ThrottlingException", times=2)
    shop.release()


def _goes_back(street: Street) -> None:
    """At its hook, while it shifts, and once it was through."""
    at_hook, rolling = Shop(street), Shop(street, ROLLING)
    for shop in (at_hook, rolling):
        shop.site(2, 500)
        shop.release()
    _told_late(at_hook)
    stopped = Shop(street)
    stopped.register()
    street.account.fail("dynamodb", "UpdateItem", "ValidationException", times=1, function="ReleaseWaitFunction")
    stopped.over(stopped.start())
    street.account.sites.resolving = False
    asked = Shop(street)
    asked.release()
    street.account.sites.resolving = True


def _told_late(shop: Shop) -> None:
    """An event of a hook comes when its deployment is on its way back already."""
    arn = shop.deployment["serviceDeploymentArn"]
    detail = {
        "eventName": "HOOK_AWAITING_ACTION",
        "serviceDeploymentArn": arn,
        "hookId": "ecs-pause-1",
        "lifecycleStage": CHECKED,
        "updatedAt": shop.account.now.isoformat(),
    }
    service = f"arn:aws:ecs:{REGION}:{shop.account.account.id}:service/prod/{shop.name}"
    kind = "ECS Hook State Change"
    shop.account.put_event({"source": "aws.ecs", "detail-type": kind, "resources": [arn, service], "detail": detail})
    shop.account.advance(timedelta(minutes=1))


def _runs_tasks(street: Street) -> None:
    """A task that ends in time, with its event and without it, and one that does not."""
    task = ("migrations", "task", {"command": ["check"], "timeout_seconds": 400})
    for drop, workload in ((0.0, exits_zero(20)), (1.0, exits_zero(20)), (0.0, exits_zero(4000))):
        shop = Shop(street, checks=(task,), roles=True)
        shop.register()
        street.account.ecs.faults.set_workload(f"{shop.name}:2", workload)
        execution = shop.start()
        shop.waits_at(execution, "ReleaseWait", 2)
        street.account.chaos(drop=drop)
        street.account.advance(timedelta(minutes=12))
        street.account.chaos()


def _native(street: Street, container: dict[str, Any], alarm: str, checks: Any) -> None:
    """The hook of a service that declares it; one whose checker is in trouble asks a person; one goes back."""
    outputs = street.account.outputs
    hook = {
        "targetType": "AWS_LAMBDA",
        "hookTargetArn": outputs["DeploymentHookFunctionArn"],
        "roleArn": outputs["DeploymentHookRoleArn"],
        "lifecycleStages": list(NATIVE),
    }
    for resolving in (True, False):
        shop = Shop(street, pauses=(), hooks=(hook,), checks=checks, container=container, alarm=alarm, launch="EC2")
        shop.traffic(per_second=8, hours=0.5)
        street.account.sites.resolving = resolving
        shop.update(taskDefinition=shop.register())
        street.account.advance(timedelta(minutes=25))
    street.account.sites.resolving = True


def _lost_and_left(street: Street) -> None:
    """Every event lost; an execution that somebody stopped; a deployment that is taken back by hand."""
    shop = Shop(street)
    street.account.chaos(drop=1.0)
    shop.release()
    street.account.chaos()
    left = Shop(street)
    left.register()
    execution = left.start()
    left.waits_at(execution, "ReleaseWait")
    street.account.client("stepfunctions").stop_execution(executionArn=execution.arn)
    street.account.advance(timedelta(minutes=20))
    _deployed_by_others(street)


def _deployed_by_others(street: Street) -> None:
    """One that only the sweep finds, by a pattern."""
    shop = Shop(street)
    own = street.rules.pop(f"prod/{shop.name}")
    street.publish(replace(own, match=f"p*/{shop.name}"))
    street.account.chaos(drop=1.0)
    shop.update(taskDefinition=shop.register())
    street.account.advance(timedelta(minutes=20))
    street.account.chaos()


def _crashes(street: Street) -> None:
    """A new revision that does not stay up, told by the guard's function, and by its sweep where that fails."""
    for refused in (0, 40):
        shop = Shop(street)
        shop.register()
        street.account.ecs.faults.set_workload(f"{shop.name}:2", crash_on_start())
        tokens = ("stepfunctions", "SendTaskSuccess", "ThrottlingException")
        if refused:
            street.account.fail(*tokens, times=refused, function="RollbackGuardFunction")
            street.account.fail(*tokens, times=refused, function="ReleaseSweepFunction")
        shop.over(shop.start())
