"""The step that changes the service: deploy, answer a hook, go back. Nothing else of a release writes to ECS.

Arrives: what was decided. Each change is kept as an intent, fenced by the lease and by what is seen right before it,
then made, then confirmed; made twice it is made once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError, NotFoundError, RefusedError, ThrottledError
from breakwater.leases import Busy
from breakwater.sent_back import SentBack

from . import holding, telling
from .decision import GoBack, GoOn, decide_continue
from .facts import OVER
from .failure import told
from .hearing import heard
from .record import Release, Stage
from .records import Kept
from .returning import (
    HandOver,
    NothingBegun,
    Redeploy,
    RefuseAtHook,
    ReturnDecision,
    StopDeployment,
    WatchReturn,
    decide_return,
)
from .sight import Rollout, Standing
from .wiring import Work, wiring

PATIENCE = 1800
AT_ONCE = 5
UNSEEN = 60
"""How long to wait, in seconds, where the deployment that was begun cannot be seen yet."""
LOOKS = 5
"""How often a hook whose answer was refused is looked at, at growing gaps: what is read may be old."""
MOMENTS = (2, 4, 8)
"""Seconds between the tries to get the lease back from somebody who is no release."""
ENDINGS = (Stage.TURNED, Stage.REHEARSED, Stage.HANDED_OVER, Stage.OVER)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the states ReleaseMove and ReleaseReturn."""
    return respond(event, wiring())


def respond(event: dict[str, Any], work: Work) -> dict[str, Any]:
    """Do what was decided. Raises `BreakwaterError`: then the machine goes to the way back."""
    todo, now = event["todo"] or {}, work.now()
    kept = work.records.load(str(event["execution"]))
    if todo.get("verb") == "return":
        return _return(kept, event.get("failure"), work, now)
    if kept is None:
        raise NotFoundError("there is no record of this release")
    holding.renew(work, kept.release, now)
    match todo.get("verb"):
        case "deploy":
            return _on("wait", PATIENCE if _deploy(kept, work, now) else UNSEEN)
        case "continue":
            return _on("wait", _continued(kept, str(todo["hook"]), str(todo.get("reason", "")), work, now))
        case verb:
            raise BreakwaterError(f"{verb} is nothing that a release does")


def _on(way: str, patience: int = PATIENCE) -> dict[str, Any]:
    return {"next": way, "todo": {"verb": "watch"}, "patience": patience}


# ── forward ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _deploy(kept: Kept, work: Work, now: datetime) -> bool:
    """UpdateService, once: what the service has tells whether it was called before. Says whether its deployment is
    seen."""
    release = kept.release
    before = release.before
    if before is None or release.service_deployment is not None:
        return True
    seen = work.sight.standing(release.cluster, release.name).seen
    if seen.deployment == before.deployment:
        reason = f"{release.task_definition.rpartition('/')[2]} in place of {before.task_definition.rpartition('/')[2]}"
        intent = replace(release, stage=Stage.FORWARD, intended_at=release.intended_at or now)
        kept = work.records.keep(kept, intent.told(now, "deploy", reason), now)
        _update(release, release.task_definition, work)
        telling.journal(work, release, "deploy", reason, now)
    elif seen.task_definition != release.task_definition or release.intended_at is None:
        raise holding.SupersededError(f"{release.service} has {seen.task_definition.rpartition('/')[2]} by now")
    found = _found(kept, release.task_definition, kept.release.intended_at or now, work, now)
    return found.release.service_deployment is not None


def _found(kept: Kept, definition: str, since: datetime, work: Work, now: datetime) -> Kept:
    """Note what events will call the deployment. One that is not to be seen yet is looked for again later."""
    release = kept.release
    arn = work.sight.find(release.cluster, release.name, definition, since)
    seen = work.sight.standing(release.cluster, release.name).seen
    id_ = seen.deployment if seen.task_definition == definition else None
    return work.records.keep(kept, replace(release, service_deployment=arn, deployment=id_), now)


