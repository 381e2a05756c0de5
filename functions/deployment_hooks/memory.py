"""What the hook knows from one call to the next: it travels in `hookDetails`, so there is no table to keep in step.

It comes back through ECS and may be cut, old or somebody else's: what cannot be read is forgotten, and the checks begin
anew. Only the last words of each outcome are kept, so that it stays small.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from breakwater.checks.results import Attempt, Outcome

KEY = "breakwater"
VERSION = 1
LONGEST_WORDS = 160
_LETTERS = {Outcome.PASSED: "p", Outcome.FAILED: "f", Outcome.ERROR: "e"}
_OUTCOMES = {letter: outcome for outcome, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True)
class Memory:
    """When this stage's work began, the attempts of each check, looks at the metrics, and when a person was asked."""

    stage: str
    began: datetime
    attempts: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict)
    looks: int = 0
    asked: datetime | None = None
    question: str = ""


def remembered(details: Mapping[str, Any], stage: str, now: datetime) -> Memory:
    """Read what an earlier call of this stage left, or begin."""
    raw = details.get(KEY)
    try:
        if not isinstance(raw, Mapping) or (raw["v"], raw["stage"]) != (VERSION, stage):
            return Memory(stage, now)
        return Memory(
            stage,
            began=_time(raw["began"], now),
            attempts={str(name): _attempts(one) for name, one in raw["attempts"].items()},
            looks=int(raw["looks"]),
            asked=_time(raw["asked"], now) if raw["asked"] else None,
            question=str(raw["question"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return Memory(stage, now)


def kept(details: Mapping[str, Any], memory: Memory) -> dict[str, Any]:
    """The details to answer with: what the service declared, and what is to be remembered."""
    raw = {
        "v": VERSION,
        "stage": memory.stage,
        "began": memory.began.isoformat(),
        "attempts": {name: _dumped(attempts) for name, attempts in memory.attempts.items()},
        "looks": memory.looks,
        "asked": memory.asked.isoformat() if memory.asked else None,
        "question": memory.question[:LONGEST_WORDS],
    }
    return {**{name: value for name, value in details.items() if name != KEY}, KEY: raw}


def _dumped(attempts: tuple[Attempt, ...]) -> dict[str, Any]:
    last = {_LETTERS[attempt.outcome]: attempt.detail[:LONGEST_WORDS] for attempt in attempts}
    letters = "".join(_LETTERS[attempt.outcome] for attempt in attempts)
    return {"outcomes": letters, "at": [attempt.at_ms for attempt in attempts], "last": last}


def _attempts(raw: Mapping[str, Any]) -> tuple[Attempt, ...]:
    pairs = zip(raw["outcomes"], raw["at"], strict=True)
    return tuple(Attempt(_OUTCOMES[letter], str(raw["last"].get(letter, "")), int(at)) for letter, at in pairs)


def _time(text: str, now: datetime) -> datetime:
    """A time with its zone that is not after now: a clock that ran ahead must not stretch a deadline."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return min(at, now)
