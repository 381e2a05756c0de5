"""The step that changes the service, where ECS answers late: it is eventually consistent, and an answer may be lost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.errors import BreakwaterError, RefusedError, ThrottledError
from release import move
from release.naming import named
from release.record import Stage
from release.sight import Rollout
from tests.fakes.release_sight import BACK, EXECUTION, HOOK, NOW, RELEASE, THROUGH, Shown, a_rollout
from tests.fakes.release_work import Bench, an_aws, asked

GONE_ON = a_rollout(hook=None)
AT_THE_NEXT = a_rollout(hook=replace(HOOK, hook_id="h2"))
ANSWER = {"execution": EXECUTION, "todo": {"verb": "continue", "hook": "h1", "reason": "passed"}}


def answering(code: str, *shown: Rollout | None) -> Bench:
    """The hook waits, and ECS refuses the answer to it; then it shows these."""
    bench = Bench(Shown([a_rollout(), *shown]), aws=an_aws({"continue_service_deployment": code}))
    bench.keep()
    return bench


@pytest.mark.parametrize(
    ("shown", "slept"),
    [
        pytest.param([GONE_ON], [], id="it waits no more"),
        pytest.param([AT_THE_NEXT], [], id="it waits at the next one"),
        pytest.param([a_rollout(), GONE_ON], [2], id="that is seen late"),
        pytest.param([a_rollout(), None, a_rollout(), AT_THE_NEXT], [2, 4, 8], id="that is seen very late"),
    ],
)
def test_a_hook_that_was_answered_before_is_no_error_however_late_that_is_seen(
    shown: list[Rollout | None], slept: list[int]
) -> None:
    bench = answering("InvalidParameterException", *shown)
    assert move.respond(ANSWER, bench.work)["next"] == "wait"
    assert bench.clock.slept == slept


def test_a_hook_that_still_waits_is_answered_again_by_the_machine() -> None:
    bench = answering("InvalidParameterException", a_rollout())
    with pytest.raises(ThrottledError, match="InvalidParameterException"):  # which the machine tries again
        move.respond(ANSWER, bench.work)
    assert bench.clock.slept == [2, 4, 8, 16]


@pytest.mark.parametrize(
    ("code", "kind"), [("AccessDeniedException", RefusedError), ("ThrottlingException", ThrottledError)]
)
def test_what_says_nothing_of_the_hook_is_not_waited_for(code: str, kind: type[BreakwaterError]) -> None:
    bench = answering(code, a_rollout())
    with pytest.raises(kind):
        move.respond(ANSWER, bench.work)
    assert bench.clock.slept == []


# ── the lease, on the way back ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("holder", "seconds", "stage", "slept"),
    [
        pytest.param("scaler", 5, Stage.RETURNING, [2, 4], id="for a moment"),
        pytest.param("rollback_guard", 300, Stage.HANDED_OVER, [2, 4, 8], id="for longer"),
        pytest.param("release r2", 5, Stage.HANDED_OVER, [], id="another release"),
    ],
)
def test_who_has_the_lease_for_a_moment_keeps_no_release_from_going_back(
    holder: str, seconds: int, stage: Stage, slept: list[int]
) -> None:
    bench = Bench(Shown([a_rollout("ROLLBACK_IN_PROGRESS", None)]))
    bench.keep(replace(RELEASE, why="aborted by ann"))
    now = bench.clock.on(hours=2)  # longer than it had the lease itself
    bench.work.leases.take("prod/web", holder, now, timedelta(seconds=seconds))
    move.respond({"execution": EXECUTION, "todo": {"verb": "return"}}, bench.work)
    assert (bench.release.stage, bench.clock.slept) == (stage, slept)


# ── what events call the deployment ───────────────────────────────────────────────────────────────────────────────────

UNNAMED = replace(RELEASE, deployment=None)


@pytest.mark.parametrize(
    ("changes", "seen", "expected"),
    [
        pytest.param({}, THROUGH, "ecs-svc/8", id="it is seen now"),
        pytest.param({}, replace(BACK, deployment="ecs-svc/7"), None, id="it is not seen yet"),
        pytest.param({"deployment": "ecs-svc/5"}, THROUGH, "ecs-svc/5", id="it is known"),
        pytest.param({"stage": Stage.RETURNING}, BACK, None, id="ECS takes it back: its name is gone"),
        pytest.param({"stage": Stage.RETURNING, "redeployed_at": NOW}, BACK, "ecs-svc/9", id="the way back has one"),
    ],
)
def test_what_could_not_be_seen_of_the_deployment_at_first_is_noted_when_it_is(
    changes: dict[str, Any], seen: Any, expected: str | None
) -> None:
    bench = Bench(Shown([a_rollout()], [seen]))
    assert named(replace(UNNAMED, **changes), bench.work).deployment == expected


def test_the_name_of_the_deployment_is_looked_for_until_it_is_known() -> None:
    bench = Bench(Shown([GONE_ON], [replace(BACK, deployment="x"), THROUGH]))
    bench.keep(UNNAMED)
    for _ in range(2):
        assert asked(bench)["next"] == "wait"
    assert bench.release.deployment == "ecs-svc/8"
