"""Lifecycle stages, hooks as a service declares them, and the contract with a Lambda hook. All pure (ecs 4, botocore).

The service model lists `PRE_PRODUCTION_TRAFFIC_SHIFT` for hooks only and describes it for deployments too; the model
shows it in both.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.ecs.constants import MINUTE, SECOND
from sandbox.ecs.errors import invalid
from sandbox.ecs.names import iso_nanoseconds, iso_seconds
from sandbox.ecs.state import ServiceDeployment

RECONCILE = "RECONCILE_SERVICE"
PRE_SCALE_UP = "PRE_SCALE_UP"
SCALE_UP = "SCALE_UP"
POST_SCALE_UP = "POST_SCALE_UP"
TEST_SHIFT = "TEST_TRAFFIC_SHIFT"
POST_TEST_SHIFT = "POST_TEST_TRAFFIC_SHIFT"
PRE_PRODUCTION_SHIFT = "PRE_PRODUCTION_TRAFFIC_SHIFT"
PRODUCTION_SHIFT = "PRODUCTION_TRAFFIC_SHIFT"
POST_PRODUCTION_SHIFT = "POST_PRODUCTION_TRAFFIC_SHIFT"
BAKE_TIME = "BAKE_TIME"
CLEAN_UP = "CLEAN_UP"

STAGES = (
    RECONCILE,
    PRE_SCALE_UP,
    SCALE_UP,
    POST_SCALE_UP,
    TEST_SHIFT,
    POST_TEST_SHIFT,
    PRE_PRODUCTION_SHIFT,
    PRODUCTION_SHIFT,
    POST_PRODUCTION_SHIFT,
    BAKE_TIME,
    CLEAN_UP,
)
"""In their order."""
SHIFTS = (TEST_SHIFT, PRODUCTION_SHIFT)
"""The stages in which traffic moves: no PAUSE there, and they run again on the way back."""
HOOKABLE = tuple(stage for stage in STAGES if stage not in (SCALE_UP, BAKE_TIME, CLEAN_UP))

CALL_BACK = 30 * SECOND
"""`callBackDelay` unless the hook says otherwise: ecs 4 [read]."""
LONGEST_RUN = 15 * MINUTE
"""One run of a Lambda function: ecs 4 [read]."""
DEFAULT_TIMEOUT = 1440
LONGEST_TIMEOUT = 20160
"""`timeoutInMinutes`: 1 to 20160, default 1440 (botocore)."""
OPEN = frozenset({"AWAITING_ACTION", "IN_PROGRESS"})
EXPIRING = OPEN | {"TIMED_OUT"}


@dataclass(frozen=True, slots=True)
class Hook:
    """One entry of `lifecycleHooks`. What ECS would refuse cannot be made."""

    stages: tuple[str, ...]
    target_type: str = "AWS_LAMBDA"
    target_arn: str | None = None
    role_arn: str | None = None
    details: Mapping[str, Any] | None = field(default=None, hash=False)
    timeout_minutes: int = DEFAULT_TIMEOUT
    timeout_action: str = "ROLLBACK"

    def __post_init__(self) -> None:
        """Refuse what the service model or its documentation does not allow."""
        if self.target_type not in ("AWS_LAMBDA", "PAUSE"):
            raise invalid(f"{self.target_type} is not a valid targetType of a lifecycle hook.")
        if not self.stages:
            raise invalid("lifecycleStages of a lifecycle hook must not be empty.")
        for stage in self.stages:
            if stage not in HOOKABLE:
                raise invalid(f"{stage} is not a lifecycle stage for hooks.")
            if self.pauses and stage in SHIFTS:
                raise invalid(f"PAUSE hooks cannot be configured at {stage}.")
        if not self.pauses and not self.target_arn:
            raise invalid("hookTargetArn is required for AWS_LAMBDA hooks.")
        if self.pauses and (self.target_arn is not None or self.details is not None):
            raise invalid("hookTargetArn and hookDetails are not used for PAUSE hooks.")
        if not 1 <= self.timeout_minutes <= LONGEST_TIMEOUT:
            raise invalid(f"timeoutInMinutes must be between 1 and {LONGEST_TIMEOUT}.")
        if self.timeout_action not in ("ROLLBACK", "CONTINUE"):
            raise invalid("The action of timeoutConfiguration must be ROLLBACK or CONTINUE.")

    @property
    def pauses(self) -> bool:
        """Whether somebody has to continue it."""
        return self.target_type == "PAUSE"


@dataclass(slots=True, eq=False)
class Run:
    """One run of a hook: one stage, entered once."""

    hook: Hook
    hook_id: str
    execution_id: str
    stage: str
    status: str
    expires_at: int
    updated_at: int
    details: Mapping[str, Any] | None
    reason: str = ""
    calls: int = 0
    answer_due: int | None = None
    """While Lambda runs: when it must have answered."""

    @property
    def is_open(self) -> bool:
        """Whether the stage still waits for it."""
        return self.status in OPEN

    @property
    def failed(self) -> bool:
        """Whether it asks for a rollback."""
        return self.status == "FAILED" or (self.status == "TIMED_OUT" and self.hook.timeout_action == "ROLLBACK")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a Lambda hook answered, understood."""

    status: str
    delay: int = CALL_BACK
    details: Mapping[str, Any] | None = None
    reason: str = ""


