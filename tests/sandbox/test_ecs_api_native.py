"""Blue/green, linear and canary through the API of ECS: settings, hooks, traffic, ContinueServiceDeployment."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox import Sandbox
from sandbox.errors import UnsupportedError
from tests.sandbox.ecs_calls import VPC, Ecs, refused
from tests.unit.ecs.build_native import OK

PAUSE = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}


def balancer(native: Any, model: Any) -> dict[str, Any]:
    """A load balancer with two target groups and two rules."""
    first, second = (model.catalogue.create_target_group(name) for name in ("first", "second"))
    production, test = (native.traffic.create_rule(name, {first.arn: 100, second.arn: 0}) for name in ("prod", "test"))
    return {
        "targetGroupArn": first.arn,
        "containerName": "app",
        "containerPort": 80,
        "advancedConfiguration": {
            "alternateTargetGroupArn": second.arn,
            "productionListenerRule": production.arn,
            "testListenerRule": test.arn,
            "roleArn": "arn:aws:iam::111122223333:role/ecs",
        },
    }


def latest(ecs: Ecs) -> dict[str, Any]:
    """The latest service deployment."""
    arn = ecs("ListServiceDeployments", cluster="prod", service="web")["serviceDeployments"][0]["serviceDeploymentArn"]
    [found] = ecs("DescribeServiceDeployments", serviceDeploymentArns=[arn])["serviceDeployments"]
    whole: dict[str, Any] = found
    return whole


def blue_green(ecs: Ecs, *hooks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A service that deploys blue/green, on its first revision."""
    settings = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5, "lifecycleHooks": list(hooks), **more}
    given = balancer(ecs.api.native, ecs.model)
    ecs.service(loadBalancers=[given], deploymentConfiguration=settings)
    ecs.model.advance(timedelta(hours=1))
    while latest(ecs).get("lifecycleHookDetails", []) and latest(ecs)["status"] == "IN_PROGRESS":
        resume(ecs, "CONTINUE")
        ecs.model.advance(timedelta(minutes=30))
    assert latest(ecs)["status"] == "SUCCESSFUL"
    assert ecs.described()["loadBalancers"] == [given]
    return given


def resume(ecs: Ecs, action: str) -> None:
    """Continue the hook that waits."""
    whole = latest(ecs)
    [hook] = [one for one in whole["lifecycleHookDetails"] if one["status"] == "AWAITING_ACTION"]
    ecs(
        "ContinueServiceDeployment",
        serviceDeploymentArn=whole["serviceDeploymentArn"],
        hookId=hook["hookId"],
        action=action,
    )


@pytest.mark.parametrize(
    ("action", "status", "revision"),
    [
        pytest.param("CONTINUE", "SUCCESSFUL", "web:2", id="continued"),
        pytest.param("ROLLBACK", "ROLLBACK_SUCCESSFUL", "web:1", id="rolled back"),
    ],
)
def test_a_deployment_waits_at_a_pause_until_somebody_says_how_it_goes_on(
    action: str, status: str, revision: str, ecs: Ecs
) -> None:
    blue_green(ecs, PAUSE)
    ecs.definition(image="web:2")
    ecs("UpdateService", cluster="prod", service="web", taskDefinition="web:2")
    ecs.model.advance(timedelta(hours=2))
    waiting = latest(ecs)
    assert (waiting["status"], waiting["lifecycleStage"]) == ("IN_PROGRESS", "POST_TEST_TRAFFIC_SHIFT")
    assert waiting["targetServiceRevision"]["requestedTestTrafficWeight"] == 100.0
    assert waiting["targetServiceRevision"]["requestedProductionTrafficWeight"] == 0.0
    resume(ecs, action)
    ecs.model.advance(timedelta(hours=2))
    assert latest(ecs)["status"] == status
    assert ecs.described()["taskDefinition"].endswith(revision)
    refused(
        lambda: ecs("ContinueServiceDeployment", serviceDeploymentArn=waiting["serviceDeploymentArn"], hookId="no"),
        "InvalidParameterException",
    )


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 7}, id="blue/green"),
        pytest.param(
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 20.0, "stepBakeTimeInMinutes": 3}},
            id="linear",
        ),
        pytest.param(
            {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 4}},
            id="canary",
        ),
    ],
)
def test_the_settings_of_a_strategy_are_shown_as_given(settings: dict[str, Any], ecs: Ecs) -> None:
    blue_green(ecs)
    hook = {
        "targetType": "AWS_LAMBDA", "hookTargetArn": "arn:aws:lambda:us-east-1:111122223333:function:check",
        "roleArn": "arn:aws:iam::111122223333:role/hooks", "lifecycleStages": ["POST_SCALE_UP"],
        "hookDetails": {"a": 1}, "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "CONTINUE"},
    }  # fmt: skip
    given = {**settings, "lifecycleHooks": [hook]}
    ecs("UpdateService", cluster="prod", service="web", deploymentConfiguration=given)
    shown = ecs.described()["deploymentConfiguration"]
    assert {name: shown[name] for name in given} == given


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        pytest.param({"strategy": "BLUE_GREEN"}, "bakeTimeInMinutes is required", id="no bake time"),
        pytest.param({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1441}, "between", id="a bake too long"),
        pytest.param({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1}, "advancedConfiguration", id="no second group"),
        pytest.param(
            {"strategy": "CANARY", "linearConfiguration": {"stepPercent": 5.0}}, "not for", id="another one's settings"
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], match: str, ecs: Ecs) -> None:
    group = ecs.model.catalogue.create_target_group("only")
    plain = {"targetGroupArn": group.arn, "containerName": "app", "containerPort": 80}
    refused(
        lambda: ecs.service(deploymentConfiguration=settings, loadBalancers=[plain]), "InvalidParameterException", match
    )


