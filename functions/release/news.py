"""What people hear of a release that went well: one line, told once. Pure."""

from collections.abc import Iterator
from datetime import timedelta

from breakwater.ledger import Ledger, State

from .record import Release

LONGEST_NAME = 200
RECENT = timedelta(hours=1)


def released(release: Release) -> str:
    """What was released in place of what, how, in what time, for whom, which checks passed, and what was verified."""
    what = _short(release.task_definition)
    before = f" in place of {_short(release.before.task_definition)}" if release.before else ""
    who = f", asked for by {release.requested_by}" if release.requested_by else ""
    whose = ", a deployment that somebody else started and that was attended" if release.attended else who
    said = "; ".join([*_judged(release)]) or "no check ran"
    verified = release.ending.cause if release.ending else ""
    return f"{what}{before}: {release.strategy}, {_minutes(release)}{whose}. Checks: {said}. Verified: {verified}."


def _judged(release: Release) -> Iterator[str]:
    """The checks that decided, each with its last verdict, the looks at the metrics, and who approved what."""
    verdicts: dict[str, str] = {}
    for line in release.lines:
        if line.what.startswith("check "):
            verdicts[line.what.removeprefix("check ")] = line.reason.partition(":")[0]
    passed = [name for name, verdict in verdicts.items() if verdict == "Passed"]
    if passed:
        yield f"{', '.join(passed)} passed"
    for name, verdict in verdicts.items():
        if verdict != "Passed":
            yield f"{name} {verdict.lower()}"
    looks = sum(line.what.startswith("look ") for line in release.lines)
    if looks:
        yield f"the metrics of both sides compared in {looks} look{'s' if looks > 1 else ''}"
    for line in release.lines:
        if line.what == "go on" and line.reason.startswith("approved by "):
            yield brief(line.reason)


def brief(reason: str) -> str:
    """Who approved, without what was asked: that was told when it was asked."""
    who, approved, _ = reason.partition(" although inconclusive")
    return f"{who[:LONGEST_NAME]}{approved}" if approved else reason


def was_asked(release: Release) -> bool:
    """Whether a person was asked something on the way."""
    return any(line.what == "a person is asked" for line in release.lines)


def is_the_guards(release: Release, ledger: Ledger) -> bool:
    """Whether what was attended is how the rollback guard went back: that is told already, and so is its outcome."""
    before = release.before.task_definition if release.before else ""
    return release.attended and any(
        (past.bad, past.to) == (before, release.task_definition)
        and past.state is not State.ABANDONED
        and past.at >= release.began_at - RECENT
        for past in ledger.rollbacks
    )


def _minutes(release: Release) -> str:
    seconds = int((release.lines[-1].at - release.began_at).total_seconds()) if release.lines else 0
    return f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]
