"""How strongly do failures speak against a revision? An anytime-valid test: docs/rollback-evidence.md explains it.

What has a denominator is weighed, nothing is counted to a fixed three. The null hypothesis is a revision that works, at
its background rate (`Background`). Four e-processes ask about it, each with the failures that it understands; their
weighted mean is one as well. By Ville's inequality it ever reaches 1 / `ALPHA` with a probability of at most `ALPHA`
while the null holds, however often and whenever somebody looks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from math import exp, inf, log
from typing import TypeVar

from breakwater.model import Cause

ALPHA = 1e-4
"""The stated error rate: of a revision that works, over all looks at one deployment."""

EARLY_SECONDS = 30.0
"""An exit so soon after the start, again and with the same code, is nearly certain to come back."""

YOUNG_SECONDS = 300.0
"""Up to this age a failure is one of the start; later it is one of running, and time is its denominator."""

_SHARE_AT_MOST = 0.95
_Key = TypeVar("_Key", Cause, int)


class Kind(StrEnum):
    """What a failure is worth as evidence."""

    CERTAIN = "certain"
    """It repeats with certainty: the image is not found, the command cannot be run, a secret does not exist."""
    EARLY = "early"
    """A container exited by itself within `EARLY_SECONDS` of its start."""
    YOUNG = "young"
    """Another failure within `YOUNG_SECONDS`, failed health checks of a young task included."""
    LATE = "late"
    """A failure of a task that had run for longer."""
    OUTSIDE = "outside"
    """The registry, a network, a secret store could not be reached, or capacity lacked. It never votes."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The distinct failures (each task once) of the tasks of one deployment, by what they are worth.

    `certain` has an entry for each cause and `early` for each exit code. Entries are sorted, so that the order of
    arrival leaves no trace.
    """

    certain: tuple[tuple[Cause, int], ...] = ()
    early: tuple[tuple[int, int], ...] = ()
    young: int = 0
    late: int = 0
    outside: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def certain_count(self) -> int:
        """Failures that repeat with certainty."""
        return sum(count for _, count in self.certain)

    @property
    def same_code(self) -> int:
        """Early exits with the code that is most frequent."""
        return max((count for _, count in self.early), default=0)

    @property
    def starts_failed(self) -> int:
        """Failures whose denominator is starts."""
        return self.certain_count + sum(count for _, count in self.early) + self.young

    @property
    def failures(self) -> int:
        """All failures that vote."""
        return self.starts_failed + self.late

    def adding(self, kind: Kind, at: datetime, *, cause: Cause = Cause.UNKNOWN, code: int | None = None) -> "Tally":
        """The tally with one more failure."""
        first = at if self.first_at is None else min(self.first_at, at)
        last = at if self.last_at is None else max(self.last_at, at)
        dated = replace(self, first_at=first, last_at=last)
        match kind:
            case Kind.CERTAIN:
                return replace(dated, certain=_plus(self.certain, cause))
            case Kind.EARLY if code is not None:
                return replace(dated, early=_plus(self.early, code))
            case Kind.EARLY | Kind.YOUNG:
                return replace(dated, young=self.young + 1)
            case Kind.LATE:
                return replace(dated, late=self.late + 1)
            case Kind.OUTSIDE:
                return replace(dated, outside=self.outside + 1)

    def without(self, causes: Iterable[Cause]) -> "Tally":
        """The tally without the certain failures of these causes."""
        left_out = frozenset(causes)
        return replace(self, certain=tuple(entry for entry in self.certain if entry[0] not in left_out))


@dataclass(frozen=True, slots=True)
class Exposure:
    """The denominators: how many tasks were started, those that failed included, and for how many task-hours they ran.

    Both may be too large, never too small: what is launched and has not failed counts as a success, and an hour is
    counted for every task that was wanted. Too large delays an action; too small could cause one.
    """

    starts: int
    task_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Background:
    """How often a revision that works fails all the same: the null hypothesis, as upper bounds.

    `start`, `early` and `certain` are shares of starts, `per_hour` is a rate for each running task. The defaults are
    ours: one start in 50 fails within five minutes, one in 1,500 exits within 30 seconds, one in 500,000 fails with
    what cannot come and go, one running task in 20 crashes in an hour. `control` is the share of the old revision's
    tasks that failed at the same time: what would fail anyway.
    """

    start: float = 1 / 50
    early: float = 1 / 1_500
    certain: float = 1 / 500_000
    per_hour: float = 1 / 20
    control: float = 0.0


class Question(StrEnum):
    """What the four parts of the test ask."""

    CERTAIN = "certain"
    EARLY = "early"
    START = "start"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the test says, with the numbers that tipped it. `question` is the one whose answer weighs most."""

    e: float
    failures: int
    starts: int
    task_hours: float
    background: Background
    question: Question

    @property
    def enough(self) -> bool:
        """Whether chance at the background rate is out."""
        return self.e >= 1 / ALPHA


