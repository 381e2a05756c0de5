"""How much of the time to the call is the scatter of launches? The table of docs/rollback-evidence.md.

`python -m benchmarks.rollbacks.scatter`: a revision that crashes on start, maximum percent 125, the same seeds for all.
"""

import sys
from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks._contract import say
from benchmarks.rollbacks.peers import COUNT3, DEFAULT, EARLY, OURS
from benchmarks.rollbacks.scenarios import BAD, CRASH, seconds_to_call
from benchmarks.rollbacks.service import Setting

JITTERS = (0.0, 0.1, 0.25, 0.5)
RUNS: Mapping[int, int] = {1: 31, 4: 31, 10: 31, 50: 31, 400: 9}
SEED = 7
ROWS = (("STOPPED", OURS), ("exit codes", EARLY))


def medians(desired: int, runs: int, jitter: float) -> dict[str, float]:
    """Median seconds from the start of the deployment to the call, by contestant."""
    settings = [Setting(desired, 125, SEED * 100_000 + turn, jitter=jitter) for turn in range(runs)]
    return {
        who: median(seconds_to_call(BAD[CRASH], setting, who) for setting in settings)
        for who in (OURS, EARLY, DEFAULT, COUNT3)
    }


def table(runs: Mapping[int, int] = RUNS, jitters: Sequence[float] = JITTERS) -> str:
    """The shares of the native times, as Markdown."""
    found: dict[tuple[float, int], dict[str, float]] = {}
    for jitter in jitters:
        say(f"launches scatter by {jitter:.0%}")
        found |= {(jitter, desired): medians(desired, number, jitter) for desired, number in runs.items()}
    lines = [f"| deciding on | jitter | {' | '.join(map(str, runs))} |", "|---|--:|" + "--:|" * len(runs)]
    for peer, name in ((DEFAULT, "default"), (COUNT3, "COUNT=3")):
        for words, ours in ROWS:
            for jitter in jitters:
                shares = (found[jitter, desired][ours] / found[jitter, desired][peer] for desired in runs)
                lines.append(f"| {words} ÷ {name} | {jitter:.0%} | {' | '.join(f'{share:.2f}' for share in shares)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
    sys.exit(0)
