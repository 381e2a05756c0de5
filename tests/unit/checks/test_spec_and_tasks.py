"""What no check may be, and what the end of a check's task says."""

from typing import Any

import pytest

from breakwater.checks import (
    BodyAssertion,
    Failed,
    Header,
    Inconclusive,
    MetricAnalysis,
    Operator,
    Passed,
    QuantileBound,
    Sample,
    SecretHeader,
    StatusRange,
    TaskCheck,
    TaskEnd,
    Verdict,
    judge_task,
)
from breakwater.model import Cause

SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:smoke/token-AbCdEf"


@pytest.mark.parametrize(
    ("kind", "values", "named"),
    [
        pytest.param(Header, {"name": "X y", "value": "1"}, "name", id="a header with a blank"),
        pytest.param(Header, {"name": "Host", "value": "evil"}, "Host", id="host"),
        pytest.param(Header, {"name": "transfer-encoding", "value": "chunked"}, "transfer", id="framing"),
        pytest.param(Header, {"name": "X", "value": "a\r\nHost: b"}, "printable", id="a value with a line break"),
        pytest.param(
            SecretHeader, {"name": "Authorization", "secret_arn": "hunter2"}, "ARN", id="a secret in the open"
        ),
        pytest.param(SecretHeader, {"name": "Host", "secret_arn": SECRET}, "Host", id="host from a secret"),
        pytest.param(StatusRange, {"lowest": 299, "highest": 200}, "range", id="a range upside down"),
        pytest.param(Sample, {"needed": 4, "attempts": 3}, "needed", id="more needed than made"),
        pytest.param(BodyAssertion, {"path": "status", "operator": Operator.EXISTS}, "path", id="no $"),
        pytest.param(BodyAssertion, {"path": "$..status", "operator": Operator.EXISTS}, "path", id="anywhere"),
        pytest.param(BodyAssertion, {"path": "$.a[*]", "operator": Operator.EXISTS}, "path", id="all"),
        pytest.param(
            BodyAssertion, {"path": "$.a", "operator": Operator.AT_LEAST, "value": "1"}, "compared", id="text"
        ),
        pytest.param(
            BodyAssertion, {"path": "$.a", "operator": Operator.AT_LEAST, "value": True}, "compared", id="true"
        ),
        pytest.param(
            BodyAssertion, {"path": "$.a", "operator": Operator.AT_MOST, "value": float("nan")}, "compared", id="nan"
        ),
        pytest.param(
            BodyAssertion, {"path": "$.a", "operator": Operator.ONE_OF, "value": ()}, "compared", id="one of 0"
        ),
        pytest.param(BodyAssertion, {"path": "$.a", "operator": Operator.EXISTS, "value": 1}, "compared", id="operand"),
        pytest.param(QuantileBound, {"quantile": 0.999}, "quantile", id="a quantile that needs ten thousand"),
        pytest.param(QuantileBound, {"quantile": 0.5, "ratio": 0.5}, "ratio", id="a ratio that equals would break"),
        pytest.param(MetricAnalysis, {"minimum_requests": 5}, "minimum_requests", id="five requests"),
        pytest.param(MetricAnalysis, {"false_alarm_rate": 0.5}, "false_alarm_rate", id="half of all are alarms"),
        pytest.param(TaskCheck, {"name": "migrate", "timeout_seconds": 0}, "timeout", id="no time"),
        pytest.param(TaskCheck, {"name": "a\nb"}, "name", id="a name in two lines"),
    ],
)
def test_what_cannot_be_judged_cannot_be_made(kind: Any, values: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        kind(**values)


def test_commands_and_bodies_stay_out_of_what_is_printed() -> None:
    assert "hunter2" not in repr(TaskCheck("migrate", ("run", "hunter2")))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param(TaskEnd(0, Cause.SUCCESS), Passed, id="exit code 0"),
        pytest.param(TaskEnd(0), Passed, id="exit code 0 without a diagnosis"),
        pytest.param(TaskEnd(1, Cause.APP_ERROR), Failed, id="exit code 1"),
        pytest.param(TaskEnd(2), Failed, id="exit code 2 without a diagnosis"),
        pytest.param(TaskEnd(None, Cause.IMAGE_PULL), Failed, id="the image cannot be pulled"),
        pytest.param(TaskEnd(137, Cause.OOM), Failed, id="out of memory"),
        pytest.param(TaskEnd(overdue=True), Failed, id="not over in time"),
        pytest.param(TaskEnd(refused="RESOURCE:MEMORY"), Inconclusive, id="no room for it"),
        pytest.param(TaskEnd(None, Cause.CAPACITY), Inconclusive, id="no capacity"),
        pytest.param(TaskEnd(143, Cause.SPOT_INTERRUPTION), Inconclusive, id="spot took it"),
        pytest.param(TaskEnd(137, Cause.USER_STOP), Inconclusive, id="somebody stopped it"),
        pytest.param(TaskEnd(143), Inconclusive, id="terminated, by whom is not known"),
        pytest.param(TaskEnd(None, Cause.UNKNOWN), Inconclusive, id="nothing is known"),
        pytest.param(TaskEnd(0, Cause.USER_STOP), Inconclusive, id="stopped before it was through"),
    ],
)
def test_the_end_of_a_task_is_judged(end: TaskEnd, expected: type[Verdict]) -> None:
    assert type(judge_task(TaskCheck("migrate"), end).verdict) is expected


def test_the_command_of_a_task_is_not_repeated() -> None:
    check = TaskCheck("migrate", ("--password-of-db", "hunter2hunter2"))
    verdict = judge_task(check, TaskEnd(1, Cause.APP_ERROR, "could not log in with hunter2hunter2")).verdict
    assert "hunter2" not in verdict.reason