def test_hooks_of_a_rolling_deployment_are_not_known(ecs: Ecs) -> None:
    with pytest.raises(UnsupportedError, match="lifecycleHooks"):
        ecs.service(deploymentConfiguration={"lifecycleHooks": [PAUSE]})


@pytest.mark.parametrize(
    ("action", "principal", "status"),
    [
        pytest.param("lambda:InvokeFunction", "ecs.amazonaws.com", "SUCCESSFUL", id="whose role may"),
        pytest.param("lambda:GetFunction", "ecs.amazonaws.com", "ROLLBACK_SUCCESSFUL", id="whose role may not"),
        pytest.param(
            "lambda:InvokeFunction", "lambda.amazonaws.com", "ROLLBACK_SUCCESSFUL", id="whose role ECS may not take"
        ),
    ],
)
def test_a_lambda_hook_is_called_under_its_role(action: str, principal: str, status: str, sandbox: Sandbox) -> None:
    function = sandbox.account.functions.get("DirectFunction")
    assert function is not None
    seen: list[str] = []

    def answer(event: dict[str, Any], context: object) -> dict[str, str]:
        seen.append(event["lifecycleStage"])
        return OK

    function.entry = answer
    policy = {"Statement": [{"Effect": "Allow", "Action": action, "Resource": function.arn}]}
    trust = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"},
        ]
    }
    role = "arn:aws:iam::111122223333:role/hooks"
    sandbox.account.roles.create("hooks", role, trust, [{"PolicyName": "p", "PolicyDocument": policy}], [])
    client = sandbox.client("ecs")
    client.create_cluster(clusterName="prod")
    for image in ("web:1", "web:2"):
        client.register_task_definition(
            family="web", networkMode="awsvpc", cpu="256", memory="512",
            containerDefinitions=[{"name": "app", "image": image, "portMappings": [{"containerPort": 80}]}],
        )  # fmt: skip
    settings = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
    client.create_service(
        cluster="prod", serviceName="web", taskDefinition="web:1", desiredCount=1, launchType="FARGATE",
        networkConfiguration=VPC, deploymentConfiguration=settings,
        loadBalancers=[balancer(sandbox.account.ecs.native, sandbox.ecs)],
    )  # fmt: skip
    sandbox.advance(timedelta(minutes=30))
    hook = {"hookTargetArn": function.arn, "roleArn": role, "lifecycleStages": ["POST_SCALE_UP"]}
    client.update_service(
        cluster="prod", service="web", taskDefinition="web:2",
        deploymentConfiguration={**settings, "lifecycleHooks": [hook]},
    )  # fmt: skip
    sandbox.advance(timedelta(minutes=60))
    [whole, _] = client.list_service_deployments(cluster="prod", service="web")["serviceDeployments"]
    assert whole["status"] == status
    assert seen == (["POST_SCALE_UP"] if status == "SUCCESSFUL" else [])
