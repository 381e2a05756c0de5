"""Print the patterns and the events to judge as one JSON object, for `Judge.java`.

First the cases, with the rule that each names and those of the rollback guard, which weighs beside it. Then the same
events damaged at random, with the rules that `sandbox.patterns` finds: so the evaluator that all other tests lean on is
held against the real one too. An object in an array in an array is left out: no event of AWS has one, and there the two
differ.
"""

import copy
import json
import random
import sys
from collections.abc import Iterator
from typing import Any

from tests.template.bus import Event
from tests.template.bus_cases import CASES
from tests.template.reading import event_patterns, rules_that_match

DAMAGED = 3000
SEED = 20261120
JUNK: list[Any] = [
    *(None, "", 0, 1, -1, 0.0, True, False, "0", "1"),
    *("service:x", "STOPPED", "RUNNING", [], {}, [[1]], [None]),
]


def damaged(count: int, rng: random.Random) -> Iterator[Event]:
    """Events with up to three leaves replaced, removed, doubled or put into a list."""
    for _ in range(count):
        event = copy.deepcopy(rng.choice(CASES)[1])
        for _ in range(rng.randint(1, 3)):
            _damage(event, rng)
        yield event


def _damage(event: Event, rng: random.Random) -> None:
    container, key = rng.choice(list(_places(event)))
    match rng.randrange(4):
        case 0:
            container[key] = copy.deepcopy(rng.choice(JUNK))
        case 1 if isinstance(container, dict):
            del container[key]
        case 2 if isinstance(container, list):
            container.append(copy.deepcopy(rng.choice(container)))
        case _ if not isinstance(container[key], dict | list):
            container[key] = [container[key], copy.deepcopy(rng.choice(JUNK))]
        case _:
            container[key] = copy.deepcopy(rng.choice(JUNK))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def main() -> None:
    """Print what `Judge.java` reads."""
    cases = [
        {"name": name, "event": event, "rules": [*([rule] if rule else []), *rules_that_match(event, "RollbackGuard")]}
        for name, event, rule in CASES
    ]
    rng = random.Random(SEED)
    for number, event in enumerate(damaged(DAMAGED, rng)):
        name = f"damaged {number} {json.dumps(event)}"
        cases.append({"name": name, "event": event, "rules": rules_that_match(event)})
    json.dump({"patterns": event_patterns(), "cases": cases}, sys.stdout)


if __name__ == "__main__":
    main()
