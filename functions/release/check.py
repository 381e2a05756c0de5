"""The step that looks: what does the deployment wait for, and may it have more traffic?

Arrives: the event that ended a wait, or none. It is only a reason to look: what counts is what ECS says now; but for
FAILING, in which the rollback guard tells what it has weighed. Decided:
`decide_after_hook`, `decide_verdict`, `decide_shift_analysis`, `decide_approval`, `decide_progress`, `decide_continue`.
This function can reach the service and cannot change it; what is to be done is answered, and done by `move`.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from breakwater.checks.results import Failed, Inconclusive, Passed, Verdict
from breakwater.errors import NotFoundError, ThrottledError
from breakwater.release_policy import ReleasePolicy, StageWork
from breakwater.rendezvous import Kind, Word

from . import holding, news, telling, watching
from .analysis import Doubt, LookAgain, Proceed, Stop
from .asking import AFTER, not_overtaken
from .decision import (
    AskPerson,
    Examine,
    GoBack,
    GoOn,
    PassBy,
    VerdictDecision,
    WaveThrough,
    decide_after_hook,
    decide_approval,
    decide_continue,
    decide_verdict,
    fails,
    latest_answer,
    rolls_back,
    speaks_of_the_revision,
)
from .examining import Pending, analysed, checked, stopped
from .expecting import expected
from .facts import OVER, ROLLED_BACK, ROLLING_BACK
from .hearing import heard
from .looking import looked_for
from .naming import named
from .outcome import NotYet, Verified, Wrong, decide_outcome
from .pacing import next_look
from .progress import Moves, Rests, Stands, decide_progress
from .record import Looks, Question, Release, Stage
from .records import Kept
from .returning import is_going_on
from .sight import Rollout
from .wiring import Work, wiring

PATIENCE = 1800
SOON = 60
"""How long to wait, in seconds, where what an event has told is still not to be seen, or a question not told."""
LEAST = 45
"""Shorter than this, a wait for a task would cost as much as asking for it."""
FOUND_WITHIN = timedelta(minutes=10)

Answer = dict[str, Any]


def handler(event: dict[str, Any], context: Any) -> Answer:
    """Answer the state ReleaseCheck."""
    return respond(event, wiring())


def respond(event: dict[str, Any], work: Work) -> Answer:
    """Look at the deployment and say where the machine goes. Raises `BreakwaterError`: then it goes back."""
    now = work.now()
    kept = work.records.load(str(event["execution"]))
    if kept is None:
        raise NotFoundError("there is no record of this release")
    if kept.release.stage is Stage.HANDED_OVER:  # its lease may be somebody else's by now
        work.records.keep(kept, stopped(kept.release, work), now)
        return _answer("close")
    holding.renew(work, kept.release, now)
    told = event.get("event") or {}
    rollout, behind = looked_for(kept.release, told, work, now)
    if rollout is not None:
        kept = work.records.keep(kept, named(watching.looked(kept.release, rollout, work, now), work), now)
    if told.get("kind") == Kind.FAILING and kept.release.stage is Stage.FORWARD:
        return _sent_back(kept, fails((told.get("body") or {}).get("reason")), work, now)
    if rollout is None:
        return _unseen(kept, work, now)
    release = kept.release
    if release.stage is Stage.RETURNING:
        kept = work.records.keep(kept, stopped(release, work), now)
        return _on_the_way_back(kept, rollout, work, now)
    if release.why:  # that it goes back was decided before, and the answer was lost: a check that flaps changes nothing
        return _answer("return")
    return _forward(kept, rollout, work, now, SOON if behind else PATIENCE)


def _forward(kept: Kept, rollout: Rollout, work: Work, now: datetime, patience: int) -> Answer:
    release = kept.release
    if rollout.seen.status in ROLLING_BACK | ROLLED_BACK or rollout.seen.status == "STOPPED":
        return _lost(kept, rollout, work, now)
    word = work.approvals.read(rollout.seen.arn)
    if word is not None and word.aborts:
        return _back(kept, f"aborted by {word.by}", work, now)
    kept = not_overtaken(kept, rollout, work, now)
    policy = work.policy(release.service, now)
    if rollout.seen.status in OVER:
        return _through(kept, rollout, policy, word, work, now)
    if rollout.hook is None:
        return _under_way(kept, rollout, work, now, patience)
    return _at_hook(kept, rollout, policy, word, work, now)


def _unseen(kept: Kept, work: Work, now: datetime) -> Answer:
    """There is no deployment of ours to be seen: ECS may be slow to tell, so who deployed looks for it again."""
    began = kept.release.intended_at or kept.release.began_at
    if kept.release.why:  # it goes back already: who sends it there looks for it too
        return _answer("return")
    if now - began < FOUND_WITHIN:
        return _answer("move", verb="deploy")
    return _back(kept, "its deployment cannot be found", work, now)


def _under_way(kept: Kept, rollout: Rollout, work: Work, now: datetime, patience: int) -> Answer:
    """It goes on by itself. What stands still for too long goes back."""
    decision = decide_progress(kept.release, rollout.seen, rollout.longest_bake, now)
    match decision:
        case Moves(progress=progress):
            work.records.keep(kept, replace(kept.release, progress=progress), now)
            return _answer("wait", patience=patience)
        case Rests():
            return _answer("wait", patience=patience)
        case Stands(reason=reason):
            return _back(kept, reason, work, now)
        case _:
            assert_never(decision)


def _on_the_way_back(kept: Kept, rollout: Rollout, work: Work, now: datetime) -> Answer:
    """A return is never held up: its hooks are continued, and nothing is checked. What goes forward all the same
    is sent back anew; where it stands still a person is told, and nothing more is done."""
    hook = rollout.hook
    if is_going_on(kept.release, rollout.seen, hook.hook_id if hook is not None else None):
        return _answer("return")
    if rollout.seen.status in OVER:
        return _answer("close")
    if hook is not None and isinstance(on := decide_continue(kept.release, rollout.seen, hook.hook_id, None), GoOn):
        return _move(hook.hook_id, on.reason)
    decision = decide_progress(kept.release, rollout.seen, rollout.longest_bake, now)
    match decision:
        case Moves(progress=progress):
            work.records.keep(kept, replace(kept.release, progress=progress), now)
            return _answer("wait")
        case Rests():
            return _answer("wait")
        case Stands(reason=reason):
            why = f"{kept.release.why}; it was to go back, but {reason}"
            handed = replace(kept.release, stage=Stage.HANDED_OVER, why=why)
            work.records.keep(kept, handed.told(now, "handed over", reason), now)
            return _answer("close")
        case _:
            assert_never(decision)


def _lost(kept: Kept, rollout: Rollout, work: Work, now: datetime) -> Answer:
    """ECS, or somebody, ended it: the way back says what that means."""
    seen = rollout.seen
    reason = seen.reason or "without a reason"
    return _back(kept, f"ECS says {seen.status}: {reason}", work, now, at_fault=speaks_of_the_revision(reason))


def _back(kept: Kept, why: str, work: Work, now: datetime, *, at_fault: bool = False) -> Answer:
    """It goes back. `at_fault`: because of the revision itself, which is then not tried again."""
    release = kept.release
    if not release.why:
        if release.question is not None:
            telling.answered(work, release, f"the release goes back: {why}", now)
        back = replace(release, why=why, question=None, at_fault=at_fault)
        kept = work.records.keep(kept, back.told(now, "failed", why), now)
        telling.journal(work, release, "release failed", why, now)
        work.records.keep(kept, stopped(kept.release, work), now)
    return _answer("return")


def _sent_back(kept: Kept, decision: GoBack, work: Work, now: datetime) -> Answer:
    return _back(kept, decision.reason, work, now, at_fault=decision.at_fault)


# ── at a hook ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _at_hook(
    kept: Kept, rollout: Rollout, policy: ReleasePolicy, word: Word | None, work: Work, now: datetime
) -> Answer:
    hook, release = rollout.hook, kept.release
    if hook is None:
        return _answer("wait")
    if release.question is not None and release.question.at == hook.hook_id:
        return _questioned(kept, word, policy, work, now)
    if release.progress is not None:  # how long it waits here is not how long it stands still
        kept = work.records.keep(kept, replace(release, progress=None), now)
    seen = replace(rollout.seen, to_known_good=_rolls_back(release, work))
    decision = decide_after_hook(hook, seen, policy, ours=release.service_deployment)
    match decision:
        case PassBy():
            return _answer("wait")
        case WaveThrough(reason=reason):
            against = heard(work, release)
            return _move(hook.hook_id, reason) if against is None else _sent_back(kept, against, work, now)
        case Examine(work=StageWork.CHECKS):
            return _checks(kept, rollout, policy, hook.hook_id, work, now)
        case Examine():
            return _analysis(kept, rollout, policy, hook.hook_id, work, now)
        case _:
            assert_never(decision)


def _rolls_back(release: Release, work: Work) -> bool:
    """Whether somebody goes back to what ran well here before by deploying it."""
    if not release.attended or release.before is None:
        return False
    ledger = work.ledgers.load([release.service])[release.service].ledger
    good = ledger.good(release.task_definition) is not None
    return rolls_back(release.task_definition, release.before.task_definition, known_good=good)


def _move(hook: str, reason: str) -> Answer:
    """The deployment goes on."""
    return _answer("move", verb="continue", hook=hook, reason=reason)


def _checks(kept: Kept, rollout: Rollout, policy: ReleasePolicy, at: str, work: Work, now: datetime) -> Answer:
    """Run the checks; those that run as tasks are waited for like everything else."""
    done = checked(kept.release, policy, at, work, now)
    release = replace(kept.release, tasks=done.tasks)
    if isinstance(done, Pending):
        release = release.told(now, "checks", done.reason)
        work.records.keep(kept, release, now)
        return _answer("wait", patience=max(LEAST, done.seconds))
    now = work.now()  # checks take their time
    for result in done.results:
        release = release.told(now, f"check {result.check}", watching.answered(result))
    kept = work.records.keep(kept, release, now)
    return _judged(kept, rollout, done.verdict, policy, at, StageWork.CHECKS, work, now)


def _analysis(kept: Kept, rollout: Rollout, policy: ReleasePolicy, at: str, work: Work, now: datetime) -> Answer:
    """One look at both sides, once it is due: whatever else is told meanwhile is heard at once.

    Each is counted before it is made: a look that is made twice is two chances.
    """
    release = kept.release
    looks = release.looks if release.looks is not None and release.looks.at == at else Looks(at, now)
    if looks.due is not None and now < looks.due:
        return _answer("wait", patience=_until(looks.due, now))
    looks = replace(looks, count=looks.count + 1, due=None)
    kept = work.records.keep(kept, replace(release, looks=looks), now)
    decision, compared = analysed(kept.release, policy, looks, work, now)
    told = watching.counted(kept.release, compared, now).told(now, f"look {looks.count}", decision.reason)
    due = now + timedelta(seconds=decision.seconds) if isinstance(decision, LookAgain) else None
    kept = work.records.keep(kept, replace(told, looks=replace(looks, due=due)), now)
    match decision:
        case Proceed(reason=reason):
            verdict: Verdict = Passed(reason)
        case Stop(reason=reason):
            verdict = Failed(reason)
        case Doubt(reason=reason):
            verdict = Inconclusive(reason)
        case LookAgain(seconds=seconds):
            return _answer("wait", patience=seconds + 1)
        case _:
            assert_never(decision)
    return _judged(kept, rollout, verdict, policy, at, StageWork.ANALYSIS, work, now)


def _judged(
    kept: Kept,
    rollout: Rollout,
    verdict: Verdict,
    policy: ReleasePolicy,
    at: str,
    of: StageWork,
    work: Work,
    now: datetime,
) -> Answer:
    """What follows: on, back, or a person is asked."""
    telling.journal(work, kept.release, f"verdict {type(verdict).__name__.lower()}", verdict.reason, now)
    latest = latest_answer(kept.release.began_at, rollout.hook.expires_at if rollout.hook else None)
    return _followed(kept, decide_verdict(verdict, policy, now, latest), at, of, work, now, policy)


def _questioned(kept: Kept, word: Word | None, policy: ReleasePolicy, work: Work, now: datetime) -> Answer:
    question = kept.release.question
    if question is None:
        return _answer("wait")
    asked = AskPerson(question.reason, question.since, question.until)
    decision = decide_approval(word, asked, now)
    if isinstance(decision, AskPerson):
        # Told again: whoever kept it may not have come as far as telling it.
        return _asking(kept.release, question.until, work, now)
    return _followed(kept, decision, question.at, question.of, work, now, policy)


def _followed(
    kept: Kept, decision: VerdictDecision, at: str, of: StageWork, work: Work, now: datetime, policy: ReleasePolicy
) -> Answer:
    release = kept.release
    if isinstance(decision, GoOn):  # checks take minutes, in which somebody may have spoken
        decision = heard(work, release) or decision
    if release.question is not None and isinstance(decision, GoOn):
        telling.answered(work, release, news.brief(decision.reason), now)  # before it is forgotten
    match decision:
        case GoOn(reason=reason):
            judged = at if of is StageWork.CHECKS else release.judged
            on = replace(release, question=None, judged=judged).told(now, "go on", reason)
            kept = work.records.keep(kept, on, now)
            return _settled(kept, policy, work, now) if at == AFTER else _move(at, reason)
        case GoBack():
            return _sent_back(kept, decision, work, now)
        case AskPerson(reason=reason, since=since, until=until):
            # Kept first: who is asked twice is asked by one incident, who is asked never has no chance to answer.
            question = Question(at, reason, since, until, of)
            kept = work.records.keep(
                kept, replace(release, question=question).told(now, "a person is asked", reason), now
            )
            return _asking(kept.release, until, work, now)
        case _:
            assert_never(decision)


def _asking(release: Release, until: datetime, work: Work, now: datetime) -> Answer:
    """Tell the question, and wait for the answer. What cannot be told now is told at the next look, which is soon: that
    is no reason to go back."""
    left = _until(until, now)
    try:
        telling.ask(work, release, now)
    except ThrottledError as error:
        work.logger.warning("a question is not told yet", service=release.service, problem=str(error))
        return _answer("wait", patience=min(SOON, left))
    return _answer("wait", patience=left)


# ── after a deployment without hooks ──────────────────────────────────────────────────────────────────────────────────


def _through(
    kept: Kept, rollout: Rollout, policy: ReleasePolicy, word: Word | None, work: Work, now: datetime
) -> Answer:
    """SUCCESSFUL. What no hook has held up for its checks is checked now: a rolling service through its production
    target, and what somebody continued by hand."""
    release = kept.release
    if not policy.checks or release.judged or _rolls_back(release, work):
        return _settled(kept, policy, work, now)
    if release.question is not None:
        return _questioned(kept, word, policy, work, now)
    return _checks(kept, rollout, policy, AFTER, work, now)


def _settled(kept: Kept, policy: ReleasePolicy, work: Work, now: datetime) -> Answer:
    """Is it as it should be? What does not become so in time goes back while there still is somebody to do it.

    It waits for the next look where it hears what is told meanwhile.
    """
    release = kept.release
    until = release.settle_until or now + timedelta(minutes=policy.settle_minutes)
    kept = work.records.keep(kept, replace(release, settle_until=until), now)
    seen = work.sight.standing(release.cluster, release.name, traffic=True).seen
    outcome = decide_outcome(expected(release), seen, now, until)
    match outcome:
        case Verified() if (against := heard(work, release)) is not None:
            return _sent_back(kept, against, work, now)
        case Verified():
            work.records.keep(kept, replace(kept.release, settle_until=None), now)
            return _answer("close")
        case NotYet():
            since = until - timedelta(minutes=policy.settle_minutes)
            return _answer("wait", patience=next_look(since, until, now))
        case Wrong(reason=reason):
            kept = work.records.keep(kept, replace(kept.release, settle_until=None), now)
            return _back(kept, reason, work, now)
        case _:
            assert_never(outcome)


def _until(until: datetime, now: datetime) -> int:
    return max(1, int((until - now).total_seconds()) + 1)


def _answer(way: str, *, patience: int = PATIENCE, **todo: str) -> Answer:
    return {"next": way, "todo": todo or {"verb": "watch"}, "patience": patience}
