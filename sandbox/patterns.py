"""EventBridge event patterns with the documented array semantics.

An event is flattened to its leaves, each with the array elements it lies in; a pattern is a disjunction of flat
conditions. The rules follow AWS's Event Ruler, which EventBridge is built on:

- a leaf array in the event matches when any of its elements does;
- conditions below one array of objects have to hold in the same element ("array consistency");
- conditions are tried in the order of their paths, so `exists: false` looks only at elements that are consistent
  with the conditions on paths that sort before it;
- `exists` speaks of leaves: an object or an empty array is not there;
- every operator but `exists: false` needs the key.

Whatever PutRule would refuse raises `InvalidPatternError`; see `operators.py` for the operators.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sandbox.errors import InvalidPatternError
from sandbox.operators import Absent, Test, compile_matcher

MAX_PATTERN_CHARACTERS = 2048
MAX_COMBINATIONS = 1000  # of the branches of $or, as EventBridge limits them

Membership = Mapping[int, int]
Leaf = tuple[object, Membership]
Fields = Mapping[str, Sequence[Leaf]]

_NOWHERE: Membership = {}


def flatten(event: Mapping[str, object]) -> Fields:
    """Give the leaves of an event by dotted path, each with the array elements it lies in."""
    fields: dict[str, list[Leaf]] = {}
    arrays = 0

    def walk(path: str, value: object, membership: Membership) -> None:
        nonlocal arrays
        if isinstance(value, Mapping):
            for key, child in value.items():
                walk(f"{path}.{key}" if path else str(key), child, membership)
        elif isinstance(value, list):
            array = arrays
            arrays += 1
            for index, child in enumerate(value):
                inside = {**membership, array: index} if isinstance(child, Mapping) else membership
                walk(path, child, inside)
        else:
            fields.setdefault(path, []).append((value, membership))

    walk("", event, _NOWHERE)
    return fields


@dataclass(frozen=True, slots=True)
class Condition:
    """One leaf of a pattern: the path, what a value may be, and whether absence will do."""

    path: str
    tests: tuple[Test, ...]
    absent: bool


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: one of its `branches` has to hold entirely."""

    branches: tuple[tuple[Condition, ...], ...]

    def matches(self, event: Mapping[str, object]) -> bool:
        """Whether EventBridge would route this event."""
        return self.matches_fields(flatten(event))

    def matches_fields(self, fields: Fields) -> bool:
        """Whether an already flattened event matches; flatten once for many rules."""
        return any(_holds(branch, 0, fields, _NOWHERE) for branch in self.branches)


def _holds(branch: tuple[Condition, ...], at: int, fields: Fields, chosen: Membership) -> bool:
    if at == len(branch):
        return True
    condition = branch[at]
    leaves = fields.get(condition.path, ())
    if (
        condition.absent
        and not any(_join(chosen, membership) is not None for _, membership in leaves)
        and _holds(branch, at + 1, fields, chosen)
    ):
        return True
    for value, membership in leaves:
        joined = _join(chosen, membership)
        if (
            joined is not None
            and any(test(value) for test in condition.tests)
            and _holds(branch, at + 1, fields, joined)
        ):
            return True
    return False


def _join(chosen: Membership, membership: Membership) -> Membership | None:
    """Put two memberships together, or None if they lie in different elements of one array."""
    if not membership:
        return chosen
    if not chosen:
        return membership
    for array, index in membership.items():
        if chosen.get(array, index) != index:
            return None
    return {**chosen, **membership}


def compile_pattern(source: str | Mapping[str, object]) -> Pattern:
    """Compile a pattern, or say what PutRule would refuse about it."""
    text = source if isinstance(source, str) else json.dumps(source, separators=(",", ":"), ensure_ascii=False)
    if len(text) > MAX_PATTERN_CHARACTERS:
        raise InvalidPatternError(f"pattern has {len(text)} characters, more than {MAX_PATTERN_CHARACTERS}")
    try:
        pattern = json.loads(text, object_pairs_hook=_unique) if isinstance(source, str) else source
    except ValueError as problem:
        raise InvalidPatternError(f"pattern is not JSON: {problem}") from problem
    if not isinstance(pattern, Mapping) or not pattern:
        raise InvalidPatternError("a pattern is a JSON object with at least one field")
    branches = _branches("", pattern)
    if len(branches) > MAX_COMBINATIONS:
        raise InvalidPatternError(f"$or makes {len(branches)} combinations, more than {MAX_COMBINATIONS}")
    return Pattern(tuple(tuple(branch[path] for path in sorted(branch)) for branch in branches))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise InvalidPatternError(f"key {twice!r} appears twice in one object")
    return result


Branch = dict[str, Condition]


def _branches(path: str, pattern: Mapping[str, object]) -> list[Branch]:
    """Flatten a pattern to the disjunction of its `$or` branches."""
    result: list[Branch] = [{}]
    for key, value in pattern.items():
        result = [_merge(left, right) for left in result for right in _alternatives(path, key, value)]
        if len(result) > MAX_COMBINATIONS:
            raise InvalidPatternError(f"$or makes more than {MAX_COMBINATIONS} combinations")
    return result


def _alternatives(path: str, key: str, value: object) -> list[Branch]:
    here = f"{path}.{key}" if path else key
    if key == "$or":
        return list(_or(path, value))
    if isinstance(value, Mapping):
        if not value:
            raise InvalidPatternError(f"{here}: empty objects are not allowed")
        return _branches(here, value)
    if not isinstance(value, list):
        raise InvalidPatternError(f"{here}: {json.dumps(value)} must be an object or an array")
    if not value:
        raise InvalidPatternError(f"{here}: empty arrays are not allowed")
    matchers = [compile_matcher(here, entry) for entry in value]
    tests = tuple(matcher for matcher in matchers if not isinstance(matcher, Absent))
    return [{here: Condition(here, tests, absent=len(tests) < len(matchers))}]


def _or(path: str, value: object) -> Iterator[Branch]:
    where = f"{path}.$or" if path else "$or"
    if not isinstance(value, list) or len(value) < 2:
        raise InvalidPatternError(f"{where}: must be an array of at least two objects")
    for option in value:
        if not isinstance(option, Mapping) or not option:
            raise InvalidPatternError(f"{where}: every entry must be an object that is not empty")
        yield from _branches(path, option)


def _merge(left: Branch, right: Branch) -> Branch:
    both = left.keys() & right.keys()
    if both:
        raise InvalidPatternError(f"{min(both)}: stated both beside and inside $or, which is not supported")
    return {**left, **right}
