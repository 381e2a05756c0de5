"""Each role may do what its code calls and nothing else, as far as names of actions and resources can tell."""

import re
from typing import Any

import pytest

from tests.template.reading import ROOT, as_list, statements, translated_resources

ROLES = translated_resources("AWS::IAM::Role")
READS = ("Describe", "Get", "List", "Query", "BatchGet", "Scan")
MANAGED = {
    "AWSLambdaBasicExecutionRole",  # writes the function's own log
    "AWSLambdaSQSQueueExecutionRole",  # takes messages from its queue
    "AWSXrayWriteOnlyAccess",  # traces
}
NEEDS_NO_CALL = {
    "sqs:SendMessage": "Lambda itself sends what failed to the OnFailure destination",
}
BATCHES = {
    "sns:PublishBatch": "sns:Publish",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",  # and UpdateItem, ConditionCheckItem: whatever it contains
}
SERVICES = {
    "dynamodb": ("batch_", "put_item", "update_item", "query", "transact_", "delete_item", "get_item"),
    "ecs": ("describe_",),
    "logs": ("get_log_events",),
    "sns": ("publish",),
    "sqs": ("send_message",),
    "secretsmanager": ("get_secret_value",),
}

Granted = tuple[str, str, dict[str, Any]]


def grants() -> list[Granted]:
    return [
        (role, action, statement)
        for role, body in ROLES.items()
        for statement in statements(body)
        for action in as_list(statement["Action"])
    ]


def called() -> set[str]:
    """The actions behind every `client().method(` in what goes to Lambda."""
    sources = [*ROOT.glob("functions/**/*.py"), *ROOT.glob("layers/core/breakwater/**/*.py")]
    methods = {
        method
        for source in sources
        for method in re.findall(r"client\(\)\.([a-z_]+)\(", source.read_text(encoding="utf-8"))
    }
    actions = {_action(method) for method in methods}
    return {BATCHES.get(action, action) for action in actions}


def _action(method: str) -> str:
    service = next((name for name, starts in SERVICES.items() if method.startswith(starts)), None)
    assert service, f"say in SERVICES which service {method} belongs to"
    return f"{service}:{''.join(word.capitalize() for word in method.split('_'))}"


def test_what_is_called_is_granted() -> None:
    missing = called() - {action for _, action, _ in grants()}
    assert not missing, f"grant {sorted(missing)} to the function that calls it, with a why"


def test_what_is_granted_is_called() -> None:
    unused = {action for _, action, _ in grants()} - called() - set(NEEDS_NO_CALL)
    assert not unused, f"drop {sorted(unused)} from template.yaml: no code calls it"


@pytest.mark.parametrize("granted", grants(), ids=lambda granted: f"{granted[0]} {granted[1]}")
def test_no_action_is_a_wildcard(granted: Granted) -> None:
    assert "*" not in granted[1]


@pytest.mark.parametrize("granted", grants(), ids=lambda granted: f"{granted[0]} {granted[1]}")
def test_an_action_that_changes_something_names_its_resource(granted: Granted) -> None:
    _, action, statement = granted
    if action.partition(":")[2].startswith(READS):
        return
    for resource in as_list(statement["Resource"]):
        named = isinstance(resource, dict) and set(resource) <= {"Ref", "Fn::GetAtt", "Fn::Sub"}
        assert named or "Condition" in statement, f"name the resource of {action}, or give it a condition"


def test_every_resource_is_read_only_for_one_action() -> None:
    """DescribeTaskDefinition knows no resources in IAM; anything else on `*` is too much."""
    assert {action for _, action, statement in grants() if "*" in as_list(statement["Resource"])} == {
        "ecs:DescribeTaskDefinition"
    }


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_holds_no_managed_policy_but_those_of_the_runtime(role: str) -> None:
    held = {str(arn).rpartition("/")[2] for arn in ROLES[role]["Properties"].get("ManagedPolicyArns", [])}
    assert held <= MANAGED


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_can_be_assumed_by_lambda_only(role: str) -> None:
    trust = ROLES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert [as_list(statement["Principal"]["Service"]) for statement in trust] == [["lambda.amazonaws.com"]]


def test_the_slack_secret_is_readable_only_where_there_is_one() -> None:
    conditional = [
        statement["Fn::If"]
        for role in ROLES.values()
        for policy in role["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if "Fn::If" in statement
    ]
    assert conditional
    for condition, granted, otherwise in conditional:
        assert (condition, otherwise) == ("HasSlack", {"Ref": "AWS::NoValue"})
        assert granted["Action"] == "secretsmanager:GetSecretValue"
    unconditional = [
        statement
        for role in ROLES.values()
        for policy in role["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if "secretsmanager" in str(statement.get("Action", ""))
    ]
    assert not unconditional
