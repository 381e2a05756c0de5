"""Does a deployment still move? ECS waits without end for tasks that do not come up, and nobody else says so. Pure.

Moved has what is at another stage or weight, what has more tasks of the side that is to grow than were ever seen at
this one, or fewer of the other side. Only new extremes count: tasks that crash and come up again move nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .facts import DeploymentSeen
from .record import Progress, Release, Stage

STUCK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Moves:
    """It was seen to move: keep this."""

    progress: Progress
    reason: str


@dataclass(frozen=True, slots=True)
class Rests:
    """Nothing has changed, and that may be so for a while."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stands:
    """Nothing has changed for too long: nothing will."""

    reason: str


ProgressDecision = Moves | Rests | Stands


def decide_progress(release: Release, seen: DeploymentSeen, longest_bake: int, now: datetime) -> ProgressDecision:
    """Compare what is seen with the furthest that was seen. `longest_bake` are minutes that it may rest by itself.

    Forward, what somebody's hook holds up rests by intent, and the hook has a time of its own; so does what bakes, for
    how long deployment alarms make ECS wait is nowhere to be read. The way back has no hooks that a person could want
    to wait for, and no bake that is worth a silence, so there nothing excuses it.
    """
    back = release.stage is Stage.RETURNING
    grows, shrinks = (seen.old_tasks, seen.new_tasks) if seen.is_rollback else (seen.new_tasks, seen.old_tasks)
    at = f"{release.stage} {seen.arn.rpartition('/')[2]} {seen.status} {seen.stage} {seen.production_weight}"
    last = release.progress
    if last is None or last.at != at:
        return Moves(Progress(at, now, grows, shrinks), f"it is {seen.status} at {seen.stage}")
    if grows > last.most or shrinks < last.fewest:
        furthest = Progress(at, now, max(grows, last.most), min(shrinks, last.fewest))
        return Moves(furthest, f"{grows} tasks run of the side that grows, {shrinks} of the other")
    if seen.held and not back:
        return Moves(Progress(at, now, last.most, last.fewest), "a hook holds it up")
    if seen.stage == "BAKE_TIME" and not back:
        return Rests("it bakes, and ECS ends that by itself")
    still = now - last.since
    minutes = int(still.total_seconds() // 60)
    if still > STUCK + timedelta(minutes=0 if seen.is_rollback else longest_bake):
        what = "its way back" if back else "its deployment"
        where = f"{seen.status}{f' at {seen.stage}' if seen.stage else ''}"
        return Stands(
            f"{what} has been {where} for {minutes} minutes without a change: {last.most} tasks of the side that "
            f"grows, {last.fewest} of the other"
        )
    return Rests(f"nothing has changed for {minutes} minutes")
