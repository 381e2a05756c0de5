"""The plain part of DynamoDB's expressions, compiled once: what single-table code uses in every call.

Conditions of AND, OR, NOT, attribute_exists, attribute_not_exists and comparisons of a top-level attribute with a
value; updates of SET (with if_not_exists, + and -), REMOVE and ADD of a number. For anything else `None` is given
and moto does it; so nothing here has to know how to refuse.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from operator import ge, gt, le, lt
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType

Attributes = Mapping[str, DynamoType]
Names = Mapping[str, str]
Values = Mapping[str, DynamoType]
Condition = Callable[[Attributes, Names, Values], bool]
Change = Callable[[dict[str, DynamoType], Attributes, Names, Values], None]

_TOKEN = re.compile(r"\s*(?:([#:]?[A-Za-z_][A-Za-z0-9_]*)|(<=|>=|<>|[=<>(),+-]))")
_ORDERINGS: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")


class PlainError(Exception):
    """This is beyond what is plain: let moto decide."""


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise PlainError(text)
        tokens.append(match[1] or match[2])
        at = match.end()
    return tokens


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    @property
    def next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.next
        if not token or (wanted and token.upper() not in wanted):
            raise PlainError(token)
        self._at += 1
        return token

    def took(self, wanted: str) -> bool:
        if self.next.upper() != wanted:
            return False
        self._at += 1
        return True

    def name(self) -> str:
        token = self.take()
        if token.startswith(":") or not (token[0] == "#" or token[0].isalpha() or token[0] == "_"):
            raise PlainError(token)
        return token

    def value(self) -> str:
        token = self.take()
        if not token.startswith(":"):
            raise PlainError(token)
        return token


@lru_cache(maxsize=1024)
def condition(text: str) -> Condition | None:
    """Compile a condition, or None."""
    try:
        reader = _Reader(text)
        compiled = _any_of(reader)
    except PlainError:
        return None
    return None if reader.next else compiled


def _any_of(reader: _Reader) -> Condition:
    parts = [_all_of(reader)]
    while reader.took("OR"):
        parts.append(_all_of(reader))
    return parts[0] if len(parts) == 1 else lambda item, names, values: any(part(item, names, values) for part in parts)


def _all_of(reader: _Reader) -> Condition:
    parts = [_single(reader)]
    while reader.took("AND"):
        parts.append(_single(reader))
    return parts[0] if len(parts) == 1 else lambda item, names, values: all(part(item, names, values) for part in parts)


def _single(reader: _Reader) -> Condition:
    if reader.took("NOT"):
        inner = _single(reader)
        return lambda item, names, values: not inner(item, names, values)
    if reader.took("("):
        inside = _any_of(reader)
        reader.take(")")
        return inside
    first = reader.name()
    if reader.took("("):
        wanted = {"attribute_exists": True, "attribute_not_exists": False}.get(first)
        name = reader.name()
        reader.take(")")
        if wanted is None:
            raise PlainError(first)
        return lambda item, names, values: (names.get(name, name) in item) is wanted
    operator = reader.take("=", *_ORDERINGS)
    value = reader.value()
    if operator == "=":
        return lambda item, names, values: item.get(names.get(first, first)) == values[value]
    ordering = _ORDERINGS[operator]
    return lambda item, names, values: _ordered(ordering, item.get(names.get(first, first)), values[value])


def _ordered(ordering: Callable[[Any, Any], bool], left: DynamoType | None, right: DynamoType) -> bool:
    if left is None or left.type != right.type:
        return False
    if left.type not in ("S", "N"):
        raise PlainError(left.type)
    return ordering(left.cast_value, right.cast_value)


@lru_cache(maxsize=1024)
def update(text: str) -> tuple[Change, ...] | None:
    """Compile an update, or None. Every change reads the item as it was before."""
    changes: list[Change] = []
    try:
        reader = _Reader(text)
        while reader.next:
            clause = reader.take(*_CLAUSES).upper()
            changes.append(_change(clause, reader))
            while reader.took(","):
                changes.append(_change(clause, reader))
    except PlainError:
        return None
    return tuple(changes)


def _change(clause: str, reader: _Reader) -> Change:
    name = reader.name()
    if clause == "REMOVE":
        return _remove(name)
    if clause == "ADD":
        return _add(name, reader.value())
    if clause != "SET":
        raise PlainError(clause)
    reader.take("=")
    left = _operand(reader)
    if reader.next not in ("+", "-"):
        return lambda new, old, names, values: new.__setitem__(names.get(name, name), left(old, names, values))
    sign = 1 if reader.take() == "+" else -1
    right = _operand(reader)

    def compute(new: dict[str, DynamoType], old: Attributes, names: Names, values: Values) -> None:
        new[names.get(name, name)] = _sum(left(old, names, values), right(old, names, values), sign)

    return compute


def _remove(name: str) -> Change:
    def remove(new: dict[str, DynamoType], old: Attributes, names: Names, values: Values) -> None:
        new.pop(names.get(name, name), None)

    return remove


def _add(name: str, value: str) -> Change:
    def add(new: dict[str, DynamoType], old: Attributes, names: Names, values: Values) -> None:
        known = names.get(name, name)
        new[known] = _sum(old.get(known, DynamoType({"N": "0"})), values[value], 1)

    return add


def _operand(reader: _Reader) -> Callable[[Attributes, Names, Values], DynamoType]:
    if reader.next.startswith(":"):
        value = reader.value()
        return lambda item, names, values: values[value]
    name = reader.name()
    if name == "if_not_exists" and reader.took("("):
        path = reader.name()
        reader.take(",")
        default = _operand(reader)
        reader.take(")")
        return lambda item, names, values: item.get(names.get(path, path)) or default(item, names, values)

    def attribute(item: Attributes, names: Names, values: Values) -> DynamoType:
        known = item.get(names.get(name, name))
        if known is None:
            raise PlainError(name)
        return known

    return attribute


def _sum(left: DynamoType, right: DynamoType, sign: int) -> DynamoType:
    if left.type != "N" or right.type != "N":
        raise PlainError("arithmetic on other than numbers")
    return DynamoType({"N": format(Decimal(left.value) + sign * Decimal(right.value), "f")})