# Where the alternative puts its money. Shares of starts that fail, and the part of the stake that each one gets:
_SHARES: tuple[tuple[float, float], ...] = ((0.05, 0.1), (0.1, 0.1), (0.2, 0.2), (0.5, 0.2), (0.9, 0.4))
# For running tasks: so many times the background rate.
_TIMES: tuple[tuple[float, float], ...] = ((3, 0.2), (10, 0.2), (30, 0.2), (100, 0.2), (300, 0.2))
# And how much each question gets.
_STAKES: dict[Question, float] = {
    Question.CERTAIN: 0.25,
    Question.EARLY: 0.25,
    Question.START: 0.3,
    Question.RUNNING: 0.2,
}


def weigh(tally: Tally, exposure: Exposure, background: Background | None = None) -> Weighed:
    """Weigh the failures of one deployment against its starts and its hours.

    More failures never weigh less, more starts or hours never more. Failures from outside are left out altogether.
    A question about one kind of failure leaves out the starts that failed in another way.
    """
    null = background or Background()
    failed = tally.starts_failed
    fine = max(0, exposure.starts - failed)
    running = null.per_hour * exposure.task_hours + null.control * exposure.starts
    logs = {
        Question.CERTAIN: _of_starts(tally.certain_count, fine, null.certain),
        Question.EARLY: _of_starts(tally.same_code, fine, max(null.early, null.control)),
        Question.START: _of_starts(failed, fine, max(null.start, null.control)),
        Question.RUNNING: _of_hours(tally.late, running),
    }
    staked = {question: value + log(_STAKES[question]) for question, value in logs.items()}
    total = _log_sum(staked.values())
    return Weighed(
        exp(total) if total < _EXP_AT_MOST else inf,
        tally.failures,
        fine + failed,
        exposure.task_hours,
        null,
        max(staked, key=lambda question: staked[question]),
    )


def control_share(failures: int, tasks: int) -> float:
    """The share of the old revision's tasks that failed, on the high side; 0 if none did.

    `tasks` are those that run and those that failed.
    """
    return (failures + 0.5) / (max(tasks, failures) + 1) if failures else 0.0


def _of_starts(failed: int, fine: int, null: float) -> float:
    """The logarithm of a mixture of likelihood ratios, one for each share that the alternative thinks of.

    A share below the null's is the null's: then a failure never speaks for the revision.
    """
    null = min(null, _SHARE_AT_MOST)
    return _log_sum(
        log(stake) + failed * log(max(share, null) / null) + fine * log((1 - max(share, null)) / (1 - null))
        for share, stake in _SHARES
    )


def _of_hours(failed: int, expected: float) -> float:
    """The same for failures in time: a Poisson process of so many expected ones, against faster ones."""
    return _log_sum(log(stake) + failed * log(times) - (times - 1) * expected for times, stake in _TIMES)


def _log_sum(values: Iterable[float]) -> float:
    logs = list(values)
    top = max(logs)
    return top + log(sum(exp(value - top) for value in logs))


_EXP_AT_MOST = 700.0


def _plus(counts: tuple[tuple[_Key, int], ...], key: _Key) -> tuple[tuple[_Key, int], ...]:
    found = dict(counts)
    found[key] = found.get(key, 0) + 1
    return tuple(sorted(found.items()))
