"""Notices and digests as plain-text e-mail: complete, the most important first, in lines that fit a phone.

Pure. SNS takes subjects of ASCII below 100 characters without line breaks, and 256 KiB for a whole message.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import TextWrapper

from breakwater.model import Incident, Notice, NoticeKind

from . import words
from .decision import Line
from .words import Place

WIDTH = 72
LONGEST_SUBJECT = 99
LONGEST_BODY = 200_000
_LABEL = 13
_COMMAND = re.compile(r"`[^`\n]{1,900}`")
_GLUE = "\u2060"  # no text has one: `words.clean` takes what cannot be seen


@dataclass(frozen=True, slots=True)
class Mail:
    """What SNS is given."""

    subject: str
    body: str


def notice(notice: Notice, place: Place) -> Mail:
    """One notice as an e-mail."""
    incident = notice.incident
    over = notice.kind is NoticeKind.RESOLVED
    explanation = words.about(incident.cause, incident.category)
    late = words.lateness(incident)
    tell = f"{words.standing(notice)} {words.extent(incident)}"
    sections = [
        _wrapped(words.headline(incident)),
        _wrapped(tell),
        _wrapped(late) if late else "",
        _section(_about(incident, over=over), [words.clean(incident.summary, words.LONGEST_REASON)]),
        _section("WHAT BREAKWATER DID", [done]) if (done := words.done(incident)) else "",
        _section("WHAT REMAINS", [f"- {text}" for text in remains]) if (remains := words.remains(incident)) else "",
        "" if over else _wrapped(explanation.meaning),
        "" if over else _steps(explanation.next_steps),
        _section("LOOK AT IT", [words.console_url(incident, place)]),
        "" if over else _log(notice),
        _facts(notice),
        _section("FULL RECORD", [f"Table {place.table},", words.record_key(incident)]),
    ]
    body = "\n\n".join(section for section in sections if section) + "\n"
    return Mail(_notice_subject(notice), _bounded(body))


def room(lines: Sequence[Line]) -> int:
    """How many of the lines, from the front, fit into one digest."""
    size, group = 4_000, None
    for position, line in enumerate(lines):
        size += _bytes(_line(line)) + (_bytes(_group_head([line])) + 200 if line.group != group else 0)
        group = line.group
        if size > LONGEST_BODY:
            return max(1, position)
    return len(lines)


def digest(lines: Sequence[Line], waiting: int, place: Place) -> Mail:
    """One e-mail that names every one of these incidents; `waiting` more are for the next one."""
    tally = words.tally(lines)
    intro = (
        f"{tally}. They come in one message, since more than ten a minute would have come to this address. "
        "The worst come first, grouped by cause. What came as a message of its own is not repeated here."
    )
    more = f"{waiting} more did not fit and follow in the next digest, in about a minute." if waiting else ""
    parts = [_wrapped(intro), _wrapped(more) if more else ""]
    for _, same in groupby(lines, key=lambda line: line.group):
        group = list(same)
        parts.append("\n".join([_group_head(group), *(_line(line) for line in group)]))
    parts.append(
        _section("FULL RECORDS", [f"Table {place.table},", "pk INCIDENT# and the id in brackets, sk INCIDENT"])
    )
    return Mail(
        _ascii(f"[DIGEST] {tally}", LONGEST_SUBJECT), _bounded("\n\n".join(part for part in parts if part) + "\n")
    )


def _notice_subject(notice: Notice) -> str:
    incident = notice.incident
    late = "[LATE] " if incident.late and notice.kind is not NoticeKind.RESOLVED else ""
    revision = f" ({words.shown(incident.subject.revision, 40)})" if incident.subject.revision else ""
    head = f"[{words.badge(notice)}] {late}"
    why = f": {words.lowered(words.about(incident.cause, incident.category).title)}"
    # A long name gives way: severity, cause and revision are what one reads in a list of messages.
    left = LONGEST_SUBJECT - len(head) - len(why) - len(revision)
    return _ascii(f"{head}{_ascii(words.subject_of(incident), max(20, left))}{why}{revision}", LONGEST_SUBJECT)


def _ascii(text: str, limit: int) -> str:
    """The text in printable ASCII: accents fall off, anything else becomes a question mark, a long end three dots."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    plain = bare.encode("ascii", "replace").decode()
    seen = "".join(each if each.isprintable() else " " for each in plain)
    return seen if len(seen) <= limit else seen[: limit - 3] + "..."


def _about(incident: Incident, *, over: bool) -> str:
    if incident.category.is_news:
        return "WHAT WAS DONE"
    return "WHAT IT WAS" if over else "WHY"


def _facts(notice: Notice) -> str:
    pairs = words.facts(notice.incident)
    title = "WHAT IT IS ABOUT" if notice.incident.category.is_news else "WHAT FAILED"
    return _section(title, [_pair(label, value) for label, value in pairs], wrapped=True)


def _log(notice: Notice) -> str:
    lines = words.log_lines(notice.incident)
    place = words.log_place(notice.incident)
    if not lines:
        return _section("LAST LOG LINES", [f"None: {place}."])
    return "\n".join(["LAST LOG LINES", *(f"| {line}" for line in lines), _wrapped(f"From {place}")])


def _steps(steps: Sequence[str]) -> str:
    numbered = [_wrapped(f"{number}. {step}", "   ") for number, step in enumerate(steps, 1)]
    return _section("WHAT TO DO", numbered, wrapped=True) if numbered else ""


def _section(title: str, paragraphs: Sequence[str], wrapped: bool = False) -> str:
    return "\n".join([title, *(each if wrapped else _wrapped(each) for each in paragraphs)])


def _pair(label: str, value: str) -> str:
    text = f"{label + ':':<{_LABEL}}{value}"
    return text if " " not in value else _wrapped(text, " " * _LABEL)


def _wrapped(text: str, indent: str = "") -> str:
    """Lines of at most `WIDTH`; a longer word (an ARN, a URL) and a command in backticks stay whole, to be copied."""
    wrapper = TextWrapper(WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    glued = _COMMAND.sub(lambda found: found[0].replace(" ", _GLUE), text)
    return wrapper.fill(glued).replace(_GLUE, " ")


def _group_head(group: Sequence[Line]) -> str:
    newest = group[0].newest
    explanation = words.about(newest.cause, newest.category)
    title = words.sort_of(group[0]).upper()
    head = _wrapped(f"{title}: {words.lowered(explanation.title)} ({len(group)})")
    first_step = next(iter(explanation.next_steps), None)
    return head if group[0].is_over or first_step is None else f"{head}\n{_wrapped(f'First step: {first_step}')}"


def _line(line: Line) -> str:
    newest = line.newest
    revision = f" ({words.shown(newest.revision, 100)})" if newest.revision else ""
    container = f", container {words.shown(newest.container, 100)}" if newest.container else ""
    times = "once" if newest.count == 1 else f"{newest.count} times"
    span = f"at {words.when(newest.last_seen)}" if newest.count == 1 else f"last at {words.when(newest.last_seen)}"
    late = ", late news" if newest.late else ""
    name, id_ = words.shown(newest.subject), words.shown(newest.incident_id, 64)
    return _wrapped(f"- {name}{revision}{container}: {words.news(line)}, {times}, {span}{late} [{id_}]", "  ")


def _bytes(text: str) -> int:
    return len(text.encode()) + 2


def _bounded(body: str) -> str:
    """Never above the limit, whatever was forgotten when the parts were bounded."""
    raw = body.encode()
    return body if len(raw) <= LONGEST_BODY else raw[:LONGEST_BODY].decode(errors="ignore")
