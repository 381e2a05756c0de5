"""Deploying: what the engine provisions, and what it refuses by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import InvalidPatternError, Sandbox, SandboxError, Secret, TemplateError, UnsupportedError
from sandbox.template import load

FIXTURES = Path(__file__).parent / "fixtures"
MAIL = {"AlertEmail": "ops@example.com"}


def test_outputs_follow_parameters_and_conditions() -> None:
    with Sandbox.deploy(FIXTURES / "template.yaml", {**MAIL, "Colour": "green"}) as sandbox:
        assert sandbox.outputs["Colour"] == "grass"
        assert sandbox.outputs["Worker"].startswith("the breakwater-WorkerFunction-")
        assert sandbox.outputs["Worker"].endswith(" of 111122223333")
        assert sandbox.resource("GreenQueue").type == "AWS::SQS::Queue"


def test_a_resource_whose_condition_does_not_hold_is_not_there(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="no resource GreenQueue"):
        sandbox.resource("GreenQueue")


def test_a_secret_parameter_becomes_the_arn_of_a_secret() -> None:
    with Sandbox.deploy(FIXTURES / "template.yaml", {**MAIL, "SlackSecretArn": Secret("hush")}) as sandbox:
        secrets = sandbox.client("secretsmanager").list_secrets()["SecretList"]
        assert [secret["ARN"].startswith("arn:aws:secretsmanager:us-east-1:111122223333:") for secret in secrets] == [
            True
        ]


def test_only_one_sandbox_is_open_at_a_time(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="another sandbox"):
        Sandbox.deploy(FIXTURES / "template.yaml", MAIL)


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        pytest.param({}, "AlertEmail has no default", id="a missing parameter"),
        pytest.param({"AlertEmail": "nobody"}, "does not match", id="a value against the pattern"),
        pytest.param({**MAIL, "Colour": "blue"}, "is not one of", id="a value that is not allowed"),
        pytest.param({**MAIL, "Taste": "sour"}, "does not declare: Taste", id="an unknown parameter"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, str], complaint: str) -> None:
    with pytest.raises(TemplateError, match=complaint):
        Sandbox.deploy(FIXTURES / "template.yaml", parameters)


Change = Callable[[dict[str, Any]], object]


def properties(template: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name].setdefault("Properties", {})
    return found


@pytest.mark.parametrize(
    ("change", "kind", "complaint"),
    [
        pytest.param(
            lambda t: properties(t, "WorkQueue").update(X=1),
            UnsupportedError,
            "WorkQueue: AWS::SQS::Queue property X",
            id="an unknown property",
        ),
        pytest.param(
            lambda t: properties(t, "WorkQueue")["RedrivePolicy"].update(X=1),
            UnsupportedError,
            "property RedrivePolicy.X",
            id="an unknown nested property",
        ),
        pytest.param(
            lambda t: t["Resources"].update(Odd={"Type": "AWS::IoT::Thing"}),
            UnsupportedError,
            "Odd: type AWS::IoT::Thing",
            id="an unknown type",
        ),
        pytest.param(
            lambda t: t["Resources"].update(Odd={"Type": "AWS::SQS::Queue", "CreationPolicy": {}}),
            UnsupportedError,
            "Odd: resource attribute CreationPolicy",
            id="an unknown resource attribute",
        ),
        pytest.param(
            lambda t: t["Outputs"].update(Odd={"Value": {"Fn::ImportValue": "x"}}),
            UnsupportedError,
            "intrinsic Fn::ImportValue",
            id="an unknown intrinsic",
        ),
        pytest.param(
            lambda t: t["Outputs"].update(Odd={"Value": {"Fn::GetAtt": ["WorkQueue", "Colour"]}}),
            UnsupportedError,
            "WorkQueue: AWS::SQS::Queue attribute Colour",
            id="an unknown attribute",
        ),
        pytest.param(
            lambda t: t["Outputs"].update(Odd={"Value": {"Ref": "GreenQueue"}}),
            TemplateError,
            "GreenQueue, whose condition does not hold",
            id="a reference to what is not there",
        ),
        pytest.param(
            lambda t: properties(t, "WorkRule").update(EventPattern={"source": "probe"}),
            InvalidPatternError,
            'WorkRule: source: "probe" must be an object or an array',
            id="a pattern with a scalar",
        ),
        pytest.param(
            lambda t: properties(t, "WorkQueue").update(VisibilityTimeout=5),
            TemplateError,
            "shows messages again before",
            id="a visibility shorter than the timeout of the function",
        ),
        pytest.param(
            lambda t: properties(t, "WorkQueuePolicy")["PolicyDocument"]["Statement"][0].update(
                Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
            ),
            UnsupportedError,
            "condition operator IpAddress",
            id="a condition operator of IAM",
        ),
        pytest.param(
            lambda t: properties(t, "WorkerFunction").update(Policies=["AdministratorAccess"]),
            UnsupportedError,
            "managed policy arn:aws:iam::aws:policy/AdministratorAccess",
            id="a managed policy by name",
        ),
        pytest.param(
            lambda t: properties(t, "WorkerFunction")["Policies"][0]["Statement"][0].update(Action="dynamodb:PutItm"),
            TemplateError,
            "there is no action dynamodb:PutItm",
            id="a misspelt action",
        ),
        pytest.param(
            lambda t: properties(t, "WorkerFunction")["Policies"][0]["Statement"][0].update(Action="dynamdb:PutItem"),
            UnsupportedError,
            "actions of dynamdb",
            id="a misspelt service of an action",
        ),
        pytest.param(
            lambda t: properties(t, "WorkerFunction")["Policies"][0]["Statement"][0].update(Action="sns:PublishBatch"),
            TemplateError,
            "there is no action sns:PublishBatch",
            id="an operation that is no action",
        ),
        pytest.param(
            lambda t: properties(t, "WorkQueuePolicy")["PolicyDocument"]["Statement"][0].update(Action="sqs:Send"),
            TemplateError,
            "WorkQueuePolicy: there is no action sqs:Send",
            id="a misspelt action of a queue policy",
        ),
        pytest.param(
            lambda t: properties(t, "DirectErrorsAlarm").update(Dimensions=[{"Name": "Function", "Value": "x"}]),
            TemplateError,
            "DirectErrorsAlarm: AWS/Lambda has the dimension FunctionName, not Function",
            id="a misspelt dimension of an alarm",
        ),
        pytest.param(
            lambda t: properties(t, "DirectErrorsAlarm").update(Dimensions=[{"Name": "FunctionName", "Value": "x"}]),
            TemplateError,
            "DirectErrorsAlarm: no function x",
            id="an alarm on a function there is not",
        ),
        pytest.param(
            lambda t: properties(t, "DirectFunction").update(EventInvokeConfig={"MaximumEventAgeInSeconds": 59}),
            TemplateError,
            "events kept for 59 s, 2 retries is out of range",
            id="an event age that Lambda refuses",
        ),
        pytest.param(
            lambda t: properties(t, "DirectFunction").update(EventInvokeConfig={"MaximumRetryAttempts": 3}),
            TemplateError,
            "3 retries is out of range",
            id="more retries than Lambda makes",
        ),
        pytest.param(
            lambda t: properties(t, "Table").update(AttributeDefinitions=[]),
            TemplateError,
            "is declared or used, but not both",
            id="a key without attribute",
        ),
        pytest.param(
            lambda t: t["Resources"].update(
                A={"Type": "AWS::SQS::Queue", "DependsOn": "B"}, B={"Type": "AWS::SQS::Queue", "DependsOn": "A"}
            ),
            TemplateError,
            "circular dependency",
            id="a circle",
        ),
    ],
)
def test_what_is_not_understood_is_refused_by_name(
    change: Change, kind: type[Exception], complaint: str, tmp_path: Path
) -> None:
    template = load(FIXTURES / "template.yaml")
    change(template)
    for folder in ("functions", "layers"):
        (tmp_path / folder).symlink_to(FIXTURES / folder)
    path = tmp_path / "template.yaml"
    path.write_text(yaml.safe_dump(template))
    with pytest.raises(kind) as caught:
        Sandbox.deploy(path, MAIL)
    assert complaint in str(caught.value)


def test_a_failed_deployment_leaves_nothing_open(tmp_path: Path) -> None:
    with pytest.raises(TemplateError):
        Sandbox.deploy(FIXTURES / "template.yaml", {})
    with Sandbox.deploy(FIXTURES / "template.yaml", MAIL) as sandbox:
        assert sandbox.outputs["Colour"] == "blood"


def test_a_key_that_appears_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("Resources:\n  A: {Type: x}\n  A: {Type: y}\n")
    with pytest.raises(TemplateError, match="key 'A' appears twice"):
        load(path)
