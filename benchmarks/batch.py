"""Does each scheduled occurrence end in exactly one successful run or one incident, in the real stack?

Two hundred occurrences through the sandbox: messages of the bus dropped, doubled and delayed, calls of ECS and of the
table throttled, a shortage of capacity now and then, tasks that fail one time in five. It is emulation; no figure of it
is a claim about AWS. The same question for ten thousand occurrences on the core alone is a test
(`tests/unit/batch_runner/test_histories.py`).
"""

import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks._contract import Goal, Options, Outcome, main, say
from sandbox import Sandbox
from sandbox.ecs.workloads import crash_on_start, exits_zero
from sandbox.shop import BatchWork

ROOT = Path(__file__).parent.parent
START = datetime(2026, 3, 3, 1, 51, tzinfo=UTC)
FIRST = datetime(2026, 3, 3, 2, tzinfo=UTC)
EVERY = timedelta(minutes=6)
POLICY = """\
version: 1
defaults: {mode: act}
jobs:
"""
JOB = """\
  - name: job{number}
    schedule: cron({minute}/6 * * * ? *)
    grace_minutes: 10
    task:
      cluster: shop
      task_definition: reprice
      container: reprice
      launch_type: FARGATE
      network: {{subnets: [subnet-0aa11bb22cc33dd44]}}
    retries: {{attempts: 3, exit_codes: [75], backoff_seconds: 30}}
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of all occurrences; all but the first have to be 0."""

    occurrences: int
    wrong: int
    double: int
    silent: int


def a_bad_account(jobs: int, occurrences: int, seed: int, outcomes: Counter[str] | None = None) -> Figures:
    """Live through it and judge each occurrence by the tasks that ran and by what people were told."""
    with Sandbox.deploy(
        ROOT / "template.yaml", {"AlertEmail": "oncall@example.com", "Mode": "act"}, start=START, seed=seed
    ) as sandbox:
        work = BatchWork(sandbox)
        work.prepare()
        work.push((POLICY + "".join(JOB.format(number=number, minute=number % 6) for number in range(jobs))).encode())
        sandbox.advance(FIRST - timedelta(seconds=5))
        sandbox.chaos(drop=0.1, duplicate=0.2, delay=timedelta(seconds=30))
        ended: dict[str, str] = {}
        for turn in range(occurrences):
            _trouble(sandbox, turn)
            sandbox.advance(EVERY)
            ended |= _successes(sandbox)
        sandbox.chaos()
        sandbox.ecs.faults.shortage("FARGATE", over=True)
        sandbox.ecs.faults.set_workload("reprice:1", exits_zero(40))
        sandbox.advance(timedelta(minutes=25))
        ended |= _successes(sandbox)
        good = Counter(started_by.rpartition("/")[0] for started_by in ended.values())
        return _judged(sandbox, jobs, occurrences, good, Counter() if outcomes is None else outcomes)


def _successes(sandbox: Sandbox) -> dict[str, str]:
    """The tasks that ended with 0 in the last hour, and who started them: older ones the model has forgotten."""
    return {
        task.id: task.started_by or ""
        for task in sandbox.ecs.world.stopped_tasks
        if all(container.exit_code == 0 for container in task.containers)
    }


def _trouble(sandbox: Sandbox, turn: int) -> None:
    sandbox.fail("ecs", "RunTask", "ThrottlingException", times=turn % 3)
    sandbox.fail("dynamodb", "TransactWriteItems", "ThrottlingException", times=turn % 2)
    ends = {1: crash_on_start(75), 3: crash_on_start(1)}
    sandbox.ecs.faults.set_workload("reprice:1", ends.get(turn % 5, exits_zero(40)))
    sandbox.ecs.faults.shortage("FARGATE", over=turn % 7 != 4)


def _judged(sandbox: Sandbox, jobs: int, occurrences: int, good: Counter[str], outcomes: Counter[str]) -> Figures:
    runs = [json.loads(item["doc"]) for item in sandbox.table_items() if str(item["pk"]).startswith("RUNS#job")]
    by_due: dict[tuple[str, datetime], list[dict[str, Any]]] = {}
    for run in runs:
        by_due.setdefault((run["name"], datetime.fromisoformat(run["due"])), []).append(run)
    facts = {str(item["pk"]) for item in sandbox.table_items() if str(item["pk"]).startswith("FACT#")}
    wrong = double = silent = 0
    for number in range(jobs):
        for turn in range(occurrences):
            due = FIRST + timedelta(minutes=number % 6) + turn * EVERY
            found = by_due.get((f"job{number}", due), [])
            silent += not found
            double += len(found) > 1
            for run in found:
                outcomes[str(run["outcome"])] += 1
                began = good[f"breakwater/run/{run['name']}/{run['id']}"]
                double += began > 1
                fact = f"run:{run['name']}/{run['id']}:end"
                told = f"FACT#{sha256(fact.encode()).hexdigest()[:32]}" in facts
                succeeded = run["outcome"] == "succeeded"
                wrong += run["outcome"] is None or (began == 1) is not succeeded or told is succeeded
    return Figures(jobs * occurrences, wrong, double, silent)


def run(options: Options) -> Outcome:
    """Two hundred occurrences, or forty if it has to be quick."""
    jobs, occurrences = (4, 10) if options.quick else (10, 20)
    outcomes: Counter[str] = Counter()
    figures = a_bad_account(jobs, occurrences, options.seed, outcomes)
    say(f"batch: {figures.occurrences} occurrences: {dict(outcomes)}")
    return Outcome(
        asdict(figures),
        meaning={
            "occurrences": "scheduled times that came",
            "wrong": "ended in neither one success nor one incident, or in both",
            "double": "ran to success twice, or have two records",
            "silent": "have no record at all",
        },
        goals={name: Goal(0, exactly=True) for name in ("wrong", "double", "silent")},
    )


if __name__ == "__main__":
    sys.exit(main("Batch: two hundred occurrences in a bad account", run))
