"""Every five minutes: answers that were never confirmed, events that were lost, releases that nobody will close."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError, ConflictError, NotFoundError
from breakwater.model import Mode

from . import holding, telling
from .record import Ending, Kept, Release, Stage
from .sweeping import Leave, Nudge, Orphan, Seen, decide_sweep
from .wiring import Work, wiring

ENOUGH_TIME_MS = 20_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look at every release that is not over."""
    work = wiring()
    if work.mode is Mode.OFF:
        return {"repaired": 0, "nudged": 0, "orphans": 0}
    return respond(work, lambda: context.get_remaining_time_in_millis() > ENOUGH_TIME_MS)


def respond(work: Work, time_left: Callable[[], bool] = lambda: True) -> dict[str, Any]:
    """Sweep once. One release that cannot be looked at does not hold up the others; then it raises in the end."""
    now = work.now()
    repaired = sum(work.rendezvous.repair(key, now) for key in list(work.rendezvous.unsent()))
    nudged = orphans = 0
    problems: list[str] = []
    for execution in list(work.records.open()):
        if not time_left():
            break
        try:
            kept = work.records.load(execution)
            if kept is None:
                continue
            decision = decide_sweep(_seen(kept.release, work), now)
            match decision:
                case Nudge(message=message, reason=reason):
                    work.logger.info("nudged", service=kept.release.service, reason=reason)
                    work.rendezvous.arrive(kept.release.service, message, now)
                    nudged += 1
                case Orphan(reason=reason):
                    _orphaned(kept, reason, work, now)
                    orphans += 1
                case Leave():
                    pass
                case _:
                    assert_never(decision)
        except ConflictError:
            continue  # its own execution was faster
        except BreakwaterError as error:
            problems.append(f"{execution.rpartition(':')[2]}: {error}")
    if problems:
        raise BreakwaterError(f"{len(problems)} releases could not be looked at: {'; '.join(problems[:3])}")
    return {"repaired": repaired, "nudged": nudged, "orphans": orphans}


def _seen(release: Release, work: Work) -> Seen:
    running = _execution(release.execution, work)
    waits = work.rendezvous.waits(release.service)
    if running != "RUNNING" or not waits:
        return Seen(running, waits, None)
    arn = release.service_deployment
    rollout = work.sight.rollout(arn) if arn else None
    question = release.question
    return Seen(
        running,
        waits,
        rollout.seen if rollout else None,
        rollout.hook if rollout and not release.tasks else None,
        question.at if question else None,
        question.until if question else None,
        work.approvals.read(arn) if arn else None,
        _ended_task(release, work),
    )


def _ended_task(release: Release, work: Work) -> str | None:
    """A task of a check that has ended, if any was begun."""
    arns = [task.arn for task in release.tasks if task.arn]
    if not arns:
        return None
    with translated_errors("describe the tasks of checks"):
        answer = work.client("ecs").describe_tasks(cluster=release.cluster, tasks=arns)
    return next((str(one["taskArn"]) for one in answer["tasks"] if one.get("lastStatus") == "STOPPED"), None)


def _execution(arn: str, work: Work) -> str:
    try:
        with translated_errors("describe the execution"):
            return str(work.client("stepfunctions").describe_execution(executionArn=arn)["status"])
    except NotFoundError:
        return "GONE"


def _orphaned(kept: Kept, reason: str, work: Work, now: datetime) -> None:
    """Close what nobody else will: say so, and let go of the service."""
    release = kept.release
    if release.stage is not Stage.ADMITTED:
        telling.returned(work, release, f"a release was left behind: {reason}. Look at the service", now, person=True)
    telling.journal(work, release, "release left behind", reason, now)
    work.claims.let_go(release.service, release.execution)
    holding.give_back(work, release, now)
    ending = release.ending or Ending("failed", "LeftBehind", reason)
    work.records.keep(kept, replace(release.told(now, "left behind", reason), stage=Stage.OVER, ending=ending), now)
