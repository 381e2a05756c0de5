"""PAUSE hooks: waiting, continuing, rolling back, timing out, and the events of all that (ecs 4, events 6)."""

import re
from datetime import timedelta

import pytest

from sandbox.ecs import EcsError
from sandbox.ecs.definitions import DeploymentSettings
from sandbox.ecs.shifting import BlueGreen, Linear
from tests.unit.ecs.build_native import OK, WAIT, Account, Script, an_account, lambda_hook, pause

PAUSABLE = [
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
]
KEYS = [
    "eventType",
    "eventName",
    "hookId",
    "hookType",
    "expiresAt",
    "lifecycleStage",
    "clusterArn",
    "serviceArn",
    "serviceDeploymentArn",
    "updatedAt",
]
"""The members of the published samples, in their order; expiresAt is missing once a hook succeeded or failed."""


def paused(stage: str = "POST_TEST_TRAFFIC_SHIFT", minutes: int = 1440, action: str = "ROLLBACK") -> Account:
    """A deployment that waits at a hook."""
    account = an_account(BlueGreen(1, (pause(stage, timeout_minutes=minutes, timeout_action=action),)))
    account.deploy()
    account.run_until(stage)
    return account


@pytest.mark.parametrize("stage", PAUSABLE)
@pytest.mark.parametrize("action", ["CONTINUE", None], ids=["said", "omitted"])
def test_a_deployment_waits_until_it_is_continued(stage: str, action: str | None) -> None:
    account = paused(stage)
    account.model.advance(timedelta(hours=12))
    assert (account.rollout.status, account.rollout.stage) == ("IN_PROGRESS", stage)
    assert account.hook["status"] == "AWAITING_ACTION"
    account.native.continue_service_deployment(account.rollout.arn, account.hook["hookId"], action)
    assert account.hook["status"] == "SUCCEEDED"
    assert account.run_to_end() == "SUCCESSFUL"
    assert account.hook_events() == ["AWAITING_ACTION", "SUCCEEDED"]
    assert not account.broken


@pytest.mark.parametrize("stage", PAUSABLE)
def test_a_deployment_is_rolled_back_at_a_hook(stage: str) -> None:
    account = paused(stage)
    blue = account.rollout.sources[0].arn
    account.native.continue_service_deployment(account.rollout.arn, account.hook["hookId"], "ROLLBACK")
    assert account.rollout.status == "ROLLBACK_REQUESTED"
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    assert account.hook_events() == ["AWAITING_ACTION", "FAILED"]
    assert (account.split, account.test_split) == ((100, 0), (100, 0))
    assert account.service.primary.revision.arn == blue
    assert account.rollout.rollback_revision is not None
    assert account.rollout.rollback_revision.arn == blue


@pytest.mark.parametrize("stage", PAUSABLE)
@pytest.mark.parametrize(
    ("action", "ends"),
    [pytest.param("ROLLBACK", "ROLLBACK_SUCCESSFUL", id="back"), pytest.param("CONTINUE", "SUCCESSFUL", id="on")],
)
@pytest.mark.parametrize("minutes", [1, 1440])
def test_a_hook_that_nobody_answers_times_out(stage: str, action: str, ends: str, minutes: int) -> None:
    account = paused(stage, minutes, action)
    began = account.model.now
    account.model.advance(timedelta(minutes=minutes, seconds=-1))
    assert account.hook["status"] == "AWAITING_ACTION"
    account.model.advance(1)
    assert account.hook == {
        "hookId": account.hook["hookId"],
        "targetType": "PAUSE",
        "status": "TIMED_OUT",
        "expiresAt": began + timedelta(minutes=minutes),
        "timeoutAction": action,
    }
    assert account.run_to_end() == ends
    assert account.hook_events() == ["AWAITING_ACTION", "TIMED_OUT"]
    if ends != "SUCCESSFUL":
        assert account.told.rollouts()[-3][2].endswith(f"timed out at {stage}.")


def test_a_pause_at_every_step_asks_each_time_anew() -> None:
    account = an_account(Linear(50.0, 1, hooks=(pause("PRE_PRODUCTION_TRAFFIC_SHIFT"),)))
    account.deploy()
    asked: list[str] = []
    for split in ((100, 0), (50, 50)):
        account.run_until("PRE_PRODUCTION_TRAFFIC_SHIFT")
        assert account.split == split
        asked.append(account.hook["hookId"])
        account.native.continue_service_deployment(account.rollout.arn, asked[-1], "CONTINUE")
        account.run_until("PRODUCTION_TRAFFIC_SHIFT")
    assert len(set(asked)) == 2
    assert account.run_to_end() == "SUCCESSFUL"


