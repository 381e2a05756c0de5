"""The API of ECS over the model: what it answers, and what it refuses by which name."""

import json
from datetime import timedelta
from typing import Any

import pytest

from sandbox.ecs.workloads import crash_on_start
from sandbox.ecs_api import understood
from sandbox.ecs_api.wire import service_model, written
from sandbox.errors import SandboxError, UnsupportedError
from tests.sandbox.ecs_calls import ARN, VPC, Ecs, refused


# ── task definitions ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_task_definition_is_given_back_as_it_was_registered(ecs: Ecs) -> None:
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web"}}
    arn = ecs.definition(environment=[{"name": "A", "value": "1"}], logConfiguration=log)
    found = ecs("DescribeTaskDefinition", taskDefinition="web")["taskDefinition"]
    assert arn == f"{ARN}:task-definition/web:1"
    assert (found["revision"], found["status"], found["compatibilities"]) == (1, "ACTIVE", ["EC2", "FARGATE"])
    [container] = found["containerDefinitions"]
    assert container["logConfiguration"] == log
    assert container["portMappings"] == [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}]


def test_revisions_rise_and_an_inactive_one_is_listed_apart(ecs: Ecs) -> None:
    for _ in range(3):
        ecs.definition()
    gone = ecs("DeregisterTaskDefinition", taskDefinition="web:2")["taskDefinition"]
    assert gone["status"] == "INACTIVE"
    active = ecs("ListTaskDefinitions", familyPrefix="web", sort="DESC")["taskDefinitionArns"]
    assert [arn.rpartition(":")[2] for arn in active] == ["3", "1"]
    assert len(ecs("ListTaskDefinitions", status="INACTIVE")["taskDefinitionArns"]) == 1
    assert ecs("ListTaskDefinitionFamilies", status="ACTIVE")["families"] == ["web"]
    refused(lambda: ecs("DeregisterTaskDefinition", taskDefinition="web"), "InvalidParameterException")


def test_an_inactive_revision_is_refused_after_its_grace(ecs: Ecs) -> None:
    ecs.service()
    ecs.definition()
    ecs("DeregisterTaskDefinition", taskDefinition="web:2")
    ecs.model.advance(timedelta(minutes=11))
    for call in (
        lambda: ecs("UpdateService", cluster="prod", service="web", taskDefinition="web:2"),
        lambda: ecs.run(taskDefinition="web:2"),
        lambda: ecs.service("other", taskDefinition="web:2"),
    ):
        refused(call, "ClientException", "inactive")


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        pytest.param({"cpu": "250"}, "No Fargate configuration", id="a size that Fargate does not have"),
        pytest.param({"cpu": "tiny"}, "Invalid 'cpu'", id="no size at all"),
        pytest.param(
            {"networkMode": "bridge"}, "only supports network mode", id="a network that Fargate does not have"
        ),
        pytest.param({"containerDefinitions": []}, "cannot be empty", id="no container"),
        pytest.param({"family": "a b"}, "invalid characters", id="a name with a space"),
        pytest.param(
            {"containerDefinitions": [{"name": "a", "image": "b", "essential": False}]},
            "essential",
            id="none essential",
        ),
        pytest.param(
            {"containerDefinitions": [{"name": "a", "image": "b", "healthCheck": {"command": ["x"], "interval": 1}}]},
            "interval",
            id="a check too often",
        ),
    ],
)
def test_a_wrong_task_definition_is_a_client_exception(changed: dict[str, Any], match: str, ecs: Ecs) -> None:
    right: dict[str, Any] = {
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions": [{"name": "a", "image": "b"}],
    }  # fmt: skip
    refused(lambda: ecs("RegisterTaskDefinition", **{**right, **changed}), "ClientException", match)


@pytest.mark.parametrize(
    ("cpu", "memory", "expected"),
    [
        pytest.param("1 vCPU", "2 GB", ("1024", "2048"), id="in words"),
        pytest.param(".25vcpu", "0.5GB", ("256", "512"), id="fractions"),
        pytest.param("512", "1024", ("512", "1024"), id="in units"),
    ],
)
def test_sizes_are_read_in_units_and_in_words(cpu: str, memory: str, expected: tuple[str, str], ecs: Ecs) -> None:
    made = ecs(
        "RegisterTaskDefinition",
        family="web",
        cpu=cpu,
        memory=memory,
        containerDefinitions=[{"name": "a", "image": "b"}],
    )["taskDefinition"]
    assert (made["cpu"], made["memory"]) == expected


