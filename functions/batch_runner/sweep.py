"""Every five minutes: what was missed, what never finished, what ended unheard, what waits, what was never told.

The same decisions as for events, over a fresh look at the runs that go on.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from breakwater.diagnosis import Facts
from breakwater.errors import BreakwaterError, NotFoundError
from breakwater.events import parse_time
from breakwater.model import Mode
from breakwater.occurrences import read_schedule
from breakwater.policies import JobSpec, UploadSpec
from breakwater.run_store import KeptRun
from breakwater.runs import Lane, Phase, Run

from .decision import Close, Leave, decide_unseen, due_slots, refused
from .engine import Engine
from .handler import facts_of
from .intake import End, event_of_description, run_at, wish_of
from .specs import Spec, Specs
from .wiring import Work, wiring

ENOUGH_TIME_MS = 20_000
LINE = 50
GONE = "it is no longer in the policy"
NOTED_EVERY = timedelta(hours=1)
"""How often a job of which nothing was due costs a write."""

Each = Callable[[str, Callable[[], object]], None]
"""Takes a step if there is time, and notes what it was if it fails."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look at every job, upload and run that needs it."""
    return respond(wiring(), context)


def respond(work: Work, context: Any) -> dict[str, Any]:
    """Sweep once. What fails for one job does not keep the others from their turn; it is raised at the end."""
    if work.settings.mode is Mode.OFF:
        return {"jobs": 0}
    policy = work.policy()
    specs = Specs(policy.batch, work.settings.mode)
    engine = work.engine(specs, policy.alerts(), lambda: context.get_remaining_time_in_millis() > ENOUGH_TIME_MS)
    problems = sweep(engine, work.tasks, facts_of(specs, context, work.now()))
    if problems:
        raise BreakwaterError("; ".join(problems))
    return {"jobs": len(specs.every)}


class Describer(Protocol):
    """What of ECS the sweep uses beside the engine."""

    def describe(self, cluster: str, arns: Iterable[str]) -> tuple[list[dict[str, Any]], set[str]]: ...


def sweep(engine: Engine, tasks: Describer, facts: Facts) -> list[str]:
    """Do all of it once, and say what failed. What fails for one run, job or cluster is for the next sweep."""
    problems: list[str] = []

    def each(what: str, step: Callable[[], object]) -> None:
        if not engine.time_left():
            return
        try:
            step()
        except BreakwaterError as error:
            problems.append(f"{what}: {error}")

    each("runs that were not told", lambda: _tell(engine))
    _look(engine, tasks, facts, each)
    lanes = {lane.name: lane for lane in engine.store.lanes()}
    for spec in engine.specs.every:
        each(f"line of {spec.name}", partial(_line, spec, engine))
        if isinstance(spec, JobSpec):
            each(f"missed runs of {spec.name}", partial(_missed, spec, lanes.get(spec.name, Lane(spec.name)), engine))
    for lane in lanes.values():
        if engine.specs.of(lane.name) is None:
            each(f"what is left of {lane.name}", partial(_leave_behind, lane, engine))
    return problems


def _tell(engine: Engine) -> None:
    for name, id_ in list(engine.store.untold()):
        kept = engine.store.runs(name, [id_]).get(id_)
        if kept is not None and kept.run.phase is Phase.DONE:
            engine.tell(kept)


def _look(engine: Engine, tasks: Describer, facts: Facts, each: Each) -> None:
    """Timeouts and deadlines by our own record, then the tasks as ECS has them."""
    going_on: list[KeptRun] = []
    each("runs that go on", lambda: going_on.extend(_going_on(engine)))
    running: dict[str, list[KeptRun]] = {}
    for kept in going_on:
        each(f"run {kept.run.ref}", partial(_judge, kept, engine))
        if kept.run.phase in (Phase.RUNNING, Phase.STOPPING) and kept.run.cluster and kept.run.task:
            running.setdefault(kept.run.cluster, []).append(kept)
    for cluster, runs in running.items():
        each(f"tasks of {cluster}", partial(_compare, cluster, runs, engine, tasks, facts))


