"""How soon is a bad deployment called back, and is one ever called back that should not be?

A service of 1 to 400 tasks on the model of the ECS control plane, the same seeds for every contestant: the rollback
guard's own decisions over a service without native rollback, and ECS's circuit breaker (default threshold, and
COUNT = 3) and a CloudWatch alarm on the same service with it. It is emulation: no second of it is a claim about AWS.
`first STOPPED` and `first exit` are no contestants: no detector can be faster than the evidence it waits for.

`--picture FILE.svg` and `--markdown FILE.md` write the table of times as well.
"""

import argparse
import gc
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks._contract import Goal, Options, Outcome, main, say
from benchmarks.rollbacks import report
from benchmarks.rollbacks.peers import COUNT3, DEFAULT, EARLY, ENTRIES, OURS
from benchmarks.rollbacks.scenarios import (
    AFTER_COMPLETED,
    AFTER_HEALTHY,
    BAD,
    COMMON,
    CRASH,
    FLAKY,
    NO_COMMAND,
    NOT_FOUND,
    common_cause,
    healthy,
    seconds_to_call,
)
from benchmarks.rollbacks.service import Setting

DESIRED = (1, 4, 10, 50, 400)
PERCENTS = (125, 200)
NONE_OF_THEM = ("false_rollbacks", "common_cause_rollbacks", "early_common_cause_rollbacks")


@dataclass(frozen=True, slots=True)
class Size:
    """How many runs: of each cell of the table, of healthy services and of each common cause, by desired count."""

    cell: Mapping[int, int]
    healthy: Mapping[int, int]
    common: Mapping[int, int]


WHOLE = Size(
    {1: 41, 4: 41, 10: 41, 50: 31, 400: 15},
    {1: 4000, 4: 3000, 10: 2000, 50: 800, 400: 200},
    {1: 50, 4: 50, 10: 50, 50: 40, 400: 10},
)
QUICK = Size(
    {1: 5, 4: 5, 10: 5, 50: 3, 400: 1},
    {1: 40, 4: 30, 10: 20, 50: 8, 400: 2},
    {1: 3, 4: 3, 10: 3, 50: 1, 400: 0},
)

Cell = tuple[str, int, int, str]
"""Scenario, maximum percent, desired count, contestant."""
Job = tuple[str, str, Setting, float, str]
"""What kind of run, of which scenario, how the service is set up, a rate of crashes, and who watches."""


def run(options: Options) -> Outcome:
    """Run everything on two processes."""
    return measure(QUICK if options.quick else WHOLE, options.seed, processes=min(2, os.cpu_count() or 1))


def measure(size: Size, seed: int, *, processes: int = 1) -> Outcome:
    """Run everything, tell the tables and give the figures."""
    times: dict[Cell, list[float]] = {}
    runs: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    jobs = [*_cells(size, seed), *_healthy(size, seed), *_common(size, seed)]
    for number, (job, found) in enumerate(zip(jobs, _found(jobs, processes), strict=True), 1):
        kind, scenario, setting, _, contestant = job
        if kind == "bad":
            times.setdefault((scenario, setting.maximum_percent, setting.desired, contestant), []).append(found)
        else:
            runs[f"{kind}: {scenario}: {contestant}"] += 1
            wrong[f"{kind}: {scenario}: {contestant}"] += bool(found)
        if number % 2000 == 0:
            say(f"{number} of {len(jobs)} runs")
    return outcome(times, runs, wrong)


def _found(jobs: Sequence[Job], processes: int) -> Iterator[float]:
    """Run them in order, on one process or on several."""
    if processes == 1:
        yield from map(_one, jobs)
        return
    chunks = [jobs[start : start + 20] for start in range(0, len(jobs), 20)]
    with ProcessPoolExecutor(processes, initializer=gc.disable) as pool:
        for found in pool.map(_several, chunks):
            yield from found


def _several(jobs: Sequence[Job]) -> list[float]:
    """A model is full of cycles: they are collected between runs, not while one goes on."""
    found = [_one(job) for job in jobs]
    gc.collect()
    return found


def _cells(size: Size, seed: int) -> Iterable[Job]:
    for desired in sorted(DESIRED, reverse=True):  # the slow ones first, so that both processes end together
        for scenario in BAD:
            for percent in PERCENTS:
                for turn in range(size.cell[desired]):
                    setting = Setting(desired, percent, seed * 100_000 + turn)
                    yield from (("bad", scenario, setting, 0.0, contestant) for contestant in ENTRIES)