# ── services ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_service_comes_up(ecs: Ecs) -> None:
    made = ecs.service(tags=[{"key": "team", "value": "a"}])
    assert (made["runningCount"], made["deployments"][0]["rolloutState"]) == (0, "IN_PROGRESS")
    assert ecs.model.settle()
    found = ecs.described()
    assert (found["runningCount"], found["pendingCount"], found["launchType"]) == (2, 0, "FARGATE")
    assert found["deployments"][0]["rolloutState"] == "COMPLETED"
    assert "steady state" in found["events"][0]["message"]
    assert found["networkConfiguration"] == VPC
    assert found["createdAt"].tzinfo is not None
    assert "tags" not in found


def test_the_same_service_again_is_the_same_and_another_one_is_refused(ecs: Ecs) -> None:
    arn = ecs.definition()
    first = ecs.service(taskDefinition=arn)
    assert ecs.service(taskDefinition=arn)["createdAt"] == first["createdAt"]
    refused(lambda: ecs.service(taskDefinition=arn, desired=3), "InvalidParameterException", "idempotent")


def test_a_new_revision_replaces_the_old_one(ecs: Ecs) -> None:
    ecs.service()
    ecs.model.settle()
    ecs.definition(image="web:2")
    updated = ecs("UpdateService", cluster="prod", service="web", taskDefinition="web:2")["service"]
    assert [one["status"] for one in updated["deployments"]] == ["PRIMARY", "ACTIVE"]
    ecs.model.settle()
    ecs.model.advance(timedelta(hours=1))
    [deployment] = ecs.described()["deployments"]
    assert deployment["taskDefinition"].endswith("web:2")
    [latest, first] = ecs("ListServiceDeployments", cluster="prod", service="web")["serviceDeployments"]
    assert (latest["status"], first["status"]) == ("SUCCESSFUL", "SUCCESSFUL")
    [whole] = ecs("DescribeServiceDeployments", serviceDeploymentArns=[latest["serviceDeploymentArn"]])[
        "serviceDeployments"
    ]
    assert whole["targetServiceRevision"]["runningTaskCount"] == 2
    [revision] = ecs("DescribeServiceRevisions", serviceRevisionArns=[whole["targetServiceRevision"]["arn"]])[
        "serviceRevisions"
    ]
    assert revision["taskDefinition"].endswith("web:2")
    assert revision["networkConfiguration"] == VPC


