"""Tasks, container instances, clusters and tags through the API of ECS."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.ecs_calls import ARN, Ecs, refused


# ── tasks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_task_runs_and_is_stopped_and_forgotten(ecs: Ecs) -> None:
    ecs.definition()
    [task] = ecs.run(startedBy="me", tags=[{"key": "a", "value": "b"}])["tasks"]
    assert (task["lastStatus"], task["tags"]) == ("PROVISIONING", [{"key": "a", "value": "b"}])
    ecs.model.advance(60)
    assert ecs("ListTasks", cluster="prod", startedBy="me")["taskArns"] == [task["taskArn"]]
    stopped = ecs("StopTask", cluster="prod", task=task["taskArn"], reason="enough")["task"]
    assert (stopped["desiredStatus"], stopped["stopCode"], stopped["stoppedReason"]) == (
        "STOPPED", "UserInitiated", "enough",
    )  # fmt: skip
    ecs.model.advance(60)
    [found] = ecs("DescribeTasks", cluster="prod", tasks=[task["taskArn"]], include=["TAGS"])["tasks"]
    assert found["containers"][0]["exitCode"] == 143
    assert ecs("ListTasks", cluster="prod")["taskArns"] == []
    assert ecs("ListTasks", cluster="prod", desiredStatus="STOPPED")["taskArns"] == [task["taskArn"]]
    ecs.model.advance(timedelta(hours=1, minutes=1))
    assert ecs("DescribeTasks", cluster="prod", tasks=[task["taskArn"]])["failures"][0]["reason"] == "MISSING"
    assert ecs("ListTasks", cluster="prod", desiredStatus="STOPPED")["taskArns"] == []


def test_a_client_token_starts_tasks_once(ecs: Ecs) -> None:
    ecs.definition()
    ecs("CreateCluster", clusterName="other")
    first = ecs.run(clientToken="t", count=2)
    assert ecs.run(clientToken="t", count=2)["tasks"] == first["tasks"]
    refused(lambda: ecs.run(clientToken="t", count=3), "ConflictException")
    elsewhere = ecs.run(clientToken="t", count=3, cluster="other")
    assert len(elsewhere["tasks"]) == 3
    ecs.model.advance(timedelta(hours=25))
    assert len(ecs.run(clientToken="t", count=3)["tasks"]) == 3


def test_overrides_reach_the_task(ecs: Ecs) -> None:
    ecs.definition()
    changed = {"name": "app", "command": ["go"], "environment": [{"name": "KEY", "value": "v"}]}
    [task] = ecs.run(overrides={"containerOverrides": [changed], "taskRoleArn": "arn:aws:iam::1:role/r"})["tasks"]
    assert task["overrides"]["containerOverrides"] == [changed]
    assert task["overrides"]["taskRoleArn"] == "arn:aws:iam::1:role/r"


def test_without_room_a_run_is_a_failure_in_a_200(ecs: Ecs) -> None:
    ecs.definition()
    ecs.model.faults.shortage("FARGATE")
    answer = ecs.run(count=2)
    assert answer["tasks"] == []
    assert [failure["reason"] for failure in answer["failures"]] == ["RESOURCE:FARGATE"] * 2


@pytest.mark.parametrize(
    ("params", "code"),
    [
        pytest.param({"count": 11}, "InvalidParameterException", id="eleven tasks"),
        pytest.param({"count": 0}, "InvalidParameterException", id="no task"),
        pytest.param({"clientToken": "t" * 65}, "InvalidParameterException", id="a token too long"),
        pytest.param({"startedBy": "s" * 129}, "InvalidParameterException", id="startedBy too long"),
        pytest.param({"group": "service:web"}, "InvalidParameterException", id="the group of a service"),
        pytest.param({"tags": [{"key": "aws:own"}]}, "InvalidParameterException", id="a tag of AWS's own"),
        pytest.param({"propagateTags": "SERVICE"}, "InvalidParameterException", id="tags of no service"),
        pytest.param({"networkConfiguration": {}}, "InvalidParameterException", id="no network"),
        pytest.param({"taskDefinition": "no:1"}, "ClientException", id="no such revision"),
        pytest.param(
            {"overrides": {"containerOverrides": [{"name": "app", "command": ["x" * 8192]}]}},
            "InvalidParameterException",
            id="overrides too long",
        ),
        pytest.param(
            {"overrides": {"containerOverrides": [{"name": "stranger"}]}}, "InvalidParameterException", id="a stranger"
        ),
        pytest.param(
            {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]}, "InvalidParameterException", id="both"
        ),
    ],
)
def test_a_wrong_run_is_refused_and_starts_nothing(params: dict[str, Any], code: str, ecs: Ecs) -> None:
    ecs.definition()
    refused(lambda: ecs.run(**params), code)
    assert ecs("ListTasks", cluster="prod")["taskArns"] == []


def test_lists_come_in_pages_and_a_token_belongs_to_its_question(ecs: Ecs) -> None:
    ecs.definition()
    arns = sorted(task["taskArn"] for task in ecs.run(count=5)["tasks"])
    first = ecs("ListTasks", cluster="prod", maxResults=2)
    second = ecs("ListTasks", cluster="prod", maxResults=2, nextToken=first["nextToken"])
    third = ecs("ListTasks", cluster="prod", maxResults=2, nextToken=second["nextToken"])
    assert [*first["taskArns"], *second["taskArns"], *third["taskArns"]] == arns
    assert "nextToken" not in third
    refused(
        lambda: ecs("ListTasks", cluster="prod", family="web", nextToken=first["nextToken"]),
        "InvalidParameterException",
        "token",
    )


# ── clusters, instances, tags ───────────────────────────────────────────────────────────────────────────────────────
def test_container_instances_are_registered_used_and_drained(ecs: Ecs) -> None:
    cpu, memory = ({"name": name, "type": "INTEGER", "integerValue": 1024} for name in ("CPU", "MEMORY"))
    made = ecs("RegisterContainerInstance", cluster="prod", totalResources=[cpu, memory])["containerInstance"]
    ecs("RegisterTaskDefinition", family="job", containerDefinitions=[{"name": "a", "image": "b", "memory": 128}])
    [task] = ecs("RunTask", cluster="prod", taskDefinition="job")["tasks"]
    assert task["containerInstanceArn"] == made["containerInstanceArn"]
    arns = ecs("ListContainerInstances", cluster="prod")["containerInstanceArns"]
    drained = ecs("UpdateContainerInstancesState", cluster="prod", containerInstances=arns, status="DRAINING")
    assert drained["containerInstances"][0]["status"] == "DRAINING"
    [found] = ecs(
        "DescribeContainerInstances", cluster="prod", containerInstances=arns, include=["CONTAINER_INSTANCE_HEALTH"]
    )["containerInstances"]
    assert found["healthStatus"]["overallStatus"] == "OK"
    assert ecs("RunTask", cluster="prod", taskDefinition="job")["failures"] == [{"reason": "MISSING"}]
    assert ecs("ListContainerInstances", cluster="prod", status="ACTIVE")["containerInstanceArns"] == []


def test_clusters_count_what_they_run(ecs: Ecs) -> None:
    ecs.service()
    ecs.model.settle()
    [found] = ecs("DescribeClusters", clusters=["prod"])["clusters"]
    assert (found["runningTasksCount"], found["activeServicesCount"]) == (2, 1)
    assert ecs("ListClusters")["clusterArns"] == [f"{ARN}:cluster/prod"]


def test_tags_are_kept_for_what_is_there(ecs: Ecs) -> None:
    arn = ecs.service()["serviceArn"]
    ecs("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    ecs("UntagResource", resourceArn=arn, tagKeys=["a"])
    assert ecs("ListTagsForResource", resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    refused(
        lambda: ecs("TagResource", resourceArn=f"{ARN}:service/prod/no", tags=[{"key": "a"}]),
        "ResourceNotFoundException",
    )
