"""Is an HTTP answer what the check expects?

The answer comes from outside: it is bounded before it gets here, and what is repeated of it is redacted.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from breakwater.redact import redact

from .results import Attempt, Outcome
from .spec import LONGEST_TEXT, BodyAssertion, HttpCheck, Operator, Scalar

EXCERPT = 200
_DEEPEST = 100
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]|\['([^']*)'\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole or cut off at the largest size (`truncated`). `latency_ms` is until the last byte."""

    status: int
    latency_ms: int
    body: bytes = field(default=b"", repr=False)
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came back that could be judged.

    `service` says that the service is to blame: it was reached and refused, broke off or was too slow. Otherwise the
    check itself could not be made: no address, no way there, no secret, forbidden.
    """

    reason: str
    service: bool
    latency_ms: int | None = None


def judge_answer(check: HttpCheck, answer: Answer | NoAnswer, at_ms: int, known: tuple[str, ...] = ()) -> Attempt:
    """Judge one answer. `known` are secret values, which are struck out of whatever is said."""
    if isinstance(answer, NoAnswer):
        outcome = Outcome.FAILED if answer.service else Outcome.ERROR
        return Attempt(outcome, redact(answer.reason, known), at_ms, latency_ms=answer.latency_ms)
    problem = _problem(check, answer)
    outcome = Outcome.FAILED if problem else Outcome.PASSED
    detail = redact(problem or f"status {answer.status} in {answer.latency_ms} ms", known)
    return Attempt(outcome, detail, at_ms, answer.status, answer.latency_ms)


def _problem(check: HttpCheck, answer: Answer) -> str | None:
    """What is wrong with an answer, the first thing found."""
    if not any(answer.status in expected for expected in check.expected_status):
        wanted = ", ".join(map(str, check.expected_status))
        return f"status {answer.status} where {wanted} is expected{_excerpt(answer)}"
    if check.latency_ms is not None and answer.latency_ms > check.latency_ms:
        return f"status {answer.status} after {answer.latency_ms} ms where {check.latency_ms} ms is allowed"
    if not check.assertions:
        return None
    if answer.truncated:
        return f"the body is larger than the {len(answer.body)} bytes that are read, so it cannot be compared"
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return f"the body is not JSON{_excerpt(answer)}"
    problems = (broken(assertion, body) for assertion in check.assertions)
    return next((problem for problem in problems if problem), None)


def broken(assertion: BodyAssertion, body: Any) -> str | None:
    """Say how a decoded JSON body breaks an assertion, or `None` if it holds."""
    found, value = _at(assertion.path, body)
    operator, wanted = assertion.operator, assertion.value
    if operator is Operator.ABSENT:
        return f"{assertion.path} is there and should not be" if found else None
    if not found:
        return f"{assertion.path} is not there"
    if operator is Operator.EXISTS or _holds(operator, value, wanted):
        return None
    return f"{assertion.path} is {_shown(value)} where {operator.replace('_', ' ')} {_shown(wanted)} is expected"


def _holds(operator: Operator, value: Any, wanted: Scalar | tuple[Scalar, ...]) -> bool:
    match operator:
        case Operator.EQUALS:
            return _same(value, wanted)
        case Operator.NOT_EQUALS:
            return not _same(value, wanted)
        case Operator.ONE_OF:
            return isinstance(wanted, tuple) and any(_same(value, each) for each in wanted)
        case Operator.AT_LEAST:
            return _number(value) and value >= wanted
        case Operator.AT_MOST:
            return _number(value) and value <= wanted
        case Operator.MATCHES:
            return isinstance(value, str) and isinstance(wanted, str) and matches(wanted, value)
        case _:
            return True


def matches(pattern: str, text: str) -> bool:
    """Whether text has the form of a pattern in which `*` stands for any characters; linear, whatever the text."""
    if len(text) > LONGEST_TEXT:
        return False
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    last = rest.pop()
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    position, end = len(first), len(text) - len(last)
    for part in rest:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def _at(path: str, body: Any) -> tuple[bool, Any]:
    for name, index, quoted in _STEP.findall(path):
        key = name or quoted
        if key and isinstance(body, dict) and key in body:
            body = body[key]
        elif index and isinstance(body, list) and int(index) < len(body):
            body = body[int(index)]
        else:
            return False, None
    return True, body


def _same(value: Any, wanted: object) -> bool:
    """Equal, and of one kind: true is not 1, as in JSON; 1 and 1.0 are one number."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value if not isinstance(value, tuple) else list(value), ensure_ascii=False)
    return text if len(text) <= EXCERPT else text[:EXCERPT] + "…"


def _excerpt(answer: Answer) -> str:
    text = " ".join(answer.body[: 4 * EXCERPT].decode("utf-8", "replace").split())
    return f": {text[:EXCERPT]}" if text else ""
