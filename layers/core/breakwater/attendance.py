"""Sees to it that a deployment which waits is attended, whether an event told of the hook or a sweep found it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from breakwater.attending import (
    ROLLING_BACK,
    Attend,
    AttendDecision,
    Continue,
    Direction,
    LeaveAlone,
    Waiting,
    decide_attend,
)
from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError
from breakwater.journal import Entry, written
from breakwater.model import Subject, SubjectKind
from breakwater.release_claims import Claims
from breakwater.release_policy import ReleasePolicy
from breakwater.store import Table

AUTOMATION = "deployment_hooks"


def read_direction(client: Callable[[str], Any], deployment: str) -> Direction:
    """Where a deployment goes. What cannot be read is unknown, never an error: the hook has to be answered."""
    try:
        with translated_errors("describe the service deployment"):
            answer = client("ecs").describe_service_deployments(serviceDeploymentArns=[deployment])
    except BreakwaterError:
        return Direction.UNKNOWN
    found = answer.get("serviceDeployments") or []
    if not found:
        return Direction.UNKNOWN
    back = found[0].get("status") in ROLLING_BACK or bool(found[0].get("rollback"))
    return Direction.BACK if back else Direction.FORWARD


@dataclass(frozen=True, slots=True)
class Attendance:
    """What it takes to decide who answers a hook, and to have it answered."""

    table: Table
    client: Callable[[str], Any]
    policy: Callable[[str, datetime], ReleasePolicy]
    state_machine: str

    def see_to(self, waiting: Waiting, now: datetime) -> AttendDecision:
        """Leave the hook to who has it, continue it, or start a release that attends. Raises `BreakwaterError`."""
        service = f"{waiting.cluster}/{waiting.service}"
        claimed = Claims(self.table).holder(service)
        direction = read_direction(self.client, waiting.deployment)
        decision = decide_attend(waiting, direction, self.policy(service, now), claimed_by=claimed)
        match decision:
            case LeaveAlone():
                pass
            case Continue(reason=reason):
                self._continue(waiting)
                self._journal(waiting, f"continue at {waiting.stage}", reason, now)
            case Attend(name=execution, input=text, reason=reason):
                self._start(execution, text)
                self._journal(waiting, "attend", reason, now)
            case _:
                assert_never(decision)
        return decision

    def _continue(self, waiting: Waiting) -> None:
        """Let it go on, with the action said: left out it means CONTINUE, and that is nothing to rely on.

        One that went on by itself, or was answered by somebody, does not wait any more.
        """
        try:
            with translated_errors(f"continue {waiting.deployment.rpartition('/')[2]}"):
                self.client("ecs").continue_service_deployment(
                    serviceDeploymentArn=waiting.deployment, hookId=waiting.hook_id, action="CONTINUE"
                )
        except BreakwaterError as error:
            if "InvalidParameterException" not in str(error):
                raise

    def _start(self, name: str, text: str) -> None:
        """Start it once: the same name again is an error once the execution has ended, and none while it runs."""
        try:
            with translated_errors("start a release"):
                self.client("stepfunctions").start_execution(stateMachineArn=self.state_machine, name=name, input=text)
        except BreakwaterError as error:
            if "ExecutionAlreadyExists" not in str(error):
                raise

    def _journal(self, waiting: Waiting, decision: str, reason: str, now: datetime) -> None:
        self.table.write(written(entry(waiting, decision, reason, now)))


def entry(waiting: Waiting, decision: str, reason: str, now: datetime) -> Entry:
    """What the journal keeps of a hook that was answered or attended."""
    return Entry(
        id=f"{waiting.deployment.rpartition('/')[2]}-{waiting.hook_id[-12:]}-{decision.split(' ')[0]}",
        at=now,
        automation=AUTOMATION,
        subject=Subject(SubjectKind.SERVICE, waiting.service, waiting.cluster),
        decision=decision,
        reason=reason,
        evidence={"deployment": waiting.deployment, "stage": waiting.stage},
    )
