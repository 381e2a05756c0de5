"""Lambda hooks: what they are sent, what they may answer, when they are called again, and their events (ecs 4)."""

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from sandbox.ecs import EcsError
from sandbox.ecs.hooks import LATER, NativeReadings
from sandbox.ecs.lifecycle import HOOKABLE, Hook
from sandbox.ecs.shifting import BlueGreen, Canary, Linear, Shifting
from tests.unit.ecs.build_native import FUNCTION, NO, OK, WAIT, Script, an_account, lambda_hook, pause

SHIFTED = ["PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"]


# ── declarations ────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("stage", ["SCALE_UP", "BAKE_TIME", "CLEAN_UP", "AFTER_LUNCH"])
def test_some_stages_have_no_hooks(stage: str) -> None:
    with pytest.raises(EcsError, match=f"{stage} is not a lifecycle stage for hooks"):
        lambda_hook(stage)


@pytest.mark.parametrize("stage", ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"])
def test_traffic_shifts_have_no_pause(stage: str) -> None:
    assert lambda_hook(stage).stages == (stage,)
    with pytest.raises(EcsError, match="PAUSE hooks cannot be configured"):
        pause(stage)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        pytest.param({"stages": ()}, "must not be empty", id="no stage"),
        pytest.param({"target_arn": None}, "hookTargetArn is required", id="no function"),
        pytest.param({"target_type": "SNS"}, "not a valid targetType", id="unknown type"),
        pytest.param({"target_type": "PAUSE"}, "not used for PAUSE", id="a pause with a function"),
        pytest.param({"timeout_minutes": 0}, "between 1 and 20160", id="too short"),
        pytest.param({"timeout_minutes": 20161}, "between 1 and 20160", id="too long"),
        pytest.param({"timeout_action": "RETRY"}, "ROLLBACK or CONTINUE", id="unknown action"),
    ],
)
def test_a_hook_that_ecs_would_refuse_cannot_be_declared(declared: dict[str, Any], said: str) -> None:
    usual: dict[str, Any] = {"stages": ("POST_SCALE_UP",), "target_arn": FUNCTION}
    with pytest.raises(EcsError, match=said):
        Hook(**{**usual, **declared})


def test_a_hook_waits_a_day_and_rolls_back_by_default() -> None:
    hook = pause("POST_SCALE_UP")
    assert (hook.timeout_minutes, hook.timeout_action) == (1440, "ROLLBACK")


# ── calls ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        pytest.param(BlueGreen(1), ["POST_TEST_TRAFFIC_SHIFT", *SHIFTED], id="once"),
        pytest.param(
            Linear(30.0, 1), ["POST_TEST_TRAFFIC_SHIFT", *SHIFTED * 4], id="at each step of a linear deployment"
        ),
        pytest.param(
            Canary(5.0, 1), ["POST_TEST_TRAFFIC_SHIFT", *SHIFTED * 2], id="at each step of a canary deployment"
        ),
    ],
)
def test_hooks_are_called_at_their_stages(strategy: Shifting, expected: list[str]) -> None:
    script = Script(OK)
    hook = lambda_hook("POST_TEST_TRAFFIC_SHIFT", *SHIFTED)
    account = an_account(replace(strategy, hooks=(hook,)), invoke=script)
    account.deploy()
    assert account.run_to_end() == "SUCCESSFUL"
    assert script.called_at() == expected
    assert account.hook_events() == ["IN_PROGRESS", "SUCCEEDED"] * len(expected)
    ids = {one["hookId"] for one in account.native.hook_details(account.rollout)}
    assert len(ids) == len(expected)


def test_every_stage_with_hooks_calls_them_in_the_order_of_the_stages() -> None:
    script = Script(OK)
    account = an_account(BlueGreen(0, (lambda_hook(*HOOKABLE),)), invoke=script)
    account.deploy()
    account.run_to_end()
    assert script.called_at() == list(HOOKABLE[1:])  # there is nothing to reconcile


