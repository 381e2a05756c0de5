"""What a look before a release says, rule by rule."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refuse:
    """The release must not begin."""

    rule: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Warn:
    """It may begin, and somebody should know."""

    rule: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Ok:
    """Looked at and found good."""

    rule: str
    reason: str


Finding = Refuse | Warn | Ok
Findings = Iterator[Finding]