def test_the_breaker_shows_its_threshold_and_rolls_back(ecs: Ecs) -> None:
    settings = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    ecs.service(deploymentConfiguration=settings, desired=1)
    ecs.model.settle()
    ecs.model.faults.set_workload("web:2", crash_on_start())
    ecs.definition(image="web:2")
    ecs("UpdateService", cluster="prod", service="web", taskDefinition="web:2")
    ecs.model.settle()
    latest = ecs("ListServiceDeployments", cluster="prod", service="web")["serviceDeployments"][0]
    [whole] = ecs("DescribeServiceDeployments", serviceDeploymentArns=[latest["serviceDeploymentArn"]])[
        "serviceDeployments"
    ]
    assert whole["status"] == "ROLLBACK_SUCCESSFUL"
    assert whole["deploymentCircuitBreaker"] == {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
    assert whole["rollback"]["serviceRevisionArn"]
    assert ecs.described()["taskDefinition"].endswith("web:1")


def test_a_new_network_is_a_deployment_and_has_to_fit(ecs: Ecs) -> None:
    ecs.service()
    ecs.model.settle()
    other = {"awsvpcConfiguration": {"subnets": ["subnet-2"]}}
    ecs("UpdateService", cluster="prod", service="web", networkConfiguration=other, desiredCount=3)
    assert ecs.described()["deployments"][0]["networkConfiguration"] == other
    assert len(ecs("ListServiceDeployments", cluster="prod", service="web")["serviceDeployments"]) == 2
    ecs("UpdateService", cluster="prod", service="web", networkConfiguration=other)
    assert len(ecs("ListServiceDeployments", cluster="prod", service="web")["serviceDeployments"]) == 2
    ecs("RegisterTaskDefinition", family="job", containerDefinitions=[{"name": "a", "image": "b", "memory": 128}])
    refused(
        lambda: ecs("UpdateService", cluster="prod", service="web", taskDefinition="job"), "InvalidParameterException"
    )


def test_deployment_settings_that_are_not_named_stay(ecs: Ecs) -> None:
    ecs.service(deploymentConfiguration={"maximumPercent": 150, "minimumHealthyPercent": 50})
    ecs("UpdateService", cluster="prod", service="web", deploymentConfiguration={"maximumPercent": 175})
    shown = ecs.described()["deploymentConfiguration"]
    assert (shown["maximumPercent"], shown["minimumHealthyPercent"], shown["strategy"]) == (175, 50, "ROLLING")


def test_a_rollout_is_stopped_by_its_arn(ecs: Ecs) -> None:
    ecs.service()
    ecs.model.settle()
    ecs.definition(image="web:2")
    arn = ecs("UpdateService", cluster="prod", service="web", taskDefinition="web:2")["service"][
        "currentServiceDeployment"
    ]
    assert ecs("StopServiceDeployment", serviceDeploymentArn=arn, stopType="ROLLBACK")["serviceDeploymentArn"] == arn
    refused(
        lambda: ecs("StopServiceDeployment", serviceDeploymentArn=arn, stopType="ABORT"), "InvalidParameterException"
    )
    ecs.model.settle()
    refused(lambda: ecs("StopServiceDeployment", serviceDeploymentArn=arn), "ConflictException")
    refused(lambda: ecs("StopServiceDeployment", serviceDeploymentArn=f"{arn}x"), "ServiceDeploymentNotFoundException")


def test_a_deleted_service_drains_and_is_inactive(ecs: Ecs) -> None:
    ecs.service()
    ecs.model.settle()
    refused(lambda: ecs("DeleteService", cluster="prod", service="web"), "InvalidParameterException", "above 0")
    assert ecs("DeleteService", cluster="prod", service="web", force=True)["service"]["status"] == "DRAINING"
    refused(lambda: ecs.service(), "InvalidParameterException", "Draining")
    ecs.model.advance(timedelta(minutes=5))
    assert ecs.described()["status"] == "INACTIVE"
    assert ecs("ListServices", cluster="prod")["serviceArns"] == []
    refused(lambda: ecs("UpdateService", cluster="prod", service="web", desiredCount=1), "ServiceNotActiveException")


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        pytest.param("ListServices", {"cluster": "no"}, "ClusterNotFoundException", id="no cluster"),
        pytest.param("UpdateService", {"service": "no"}, "ServiceNotFoundException", id="no service"),
        pytest.param("ListServiceDeployments", {"service": "no"}, "ServiceNotFoundException", id="no deployments"),
        pytest.param("ListTasks", {"serviceName": "no"}, "ServiceNotFoundException", id="no tasks"),
        pytest.param("DescribeServices", {"services": []}, "InvalidParameterException", id="none named"),
        pytest.param("DescribeServices", {"services": ["a"] * 11}, "InvalidParameterException", id="eleven services"),
        pytest.param("DescribeTasks", {"tasks": ["a"] * 101}, "InvalidParameterException", id="101 tasks"),
        pytest.param("StopTask", {"task": "no"}, "InvalidParameterException", id="no task"),
        pytest.param("DescribeTaskDefinition", {"taskDefinition": "no"}, "ClientException", id="no definition"),
        pytest.param("ListTasks", {"startedBy": "a", "family": "b"}, "InvalidParameterException", id="two filters"),
        pytest.param("ListTasks", {"maxResults": 101}, "InvalidParameterException", id="a page too large"),
        pytest.param("ListTasks", {"nextToken": "no"}, "InvalidParameterException", id="a made-up token"),
        pytest.param("ListTasks", {"desiredStatus": "GONE"}, "InvalidParameterException", id="a made-up value"),
        pytest.param(
            "UpdateContainerInstancesState", {"containerInstances": ["a"] * 11, "status": "DRAINING"},
            "InvalidParameterException", id="eleven instances",
        ),
    ],
)  # fmt: skip
def test_refusals_have_their_real_names(operation: str, params: dict[str, Any], code: str, ecs: Ecs) -> None:
    whole = params if operation == "DescribeTaskDefinition" else {"cluster": "prod", **params}
    refused(lambda: ecs(operation, **whole), code)
    errors = {shape.name for shape in service_model("ecs").operation_model(operation).error_shapes}
    assert code in errors