def test_reconciliation_has_a_hook_too() -> None:
    script = Script(OK)
    account = an_account(BlueGreen(5, (lambda_hook("RECONCILE_SERVICE"),)), invoke=script)
    account.deploy()
    account.run_until("BAKE_TIME")
    account.deploy()
    assert account.run_to_end() == "SUCCESSFUL"
    assert script.called_at() == ["RECONCILE_SERVICE"]


def test_several_hooks_of_a_stage_all_have_to_succeed() -> None:
    script = Script(OK, WAIT, OK)
    hooks = (lambda_hook("POST_SCALE_UP"), lambda_hook("POST_SCALE_UP"))
    account = an_account(BlueGreen(0, hooks), invoke=script)
    account.deploy()
    account.run_until("TEST_TRAFFIC_SHIFT")
    assert len(script.events) == 3
    assert account.hook_events() == ["IN_PROGRESS", "SUCCEEDED", "IN_PROGRESS", "SUCCEEDED"]


@pytest.mark.parametrize("wrapped", [True, False], ids=["as seen", "as the guide prints it"])
def test_a_function_is_sent_the_documented_event(wrapped: bool) -> None:
    script = Script(OK)
    hook = lambda_hook(
        "POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", details={"suite": "smoke"}
    )
    readings = NativeReadings(payload_wrapped=wrapped)
    account = an_account(Canary(5.0, 1, hooks=(hook,)), invoke=script, native_readings=readings)
    blue = account.service.primary.revision.arn
    rollout = account.deploy()
    account.run_to_end()
    green = rollout.target.arn
    weights = [
        ({}, {}),
        ({green: 100, blue: 0}, {}),
        ({green: 100, blue: 0}, {green: 5, blue: 95}),
        ({green: 100, blue: 0}, {green: 100, blue: 0}),
    ]
    assert len(script.events) == len(weights)
    for event, (test, production) in zip(script.events, weights, strict=True):
        details = {
            "testTrafficWeights": test,
            "productionTrafficWeights": production,
            "serviceArn": account.service.arn,
            "targetServiceRevisionArn": green,
        }
        top = {
            "executionId": event["executionId"],
            "lifecycleStage": event["lifecycleStage"],
            "resourceArn": rollout.arn,
            "hookDetails": {"suite": "smoke"},
        }
        assert event == (top | {"executionDetails": details} if wrapped else top | details)
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event["executionId"])


def test_without_details_of_its_own_a_hook_is_sent_none() -> None:
    script = Script(OK)
    account = an_account(BlueGreen(0, (lambda_hook("PRE_SCALE_UP"),)), invoke=script)
    account.deploy()
    account.run_until("SCALE_UP")
    assert "hookDetails" not in script.events[0]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        pytest.param(WAIT, 30, id="30 seconds by default"),
        pytest.param({**WAIT, "callBackDelay": 90}, 90, id="as it asks"),
        pytest.param({**WAIT, "callBackDelay": 0}, 1, id="not without time passing"),
    ],
)
def test_a_hook_in_progress_is_called_again(answer: object, seconds: int) -> None:
    calls: list[float] = []

    def invoke(function: str, event: dict[str, Any]) -> object:
        calls.append(account.model.now.timestamp())
        return answer if len(calls) < 4 else OK

    account = an_account(BlueGreen(0, (lambda_hook("POST_SCALE_UP"),)), invoke=invoke)
    account.deploy()
    account.run_until("TEST_TRAFFIC_SHIFT")
    assert [round(later - one) for one, later in pairwise(calls)] == [seconds] * 3
    assert account.hook_events() == ["IN_PROGRESS", "SUCCEEDED"]


