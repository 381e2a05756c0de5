"""Days of scheduled work in a bad account: duplicates, lost and late events, throttles, shortages, Spot, crashes.

The real engine and the real sweep over stores in memory; every chance is drawn from the seed.
"""

import heapq
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from batch_runner.engine import Engine
from batch_runner.intake import End, run_at, wish_of
from batch_runner.specs import Specs
from batch_runner.sweep import sweep
from breakwater.diagnosis import Facts
from breakwater.events import parse_time
from breakwater.model import Mode
from breakwater.occurrences import read_schedule
from breakwater.policies import AlertPolicy, BatchPolicy, JobSpec, Overlap, RetrySpec
from breakwater.runs import Outcome, Run
from tests.fakes.batch import ACCOUNT, ACTING, NO_ROOM, NOON, REGION, SILENCE, THROTTLED, FakePlatform, FakeTask, a_job
from tests.fakes.runs import FakeDesk, FakeRuns

SPOT = {"stop_code": "SpotInterruption", "reason": "Your Spot Task was interrupted."}
SWEEP = timedelta(minutes=10)  # half as often as in the stack, to save time
MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """The function died here: nothing catches it."""


@dataclass
class BadPlatform(FakePlatform):
    """ECS on bad days. `rng` decides what each call of RunTask meets."""

    rng: random.Random = field(default_factory=random.Random)
    began: Callable[[FakeTask], None] = lambda task: None

    def run(self, request: Any) -> Any:
        if request["clientToken"] not in self.tokens:
            luck = self.rng.random()
            bad = ((0.04, "lost"), (0.07, SILENCE), (0.10, THROTTLED), (0.16, NO_ROOM))
            self.answers = [next((what for below, what in bad if luck < below), "start")]
        before = len(self.tasks)
        answer = super().run(request)
        if len(self.tasks) > before:
            self.began(next(reversed(self.tasks.values())))
        return answer


