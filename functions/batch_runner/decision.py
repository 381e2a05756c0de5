"""What becomes of a run: begun, put off, tried again, given up, found missing. And what is told of it.

Pure: a run, its lane, its rules and the time go in, the next state of the run comes out. Every change of a run is one
of the variants below; whoever applies it writes the run, its lane and the journal in one transaction, and only then
calls ECS.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from breakwater.model import Cause, Mode
from breakwater.policies import JobSpec, Overlap, RunRules
from breakwater.runs import Attempt, Failure, Lane, Outcome, Phase, Run, RunKind, StopWhy, run_id

from .classes import Ended, Launch, Rejected, Started, Unknown

if TYPE_CHECKING:
    from breakwater.occurrences import Schedule

LONGEST_BACKOFF = timedelta(minutes=15)
MOST_CALLS = 30
TOKEN_GOOD_FOR = timedelta(hours=20)
"""ECS remembers a clientToken for up to a day. Past this no call is repeated, or it might begin a second task."""
ASK_AGAIN = timedelta(minutes=1)
FORGOTTEN = timedelta(minutes=75)
"""DescribeTasks knows a stopped task for about an hour: a task that it does not know after this has ended unseen."""
STOP_AGAIN = timedelta(minutes=5)
LOOK_BACK = timedelta(days=7)
MOST_MISSED = 50
UNBOUNDED = 500


@dataclass(frozen=True, slots=True)
class Begin:
    """Write the intent to start the next attempt, then call RunTask."""

    run: Run
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The run waits: for a place, or for its next attempt at `run.not_before`."""

    run: Run
    reason: str
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirm:
    """The run goes on as written: its task began, or is asked to stop, or a call is to be made again."""

    run: Run
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Write that the task is to stop, then call StopTask."""

    run: Run
    reason: str


@dataclass(frozen=True, slots=True)
class Close:
    """The run is over: `run.outcome` says how."""

    run: Run
    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing is to be done."""

    reason: str


StartDecision = Wait | Close
LaunchDecision = Confirm | Wait | Close | Leave
StopDecision = Close | Wait | Leave
SweepDecision = Stop | Confirm | Close | Leave


def decide_start(
    run: Run, rules: RunRules, lane: Lane, mode: Mode, now: datetime, job: JobSpec | None = None
) -> StartDecision:
    """Judge a run that was asked for now: it waits for a place, or is over before it began.

    `job` is there for an occurrence of a job: its overlap rule and its grace apply. An upload waits its turn.
    """
    if job is not None and now - run.due > timedelta(minutes=job.grace_minutes):
        return missed(run, job, now)
    if mode is not Mode.ACT:
        what = "an object was uploaded" if run.kind is RunKind.UPLOAD else "a run was due"
        return _closed(run, Outcome.OBSERVED, Cause.OBSERVED, f"{what} and nothing started: the mode is {mode}", now)
    if job is None or job.overlap is Overlap.ALLOW or not lane.active:
        return Wait(replace(run, phase=Phase.WAITING, not_before=now), "it waits for a place")
    going_on = ", ".join(lane.active)
    if job.overlap is Overlap.SKIP:
        return _closed(run, Outcome.SKIPPED, Cause.OVERLAPPED, f"the run {going_on} still goes on: it is skipped", now)
    waiting = replace(run, phase=Phase.WAITING, not_before=now)
    return Wait(waiting, f"it replaces {going_on}, which is stopped first", lane.active)


def missed(run: Run, job: JobSpec, now: datetime) -> Close:
    """An occurrence that nobody asked for in time. It is not made up for: the next one comes."""
    late = _span(now - run.due)
    reason = f"it was due {late} ago and had not begun after {job.grace_minutes} minutes: it is not made up for"
    return _closed(run, Outcome.MISSED, Cause.MISSED, reason, now)


def decide_place(lane: Lane, waiting: Sequence[Run], room: int, now: datetime) -> tuple[Begin, ...]:
    """Which waiting runs begin now, in the order given. One that kept its place goes first in line for it.

    There are never more than `room` runs in the lane.
    """
    begun: list[Begin] = []
    taken = len(lane.active)
    for run in waiting:
        if run.phase is not Phase.WAITING or (run.not_before is not None and run.not_before > now):
            continue
        holds = run.id in lane.active
        if not holds and taken >= room:
            continue
        taken += not holds
        attempt = run.attempt + 1
        fresh = replace(run, task=None, started_at=None, exit_code=None, container=None, not_before=None)
        asked = replace(fresh, phase=Phase.STARTING, attempt=attempt, tries=0, asked_at=now)
        begun.append(Begin(asked, f"attempt {attempt} begins"))
    return tuple(begun)


