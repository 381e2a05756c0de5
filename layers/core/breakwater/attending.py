"""A deployment waits at a PAUSE hook and no release claims it: somebody has to attend it, whoever started it. Pure.

An execution of the release machine is started that enters at the checks. Its name follows from the hook, so that the
same event twice starts it once (StartExecution is idempotent by name and input). One that failed before it began is
followed by another while the hook still waits, and after the last of these a person is called. One that began has
decided: nobody comes after it to judge once more what it judged.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from breakwater.model import Mode
from breakwater.release_policy import ReleasePolicy

ROLLING_BACK = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})

MOST_TRIES = 3
"""So many releases may fail to attend one hook. What stopped three of them, minutes apart, will not pass by itself."""
FAILED = frozenset({"FAILED", "TIMED_OUT"})


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


@dataclass(frozen=True, slots=True)
class CallPerson:
    """It waits for somebody, and no release will answer it: a person has to be told."""

    reason: str


AttendDecision = Attend | Continue | LeaveAlone | CallPerson


@dataclass(frozen=True, slots=True)
class Waiting:
    """A hook that awaits an action."""

    cluster: str
    service: str
    deployment: str
    hook_id: str
    stage: str


@dataclass(frozen=True, slots=True)
class Began:
    """A release that was to attend has a record: it has decided. `idle` is why it attended nothing: what it was refused
    for, or why it only rehearsed. It is empty if it attended."""

    idle: str = ""


def whose_gate(declared: Sequence[Mapping[str, Any]], stage: str, native: str) -> str | None:
    """Why a PAUSE hook at a stage is not Breakwater's to answer; `None` if it is.

    `declared` are the `lifecycleHooks` of the deployment, `native` is the ARN of Breakwater's own Lambda hook. Where
    that does the work of the stage, a PAUSE beside it has another purpose; of two PAUSE hooks nobody can tell which one
    is meant for Breakwater (ECS allows several hooks at a stage, and goes on when all of them have been answered).
    """
    here = [hook for hook in declared if stage in (hook.get("lifecycleStages") or ())]
    pauses = sum(hook.get("targetType") == "PAUSE" for hook in here)
    if native and any(str(hook.get("hookTargetArn") or "").startswith(native) for hook in here):
        return f"Breakwater's Lambda hook does the work at {stage}: the one that pauses is a person's"
    if pauses > 1:
        return f"{pauses} hooks that pause are declared at {stage}, and nobody can tell which one is Breakwater's"
    return None


def is_attended(policy: ReleasePolicy, stage: str) -> bool:
    """Whether Breakwater answers at a stage, so that nobody else has to hear that a deployment waits there."""
    return policy.mode is Mode.ACT and policy.work_at(stage) is not None


def decide_attend(
    waiting: Waiting,
    direction: Direction,
    policy: ReleasePolicy,
    *,
    claimed_by: str | None,
    gate: str | None = None,
) -> AttendDecision:
    """Who answers this hook? `gate` says why it is somebody else's (`whose_gate`).

    Nobody is held up for nothing: on the way back it goes on at once. But a hook at which the policy has nothing to do
    is left alone, since somebody declared it for a purpose that is not ours, such as a person's approval. At a stage of
    ours `task_alerts` keeps quiet about who waits, so there the person is told of their own gate.
    """
    if claimed_by is not None and gate is None:
        return LeaveAlone(f"{claimed_by} attends this deployment")
    if policy.mode is not Mode.ACT:
        return LeaveAlone(f"the mode is {policy.mode}: the hook waits for whoever declared it, until its own timeout")
    if not is_attended(policy, waiting.stage):
        return LeaveAlone(f"the policy has nothing to check at {waiting.stage}: the hook is somebody else's")
    if gate is not None:
        return CallPerson(gate)
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


def decide_again(first: Attend, tried: int, ended: str, *, began: Began | None, waits: bool) -> AttendDecision:
    """The release that should attend is over. `tried` of them have been, and the last one's status is `ended`.

    One that SUCCEEDED has rehearsed, and said so; one that is ABORTED was stopped by somebody, and the sweep tells
    people what it left behind. `began` is what it has on record, `None` if it never came so far: only such a one is
    followed. A refusal does not pass by itself, and a person is called with the same words that it was told in. Whoever
    attended has judged, and told a person what it could not do: a check that flaps would let through what was found
    bad. `waits` has to be seen: a hook that went on needs nobody.
    """
    if not waits:
        return LeaveAlone("the hook is not seen to wait any more")
    if ended not in FAILED:
        return LeaveAlone(f"the release that attended it is {ended}")
    if began is not None and began.idle:
        return CallPerson(began.idle)
    if began is not None:
        return LeaveAlone(f"release {tried} that attended it has judged, and told a person that it ended as {ended}")
    if tried >= MOST_TRIES:
        return CallPerson(f"{tried} releases began to attend the deployment, and each of them failed")
    reason = f"release {tried} that attended it ended as {ended}, and the hook still waits"
    return replace(first, name=f"{first.name}-{tried + 1}", reason=reason)
