"""What came of checks: attempts, the result of each check, and one verdict over all of them.

Three answers, not two. `Failed` says that the service was seen to be wrong. `Inconclusive` says that nobody knows: the
checker could not do its work, or there was too little to judge by. It is never taken for either of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Evidence = Mapping[str, str | int | float | None]
NONE: Evidence = {}


class Outcome(StrEnum):
    """What one attempt showed. `ERROR` is the checker's own trouble and says nothing about the service."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a check. `detail` is redacted; `at_ms` is the time since the check began."""

    outcome: Outcome
    detail: str
    at_ms: int = 0
    status: int | None = None
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """The service was seen to be right."""

    reason: str
    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The service was seen to be wrong."""

    reason: str
    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """Nobody knows: a person decides, or the release goes back."""

    reason: str
    evidence: Evidence = field(default_factory=dict)


Verdict = Passed | Failed | Inconclusive


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of one check, with the attempts that it is based on."""

    check: str
    verdict: Verdict
    attempts: tuple[Attempt, ...] = ()


def verdict_of(results: Sequence[CheckResult]) -> Verdict:
    """One verdict: any failure fails, else any doubt is a doubt; nothing checked is nothing known."""
    if not results:
        return Inconclusive("nothing was checked")
    failed = [result for result in results if isinstance(result.verdict, Failed)]
    doubtful = [result for result in results if isinstance(result.verdict, Inconclusive)]
    figures: Evidence = {
        "checks": len(results),
        "failed": len(failed),
        "inconclusive": len(doubtful),
        "passed": len(results) - len(failed) - len(doubtful),
    }
    if failed:
        return Failed(f"{len(failed)} of {len(results)} checks failed: {_told(failed)}", figures)
    if doubtful:
        return Inconclusive(f"{len(doubtful)} of {len(results)} checks could not be judged: {_told(doubtful)}", figures)
    return Passed(f"all {len(results)} checks passed" if len(results) > 1 else _told(results), figures)


def _told(results: Sequence[CheckResult]) -> str:
    told = [f"{result.check}: {result.verdict.reason}" for result in results[:_MOST_TOLD]]
    more = len(results) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


_MOST_TOLD = 3
