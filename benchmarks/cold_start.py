"""How much CPU the first event of a new execution environment costs, function by function.

A sample is a fresh interpreter that imports the handler of the template and answers one event; AWS answers inside the
process. What counts is the CPU that the kernel charged to it (user and system, `wait4`). In each round every row is
sampled once, in random order on one CPU; a row's figure is the median over the rounds of its CPU ÷ that of the bare
handler (json and one boto3 client) of the same round. Absolute milliseconds drift by a fifth within minutes and are not
compared. A sample that fails, gives another answer or makes other calls than it should ends the benchmark: a crash
would look fast.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._contract import Goal, Options, Outcome, main, say
from benchmarks.cold.cases import Case, cases
from benchmarks.stops import REGION

ROOT = Path(__file__).resolve().parent.parent
CHILD = Path(__file__).parent / "cold" / "child.py"
ROUNDS = 25
QUICK_SECONDS = 30.0
WITH_CLIENT = Goal(1.15)
DROPPED = Goal(0.60)
READS_WHAT_PEOPLE_WROTE = Goal(2.0)  # YAML or pydantic; once for each policy or release, and nobody is paged meanwhile
IN_A_DEPLOYMENT = Goal(1.35)  # a deployment waits minutes for itself


@dataclass(frozen=True, slots=True)
class Sample:
    """One cold start: its CPU in seconds, and what the child told."""

    cpu: float
    told: Mapping[str, Any]


def run(options: Options) -> Outcome:
    """Sample all rows, round after round, and compare each with the bare handler."""
    rows = cases()
    rows["aa"] = rows["bare"]
    shuffled = random.Random(options.seed)  # noqa: S311  # an order of samples, not a secret
    costs: dict[str, list[float]] = {name: [] for name in rows}
    with _one_cpu():
        for name, case in rows.items():  # also writes the bytecode
            sample(name, case)
        start = time.monotonic()
        for number in range(ROUNDS):
            order = sorted(rows)
            shuffled.shuffle(order)
            for name in order:
                now = cases()  # some cases say what was seconds ago
                costs[name].append(sample(name, now["bare" if name == "aa" else name]).cpu)
            spent = time.monotonic() - start
            if options.quick and spent * (number + 2) / (number + 1) > QUICK_SECONDS:
                break
            say(f"round {number + 1} of {ROUNDS}")
    return outcome(costs)


def sample(name: str, case: Case, *, tell_modules: bool = False) -> Sample:
    """Start a fresh interpreter on a case. Raises `RuntimeError` if it does not do what it should."""
    with tempfile.TemporaryDirectory() as folder:
        given, out, told = (Path(folder) / part for part in ("in", "out", "err"))
        given.write_text(json.dumps({"event": case.event, "answers": case.answers, "tell_modules": tell_modules}))
        write = os.O_WRONLY | os.O_CREAT
        files = [
            (os.POSIX_SPAWN_OPEN, 0, str(given), os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(out), write, 0o600),
            (os.POSIX_SPAWN_OPEN, 2, str(told), write, 0o600),
        ]
        command = [sys.executable, str(CHILD), case.handler]
        pid = os.posix_spawn(sys.executable, command, _environment(case), file_actions=files)
        _, status, usage = os.wait4(pid, 0)
        lines = told.read_text().splitlines()
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"{name} failed:\n" + "\n".join(lines))
    said = json.loads(lines[-1])
    if (said["answer"], said["calls"]) != (case.answer, list(case.calls)):
        raise RuntimeError(f"{name} did something else than it should: {said['answer']}, calling {said['calls']}")
    return Sample(usage.ru_utime + usage.ru_stime, said)


def _environment(case: Case) -> dict[str, str]:
    """What Lambda sets, what the template sets, and the transport; nothing of whoever runs the benchmark."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("functions", "layers/core", "")),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_SESSION_TOKEN": "example",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "BOTOCORE_EXPERIMENTAL__PLUGINS": "transport=benchmarks.cold.transport",
        **case.env,
    }


@contextmanager
def _one_cpu() -> Iterator[None]:
    """Keep this process and its children on one CPU, where the platform can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def outcome(costs: Mapping[str, list[float]]) -> Outcome:
    figures: dict[str, float] = {}
    noise: dict[str, float] = {"rounds": len(costs["bare"])}
    goals: dict[str, Goal] = {}
    for name, values in costs.items():
        if name == "bare":
            continue
        ratios = sorted(value / bare for value, bare in zip(values, costs["bare"], strict=True))
        figure = f"ratio_{name}"
        figures[figure] = statistics.median(ratios)
        noise[f"{figure}_p10"] = ratios[round(0.1 * (len(ratios) - 1))]
        noise[f"{figure}_p90"] = ratios[round(0.9 * (len(ratios) - 1))]
        if "Function" in name:
            goals[figure] = _goal(name)
    figures["bare_cpu_ms"] = 1000 * statistics.median(costs["bare"])
    return Outcome(figures, noise, _MEANING, goals)


def _goal(name: str) -> Goal:
    if name.startswith(("PolicySync", "ReleaseBegin")):
        return READS_WHAT_PEOPLE_WROTE
    if name.startswith(("Release", "DeploymentHooks")):
        return IN_A_DEPLOYMENT
    return DROPPED if name.endswith("_dropped") else WITH_CLIENT


_MEANING = {
    "ratio_aa": "the bare handler against itself: how far off a ratio can be",
    "ratio_naive": "the same work, everything imported and made at the top",
    "ratio_TaskAlertsFunction": "a crash that opens an incident: DynamoDB, ECS, Logs and SNS",
    "ratio_TaskAlertsFunction_dropped": "a scale-in, dropped without a client",
    "ratio_TaskAlertsSweepFunction": "one incident to resolve: DynamoDB and SNS",
    "ratio_TaskAlertsSweepFunction_idle": "nothing is open: DynamoDB",
    "ratio_NotifierFunction": "one notice by e-mail: DynamoDB and SNS",
    "ratio_NotifierSweepFunction": "nothing waits for a digest: DynamoDB",
    "ratio_RollbackGuardFunction": "the first crash that counts against a revision: DynamoDB and ECS",
    "ratio_RollbackGuardFunction_dropped": "a task that a person stopped, ignored without a client",
    "ratio_RollbackGuardSweepFunction": "one service, unchanged since the last look: DynamoDB and ECS",
    "ratio_ScalerFunction": "a list of what is kept, which is nothing: DynamoDB",
    "ratio_ScalerSweepFunction": "nothing is kept and nothing wanted: DynamoDB",
    "bare_cpu_ms": "the bare handler, in milliseconds of CPU on this machine",
}


if __name__ == "__main__":
    sys.exit(main("CPU of a cold start ÷ that of a bare handler with one boto3 client", run))
