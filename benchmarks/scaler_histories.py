"""Ten thousand random histories of one service's scale: is everything given back, and nobody overwritten?

Each history is some two dozen random things: surges, early ends, windows, people, autoscaling, deployments, protected
tasks, lost wake-ups, functions killed between any two calls, and people and other functions that change something in
the middle of a call sequence. The real decision, reconciler, records and leases run; `tests/fakes/scaler_world.py` is
the world, and `tests/fakes/scaler_oracle.py` the judge, who reads nothing of Breakwater's. It is a model: a change by
somebody between Breakwater's last look and its write, one call later, is not in it, for ECS has no conditional update
and nobody could tell.
"""

import sys
import time
from collections import Counter

from tests.fakes.scaler_lives import live
from tests.fakes.scaler_oracle import ViolationError

HISTORIES = 10_000


def main(histories: int) -> int:
    """Live them, print the figures, and answer with 1 if one went wrong."""
    figures: Counter[str] = Counter()
    wrong: list[str] = []
    begun = time.monotonic()
    for seed in range(histories):
        try:
            figures += live(seed)
        except ViolationError as violation:
            wrong.append(f"seed {seed}: {violation}")
    print(f"{histories} histories (seeds 0 to {histories - 1}) in {time.monotonic() - begun:.0f} s")
    print(f"  given back within one sweep, or somebody's value kept: {figures['histories']} of {histories}")
    print(f"  wrong: {len(wrong)} (somebody overwritten, or left above or below by Breakwater)")
    for name in sorted(figures.keys() - {"histories"}):
        print(f"  {name}: {figures[name]}")
    for line in wrong[:20]:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else HISTORIES))
