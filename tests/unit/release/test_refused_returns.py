"""A way back that ECS does not take, since it came too late: it is no way back, and is decided anew."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.errors import BreakwaterError, ConflictError, RefusedError, ThrottledError
from breakwater.model import Cause
from release import close, move
from release.record import CheckTask, Release, Stage
from release.returning import is_going_on
from release.sight import Rollout
from tests.fakes.release_sight import (
    BACK,
    EXECUTION,
    HOOK,
    NEW,
    NOW,
    OLD,
    RELEASE,
    RETURNING,
    THROUGH,
    Shown,
    a_rollout,
)
from tests.fakes.release_work import DEPLOYED, HOOKS, STOPPED, Bench, an_aws, asked

GIVEN = {"execution": EXECUTION, "todo": {"verb": "return"}}
BAD = replace(RELEASE, why="1 of 1 checks failed", at_fault=True)
NEXT = replace(HOOK, hook_id="h2", stage="PRE_PRODUCTION_TRAFFIC_SHIFT")
AT_H2 = a_rollout(hook=NEXT, production_weight=10.0)
GONE_ON = a_rollout(hook=None, production_weight=10.0)
THROUGH_ALL = a_rollout("SUCCESSFUL", None)
LATE = ["InvalidParameterException", "ServiceDeploymentNotFoundException", "ConflictException"]


def refusing(operation: str, code: str, *shown: Rollout | None, release: Release = BAD) -> Bench:
    """ECS refuses one of the ways back."""
    bench = Bench(Shown([*shown]), aws=an_aws({operation: code}))
    bench.keep(release)
    return bench


def sent_back(bench: Bench, tries: int = 6) -> dict[str, Any]:
    """What ReleaseReturn answers, as often as the machine tries it."""
    for left in reversed(range(tries)):
        try:
            return move.respond(GIVEN, bench.work)
        except (ThrottledError, ConflictError):
            if not left:
                raise
    raise AssertionError


# ── it came too late ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", LATE)
@pytest.mark.parametrize(
    ("shown", "then"),
    [
        pytest.param([GONE_ON], ("", "ROLLBACK"), id="it runs: stopped"),
        pytest.param([a_rollout(), GONE_ON], ("", "ROLLBACK"), id="it runs, which is seen late: stopped"),
        pytest.param([THROUGH_ALL], ("", OLD), id="it is through: the old revision is deployed"),
        pytest.param([a_rollout("ROLLBACK_REQUESTED", None)], None, id="it goes back: watched"),
    ],
)
def test_a_rollback_at_a_hook_that_had_been_answered_is_no_way_back(
    code: str, shown: list[Rollout], then: tuple[str, str] | None
) -> None:
    bench = refusing(HOOKS, code, a_rollout(), *shown)
    assert sent_back(bench)["next"] == "wait"
    assert bench.changes == [("h1", "ROLLBACK"), *([then] if then else [])]
    assert bench.release.stage is Stage.RETURNING


def test_a_rollback_at_a_hook_that_waits_at_the_next_one_is_said_there() -> None:
    bench = refusing(HOOKS, "InvalidParameterException", a_rollout(), AT_H2)
    with pytest.raises(ThrottledError):
        move.respond(GIVEN, bench.work)
    bench.aws.errors.clear()
    assert move.respond(GIVEN, bench.work)["next"] == "wait"
    assert bench.changes == [("h1", "ROLLBACK"), ("h2", "ROLLBACK")]
    assert bench.release.refused == "h2"


@pytest.mark.parametrize("code", LATE)
@pytest.mark.parametrize(
    ("shown", "then"),
    [
        pytest.param(THROUGH_ALL, ("", OLD), id="it is through: the old revision is deployed"),
        pytest.param(AT_H2, ("h2", "ROLLBACK"), id="it waits at a hook: told there"),
        pytest.param(a_rollout("ROLLBACK_IN_PROGRESS", None), None, id="it goes back: watched"),
    ],
)
def test_a_stop_that_comes_too_late_is_decided_anew(code: str, shown: Rollout, then: tuple[str, str] | None) -> None:
    bench = refusing(STOPPED, code, GONE_ON, shown)
    assert sent_back(bench)["next"] == "wait"
    assert bench.changes == [("", "ROLLBACK"), *([then] if then else [])]


@pytest.mark.parametrize(("operation", "shown"), [(HOOKS, a_rollout()), (STOPPED, GONE_ON)])
def test_what_iam_refuses_is_not_tried_again(operation: str, shown: Rollout) -> None:
    bench = refusing(operation, "AccessDeniedException", shown)
    with pytest.raises(RefusedError):
        sent_back(bench)
    assert len(bench.changes) == 1


@pytest.mark.parametrize(("operation", "shown"), [(HOOKS, a_rollout()), (STOPPED, GONE_ON), (DEPLOYED, THROUGH_ALL)])
def test_of_a_way_back_that_is_refused_for_good_a_person_is_told(operation: str, shown: Rollout) -> None:
    bench = refusing(operation, "InvalidParameterException", shown)
    with pytest.raises(BreakwaterError) as refused:
        sent_back(bench)
    ending = closed(bench, {"Error": type(refused.value).__name__, "Cause": str(refused.value)})
    assert ending["outcome"]["error"] == "NotReturned"
    assert [one.cause for one in bench.incidents] == [Cause.RELEASE_UNSETTLED]


def closed(bench: Bench, failure: dict[str, str] | None = None) -> dict[str, Any]:
    """How ReleaseClose ends, once the time to settle is over."""
    while (answer := close.respond({"execution": EXECUTION, "request": {}, "failure": failure}, bench.work))["pause"]:
        bench.clock.on(seconds=answer["pause"])
    return answer


# ── it was taken, and it goes on all the same ─────────────────────────────────────────────────────────────────────────

TOLD = replace(RETURNING, refused="h1")


@pytest.mark.parametrize(
    ("release", "shown", "goes_on"),
    [
        pytest.param(TOLD, AT_H2, True, id="it waits at another hook"),
        pytest.param(TOLD, THROUGH_ALL, True, id="it is through"),
        pytest.param(TOLD, a_rollout(), False, id="an old read still shows the hook that was told"),
        pytest.param(TOLD, GONE_ON, False, id="it runs: where to is not to be seen yet"),
        pytest.param(TOLD, a_rollout("ROLLBACK_IN_PROGRESS", NEXT), False, id="it waits on its way back"),
        pytest.param(TOLD, a_rollout("SUCCESSFUL", None, rollback_to="revision/7"), False, id="it is back"),
        pytest.param(replace(TOLD, redeployed_at=NOW), AT_H2, False, id="the old revision waits at a hook"),
        pytest.param(replace(TOLD, redeployed_at=NOW), THROUGH_ALL, False, id="the old revision is through"),
        pytest.param(TOLD, a_rollout("STOPPED", None), False, id="somebody else has deployed"),
    ],
)
def test_what_was_told_to_go_back_and_goes_on_is_told_again(release: Release, shown: Rollout, goes_on: bool) -> None:
    hook = shown.hook.hook_id if shown.hook else None
    assert is_going_on(release, shown.seen, hook) is goes_on
    bench = Bench(Shown([shown], [BACK]))
    bench.keep(release)
    assert (asked(bench)["next"] == "return") is goes_on


def test_it_is_told_at_the_next_hook_and_deployed_over_where_it_is_through() -> None:
    bench = Bench(Shown([AT_H2]))
    bench.keep(TOLD)
    assert asked(bench)["next"] == "return"
    move.respond(GIVEN, bench.work)
    bench.sight.rollouts = [THROUGH_ALL]
    bench.clock.on(minutes=5)
    assert asked(bench)["next"] == "return"
    move.respond(GIVEN, bench.work)
    assert bench.changes == [("h2", "ROLLBACK"), ("", OLD)]


def test_a_return_never_leaves_the_revision_where_it_is_without_telling_a_person() -> None:
    """ECS takes each ROLLBACK and goes forward all the same, as often as the machine lets a release return."""
    hooks = [replace(HOOK, hook_id=f"h{number}") for number in range(9)]
    bench = Bench(Shown([a_rollout(hook=hooks[0])]))
    bench.keep(BAD)
    returns, answer = 0, {"next": "return"}
    while answer["next"] != "close":
        if answer["next"] == "return":
            returns += 1
            answer = move.respond(GIVEN, bench.work)
            answer = answer if returns <= 3 else {"next": "close"}
            bench.sight.rollouts = [a_rollout(hook=hooks[returns])]
        else:
            bench.clock.on(minutes=14)
            answer = asked(bench)
    assert returns == 4
    assert [action for _, action in bench.changes] == ["ROLLBACK"] * 4
    assert closed(bench)["outcome"]["error"] == "NotReturned"
    assert [one.cause for one in bench.incidents] == [Cause.RELEASE_UNSETTLED]
    quarantined = bench.work.ledgers.load(["prod/web"])["prod/web"].ledger.quarantined
    assert [one.revision for one in quarantined] == [NEW]


def test_what_runs_on_unseen_is_handed_over_within_about_an_hour() -> None:
    bench = Bench(Shown([GONE_ON], [THROUGH]))
    bench.keep(TOLD)
    while (answer := asked(bench))["next"] == "wait":
        bench.clock.on(minutes=30, seconds=1)
    assert answer["next"] == "close"
    assert bench.clock() - NOW < timedelta(minutes=95)
    assert bench.release.stage is Stage.HANDED_OVER


# ── nothing is left to wait for, and tasks of checks still run ────────────────────────────────────────────────────────

RUNS = CheckTask("migrate", "h1", NOW, "arn:aws:ecs:eu-central-1:111122223333:task/prod/1")
LOST = {**GIVEN, "failure": {"Error": "LeaseLostError", "Cause": "taken"}}


@pytest.mark.parametrize(
    ("status", "reason", "stage"),
    [
        pytest.param("STOPPED", "the release is handed over", Stage.HANDED_OVER, id="handed over"),
        pytest.param("ROLLBACK_SUCCESSFUL", "the release goes back", Stage.RETURNING, id="back already"),
    ],
)
def test_the_tasks_of_its_checks_are_stopped_before_a_release_closes(status: str, reason: str, stage: Stage) -> None:
    bench = Bench(Shown([a_rollout(status, None)], [BACK]))
    bench.keep(replace(RELEASE, tasks=(RUNS,)))
    assert move.respond(LOST, bench.work)["next"] == "check"
    assert asked(bench)["next"] == "close"
    [call] = bench.aws.made("stop_task")
    assert (call["task"], call["reason"]) == (RUNS.arn, reason)
    assert bench.release.stage is stage
    assert move.respond(LOST, bench.work)["next"] == "close", "tried again, there is nothing left to stop"


def test_a_release_whose_lease_is_somebody_elses_stops_its_tasks_and_nothing_else() -> None:
    bench = Bench(Shown([a_rollout()]), aws=an_aws({"stop_task": "ServerException"}))
    bench.keep(replace(RELEASE, tasks=(RUNS,)))
    now = bench.clock.on(hours=2)  # longer than it had the lease itself
    bench.work.leases.take("prod/web", "release r2", now, timedelta(hours=1))
    assert move.respond(LOST, bench.work)["next"] == "check"
    assert asked(bench)["next"] == "close", "a task that cannot be stopped holds nothing up"
    assert [name for name, _ in bench.aws.calls] == ["stop_task"]
    assert move.respond(LOST, bench.work)["next"] == "close"