def test_a_hook_that_does_not_wait_cannot_be_continued() -> None:
    account = paused()
    arn, hook_id = account.rollout.arn, account.hook["hookId"]
    proceed = account.native.continue_service_deployment
    with pytest.raises(EcsError, match="was not found"):
        proceed(arn, "ecs-pause-unknown", "CONTINUE")
    with pytest.raises(EcsError, match="Invalid action"):
        proceed(arn, hook_id, "STOP")
    with pytest.raises(EcsError, match="ServiceDeploymentNotFoundException"):
        proceed(f"{arn}x", hook_id, "CONTINUE")
    proceed(arn, hook_id, "CONTINUE")
    with pytest.raises(EcsError, match="not awaiting"):
        proceed(arn, hook_id, "CONTINUE")


def test_a_rolling_deployment_has_no_hooks_to_continue() -> None:
    account = an_account()
    account.deploy(settings=DeploymentSettings())
    assert account.native.hook_details(account.rollout) == []
    assert account.native.requested_weights(account.rollout) == {}
    with pytest.raises(EcsError, match="no lifecycle hooks"):
        account.native.continue_service_deployment(account.rollout.arn, "ecs-pause-1")


def test_a_function_cannot_be_continued() -> None:
    account = an_account(BlueGreen(0, (lambda_hook("POST_SCALE_UP"),)), invoke=Script(WAIT))
    account.deploy()
    account.run_until("POST_SCALE_UP")
    with pytest.raises(EcsError, match="not awaiting"):
        account.native.continue_service_deployment(account.rollout.arn, account.hook["hookId"])


def test_stopping_a_deployment_that_waits_closes_its_hook() -> None:
    account = paused()
    hook_id = account.hook["hookId"]
    account.model.stop_service_deployment(account.rollout.arn)
    assert account.hook["status"] == "FAILED"
    with pytest.raises(EcsError, match="not awaiting"):
        account.native.continue_service_deployment(account.rollout.arn, hook_id, "CONTINUE")
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    account.model.advance(timedelta(days=2))
    assert account.hook_events() == ["AWAITING_ACTION", "FAILED"]


def test_a_newer_deployment_closes_the_hooks_of_the_older_one() -> None:
    account = paused()
    older = account.rollout
    account.deploy()
    assert account.native.hook_details(older)[-1]["status"] == "FAILED"
    assert account.hook_events()[:2] == ["AWAITING_ACTION", "FAILED"]


def test_a_pause_and_a_function_at_one_stage_are_both_waited_for() -> None:
    hooks = (pause("POST_SCALE_UP"), lambda_hook("POST_SCALE_UP"))
    account = an_account(BlueGreen(0, hooks), invoke=Script(WAIT, OK))
    account.deploy()
    account.run_until("POST_SCALE_UP")
    first = account.native.hook_details(account.rollout)[0]["hookId"]
    account.model.advance(120)
    assert [one["status"] for one in account.native.hook_details(account.rollout)] == ["AWAITING_ACTION", "SUCCEEDED"]
    account.native.continue_service_deployment(account.rollout.arn, first)
    assert account.run_to_end() == "SUCCESSFUL"


@pytest.mark.parametrize(
    ("end", "name", "expires"),
    [
        pytest.param("CONTINUE", "HOOK_SUCCEEDED", False, id="succeeded"),
        pytest.param("ROLLBACK", "HOOK_FAILED", False, id="failed"),
        pytest.param(None, "HOOK_TIMED_OUT", True, id="timed out"),
    ],
)
def test_hook_events_have_the_published_shape(end: str | None, name: str, expires: bool) -> None:
    account = paused(minutes=10)
    if end is None:
        account.model.advance(600)
    else:
        account.native.continue_service_deployment(account.rollout.arn, account.hook["hookId"], end)
    events = [one for one in account.told.events if one and one["detail-type"] == "ECS Hook State Change"]
    first, last = events[0], events[-1]
    assert (first["source"], first["resources"]) == ("aws.ecs", [account.rollout.arn])
    assert list(first["detail"]) == KEYS
    assert list(last["detail"]) == [key for key in KEYS if expires or key != "expiresAt"]
    assert (first["detail"]["eventName"], last["detail"]["eventName"]) == ("HOOK_AWAITING_ACTION", name)
    for detail in (first["detail"], last["detail"]):
        assert detail["eventType"] == "INFO"
        assert detail["hookType"] == "PAUSE"
        assert detail["hookId"] == account.hook["hookId"]
        assert re.fullmatch(r"ecs-pause-[0-9a-f]{43}", detail["hookId"])
        assert detail["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
        assert detail["clusterArn"] == account.service.cluster.arn
        assert detail["serviceArn"] == account.service.arn
        assert detail["serviceDeploymentArn"] == account.rollout.arn
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", detail["updatedAt"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first["detail"]["expiresAt"])
