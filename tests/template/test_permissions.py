"""Each role may do what its function calls and nothing else."""

import re
from typing import Any

import pytest

from sandbox import iam
from tests.template.reading import ROOT, as_list, functions, pointed_at, resources, statements, translated_resources
from tests.template.rough_hours import lived

ROLES = translated_resources("AWS::IAM::Role")
READS = ("Describe", "Get", "List", "Query", "BatchGet", "Scan")
MANAGED = {
    "AWSLambdaBasicExecutionRole",  # the function's own log; AWS words it for any log group
    "AWSXrayWriteOnlyAccess",  # traces; X-Ray knows no resources
}
ON_ANYTHING = {
    "cloudwatch:describealarms",
    "cloudwatch:getmetricdata",
    "ec2:describesubnets",
    "elasticloadbalancing:describelisteners",
    "elasticloadbalancing:describeloadbalancers",
    "elasticloadbalancing:describerules",
    "elasticloadbalancing:describetargetgroups",
    "elasticloadbalancing:describetargethealth",
    "ec2:assignprivateipaddresses",  # these and the next are Lambda's own, for a function in a VPC
    "ec2:createnetworkinterface",
    "ec2:deletenetworkinterface",
    "ec2:describenetworkinterfaces",
    "ec2:unassignprivateipaddresses",
    "application-autoscaling:describescalabletargets",  # knows no resources, like the next ones of ours
    "ecs:describetaskdefinition",
    "ecs:listclusters",
    "ecs:listservices",
    "ecs:listtasks",
    "events:listrules",
    "scheduler:listschedules",
    "logs:createloggroup",
    "logs:createlogstream",
    "logs:putlogevents",
    "xray:getsamplingrules",
    "xray:getsamplingstatisticsummaries",
    "xray:getsamplingtargets",
    "xray:puttelemetryrecords",
    "xray:puttracesegments",
}
SCHEDULED = {"ScalerScheduleRole"}  # roles of schedules that wake a function
BY_SERVICES = {  # roles of no function, and who may take them
    **dict.fromkeys(("PolicyScheduleRole", *SCHEDULED), "scheduler.amazonaws.com"),
    "DeploymentHooksNativeRole": "ecs.amazonaws.com",
    "ReleaseStateMachineRole": "states.amazonaws.com",
}
READ_BY_LAMBDA = {"sqs:deletemessage", "sqs:getqueueattributes", "sqs:receivemessage"}
ON_FAILURE = (
    "SweepDeadLetterQueue",
    "PolicySyncDeadLetterQueue",
    "RollbackGuardDeadLetterQueue",
    "ScalerDeadLetterQueue",
    "DeploymentHooksDeadLetterQueue",
)
SENT_BY_LAMBDA = ("sqs:sendmessage", ON_FAILURE)
# What a state machine needs for its log and its traces; these know no resources.
OF_MACHINES = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
IN_A_VPC = {f"{name}Role" for name, body in functions().items() if "VpcConfig" in body["Properties"]}

OF_CHECKS = {"ecs:RunTask", "ecs:TagResource", "ecs:StopTask", "ecs:DescribeTasks", "iam:PassRole"}

Granted = tuple[str, str, dict[str, Any]]


def grants() -> list[Granted]:
    return [
        (role, action, statement)
        for role, body in ROLES.items()
        for statement in statements(body)
        for action in as_list(statement["Action"])
    ]


def test_what_is_called_is_granted() -> None:
    assert lived().refused == [], "grant it to the function that calls it, with a why"


@pytest.mark.parametrize("name", sorted(functions()))
def test_what_a_function_is_granted_it_calls(name: str) -> None:
    """Judged by what it called in a few rough hours, outages included (`rough_hours.py`)."""
    unused = [
        f"{action} on {resource}"
        for statement in lived().held[name]
        for action in statement.actions
        for resource in statement.resources
        if not any(_grants(action, resource, request) for request in lived().needed[name])
        and not _for_lambda_itself(action, resource)
    ]
    assert unused == [], f"drop it from {name} in template.yaml: it never called it. Or show in rough_hours.py when"


def _grants(action: str, resource: str, request: iam.Request) -> bool:
    return iam.like(request.action.lower(), action) and iam.like(request.resource, resource)


def _for_lambda_itself(action: str, resource: str) -> bool:
    sends = action == SENT_BY_LAMBDA[0] and any(queue in resource for queue in SENT_BY_LAMBDA[1])
    return sends or action in READ_BY_LAMBDA or (resource == "*" and action in ON_ANYTHING)


@pytest.mark.parametrize("mapping", sorted(resources("AWS::Lambda::EventSourceMapping")))
def test_a_function_reads_its_own_queues_and_no_other(mapping: str) -> None:
    source = resources("AWS::Lambda::EventSourceMapping")[mapping]["Properties"]
    (function,) = pointed_at(source["FunctionName"])
    own = [
        each["Properties"]["EventSourceArn"]
        for each in resources("AWS::Lambda::EventSourceMapping").values()
        if pointed_at(each["Properties"]["FunctionName"]) == {function}
    ]
    read = [
        resource
        for statement in statements(ROLES[f"{function}Role"])
        if READ_BY_LAMBDA & {action.lower() for action in as_list(statement["Action"])}
        for resource in as_list(statement["Resource"])
    ]
    assert read == own


@pytest.mark.parametrize("name", sorted(functions()))
def test_nothing_but_logs_and_traces_may_be_written_outside_the_stack(name: str) -> None:
    """As SECURITY.md says; managed policies included."""
    unbounded = [statement for statement in lived().held[name] if "*" in statement.resources]
    assert {action for statement in unbounded for action in statement.actions} <= ON_ANYTHING


