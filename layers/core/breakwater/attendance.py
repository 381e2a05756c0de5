"""Sees to it that a deployment which waits is attended, whether an event told of the hook or a sweep found it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from breakwater.attending import (
    MOST_TRIES,
    ROLLING_BACK,
    Attend,
    AttendDecision,
    Began,
    CallPerson,
    Continue,
    Direction,
    LeaveAlone,
    Waiting,
    decide_again,
    decide_attend,
    whose_gate,
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
    return _direction(_deployment(client, deployment))


def _deployment(client: Callable[[str], Any], deployment: str) -> Mapping[str, Any] | None:
    try:
        with translated_errors("describe the service deployment"):
            answer = client("ecs").describe_service_deployments(serviceDeploymentArns=[deployment])
    except BreakwaterError:
        return None
    found = answer.get("serviceDeployments") or []
    return found[0] if found else None


def _direction(seen: Mapping[str, Any] | None) -> Direction:
    if seen is None:
        return Direction.UNKNOWN
    back = seen.get("status") in ROLLING_BACK or bool(seen.get("rollback"))
    return Direction.BACK if back else Direction.FORWARD


@dataclass(frozen=True, slots=True)
class Attendance:
    """What it takes to decide who answers a hook, and to have it answered.

    `native_hook` is the ARN of Breakwater's own Lambda hook. `began` says what the release of an execution has on
    record. Only who comes by at intervals has it, and tries again where a release has failed: an event that is
    delivered twice must not use up all tries within a second.
    """

    table: Table
    client: Callable[[str], Any]
    policy: Callable[[str, datetime], ReleasePolicy]
    state_machine: str
    native_hook: str = ""
    began: Callable[[str], Began | None] | None = None

    def see_to(self, waiting: Waiting, now: datetime) -> AttendDecision:
        """Leave the hook to who has it, continue it, or start a release that attends. Raises `BreakwaterError`.

        Who gets `CallPerson` tells one.
        """
        service = f"{waiting.cluster}/{waiting.service}"
        claimed = Claims(self.table).holder(service)
        seen = _deployment(self.client, waiting.deployment)
        declared = ((seen or {}).get("deploymentConfiguration") or {}).get("lifecycleHooks") or []
        gate = whose_gate(declared, waiting.stage, self.native_hook)
        policy = self.policy(service, now)
        decision = decide_attend(waiting, _direction(seen), policy, claimed_by=claimed, gate=gate)
        if isinstance(decision, Attend):
            decision = self._started(decision, waits=_waits(seen, waiting.hook_id))
        match decision:
            case LeaveAlone() | CallPerson():
                pass
            case Continue(reason=reason):
                self._continue(waiting)
                self._journal(waiting, f"continue at {waiting.stage}", reason, now)
            case Attend(reason=reason):
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

    def _started(self, first: Attend, *, waits: bool) -> AttendDecision:
        """Start the release, or one after it if it is over and may be followed."""
        decision: AttendDecision = first
        for tried in range(1, MOST_TRIES + 1):
            if not isinstance(decision, Attend) or self._start(decision):
                break
            if self.began is None:
                return LeaveAlone("the release that attended it is over: the sweep looks at it again")
            execution = f"{self.state_machine.replace(':stateMachine:', ':execution:')}:{decision.name}"
            began = self.began(execution)
            decision = decide_again(first, tried, self._ended(execution), began=began, waits=waits)
        return decision

    def _start(self, attend: Attend) -> bool:
        """Start it once. The same name again changes nothing while it runs, and is an error once it is over (for 90
        days): then `False`."""
        try:
            with translated_errors("start a release"):
                self.client("stepfunctions").start_execution(
                    stateMachineArn=self.state_machine, name=attend.name, input=attend.input
                )
        except BreakwaterError as error:
            if "ExecutionAlreadyExists" not in str(error):
                raise
            return False
        return True

    def _ended(self, execution: str) -> str:
        with translated_errors("describe the execution"):
            return str(self.client("stepfunctions").describe_execution(executionArn=execution)["status"])

    def _journal(self, waiting: Waiting, decision: str, reason: str, now: datetime) -> None:
        self.table.write(written(entry(waiting, decision, reason, now)))


def _waits(seen: Mapping[str, Any] | None, hook_id: str) -> bool:
    """Whether the hook is seen to wait."""
    hooks = (seen or {}).get("lifecycleHookDetails") or []
    return any(one.get("hookId") == hook_id and one.get("status") == "AWAITING_ACTION" for one in hooks)


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
