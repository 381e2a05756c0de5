"""What the policy says, as the decisions take it: one frozen value for each automation.

The defaults here are those of an account without a policy document. A decision sees nothing else of the document.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from breakwater.model import Mode


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """How loud incidents are.

    An update is sent when the count has grown `growth_factor`-fold since the last message, or when `remind_minutes`
    have passed and it has grown at all (the gap doubles with each reminder, to a day). `quiet_minutes` without
    a new finding resolve an incident; the time doubles each time it comes back within a day, to a day.
    """

    mode: Mode = Mode.ACT
    quiet_minutes: int = 30
    growth_factor: int = 10
    remind_minutes: int = 60
    log_tail: bool = True
    log_lines: int = 20


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """How far the rollback guard may go for one service.

    A revision is known good once its deployment COMPLETED and `bake_minutes` went by without a crash; failures count
    for `watch_minutes` after COMPLETED. `budget` bounds the automatic rollbacks of one service in 24 hours. A service
    that wants tasks and has had none for `silence_minutes` is an incident. `early_evidence` lets exit codes count that
    a task shows before it is STOPPED. `halted` is the kill switch: everything is decided and said, nothing done.
    """

    mode: Mode = Mode.OBSERVE
    bake_minutes: int = 10
    watch_minutes: int = 60
    budget: int = 2
    silence_minutes: int = 10
    early_evidence: bool = True
    halted: bool = False


@dataclass(frozen=True, slots=True)
class SurgePolicy:
    """How far a temporary scale-up may go: to `maximum_factor` times what it found, and to `maximum_tasks`."""

    mode: Mode = Mode.OBSERVE
    maximum_factor: int = 5
    maximum_tasks: int = 200
    maximum_hours: int = 24


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """A time in which the services that `match` are held at `desired`, or within `minimum` and `maximum`.

    It opens on each of `days` (0 is Monday) at `opens` and closes at the next `closes`, both minutes since midnight in
    `time_zone`: one that closes before it opens ends on the day after.
    """

    name: str
    match: str
    days: tuple[int, ...]
    opens: int
    closes: int
    time_zone: str = "UTC"
    mode: Mode = Mode.OBSERVE
    desired: int | None = None
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class HeadroomPolicy:
    """The clusters (a glob) whose room for one more task is watched."""

    match: str
    mode: Mode = Mode.OBSERVE


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """What the scaler may do: how far a surge goes, and which windows and clusters it looks after."""

    surge: SurgePolicy = SurgePolicy()
    windows: tuple[WindowPolicy, ...] = ()
    headroom: tuple[HeadroomPolicy, ...] = ()


def matches(glob: str, text: str) -> bool:
    """Whether a glob matches: `*` is any number of characters and `?` one, neither of them a slash."""
    return _compiled(glob).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile("".join({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)) for char in glob))


def lowered(mode: Mode, tag: str | None) -> Mode:
    """The mode after a service's tag `breakwater:<automation>`: it can lower the mode and never raise it.

    Who may tag a service must not be able to arm Breakwater for it, and a tag that says neither `off` nor `observe` is
    none.
    """
    wanted = {"off": Mode.OFF, "observe": Mode.OBSERVE}.get(tag or "", Mode.ACT)
    return lower(mode, wanted)


def lower(mode: Mode, other: Mode) -> Mode:
    """The lower of two modes; the stack's own bounds what a policy may say."""
    return min(mode, other, key=(Mode.OFF, Mode.OBSERVE, Mode.ACT).index)