def _going_on(engine: Engine) -> Iterator[KeptRun]:
    by_name: dict[str, list[str]] = {}
    for name, id_ in engine.store.going_on():
        by_name.setdefault(name, []).append(id_)
    for name, ids in by_name.items():
        yield from engine.store.runs(name, ids).values()


def _judge(kept: KeptRun, engine: Engine) -> None:
    """What time decides of a run now, and a wake-up for what it decides before the next sweep."""
    engine.judge(kept)
    engine.call_again(kept)
    engine.wake_for(kept.run)


def _compare(cluster: str, runs: Iterable[KeptRun], engine: Engine, tasks: Describer, facts: Facts) -> None:
    """Hear of the ends that no event told. Of a cluster that is gone no task is known."""
    by_task = {kept.run.task: kept.run for kept in runs if kept.run.task}
    try:
        found, unknown = tasks.describe(cluster, by_task)
    except NotFoundError:
        found, unknown = [], set(by_task)
    for task in found:
        if task.get("lastStatus") != "STOPPED":
            continue
        wish = wish_of(
            event_of_description(task, facts.account or "", facts.region or "", facts.now), engine.specs, facts
        )
        if isinstance(wish, End):
            engine.stopped(wish.origin.name, wish.origin.id, wish.ended)
    for arn in unknown & by_task.keys():
        run = by_task[arn]
        engine.change(run.name, run.id, lambda current: decide_unseen(current, engine.now()))


def _line(spec: Spec, engine: Engine) -> None:
    """Begin who waits, should the message that ought to have done so be lost; and look at the deadlines of uploads.

    Where nothing may be started any more nothing is left to wait for its turn, unheard of, until that changes.
    """
    if engine.specs.mode_of(spec) is not Mode.ACT:
        _let_go(spec.name, f"the mode is {engine.specs.mode_of(spec)} now", engine)
        return
    line = engine.store.line(spec.name, LINE if spec.rules.deadline_minutes else 1)
    if spec.rules.deadline_minutes and isinstance(spec, UploadSpec):
        for kept in engine.store.runs(spec.name, dict.fromkeys(pointer.run_id for pointer in line)).values():
            engine.judge(kept)
    if line:
        engine.dispatch(spec.name)


def _missed(job: JobSpec, lane: Lane, engine: Engine) -> None:
    """Occurrences whose grace is over and that nobody asked for. Where we only look on, nothing is awaited."""
    now = engine.now()
    try:
        schedule = read_schedule(job.schedule, job.timezone, parse_time(job.since))
    except ValueError as error:
        raise BreakwaterError(f"nobody can say when it is due: {error}") from None
    last = engine.store.latest(job.name, 1) if schedule.is_rate else []
    slots, until = due_slots(job, schedule, lane, now, last[0].due if last else None)
    if engine.specs.mode_of(job) is Mode.ACT:
        runs = [run_at(job, slot, now) for slot in slots]
        known = engine.store.known([run.identity for run in runs])
        for run in runs:
            if run.identity not in known:
                engine.admit(run, job)
    if slots or lane.checked is None or until - lane.checked >= NOTED_EVERY:
        engine.checked(job.name, until)


def _leave_behind(lane: Lane, engine: Engine) -> None:
    """What waits for a job or upload that is gone does not begin; what was told of it is over."""
    _let_go(lane.name, GONE, engine)
    if not lane.active:
        engine.resolve(lane.name, GONE)


def _let_go(name: str, why: str, engine: Engine) -> None:
    """End what waits, and say so of each."""

    def end(run: Run) -> Close | Leave:
        if run.phase is not Phase.WAITING:
            return Leave("it waits no longer")
        return refused(run, f"it waited for its turn, and {why}", engine.now())

    while engine.time_left() and (line := engine.store.line(name, LINE)):
        for pointer in line:
            engine.change(name, pointer.run_id, end)
        engine.store.forget(name, line)
