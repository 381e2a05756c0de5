"""The step that looks, under way: what stands still, old reads, the way back, a service that settles."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.checks import Failed, Passed
from breakwater.model import Mode
from breakwater.release_policy import ReleasePolicy
from breakwater.rendezvous import Kind, Word
from release import move, wait
from release.facts import HookSeen
from release.record import Progress, Stage
from tests.fakes.release_sight import (
    ARN,
    EXECUTION,
    HOOK,
    NOW,
    RELEASE,
    RETURNING,
    SERVICE,
    STEPPING,
    THROUGH,
    Shown,
    a_rollout,
)
from tests.fakes.release_work import ANALYSED, Bench, abort, an_event, asked, fail, goes_on

# ── under way ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_large_deployment_that_grows_is_not_taken_for_one_that_stands_still() -> None:
    grown = [a_rollout(hook=None, new_tasks=count, old_tasks=200) for count in range(20, 201, 20)]
    bench = Bench(Shown(list(grown)))
    bench.keep(replace(RELEASE, strategy="ROLLING"))
    for _ in grown:
        bench.clock.on(minutes=30, seconds=1)
        assert asked(bench)["next"] == "wait"
    assert bench.clock() - NOW > timedelta(hours=5)


def test_a_deployment_whose_tasks_come_and_go_goes_back() -> None:
    counts = [0, 2, 1, 0, 2, 1, 2, 0, 1]
    bench = Bench(Shown([a_rollout(hook=None, new_tasks=count, old_tasks=4) for count in counts]))
    bench.keep(replace(RELEASE, strategy="ROLLING"))
    answers = []
    for _ in counts:
        bench.clock.on(minutes=30, seconds=1)
        answers.append(asked(bench)["next"])
    assert answers[:4] == ["wait", "wait", "wait", "return"], "the most that ever ran, ran at the second look"
    assert "2 tasks of the side that grows, 4 of the other" in bench.release.why


def test_how_long_it_waits_at_a_hook_is_not_how_long_it_stands_still(finds: Callable[..., Any]) -> None:
    before = a_rollout(hook=None, stage="PRODUCTION_TRAFFIC_SHIFT", production_weight=10.0)
    bench = Bench(Shown([before]), ANALYSED)
    bench.keep()
    finds(Passed("fine"))
    asked(bench)
    bench.sight.rollouts = [STEPPING]
    bench.clock.on(hours=5)
    assert goes_on(asked(bench))
    bench.sight.rollouts = [before]  # an old read, or a stage and weight that are those from before the hook
    bench.clock.on(minutes=1)
    assert asked(bench)["next"] == "wait"


def test_what_somebody_elses_hook_holds_up_does_not_stand_still() -> None:
    bench = Bench(Shown([a_rollout(hook=None, held=True)]))
    bench.keep()
    for _ in range(10):
        bench.clock.on(minutes=30, seconds=1)
        assert asked(bench)["next"] == "wait"


# ── an event before the read that shows it ────────────────────────────────────────────────────────────────────────────

UNDER_WAY = a_rollout(hook=None)
WAITS_AT_H1 = an_event(hook_id="h1", stage="POST_TEST_TRAFFIC_SHIFT")


def test_a_hook_that_an_event_told_of_is_looked_for_until_it_is_seen(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([UNDER_WAY, UNDER_WAY, a_rollout()]))
    bench.keep()
    finds(Passed("ok"))
    assert goes_on(asked(bench, WAITS_AT_H1))
    assert bench.clock() - NOW < timedelta(seconds=10)


def test_a_hook_that_is_not_seen_for_long_is_looked_for_again_soon() -> None:
    bench = Bench(Shown([UNDER_WAY]))
    bench.keep()
    answer = asked(bench, WAITS_AT_H1)
    assert (answer["next"], bench.sight.reads) == ("wait", 5)
    assert answer["patience"] <= 60
    assert asked(bench)["patience"] == 1800, "the sweep does the rest"


@pytest.mark.parametrize(
    ("event", "seen"),
    [
        pytest.param(WAITS_AT_H1, a_rollout(hook=None, answered=("h1",)), id="the hook was answered by somebody"),
        pytest.param(WAITS_AT_H1, a_rollout("ROLLBACK_IN_PROGRESS", None), id="it goes back by now"),
        pytest.param(WAITS_AT_H1, a_rollout("SUCCESSFUL", None), id="it is over by now"),
        pytest.param({**WAITS_AT_H1, "at": (NOW - timedelta(hours=1)).isoformat()}, UNDER_WAY, id="an old event"),
        pytest.param(an_event(), UNDER_WAY, id="the sweep's, which names no hook"),
        pytest.param(an_event(Kind.ENDED), UNDER_WAY, id="the end of a task"),
        pytest.param(None, UNDER_WAY, id="no event"),
    ],
)
def test_a_read_that_is_as_new_as_its_event_is_made_once(
    event: dict[str, Any] | None, seen: Any, finds: Callable[..., Any]
) -> None:
    finds(Passed("ok"))
    bench = Bench(Shown([seen]))
    bench.keep()
    asked(bench, event)
    assert bench.sight.reads == 1


def test_that_there_is_no_deployment_is_not_believed_at_once(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([None, None, a_rollout()]))
    bench.keep(replace(RELEASE, intended_at=NOW - timedelta(hours=1)))
    finds(Passed("ok"))
    assert goes_on(asked(bench))
    gone = Bench(Shown([None]))
    gone.keep(replace(RELEASE, intended_at=NOW - timedelta(hours=1)))
    assert asked(gone)["next"] == "return"


def test_an_end_that_an_event_told_of_is_looked_for_until_it_is_seen(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([UNDER_WAY, a_rollout("SUCCESSFUL", None)]))
    bench.keep()
    finds(Passed("ok"))
    assert asked(bench, an_event(Kind.ENDED, event="SERVICE_DEPLOYMENT_COMPLETED"))["next"] == "close"


# ── on the way back ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("refused", "way"),
    [pytest.param("", "return", id="stopped"), pytest.param("h1", "wait", id="told ROLLBACK there")],
)
@pytest.mark.parametrize("event", [None, WAITS_AT_H1], ids=["looked", "its own event lay there"])
def test_a_deployment_that_was_told_to_go_back_is_not_continued_by_an_old_read(
    refused: str, way: str, event: dict[str, Any] | None
) -> None:
    bench = Bench(Shown([a_rollout()]))
    bench.keep(replace(RETURNING, refused=refused))
    assert asked(bench, event)["next"] == way
    todo = {"verb": "continue", "hook": "h1"}
    move.respond({"execution": EXECUTION, "todo": todo}, bench.work)
    assert bench.changes == []


@pytest.mark.parametrize(
    ("hook", "refused", "goes"),
    [
        pytest.param(HOOK, "", True, id="a hook on the way back"),
        pytest.param(HookSeen("h2", "PRE_SCALE_UP", ARN), "h1", True, id="another than the one that was refused"),
        pytest.param(HOOK, "h1", False, id="the hook that was refused"),
    ],
)
def test_what_is_seen_to_go_back_is_held_up_by_no_hook_but_the_refused_one(
    hook: HookSeen, refused: str, goes: bool
) -> None:
    bench = Bench(Shown([a_rollout("ROLLBACK_IN_PROGRESS", hook)]))
    bench.keep(replace(RETURNING, refused=refused))
    assert goes_on(asked(bench)) is goes


def test_the_deployment_of_the_revision_before_is_held_up_by_no_hook() -> None:
    bench = Bench(Shown([a_rollout()]))
    bench.keep(replace(RETURNING, redeployed_at=NOW))
    assert goes_on(asked(bench))


def test_the_hook_that_is_told_to_go_back_is_kept_before_it_is_told() -> None:
    bench = Bench(Shown([a_rollout()]))
    bench.keep(replace(RELEASE, why="smoke failed"))
    move.respond({"execution": EXECUTION, "todo": {"verb": "return"}}, bench.work)
    assert bench.changes == [("h1", "ROLLBACK")]
    assert bench.release.refused == "h1"


def test_a_return_that_stands_still_is_handed_over_to_a_person_within_about_an_hour() -> None:
    bench = Bench(Shown([a_rollout("ROLLBACK_IN_PROGRESS", None)]))
    bench.keep(replace(RETURNING, progress=Progress("forward x IN_PROGRESS SCALE_UP None", NOW - timedelta(days=1))))
    answers = [asked(bench)["next"]]
    while answers[-1] == "wait":
        bench.clock.on(minutes=30, seconds=1)
        answers.append(asked(bench)["next"])
    assert answers == ["wait", "wait", "close"]
    assert bench.clock() - NOW < timedelta(minutes=65)
    assert bench.release.stage is Stage.HANDED_OVER
    assert "smoke failed; it was to go back, but its way back has been ROLLBACK_IN_PROGRESS" in bench.release.why
    assert asked(bench)["next"] == "close", "tried again, it stays handed over"
    assert move.respond({"execution": EXECUTION, "todo": {"verb": "return"}}, bench.work)["next"] == "close"


def test_a_large_return_that_goes_on_is_waited_for() -> None:
    moved = [
        a_rollout("ROLLBACK_IN_PROGRESS", None, new_tasks=200 - count, old_tasks=count) for count in range(0, 200, 20)
    ]
    bench = Bench(Shown(list(moved)))
    bench.keep(RETURNING)
    for _ in moved:
        bench.clock.on(minutes=30, seconds=1)
        assert asked(bench)["next"] == "wait"


# ── it settles ────────────────────────────────────────────────────────────────────────────────────────────────────────


def settling(bench: Bench, until: str = "close") -> list[int]:
    """The waits between looks, in seconds, until it answers anything else."""
    gaps: list[int] = []
    while (answer := asked(bench))["next"] == "wait":
        gaps.append(answer["patience"])
        bench.clock.on(seconds=answer["patience"])
    assert answer["next"] == until
    return gaps


@pytest.fixture
def unsettled() -> Bench:
    bench = Bench(Shown([a_rollout("SUCCESSFUL", None)], [replace(THROUGH, running=1)]), ReleasePolicy(Mode.ACT))
    bench.keep()
    return bench


def test_a_service_that_does_not_settle_is_looked_at_at_growing_gaps_and_goes_back(unsettled: Bench) -> None:
    gaps = settling(unsettled, "return")
    assert gaps == [45, 45, 90, 180, 300, 240]
    assert "1 of 2 tasks run" in unsettled.release.why


@pytest.mark.parametrize("speaks", [abort, fail])
def test_what_is_said_while_it_settles_is_heard(speaks: Callable[[Bench], None], unsettled: Bench) -> None:
    asked(unsettled)
    speaks(unsettled)
    unsettled.clock.on(seconds=45)
    unsettled.sight.services = [THROUGH]
    assert asked(unsettled)["next"] == "return"


def test_a_failed_check_is_no_doubt(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([a_rollout()]))
    bench.keep()
    finds(Failed("bad"))
    assert asked(bench)["next"] == "return"
    assert (bench.release.why, bench.release.at_fault) == ("bad", True)


def test_a_word_lies_where_the_wait_takes_it(unsettled: Bench) -> None:
    message = Word("aborted", "ann", NOW).message(ARN)
    unsettled.work.rendezvous.arrive(SERVICE, message, NOW)
    assert unsettled.work.rendezvous.lately(SERVICE) == (message,)
    wait.respond({"execution": EXECUTION, "token": "t1", "number": 1, "patience": 45}, unsettled.work)
    assert unsettled.sent == ["t1"]
    assert unsettled.work.rendezvous.lately(SERVICE) == (message,), "its answer may not have arrived"
    assert unsettled.work.rendezvous.lately("prod/other") == ()
