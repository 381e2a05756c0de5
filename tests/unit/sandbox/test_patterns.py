"""EventBridge patterns against examples of AWS's documentation and of Event Ruler, and what PutRule refuses."""

import json
from typing import Any

import pytest

from sandbox.errors import InvalidPatternError
from sandbox.patterns import compile_pattern

# The event of Event Ruler's own introduction.
RULER: dict[str, Any] = {
    "version": "0",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "time": "2017-10-02T16:24:49Z",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
    "detail": {
        "c-count": 5,
        "d-count": 3,
        "x-limit": 301.8,
        "source-ip": "10.0.0.33",
        "instance-id": "i-000000aaaaaa00000",
        "state": "running",
    },
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param({"detail": {"state": ["initializing", "running"]}}, True, id="one of the values"),
        pytest.param({"resources": [RULER["resources"][0], "other"]}, True, id="an array that intersects"),
        pytest.param({"detail": {"state": ["Running"]}}, False, id="case matters"),
        pytest.param({"time": [{"prefix": "2017-10-02"}]}, True, id="prefix"),
        pytest.param({"source": [{"prefix": {"equals-ignore-case": "AWS."}}]}, True, id="prefix in any case"),
        pytest.param({"source": [{"suffix": "ec2"}]}, True, id="suffix"),
        pytest.param({"source": [{"suffix": {"equals-ignore-case": "EC2"}}]}, True, id="suffix in any case"),
        pytest.param({"source": [{"equals-ignore-case": "AWS.EC2"}]}, True, id="equals in any case"),
        pytest.param({"detail": {"instance-id": [{"wildcard": "i-*aaaaaa*"}]}}, True, id="wildcard"),
        pytest.param({"detail": {"instance-id": [{"wildcard": "*b*"}]}}, False, id="wildcard that is not there"),
        pytest.param({"detail": {"state": [{"anything-but": "initializing"}]}}, True, id="anything but a string"),
        pytest.param({"detail": {"x-limit": [{"anything-but": 123}]}}, True, id="anything but a number"),
        pytest.param(
            {"detail": {"state": [{"anything-but": ["stopped", "running"]}]}}, False, id="anything but a list"
        ),
        pytest.param({"detail": {"x-limit": [{"anything-but": [100, 301.8]}]}}, False, id="anything but numbers"),
        pytest.param({"detail": {"state": [{"anything-but": {"prefix": "init"}}]}}, True, id="anything but a prefix"),
        pytest.param(
            {"detail": {"state": [{"anything-but": {"prefix": ["init", "run"]}}]}}, False, id="anything but prefixes"
        ),
        pytest.param({"detail": {"state": [{"anything-but": {"suffix": "ing"}}]}}, False, id="anything but a suffix"),
        pytest.param(
            {"detail": {"state": [{"anything-but": {"equals-ignore-case": ["RUNNING"]}}]}},
            False,
            id="anything but in any case",
        ),
        pytest.param(
            {"detail": {"state": [{"anything-but": {"wildcard": "*nn*"}}]}}, False, id="anything but a wildcard"
        ),
        pytest.param({"detail": {"state": [{"anything-but": 0}]}}, True, id="a string is anything but a number"),
        pytest.param({"detail": {"missing": [{"anything-but": 0}]}}, False, id="anything but needs the key"),
        pytest.param({"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}]}}, True, id="numeric range"),
        pytest.param({"detail": {"c-count": [{"numeric": [">", 0, "<", 5]}]}}, False, id="numeric range ends before"),
        pytest.param({"detail": {"d-count": [{"numeric": ["<", 10]}]}}, True, id="numeric below"),
        pytest.param({"detail": {"x-limit": [{"numeric": ["=", 3.018e2]}]}}, True, id="numeric equal"),
        pytest.param({"detail": {"state": [{"numeric": ["<", 10]}]}}, False, id="a string is no number"),
        pytest.param({"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}]}}, True, id="cidr"),
        pytest.param({"detail": {"source-ip": [{"cidr": "10.0.1.0/24"}]}}, False, id="another cidr"),
        pytest.param({"detail": {"state": [{"cidr": "10.0.0.0/24"}]}}, False, id="no address at all"),
        pytest.param({"detail": {"c-count": [{"exists": True}]}}, True, id="exists"),
        pytest.param({"detail": {"c-count": [{"exists": False}]}}, False, id="must not exist but does"),
        pytest.param({"detail": {"nothing": [{"exists": False}]}}, True, id="must not exist and does not"),
        pytest.param({"detail": [{"exists": True}]}, False, id="an object is no leaf"),
        pytest.param({"detail": [{"exists": False}]}, True, id="an object does not exist as a leaf"),
        pytest.param({"detail": {"state": [{"exists": False}, "running"]}}, True, id="absent or a value"),
        pytest.param({"detail": {"c-count": [5.0]}}, True, id="numbers compare by value"),
        pytest.param({"detail": {"c-count": ["5"]}}, False, id="a number is no string"),
        pytest.param(
            {"source": ["aws.ec2"], "$or": [{"detail": {"state": ["x"]}}, {"detail": {"c-count": [5]}}]},
            True,
            id="or with one that holds",
        ),
        pytest.param(
            {"source": ["aws.ec2"], "$or": [{"detail": {"state": ["x"]}}, {"detail": {"c-count": [6]}}]},
            False,
            id="or with none that holds",
        ),
        pytest.param(
            {"detail": {"$or": [{"state": ["x"]}, {"c-count": [5], "$or": [{"d-count": [9]}, {"x-limit": [301.8]}]}]}},
            True,
            id="or inside or",
        ),
        pytest.param(
            {
                "time": [{"prefix": "2017-10-02"}],
                "detail": {
                    "state": [{"anything-but": "initializing"}],
                    "c-count": [{"numeric": [">", 0, "<=", 5]}],
                    "d-count": [{"numeric": ["<", 10]}],
                    "x-limit": [{"anything-but": [100, 200, 300]}],
                    "source-ip": [{"cidr": "10.0.0.0/8"}],
                },
            },
            True,
            id="the complex example",
        ),
    ],
)
def test_event_rulers_own_event_matches_as_documented(pattern: dict[str, Any], expected: bool) -> None:
    assert compile_pattern(pattern).matches(RULER) is expected
    assert compile_pattern(json.dumps(pattern)).matches(json.loads(json.dumps(RULER))) is expected


# Event Ruler's example of array consistency.
BAND: dict[str, Any] = {
    "employees": [{"firstName": "Anna", "lastName": "Smith"}, {"firstName": "John", "lastName": "Doe"}],
    "ids": [1, 2],
    "nothing": [],
    "null": None,
    "flag": True,
    "matrix": [{"rows": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}, {"rows": [{"a": 5, "b": 6}]}],
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param({"employees": {"firstName": ["Anna"]}}, True, id="any element"),
        pytest.param({"employees": {"firstName": ["Anna"], "lastName": ["Smith"]}}, True, id="the same element"),
        pytest.param({"employees": {"firstName": ["Anna"], "lastName": ["Doe"]}}, False, id="different elements"),
        pytest.param({"matrix": {"rows": {"a": [3], "b": [4]}}}, True, id="the same inner element"),
        pytest.param({"matrix": {"rows": {"a": [1], "b": [4]}}}, False, id="different inner elements"),
        pytest.param({"matrix": {"rows": {"a": [1], "b": [6]}}}, False, id="different outer elements"),
        pytest.param({"ids": [2, 9]}, True, id="any of the leaves"),
        pytest.param({"ids": [{"anything-but": 1}]}, True, id="one leaf is anything but"),
        pytest.param({"ids": [{"anything-but": [1, 2]}]}, False, id="no leaf is anything but"),
        pytest.param({"nothing": [{"exists": True}]}, False, id="an empty array has no leaf"),
        pytest.param({"nothing": [{"exists": False}]}, True, id="an empty array is absent"),
        pytest.param({"null": [None]}, True, id="null matches null"),
        pytest.param({"null": [{"exists": True}]}, True, id="null exists"),
        pytest.param({"flag": [True]}, True, id="true matches true"),
        pytest.param({"flag": [1]}, False, id="true is not one"),
        pytest.param({"ids": [True]}, False, id="one is not true"),
        pytest.param({"employees": {"age": [{"exists": False}]}}, True, id="absent in every element"),
    ],
)
def test_arrays_match_by_element(pattern: dict[str, Any], expected: bool) -> None:
    assert compile_pattern(pattern).matches(BAND) is expected


def containers(*outcomes: dict[str, Any]) -> dict[str, Any]:
    return {"detail": {"containers": list(outcomes)}}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(containers({"exitCode": 0}), False, id="all ended well"),
        pytest.param(containers({"exitCode": 0}, {"exitCode": 1}), True, id="one did not"),
        pytest.param(containers({"exitCode": 0}, {"name": "b"}), False, id="one never ran, which a pattern cannot say"),
        pytest.param(containers({"name": "a"}), True, id="none ran"),
        pytest.param(containers(), True, id="there are none"),
        pytest.param({"detail": {}}, True, id="the path is not there"),
    ],
)
def test_absence_speaks_of_the_whole_path(event: dict[str, Any], expected: bool) -> None:
    pattern = compile_pattern({"detail": {"containers": {"exitCode": [{"anything-but": 0}, {"exists": False}]}}})
    assert pattern.matches(event) is expected