def with_place(lane: Lane, run: Run) -> Lane:
    """The lane once this run has a place."""
    return lane if run.id in lane.active else replace(lane, active=(*lane.active, run.id))


def after(lane: Lane, run: Run) -> Lane:
    """The lane once a run has changed: one that is over gives its place back, and so does an upload that waits.

    A job keeps its place between two attempts: for its overlap rule the run goes on.
    """
    leaves = run.phase is Phase.DONE or (run.phase is Phase.WAITING and run.kind is RunKind.UPLOAD)
    active = tuple(each for each in lane.active if each != run.id) if leaves else lane.active
    if run.phase is not Phase.DONE:
        return replace(lane, active=active)
    return replace(lane, active=active, last_outcome=run.outcome, last_at=run.ended_at)


def decide_after_launch(run: Run, answer: Launch, rules: RunRules, providers: int, now: datetime) -> LaunchDecision:
    """Judge what RunTask answered. `providers` is how many capacity providers the task may be tried on.

    An unknown outcome is asked again with the same token, and so is a throttled call, which began nothing. Only after a
    definite failure the next attempt has a token of its own.
    """
    if run.phase is not Phase.STARTING:
        return Leave("the call was answered before")
    match answer:
        case Started(task=task, task_definition=definition):
            going = replace(run, phase=Phase.RUNNING, task=task, task_definition=definition, started_at=now)
            return Confirm(replace(going, tries=run.tries + 1), f"task {_name(task)} began")
        case Rejected(failure=failure, cause=cause, reason=reason) if failure is not Failure.THROTTLED:
            return _failed(run, failure, cause, reason, rules, providers, now)
        case Rejected() | Unknown():
            return _ask_again(run, answer, now)


def _ask_again(run: Run, answer: Rejected | Unknown, now: datetime) -> Confirm | Close:
    tries = run.tries + 1
    if tries >= MOST_CALLS or not _token_holds(run, now):
        known = isinstance(answer, Rejected)
        cause = answer.cause if isinstance(answer, Rejected) else Cause.UNHEARD
        told = f"RunTask was called {tries} times for attempt {run.attempt}: {answer.reason}"
        note = "" if known else " A task may run that nobody knows of."
        return _over(run, Failure.THROTTLED if known else Failure.UNHEARD, cause, told + note, now)
    pause = min(LONGEST_BACKOFF, timedelta(seconds=15) * 2 ** min(tries, 10))
    again = replace(run, tries=tries, not_before=now + pause)
    return Confirm(again, f"RunTask is called again with the same token in {_span(pause)}: {answer.reason}")


def decide_after_stop(run: Run, ended: Ended, rules: RunRules, providers: int, now: datetime) -> StopDecision:
    """Judge the end of a task. The exit code is the result if the task ended by itself."""
    if run.phase is Phase.DONE:
        return Leave("the run is over already")
    if ended.attempt != run.attempt or run.phase is Phase.WAITING:
        return Leave(f"it was attempt {ended.attempt}; the run is at {run.attempt}")
    if run.task is not None and ended.task != run.task:
        return Leave("it is not the task of this attempt")
    run = replace(run, task=ended.task, exit_code=ended.exit_code, container=ended.container)
    if ended.failure is None:
        done = replace(run, phase=Phase.DONE, outcome=Outcome.SUCCEEDED, ended_at=ended.at, cause=Cause.SUCCESS)
        reason = f"attempt {run.attempt} ended with exit code 0"
        return Close(_noted(replace(done, reason=reason), None, reason), reason)
    if run.stop_why is StopWhy.REPLACED:
        reason = "it was stopped for the next run, before it had ended"
        return _closed(_noted(run, Failure.STOPPED, reason), Outcome.REPLACED, Cause.REPLACED, reason, ended.at)
    if run.stop_why is StopWhy.TIMEOUT:
        reason = f"it ran longer than {rules.timeout_minutes} minutes and was stopped"
        return _over(_noted(run, Failure.TIMEOUT, reason), None, Cause.TIMED_OUT, reason, ended.at)
    return _failed(run, ended.failure, ended.cause, ended.reason, rules, providers, now, ended.at)


