"""A deployment waits at a PAUSE hook and no release claims it: somebody has to attend it, whoever started it. Pure.

An execution of the release machine is started that enters at the checks. Its name follows from the hook, so that the
same event twice starts it once (StartExecution is idempotent by name and input).
"""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from breakwater.model import Mode
from breakwater.release_policy import ReleasePolicy

ROLLING_BACK = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})


class Direction(StrEnum):
    """Where a deployment goes, by DescribeServiceDeployments; `UNKNOWN` if that could not be read."""

    FORWARD = "forward"
    BACK = "back"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attend:
    """Start an execution of the release machine with this name and input."""

    name: str
    input: str
    reason: str


@dataclass(frozen=True, slots=True)
class Continue:
    """Continue the deployment at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class LeaveAlone:
    """It is somebody else's to answer."""

    reason: str


AttendDecision = Attend | Continue | LeaveAlone


@dataclass(frozen=True, slots=True)
class Waiting:
    """A hook that awaits an action."""

    cluster: str
    service: str
    deployment: str
    hook_id: str
    stage: str


def is_attended(policy: ReleasePolicy, stage: str) -> bool:
    """Whether Breakwater answers at a stage, so that nobody else has to hear that a deployment waits there."""
    return policy.mode is Mode.ACT and policy.work_at(stage) is not None


def decide_attend(
    waiting: Waiting, direction: Direction, policy: ReleasePolicy, *, claimed_by: str | None
) -> AttendDecision:
    """Who answers this hook?

    Nobody is held up for nothing: on the way back it goes on at once. But a hook at which the policy has nothing to do
    is left alone, since somebody declared it for a purpose that is not ours, such as a person's approval.
    """
    if claimed_by is not None:
        return LeaveAlone(f"{claimed_by} attends this deployment")
    if policy.mode is not Mode.ACT:
        return LeaveAlone(f"the mode is {policy.mode}: the hook waits for whoever declared it, until its own timeout")
    if not is_attended(policy, waiting.stage):
        return LeaveAlone(f"the policy has nothing to check at {waiting.stage}: the hook is somebody else's")
    if direction is Direction.BACK:
        return Continue("the deployment is on its way back, and goes through")
    attended = {"service_deployment": waiting.deployment, "hook_id": waiting.hook_id, "stage": waiting.stage}
    request = {
        "schema": "breakwater.release/1",
        "service": f"{waiting.cluster}/{waiting.service}",
        "attend": attended,
        "requested_by": "HOOK_AWAITING_ACTION",
    }
    text = json.dumps(request, sort_keys=True)
    name = f"attend-{hashlib.sha256(text.encode()).hexdigest()[:48]}"
    return Attend(name, text, f"no release claims the deployment that waits at {waiting.stage}")
