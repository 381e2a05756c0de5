"""Carries decisions out: writes what is meant, calls ECS, writes what came of it. A crash between any two converges.

The intent to start stands in the table, with its token, before RunTask is called; whoever comes next repeats the call
and is told the same task. A run that is over is told of before its mark is taken away; the incident desk recognises
what it was told before. Every write is conditional on what was read, so two who race write once and one reads again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from breakwater.desk import IncidentDesk, LogReader
from breakwater.errors import ConflictError, ThrottledError
from breakwater.incidents import fingerprint
from breakwater.journal import Entry
from breakwater.model import Finding, Mode
from breakwater.policies import AlertPolicy, JobSpec, Overlap
from breakwater.run_store import Change, KeptRun, RunStore
from breakwater.runs import Lane, Outcome, Phase, Run, RunKind

from .classes import Ended, Launch
from .decision import (
    Begin,
    Close,
    Confirm,
    Leave,
    Stop,
    Wait,
    after,
    capacity_of,
    decide_after_launch,
    decide_after_stop,
    decide_place,
    decide_replacement,
    decide_start,
    decide_sweep,
    may_call,
    next_look,
    refused,
    with_place,
)
from .request import RefusedKeyError, needs_container, overrides_for, run_task_request
from .specs import Spec, Specs, providers_of, rules_of, scrubbed
from .telling import finding_of_deadline, finding_of_end, subject_of

AUTOMATION = "batch_runner"
RACES = 12
PLACED_AT_ONCE = 10
LINE_READ = 25
BEFORE_THE_NEXT_SWEEP = timedelta(minutes=6)
SPARE = 3
"""Entries read beyond the places that are free, for those that mean nothing any more."""

Changing = Wait | Close | Confirm | Stop


class TaskApi(Protocol):
    """What of ECS the engine uses; `tasks.Tasks` is it."""

    def run(self, request: dict[str, object]) -> Launch: ...
    def stop(self, cluster: str, task: str, reason: str) -> None: ...
    def only_container(self, task_definition: str) -> str | None: ...


@dataclass(slots=True)
class Engine:
    """The parts that a run goes through."""

    store: RunStore
    tasks: TaskApi
    desk: IncidentDesk
    alerts: AlertPolicy
    specs: Specs
    wake: Callable[[str, timedelta], None]
    now: Callable[[], datetime]
    pause: Callable[[], None]
    read_log: LogReader = lambda finding: None
    time_left: Callable[[], bool] = lambda: True

    def admit(self, run: Run, spec: Spec, position: int = 0) -> str:
        """Take in a request for a run, once. Returns what became of it, for the log."""
        job = spec if isinstance(spec, JobSpec) else None
        run = replace(run, cluster=spec.task.cluster)
        for _ in range(RACES):
            known = self.store.known([run.identity]).get(run.identity)
            if known is not None:
                self._resume(run.name, known)
                return f"duplicate: the run {known} was made for it before"
            lane = self.store.lane(run.name)
            now = self.now()
            decision = decide_start(run, spec.rules, lane.lane, self.specs.mode_of(spec), now, job)
            change = Change(entries=[_entry(decision.run, decision, now)])
            if isinstance(decision, Close):
                change.lane = (_closing(lane.lane, decision.run), lane)
            else:
                change.line = [(decision.run, decision.run.arrived, position)]
                if job is not None and not decision.replaces:
                    change.lane = (with_place(lane.lane, decision.run), lane)
            change.runs = [(decision.run, None)]
            try:
                self.store.keep(change, now)
            except ConflictError:
                self.pause()
                continue
            if isinstance(decision, Close):
                self.tell(KeptRun(decision.run, 1))
            else:
                self.replace_all(run.name, decision.replaces, run.id)
            return decision.reason
        raise ThrottledError(f"the lane of {run.name} was changed by others {RACES} times in a row")

    def replace_all(self, name: str, ids: Iterable[str], by: str) -> None:
        """Ask the runs that are in the way of a newer one to stop."""
        for id_ in ids:
            self.change(name, id_, lambda run: decide_replacement(run, by, self.now()))

    def dispatch(self, name: str) -> int:
        """Give free places to those who wait, in order, and begin them. Returns how many were begun."""
        begun = 0
        spec = self.specs.of(name)
        while spec is not None and self.specs.mode_of(spec) is Mode.ACT and self.time_left():
            placed = self._place(name, spec)
            if placed is None:
                self.pause()
                continue
            if not placed:
                break
            begun += len(placed)
            for kept in placed:
                self.launch(kept, spec)
        return begun

    def _place(self, name: str, spec: Spec) -> list[KeptRun] | None:
        """One round of `dispatch`. `None` if somebody else moved first."""
        now = self.now()
        lane = self.store.lane(name)
        job = spec if isinstance(spec, JobSpec) else None
        room = capacity_of(job, 0 if isinstance(spec, JobSpec) else spec.concurrency)
        free = room - len(lane.lane.active)
        if job is None and free <= 0:
            return []
        most = LINE_READ if job is not None else min(LINE_READ, free + SPARE)
        line = self.store.line(name, most)
        runs = self.store.runs(name, dict.fromkeys(pointer.run_id for pointer in line))
        stale = [pointer for pointer in line if _idle(runs.get(pointer.run_id))]
        self.store.forget(name, stale)
        waiting = [runs[id_] for id_ in dict.fromkeys(pointer.run_id for pointer in line) if not _idle(runs.get(id_))]
        if job is not None and job.overlap is Overlap.REPLACE:
            for older in waiting[:-1]:
                self.change(name, older.run.id, lambda run: decide_replacement(run, waiting[-1].run.id, now))
            waiting = waiting[-1:]
        begins = decide_place(lane.lane, [kept.run for kept in waiting], room, now)[:PLACED_AT_ONCE]
        if not begins:
            # Behind entries that mean nothing any more others may wait.
            return None if stale and len(line) == most else []
        after_lane = lane.lane
        for begin in begins:
            after_lane = with_place(after_lane, begin.run)
        by_id = {kept.run.id: kept for kept in waiting}
        change = Change(
            runs=[(replace(begin.run, cluster=spec.task.cluster), by_id[begin.run.id]) for begin in begins],
            lane=(after_lane, lane),
            entries=[_entry(begin.run, begin, now) for begin in begins],
        )
        try:
            self.store.keep(change, now)
        except ConflictError:
            return None
        placed = {begin.run.id for begin in begins}
        self.store.forget(name, [pointer for pointer in line if pointer.run_id in placed])
        return [KeptRun(run, base.version + 1) for run, base in change.runs if base is not None]

    def launch(self, kept: KeptRun, spec: Spec) -> None:
        """Call RunTask for a run whose intent is written, and write what came of it."""
        run = kept.run
        try:
            container = spec.task.container or self._container(spec)
            request = run_task_request(spec.task, run, overrides_for(spec, run, container))
        except RefusedKeyError as error:
            reason = str(error)
            self._apply(kept, refused(run, reason, self.now()))
            return
        answer = self.tasks.run(request)

        def decide(current: Run) -> Changing | Leave:
            if (current.attempt, current.phase) != (run.attempt, Phase.STARTING):
                return Leave("it has gone on meanwhile")
            return decide_after_launch(current, answer, spec.rules, providers_of(spec), self.now())

        self.change(run.name, run.id, decide, first=kept)

    def _container(self, spec: Spec) -> str:
        if not needs_container(spec):
            return ""
        name = self.tasks.only_container(spec.task.task_definition)
        if name is None:
            raise RefusedKeyError("the task has several essential containers: say in the policy which one is meant")
        return name

    def stopped(self, name: str, id_: str, ended: Ended, finding: Finding | None = None) -> str:
        """Take the end of a task to its run. Returns what became of it, for the log.

        A task that only says it is ours (anybody may choose `startedBy`) is reported like any other that failed.
        """
        if id_ not in self.store.runs(name, [id_]):
            if finding is not None:
                self._take(finding)
            return "no run of ours knows this task: it is judged like anybody's"
        spec = self.specs.of(name)
        return self.change(
            name,
            id_,
            lambda run: decide_after_stop(run, ended, rules_of(spec), providers_of(spec), self.now()),
        )

    def look(self, name: str) -> None:
        """Do what is due in a lane: timeouts and deadlines, calls that nobody knows the outcome of, free places."""
        for kept in self.store.runs(name, self.store.lane(name).lane.active).values():
            self.judge(kept)
            self.call_again(kept)
        self.dispatch(name)

    def judge(self, kept: KeptRun) -> None:
        """Decide what time alone decides. Where no policy lets us act (any more) no task is asked to stop."""
        spec = self.specs.of(kept.run.name)
        acting = spec is not None and self.specs.mode_of(spec) is Mode.ACT

        def decide(run: Run) -> Changing | Leave:
            decision = decide_sweep(run, rules_of(spec), self.now(), acting=acting)
            if isinstance(decision, Confirm):
                self.tell_overdue(decision.run)
            return decision

        if not isinstance(decide_sweep(kept.run, rules_of(spec), self.now(), acting=acting), Leave):
            self.change(kept.run.name, kept.run.id, decide, first=kept)

    def wake_for(self, run: Run) -> None:
        """Ask for a look at the moment of a run's timeout or deadline, if no sweep comes before it."""
        at = next_look(run, rules_of(self.specs.of(run.name)))
        if at is not None and self.now() < at <= self.now() + BEFORE_THE_NEXT_SWEEP:
            self.wake(run.name, at - self.now())

    def change(
        self, name: str, id_: str, decide: Callable[[Run], Changing | Leave], first: KeptRun | None = None
    ) -> str:
        """Read a run, decide, write; again if somebody moved first. Returns the reason of what was decided."""
        kept: KeptRun | None = first
        for _ in range(RACES):
            kept = kept or self.store.runs(name, [id_]).get(id_)
            if kept is None:
                return "there is no such run"
            decision = decide(kept.run)
            if isinstance(decision, Leave):
                if kept.run.phase is Phase.DONE:
                    self._resume(name, id_)
                return decision.reason
            if self._apply(kept, decision):
                return decision.reason
            kept = None
            self.pause()
        raise ThrottledError(f"the run {name}/{id_} was changed by others {RACES} times in a row")

    def _apply(self, kept: KeptRun, decision: Changing) -> bool:
        """Write a decision and do what follows from it. False if somebody changed the run or its lane meanwhile."""
        now = self.now()
        run = decision.run
        lane = self.store.lane(run.name)
        change = Change(runs=[(run, kept)], entries=[_entry(run, decision, now)])
        if isinstance(decision, (Close, Wait)):
            change.lane = (_closing(after(lane.lane, run), run), lane)
        if isinstance(decision, Wait):
            change.line = [(run, run.not_before or now, 0)]
        try:
            self.store.keep(change, now)
        except ConflictError:
            return False
        written = KeptRun(run, kept.version + 1)
        match decision:
            case Close():
                self.tell(written)
            case Wait():
                self.wake(run.name, (run.not_before or now) - now)
            case Stop():
                self.wake_for(run)
                self._stop(run, decision.reason)
            case Confirm():
                if run.phase is Phase.STARTING and run.not_before is not None:
                    self.wake(run.name, run.not_before - now)
                elif run.phase is Phase.RUNNING and run.stop_why is not None:
                    self._stop(run, str(run.stop_why))
                self.wake_for(run)
            case _:
                assert_never(decision)
        return True

    def _stop(self, run: Run, reason: str) -> None:
        if run.task and run.cluster:
            self.tasks.stop(run.cluster, run.task, f"breakwater: {reason}")

    def _resume(self, name: str, id_: str) -> None:
        """A request or an end came again: whatever the first one left undone is done now."""
        kept = self.store.runs(name, [id_]).get(id_)
        if kept is not None and kept.run.phase is Phase.DONE:
            self.tell(kept)

    def call_again(self, kept: KeptRun) -> bool:
        """Repeat a call of RunTask whose answer is not known, if it is time to."""
        spec = self.specs.of(kept.run.name)
        if spec is None or self.specs.mode_of(spec) is not Mode.ACT or not may_call(kept.run, self.now()):
            return False
        self.launch(kept, spec)
        return True

    def tell(self, kept: KeptRun) -> None:
        """Tell people of a run that is over, and resolve what its success has put right; then take its mark away."""
        run = kept.run
        finding = finding_of_end(run)
        if finding is not None:
            self._take(finding)
            if run.kind is RunKind.JOB:
                self._lane(run.name, lambda lane: _with_incident(lane, finding))
        elif run.outcome is Outcome.SUCCEEDED:
            self.resolve(run.name, f"the run due at {run.due:%Y-%m-%d %H:%M} UTC has succeeded")
        self.store.told(kept)

    def tell_overdue(self, run: Run) -> None:
        """Tell people that a run has not succeeded by its deadline."""
        finding = finding_of_deadline(run, self.now())
        self._take(finding)
        if run.kind is RunKind.JOB:
            self._lane(run.name, lambda lane: _with_incident(lane, finding))

    def resolve(self, name: str, why: str) -> None:
        """Resolve what people were told is wrong with a job."""
        incidents = self.store.lane(name).lane.incidents
        if incidents:
            self.desk.resolve(incidents, why, self.now())
            self._lane(name, lambda lane: _without(lane, incidents))

    def _take(self, finding: Finding) -> None:
        finding = replace(finding, scrub=finding.scrub or scrubbed(self.specs.of(finding.subject.name)))
        taken = self.desk.take([finding], self.alerts, self.now(), read_log=self.read_log, time_left=self.time_left)
        if taken.unfinished or taken.unreadable:
            raise ThrottledError(f"the incident of {finding.identity} could not be kept; the sweep tries again")

    def _lane(self, name: str, alter: Callable[[Lane], Lane]) -> None:
        for _ in range(RACES):
            kept = self.store.lane(name)
            lane = alter(kept.lane)
            if lane == kept.lane:
                return
            try:
                self.store.keep(Change(lane=(lane, kept)), self.now())
                return
            except ConflictError:
                self.pause()
        raise ThrottledError(f"the lane of {name} was changed by others {RACES} times in a row")

    def checked(self, name: str, until: datetime) -> None:
        """Note up to when missed occurrences have been looked for."""
        self._lane(name, lambda lane: replace(lane, checked=max(lane.checked or until, until)))