def decide_replacement(run: Run, by: str, now: datetime) -> Stop | Close | Leave:
    """Make room for a newer run of the same job."""
    if run.phase in (Phase.RUNNING, Phase.STOPPING) and run.stop_why is not StopWhy.REPLACED:
        asked = replace(run, phase=Phase.STOPPING, stop_why=StopWhy.REPLACED, asked_at=now)
        return Stop(asked, f"replaced by the run {by}")
    if run.phase is Phase.WAITING:
        return _closed(run, Outcome.REPLACED, Cause.REPLACED, f"the run {by} was due before this one had a place", now)
    if run.phase is Phase.STARTING and run.stop_why is None:
        return Stop(replace(run, stop_why=StopWhy.REPLACED), f"replaced by the run {by}, as soon as its task is known")
    return Leave("it is on its way out")


def decide_sweep(run: Run, rules: RunRules, now: datetime, *, acting: bool = True) -> SweepDecision:
    """Look at a run without any event: an answer that never came, a timeout, a stop that was not heard, a deadline.

    `acting`: whether tasks may be stopped; what is overdue or lost is said in any case.
    """
    if run.phase is Phase.DONE:
        return Leave("it is over")
    if run.phase is Phase.STARTING and not _token_holds(run, now):
        reason = f"attempt {run.attempt} was to begin {_span(now - (run.asked_at or now))} ago and nobody knows whether"
        note = " it did. A task may run that nobody knows of."
        return _over(run, Failure.UNHEARD, Cause.UNHEARD, reason + note, now)
    stop = _stop_due(run, rules, now) if acting else None
    if stop is not None:
        return stop
    if rules.deadline_minutes and not run.overdue_told:
        deadline = run.due + timedelta(minutes=rules.deadline_minutes)
        if now >= deadline:
            return Confirm(replace(run, overdue_told=True), f"it had to succeed by {deadline:%Y-%m-%d %H:%M} UTC")
    return Leave("it goes on")


def _stop_due(run: Run, rules: RunRules, now: datetime) -> Stop | None:
    if run.phase is Phase.RUNNING and run.stop_why is not None:
        return Stop(replace(run, phase=Phase.STOPPING, asked_at=now), f"its task is known now; {run.stop_why}")
    limit = timedelta(minutes=rules.timeout_minutes)
    if run.phase is Phase.RUNNING and run.started_at is not None and now - run.started_at >= limit:
        asked = replace(run, phase=Phase.STOPPING, stop_why=StopWhy.TIMEOUT, asked_at=now)
        return Stop(asked, f"it has run for {_span(now - run.started_at)}; its timeout is {rules.timeout_minutes} min")
    if run.phase is Phase.STOPPING and run.asked_at is not None and now - run.asked_at >= STOP_AGAIN:
        return Stop(replace(run, asked_at=now), "it was asked to stop and has not stopped")
    return None


def next_look(run: Run, rules: RunRules) -> datetime | None:
    """The next moment at which time alone decides something about a run: its timeout, or its deadline."""
    moments: list[datetime] = []
    if run.phase is Phase.RUNNING and run.started_at is not None and run.stop_why is None:
        moments.append(run.started_at + timedelta(minutes=rules.timeout_minutes))
    if run.phase is not Phase.DONE and rules.deadline_minutes and not run.overdue_told:
        moments.append(run.due + timedelta(minutes=rules.deadline_minutes))
    return min(moments, default=None)


def decide_unseen(run: Run, now: datetime) -> Close | Leave:
    """Judge a task that DescribeTasks does not know. One look decides nothing while ECS would still know of it."""
    known = run.started_at or run.asked_at
    if run.phase not in (Phase.RUNNING, Phase.STOPPING) or known is None or now - known < FORGOTTEN:
        return Leave("ECS may know it the next time")
    reason = f"no event told how task {_name(run.task)} ended, and ECS no longer knows it"
    return _over(_noted(run, Failure.UNHEARD, reason), None, Cause.UNHEARD, reason, now)


def may_call(run: Run, now: datetime) -> bool:
    """Whether RunTask is to be called (again) for a run whose intent is written.

    Never once ECS may have forgotten the token, whatever kept us from calling until then: it could begin a second task.
    """
    if run.phase is not Phase.STARTING or not _token_holds(run, now):
        return False
    due = run.not_before or ((run.asked_at or now) + ASK_AGAIN)
    return now >= due