def test_what_a_hook_answers_as_details_comes_back_on_the_next_call() -> None:
    script = Script({**WAIT, "hookDetails": {"tries": 1}}, WAIT, {**WAIT, "hookDetails": {"tries": 3}}, OK)
    hook = lambda_hook("POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", details={"tries": 0})
    account = an_account(BlueGreen(0, (hook,)), invoke=script)
    account.deploy()
    account.run_to_end()
    tries = [event["hookDetails"]["tries"] for event in script.events]
    assert tries == [0, 1, 1, 3, 0]  # the last one is another stage, which begins anew
    assert len({event["executionId"] for event in script.events}) == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(NO, id="FAILED"),
        pytest.param(None, id="nothing"),
        pytest.param({}, id="an empty object"),
        pytest.param("SUCCEEDED", id="a text"),
        pytest.param({"hookStatus": "succeeded"}, id="wrong case"),
        pytest.param({"hookStatus": ["SUCCEEDED"]}, id="a list"),
        pytest.param({"hookStatus": "DONE"}, id="unknown status"),
        pytest.param({**WAIT, "callBackDelay": "30"}, id="delay as text"),
        pytest.param({**WAIT, "callBackDelay": -1}, id="negative delay"),
        pytest.param({**WAIT, "callBackDelay": float("nan")}, id="delay that is no number"),
        pytest.param({**WAIT, "hookDetails": "text"}, id="details that are no object"),
        pytest.param({**WAIT, "hookDetails": {"at": object()}}, id="details that are no JSON"),
        pytest.param(RuntimeError("boom"), id="exception"),
    ],
)
@pytest.mark.parametrize("stage", ["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"])
def test_every_answer_but_the_good_ones_rolls_back(answer: object, stage: str) -> None:
    account = an_account(BlueGreen(5, (lambda_hook(stage),)), invoke=Script(answer))
    blue = account.service.primary
    rollout = account.deploy()
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    assert account.hook_events() == ["IN_PROGRESS", "FAILED"]
    assert (account.split, account.test_split, account.service.primary) == ((100, 0), (100, 0), blue)
    state, deployment, reason = account.told.rollouts()[-3]
    assert (state, deployment) == ("FAILED", rollout.deployment.id)
    assert reason == f"ECS deployment failed: lifecycle hook {account.hook['hookId']} failed at {stage}."
    assert rollout.rollback_reason == reason
    assert not account.broken


@pytest.mark.parametrize("action", ["ROLLBACK", "CONTINUE"])
def test_a_hook_that_never_comes_to_an_end_times_out(action: str) -> None:
    hook = lambda_hook("POST_SCALE_UP", timeout_minutes=10, timeout_action=action)
    account = an_account(BlueGreen(0, (hook,)), invoke=Script(WAIT))
    account.deploy()
    assert account.run_to_end() == {"ROLLBACK": "ROLLBACK_SUCCESSFUL", "CONTINUE": "SUCCESSFUL"}[action]
    assert account.hook_events() == ["IN_PROGRESS", "TIMED_OUT"]
    assert account.hook["timeoutAction"] == action


# ── traffic shifts and the way back ─────────────────────────────────────────────────────────────────────────────────
def test_hooks_of_traffic_shifts_run_again_on_the_way_back_and_can_tell_the_direction() -> None:
    script = Script(OK)
    hook = lambda_hook("TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")
    account = an_account(BlueGreen(30, (hook,)), invoke=script)
    blue = account.service.primary.revision.arn
    rollout = account.deploy()
    account.run_until("BAKE_TIME")
    account.model.stop_service_deployment(rollout.arn)
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    there = ["TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"]
    assert script.called_at() == [*there, "PRODUCTION_TRAFFIC_SHIFT", "TEST_TRAFFIC_SHIFT"]
    forth, back = script.events[2]["executionDetails"], script.events[3]["executionDetails"]
    assert forth["targetServiceRevisionArn"] == rollout.target.arn
    assert back["targetServiceRevisionArn"] == blue
    assert forth["productionTrafficWeights"] == {rollout.target.arn: 100, blue: 0}
    assert back["productionTrafficWeights"] == {rollout.target.arn: 0, blue: 100}


def test_only_the_shift_that_was_made_runs_again() -> None:
    script = Script(OK)
    hook = lambda_hook("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")
    account = an_account(BlueGreen(30, (hook, pause("POST_TEST_TRAFFIC_SHIFT"))), invoke=script)
    account.deploy()
    account.run_until("POST_TEST_TRAFFIC_SHIFT")
    account.model.stop_service_deployment(account.rollout.arn)
    account.run_to_end()
    assert script.called_at() == ["TEST_TRAFFIC_SHIFT"] * 2


