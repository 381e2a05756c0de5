"""Which permissions the operations of ECS need: actions, resources and condition keys of the service authorization
reference, as far as known without it at hand. A role that ECS is told to use has to be passed as well."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sandbox.account import Account
from sandbox.ecs.errors import EcsError
from sandbox.ecs_api.clusters import DEFAULT, short
from sandbox.iam import Request

Params = Mapping[str, Any]
_Mapper = Callable[[Account, Params], list[Request]]
_ROLES = ("taskRoleArn", "executionRoleArn")


def _anything(action: str) -> _Mapper:
    """An action without resource-level permissions: only a statement for `*` grants it."""
    return lambda account, params: [Request(action, "*", account.context())]


def _cluster_arn(account: Account, params: Params) -> str:
    return account.arn("ecs", f"cluster/{short(params.get('cluster', DEFAULT))}")


def _context(account: Account, params: Params) -> dict[str, list[str]]:
    return {**account.context(), "ecs:cluster": [_cluster_arn(account, params)]}


def _named(action: str, kind: str, member: str) -> _Mapper:
    """An action on services, tasks or container instances of a cluster, by name or ARN."""

    def mapper(account: Account, params: Params) -> list[Request]:
        cluster, given = short(params.get("cluster", DEFAULT)), params[member]
        names: Sequence[str] = given if isinstance(given, list) else [given]
        arns = [name if name.startswith("arn:") else account.arn("ecs", f"{kind}/{cluster}/{name}") for name in names]
        return [Request(f"ecs:{action}", arn, _context(account, params)) for arn in arns]

    return mapper


def _in_cluster(action: str) -> _Mapper:
    """An action that is granted on `*`, and may be narrowed by `ecs:cluster`."""
    return lambda account, params: [Request(f"ecs:{action}", "*", _context(account, params))]


def _on_cluster(action: str) -> _Mapper:
    return lambda account, params: [Request(f"ecs:{action}", _cluster_arn(account, params), account.context())]


def _described_clusters(account: Account, params: Params) -> list[Request]:
    arns = [account.arn("ecs", f"cluster/{short(name)}") for name in params.get("clusters", [DEFAULT])]
    return [Request("ecs:DescribeClusters", arn, account.context()) for arn in arns]


def _created_cluster(account: Account, params: Params) -> list[Request]:
    arn = account.arn("ecs", f"cluster/{params.get('clusterName', DEFAULT)}")
    return [Request("ecs:CreateCluster", arn, account.context())]


def _by_arn(action: str, member: str) -> _Mapper:
    def mapper(account: Account, params: Params) -> list[Request]:
        given = params[member]
        arns: Sequence[str] = given if isinstance(given, list) else [given]
        return [Request(f"ecs:{action}", arn, account.context()) for arn in arns]

    return mapper


def _balancing(action: str, member: str) -> _Mapper:
    return lambda account, params: [Request(f"elasticloadbalancing:{action}", params[member], account.context())]


def _passed(account: Account, roles: Mapping[str, Any]) -> list[Request]:
    context = {**account.context(), "iam:PassedToService": ["ecs-tasks.amazonaws.com"]}
    return [Request("iam:PassRole", roles[name], context) for name in _ROLES if roles.get(name)]


def _registered(account: Account, params: Params) -> list[Request]:
    arn = account.arn("ecs", f"task-definition/{params['family']}:*")
    return [Request("ecs:RegisterTaskDefinition", arn, account.context()), *_passed(account, params)]


def _run(account: Account, params: Params) -> list[Request]:
    """RunTask is on the revision; the roles of the revision, or those that replace them, are passed."""
    name = str(params["taskDefinition"])
    arn = name if name.startswith("arn:") else account.arn("ecs", f"task-definition/{name}")
    roles: dict[str, Any] = {}
    try:
        definition = account.ecs.model.catalogue.known(name)
    except EcsError:
        definition = None  # ECS will say so itself
    if definition is not None:
        arn = definition.arn
        roles |= account.ecs.kept.definitions.get(arn, {})
    roles |= params.get("overrides", {})
    tagged = (
        [
            Request(
                "ecs:TagResource",
                _cluster_arn(account, params).replace(":cluster/", ":task/") + "/new",
                {**_context(account, params), "ecs:CreateAction": ["RunTask"]},
            )
        ]
        if params.get("tags")
        else []
    )
    way_in = str(bool(params.get("enableExecuteCommand"))).lower()
    context = {**_context(account, params), "ecs:enable-execute-command": [way_in]}
    return [Request("ecs:RunTask", arn, context), *_passed(account, roles), *tagged]


def _stopped(account: Account, params: Params) -> list[Request]:
    """StopTask is on the task, and the tags of the task are known."""
    (request,) = _named("StopTask", "task", "task")(account, params)
    tags = account.ecs.kept.tags.get(request.resource, {})
    of_it = {f"aws:ResourceTag/{key}": [value] for key, value in tags.items()}
    return [replace(request, context={**request.context, "aws:ResourceTag/": None, **of_it})]


MAPPERS: Mapping[tuple[str, str], _Mapper] = {
    **{
        ("ecs", name): _anything(f"ecs:{name}")
        for name in (
            "DescribeTaskDefinition",
            "DeregisterTaskDefinition",
            "ListTaskDefinitions",
            "ListTaskDefinitionFamilies",
            "ListClusters",
        )
    },
    **{("ecs", name): _in_cluster(name) for name in ("ListServices", "ListTasks")},
    **{
        ("ecs", name): _named(name, "service", "service")
        for name in ("UpdateService", "DeleteService", "ListServiceDeployments")
    },
    **{("ecs", name): _on_cluster(name) for name in ("ListContainerInstances", "RegisterContainerInstance")},
    **{("ecs", name): _by_arn(name, "resourceArn") for name in ("TagResource", "UntagResource", "ListTagsForResource")},
    **{
        ("ecs", name): _named(name, "container-instance", "containerInstances")
        for name in ("DescribeContainerInstances", "UpdateContainerInstancesState")
    },
    ("ecs", "RegisterTaskDefinition"): _registered,
    ("ecs", "CreateCluster"): _created_cluster,
    ("ecs", "DescribeClusters"): _described_clusters,
    ("ecs", "CreateService"): _named("CreateService", "service", "serviceName"),
    ("ecs", "DescribeServices"): _named("DescribeServices", "service", "services"),
    ("ecs", "DescribeServiceDeployments"): _by_arn("DescribeServiceDeployments", "serviceDeploymentArns"),
    ("ecs", "DescribeServiceRevisions"): _by_arn("DescribeServiceRevisions", "serviceRevisionArns"),
    ("ecs", "StopServiceDeployment"): _by_arn("StopServiceDeployment", "serviceDeploymentArn"),
    ("ecs", "ContinueServiceDeployment"): _by_arn("ContinueServiceDeployment", "serviceDeploymentArn"),
    ("ecs", "RunTask"): _run,
    ("ecs", "StopTask"): _stopped,
    ("ecs", "GetTaskProtection"): _named("GetTaskProtection", "task", "tasks"),
    ("ecs", "UpdateTaskProtection"): _named("UpdateTaskProtection", "task", "tasks"),
    ("ecs", "DescribeCapacityProviders"): lambda account, params: [
        Request(
            "ecs:DescribeCapacityProviders", account.arn("ecs", f"capacity-provider/{short(name)}"), account.context()
        )
        for name in params["capacityProviders"]
    ],
    ("ecs", "DescribeTasks"): _named("DescribeTasks", "task", "tasks"),
    **{
        ("elbv2", name): _anything(f"elasticloadbalancing:{name}")
        for name in (
            "DescribeLoadBalancers",
            "DescribeListeners",
            "DescribeRules",
            "DescribeTargetGroups",
            "DescribeTargetHealth",
            "CreateLoadBalancer",
            "CreateTargetGroup",
        )
    },
    ("cloudwatch", "GetMetricData"): _anything("cloudwatch:GetMetricData"),
    ("elbv2", "CreateListener"): _balancing("CreateListener", "LoadBalancerArn"),
    ("elbv2", "CreateRule"): _balancing("CreateRule", "ListenerArn"),
    ("elbv2", "ModifyListener"): _balancing("ModifyListener", "ListenerArn"),
    ("elbv2", "ModifyRule"): _balancing("ModifyRule", "RuleArn"),
}