def understood(answer: object) -> Answer:
    """Read the answer of a Lambda hook. Whatever is missing or invalid is a failure, as ECS takes it (ecs 4)."""
    if not isinstance(answer, Mapping):
        return Answer("FAILED", reason="the hook answered no object")
    status = answer.get("hookStatus")
    if not isinstance(status, str) or status not in ("SUCCEEDED", "FAILED", "IN_PROGRESS"):
        return Answer("FAILED", reason="the hook answered no valid hookStatus")
    if status == "FAILED":
        return Answer("FAILED", reason="the hook answered FAILED")
    delay = answer.get("callBackDelay", CALL_BACK // SECOND)
    if isinstance(delay, bool) or not isinstance(delay, int | float) or not math.isfinite(delay) or delay < 0:
        return Answer("FAILED", reason="the hook answered no valid callBackDelay")
    details = answer.get("hookDetails")
    try:
        valid = details is None or (isinstance(details, Mapping) and bool(json.dumps(dict(details))))
    except (TypeError, ValueError):
        valid = False
    if not valid:
        return Answer("FAILED", reason="the hook answered no valid hookDetails")
    if status == "SUCCEEDED":
        return Answer("SUCCEEDED")
    return Answer(status, max(SECOND, round(delay * SECOND)), details)  # a delay of 0 would stop the clock


def payload(rollout: ServiceDeployment, run: Run, direction: Mapping[str, Any], *, wrapped: bool) -> dict[str, Any]:
    """The event of a Lambda hook. CONFLICT in ecs 4: a real one has the `executionDetails` wrapper, the guide has not.

    `direction`: testTrafficWeights, productionTrafficWeights and targetServiceRevisionArn as they are now.
    """
    facts = {**direction, "serviceArn": rollout.service.arn}
    event: dict[str, Any] = {
        **({"executionDetails": facts} if wrapped else facts),
        "executionId": run.execution_id,
        "lifecycleStage": run.stage,
        "resourceArn": rollout.arn,
    }
    if run.details is not None:
        event["hookDetails"] = json.loads(json.dumps(dict(run.details)))  # a copy: it is the function's own
    return event


def hook_detail(rollout: ServiceDeployment, run: Run) -> dict[str, Any]:
    """The detail of an `ECS Hook State Change` (events 6). `updatedAt` has nanoseconds."""
    expires = {"expiresAt": iso_seconds(run.expires_at)} if run.status in EXPIRING else {}
    return {
        "eventType": "INFO",
        "eventName": f"HOOK_{run.status}",
        "hookId": run.hook_id,
        "hookType": run.hook.target_type,
        **expires,
        "lifecycleStage": run.stage,
        "clusterArn": rollout.service.cluster.arn,
        "serviceArn": rollout.service.arn,
        "serviceDeploymentArn": rollout.arn,
        "updatedAt": iso_nanoseconds(run.updated_at),
    }