def _update(release: Release, definition: str, work: Work) -> None:
    with translated_errors(f"update {release.service}"):
        work.client("ecs").update_service(cluster=release.cluster, service=release.name, taskDefinition=definition)


def _continued(kept: Kept, hook: str, reason: str, work: Work, now: datetime) -> int:
    """ContinueServiceDeployment with CONTINUE, unless something speaks against it by now. How long to wait then."""
    release = kept.release
    arn = release.service_deployment or ""
    rollout = work.sight.rollout(arn)
    if rollout is not None and rollout.hook is not None and rollout.hook.hook_id == hook:
        decision = decide_continue(release, rollout.seen, hook, heard(work, release))
        if not isinstance(decision, GoOn):
            work.logger.info("not continued", service=release.service, hook=hook, reason=decision.reason)
            return AT_ONCE if isinstance(decision, GoBack) else PATIENCE  # then the next look sends it back
        said = release.told(now, f"CONTINUE at {rollout.hook.stage}", reason)
        kept = work.records.keep(kept, said, now)
        _continue(arn, hook, "CONTINUE", work)
        telling.journal(work, release, f"continue at {rollout.hook.stage}", reason, now)
    work.records.keep(kept, replace(kept.release, question=None), now)
    return PATIENCE


def _continue(arn: str, hook: str, action: str, work: Work) -> None:
    """Answer a hook. One that was answered a moment ago, by a call whose answer was lost or by somebody else, or whose
    time was up, waits no more: to a CONTINUE that is as good.

    Raises `ThrottledError` if it still seems to wait, and for any ROLLBACK that was not taken: the hook may have been
    told CONTINUE, and then nothing goes back. The machine tries the step again, and what it is now is seen anew.
    """
    try:
        with translated_errors(f"continue {arn.rpartition('/')[2]}"):
            work.client("ecs").continue_service_deployment(serviceDeploymentArn=arn, hookId=hook, action=action)
    except (RefusedError, ThrottledError):
        raise
    except BreakwaterError as error:
        if not _answered(arn, hook, work) or action == "ROLLBACK":
            raise ThrottledError(str(error)) from error


def _answered(arn: str, hook: str, work: Work) -> bool:
    """Whether a hook waits no more."""
    for look in range(LOOKS):
        if look:
            work.sleep(2**look)
        rollout = work.sight.rollout(arn)
        if rollout is not None and (rollout.hook is None or rollout.hook.hook_id != hook):
            return True
    return False


# ── back ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _return(kept: Kept | None, failure: Any, work: Work, now: datetime) -> dict[str, Any]:
    if kept is None or kept.release.stage in ENDINGS:
        return _on("close")
    release = kept.release
    why = release.why or told(failure) or "it was to go back"
    token = _taken(release, work)
    if isinstance(token, Busy):
        return _handed_over(kept, f"{why}; but {token.reason}: nothing was done", work, now)
    kept = work.records.keep(kept, replace(release, why=why, token=token), now)
    rollout, standing = _look(kept.release, work)
    if kept.release.redeployed_at is not None and _is_back(kept.release, standing):
        kept = _found(kept, standing_before(kept.release), kept.release.redeployed_at, work, now)
        rollout, _ = _look(kept.release, work)
        over = rollout is not None and rollout.seen.status in OVER
        return _closed(kept.release) if over else _on("wait")
    hook = rollout.hook.hook_id if rollout and rollout.hook else None
    decision = decide_return(kept.release, rollout.seen if rollout else None, standing.seen if standing else None, hook)
    return _undone(kept, decision, work, now)


def _taken(release: Release, work: Work) -> int | Busy:
    """The lease, for the way back. Who has it for moments, as the scaler does, is waited for a while."""
    for gap in MOMENTS:
        token = holding.take(work, release, work.now())
        if not isinstance(token, Busy) or holding.by_release(token):
            return token
        work.sleep(gap)
    return holding.take(work, release, work.now())


