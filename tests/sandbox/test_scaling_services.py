"""Scalable targets, task protection and schedules that delete themselves, as the sandbox has them."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox import Sandbox

MINUTE = timedelta(minutes=1)
NAMED = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/prod/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}


@pytest.fixture
def ecs(sandbox: Sandbox) -> Any:
    """A service `prod/web` of three tasks that run."""
    client = sandbox.client("ecs")
    client.create_cluster(clusterName="prod")
    client.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "app", "image": "web:1"}],
    )
    client.create_service(
        cluster="prod",
        serviceName="web",
        taskDefinition="web",
        desiredCount=3,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
    )
    sandbox.advance(5 * MINUTE)
    return client


def desired(sandbox: Sandbox) -> int:
    return sandbox.ecs.active_service("prod", "web").desired


@pytest.mark.usefixtures("ecs")
def test_a_count_outside_of_its_bounds_is_brought_to_the_nearest_and_one_inside_stays(sandbox: Sandbox) -> None:
    autoscaling = sandbox.client("application-autoscaling")
    autoscaling.register_scalable_target(**NAMED, MinCapacity=1, MaxCapacity=5)
    sandbox.advance(MINUTE)
    assert desired(sandbox) == 3
    autoscaling.register_scalable_target(**NAMED, MinCapacity=4)
    sandbox.advance(MINUTE)
    assert desired(sandbox) == 4
    autoscaling.register_scalable_target(**NAMED, MinCapacity=1, MaxCapacity=2)
    sandbox.advance(MINUTE)
    assert desired(sandbox) == 2


@pytest.mark.usefixtures("ecs")
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"MinCapacity": 2}, id="a new target without a maximum"),
        pytest.param({"MinCapacity": 3, "MaxCapacity": 2}, id="a minimum above the maximum"),
        pytest.param({"MinCapacity": 1, "MaxCapacity": 2, "ResourceId": "service/prod/none"}, id="no such service"),
    ],
)
def test_bounds_that_cannot_be_are_refused(sandbox: Sandbox, asked: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        sandbox.client("application-autoscaling").register_scalable_target(**(NAMED | asked))
    assert sandbox.account.autoscaling.targets == {}


def test_a_protected_task_outlives_a_count_of_zero_until_its_protection_ends(sandbox: Sandbox, ecs: Any) -> None:
    first, *_ = ecs.list_tasks(cluster="prod", serviceName="web")["taskArns"]
    ecs.update_task_protection(cluster="prod", tasks=[first], protectionEnabled=True, expiresInMinutes=10)
    (said,) = ecs.get_task_protection(cluster="prod", tasks=[first])["protectedTasks"]
    assert said["protectionEnabled"] is True
    ecs.update_service(cluster="prod", service="web", desiredCount=0)
    sandbox.advance(5 * MINUTE)
    assert ecs.list_tasks(cluster="prod", serviceName="web")["taskArns"] == [first]
    sandbox.advance(10 * MINUTE)
    assert ecs.list_tasks(cluster="prod", serviceName="web")["taskArns"] == []


def test_a_task_that_is_not_there_cannot_be_protected(sandbox: Sandbox, ecs: Any) -> None:
    answer = ecs.get_task_protection(cluster="prod", tasks=["0" * 32])
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]
