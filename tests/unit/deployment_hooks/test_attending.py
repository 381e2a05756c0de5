"""Whoever started a deployment, it is attended once; what is not ours to answer is left alone."""

import json
from dataclasses import replace

import pytest

from breakwater.attending import Attend, Continue, Direction, LeaveAlone, Waiting, decide_attend
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
