"""IAM's evaluation logic, and what the evaluator refuses to guess."""

from typing import Any

import pytest

from sandbox import iam
from sandbox.errors import UnsupportedError

TABLE = "arn:aws:dynamodb:us-east-1:111122223333:table/incidents"


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def verdict(statements: list[dict[str, Any]], request: iam.Request) -> iam.Verdict:
    return iam.evaluate(iam.parse({"Statement": statements}, "test"), request)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param([], iam.Verdict.NOT_ALLOWED, id="nothing"),
        pytest.param([allow("dynamodb:PutItem", TABLE)], iam.Verdict.ALLOWED, id="exactly"),
        pytest.param([allow("DynamoDB:putitem", TABLE)], iam.Verdict.ALLOWED, id="actions in any case"),
        pytest.param([allow("dynamodb:*Item", TABLE)], iam.Verdict.ALLOWED, id="a wildcard in the action"),
        pytest.param([allow("dynamodb:PutItem", TABLE.upper())], iam.Verdict.NOT_ALLOWED, id="resources by case"),
        pytest.param([allow("dynamodb:PutItem", TABLE + "/index/*")], iam.Verdict.NOT_ALLOWED, id="only its indexes"),
        pytest.param([allow(["s3:*", "dynamodb:PutItem"], ["x", "*"])], iam.Verdict.ALLOWED, id="lists"),
        pytest.param(
            [allow("*", "*"), {**allow("dynamodb:Put*", "*"), "Effect": "Deny"}], iam.Verdict.DENIED, id="a deny wins"
        ),
        pytest.param(
            [{"Effect": "Allow", "NotAction": "dynamodb:PutItem", "Resource": "*"}],
            iam.Verdict.NOT_ALLOWED,
            id="anything but this action",
        ),
        pytest.param(
            [{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::*"}], iam.Verdict.ALLOWED, id="not there"
        ),
    ],
)
def test_statements_are_weighed_as_iam_does(statements: list[dict[str, Any]], expected: iam.Verdict) -> None:
    assert verdict(statements, iam.Request("dynamodb:PutItem", TABLE)) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param({"StringEquals": {"k": ["a", "b"]}}, True, id="equals one of"),
        pytest.param({"StringNotEquals": {"k": "a"}}, False, id="not equals"),
        pytest.param({"StringLike": {"k": "?"}}, True, id="like"),
        pytest.param({"StringEquals": {"absent": "a"}}, False, id="a key that is absent"),
        pytest.param({"StringNotEquals": {"absent": "a"}}, True, id="not equal to what is absent"),
        pytest.param({"StringEqualsIfExists": {"absent": "a"}}, True, id="if it exists"),
        pytest.param({"Null": {"absent": "true"}}, True, id="null"),
        pytest.param({"Null": {"k": True}}, False, id="not null"),
        pytest.param({"ForAllValues:StringEquals": {"many": ["x", "y", "z"]}}, True, id="all values"),
        pytest.param({"ForAllValues:StringEquals": {"many": ["x"]}}, False, id="not all values"),
        pytest.param({"ForAllValues:StringEquals": {"absent": ["x"]}}, True, id="all of none"),
        pytest.param({"ForAnyValue:StringEquals": {"many": ["x"]}}, True, id="any value"),
        pytest.param({"ForAnyValue:StringEquals": {"absent": ["x"]}}, False, id="any of none"),
        pytest.param({"ArnLike": {"K": "a*"}}, True, id="keys in any case"),
        pytest.param({"Bool": {"secure": "false"}}, False, id="bool"),
        pytest.param({"StringEquals": {"k": "a"}, "Bool": {"secure": "true"}}, True, id="both hold"),
        pytest.param({"StringEquals": {"k": "b"}, "Bool": {"secure": "true"}}, False, id="one does not"),
    ],
)
def test_conditions_hold_as_documented(condition: dict[str, Any], expected: bool) -> None:
    request = iam.Request("a:b", "r", {"k": ["a"], "absent": None, "many": ["x", "y"], "secure": ["true"]})
    assert (verdict([allow("a:b", "r", Condition=condition)], request) is iam.Verdict.ALLOWED) is expected


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        pytest.param(allow("a:b", "*", Condition={"IpAddress": {"aws:SourceIp": "::"}}), "IpAddress", id="an operator"),
        pytest.param(allow("a:b", "arn:${aws:username}"), "policy variable", id="a variable in a resource"),
        pytest.param(allow("a:b", "*", Principal="*"), "with Principal", id="a principal in a role's policy"),
        pytest.param(allow("a:b", "*", NotPrincipal="*"), "NotPrincipal", id="an unknown element"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_when_it_is_read(statement: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UnsupportedError, match=complaint):
        iam.parse({"Statement": [statement]}, "test")


def test_a_condition_on_a_key_that_is_not_known_is_an_error_not_a_guess() -> None:
    statements = [allow("a:b", "*", Condition={"StringEquals": {"dynamodb:LeadingKeys": "x"}})]
    with pytest.raises(UnsupportedError, match="a:b: condition key dynamodb:LeadingKeys"):
        verdict(statements, iam.Request("a:b", "r"))


def test_a_resource_policy_asks_who_it_is() -> None:
    statements = iam.parse(
        {"Statement": {**allow("sqs:SendMessage", "*"), "Principal": {"Service": "events.amazonaws.com"}}},
        "test",
        resource_policy=True,
    )
    assert iam.evaluate(statements, iam.Request("sqs:SendMessage", "q", {}, "events.amazonaws.com")) == "allowed"
    assert iam.evaluate(statements, iam.Request("sqs:SendMessage", "q", {}, "sns.amazonaws.com")) != "allowed"