@dataclass
class Simulation:
    """So many jobs for so many hours, with what the run of each occurrence came to."""

    seed: int
    jobs: int
    hours: int
    store: FakeRuns = field(default_factory=FakeRuns)
    desk: FakeDesk = field(default_factory=FakeDesk)
    killed: int = 0
    most_at_once: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.platform = BadPlatform(rng=self.rng)
        self.platform.began = self._began
        self.order = count()
        self.agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        overlaps = (Overlap.SKIP, Overlap.ALLOW, Overlap.SKIP)
        self.specs = Specs(
            BatchPolicy(
                tuple(
                    a_job(
                        f"job{number}",
                        f"cron({number % 60} * * * ? *)",
                        since=f"{NOON:%Y-%m-%dT%H:%M:%SZ}",
                        overlap=overlaps[number % 3],
                        rules=replace(ACTING, timeout_minutes=50, retry=RetrySpec(3, (75,), 60)),
                    )
                    for number in range(self.jobs)
                )
            ),
            Mode.ACT,
        )

        self.facts = self.specs.facts(NOON, ACCOUNT, REGION)

    def live(self) -> None:
        """Let it all happen, and some hours more for what is under way."""
        end = NOON + timedelta(hours=self.hours)
        for job in self.specs.policy.jobs:
            for at in self.occurrences(job):
                self._deliver(at, lambda job=job, at=at: self._due(job, at), lost=0.03, late=0.05)  # type: ignore[misc]  # bound now
        at = NOON
        while at <= end + timedelta(hours=6):
            self._plan(at, self._sweep)
            at += SWEEP
        while self.agenda:
            at, _, action = heapq.heappop(self.agenda)
            self.platform.now = max(at, self.platform.now)
            try:
                action()
            except Killed:
                self.killed += 1

    def occurrences(self, job: JobSpec) -> list[datetime]:
        schedule = read_schedule(job.schedule, job.timezone, parse_time(job.since))
        return list(schedule.between(NOON, NOON + timedelta(hours=self.hours)))

    def _deliver(self, at: datetime, action: Callable[[], None], *, lost: float, late: float) -> None:
        """Once, twice, late, or never."""
        if self.rng.random() < lost:
            return
        for _ in range(1 if self.rng.random() < 0.8 else 3):
            delay = 40 if self.rng.random() < late else 2
            self._plan(at + MINUTE * delay * self.rng.random(), action)

    def _plan(self, at: datetime, action: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (at, next(self.order), action))

    def _sweep(self) -> None:
        problems = sweep(self._engine(), self.platform, self._home())
        assert problems == []

    def _due(self, job: JobSpec, at: datetime) -> None:
        engine = self._engine()
        engine.admit(run_at(job, at, self.platform.now), job)
        engine.dispatch(job.name)

    def _began(self, task: FakeTask) -> None:
        run = task.request["startedBy"].rpartition("/")[0]
        alive = [each for each in self.platform.running if each.request["startedBy"].rpartition("/")[0] == run]
        self.most_at_once[run] = max(self.most_at_once[run], len(alive))
        luck = self.rng.random()
        how: tuple[int | None, dict[str, str]] = (0, {})
        ends: tuple[tuple[float, tuple[int, dict[str, str]]], ...]
        ends = ((0.05, (143, SPOT)), (0.10, (75, {})), (0.15, (1, {})))
        for below, what in ends:
            if luck < below:
                how = what
                break
        if 0.15 <= luck < 0.17:
            return  # it hangs
        lasts = MINUTE * (1 + 40 * self.rng.random())
        self._plan(self.platform.now + lasts, lambda: self._ends(task, *how))

    def _ends(self, task: FakeTask, exit_code: int | None, how: dict[str, str]) -> None:
        if task.stopped is not None:
            return
        event = self.platform.end(task, exit_code, **how)
        self._deliver(self.platform.now, lambda: self._hear(event), lost=0.1, late=0.05)

    def _hear(self, event: dict[str, Any]) -> None:
        wish = wish_of(event, self.specs, self._home())
        if isinstance(wish, End):
            engine = self._engine()
            engine.stopped(wish.origin.name, wish.origin.id, wish.ended, wish.finding)
            engine.dispatch(wish.origin.name)

    def _look(self, name: str) -> None:
        engine = self._engine()
        engine.look(name)

    def _home(self) -> Facts:
        return replace(self.facts, now=self.platform.now)

    def _engine(self) -> Engine:
        return Engine(
            store=self.store,
            tasks=self.platform,
            desk=self.desk,
            alerts=AlertPolicy(),
            specs=self.specs,
            wake=lambda name, delay: self._deliver(
                self.platform.now + delay, lambda: self._look(name), lost=0.1, late=0.0
            ),
            now=lambda: self.platform.now,
            pause=lambda: None,
        )

    def verdict(self) -> dict[str, int]:
        """What the occurrences came to, and everything that must be 0."""
        good: dict[str, int] = defaultdict(int)
        for task in self.platform.tasks.values():
            if task.exit_code == 0:
                good[task.request["startedBy"].rpartition("/")[0]] += 1
        figures: dict[str, int] = defaultdict(int)
        for job in self.specs.policy.jobs:
            runs: dict[datetime, list[Run]] = defaultdict(list)
            for run in self.store.latest(job.name, 1_000_000):
                runs[run.due].append(run)
            for at in self.occurrences(job):
                figures["occurrences"] += 1
                if len(runs[at]) != 1:
                    figures["silent" if not runs[at] else "double"] += 1
                    continue
                (run,) = runs[at]
                origin = f"breakwater/run/{run.ref}"
                told = f"run:{run.ref}:end" in self.desk.facts
                succeeded = run.outcome is Outcome.SUCCEEDED
                figures[str(run.outcome or f"unfinished: {run.phase}")] += 1
                figures["wrong"] += run.outcome is None or told is succeeded or good[origin] != succeeded
                figures["double"] += good[origin] > 1 or self.most_at_once[origin] > 1
                figures["tasks"] += run.attempt
        return dict(figures)
