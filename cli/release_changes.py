"""What is new between two looks at a release, for those who read lines: people without a terminal, programs. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from breakwater.redact import redact
from cli.release_view import How, View
from release.record import Line


@dataclass(frozen=True, slots=True)
class Event:
    """One more line of the history."""

    at: datetime
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What ECS says has moved."""

    at: datetime
    step: str
    progress: str


@dataclass(frozen=True, slots=True)
class Question:
    """A person is asked, with the commands that answer."""

    at: datetime
    question: str
    until: datetime
    approve: str
    abort: str


@dataclass(frozen=True, slots=True)
class End:
    """It is over."""

    at: datetime
    outcome: str
    good: bool
    reason: str


Change = Event | Progress | Question | End


def changes(before: View | None, after: View, now: datetime, commands: Mapping[str, str]) -> Iterator[Change]:
    """What a look adds to the one before. `commands` are those for `approve` and `abort`."""
    for line in news(before.lines if before is not None else (), after.lines):
        yield Event(line.at, line.what, clean(line.reason))
    if after.live and after.live != (before.live if before is not None else ""):
        step = next((row.step for row in after.rows if row.how in (How.DOING, How.ASKING)), "")
        yield Progress(now, str(step), after.live)
    if after.asked is not None and after.asked != (before.asked if before is not None else None):
        yield Question(now, clean(after.asked.reason), after.asked.until, commands["approve"], commands["abort"])
    if after.result is not None and (before is None or before.result is None):
        result = after.result
        yield End(after.stopped_at or now, clean(result.outcome), result.good, clean(result.reason))


def news(told: Sequence[Line], there: Sequence[Line]) -> Sequence[Line]:
    """The lines that were not told yet; the history keeps only its last ones."""
    for place in range(len(there), 0, -1) if told else ():
        if there[place - 1] == told[-1]:
            return there[place:]
    return there


def text_of(change: Change) -> str:
    """A change as a line of text."""
    match change:
        case Event():
            return f"{_clock(change.at)}  {change.what}: {change.reason}"
        case Progress():
            return f"{_clock(change.at)}  {change.step}: {change.progress}"
        case Question():
            until = f"{change.until:%H:%M} UTC"
            return f"          until {until} answer with\n  {change.approve}\n  {change.abort}"
        case End():
            return f"{_clock(change.at)}  {change.outcome}: {change.reason}"
        case _:
            assert_never(change)


def data_of(change: Change) -> dict[str, object]:
    """A change as a program reads it: `kind` says which of the four."""
    told = {name: getattr(change, name) for name in change.__dataclass_fields__}
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}
    return {"kind": type(change).__name__.lower(), **plain}


def clean(text: str) -> str:
    """Text from outside as one harmless line: no secrets, no terminal escapes."""
    return redact(text)


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}"
