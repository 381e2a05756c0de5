"""ECS inside the embedded account: boto3 outside, one clock, and events through the rules of the real template."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError

from sandbox import Sandbox, UnsupportedError
from sandbox.actions import needed
from sandbox.clock import Clock
from sandbox.ecs.workloads import crash_on_start
from tests.sandbox.ecs_calls import ARN, VPC

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
CONTAINER = {"name": "app", "image": "shop/web:1", "portMappings": [{"containerPort": 80}]}


@pytest.fixture
def account() -> Iterator[Sandbox]:
    with Sandbox.deploy(TEMPLATE, {"AlertEmail": "ops@example.com"}, start=START) as deployed:
        deployed.client("ecs").create_cluster(clusterName="prod")
        yield deployed


def register(account: Sandbox, **more: Any) -> str:
    made = account.client("ecs").register_task_definition(
        family="web", networkMode="awsvpc", cpu="256", memory="512", containerDefinitions=[CONTAINER], **more
    )
    return str(made["taskDefinition"]["taskDefinitionArn"])


def create(account: Sandbox, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "cluster": "prod", "serviceName": "web", "taskDefinition": register(account), "desiredCount": 2,
        "launchType": "FARGATE", "networkConfiguration": VPC, **more,
    }  # fmt: skip
    made: dict[str, Any] = account.client("ecs").create_service(**given)["service"]
    return made


def test_a_service_that_crashes_is_written_about(account: Sandbox) -> None:
    account.ecs.faults.set_workload("shop/web:1", crash_on_start())
    create(account)
    account.advance(timedelta(minutes=20))
    told = [mail for mail in account.messages if "web" in mail.subject + mail.body]
    assert told
    assert "exit" in told[0].body
    assert account.lost == []
    assert account.dead_letters == []


def test_a_service_that_is_well_is_not_written_about(account: Sandbox) -> None:
    create(account)
    account.run_until_idle()
    account.advance(timedelta(hours=1))
    [service] = account.client("ecs").describe_services(cluster="prod", services=["web"])["services"]
    assert (service["runningCount"], service["deployments"][0]["rolloutState"]) == (2, "COMPLETED")
    assert service["createdAt"] == START
    assert account.messages == []


def test_refusals_are_the_exceptions_of_the_client(account: Sandbox) -> None:
    ecs = account.client("ecs")
    with pytest.raises(ecs.exceptions.ClusterNotFoundException):
        ecs.list_tasks(cluster="no")
    with pytest.raises(ecs.exceptions.ServiceNotFoundException):
        ecs.update_service(cluster="prod", service="no")
    with pytest.raises(ecs.exceptions.ClientException):
        ecs.describe_task_definition(taskDefinition="no:1")
    with pytest.raises(ParamValidationError):
        ecs.describe_services(cluster="prod")


def test_what_is_not_served_is_named_and_never_left_to_somebody_else(account: Sandbox) -> None:
    with pytest.raises(UnsupportedError, match="ecs:ListAccountSettings"):
        account.client("ecs").list_account_settings()


def test_pages_are_turned_by_botocore_itself(account: Sandbox) -> None:
    arn = register(account)
    for _ in range(3):
        account.client("ecs").run_task(
            cluster="prod", taskDefinition=arn, count=10, launchType="FARGATE", networkConfiguration=VPC
        )
    pages = account.client("ecs").get_paginator("list_tasks").paginate(cluster="prod", PaginationConfig={"PageSize": 7})
    sizes = [len(page["taskArns"]) for page in pages]
    assert sizes == [7, 7, 7, 7, 2]


def test_the_model_keeps_to_the_clock_of_the_account(account: Sandbox) -> None:
    create(account)
    account.advance(timedelta(seconds=47, microseconds=250_000))
    assert account.ecs.now == account.now

    def somebody() -> None:
        account.ecs.update_service("prod", "web", desired=3)

    account.account.clock.call_in(5, somebody, "somebody")
    account.advance(timedelta(minutes=5))
    assert account.ecs.now == account.now
    assert account.ecs.settled
    assert account.client("ecs").describe_clusters(clusters=["prod"])["clusters"][0]["runningTasksCount"] == 3


def test_the_same_seed_is_the_same_history() -> None:
    def history() -> tuple[str, list[str]]:
        with Sandbox.deploy(TEMPLATE, {"AlertEmail": "ops@example.com"}, start=START, seed=5) as account:
            account.client("ecs").create_cluster(clusterName="prod")
            account.ecs.faults.set_workload("shop/web:1", crash_on_start())
            create(account)
            account.advance(timedelta(minutes=15))
            return account.ecs.log(), [mail.body for mail in account.messages]

    assert history() == history()


def test_target_health_is_the_models(account: Sandbox) -> None:
    group = account.ecs.catalogue.create_target_group("web")
    create(account, loadBalancers=[{"targetGroupArn": group.arn, "containerName": "app", "containerPort": 80}])
    elb = account.client("elbv2")
    assert elb.describe_target_health(TargetGroupArn=group.arn)["TargetHealthDescriptions"] == []
    account.advance(timedelta(minutes=3))
    found = elb.describe_target_health(TargetGroupArn=group.arn)["TargetHealthDescriptions"]
    assert [one["TargetHealth"]["State"] for one in found] == ["healthy"] * 2
    asked = [found[0]["Target"], {"Id": "10.9.9.9", "Port": 80}]
    some = elb.describe_target_health(TargetGroupArn=group.arn, Targets=asked)["TargetHealthDescriptions"]
    assert [one["TargetHealth"].get("Reason") for one in some] == [None, "Target.NotRegistered"]
    with pytest.raises(elb.exceptions.TargetGroupNotFoundException):
        elb.describe_target_health(TargetGroupArn=f"{group.arn}x")


def test_running_a_task_needs_its_roles_to_be_passed(account: Sandbox) -> None:
    roles = {"taskRoleArn": "arn:aws:iam::111122223333:role/a", "executionRoleArn": "arn:aws:iam::111122223333:role/b"}
    register(account, **roles)
    given = {
        "cluster": "prod", "taskDefinition": "web",
        "overrides": {"taskRoleArn": "arn:aws:iam::111122223333:role/c"},
    }  # fmt: skip
    asked = needed(account.account, "ecs", "RunTask", given)
    assert [(one.action, one.resource) for one in asked] == [
        ("ecs:RunTask", f"{ARN}:task-definition/web:1"),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/c"),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/b"),
    ]
    assert asked[0].context["ecs:cluster"] == [f"{ARN}:cluster/prod"]
    assert asked[1].context["iam:PassedToService"] == ["ecs-tasks.amazonaws.com"]


def test_what_is_posed_is_described_and_never_runs(account: Sandbox) -> None:
    posed = account.account.ecs.posed
    definition = {"taskDefinitionArn": f"{ARN}:task-definition/old:42", "family": "old", "revision": 42}
    posed.pose_definition(definition)
    ecs = account.client("ecs")
    assert ecs.describe_task_definition(taskDefinition="old:42")["taskDefinition"] == definition
    with pytest.raises(ecs.exceptions.ClientException):
        ecs.run_task(cluster="prod", taskDefinition="old:42")


class Steps:
    """Something beside the clock that is due at given seconds."""

    def __init__(self, *due: int) -> None:
        self.due = [START + timedelta(seconds=each) for each in due]
        self.seen: list[tuple[str, int]] = []
        self.now = START

    @property
    def next_at(self) -> datetime | None:
        """When the next step is."""
        return self.due[0] if self.due else None

    @property
    def idle(self) -> bool:
        """Whether there is no step left."""
        return not self.due

    def advance(self, by: datetime) -> None:
        """Take the steps that are due."""
        while self.due and self.due[0] <= by:
            self.seen.append(("step", (self.due.pop(0) - START).seconds))
        self.now = by


def test_what_runs_beside_the_clock_stands_still_while_a_timer_sleeps() -> None:
    clock, steps = Clock(START), Steps(1, 5, 8, 12)
    clock.beside = steps

    def handler() -> None:
        steps.seen.append(("handler", (steps.now - START).seconds))
        clock.sleep(10)
        steps.seen.append(("handler ends", (steps.now - START).seconds))

    clock.call_in(5, handler, "handler")
    while clock.busy:
        assert clock.run_next(START + timedelta(hours=1))
    assert steps.seen == [
        ("step", 1), ("step", 5), ("handler", 5), ("handler ends", 5), ("step", 8), ("step", 12),
    ]  # fmt: skip
    assert clock.now == START + timedelta(seconds=15)
