"""Every operation once, in one story: what it takes and what it gives are of botocore's shapes (see `ecs_calls`)."""

from typing import Any

from tests.sandbox.ecs_calls import Ecs


class Recorded(Ecs):
    """Remembers which operations answered."""

    def __init__(self) -> None:
        super().__init__()
        self.called: set[str] = set()

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        answer = super().__call__(operation, **params)
        self.called.add(operation)
        return answer


def test_every_operation_answers_in_the_shapes_of_botocore() -> None:
    ecs = Recorded()
    ecs.cluster()
    breaker = {
        "enable": True, "rollback": True, "resetOnHealthyTask": False,
        "thresholdConfiguration": {"type": "COUNT", "value": 4},
    }  # fmt: skip
    group = ecs.model.catalogue.create_target_group("web")
    service = ecs.service(
        deploymentConfiguration={
            "deploymentCircuitBreaker": breaker,
            "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True},
            "earlySuccessCriteria": {"enable": True, "healthyPercent": 100},
        },
        loadBalancers=[{"targetGroupArn": group.arn, "containerName": "app", "containerPort": 80}],
        healthCheckGracePeriodSeconds=60,
        tags=[{"key": "a", "value": "b"}],
        enableECSManagedTags=True,
        propagateTags="SERVICE",
    )
    assert service["healthCheckGracePeriodSeconds"] == 60
    _tasks_and_instances(ecs)
    for moment in range(12):  # from PROVISIONING to COMPLETED, every answer on the way
        _read_all(ecs)
        ecs.model.advance(10 + moment)
    ecs.model.advance(600)
    ecs.definition(image="web:2")
    ecs("UpdateService", cluster="prod", service="web", taskDefinition="web:2")
    ecs.model.advance(30)
    arn = ecs.described()["currentServiceDeployment"]
    _read_all(ecs)
    ecs("StopServiceDeployment", serviceDeploymentArn=arn)
    for _ in range(12):
        ecs.model.advance(20)
        _read_all(ecs)
    ecs("DeleteService", cluster="prod", service="web", force=True)
    ecs.model.advance(600)
    _read_all(ecs)
    ecs("DeregisterTaskDefinition", taskDefinition="web:2")
    assert ecs.called == set(ecs.api.operations) - {"ContinueServiceDeployment"}  # see test_ecs_api_native


def _tasks_and_instances(ecs: Ecs) -> None:
    instance = ecs("RegisterContainerInstance", cluster="prod")["containerInstance"]["containerInstanceArn"]
    ecs("UpdateContainerInstancesState", cluster="prod", containerInstances=[instance], status="DRAINING")
    for image in ("web:1", "crashing"):
        ecs.definition("job", image, healthCheck={"command": ["CMD", "true"]})
    [task] = ecs.run(taskDefinition="job", clientToken="t")["tasks"]
    ecs("StopTask", cluster="prod", task=task["taskArn"])
    ecs("TagResource", resourceArn=task["taskArn"], tags=[{"key": "a", "value": "b"}])
    ecs("ListTagsForResource", resourceArn=task["taskArn"])
    ecs("UntagResource", resourceArn=task["taskArn"], tagKeys=["a"])
    ecs.run(
        taskDefinition="job:1",
        launchType=None,
        capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
    )


def _read_all(ecs: Ecs) -> None:
    ecs("DescribeClusters", clusters=["prod"], include=["TAGS", "SETTINGS"])
    ecs("ListClusters")
    ecs("DescribeServices", cluster="prod", services=["web", "no"], include=["TAGS"])
    ecs("ListServices", cluster="prod")
    tasks = [
        *ecs("ListTasks", cluster="prod")["taskArns"],
        *ecs("ListTasks", cluster="prod", desiredStatus="STOPPED")["taskArns"],
    ]
    ecs("DescribeTasks", cluster="prod", tasks=[*tasks, "no"], include=["TAGS"])
    briefs = ecs("ListServiceDeployments", cluster="prod", service="web")["serviceDeployments"]
    ecs("DescribeServiceDeployments", serviceDeploymentArns=[one["serviceDeploymentArn"] for one in briefs])
    ecs("DescribeServiceRevisions", serviceRevisionArns=[one["targetServiceRevisionArn"] for one in briefs])
    if tasks:
        ecs("UpdateTaskProtection", cluster="prod", tasks=[*tasks[:9], "no"], protectionEnabled=True)
        ecs("GetTaskProtection", cluster="prod", tasks=[*tasks[:9], "no"])
        ecs("UpdateTaskProtection", cluster="prod", tasks=[*tasks[:9], "no"], protectionEnabled=False)
    ecs("DescribeCapacityProviders", capacityProviders=["no"])
    instances = ecs("ListContainerInstances", cluster="prod")["containerInstanceArns"]
    ecs("DescribeContainerInstances", cluster="prod", containerInstances=instances, include=["TAGS"])
    for arn in ecs("ListTaskDefinitions")["taskDefinitionArns"]:
        ecs("DescribeTaskDefinition", taskDefinition=arn, include=["TAGS"])
    ecs("ListTaskDefinitionFamilies")
