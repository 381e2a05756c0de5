"""IAM policy evaluation: what a role or a resource policy allows, by the documented logic.

An explicit deny wins, then any allow, else it is refused. Wildcards in actions and resources, condition operators
with `IfExists`, `ForAllValues:` and `ForAnyValue:`. An operator, a policy variable or a condition key that is not
known is an `UnsupportedError`: guessing would make a green run worthless.
"""

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sandbox.errors import UnsupportedError

_STATEMENT_KEYS = {
    "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal",
}  # fmt: skip


class Verdict(StrEnum):
    """What came out of an evaluation."""

    ALLOWED = "allowed"
    DENIED = "explicitly denied"
    NOT_ALLOWED = "not allowed by any statement"


@dataclass(frozen=True, slots=True)
class Request:
    """One permission that is needed. `context` holds the condition keys that are known; None is known to be absent."""

    action: str
    resource: str
    context: Mapping[str, Sequence[str] | None] = field(default_factory=dict)
    principal: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, parsed and checked."""

    effect: str
    actions: tuple[str, ...]
    inverse_actions: bool
    resources: tuple[str, ...]
    inverse_resources: bool
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    principals: tuple[str, ...]

    def speaks_of(self, action: str) -> bool:
        """Whether it speaks of an action at all."""
        lower = action.lower()
        return any(like(lower, each) for each in self.actions) is not self.inverse_actions

    def applies(self, request: Request) -> bool:
        """Whether it speaks of this request."""
        if not self.speaks_of(request.action):
            return False
        if any(like(request.resource, resource) for resource in self.resources) is self.inverse_resources:
            return False
        if self.principals and request.principal not in self.principals and "*" not in self.principals:
            return False
        return all(_holds(operator, key, values, request) for operator, key, values in self.conditions)


def parse(document: Mapping[str, Any], where: str, *, resource_policy: bool = False) -> tuple[Statement, ...]:
    """Read a policy document; what cannot be evaluated is refused now, not when it first matters."""
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return tuple(_statement(entry, where, resource_policy) for entry in listed)


def _statement(entry: Mapping[str, Any], where: str, resource_policy: bool) -> Statement:
    strange = entry.keys() - _STATEMENT_KEYS
    if strange:
        raise UnsupportedError(f"{where}: policy statement element {min(strange)}")
    if resource_policy is ("Principal" not in entry):
        raise UnsupportedError(f"{where}: a statement {'without' if resource_policy else 'with'} Principal")
    inverse_actions, inverse_resources = "NotAction" in entry, "NotResource" in entry
    actions = _strings(entry["NotAction" if inverse_actions else "Action"])
    resources = _strings(entry.get("NotResource" if inverse_resources else "Resource", "*"))
    conditions = []
    for operator, keys in entry.get("Condition", {}).items():
        _operator(operator, where)
        conditions += [(operator, key, _strings(values)) for key, values in keys.items()]
    for text in (*resources, *(value for _, _, values in conditions for value in values)):
        if "${" in text:
            raise UnsupportedError(f"{where}: policy variable in {text}")
    return Statement(
        effect=entry["Effect"],
        actions=tuple(action.lower() for action in actions),
        inverse_actions=inverse_actions,
        resources=resources,
        inverse_resources=inverse_resources,
        conditions=tuple(conditions),
        principals=_principals(entry.get("Principal"), where),
    )


def _principals(principal: object, where: str) -> tuple[str, ...]:
    if principal is None:
        return ()
    if principal == "*":
        return ("*",)
    if not isinstance(principal, Mapping) or principal.keys() - {"Service", "AWS"}:
        raise UnsupportedError(f"{where}: principal {principal!r}")
    return tuple(name for names in principal.values() for name in _strings(names))


def _strings(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in items)


def evaluate(statements: Sequence[Statement], request: Request) -> Verdict:
    """Say whether the statements let this request through."""
    verdict = Verdict.NOT_ALLOWED
    for statement in statements:
        if statement.applies(request):
            if statement.effect == "Deny":
                return Verdict.DENIED
            verdict = Verdict.ALLOWED
    return verdict


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")), re.DOTALL)


def like(text: str, pattern: str) -> bool:
    """Match with IAM's `*` and `?`."""
    return pattern in ("*", text) or _regex(pattern).match(text) is not None


_Test = Callable[[str, str], bool]
_TESTS: Mapping[str, tuple[_Test, bool]] = {
    "StringEquals": (lambda actual, wanted: actual == wanted, False),
    "StringNotEquals": (lambda actual, wanted: actual == wanted, True),
    "StringEqualsIgnoreCase": (lambda actual, wanted: actual.lower() == wanted.lower(), False),
    "StringNotEqualsIgnoreCase": (lambda actual, wanted: actual.lower() == wanted.lower(), True),
    "StringLike": (like, False),
    "StringNotLike": (like, True),
    "ArnEquals": (like, False),
    "ArnLike": (like, False),
    "ArnNotEquals": (like, True),
    "ArnNotLike": (like, True),
    "Bool": (lambda actual, wanted: actual.lower() == wanted.lower(), False),
    "NumericEquals": (lambda actual, wanted: float(actual) == float(wanted), False),
    "NumericLessThanEquals": (lambda actual, wanted: float(actual) <= float(wanted), False),
    "NumericGreaterThanEquals": (lambda actual, wanted: float(actual) >= float(wanted), False),
}


def _operator(operator: str, where: str) -> tuple[str | None, str, bool]:
    quantifier, _, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    if quantifier not in ("", "ForAllValues", "ForAnyValue") or (name != "Null" and name not in _TESTS):
        raise UnsupportedError(f"{where}: condition operator {operator}")
    return quantifier or None, name, rest != name


def _holds(operator: str, key: str, wanted: tuple[str, ...], request: Request) -> bool:
    quantifier, name, if_exists = _operator(operator, request.action)
    known = {known.lower(): values for known, values in request.context.items()}
    of_tags = f"{key.lower().partition('/')[0]}/"
    if key.lower() not in known and of_tags not in known:
        raise UnsupportedError(f"{request.action}: condition key {key}")
    actual = known.get(key.lower())  # where tags are known at all, one that is not there is absent
    if name == "Null":
        return (actual is None) is (wanted[0] == "true")
    test, negated = _TESTS[name]
    if actual is None:
        return if_exists or quantifier == "ForAllValues" or (negated and quantifier is None)
    hits = [any(test(value, option) for option in wanted) is not negated for value in actual]
    return any(hits) if quantifier == "ForAnyValue" else all(hits)
