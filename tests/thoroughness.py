"""How much of what could be tried a run of the tests tries: a sample in `make test`, all in `make exhaustive`."""

import os
from collections.abc import Iterable

EXHAUSTIVE = bool(os.environ.get("EXHAUSTIVE"))


def so_many(usual: int, exhaustive: int) -> int:
    """A number of examples, histories or repetitions."""
    return exhaustive if EXHAUSTIVE else usual


def deaths(calls: Iterable[int]) -> list[tuple[int, bool]]:
    """At which calls to kill, and whether after the call: each call once and both by turns, or each call twice."""
    if EXHAUSTIVE:
        return [(number, after) for number in calls for after in (False, True)]
    return [(number, bool(number % 2)) for number in calls]