@pytest.mark.parametrize(
    ("fails", "ends"),
    [pytest.param(False, "ROLLBACK_SUCCESSFUL", id="goes on"), pytest.param(True, "ROLLBACK_FAILED", id="fails")],
)
def test_a_hook_that_fails_on_the_way_back_has_two_readings(fails: bool, ends: str) -> None:
    readings = NativeReadings(failed_hook_fails_rollback=fails)
    hook = lambda_hook("PRODUCTION_TRAFFIC_SHIFT")
    account = an_account(BlueGreen(5, (hook,)), invoke=Script(NO), native_readings=readings)
    account.deploy()
    assert account.run_to_end() == ends
    assert account.split == (100, 0)
    assert account.hook_events() == ["IN_PROGRESS", "FAILED"] * 2
    account.model.advance(3600)
    account.look()
    assert not account.broken


@pytest.mark.parametrize("first", [True, False], ids=["traffic first", "hooks first"])
def test_whether_traffic_has_moved_when_the_hooks_of_a_shift_run_has_two_readings(first: bool) -> None:
    seen: list[tuple[int, int]] = []

    def invoke(function: str, event: dict[str, Any]) -> object:
        seen.append(account.split)
        return OK

    readings = NativeReadings(shift_before_hooks=first)
    hook = lambda_hook("PRODUCTION_TRAFFIC_SHIFT")
    account = an_account(Canary(10.0, 1, hooks=(hook,)), invoke=invoke, native_readings=readings)
    account.deploy()
    assert account.run_to_end() == "SUCCESSFUL"
    assert seen == ([(90, 10), (0, 100)] if first else [(100, 0), (90, 10)])
    assert account.split == (0, 100)


# ── functions that run elsewhere ────────────────────────────────────────────────────────────────────────────────────
def test_a_function_may_run_elsewhere_and_answer_later() -> None:
    account = an_account(BlueGreen(0, (lambda_hook("POST_SCALE_UP"),)), invoke=lambda function, event: LATER)
    account.deploy()
    account.run_until("POST_SCALE_UP")
    account.model.advance(100)
    arn, hook_id = account.rollout.arn, account.hook["hookId"]
    account.native.hook_answered(arn, hook_id, {**WAIT, "callBackDelay": 5})
    account.native.hook_answered(arn, hook_id, NO)  # nobody asked: only one answer is due
    account.model.advance(100)
    assert account.rollout.stage == "POST_SCALE_UP"
    account.native.hook_answered(arn, hook_id, OK)
    assert account.run_to_end() == "SUCCESSFUL"


def test_a_function_that_runs_longer_than_fifteen_minutes_has_failed() -> None:
    account = an_account(BlueGreen(0, (lambda_hook("POST_SCALE_UP"),)), invoke=lambda function, event: LATER)
    account.deploy()
    account.run_until("POST_SCALE_UP")
    account.model.advance(14 * 60 + 50)
    assert account.hook["status"] == "IN_PROGRESS"
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"


def test_each_run_of_a_function_has_its_own_fifteen_minutes() -> None:
    account = an_account(BlueGreen(0, (lambda_hook("POST_SCALE_UP"),)), invoke=lambda function, event: LATER)
    account.deploy()
    account.run_until("POST_SCALE_UP")
    account.model.advance(14 * 60)
    account.native.hook_answered(account.rollout.arn, account.hook["hookId"], {**WAIT, "callBackDelay": 5})
    account.model.advance(14 * 60)
    assert account.hook["status"] == "IN_PROGRESS"
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"


def test_another_function_can_be_put_in_the_place_of_the_first() -> None:
    account = an_account(BlueGreen(0, (lambda_hook("POST_SCALE_UP"),)))
    account.native.set_invoke(Script(OK))
    account.deploy()
    assert account.run_to_end() == "SUCCESSFUL"
