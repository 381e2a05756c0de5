"""Whoever started a deployment, it is attended once; what is not ours to answer is left alone."""

import json
from dataclasses import replace
from typing import Any

import pytest

from breakwater.attending import (
    MOST_TRIES,
    Attend,
    Began,
    CallPerson,
    Continue,
    Direction,
    LeaveAlone,
    Waiting,
    decide_again,
    decide_attend,
    whose_gate,
)
from breakwater.model import Mode
from breakwater.release_policy import ReleasePolicy
from release.request import read_request
from tests.unit.deployment_hooks.house import DEPLOYMENT, POLICY

WAITING = Waiting("prod", "web", DEPLOYMENT, "ecs-pause-1", "POST_TEST_TRAFFIC_SHIFT")


@pytest.mark.parametrize(
    ("stage", "direction", "policy", "claimed_by", "expected"),
    [
        pytest.param(WAITING.stage, Direction.FORWARD, POLICY, None, Attend, id="nobody claims it"),
        pytest.param(WAITING.stage, Direction.UNKNOWN, POLICY, None, Attend, id="its direction cannot be read"),
        pytest.param("PRE_PRODUCTION_TRAFFIC_SHIFT", Direction.FORWARD, POLICY, None, Attend, id="before a step"),
        pytest.param(WAITING.stage, Direction.FORWARD, POLICY, "release r1", LeaveAlone, id="a release claims it"),
        pytest.param(WAITING.stage, Direction.BACK, POLICY, None, Continue, id="on its way back"),
        pytest.param("PRE_SCALE_UP", Direction.FORWARD, POLICY, None, LeaveAlone, id="a stage that is not ours"),
        pytest.param("PRE_SCALE_UP", Direction.BACK, POLICY, None, LeaveAlone, id="not ours on the way back either"),
        pytest.param(
            WAITING.stage, Direction.FORWARD, replace(POLICY, mode=Mode.OBSERVE), None, LeaveAlone, id="observe"
        ),
        pytest.param(WAITING.stage, Direction.FORWARD, ReleasePolicy(Mode.ACT), None, LeaveAlone, id="no checks"),
    ],
)
def test_a_hook_that_waits_is_attended_continued_or_left_alone(
    stage: str, direction: Direction, policy: ReleasePolicy, claimed_by: str | None, expected: type
) -> None:
    decision = decide_attend(replace(WAITING, stage=stage), direction, policy, claimed_by=claimed_by)
    assert type(decision) is expected


NATIVE = "arn:aws:lambda:eu-central-1:111122223333:function:breakwater-native"
PAUSE = {"targetType": "PAUSE", "lifecycleStages": [WAITING.stage]}
OURS = {"targetType": "AWS_LAMBDA", "hookTargetArn": f"{NATIVE}:live", "lifecycleStages": [WAITING.stage]}
THEIRS = {**OURS, "hookTargetArn": "arn:aws:lambda:eu-central-1:111122223333:function:theirs"}


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        pytest.param([PAUSE], None, id="one that pauses"),
        pytest.param([PAUSE, THEIRS], None, id="beside somebody's function"),
        pytest.param([PAUSE, {**OURS, "lifecycleStages": ["PRE_SCALE_UP"]}], None, id="our function elsewhere"),
        pytest.param([PAUSE, {**PAUSE, "lifecycleStages": ["PRE_SCALE_UP"]}], None, id="another stage pauses too"),
        pytest.param([PAUSE, OURS], "is a person's", id="beside our function"),
        pytest.param([PAUSE, PAUSE], "2 hooks that pause", id="two that pause"),
        pytest.param([], None, id="nothing is known"),
    ],
)
def test_a_persons_gate_is_known_by_what_is_declared_beside_it(declared: list[Any], said: str | None) -> None:
    gate = whose_gate(declared, WAITING.stage, NATIVE)
    assert (gate is None) if said is None else (gate is not None and said in gate)


def test_a_persons_gate_is_left_to_them_and_they_are_called() -> None:
    for claimed_by in (None, "release r1"):
        decision = decide_attend(WAITING, Direction.FORWARD, POLICY, claimed_by=claimed_by, gate="it is a person's")
        assert decision == CallPerson("it is a person's")
    for other in (replace(POLICY, mode=Mode.OBSERVE), ReleasePolicy(Mode.ACT)):
        decision = decide_attend(WAITING, Direction.FORWARD, other, claimed_by=None, gate="it is a person's")
        assert isinstance(decision, LeaveAlone), "at a stage that is not ours task_alerts tells of the hook"


FIRST = Attend("attend-1", "{}", "nobody claims it")


@pytest.mark.parametrize(
    ("tried", "ended", "began", "waits", "expected"),
    [
        pytest.param(1, "FAILED", None, True, "attend-1-2", id="it never began"),
        pytest.param(2, "TIMED_OUT", None, True, "attend-1-3", id="the second one neither"),
        pytest.param(1, "FAILED", None, False, LeaveAlone, id="the hook went on"),
        pytest.param(1, "SUCCEEDED", None, True, LeaveAlone, id="it rehearsed"),
        pytest.param(1, "ABORTED", None, True, LeaveAlone, id="somebody stopped it"),
        pytest.param(1, "RUNNING", None, True, LeaveAlone, id="it runs"),
        pytest.param(MOST_TRIES, "FAILED", None, True, CallPerson, id="the last one"),
        pytest.param(1, "FAILED", Began(), True, LeaveAlone, id="it judged, and its way back failed"),
        pytest.param(MOST_TRIES, "FAILED", Began(), True, LeaveAlone, id="the last one judged"),
        pytest.param(1, "FAILED", Began("no rules"), True, CallPerson, id="it was refused"),
        pytest.param(1, "FAILED", Began("no rules"), False, LeaveAlone, id="refused, and answered by hand"),
        pytest.param(1, "ABORTED", Began(), True, LeaveAlone, id="somebody stopped what had begun"),
    ],
)
def test_a_release_that_never_began_is_followed_while_the_hook_waits(
    tried: int, ended: str, began: Began | None, waits: bool, expected: type | str
) -> None:
    decision = decide_again(FIRST, tried, ended, began=began, waits=waits)
    if isinstance(expected, str):
        assert isinstance(decision, Attend)
        assert (decision.name, decision.input) == (expected, FIRST.input)
    else:
        assert type(decision) is expected


def test_the_same_hook_starts_the_same_execution_and_another_one_another() -> None:
    first, again, other = (
        decide_attend(replace(WAITING, hook_id=hook), Direction.FORWARD, POLICY, claimed_by=None)
        for hook in ("h1", "h1", "h2")
    )
    assert isinstance(first, Attend)
    assert isinstance(other, Attend)
    assert first == again
    assert first.name != other.name
    assert len(first.name) <= 80


def test_the_input_of_the_execution_is_one_that_a_release_takes() -> None:
    decision = decide_attend(WAITING, Direction.FORWARD, POLICY, claimed_by=None)
    assert isinstance(decision, Attend)
    request = read_request(json.loads(decision.input))
    assert request.attend is not None
    assert (request.service, request.attend.hook_id) == ("prod/web", "ecs-pause-1")