def _healthy(size: Size, seed: int) -> Iterable[Job]:
    for desired, number in size.healthy.items():
        for turn in range(number):
            setting = Setting(desired, PERCENTS[turn % 2], seed * 100_000 + turn)
            for contestant in (OURS, EARLY):
                yield "healthy", "healthy", setting, (0.01, 0.02)[turn // 2 % 2], contestant


def _common(size: Size, seed: int) -> Iterable[Job]:
    """With one task at 125 % the old one is stopped first, and nothing is left to compare with: 200 % there."""
    for scenario in COMMON:
        for desired, number in size.common.items():
            for turn in range(number):
                setting = Setting(desired, 200 if desired == 1 else PERCENTS[turn % 2], seed * 100_000 + turn)
                for contestant in (OURS, EARLY, DEFAULT):
                    yield "common", scenario, setting, 0.0, contestant


def _one(job: Job) -> float:
    kind, scenario, setting, rate, contestant = job
    if kind == "bad":
        return seconds_to_call(BAD[scenario], setting, contestant)
    if kind == "healthy":
        return healthy(setting, rate, contestant)
    return common_cause(scenario, setting, contestant)


def outcome(times: Mapping[Cell, list[float]], runs: Counter[str], wrong: Counter[str]) -> Outcome:
    """Medians, their ratios, and how often a deployment was called back wrongly."""
    medians = {cell: median(found) for cell, found in times.items()}
    figures: dict[str, float] = {}
    goals: dict[str, Goal] = {}
    for desired in DESIRED:
        _figures_of(desired, medians, figures, goals)
    healthy_runs = runs[f"healthy: healthy: {OURS}"]
    false = max(wrong[f"healthy: healthy: {who}"] for who in (OURS, EARLY))
    figures |= {
        "healthy_runs": healthy_runs,
        "false_rollbacks": false,
        "false_rollback_upper95": upper95(false, healthy_runs),
        "common_cause_runs": sum(runs[f"common: {name}: {OURS}"] for name in COMMON),
        "common_cause_rollbacks": sum(wrong[f"common: {name}: {OURS}"] for name in COMMON),
        "early_common_cause_rollbacks": sum(wrong[f"common: {name}: {EARLY}"] for name in COMMON),
        "common_cause_rollbacks_native": sum(wrong[f"common: {name}: {DEFAULT}"] for name in COMMON),
    }
    goals |= {name: Goal(0, exactly=True) for name in NONE_OF_THEM}
    report.tell(medians, runs, wrong)
    KEPT.clear()
    KEPT.update(medians)
    return Outcome(figures, {}, meaning(figures), goals)


KEPT: dict[Cell, float] = {}
"""The medians of the last outcome, for the picture."""


def _figures_of(desired: int, medians: Mapping[Cell, float], figures: dict[str, float], goals: dict[str, Goal]) -> None:
    def at(scenario: str, contestant: str) -> float:
        return medians[(scenario, 125, desired, contestant)]

    figures[f"ratio_default_d{desired}"] = at(CRASH, OURS) / at(CRASH, DEFAULT)
    figures[f"ratio_count3_d{desired}"] = at(CRASH, OURS) / at(CRASH, COUNT3)
    figures[f"ratio_default_certain_d{desired}"] = max(
        at(scenario, OURS) / at(scenario, DEFAULT) for scenario in (NOT_FOUND, NO_COMMAND)
    )
    figures[f"early_ratio_default_d{desired}"] = at(CRASH, EARLY) / at(CRASH, DEFAULT)
    figures[f"early_ratio_count3_d{desired}"] = at(CRASH, EARLY) / at(CRASH, COUNT3)
    figures[f"seconds_crash_after_healthy_d{desired}"] = at(AFTER_HEALTHY, OURS)
    figures[f"seconds_after_completed_d{desired}"] = at(AFTER_COMPLETED, OURS)
    goals[f"ratio_default_d{desired}"] = Goal({1: 0.9, 4: 0.9, 10: 0.65}.get(desired, 0.3))
    if desired >= 50:
        figures[f"seconds_flaky_d{desired}"] = at(FLAKY, OURS)
        goals[f"ratio_count3_d{desired}"] = Goal(1.0)
        goals[f"early_ratio_default_d{desired}"] = Goal(0.25)
        goals[f"early_ratio_count3_d{desired}"] = Goal(0.75)
        goals[f"seconds_flaky_d{desired}"] = Goal(1800)
    else:
        goals[f"ratio_default_certain_d{desired}"] = Goal(0.6)
    goals[f"seconds_crash_after_healthy_d{desired}"] = Goal(1800)
    goals[f"seconds_after_completed_d{desired}"] = Goal(1800)


def upper95(events: int, runs: int) -> float:
    """The upper end of the 95 % interval (Clopper-Pearson, one-sided) of a share: `events` in so many runs."""
    if not runs:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(events, runs, middle) > 0.05 else (low, middle)
    return high


def _at_most(events: int, runs: int, share: float) -> float:
    """The probability of at most so many events."""
    term = total = (1 - share) ** runs
    for number in range(events):
        term *= (runs - number) / (number + 1) * share / (1 - share)
        total += term
    return total


def meaning(figures: Iterable[str]) -> dict[str, str]:
    """What each figure is, by its name without the desired count."""
    stems = {
        "ratio_default": "seconds to the call, ours / native default, crash on start",
        "ratio_count3": "the same against native COUNT = 3",
        "ratio_default_certain": "the same against the default: image or command not found, the worse of the two",
        "early_ratio_default": "with exit codes read before STOPPED, against the default",
        "early_ratio_count3": "with exit codes read before STOPPED, against COUNT = 3",
        "seconds_crash_after_healthy": "from the start of the deployment; the native breaker never acts",
        "seconds_after_completed": "from the onset of the crash loop; the native breaker never acts",
        "seconds_flaky": "20 % of starts crash; the native default never acts",
        "healthy_runs": "deployments of a revision that works, with 1 or 2 % of its tasks crashing in an hour",
        "false_rollbacks": "of them called back, with or without early evidence, whichever is more",
        "false_rollback_upper95": "upper end of the 95 % interval of that share",
        "common_cause_runs": "outages of what both revisions need, scale-in, Spot, migrations",
        "common_cause_rollbacks": "of them called back",
        "early_common_cause_rollbacks": "the same runs with exit codes read before STOPPED",
        "common_cause_rollbacks_native": "the same runs, called back by the native default",
    }
    return {name: stems.get(name.rpartition("_d")[0] or name, stems.get(name, "")) for name in figures}


def start(arguments: list[str]) -> int:
    """Run from the command line, and write the table and the picture where they are asked for."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--markdown", type=Path)
    asked, rest = parser.parse_known_args(arguments)
    code = main("Rollbacks on the model of ECS", run, rest)
    if asked.picture:
        asked.picture.write_text(report.picture(KEPT))
    if asked.markdown:
        asked.markdown.write_text(report.markdown(KEPT))
    return code


if __name__ == "__main__":
    sys.exit(start(sys.argv[1:]))
