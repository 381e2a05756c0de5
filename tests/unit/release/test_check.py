"""The step that looks, at a hook: questions, what is said while it is at work, more traffic."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from breakwater.checks import Inconclusive, Passed
from breakwater.rendezvous import Kind
from release import move, telling, wait
from release.record import Looks
from tests.fakes.release_sight import ARN, EXECUTION, NOW, RELEASE, SERVICE, STEP, STEPPING, Shown, a_rollout
from tests.fakes.release_work import ANALYSED, Bench, abort, an_event, asked, fail, goes_on

# ── a question ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("deaf", [0, 1, 2, 12])
def test_a_question_that_was_kept_and_not_told_is_told_soon_and_stays_one_question(
    deaf: int, finds: Callable[..., Any]
) -> None:
    bench = Bench(Shown([a_rollout()]))
    bench.keep()
    bench.deafen(deaf)
    left = finds(Inconclusive("?"), Inconclusive("asked twice"))
    for attempt in range(deaf + 2):
        answer = asked(bench)
        assert answer["next"] == "wait"
        assert (answer["patience"] <= 60) is (attempt < deaf)
        bench.clock.on(seconds=min(60, answer["patience"]))
    assert len(left) == 1, "it was checked again"
    assert len(bench.told) == 1
    [incident] = bench.incidents
    assert incident.count == 1
    assert bench.release.question is not None


def test_a_question_that_was_cut_off_before_it_was_told_is_told_when_the_step_is_tried_again(
    finds: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(Shown([a_rollout()]))
    bench.keep()
    finds(Inconclusive("?"))
    with monkeypatch.context() as patched:
        patched.setattr(telling, "ask", Mock(side_effect=TimeoutError))
        with pytest.raises(TimeoutError):
            asked(bench)
    asked(bench)
    [told] = bench.told
    assert told.startswith("release_asks")


# ── a word, or a finding, while the machine is at work ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("speaks", "at_fault"), [pytest.param(abort, False, id="an abort"), pytest.param(fail, True, id="failing tasks")]
)
@pytest.mark.parametrize("when", ["before the checks", "while they run"])
def test_what_is_said_while_checks_run_is_heard_before_more_traffic(
    speaks: Callable[[Bench], None], at_fault: bool, when: str, finds: Callable[..., Any]
) -> None:
    bench = Bench(Shown([a_rollout()]))
    bench.keep()
    finds(Passed("ok"), meanwhile=(lambda: speaks(bench)) if when == "while they run" else lambda: None)
    if when == "before the checks":
        speaks(bench)
    assert asked(bench, an_event(hook_id="h1"))["next"] == "return"
    assert bench.release.at_fault is at_fault
    assert asked(bench)["next"] == "return", "the step is tried again"


@pytest.mark.parametrize("speaks", [abort, fail])
def test_a_doubt_that_was_approved_goes_back_for_what_was_said_after(
    speaks: Callable[[Bench], None], finds: Callable[..., Any]
) -> None:
    bench = Bench(Shown([a_rollout()]))
    bench.keep()
    finds(Inconclusive("?"))
    asked(bench)
    bench.clock.on(minutes=1)
    bench.work.approvals.give(ARN, "approved", "ann", bench.clock())
    speaks(bench)
    assert asked(bench, an_event(Kind.APPROVED))["next"] == "return"


@pytest.mark.parametrize("status", ["IN_PROGRESS", "SUCCESSFUL", "ROLLBACK_IN_PROGRESS", None])
def test_whatever_is_seen_failing_tasks_send_it_back(status: str | None) -> None:
    bench = Bench(Shown([a_rollout(status, None) if status else None]))
    bench.keep()
    assert asked(bench, an_event(Kind.FAILING, reason="5 tasks crashed"))["next"] == "return"
    assert (bench.release.why, bench.release.at_fault) == ("the rollback guard says: 5 tasks crashed", True)
    assert asked(bench)["next"] == "return", "the step is tried again"


def test_what_the_guard_found_of_another_deployment_does_not_count(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([a_rollout()]))
    bench.keep()
    finds(Passed("ok"))
    fail(bench, "ecs-svc/1")
    assert goes_on(asked(bench))


@pytest.mark.parametrize("speaks", [abort, fail])
def test_a_step_before_which_nothing_is_compared_is_not_waved_through_against_a_word(
    speaks: Callable[[Bench], None],
) -> None:
    bench = Bench(Shown([a_rollout(hook=STEP, production_weight=0.0)]), ANALYSED)
    bench.keep()
    speaks(bench)
    assert asked(bench)["next"] == "return"


@pytest.mark.parametrize("speaks", [abort, fail])
def test_what_is_said_between_the_verdict_and_the_answer_holds_it_back(speaks: Callable[[Bench], None]) -> None:
    bench = Bench(Shown([a_rollout()]))
    bench.keep()
    speaks(bench)
    todo = {"verb": "continue", "hook": "h1", "reason": "fine"}
    answer = move.respond({"execution": EXECUTION, "todo": todo}, bench.work)
    assert (answer["next"], bench.changes) == ("wait", [])
    assert answer["patience"] <= 5, "what was only kept is found by the next look"
    wait.respond({"execution": EXECUTION, "token": "t1", "number": 1, "patience": 5}, bench.work)
    told = an_event(Kind.FAILING) if bench.sent else None
    assert asked(bench, told)["next"] == "return"


def test_a_hook_is_answered_if_nothing_speaks_against_it() -> None:
    bench = Bench(Shown([a_rollout()]))
    bench.keep()
    todo = {"verb": "continue", "hook": "h1", "reason": "fine"}
    move.respond({"execution": EXECUTION, "todo": todo}, bench.work)
    assert bench.changes == [("h1", "CONTINUE")]


def test_a_service_that_has_settled_is_not_released_against_the_guards_finding(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([a_rollout("SUCCESSFUL", None)]))
    bench.keep(replace(RELEASE, strategy="ROLLING"))
    finds(Passed("ok"), meanwhile=lambda: fail(bench))
    assert asked(bench)["next"] == "return"
    assert bench.release.at_fault


# ── more traffic is gathered ──────────────────────────────────────────────────────────────────────────────────────────


def test_while_traffic_is_gathered_it_waits_where_it_hears_everything(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([STEPPING]), ANALYSED)
    bench.keep()
    left = finds(Inconclusive("few"), Passed("fine"))
    first = asked(bench, an_event())
    assert (first["next"], first["patience"]) == ("wait", 7201)
    for kind in (Kind.HOOK, Kind.ENDED, Kind.APPROVED):
        bench.clock.on(minutes=20)
        early = asked(bench, an_event(kind))
        assert early["next"] == "wait"
        assert bench.clock() + timedelta(seconds=early["patience"]) >= NOW + timedelta(minutes=120)
    assert len(left) == 1, "it looked before its time"
    bench.clock.on(minutes=60, seconds=1)
    assert goes_on(asked(bench))


def test_failing_tasks_are_heard_while_traffic_is_gathered(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([STEPPING]), ANALYSED)
    bench.keep()
    left = finds(Inconclusive("few"), Passed("fine"))
    answer = asked(bench, an_event())
    given = {"execution": EXECUTION, "token": "t1", "number": 1, "patience": answer["patience"]}
    wait.respond(given, bench.work)
    fail(bench)
    assert bench.sent == ["t1"]
    assert asked(bench, an_event(Kind.FAILING, reason="5 tasks crashed"))["next"] == "return"
    assert (bench.release.at_fault, len(left)) == (True, 1)


def test_the_lease_lasts_as_long_as_the_wait(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([STEPPING]), ANALYSED)
    bench.keep()
    finds(Inconclusive("few"), Inconclusive("few"))
    patience = asked(bench)["patience"]
    wait.respond({"execution": EXECUTION, "token": "t1", "number": 1, "patience": patience}, bench.work)
    bench.clock.on(seconds=patience - 1)
    bench.work.leases.take(SERVICE, "scaler", bench.clock(), timedelta(minutes=3))
    bench.clock.on(seconds=1)
    assert asked(bench)["next"] == "wait"


def test_each_look_is_a_window_after_the_last_and_there_are_five(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([STEPPING]), ANALYSED)
    bench.keep()
    left = finds(*[Inconclusive("few")] * 6)
    for _ in range(5):
        answer = asked(bench)
        bench.clock.on(seconds=answer["patience"])
    assert len(left) == 1
    assert bench.release.question is not None, "after the fifth look a person is asked"


def test_a_look_that_was_cut_off_is_made_again_at_once(finds: Callable[..., Any]) -> None:
    bench = Bench(Shown([STEPPING]), ANALYSED)
    bench.keep(replace(RELEASE, looks=Looks("h1", NOW, 1)))  # counted, and never told what it found
    finds(Passed("fine"))
    assert goes_on(asked(bench))
    assert bench.release.looks == Looks("h1", NOW, 2)
