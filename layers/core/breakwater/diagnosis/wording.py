"""Sentences for people: one line each, redacted, bounded."""

import re
from collections.abc import Iterable

from breakwater.model import Category, Cause, Diagnosis, Severity
from breakwater.redact import plain, redact, redact_name

_LONGEST = 400
_LONGEST_QUOTE = 240
_LONGEST_NAME = 96
_MOST_READ = 4000
_ORDINARY_NAME = re.compile(r"[a-z][a-z0-9.-]{0,20}(?::\d{1,9})?", re.ASCII)  # too short to be a token


def quote(text: str | None, known: Iterable[str] = (), limit: int = _LONGEST_QUOTE) -> str:
    """Return a text of AWS or of a user as it may be shown: redacted first, then cut."""
    if not text:
        return ""
    if len(text) > _MOST_READ:
        text = text[:_MOST_READ].rpartition(" ")[0]  # half a secret is a secret too
    return _cut(redact(text, known).strip(), limit)


def name(text: str | None, otherwise: str) -> str:
    """Return the name of a thing, or `otherwise` if the event gives none."""
    if not text:
        return otherwise
    if _ORDINARY_NAME.fullmatch(text):
        return text
    return _cut(redact_name(text[:_MOST_READ]).strip(), _LONGEST_NAME) or otherwise


def in_brackets(text: str | None, known: Iterable[str] = ()) -> str:
    """Return ` (text)` as it may be shown, or nothing."""
    shown = quote(text, known).rstrip(".")
    return f" ({shown})" if shown else ""


def sentence(text: str) -> str:
    """Bound a finished sentence; its parts have been made harmless before."""
    return _cut(text, _LONGEST)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else plain(text[: limit - 1]).rstrip() + "…"


def nothing(cause: Cause, reason: str) -> Diagnosis:
    """An event that asks nobody for anything."""
    return Diagnosis(Category.NONE, Severity.NONE, cause, sentence(reason))