def _is_back(release: Release, standing: Standing | None) -> bool:
    """Whether the service was told to have what it had: a crash may have come between the intent and the call."""
    return standing is not None and standing.seen.task_definition == standing_before(release)


def standing_before(release: Release) -> str:
    """The task definition that stood before."""
    return release.before.task_definition if release.before else ""


def _look(release: Release, work: Work) -> tuple[Rollout | None, Standing | None]:
    arn = release.service_deployment
    if arn is None and release.intended_at is not None:
        arn = work.sight.find(release.cluster, release.name, release.task_definition, release.intended_at)
    rollout = work.sight.rollout(arn) if arn else None
    try:
        return rollout, work.sight.standing(release.cluster, release.name)
    except NotFoundError:
        return rollout, None


def _undone(kept: Kept, decision: ReturnDecision, work: Work, now: datetime) -> dict[str, Any]:
    release = kept.release
    # the time to settle begins anew: that of the way there may be long over
    back = replace(release, stage=Stage.RETURNING, question=None, settle_until=None)
    back = back.told(now, "back", f"{release.why}; {decision.reason}")
    match decision:
        case NothingBegun():
            work.records.keep(kept, replace(release, stage=Stage.ADMITTED), now)
            return _on("close")
        case HandOver(reason=reason):
            return _handed_over(kept, f"{release.why}; {reason}", work, now)
        case WatchReturn(over=over):
            work.records.keep(kept, back, now)
            return _closed(back) if over else _on("wait")
        case RefuseAtHook(service_deployment=arn, hook=hook):
            back = _back_by_ecs(kept, replace(back, refused=hook), arn, work, now)
            _continue(arn, hook, "ROLLBACK", work)
        case StopDeployment(service_deployment=arn):
            back = _back_by_ecs(kept, back, arn, work, now)
            with _decided_anew(), translated_errors(f"stop {arn.rpartition('/')[2]}"):
                work.client("ecs").stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
        case Redeploy(task_definition=definition, fence=fence):
            _redeployed(kept, back, definition, fence, work, now)
        case _:
            assert_never(decision)
    telling.journal(work, back, "go back", f"{release.why}; {decision.reason}", now)
    return _on("wait")


@contextmanager
def _decided_anew() -> Iterator[None]:
    """What ECS does not take came too late, whatever the error's code: the machine tries the step again, and it is
    decided by what is seen then. What IAM refuses stays refused."""
    try:
        yield
    except RefusedError:
        raise
    except BreakwaterError as error:
        raise ThrottledError(str(error)) from error


def _back_by_ecs(kept: Kept, back: Release, arn: str, work: Work, now: datetime) -> Release:
    """Keep the intent; and note, for who hears ECS's events of it, that they are no news."""
    kept = work.records.keep(kept, replace(back, service_deployment=arn), now)
    work.sent_back.note(back.service, SentBack(arn, back.deployment or "", now))
    return kept.release


def _redeployed(kept: Kept, back: Release, definition: str, fence: str, work: Work, now: datetime) -> None:
    """UpdateService to what stood before, if the deployment that was seen is still the PRIMARY one."""
    seen = work.sight.standing(back.cluster, back.name).seen
    if seen.deployment != fence:
        raise holding.SupersededError(f"{back.service} has another deployment by now")
    intent = replace(back, redeployed_at=now, intended_at=back.intended_at or now)
    kept = work.records.keep(kept, intent, now)
    _update(back, definition, work)
    _found(kept, definition, now, work, now)


def _handed_over(kept: Kept, reason: str, work: Work, now: datetime) -> dict[str, Any]:
    release = replace(kept.release, stage=Stage.HANDED_OVER, why=reason).told(now, "handed over", reason)
    work.records.keep(kept, release, now)
    return _closed(release)


def _closed(release: Release) -> dict[str, Any]:
    """Nothing is left to wait for. Tasks of checks that still run are stopped first, by the step that may stop them."""
    return _on("check" if any(task.arn and task.end is None for task in release.tasks) else "close")