def due_slots(
    job: JobSpec, schedule: "Schedule", lane: Lane, now: datetime, last: datetime | None = None
) -> tuple[tuple[datetime, ...], datetime]:
    """The occurrences whose grace is over since the last look, and the time up to which this look goes.

    A schedule has missed nothing of the time before it came into force, though the last look may lie before that. A
    rate goes on from `last`, its last run: where the platform begins to count it is the platform's affair.
    """
    until = now - timedelta(minutes=job.grace_minutes, seconds=1)
    start = max(schedule.start, lane.checked or schedule.start, now - LOOK_BACK)
    found: list[datetime] = []
    for at in schedule.going_on_from(last).between(start, until):
        if len(found) == MOST_MISSED:
            return tuple(found), found[-1]
        found.append(at)
    return tuple(found), max(start, until)


def occurrence_run(job: JobSpec, identity: str, slot: datetime, now: datetime) -> Run:
    """The run of one occurrence, not begun. Its id follows from the occurrence alone."""
    return Run(run_id(slot, identity), job.name, RunKind.JOB, identity, slot, now)


def capacity_of(job: JobSpec | None, concurrency: int) -> int:
    """How many runs a lane has room for."""
    if job is None:
        return concurrency
    return UNBOUNDED if job.overlap is Overlap.ALLOW else 1


def _failed(
    run: Run,
    failure: Failure,
    cause: Cause,
    reason: str,
    rules: RunRules,
    providers: int,
    now: datetime,
    at: datetime | None = None,
) -> Wait | Close:
    """Another attempt, if the class of the failure and the rules allow one; else the run is over."""
    run = _noted(run, failure, reason)
    if run.stop_why is not None:
        word = Outcome.REPLACED if run.stop_why is StopWhy.REPLACED else Outcome.FAILED
        return _closed(run, word, Cause.REPLACED if word is Outcome.REPLACED else cause, reason, now)
    codes = rules.retry.exit_codes
    worth = failure.of_the_platform or (failure is Failure.EXIT and (codes is None or run.exit_code in codes))
    if not worth:
        return _over(run, None, cause, reason, at or now)
    if run.attempt >= rules.retry.attempts:
        return _over(run, None, cause, f"{reason} That was attempt {run.attempt} of {rules.retry.attempts}.", at or now)
    pause = min(LONGEST_BACKOFF, timedelta(seconds=rules.retry.backoff_seconds) * 2 ** min(run.attempt - 1, 10))
    provider = min(run.provider + failure.elsewhere, max(0, providers - 1))
    waiting = replace(run, phase=Phase.WAITING, not_before=now + pause, provider=provider, reason=reason)
    return Wait(waiting, f"attempt {run.attempt} failed ({failure}), another follows in {_span(pause)}: {reason}")


def _over(run: Run, failure: Failure | None, cause: Cause, reason: str, now: datetime) -> Close:
    """The run failed for good; an object is set aside."""
    if failure is not None:
        run = _noted(run, failure, reason)
    outcome = Outcome.QUARANTINED if run.kind is RunKind.UPLOAD else Outcome.FAILED
    return _closed(run, outcome, cause, reason, now)


def refused(run: Run, reason: str, now: datetime) -> Close:
    """What was asked for cannot be handed to a task."""
    return _closed(run, Outcome.REFUSED, Cause.REFUSED, reason, now)


def _closed(run: Run, outcome: Outcome, cause: Cause, reason: str, now: datetime) -> Close:
    done = replace(run, phase=Phase.DONE, outcome=outcome, cause=cause, reason=reason, ended_at=now, not_before=None)
    return Close(done, reason)


def _noted(run: Run, failure: Failure | None, reason: str) -> Run:
    """The run with its current attempt in the history; an attempt stands there once."""
    if run.history and run.history[-1].number == run.attempt:
        return run
    attempt = Attempt(run.attempt, failure, run.task, None, run.exit_code, reason)
    return replace(run, history=(*run.history, attempt))


def _token_holds(run: Run, now: datetime) -> bool:
    return run.asked_at is None or now - run.asked_at <= TOKEN_GOOD_FOR


def _name(arn: str | None) -> str:
    return (arn or "").rpartition("/")[2] or "without a name"


def _span(span: timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
