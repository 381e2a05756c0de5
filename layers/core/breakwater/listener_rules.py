"""Which rule of a listener takes the request of a check? Pure; by the Elastic Load Balancing guide, "Listener rules".

Rules are tried by priority, the default rule last. All conditions of a rule have to hold, and of one condition any
value. A path is compared with its case, a host, a header and a query without; `*` stands for any characters and `?` for
one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from breakwater.addresses import Origin
from breakwater.checks.spec import OWN_HEADERS, HttpCheck, SecretHeader


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a rule: `values` are patterns, `key=pattern` of a query. `header` is the name of one.

    `judged` is false where a value cannot be compared from here: a regular expression, the caller's address.
    """

    field: str
    values: tuple[str, ...] = ()
    header: str = ""
    judged: bool = True

    def __str__(self) -> str:
        return f"{self.field} {self.header}".strip()


@dataclass(frozen=True, slots=True)
class ListenerRule:
    """A rule of a listener; `weights` are by target group, none where it forwards to none."""

    arn: str
    priority: str = "default"
    conditions: tuple[Condition, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Road:
    """How a check comes to the service: where the listener is, its rules in their order, which are the service's."""

    origin: Origin
    own: frozenset[str]
    rules: tuple[ListenerRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Straight:
    """The service's own rule takes it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Astray:
    """Another rule takes it: whoever answers, it need not be the service."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """It hangs on a condition that cannot be judged from here."""

    reason: str


WayDecision = Straight | Astray | Unclear


def decide_way(check: HttpCheck, road: Road) -> WayDecision:
    """Whether the service's own rule takes the request of a check."""
    doubts: list[str] = []
    unmet: list[str] = []
    own_in_doubt = False
    for rule in road.rules:
        met = {condition: _met(condition, check, road.origin.host) for condition in rule.conditions}
        failed = [str(condition) for condition, holds in met.items() if holds is False]
        unknown = [str(condition) for condition, holds in met.items() if holds is None]
        if failed:
            unmet += failed if rule.arn in road.own else []
        elif unknown:
            doubts += unknown
            own_in_doubt = own_in_doubt or rule.arn in road.own
        elif rule.arn in road.own and not doubts:
            return Straight(f"the request of {check.name} is taken by the service's own rule")
        elif rule.arn in road.own or own_in_doubt:
            break
        else:
            why = f"it does not meet {', '.join(dict.fromkeys(unmet))} of the service's own rule" if unmet else ""
            return Astray(
                f"the request of {check.name} is taken by another rule of the listener (priority {rule.priority})"
                + (f": {why}" if why else ", which comes first")
            )
    told = ", ".join(dict.fromkeys(doubts)) or "a rule that was not seen"
    return Unclear(f"whether the service's own rule takes the request of {check.name} hangs on {told}")


def _met(condition: Condition, check: HttpCheck, host: str) -> bool | None:
    """Whether a request of the check meets a condition; `None` if that cannot be said."""
    path, _, query = check.path.partition("?")
    known: bool | None
    match condition.field:
        case "host-header":
            known = _like(condition.values, check.host or host)
        case "path-pattern":
            known = _like(condition.values, path, cased=True)
        case "http-request-method":
            known = check.method in condition.values
        case "http-header":
            known = _header(condition, check)
        case "query-string":
            known = any(_queried(value, query) for value in condition.values)
        case _:
            known = None
    return None if known is False and not condition.judged else known


def _header(condition: Condition, check: HttpCheck) -> bool | None:
    sent: dict[str, str | None] = {name.lower(): value for name, value in OWN_HEADERS.items()}
    sent |= {one.name.lower(): None if isinstance(one, SecretHeader) else one.value for one in check.headers}
    name = condition.header.lower()
    if name not in sent:
        return False
    value = sent[name]
    if value is None:  # a secret, which nobody reads for this
        return True if "*" in condition.values else None
    return _like(condition.values, value)


def _queried(wanted: str, query: str) -> bool:
    key, equals, value = wanted.partition("=")
    if not equals:
        key, value = "*", wanted
    pairs = parse_qsl(query, keep_blank_values=True)
    return any(_like((key,), name) and _like((value,), given) for name, given in pairs)


def _like(patterns: tuple[str, ...], text: str, *, cased: bool = False) -> bool:
    flags = re.DOTALL if cased else re.DOTALL | re.IGNORECASE
    signs = {"*": ".*", "?": "."}
    return any(
        re.fullmatch("".join(signs.get(letter, re.escape(letter)) for letter in pattern), text, flags)
        for pattern in patterns
    )