def test_what_is_not_there_is_a_failure_in_a_200(ecs: Ecs) -> None:
    missing = [
        ecs("DescribeServices", cluster="prod", services=["no"]),
        ecs("DescribeTasks", cluster="prod", tasks=["no"]),
        ecs("DescribeClusters", clusters=["no"]),
        ecs("DescribeContainerInstances", cluster="prod", containerInstances=["no"]),
        ecs("UpdateContainerInstancesState", cluster="prod", containerInstances=["no"], status="DRAINING"),
        ecs("DescribeServiceDeployments", serviceDeploymentArns=["no"]),
        ecs("DescribeServiceRevisions", serviceRevisionArns=["no"]),
    ]
    assert [answer["failures"][0]["reason"] for answer in missing] == ["MISSING"] * len(missing)


# ── what is not known ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("more", "named"),
    [
        pytest.param(
            {"serviceConnectConfiguration": {"enabled": True}}, "serviceConnectConfiguration", id="a parameter"
        ),
        pytest.param({"placementStrategy": [{"type": "spread"}]}, "placementStrategy", id="a list"),
        pytest.param({"schedulingStrategy": "DAEMON"}, "DAEMON", id="a value"),
        pytest.param({"deploymentController": {"type": "CODE_DEPLOY"}}, "CODE_DEPLOY", id="a controller"),
        pytest.param({"loadBalancers": [{"loadBalancerName": "classic"}]}, "loadBalancerName", id="in a list"),
    ],
)
def test_what_the_model_does_not_know_is_named(more: dict[str, Any], named: str, ecs: Ecs) -> None:
    with pytest.raises(UnsupportedError, match=named):
        ecs.service(**more)


def test_a_grace_period_is_changed_without_a_deployment(ecs: Ecs) -> None:
    ecs.service()
    changed = ecs("UpdateService", cluster="prod", service="web", healthCheckGracePeriodSeconds=30)["service"]
    assert changed["healthCheckGracePeriodSeconds"] == ecs.described()["healthCheckGracePeriodSeconds"] == 30
    assert len(ecs("ListServiceDeployments", cluster="prod", service="web")["serviceDeployments"]) == 1


def test_what_would_not_begin_a_deployment_on_aws_does_not_begin_one_in_silence(ecs: Ecs) -> None:
    ecs.service(launchType=None, capacityProviderStrategy=[{"capacityProvider": "FARGATE"}])
    with pytest.raises(UnsupportedError, match="capacityProviderStrategy without a deployment"):
        ecs(
            "UpdateService",
            cluster="prod",
            service="web",
            capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT"}],
        )


def test_an_operation_that_is_not_served_is_named() -> None:
    with pytest.raises(UnsupportedError, match="ecs:CreateTaskSet"):
        Ecs().api.answer("CreateTaskSet", {})


@pytest.mark.parametrize("operation", sorted(understood.UNDERSTOOD))
def test_understood_parameters_exist(operation: str) -> None:
    def walk(shape: Any, known: Any) -> None:
        while shape.type_name == "list":
            shape = shape.member
        if isinstance(known, dict):
            for name, below in known.items():
                assert name in shape.members, name
                walk(shape.members[name], below)

    walk(service_model("ecs").operation_model(operation).input_shape, understood.UNDERSTOOD[operation])


def test_every_operation_that_is_served_has_its_parameters_and_its_permissions(ecs: Ecs) -> None:
    from sandbox.ecs_api.permissions import MAPPERS

    assert set(ecs.api.operations) == set(understood.UNDERSTOOD)
    assert set(ecs.api.operations) <= {operation for service, operation in MAPPERS if service == "ecs"}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"clusters": [{"nonsense": 1}]}, id="an unknown member"),
        pytest.param({"clusters": [{"runningTasksCount": "1"}]}, id="a wrong type"),
        pytest.param({"clusters": [{"runningTasksCount": True}]}, id="a truth that is no number"),
        pytest.param({"clusters": [{"clusterName": None}]}, id="nothing"),
    ],
)
def test_an_answer_that_ecs_could_not_give_is_a_fault_of_the_sandbox(answer: dict[str, Any]) -> None:
    shape = service_model("ecs").operation_model("DescribeClusters").output_shape
    assert shape is not None
    with pytest.raises(SandboxError, match=r"clusters\[0\]"):
        written(shape, answer, "DescribeClusters")


def test_answers_share_nothing_with_the_model(ecs: Ecs) -> None:
    ecs.definition()
    first = ecs("DescribeTaskDefinition", taskDefinition="web")
    text = json.dumps(first, default=str)
    first["taskDefinition"]["containerDefinitions"][0]["image"] = "changed"
    assert json.dumps(ecs("DescribeTaskDefinition", taskDefinition="web"), default=str) == text
