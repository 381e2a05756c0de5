"""Looks at the metrics of both sides while a deployment waits: enough to judge, too little yet, or too little for good.

The number of looks is fixed before the first one, because each look at the same question is another chance to be
fooled: the false-alarm rate of the policy is shared out among them (`breakwater.checks.statistics`).
"""

from dataclasses import dataclass

from breakwater.checks.results import Failed, Inconclusive, Passed, Verdict
from breakwater.release_policy import MOST_LOOKS


@dataclass(frozen=True, slots=True)
class Proceed:
    """Let it have more traffic."""

    reason: str


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Too little was seen yet: look again after so many seconds."""

    seconds: int
    reason: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Too little was seen, and that will not change: a person decides."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The new side is worse: go back."""

    reason: str


ShiftDecision = Proceed | LookAgain | Doubt | Stop


def decide_shift_analysis(verdict: Verdict, looks: int, window_minutes: int, most: int = MOST_LOOKS) -> ShiftDecision:
    """What one look says. `looks` counts those of this step, this one among them.

    A failure counts at once, a pass as well; only doubt is worth another window of traffic, and that only so often.
    """
    match verdict:
        case Failed(reason=reason):
            return Stop(reason)
        case Passed(reason=reason):
            return Proceed(reason)
        case Inconclusive(reason=reason) if looks < most:
            return LookAgain(window_minutes * 60, f"look {looks} of {most}: {reason}")
        case Inconclusive(reason=reason):
            return Doubt(f"after {looks} looks over {looks * window_minutes} minutes: {reason}")
