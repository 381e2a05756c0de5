"""A hook that waits gets a release, another one if that failed, and in the end a person."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from breakwater.attendance import Attendance
from breakwater.attending import Attend, Began, CallPerson, LeaveAlone, Waiting
from breakwater.errors import ThrottledError
from release.sight import Sight
from tests.fakes.table import FakeTable
from tests.unit.deployment_hooks.house import DEPLOYMENT, POLICY

NOW = datetime(2026, 4, 14, 7, 31, tzinfo=UTC)
STAGE = "POST_TEST_TRAFFIC_SHIFT"
WAITING = Waiting("prod", "web", DEPLOYMENT, "ecs-pause-1", STAGE)
MACHINE = "arn:aws:states:eu-central-1:111122223333:stateMachine:breakwater-release"
NATIVE = "arn:aws:lambda:eu-central-1:111122223333:function:breakwater-native"


class Aws:
    """ECS with one deployment that waits, and Step Functions as documented: a name is used once, and running again with
    the same input is no error."""

    def __init__(self, status: str = "FAILED") -> None:
        self.status = status
        self.executions: dict[str, str] = {}
        self.records: dict[str, Began] = {}
        self.waits = True
        self.pauses = 1
        self.native = False

    def __call__(self, service: str) -> Any:
        return self

    def start_execution(self, *, name: str, **params: str) -> None:
        assert params == {"stateMachineArn": MACHINE, "input": params["input"]}
        if self.executions.get(name, "RUNNING") != "RUNNING":
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists", "Message": ""}}, "StartExecution")
        self.executions[name] = "RUNNING"

    def describe_execution(self, **params: str) -> dict[str, str]:
        machine, _, name = params["executionArn"].rpartition(":")
        assert machine == MACHINE.replace("stateMachine", "execution")
        return {"status": self.executions[name]}

    def describe_service_deployments(self, **params: list[str]) -> dict[str, Any]:
        pause = {"targetType": "PAUSE", "lifecycleStages": [STAGE]}
        ours = {"targetType": "AWS_LAMBDA", "hookTargetArn": NATIVE, "lifecycleStages": [STAGE]}
        waits = {"hookId": "ecs-pause-1", "targetType": "PAUSE", "status": "AWAITING_ACTION"}
        return {
            "serviceDeployments": [
                {
                    "serviceDeploymentArn": DEPLOYMENT,
                    "status": "IN_PROGRESS",
                    "lifecycleStage": STAGE,
                    "lifecycleHookDetails": [waits] if self.waits else [],
                    "deploymentConfiguration": {"lifecycleHooks": [pause] * self.pauses + [ours] * self.native},
                }
            ]
        }

    def end(self, began: Began | None = None) -> None:
        """All of them are over, and this is what the last one has on record."""
        self.executions = dict.fromkeys(self.executions, self.status)
        if began is not None:
            name = [*self.executions][-1]
            self.records[f"{MACHINE.replace('stateMachine', 'execution')}:{name}"] = began

    def attendance(self, *, sweeps: bool = True) -> Attendance:
        began = self.records.get if sweeps else None
        return Attendance(FakeTable(), self, lambda service, now: POLICY, MACHINE, NATIVE, began)


def test_a_release_that_could_not_begin_is_followed_by_two_more_and_then_a_person_is_called() -> None:
    aws, decisions = Aws(), []
    for minutes in range(0, 60, 5):
        decisions.append(type(aws.attendance().see_to(WAITING, NOW + timedelta(minutes=minutes))))
        aws.end()
    assert decisions == [Attend] * 3 + [CallPerson] * 9
    assert len(aws.executions) == 3


def test_one_that_runs_is_not_followed() -> None:
    aws = Aws()
    for _ in range(3):
        assert isinstance(aws.attendance().see_to(WAITING, NOW), Attend)
    assert len(aws.executions) == 1


def test_an_event_that_comes_again_leaves_the_next_try_to_the_sweep() -> None:
    aws = Aws()
    aws.attendance(sweeps=False).see_to(WAITING, NOW)
    aws.end()
    assert isinstance(aws.attendance(sweeps=False).see_to(WAITING, NOW), LeaveAlone)
    assert len(aws.executions) == 1


@pytest.mark.parametrize(("status", "waits"), [("FAILED", False), ("SUCCEEDED", True), ("ABORTED", True)])
def test_what_is_answered_rehearsed_or_stopped_by_somebody_is_not_followed(status: str, waits: bool) -> None:
    aws = Aws(status)
    aws.attendance().see_to(WAITING, NOW)
    aws.end()
    aws.waits = waits
    assert isinstance(aws.attendance().see_to(WAITING, NOW), LeaveAlone)
    assert len(aws.executions) == 1


@pytest.mark.parametrize("tries", [1, 2, 3])
def test_one_that_attended_and_failed_is_not_followed_by_one_that_judges_anew(tries: int) -> None:
    aws = Aws()
    for _ in range(tries):
        aws.attendance().see_to(WAITING, NOW)
        aws.end()
    aws.end(Began())
    for _ in range(3):
        assert isinstance(aws.attendance().see_to(WAITING, NOW), LeaveAlone)
    assert len(aws.executions) == tries


def test_one_that_was_refused_is_not_followed_and_its_person_is_told_why_once_more() -> None:
    aws = Aws()
    aws.attendance().see_to(WAITING, NOW)
    aws.end(Began("a Network Load Balancer has no rules"))
    assert aws.attendance().see_to(WAITING, NOW) == CallPerson("a Network Load Balancer has no rules")
    assert len(aws.executions) == 1


def test_an_execution_that_cannot_be_started_now_is_tried_again_with_its_event() -> None:
    class Busy(Aws):
        def start_execution(self, *, name: str, **params: str) -> None:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "StartExecution")

    with pytest.raises(ThrottledError):
        Busy().attendance().see_to(WAITING, NOW)


@pytest.mark.parametrize(("pauses", "native"), [(2, False), (1, True)], ids=["two that pause", "beside our function"])
def test_a_persons_gate_is_nobodys_to_answer_but_theirs(pauses: int, native: bool) -> None:
    aws = Aws()
    aws.pauses, aws.native = pauses, native
    assert isinstance(aws.attendance().see_to(WAITING, NOW), CallPerson)
    assert aws.executions == {}
    rollout = Sight(aws, native_hook=NATIVE).rollout(DEPLOYMENT)
    assert rollout is not None
    assert rollout.hook is not None
    assert rollout.hook.gate is not None
