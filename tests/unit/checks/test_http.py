"""Is an answer what the check expects? What is repeated of it carries no secret."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakwater.checks import BodyAssertion, HttpCheck, Operator, Outcome, Sample, StatusRange, judge_answer
from breakwater.checks.http import Answer, NoAnswer, broken, matches

BODY = {
    "status": "ok",
    "version": "2.4.1",
    "count": 3,
    "flag": True,
    "null": None,
    "dependencies": [{"up": 1.5}],
    "a.b": 0,
}


def says(**changes: Any) -> HttpCheck:
    usual: dict[str, Any] = {"name": "health", "path": "/health"}
    return HttpCheck(**(usual | changes))


@pytest.mark.parametrize(
    ("path", "operator", "value", "holds"),
    [
        pytest.param("$.status", "equals", "ok", True, id="text"),
        pytest.param("$.status", "equals", "OK", False, id="case counts"),
        pytest.param("$.flag", "equals", True, True, id="true"),
        pytest.param("$.flag", "equals", 1, False, id="true is not 1"),
        pytest.param("$.count", "equals", 3.0, True, id="3 is 3.0"),
        pytest.param("$.null", "equals", None, True, id="null is a value"),
        pytest.param("$.null", "exists", None, True, id="null exists"),
        pytest.param("$.missing", "exists", None, False, id="missing"),
        pytest.param("$.missing", "absent", None, True, id="absent"),
        pytest.param("$.status", "absent", None, False, id="should not be there"),
        pytest.param("$.missing", "not_equals", "x", False, id="what is missing is not unequal"),
        pytest.param("$.status", "not_equals", "down", True, id="unequal"),
        pytest.param("$.count", "at_least", 3, True, id="at least, just"),
        pytest.param("$.count", "at_least", 4, False, id="not at least"),
        pytest.param("$.flag", "at_least", 0, False, id="true is no number"),
        pytest.param("$.count", "at_most", 2.5, False, id="not at most"),
        pytest.param("$.status", "one_of", ("ok", "fine"), True, id="one of"),
        pytest.param("$.count", "one_of", (True, "3"), False, id="none of"),
        pytest.param("$.version", "matches", "2.*", True, id="matches"),
        pytest.param("$.version", "matches", "2.*.9", False, id="does not match"),
        pytest.param("$.count", "matches", "*", False, id="a number is no text"),
        pytest.param("$.dependencies[0].up", "at_least", 1, True, id="inside a list"),
        pytest.param("$.dependencies[1].up", "exists", None, False, id="beyond the list"),
        pytest.param("$['a.b']", "equals", 0, True, id="a name with a dot"),
        pytest.param("$.status.length", "exists", None, False, id="text has no members"),
        pytest.param("$", "exists", None, True, id="the whole"),
    ],
)
def test_an_assertion_holds_or_says_why_not(path: str, operator: str, value: Any, holds: bool) -> None:
    problem = broken(BodyAssertion(path, Operator(operator), value), BODY)
    assert (problem is None) is holds
    assert holds or path in (problem or "")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("*", "anything", True),
        ("a*a", "a", False),
        ("a*b*c", "a-c-b-c", True),
        ("a*b*c", "a-c", False),
        ("*ab*ab", "xab", False),
        ("**", "", True),
    ],
)
def test_a_star_stands_for_any_characters(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=4), st.lists(st.text("ab", max_size=3), min_size=3))
def test_what_a_pattern_was_made_from_matches(parts: list[str], fillers: list[str]) -> None:
    text = "".join(part + filler for part, filler in zip(parts, [*fillers[: len(parts) - 1], ""], strict=False))
    assert matches("*".join(parts), text)


def test_a_pattern_made_to_run_long_ends_at_once() -> None:
    assert not matches("*a" * 400 + "b", "a" * 1000)


@pytest.mark.parametrize(
    ("changes", "answer", "outcome", "detail"),
    [
        pytest.param({}, Answer(200, 40), Outcome.PASSED, "status 200 in 40 ms", id="fine"),
        pytest.param({}, Answer(503, 4), Outcome.FAILED, "status 503 where 200-299 is expected", id="5XX"),
        pytest.param({}, Answer(302, 4), Outcome.FAILED, "status 302 where 200-299 is expected", id="redirect"),
        pytest.param(
            {"expected_status": (StatusRange(401, 401), StatusRange(403, 403))},
            Answer(403, 4),
            Outcome.PASSED,
            "status 403 in 4 ms",
            id="a refusal is expected",
        ),
        pytest.param(
            {"latency_ms": 100},
            Answer(200, 101),
            Outcome.FAILED,
            "status 200 after 101 ms where 100 ms is allowed",
            id="too slow",
        ),
        pytest.param(
            {"assertions": (BodyAssertion("$.status", Operator.EQUALS, "ok"),)},
            Answer(200, 4, b"<html>"),
            Outcome.FAILED,
            "the body is not JSON: <html>",
            id="no JSON",
        ),
        pytest.param(
            {"assertions": (BodyAssertion("$.status", Operator.EQUALS, "ok"),)},
            Answer(200, 4, b'{"status"', truncated=True),
            Outcome.FAILED,
            "the body is larger than the 9 bytes that are read, so it cannot be compared",
            id="larger than what is read",
        ),
        pytest.param(
            {}, Answer(200, 4, b"x", truncated=True), Outcome.PASSED, "status 200 in 4 ms", id="long, unasked"
        ),
        pytest.param({}, NoAnswer("it broke off", service=True), Outcome.FAILED, "it broke off", id="the service"),
        pytest.param({}, NoAnswer("no address", service=False), Outcome.ERROR, "no address", id="the check"),
    ],
)
def test_an_answer_is_judged(changes: dict[str, Any], answer: Answer, outcome: Outcome, detail: str) -> None:
    attempt = judge_answer(says(**changes), answer, at_ms=7)
    assert (attempt.outcome, attempt.detail, attempt.at_ms) == (outcome, detail, 7)


def test_deeply_nested_json_fails_the_check_and_not_the_checker() -> None:
    check = says(assertions=(BodyAssertion("$.a", Operator.EXISTS),))
    assert judge_answer(check, Answer(200, 1, b"[" * 200_000), 0).outcome is Outcome.FAILED


def test_nothing_secret_of_an_answer_is_repeated() -> None:
    secret = "s3cr3t-value-of-the-header"
    body = json.dumps({"echo": secret, "dsn": "postgres://svc:hunter2pw@db/orders"}).encode()
    attempt = judge_answer(says(), Answer(500, 1, body), 0, (secret,))
    assert secret not in attempt.detail
    assert "hunter2pw" not in attempt.detail
    assert "status 500" in attempt.detail


@given(st.binary(max_size=300), st.integers(100, 599))
def test_any_answer_is_judged(body: bytes, status: int) -> None:
    check = says(assertions=(BodyAssertion("$.a[0]", Operator.AT_LEAST, 1),))
    attempt = judge_answer(check, Answer(status, 1, body), 0)
    assert attempt.outcome in (Outcome.PASSED, Outcome.FAILED)
    assert not any(ord(character) < 32 for character in attempt.detail)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"path": "health"}, "path", id="path without slash"),
        pytest.param({"path": "//evil.example/x"}, "path", id="path that is a host"),
        pytest.param({"path": "/a b"}, "path", id="path with a blank"),
        pytest.param({"path": "/a\r\nHost: x"}, "path", id="path with a line break"),
        pytest.param({"method": "TRACE"}, "TRACE", id="method"),
        pytest.param({"host": "a_b"}, "host", id="host"),
        pytest.param({"timeout_seconds": 0}, "timeout", id="no time"),
        pytest.param({"latency_ms": 20_000}, "latency_ms", id="latency beyond the timeout"),
        pytest.param({"expected_status": ()}, "expected_status", id="nothing expected"),
        pytest.param({"sample": Sample(3, 5, 2, 20)}, "deadline_seconds", id="no time for the attempts"),
    ],
)
def test_a_check_that_cannot_be_made_says_which_field_is_wrong(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        says(**changes)
