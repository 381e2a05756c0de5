"""The comparison operators of EventBridge patterns, each compiled to a test of one leaf value.

Numbers compare by value (300 matches 300.0, as Event Ruler does it); a Boolean is never a number, and the string
"1" never the number 1.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt

from sandbox.errors import InvalidPatternError

Test = Callable[[object], bool]
MAX_NUMBER = 5e9  # the documented range of numeric matching
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass(frozen=True, slots=True)
class Absent:
    """`{"exists": false}`: not a test of a value, but of there being none."""


def compile_matcher(path: str, entry: object) -> Test | Absent:
    """Compile one entry of a leaf array."""
    if isinstance(entry, list):
        raise InvalidPatternError(f"{path}: an array inside an array is not allowed")
    if not isinstance(entry, Mapping):
        return _exactly(entry)
    if len(entry) != 1:
        raise InvalidPatternError(f"{path}: exactly one operator is allowed in {json.dumps(entry)}")
    [(operator, operand)] = entry.items()
    compiler = _OPERATORS.get(operator)
    if compiler is None:
        raise InvalidPatternError(f"{path}: unrecognized match type {operator!r}")
    return compiler(path, operand)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _exactly(wanted: object) -> Test:
    if _is_number(wanted):
        return lambda value: _is_number(value) and value == wanted
    kind = type(wanted)
    return lambda value: type(value) is kind and value == wanted


def _text(path: str, operator: str, operand: object, *, empty: bool = True) -> str:
    if not isinstance(operand, str):
        raise InvalidPatternError(f"{path}: {operator} needs a string, not {json.dumps(operand)}")
    if not operand and not empty:
        raise InvalidPatternError(f"{path}: {operator} must not be empty")
    return operand


def _affix(operator: str) -> Callable[[str, object], Test]:
    def compiler(path: str, operand: object) -> Test:
        if isinstance(operand, Mapping):
            if set(operand) != {"equals-ignore-case"}:
                raise InvalidPatternError(f"{path}: {operator} knows only equals-ignore-case inside")
            folded = _text(path, operator, operand["equals-ignore-case"], empty=False).lower()
            if operator == "prefix":
                return lambda value: isinstance(value, str) and value.lower().startswith(folded)
            return lambda value: isinstance(value, str) and value.lower().endswith(folded)
        text = _text(path, operator, operand)
        if operator == "prefix":
            return lambda value: isinstance(value, str) and value.startswith(text)
        return lambda value: isinstance(value, str) and value.endswith(text)

    return compiler


def _ignore_case(path: str, operand: object) -> Test:
    folded = _text(path, "equals-ignore-case", operand).lower()
    return lambda value: isinstance(value, str) and value.lower() == folded


def _wildcard(path: str, operand: object) -> Test:
    text = _text(path, "wildcard", operand)
    parts: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\":
            if text[at + 1 : at + 2] not in ("*", "\\"):
                raise InvalidPatternError(f"{path}: wildcard has an invalid escape at {at}")
            parts.append(re.escape(text[at + 1]))
            at += 1
        elif text[at] == "*":
            if text[at + 1 : at + 2] == "*":
                raise InvalidPatternError(f"{path}: consecutive wildcard characters are not allowed")
            parts.append(".*")
        else:
            parts.append(re.escape(text[at]))
        at += 1
    search = re.compile("".join(parts), re.DOTALL).fullmatch
    return lambda value: isinstance(value, str) and search(value) is not None


def _exists(path: str, operand: object) -> Test | Absent:
    if not isinstance(operand, bool):
        raise InvalidPatternError(f"{path}: exists needs true or false, not {json.dumps(operand)}")
    return (lambda value: True) if operand else Absent()


def _numeric(path: str, operand: object) -> Test:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise InvalidPatternError(f"{path}: numeric needs [operator, number] once or twice")
    bounds: list[tuple[str, float]] = []
    for operator, number in zip(operand[::2], operand[1::2], strict=True):
        if not isinstance(operator, str) or operator not in _COMPARISONS:
            raise InvalidPatternError(f"{path}: unrecognized numeric range operator {operator!r}")
        if not _is_number(number) or abs(number) > MAX_NUMBER:
            raise InvalidPatternError(f"{path}: numeric needs a number from -5e9 to 5e9, not {json.dumps(number)}")
        bounds.append((operator, number))
    if len(bounds) == 2:
        (lower, bottom), (upper, top) = bounds
        if not lower.startswith(">") or not upper.startswith("<") or bottom >= top:
            raise InvalidPatternError(f"{path}: a numeric range is a lower bound below an upper bound")
    tests = [(_COMPARISONS[operator], number) for operator, number in bounds]
    return lambda value: (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and all(compare(value, number) for compare, number in tests)
    )


def _cidr(path: str, operand: object) -> Test:
    text = _text(path, "cidr", operand)
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as problem:
        raise InvalidPatternError(f"{path}: {problem}") from problem

    def inside(value: object) -> bool:
        if not isinstance(value, str):
            return False
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
        return address.version == network.version and address in network

    return inside


def _anything_but(path: str, operand: object) -> Test:
    if isinstance(operand, Mapping):
        return _anything_but_shape(path, operand)
    values = operand if isinstance(operand, list) else [operand]
    if not values:
        raise InvalidPatternError(f"{path}: anything-but must not be empty")
    if not (all(isinstance(value, str) for value in values) or all(_is_number(value) for value in values)):
        raise InvalidPatternError(f"{path}: anything-but needs strings or numbers, all of one kind")
    return _none_of([_exactly(value) for value in values])


def _anything_but_shape(path: str, operand: Mapping[str, object]) -> Test:
    if len(operand) != 1:
        raise InvalidPatternError(f"{path}: anything-but needs exactly one operator inside")
    [(operator, inner)] = operand.items()
    if operator not in ("prefix", "suffix", "wildcard", "equals-ignore-case"):
        raise InvalidPatternError(f"{path}: unsupported anything-but operator {operator!r}")
    options = inner if isinstance(inner, list) else [inner]
    if not options:
        raise InvalidPatternError(f"{path}: anything-but {operator} must not be empty")
    tests: list[Test] = []
    for option in options:
        _text(path, f"anything-but {operator}", option, empty=operator == "equals-ignore-case")
        compiled = _OPERATORS[operator](path, option)
        if not isinstance(compiled, Absent):
            tests.append(compiled)
    return _none_of(tests)


def _none_of(tests: list[Test]) -> Test:
    return lambda value: not any(test(value) for test in tests)


_OPERATORS: Mapping[str, Callable[[str, object], Test | Absent]] = {
    "prefix": _affix("prefix"),
    "suffix": _affix("suffix"),
    "equals-ignore-case": _ignore_case,
    "wildcard": _wildcard,
    "exists": _exists,
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
}
