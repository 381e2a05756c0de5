"""A person is asked, and continues the deployment by hand instead of answering: that is an answer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from breakwater.checks import Failed, Inconclusive, Passed
from breakwater.model import NoticeKind
from breakwater.release_policy import StageWork
from release.record import Question
from release.sight import Rollout
from tests.fakes.release_sight import NOW, RELEASE, STEP, STEPPING, Shown, a_rollout
from tests.fakes.release_work import ANALYSED, Bench, asked, goes_on

GONE_ON = a_rollout(hook=None, answered=("h1",), production_weight=100.0)
AT_H2 = a_rollout(hook=replace(STEP, hook_id="h2"), production_weight=10.0)
THROUGH_ALL = a_rollout("SUCCESSFUL", None, production_weight=100.0)


@pytest.fixture
def doubtful(finds: Callable[..., Any]) -> Bench:
    """It waits at h1, where a person is asked."""
    bench = Bench(Shown([a_rollout()]))
    bench.keep()
    finds(Inconclusive("nobody knows"))
    asked(bench)
    assert bench.release.question is not None
    return bench


def until(bench: Bench) -> datetime:
    assert bench.release.question is not None
    return bench.release.question.until


@pytest.mark.parametrize("seen", [GONE_ON, AT_H2, THROUGH_ALL], ids=["under way", "at the next hook", "through"])
def test_a_question_is_resolved_once_the_deployment_has_gone_on(
    seen: Rollout, doubtful: Bench, finds: Callable[..., Any]
) -> None:
    finds(Passed("ok"))
    doubtful.sight.rollouts = [seen]
    assert asked(doubtful)["next"] != "return"
    assert doubtful.release.question is None
    assert "went on" in [line.what for line in doubtful.release.lines]
    [told] = [one for one in doubtful.topic.published if one.kind is NoticeKind.RESOLVED]
    assert "the deployment went on without an answer" in repr(told)


@pytest.mark.parametrize(
    ("verdict", "way"), [(Passed("ok"), "close"), (Failed("bad"), "return")], ids=["and passes", "and fails"]
)
def test_what_a_person_continued_by_hand_is_checked_once_it_is_through(
    verdict: Passed | Failed, way: str, doubtful: Bench, finds: Callable[..., Any]
) -> None:
    late = until(doubtful)
    left = finds(verdict)
    doubtful.sight.rollouts = [GONE_ON]
    assert (asked(doubtful)["next"], len(left)) == ("wait", 1)
    doubtful.sight.rollouts = [THROUGH_ALL]
    doubtful.clock.on(seconds=(late - doubtful.clock()).total_seconds() + 60)
    assert (asked(doubtful)["next"], left) == (way, [])
    assert "nobody answered" not in doubtful.release.why


def test_a_doubt_of_what_is_through_is_a_question_of_its_own(doubtful: Bench, finds: Callable[..., Any]) -> None:
    late = until(doubtful)
    finds(Inconclusive("still nobody knows"))
    doubtful.sight.rollouts = [THROUGH_ALL]
    doubtful.clock.on(minutes=10)
    assert asked(doubtful)["next"] == "wait"
    assert until(doubtful) > late
    assert asked(doubtful)["next"] == "wait"
    doubtful.clock.on(seconds=(until(doubtful) - doubtful.clock()).total_seconds())
    assert asked(doubtful)["next"] == "return"
    assert "still nobody knows" in doubtful.release.why


def test_what_was_compared_in_doubt_and_goes_on_is_not_checked_again(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([THROUGH_ALL]), ANALYSED)
    question = Question("h2", "too few requests", NOW, NOW, StageWork.ANALYSIS)
    bench.keep(replace(RELEASE, judged="h1", question=question))
    assert asked(bench)["next"] == "close"
    assert finds() == []


@pytest.mark.parametrize("seen", [a_rollout(), a_rollout(hook=None)], ids=["it waits", "a read from before it waited"])
def test_a_question_is_open_as_long_as_its_hook_is_not_known_to_have_gone_on(seen: Rollout, doubtful: Bench) -> None:
    before = until(doubtful)
    doubtful.sight.rollouts = [seen]
    assert asked(doubtful)["next"] == "wait"
    assert until(doubtful) == before
    doubtful.sight.rollouts = [a_rollout()]
    doubtful.clock.on(seconds=(before - NOW).total_seconds())
    assert asked(doubtful)["next"] == "return"


def test_the_next_step_of_the_traffic_is_compared_whoever_continued_the_one_before(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([STEPPING]), ANALYSED)
    bench.keep(replace(RELEASE, judged="h0", question=Question("h0", "?", NOW, NOW, StageWork.ANALYSIS)))
    finds(Passed("fine"))
    assert goes_on(asked(bench))
