"""What is kept of one service whose scale Breakwater has changed: a lease of scale, that ends by giving it back.

A service has up to three numbers: the desired count, and where Application Auto Scaling is attached the minimum and the
maximum of its scalable target. A *claim* (a surge, or one occurrence of a window) wants some of them to be something
for a time. A number is *held* from the first time that a claim wants it until it is given back: what was found
(`original`) and what was set last (`ours`). Whoever finds another number there than `ours` knows that somebody else
changed it, and leaves it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from breakwater.model import Mode


class Knob(StrEnum):
    """One of the numbers. The bounds come first: the desired count is set after them, never against them."""

    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    DESIRED = "desired"


Numbers = Mapping[Knob, int]


class ClaimKind(StrEnum):
    """Who wants the service to be of another size."""

    SURGE = "surge"
    WINDOW = "window"


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody wants of a service from `starts` until `until`.

    `desired` alone is a count: a surge wants at least that many, a window exactly that many. A window may instead want
    bounds. `lost` are the numbers that somebody else changed since the claim has `begun` to work: it has no say in
    them any more. A claim whose `mode` is not act is only rehearsed.
    """

    id: str
    kind: ClaimKind
    starts: datetime
    until: datetime
    desired: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    by: str = ""
    mode: Mode = Mode.ACT
    begun: bool = False
    lost: frozenset[Knob] = frozenset()

    def active(self, now: datetime) -> bool:
        """Whether it is its time."""
        return self.starts <= now < self.until


@dataclass(frozen=True, slots=True)
class Held:
    """One number that Breakwater has in its hand.

    `before` is there from the intent to set `ours` until it is seen to have happened: a function that was killed in
    between leaves either of the two, and both are ours to move.
    """

    original: int
    ours: int
    before: int | None = None

    def is_ours(self, observed: int) -> bool:
        """Whether the number that stands there is one that we know of."""
        return observed in (self.ours, self.before)


@dataclass(frozen=True, slots=True)
class Word:
    """Something that a person has to hear of this service: kept until it was brought to the incident desk."""

    id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ScaleRecord:
    """All that is kept of one service. `version` counts its writes: a write on top of another's is refused.

    `withheld` is since when a change has been waiting for something that stands in its way, `missing` since when the
    service cannot be found; `said` is what was announced last without being done, so that it is announced once.
    """

    cluster: str
    service: str
    claims: tuple[Claim, ...] = ()
    held: Mapping[Knob, Held] = field(default_factory=dict)
    version: int = 0
    withheld: datetime | None = None
    missing: datetime | None = None
    said: str = ""
    untold: tuple[Word, ...] = ()

    @property
    def key(self) -> str:
        """`cluster/service`."""
        return f"{self.cluster}/{self.service}"

    @property
    def empty(self) -> bool:
        """Whether there is nothing left to keep."""
        return not self.claims and not self.held and not self.untold


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A service as it was found. `deployment` is the id of the one in progress, `protected` how many of its tasks are
    protected from scale-in, `None` if nobody has looked. Without a scalable target the bounds are `None`.
    `unchangeable` says why the service may not be touched just now, `fixed` why it never can be, if so."""

    desired: int
    minimum: int | None = None
    maximum: int | None = None
    deployment: str | None = None
    protected: int | None = None
    unchangeable: str | None = None
    fixed: str | None = None

    @property
    def attached(self) -> bool:
        """Whether Application Auto Scaling has the service in its care."""
        return self.minimum is not None and self.maximum is not None

    def numbers(self) -> dict[Knob, int]:
        """The numbers that there are."""
        there = {Knob.MINIMUM: self.minimum, Knob.MAXIMUM: self.maximum, Knob.DESIRED: self.desired}
        return {knob: value for knob, value in there.items() if value is not None}


def said(numbers: Iterable[tuple[Knob, int]]) -> str:
    """Numbers for people: `minimum 4, desired 12`."""
    return ", ".join(f"{knob} {value}" for knob, value in sorted(numbers, key=lambda pair: list(Knob).index(pair[0])))
