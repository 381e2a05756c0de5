"""Mutated events for the pure core: whatever arrives is judged, nothing is raised.

`python -m tests.fuzz_core --count 100000 --seed 1` does it at length; the test suite runs a short stretch.
"""

import argparse
import copy
import json
import random
from collections import Counter
from typing import Any

from breakwater.diagnosis import Memory, diagnose, diagnose_batch
from breakwater.events import read, read_batch
from breakwater.model import Category, Severity
from tests.support import EVENTS, some_facts

_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 137, 2**31, 2**64, 10**400, 1.5, float("nan"), float("inf"), "", " ", "0", "1", "²",
    "9" * 6000, "STOPPED", "RUNNING", "service:", "null", "\ud800", "\x00\x1b[31m\u202e\r\n", "x" * 20_000, [], {},
    [[]], [None, 1, {}], {"name": "app"}, {"": {"": []}}, "arn:aws:ecs:::", "2026-04-14T07:30:00Z",
    "9999-99-99T99:99:99Z", "Bearer FAKE", "postgres://a:b@c", "OutOfMemory", "RESOURCE:", "Spot", "password=x",
    b"bytes", ("a", 1), {1: 2},
)  # fmt: skip

_GONE, _MOVED, _DEEP, _SOMETHING_ELSE = 0.15, 0.25, 0.05, 0.01
_MOST_PLACES = 2000
_LONGEST = 400


def mutate(event: Any, chance: random.Random) -> Any:
    """Change one to four places of an event: another value, no value, a value of elsewhere, deep nesting."""
    event = copy.deepcopy(event)
    for _ in range(chance.randint(1, 4)):
        places = list(_places(event))
        if not places:
            return chance.choice(_ODD)
        holder, key = chance.choice(places)
        what = chance.random()
        if what < _GONE:
            del holder[key]
        elif what < _MOVED:
            other, place = chance.choice(places)
            if place in other if isinstance(other, dict) else place < len(other):
                holder[key] = copy.deepcopy(other[place])
        else:
            holder[key] = copy.deepcopy(chance.choice(_ODD))
    places = list(_places(event))
    if places and chance.random() < _DEEP:
        holder, key = chance.choice(places)
        holder[key] = _nested(chance.randint(1, 3000), chance.random() < _DEEP)
    return event if chance.random() > _SOMETHING_ELSE else chance.choice(_ODD)


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting and len(found) < _MOST_PLACES:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            found.append((holder, key))
            waiting.append(holder[key])
    return found


def _nested(depth: int, lists: bool) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value] if lists else {"a": value}
    return value


def run(count: int, seed: int) -> Counter[str]:
    """Judge `count` mutated events and check what must hold of every answer; returns how often each cause came up."""
    chance = random.Random(seed)
    examples = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(EVENTS.glob("*.json"))]
    memory, causes = Memory(), Counter[str]()
    for number in range(count):
        raw = mutate(chance.choice(examples), chance)
        facts = some_facts() if number % 2 else some_facts(essential=None, account=None, region=None)
        batch = read_batch(raw)
        if batch is not None:
            got = diagnose_batch(batch, facts, memory).decision
        else:
            got = diagnose(read(raw), facts, memory if number % 3 else None)
        assert got.reason, raw
        assert got.reason.isprintable(), got.reason
        assert len(got.reason) <= _LONGEST
        assert (got.category is Category.NONE) == (got.severity is Severity.NONE)
        assert not got.nonzero_exit_alert or got.category in (Category.TASK_FAILED, Category.SIDECAR_FAILED)
        assert not (got.container and not got.container.isprintable()), got.container
        causes[got.cause] += 1
    return causes


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Judge mutated events.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for cause, times in run(options.count, options.seed).most_common():
        print(f"{times:8} {cause}")  # noqa: T201  (a script of its own)