def test_every_action_is_named_in_the_security_page() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    alone = {
        statement["Action"]
        for body in translated_resources("AWS::IAM::RolePolicy").values()
        for statement in body["Properties"]["PolicyDocument"]["Statement"]
    }
    assert {action for _, action, _ in grants()} | alone <= set(re.findall(r"`([a-z0-9-]+:[A-Za-z]+)`", page))


@pytest.mark.parametrize("granted", grants(), ids=lambda granted: f"{granted[0]} {granted[1]}")
def test_no_action_is_a_wildcard(granted: Granted) -> None:
    assert "*" not in granted[1]


@pytest.mark.parametrize("granted", grants(), ids=lambda granted: f"{granted[0]} {granted[1]}")
def test_an_action_that_changes_something_names_its_resource(granted: Granted) -> None:
    role, action, statement = granted
    if action.partition(":")[2].startswith(READS) or (role.endswith("StateMachineRole") and action in OF_MACHINES):
        return
    for resource in as_list(statement["Resource"]):
        named = isinstance(resource, dict) and set(resource) <= {"Ref", "Fn::GetAtt", "Fn::Sub"}
        assert named or "Condition" in statement, f"name the resource of {action}, or give it a condition"


def test_every_resource_is_only_for_actions_that_know_none() -> None:
    """These know no resources in IAM; anything else on `*` is too much."""
    on_anything = {action for _, action, statement in grants() if "*" in as_list(statement["Resource"])}
    assert on_anything - OF_MACHINES == {
        "application-autoscaling:DescribeScalableTargets",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "ec2:DescribeSubnets",
        "ecs:DescribeTaskDefinition",
        "ecs:ListClusters",
        "ecs:ListServices",
        "ecs:ListTasks",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "events:ListRules",
        "scheduler:ListSchedules",
    }


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_holds_no_managed_policy_but_those_of_the_runtime(role: str) -> None:
    held = {str(arn).rpartition("/")[2] for arn in ROLES[role]["Properties"].get("ManagedPolicyArns", [])}
    in_a_vpc = {"AWSLambdaVPCAccessExecutionRole"} if role in IN_A_VPC else set()
    assert held == (set() if role in BY_SERVICES else MANAGED | in_a_vpc)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_can_be_assumed_by_its_service_only(role: str) -> None:
    trust = ROLES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    service = BY_SERVICES.get(role, "lambda.amazonaws.com")
    assert [as_list(statement["Principal"]["Service"]) for statement in trust] == [[service]]


def test_the_hook_may_be_called_whatever_context_ecs_sends() -> None:
    """AWS documents its trust without a condition (blue-green-permissions). A hook that cannot be called sends back
    every deployment that declares it."""
    [trust] = ROLES["DeploymentHooksNativeRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert "Condition" not in trust


def test_what_reaches_strangers_stops_and_starts_nothing_but_the_tasks_of_its_checks() -> None:
    held = {
        (statement["Effect"], action): statement
        for statement in statements(ROLES["ReleaseCheckFunctionRole"])
        for action in as_list(statement["Action"])
    }
    tag = held["Allow", "ecs:StopTask"]["Condition"]
    assert tag == {"StringEquals": {"aws:ResourceTag/breakwater:check": {"Ref": "AWS::StackName"}}}
    assert held["Allow", "ecs:TagResource"]["Condition"] == {"StringEquals": {"ecs:CreateAction": "RunTask"}}
    assert held["Allow", "iam:PassRole"]["Resource"] == {"Ref": "CheckTaskRoleArns"}
    assert held["Deny", "ecs:RunTask"]["Condition"] == {"StringEquals": {"ecs:enable-execute-command": "true"}}


@pytest.mark.parametrize("role", sorted(SCHEDULED))
def test_a_schedule_may_wake_its_function_and_keep_what_that_did_not_take(role: str) -> None:
    """Its role is for this account's own schedules only."""
    (policy,) = [
        body["Properties"]
        for body in translated_resources("AWS::IAM::RolePolicy").values()
        if pointed_at(body["Properties"]["RoleName"]) == {role}
    ]
    granted = {one["Action"]: pointed_at(one["Resource"]) for one in policy["PolicyDocument"]["Statement"]}
    function, queue = (
        f"{role.removesuffix('ScheduleRole')}Function",
        f"{role.removesuffix('ScheduleRole')}DeadLetterQueue",
    )
    assert granted == {"lambda:InvokeFunction": {function}, "sqs:SendMessage": {queue}}
    (trust,) = ROLES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_a_secret_is_readable_only_where_there_is_one() -> None:
    conditional = [
        statement["Fn::If"]
        for role in ROLES.values()
        for policy in role["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if "Fn::If" in statement
    ]
    assert conditional
    for condition, granted, otherwise in conditional:
        assert condition in ("HasSlack", "HasCheckSecrets", "HasCheckTasks")
        assert otherwise == {"Ref": "AWS::NoValue"}
        assert (granted["Action"] == "secretsmanager:GetSecretValue") is (condition != "HasCheckTasks")
    assert {granted["Action"] for condition, granted, _ in conditional if condition == "HasCheckTasks"} == OF_CHECKS
    unconditional = [
        statement
        for role in ROLES.values()
        for policy in role["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if "secretsmanager:GetSecretValue" in str(statement.get("Action", ""))
    ]
    assert not unconditional
