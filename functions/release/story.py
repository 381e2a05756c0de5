"""A release as people read it: its steps with what they found, and how its traffic went. Pure.

The report in the bucket, `breakwater simulate` and the demo tell it from here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from breakwater.release_policy import MOST_LOOKS

from .facts import Weights
from .record import Before, Line, LineKind, Release, Traffic

GOOD, BAD, OPEN = "good", "bad", "open"
_VERDICTS = {"Passed": ("passed", GOOD), "Failed": ("failed", BAD), "Inconclusive": ("inconclusive", OPEN)}
_ENDINGS = {"Released": GOOD, "Rehearsed": GOOD}
_TITLES = {
    "begun": "begun",
    "deploy": "deployed",
    "go on": "let through",
    "failed": "not let through",
    "a person is asked": "a person",
    "checks": "tasks of checks run",
    "refused": "refused",
    "rehearsed": "rehearsed",
}
_SPOKEN = {LineKind.CONTINUE: "goes on", LineKind.ROLLBACK: "is told to go back"}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. `mark` is a word and how it bodes (`good`, `bad`, `open`), where it was judged."""

    number: int
    at: datetime
    title: str
    reason: str
    mark: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """The new side's share of the production traffic from one moment on, in percent."""

    at: datetime
    share: float


def steps(release: Release) -> tuple[Step, ...]:
    """What happened, in order, without the warnings. What a step before has said is not said again."""
    found: list[Step] = []
    lines = [line for line in release.lines if line.kind is not LineKind.WARNING]
    told: list[str] = []
    for line, after in zip_longest(lines, lines[1:]):
        if line.what == "go on" and after is not None and after.kind is LineKind.CONTINUE:
            continue  # what is let through at a hook goes on there: one step
        found.append(_step(len(found) + 1, line, _news(line.reason, told), release))
        told.insert(0, line.reason)
    return tuple(found)


def _news(reason: str, told: Sequence[str]) -> str:
    """A reason without what was told before: a verdict repeats its check's words, an ending those of the verdict."""
    for before in told:
        said = before.partition(": ")[2] if before.startswith(tuple(_VERDICTS)) else before
        reason = reason.removeprefix(f"{before}; ").removesuffix(f": {said}")
        if reason in (before, said):
            return ""
    return reason


def warnings(release: Release) -> tuple[str, ...]:
    """What preflight found that did not keep it from beginning."""
    return tuple(line.reason for line in release.lines if line.kind is LineKind.WARNING)


def _step(number: int, line: Line, reason: str, release: Release) -> Step:
    what, ending = line.what, release.ending
    match line.kind:
        case LineKind.CHECK:
            verdict, _, said = reason.partition(": ")
            mark = _VERDICTS.get(verdict)
            return Step(number, line.at, what, said if mark else reason, mark)
        case LineKind.LOOK:
            return Step(number, line.at, f"metrics, {what}", reason.removeprefix(f"{what} of {MOST_LOOKS}: "))
        case LineKind.CONTINUE | LineKind.ROLLBACK as spoken:
            return Step(number, line.at, _SPOKEN[spoken], f"at {line.which}{': ' if reason else ''}{reason}")
    if ending is not None and what == ending.error.lower():
        return Step(number, line.at, "ended", reason, (what, _ENDINGS.get(ending.error, BAD)))
    return Step(number, line.at, _TITLES.get(what, what), reason, ("asked", OPEN) if "asked" in what else None)


# ── traffic ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def new_share(before: Before | None, weights: Weights) -> float | None:
    """The part of the weight that target groups have which had none before, in percent; `None` if nobody can say."""
    had = {(share.rule, share.group) for share in before.shares if share.weight} if before else set()
    if not had:
        return None
    new = total = 0
    for rule, groups in weights.items():
        total += sum(groups.values())
        new += sum(weight for group, weight in groups.items() if (rule, group) not in had)
    return round(100 * new / total, 1) if total else None


def points(release: Release) -> tuple[Point, ...]:
    """The weights of the production listener as they were recorded, the beginning among them; each change once."""
    first = Point(release.began_at, 0.0)
    found = [first] if release.before and release.before.shares else []
    for one in release.traffic:
        if one.share is not None and (not found or found[-1].share != one.share):
            found.append(Point(one.at, one.share))
    return tuple(found)


def counted(release: Release) -> tuple[Traffic, ...]:
    """The moments at which the metrics of both sides were read."""
    return tuple(one for one in release.traffic if one.new_requests is not None or one.old_requests is not None)


def stages(release: Release) -> Iterator[tuple[datetime, str]]:
    """The lifecycle stages at which its deployment was seen, each once in a row."""
    last = ""
    for one in release.traffic:
        if one.stage and one.stage != last:
            last = one.stage
            yield one.at, one.stage


def ends(release: Release, found: Sequence[Step]) -> datetime:
    """The last moment that is told of."""
    return max([release.began_at, *(step.at for step in found), *(one.at for one in release.traffic)])
