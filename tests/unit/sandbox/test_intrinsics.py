"""CloudFormation's intrinsic functions."""

from typing import Any

import pytest

from sandbox.errors import TemplateError, UnsupportedError
from sandbox.intrinsics import Intrinsics, references

MAPPINGS = {"Sizes": {"prod": {"memory": 512}}}
CONDITIONS = {
    "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    "IsTest": {"Fn::Not": [{"Condition": "IsProd"}]},
    "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsTest"}]},
    "Either": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsTest"}]},
    "Loop": {"Fn::Not": [{"Condition": "Loop"}]},
}


def lookup(name: str, attribute: str | None) -> object:
    if name != "Queue":
        raise TemplateError(f"reference to {name}")
    return f"{name}.{attribute}" if attribute else "queue-url"


def resolve(value: object) -> Any:
    return Intrinsics({"Stage": "prod", "AWS::Region": "eu-north-1"}, CONDITIONS, MAPPINGS, lookup).resolve(
        value, "here"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"Ref": "Stage"}, "prod", id="a parameter"),
        pytest.param({"Ref": "Queue"}, "queue-url", id="a resource"),
        pytest.param({"Fn::GetAtt": ["Queue", "Arn"]}, "Queue.Arn", id="an attribute"),
        pytest.param({"Fn::GetAtt": "Queue.Arn"}, "Queue.Arn", id="an attribute as text"),
        pytest.param(
            {"Fn::Sub": "${AWS::Region} ${Queue.Arn} ${Queue} ${!Kept}"},
            "eu-north-1 Queue.Arn queue-url ${Kept}",
            id="sub",
        ),
        pytest.param({"Fn::Sub": ["${X}-${Stage}", {"X": {"Ref": "Queue"}}]}, "queue-url-prod", id="sub with values"),
        pytest.param({"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]}, "a-prod", id="join"),
        pytest.param({"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}, "b", id="select and split"),
        pytest.param({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 512, id="find in map"),
        pytest.param({"Fn::If": ["IsProd", "yes", {"Ref": "Missing"}]}, "yes", id="if, the other branch not looked at"),
        pytest.param({"a": {"Fn::If": ["Both", 1, {"Ref": "AWS::NoValue"}]}, "b": 2}, {"b": 2}, id="no value"),
        pytest.param([{"Fn::If": ["Either", 1, 2]}, {"Ref": "AWS::NoValue"}], [1], id="no value in a list"),
    ],
)
def test_intrinsics_give_what_cloudformation_gives(value: object, expected: object) -> None:
    assert resolve(value) == expected


@pytest.mark.parametrize(
    ("value", "problem", "complaint"),
    [
        pytest.param({"Fn::Cidr": []}, UnsupportedError, "here: intrinsic Fn::Cidr", id="an unknown one"),
        pytest.param({"Ref": "Missing"}, TemplateError, "Missing", id="an unknown name"),
        pytest.param({"Fn::If": ["Never", 1, 2]}, TemplateError, "condition Never", id="an unknown condition"),
        pytest.param({"Fn::If": ["Loop", 1, 2]}, TemplateError, "depends on itself", id="a condition in a circle"),
        pytest.param({"Fn::Select": [5, ["a"]]}, TemplateError, "no element 5", id="a missing element"),
        pytest.param({"Fn::FindInMap": ["Sizes", "test", "memory"]}, TemplateError, "no test.memory", id="no entry"),
        pytest.param({"Fn::Join": ["-"]}, TemplateError, "needs 2 arguments", id="too few arguments"),
        pytest.param({"Fn::Sub": "a", "b": 1}, TemplateError, "beside other keys", id="a mixture"),
    ],
)
def test_wrong_intrinsics_are_refused(value: object, problem: type[Exception], complaint: str) -> None:
    with pytest.raises(problem, match=complaint):
        resolve(value)


def test_references_name_everything_that_has_to_be_there_before() -> None:
    value = {"a": [{"Ref": "A"}, {"Fn::GetAtt": "B.Arn"}], "b": {"Fn::Sub": ["${C.Arn} ${D}", {"D": {"Ref": "E"}}]}}
    assert set(references(value)) == {"A", "B", "C", "D", "E"}
