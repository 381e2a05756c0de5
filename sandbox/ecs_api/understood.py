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


def of(*whole: str, **more: Any) -> Known:
    return {**dict.fromkeys(whole, WHOLE), **more}


_VPC: Final = of(awsvpcConfiguration=WHOLE)
"""Subnets and security groups are kept and given back; the model knows no network."""
_CONTAINER: Final = of(
    # the model lives by these
    "name", "image", "essential", "cpu", "memory", "memoryReservation", "stopTimeout", "secrets", "healthCheck",
    # kept: what happens inside of a container is up to its workload
    "command", "entryPoint", "environment", "environmentFiles", "workingDirectory", "user", "hostname",
    "readonlyRootFilesystem", "privileged", "interactive", "pseudoTerminal", "dockerLabels", "ulimits",
    "linuxParameters", "systemControls", "extraHosts", "logConfiguration", "versionConsistency",
    "repositoryCredentials",
    portMappings=of("containerPort", "hostPort", "protocol", "name", "appProtocol"),
    mountPoints=EMPTY, volumesFrom=EMPTY, dependsOn=EMPTY, links=EMPTY, resourceRequirements=EMPTY,
)  # fmt: skip
_DEPLOYMENT: Final = of(
    "maximumPercent", "minimumHealthyPercent", "deploymentCircuitBreaker", "alarms", "strategy",
    "earlySuccessCriteria", "bakeTimeInMinutes", "linearConfiguration", "canaryConfiguration", "lifecycleHooks",
)  # fmt: skip
_BALANCER: Final = of("targetGroupArn", "containerName", "containerPort", "advancedConfiguration")
_SERVICE: Final = of(
    "cluster", "taskDefinition", "desiredCount", "healthCheckGracePeriodSeconds",
    "capacityProviderStrategy", "platformVersion", "propagateTags", "enableECSManagedTags",
    loadBalancers=_BALANCER, deploymentConfiguration=_DEPLOYMENT, networkConfiguration=_VPC,
    serviceRegistries=EMPTY, placementConstraints=EMPTY, placementStrategy=EMPTY, enableExecuteCommand=EMPTY,
    deploymentController=WHOLE, volumeConfigurations=EMPTY, vpcLatticeConfigurations=EMPTY, gatewayConnectors=EMPTY,
)  # fmt: skip

UNDERSTOOD: Final[Mapping[str, Known]] = {
    "RegisterTaskDefinition": of(
        "family", "taskRoleArn", "executionRoleArn", "networkMode", "requiresCompatibilities", "cpu", "memory", "tags",
        "runtimePlatform", containerDefinitions=_CONTAINER, volumes=EMPTY, placementConstraints=EMPTY,
        enableFaultInjection=EMPTY,
    ),
    "DescribeTaskDefinition": of("taskDefinition", "include"),
    "DeregisterTaskDefinition": of("taskDefinition"),
    "ListTaskDefinitions": of("familyPrefix", "status", "sort", "nextToken", "maxResults"),
    "ListTaskDefinitionFamilies": of("familyPrefix", "status", "nextToken", "maxResults"),
    "CreateCluster": of("clusterName", "tags", "settings", "capacityProviders", defaultCapacityProviderStrategy=EMPTY),
    "DescribeClusters": of("clusters", "include"),
    "ListClusters": of("nextToken", "maxResults"),
    "CreateService": of("serviceName", "clientToken", "launchType", "schedulingStrategy", "tags", **_SERVICE),
    "UpdateService": of("service", "forceNewDeployment", **_SERVICE),
    "DeleteService": of("cluster", "service", "force"),
    "DescribeServices": of("cluster", "services", "include"),
    "ListServices": of("cluster", "launchType", "schedulingStrategy", "nextToken", "maxResults"),
    "RunTask": of(
        "cluster", "taskDefinition", "count", "group", "startedBy", "clientToken", "launchType", "tags",
        "capacityProviderStrategy", "platformVersion", "propagateTags", "enableECSManagedTags",
        networkConfiguration=_VPC,
        overrides=of("taskRoleArn", "executionRoleArn", containerOverrides=of("name", "command", "environment")),
        placementConstraints=EMPTY, placementStrategy=EMPTY, enableExecuteCommand=EMPTY, volumeConfigurations=EMPTY,
    ),
    "StopTask": of("cluster", "task", "reason"),
    "DescribeTasks": of("cluster", "tasks", "include"),
    "ListTasks": of(
        "cluster", "containerInstance", "family", "startedBy", "serviceName", "desiredStatus", "launchType",
        "nextToken", "maxResults",
    ),
    "UpdateTaskProtection": of("cluster", "tasks", "protectionEnabled", "expiresInMinutes"),
    "GetTaskProtection": of("cluster", "tasks"),
    "DescribeCapacityProviders": of("capacityProviders"),
    "ListServiceDeployments": of("cluster", "service", "status", "createdAt", "nextToken", "maxResults"),
    "DescribeServiceDeployments": of("serviceDeploymentArns"),
    "DescribeServiceRevisions": of("serviceRevisionArns"),
    "StopServiceDeployment": of("serviceDeploymentArn", "stopType"),
    "ContinueServiceDeployment": of("serviceDeploymentArn", "hookId", "action"),
    "RegisterContainerInstance": of("cluster", "totalResources", "tags"),
    "UpdateContainerInstancesState": of("cluster", "containerInstances", "status"),
    "DescribeContainerInstances": of("cluster", "containerInstances", "include"),
    "ListContainerInstances": of("cluster", "status", "nextToken", "maxResults"),
    "TagResource": of("resourceArn", "tags"),
    "UntagResource": of("resourceArn", "tagKeys"),
    "ListTagsForResource": of("resourceArn"),
}  # fmt: skip


def check(
    operation: str, params: Mapping[str, Any], service: str = "ecs", known: Mapping[str, Known] = UNDERSTOOD
) -> None:
    """Refuse what the model does not know, and values that AWS does not have. botocore has checked types before."""
    shape = service_model(service).operation_model(operation).input_shape
    if shape is not None:
        _check(shape, params, known[operation], f"{service}:{operation}")


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
