"""The settings of BLUE_GREEN, LINEAR and CANARY, and the plan of moves that each of them makes. All pure (ecs 4)."""

from dataclasses import dataclass

from sandbox.ecs import lifecycle
from sandbox.ecs.constants import MINUTE
from sandbox.ecs.definitions import DeploymentSettings
from sandbox.ecs.errors import invalid
from sandbox.ecs.lifecycle import Hook
from sandbox.ecs.traffic import ALL

LONGEST_BAKE = 1440
"""Minutes: ecs 4 [read]."""


@dataclass(frozen=True, slots=True)
class BlueGreen:
    """All production traffic at once, then `bakeTimeInMinutes`, which is required."""

    bake_minutes: int
    hooks: tuple[Hook, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        _check_minutes("bakeTimeInMinutes", self.bake_minutes)


@dataclass(frozen=True, slots=True)
class Linear:
    """Equal steps, with a bake after each but the last. A bake at the end is optional: none is [inferred]."""

    step_percent: float = 10.0
    step_bake_minutes: int = 6
    bake_minutes: int = 0
    hooks: tuple[Hook, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        _check_percent("stepPercent", self.step_percent, 3.0)
        _check_minutes("stepBakeTimeInMinutes", self.step_bake_minutes)
        _check_minutes("bakeTimeInMinutes", self.bake_minutes)


@dataclass(frozen=True, slots=True)
class Canary:
    """A small share first, and after its bake the rest."""

    canary_percent: float = 5.0
    canary_bake_minutes: int = 10
    bake_minutes: int = 0
    hooks: tuple[Hook, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        _check_percent("canaryPercent", self.canary_percent, 0.1)
        _check_minutes("canaryBakeTimeInMinutes", self.canary_bake_minutes)
        _check_minutes("bakeTimeInMinutes", self.bake_minutes)


Shifting = BlueGreen | Linear | Canary
NAMES: dict[type[Shifting], str] = {BlueGreen: "BLUE_GREEN", Linear: "LINEAR", Canary: "CANARY"}


def of(settings: DeploymentSettings) -> Shifting:
    """The settings of the strategy itself. LINEAR and CANARY have defaults for all of theirs (ecs 4)."""
    more = settings.more
    if isinstance(more, BlueGreen | Linear | Canary) and NAMES[type(more)] == settings.strategy:
        return more
    if more is None and settings.strategy == "LINEAR":
        return Linear()
    if more is None and settings.strategy == "CANARY":
        return Canary()
    if more is None and settings.strategy == "BLUE_GREEN":
        raise invalid("bakeTimeInMinutes is required for the BLUE_GREEN deployment strategy.")
    raise invalid(f"These settings are not those of the {settings.strategy} deployment strategy.")


def _check_minutes(name: str, minutes: int) -> None:
    if isinstance(minutes, bool) or not 0 <= minutes <= LONGEST_BAKE:
        raise invalid(f"{name} must be between 0 and {LONGEST_BAKE}.")


def _check_percent(name: str, percent: float, least: float) -> None:
    if not least <= percent <= 100.0:
        raise invalid(f"{name} must be between {least} and 100.0.")
    if abs(percent * 10 - round(percent * 10)) > 1e-6:
        raise invalid(f"{name} must be a multiple of 0.1.")


@dataclass(frozen=True, slots=True)
class Move:
    """One stage to go through. Traffic is in tenths of a per cent of what the new revision has from then on."""

    stage: str
    production: int | None = None
    test: int | None = None
    bake: int = 0
    """How long it lasts once its hooks are through: milliseconds."""


def steps(settings: Shifting) -> tuple[tuple[int, int], ...]:
    """The share of production traffic after each step, with the minutes of bake behind it."""
    if isinstance(settings, Linear):
        step = round(settings.step_percent * 10)
        shares = [*range(step, ALL, step), ALL]
        return tuple((share, settings.step_bake_minutes if share < ALL else 0) for share in shares)
    if isinstance(settings, Canary):
        share = round(settings.canary_percent * 10)
        return ((share, settings.canary_bake_minutes), (ALL, 0)) if share < ALL else ((ALL, 0),)
    return ((ALL, 0),)


def plan(settings: Shifting, *, reconcile: bool = False) -> tuple[Move, ...]:
    """The way there. `RECONCILE_SERVICE` is entered only if more than one revision is ACTIVE."""
    moves = [Move(lifecycle.RECONCILE)] if reconcile else []
    moves += [
        Move(lifecycle.PRE_SCALE_UP),
        Move(lifecycle.SCALE_UP),
        Move(lifecycle.POST_SCALE_UP),
        Move(lifecycle.TEST_SHIFT, test=ALL),
        Move(lifecycle.POST_TEST_SHIFT),
    ]
    for share, minutes in steps(settings):
        moves.append(Move(lifecycle.PRE_PRODUCTION_SHIFT))
        moves.append(Move(lifecycle.PRODUCTION_SHIFT, production=share, bake=minutes * MINUTE))
    return (
        *moves,
        Move(lifecycle.POST_PRODUCTION_SHIFT),
        Move(lifecycle.BAKE_TIME, bake=settings.bake_minutes * MINUTE),
        Move(lifecycle.CLEAN_UP),
    )


def way_back(*, scale_up: bool, production: bool, test: bool) -> tuple[Move, ...]:
    """The way back: only what was entered is undone, production first; the order is [inferred]."""
    moves = [Move(lifecycle.SCALE_UP)] if scale_up else []
    if production:
        moves.append(Move(lifecycle.PRODUCTION_SHIFT, production=0))
    if test:
        moves.append(Move(lifecycle.TEST_SHIFT, test=0))
    return (*moves, Move(lifecycle.CLEAN_UP))
