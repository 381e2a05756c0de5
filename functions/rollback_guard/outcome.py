"""What came of a rollback, ours or the platform's? Pure: it follows from one picture of the service.

Steady is COMPLETED, all tasks running, and none of them failing for a while. What is neither steady nor over is open.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from breakwater.ledger import Rollback, State

from .answers import Hold, HoldKind, RollbackDecision
from .picture import Picture, RolloutState

STEADY_AFTER = timedelta(minutes=2)
GIVE_UP = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Open:
    """Nothing can be said yet."""

    reason: str


@dataclass(frozen=True, slots=True)
class Over:
    """It is over. `state` is STEADY, FAILED or SUPERSEDED."""

    state: State
    reason: str


Outcome = Open | Over


def decide_outcome(rollback: Rollback, picture: Picture, decision: RollbackDecision, now: datetime) -> Outcome:
    """Say what came of our own rollback. `decision` is what was just decided about the same picture."""
    primary = picture.primary
    tasks = f"{primary.running} of {picture.desired} tasks are running"
    patience = now - rollback.at <= GIVE_UP
    if primary.revision != rollback.to:
        if primary.id != rollback.fence:
            return Over(State.SUPERSEDED, "another deployment came before its outcome was known")
        if patience:
            return Open("ECS was asked, and the bad revision is still PRIMARY")
        return Over(State.FAILED, "ECS was asked, and the bad revision is still PRIMARY")
    if isinstance(decision, Hold) and decision.kind is HoldKind.ROLLBACK_OF_ROLLBACK:
        return Over(State.FAILED, "the old revision fails too")
    if primary.state is RolloutState.FAILED:
        return Over(State.FAILED, "the rollback's own deployment failed")
    if _steady(picture, rollback.at, now):
        return Over(State.STEADY, tasks)
    return Open(tasks) if patience else Over(State.FAILED, f"after 30 minutes {tasks}")


def decide_platforms_outcome(fence: str, picture: Picture, now: datetime) -> Outcome:
    """Say what came of a rollback that was left to the platform.

    `fence` was PRIMARY when the guard stood down: the bad deployment, or one that was on its way back already.
    """
    primary, deployment = picture.primary, picture.service_deployment
    status = deployment.status if deployment else ""
    if status == "ROLLBACK_FAILED" or (status.startswith("ROLLBACK") and primary.state is RolloutState.FAILED):
        return Over(State.FAILED, "ECS could not roll it back")
    if status.startswith("ROLLBACK"):
        tasks = f"{primary.running} of {picture.desired} tasks are running"
        return Over(State.STEADY, tasks) if _steady(picture, primary.created_at, now) else Open(tasks)
    if primary.id != fence:
        return Over(State.SUPERSEDED, "another deployment came before its outcome was known")
    if primary.state is RolloutState.COMPLETED:
        return Over(State.SUPERSEDED, "the deployment COMPLETED after all, without a rollback")
    return Open("ECS has not rolled it back yet")


def _steady(picture: Picture, since: datetime, now: datetime) -> bool:
    primary = picture.primary
    if primary.state is not RolloutState.COMPLETED or not primary.running >= picture.desired > 0:
        return False
    since = max(since, primary.completed_at or since)
    last = picture.own.last_at
    return now - since >= STEADY_AFTER and (last is None or last <= since)