def test_absence_looks_only_at_elements_that_agree_with_conditions_on_paths_before_it() -> None:
    event = containers({"lastStatus": "STOPPED"}, {"lastStatus": "RUNNING", "reason": "x"})
    later = {"detail": {"containers": {"lastStatus": ["STOPPED"], "reason": [{"exists": False}]}}}
    earlier = {"detail": {"containers": {"exitCode": [{"exists": False}], "lastStatus": ["STOPPED"]}}}
    assert compile_pattern(later).matches(event)
    assert not compile_pattern(earlier).matches(
        containers({"lastStatus": "STOPPED"}, {"lastStatus": "RUNNING", "exitCode": 1})
    )


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        pytest.param({}, "at least one field", id="an empty pattern"),
        pytest.param({"a": "b"}, "must be an object or an array", id="a scalar"),
        pytest.param({"a": []}, "empty arrays", id="an empty array"),
        pytest.param({"a": {}}, "empty objects", id="an empty object"),
        pytest.param({"a": [["b"]]}, "array inside an array", id="a nested array"),
        pytest.param({"a": [{"beginsWith": "b"}]}, "unrecognized match type 'beginsWith'", id="an unknown operator"),
        pytest.param({"a": [{"prefix": "b", "suffix": "c"}]}, "exactly one operator", id="two operators"),
        pytest.param({"a": [{"prefix": 1}]}, "prefix needs a string", id="a prefix that is a number"),
        pytest.param({"a": [{"exists": "true"}]}, "exists needs true or false", id="exists as a string"),
        pytest.param({"a": [{"wildcard": "a**b"}]}, "consecutive wildcard", id="two wildcards in a row"),
        pytest.param({"a": [{"wildcard": "a\\b"}]}, "invalid escape", id="a strange escape"),
        pytest.param({"a": [{"numeric": ["<"]}]}, "numeric needs", id="a numeric without a number"),
        pytest.param({"a": [{"numeric": ["<>", 1]}]}, "unrecognized numeric", id="an unknown comparison"),
        pytest.param({"a": [{"numeric": [">", 5, "<", 1]}]}, "below an upper bound", id="a range upside down"),
        pytest.param({"a": [{"numeric": ["=", 6e9]}]}, "-5e9 to 5e9", id="a number out of range"),
        pytest.param({"a": [{"cidr": "10.0.0.0/99"}]}, "10.0.0.0/99", id="a bad network"),
        pytest.param({"a": [{"anything-but": []}]}, "must not be empty", id="anything but nothing"),
        pytest.param({"a": [{"anything-but": ["x", 1]}]}, "all of one kind", id="anything but a mixture"),
        pytest.param({"a": [{"anything-but": {"prefix": ""}}]}, "must not be empty", id="anything but no prefix"),
        pytest.param({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, "unsupported anything-but", id="anything else"),
        pytest.param({"$or": [{"a": ["b"]}]}, "at least two objects", id="an or of one"),
        pytest.param({"$or": {"a": ["b"]}}, "at least two objects", id="an or that is an object"),
        pytest.param({"a": ["b"], "$or": [{"a": ["c"]}, {"d": ["e"]}]}, "both beside and inside", id="a field twice"),
        pytest.param({"a": ["x" * 2048]}, "more than 2048", id="too long"),
    ],
)
def test_what_put_rule_would_refuse_is_refused(pattern: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidPatternError, match=complaint):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("{", "is not JSON", id="no JSON"),
        pytest.param('{"a": ["b"], "a": ["c"]}', "appears twice", id="a key twice"),
        pytest.param('["a"]', "is a JSON object", id="an array"),
    ],
)
def test_text_that_is_no_pattern_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(InvalidPatternError, match=complaint):
        compile_pattern(text)


def test_wildcards_can_be_escaped() -> None:
    pattern = compile_pattern({"a": [{"wildcard": "one\\*two*\\\\"}]})
    assert pattern.matches({"a": "one*two three\\"})
    assert not pattern.matches({"a": "one two three\\"})