def _idle(kept: KeptRun | None) -> bool:
    return kept is None or kept.run.phase is not Phase.WAITING


def _closing(lane: Lane, run: Run) -> Lane:
    """The lane with what is going to be told of a job's run, so that a success knows what to resolve."""
    finding = finding_of_end(run) if run.phase is Phase.DONE and run.kind is RunKind.JOB else None
    noted = replace(lane, last_outcome=run.outcome, last_at=run.ended_at) if run.phase is Phase.DONE else lane
    return _with_incident(noted, finding) if finding else noted


def _with_incident(lane: Lane, finding: Finding) -> Lane:
    id_ = fingerprint(finding)
    return lane if id_ in lane.incidents else replace(lane, incidents=(*lane.incidents, id_))


def _without(lane: Lane, incidents: tuple[str, ...]) -> Lane:
    return replace(lane, incidents=tuple(each for each in lane.incidents if each not in incidents))


def _entry(run: Run, decision: Begin | Changing, now: datetime) -> Entry:
    words: dict[str, str | int] = {"run": run.id, "phase": str(run.phase), "attempt": run.attempt}
    if run.outcome:
        words["outcome"] = str(run.outcome)
    if run.task:
        words["task"] = run.task
    return Entry(
        id=f"{run.id}-{run.attempt}-{type(decision).__name__.lower()}-{run.tries}",
        at=now,
        automation=AUTOMATION,
        subject=subject_of(run),
        decision=f"run {type(decision).__name__.lower()}",
        reason=decision.reason,
        evidence=words,
    )
