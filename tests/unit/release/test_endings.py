"""How a release has ended, in words, by its stage and by what the service looks like."""

from dataclasses import replace
from typing import Any

import pytest

from release.endings import blamed, ending_by_outcome, ending_by_stage
from release.failure import told
from release.outcome import Verified, Wrong
from release.record import Stage
from tests.fakes.release_sight import RELEASE

GOOD, BAD = Verified("web:8 runs"), Wrong("not so by 08:00 UTC: 1 of 2 tasks run", ("1 of 2 tasks run",))


@pytest.mark.parametrize(
    ("stage", "why", "failure", "expected"),
    [
        (Stage.TURNED, "refused", "", "Refused"),
        (Stage.REHEARSED, "observed", "", "Rehearsed"),
        (Stage.ADMITTED, "", "an error", "NotBegun"),
        (Stage.HANDED_OVER, "superseded", "an error", "HandedOver"),
        (Stage.FORWARD, "", "", None),
        (Stage.FORWARD, "aborted", "", "NotReturned"),
        (Stage.FORWARD, "", "an error", "NotReturned"),
        (Stage.RETURNING, "aborted", "an error", None),
    ],
)
def test_only_what_went_forward_or_back_without_an_error_is_judged_by_its_service(
    stage: Stage, why: str, failure: str, expected: str | None
) -> None:
    ending = ending_by_stage(replace(RELEASE, stage=stage, why=why), failure)
    assert (ending and ending.error) == expected
    if ending is not None:
        assert (why or failure) in ending.cause


@pytest.mark.parametrize(
    ("stage", "outcome", "way", "error"),
    [
        (Stage.FORWARD, GOOD, "released", "Released"),
        (Stage.FORWARD, BAD, "failed", "NotVerified"),
        (Stage.RETURNING, GOOD, "failed", "Returned"),
        (Stage.RETURNING, BAD, "failed", "NotReturned"),
    ],
)
def test_a_service_that_is_as_it_should_be_is_released_only_on_the_way_forward(
    stage: Stage, outcome: Verified | Wrong, way: str, error: str
) -> None:
    ending = ending_by_outcome(replace(RELEASE, stage=stage, why="smoke failed"), outcome)
    assert (ending.next, ending.error) == (way, error)
    assert outcome.reason in ending.cause


def test_a_revision_is_blamed_once_and_only_if_it_was_at_fault() -> None:
    ending = ending_by_outcome(replace(RELEASE, stage=Stage.RETURNING, why="smoke failed"), GOOD)
    assert blamed(ending, RELEASE) == ending
    assert blamed(ending, replace(RELEASE, at_fault=True)).cause.endswith(
        "web:8 is quarantined: a release of it is refused"
    )
    released = ending_by_outcome(RELEASE, GOOD)
    assert blamed(released, replace(RELEASE, at_fault=True)) == released


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        pytest.param(None, "", id="nothing went wrong"),
        pytest.param({"Error": "E", "Cause": '{"errorMessage": "m", "stackTrace": []}'}, "E: m", id="Lambda's"),
        pytest.param({"Error": "States.Timeout", "Cause": "too long"}, "States.Timeout: too long", id="the machine's"),
        pytest.param({"Error": "E", "Cause": '{"errorMess'}, 'E: {"errorMess', id="cut off"),
        pytest.param({}, "an error: ", id="without words"),
    ],
)
def test_an_error_is_told_in_a_line(failure: Any, expected: str) -> None:
    assert told(failure) == expected
