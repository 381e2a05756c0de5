"""Every five minutes: answers that were never confirmed, events that were lost, releases that nobody will close, and
deployments of others that wait unattended."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError, ConflictError, NotFoundError
from breakwater.model import Mode

from . import holding, telling, unattended
from .close import write_down
from .facts import HookSeen
from .record import CheckTask, Ending, Release, Stage
from .records import Kept
from .sweep_wiring import Sweeping, wiring
from .sweeping import Leave, Nudge, Orphan, Seen, SweepDecision, decide_sweep
from .wiring import Work

ENOUGH_TIME_MS = 20_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look at every release that is not over, and at every deployment that nobody attends."""
    sweeping = wiring()
    if sweeping.work.mode is Mode.OFF:
        return {"repaired": 0, "nudged": 0, "orphans": 0, "attended": 0}
    return respond(sweeping, lambda: context.get_remaining_time_in_millis() > ENOUGH_TIME_MS)


def respond(sweeping: Sweeping, time_left: Callable[[], bool] = lambda: True) -> dict[str, Any]:
    """Sweep once. One release that cannot be looked at does not hold up the others; then it raises in the end."""
    work = sweeping.work
    now = work.now()
    repaired = sum(work.rendezvous.repair(key, now) for key in list(work.rendezvous.unsent()))
    nudged = orphans = 0
    problems: list[str] = []
    for execution in list(work.records.open()):
        if not time_left():
            break
        try:
            decision = _swept(execution, work, now)
            nudged += isinstance(decision, Nudge)
            orphans += isinstance(decision, Orphan)
        except ConflictError:
            continue  # its own execution was faster
        except BreakwaterError as error:
            problems.append(f"{execution.rpartition(':')[2]}: {error}")
    attended = 0
    try:
        attended = unattended.attend(sweeping, now, time_left) if time_left() else 0
    except BreakwaterError as error:
        problems.append(f"what others deploy: {error}")
    if problems:
        raise BreakwaterError(f"{len(problems)} looks failed: {'; '.join(problems[:3])}")
    return {"repaired": repaired, "nudged": nudged, "orphans": orphans, "attended": attended}


def _swept(execution: str, work: Work, now: datetime) -> SweepDecision:
    kept = work.records.load(execution)
    if kept is None:
        return Leave("there is no such release")
    decision = decide_sweep(_seen(kept.release, work), now)
    match decision:
        case Nudge(message=message, reason=reason):
            work.logger.info("nudged", service=kept.release.service, reason=reason)
            work.rendezvous.arrive(kept.release.service, message, now)
        case Orphan(reason=reason):
            _orphaned(kept, reason, work, now)
        case Leave() if kept.release.question is not None and now < kept.release.question.until:
            telling.ask(work, kept.release, now)  # it is open still, and not over because nothing more is heard of it
        case Leave():
            pass
        case _:
            assert_never(decision)
    return decision


def _seen(release: Release, work: Work) -> Seen:
    execution = _execution(release.execution, work)
    waits = work.rendezvous.waits(release.service)
    if execution != "RUNNING" or not waits:
        return Seen(execution, waits, None)
    arn = release.service_deployment
    rollout = work.sight.rollout(arn) if arn else None
    question = release.question
    hook = rollout.hook if rollout else None
    running = [task for task in release.tasks if task.arn and task.end is None]
    for_tasks = any(hook is None or task.at == hook.hook_id for task in running)
    return Seen(
        execution,
        waits,
        rollout.seen if rollout else None,
        None if for_tasks or _gathers(release, hook, work.now()) else hook,
        question.at if question else None,
        question.since if question else None,
        question.until if question else None,
        work.approvals.read(arn) if arn else None,
        _ended_task(release, running, work),
        settles=_settles(release, work.now()),
        returning=release.stage is Stage.RETURNING,
    )


def _settles(release: Release, now: datetime) -> bool:
    """Whether it knows that its deployment is through, and when it looks again."""
    return release.stage is Stage.FORWARD and release.settle_until is not None and now < release.settle_until


def _gathers(release: Release, hook: HookSeen | None, now: datetime) -> bool:
    """Whether it waits at this hook for more traffic, and knows when it looks again."""
    looks = release.looks
    return (
        looks is not None
        and hook is not None
        and looks.at == hook.hook_id
        and looks.due is not None
        and now < looks.due
    )


def _ended_task(release: Release, running: list[CheckTask], work: Work) -> str | None:
    """A task of a check that has ended although the release has not seen it end."""
    if not running:
        return None
    with translated_errors("describe the tasks of checks"):
        answer = work.client("ecs").describe_tasks(cluster=release.cluster, tasks=[task.arn for task in running])
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
    if release.question is not None:
        telling.answered(work, release, f"the release was left behind: {reason}", now)
    if release.stage is not Stage.ADMITTED:
        telling.returned(work, release, f"a release was left behind: {reason}. Look at the service", now, person=True)
    telling.journal(work, release, "release left behind", reason, now)
    ending = release.ending or Ending("failed", "LeftBehind", reason)
    write_down(release, ending, work, now)
    work.claims.let_go(release.service, release.execution)
    holding.give_back(work, release, now)
    work.records.keep(kept, replace(release.told(now, "left behind", reason), stage=Stage.OVER, ending=ending), now)
