"""n of m: when to try again, and when it is decided.

An attempt that ended in the checker's own error counts as if it had not been made: it can neither pass nor fail a
check. So `Failed` needs as many failures as rule out `needed` passes even if every other attempt had passed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .results import Attempt, CheckResult, Failed, Inconclusive, Outcome, Passed, Verdict
from .spec import Sample


@dataclass(frozen=True, slots=True)
class Try:
    """Try again at this time after the check began."""

    at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """It is decided."""

    result: CheckResult
    reason: str


Next = Try | Done


def next_attempt(name: str, sample: Sample, attempts: Sequence[Attempt], now_ms: int) -> Next:
    """Say what comes next for a check that began `now_ms` ago.

    It ends at the first moment that decides it; time that is left is not waited for.
    """
    counted = Counter(attempt.outcome for attempt in attempts)
    passed, failed, errors = counted[Outcome.PASSED], counted[Outcome.FAILED], counted[Outcome.ERROR]
    left = sample.attempts - len(attempts)
    late = now_ms >= sample.deadline_seconds * 1000
    figures = {"passed": passed, "failed": failed, "errors": errors, "needed": sample.needed, "of": sample.attempts}
    verdict: Verdict
    if passed >= sample.needed:
        verdict = Passed(f"{passed} of {len(attempts)} attempts passed, {sample.needed} were needed", figures)
    elif failed > sample.attempts - sample.needed:
        verdict = Failed(
            f"{failed} of {len(attempts)} attempts failed, so {sample.needed} of {sample.attempts} cannot pass; "
            f"{_last(attempts, Outcome.FAILED)}",
            figures,
        )
    elif late or passed + left < sample.needed:
        short = f"only {passed} of the {sample.needed} passes that are needed"
        cause = "the deadline came first" if late else "no attempts are left"
        seen = _last(attempts, Outcome.ERROR) or _last(attempts, Outcome.FAILED) or "no attempt was made"
        verdict = Inconclusive(
            f"{short}: {cause}, {failed} failed and {errors} were errors of the check; {seen}", figures
        )
    else:
        since = max((attempt.at_ms for attempt in attempts), default=None)
        due = now_ms if since is None else max(now_ms, since + sample.interval_seconds * 1000)
        return Try(due, f"{passed} of {sample.needed} needed passes, {left} attempts left")
    return Done(CheckResult(name, verdict, tuple(attempts)), verdict.reason)


def _last(attempts: Sequence[Attempt], outcome: Outcome) -> str:
    found = [attempt.detail for attempt in attempts if attempt.outcome is outcome]
    return f"the last: {found[-1]}" if found else ""
