"""Which parameters of which operations are understood, down to the members of members.

`WHOLE` takes all that botocore's shape allows. `EMPTY` takes only what says nothing: False, nothing in a list, an empty
structure. Anything that does not stand here is refused by name, whatever its value.
"""

from collections.abc import Mapping
from typing import Any, Final

from botocore.model import ListShape, Shape, StructureShape

from sandbox.ecs.errors import invalid
from sandbox.ecs_api.wire import service_model
from sandbox.errors import UnsupportedError

WHOLE: Final = "whole"
EMPTY: Final = "empty"
Known = Mapping[str, Any]


def _of(*whole: str, **more: Any) -> Known:
    return {**dict.fromkeys(whole, WHOLE), **more}


_VPC: Final = _of(awsvpcConfiguration=WHOLE)
"""Subnets and security groups are kept and given back; the model knows no network."""
_CONTAINER: Final = _of(
    # the model lives by these
    "name", "image", "essential", "cpu", "memory", "memoryReservation", "stopTimeout", "secrets", "healthCheck",
    # kept: what happens inside of a container is up to its workload
    "command", "entryPoint", "environment", "environmentFiles", "workingDirectory", "user", "hostname",
    "readonlyRootFilesystem", "privileged", "interactive", "pseudoTerminal", "dockerLabels", "ulimits",
    "linuxParameters", "systemControls", "extraHosts", "logConfiguration", "versionConsistency",
    "repositoryCredentials",
    portMappings=_of("containerPort", "hostPort", "protocol", "name", "appProtocol"),
    mountPoints=EMPTY, volumesFrom=EMPTY, dependsOn=EMPTY, links=EMPTY, resourceRequirements=EMPTY,
)  # fmt: skip
_DEPLOYMENT: Final = _of(
    "maximumPercent", "minimumHealthyPercent", "deploymentCircuitBreaker", "alarms", "strategy",
    "earlySuccessCriteria", "bakeTimeInMinutes", "linearConfiguration", "canaryConfiguration", "lifecycleHooks",
)  # fmt: skip
_BALANCER: Final = _of("targetGroupArn", "containerName", "containerPort", "advancedConfiguration")
_SERVICE: Final = _of(
    "cluster", "taskDefinition", "desiredCount", "healthCheckGracePeriodSeconds",
    "capacityProviderStrategy", "platformVersion", "propagateTags", "enableECSManagedTags",
    loadBalancers=_BALANCER, deploymentConfiguration=_DEPLOYMENT, networkConfiguration=_VPC,
    serviceRegistries=EMPTY, placementConstraints=EMPTY, placementStrategy=EMPTY, enableExecuteCommand=EMPTY,
    deploymentController=WHOLE, volumeConfigurations=EMPTY, vpcLatticeConfigurations=EMPTY, gatewayConnectors=EMPTY,
)  # fmt: skip

UNDERSTOOD: Final[Mapping[str, Known]] = {
    "RegisterTaskDefinition": _of(
        "family", "taskRoleArn", "executionRoleArn", "networkMode", "requiresCompatibilities", "cpu", "memory", "tags",
        "runtimePlatform", containerDefinitions=_CONTAINER, volumes=EMPTY, placementConstraints=EMPTY,
        enableFaultInjection=EMPTY,
    ),
    "DescribeTaskDefinition": _of("taskDefinition", "include"),
    "DeregisterTaskDefinition": _of("taskDefinition"),
    "ListTaskDefinitions": _of("familyPrefix", "status", "sort", "nextToken", "maxResults"),
    "ListTaskDefinitionFamilies": _of("familyPrefix", "status", "nextToken", "maxResults"),
    "CreateCluster": _of("clusterName", "tags", "settings", "capacityProviders", defaultCapacityProviderStrategy=EMPTY),
    "DescribeClusters": _of("clusters", "include"),
    "ListClusters": _of("nextToken", "maxResults"),
    "CreateService": _of("serviceName", "clientToken", "launchType", "schedulingStrategy", "tags", **_SERVICE),
    "UpdateService": _of("service", "forceNewDeployment", **_SERVICE),
    "DeleteService": _of("cluster", "service", "force"),
    "DescribeServices": _of("cluster", "services", "include"),
    "ListServices": _of("cluster", "launchType", "schedulingStrategy", "nextToken", "maxResults"),
    "RunTask": _of(
        "cluster", "taskDefinition", "count", "group", "startedBy", "clientToken", "launchType", "tags",
        "capacityProviderStrategy", "platformVersion", "propagateTags", "enableECSManagedTags",
        networkConfiguration=_VPC,
        overrides=_of("taskRoleArn", "executionRoleArn", containerOverrides=_of("name", "command", "environment")),
        placementConstraints=EMPTY, placementStrategy=EMPTY, enableExecuteCommand=EMPTY, volumeConfigurations=EMPTY,
    ),
    "StopTask": _of("cluster", "task", "reason"),
    "DescribeTasks": _of("cluster", "tasks", "include"),
    "ListTasks": _of(
        "cluster", "containerInstance", "family", "startedBy", "serviceName", "desiredStatus", "launchType",
        "nextToken", "maxResults",
    ),
    "UpdateTaskProtection": _of("cluster", "tasks", "protectionEnabled", "expiresInMinutes"),
    "GetTaskProtection": _of("cluster", "tasks"),
    "DescribeCapacityProviders": _of("capacityProviders"),
    "ListServiceDeployments": _of("cluster", "service", "status", "createdAt", "nextToken", "maxResults"),
    "DescribeServiceDeployments": _of("serviceDeploymentArns"),
    "DescribeServiceRevisions": _of("serviceRevisionArns"),
    "StopServiceDeployment": _of("serviceDeploymentArn", "stopType"),
    "ContinueServiceDeployment": _of("serviceDeploymentArn", "hookId", "action"),
    "RegisterContainerInstance": _of("cluster", "totalResources", "tags"),
    "UpdateContainerInstancesState": _of("cluster", "containerInstances", "status"),
    "DescribeContainerInstances": _of("cluster", "containerInstances", "include"),
    "ListContainerInstances": _of("cluster", "status", "nextToken", "maxResults"),
    "TagResource": _of("resourceArn", "tags"),
    "UntagResource": _of("resourceArn", "tagKeys"),
    "ListTagsForResource": _of("resourceArn"),
}  # fmt: skip


def check(operation: str, params: Mapping[str, Any]) -> None:
    """Refuse what the model does not know, and values that ECS does not have. botocore has checked types before."""
    shape = service_model("ecs").operation_model(operation).input_shape
    if shape is not None:
        _check(shape, params, UNDERSTOOD[operation], f"ecs:{operation}")


def _check(shape: Shape, value: Any, known: Any, where: str) -> None:
    if known == EMPTY:
        if _says_something(value):
            raise UnsupportedError(f"{where} is not known to the model")
        return
    if isinstance(shape, ListShape):
        for place, each in enumerate(value):
            _check(shape.member, each, known, f"{where}[{place}]")
    elif isinstance(shape, StructureShape) and not shape.is_document_type:
        for name, each in value.items():
            if known != WHOLE and name not in known:
                raise UnsupportedError(f"{where}.{name} is not known to the model")
            _check(shape.members[name], each, WHOLE if known == WHOLE else known[name], f"{where}.{name}")
    elif shape.type_name == "string":
        _check_enum(shape, value, where)


def _check_enum(shape: Shape, value: str, where: str) -> None:
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed:
        raise invalid(f"{where.rpartition('.')[2]}: {value!r} is none of {', '.join(allowed)}.")


def _says_something(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_says_something(each) for each in value.values())
    return bool(value)
