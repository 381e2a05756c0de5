"""Notices and digests as Slack messages in Block Kit.

Pure. All text that is not ours is inert: `&`, `<` and `>` are escaped, which is what makes `<!channel>`, `<@U…>` and
links; `verbatim` keeps Slack from finding names and addresses by itself; backticks in a log cannot end its code block.
Slack's limits: 150 characters in a header, 3,000 in a section, 2,000 in a field, 10 fields, 50 blocks. Beyond them
there is a sum over all blocks that is documented nowhere and was met at about 11,000 to 13,000 characters
(slackapi/bolt-js#2509, #2867); messages here stay below 9,000.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from breakwater.model import Notice, NoticeKind

from . import words
from .decision import Line
from .words import Place

MOST_BLOCKS = 50
LONGEST_HEADER = 150
LONGEST_SECTION = 3000
LONGEST_MESSAGE = 9000
_LOG = 2400
_GRAVE = "\u02cb"  # looks like a backtick and is none
_FIELDS = (
    "Container",
    "Revision",
    "Exit code",
    "Reason",
    "Stop code",
    "Stop reason",
    "Deployment",
    "Image",
    "Digest",
    "Launch type",
)

Payload = Mapping[str, Any]
_Block = dict[str, Any]


def escape(text: str) -> str:
    """Text that Slack shows as it is: the three characters of its markup become entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escaped(text: str, limit: int) -> str:
    """Escaped and at most `limit` characters long, never cut inside an entity."""
    whole = escape(text)
    if len(whole) <= limit:
        return whole
    kept: list[str] = []
    left = limit - 1
    for each in text:
        left -= len(escape(each))
        if left < 0:
            break
        kept.append(escape(each))
    return "".join(kept) + "…"


def unmarked(text: str, limit: int) -> str:
    """The same for a place where Slack's markup is on: backticks are only ever ours."""
    return escaped(text.replace("`", _GRAVE), limit)


def code_block(lines: Sequence[str], limit: int) -> str:
    """The last of the lines that fit, as a code block that its content cannot end."""
    left = limit - len("```\n\n```")
    kept: list[str] = []
    for line in reversed(lines):
        shown = unmarked(line, left)
        left -= len(shown) + 1
        if left < 0:
            break
        kept.append(shown)
    return "```\n" + "\n".join(reversed(kept)) + "\n```"


def notice(notice: Notice, place: Place) -> Payload:
    """One notice as a message."""
    incident = notice.incident
    over = notice.kind is NoticeKind.RESOLVED
    explanation = words.about(incident.cause, incident.category)
    title = f"[{words.badge(notice)}] {words.headline(incident)}"
    late = words.lateness(incident)
    blocks = [
        {"type": "header", "text": _plain(title, LONGEST_HEADER)},
        {"type": "section", "text": _plain(words.clean(incident.summary, 600), 900)},
        _context(f"{words.standing(notice)} {words.extent(incident)}"),
    ]
    if late:
        blocks.append(_context(late))
    if done := words.done(incident):
        blocks.append(_section(f"*What Breakwater did*\n{unmarked(done, 800)}"))
    if remains := words.remains(incident):
        left = "\n".join(f"• {text}" for text in remains)
        blocks.append(_section(f"*What remains*\n{unmarked(left, 900)}"))
    if not over:
        steps = "\n".join(f"{number}. {step}" for number, step in enumerate(explanation.next_steps, 1))
        blocks.append(_section(f"{escaped(explanation.meaning, 600)}\n*What to do*\n{escaped(steps, 1400)}"))
    known = dict(words.facts(incident))
    fields = [_marked(f"*{label}*\n{unmarked(known[label], 200)}") for label in _FIELDS if label in known]
    if fields:
        blocks.append({"type": "section", "fields": fields})
    if not over:
        blocks += _log(notice)
    link = f"<{words.console_url(incident, place)}|Open in the AWS console>"
    record = unmarked(f"table {place.table}, {words.record_key(incident)}", 500)
    blocks.append(_context_marked(f"{link}   Full record: {record}"))
    return {"text": escaped(title, 300), "blocks": blocks}


def room(lines: Sequence[Line]) -> int:
    """How many of the lines, from the front, fit into one digest."""
    size, blocks, filled, group = 800, 3, 0, None
    for position, line in enumerate(lines):
        length = len(_line(line)) + 1
        if line.group != group:
            # A group begins a section of its own; its heading is counted at its longest (five-digit count).
            group, filled, blocks = line.group, len(_group_head(line, 99999)) + 1, blocks + 1
            size += filled
        elif filled + length > LONGEST_SECTION:
            filled, blocks = 0, blocks + 1
        filled += length
        size += length
        if size > LONGEST_MESSAGE or blocks > MOST_BLOCKS:
            return max(1, position)
    return len(lines)


def digest(lines: Sequence[Line], waiting: int, place: Place) -> Payload:
    """One message that names every one of these incidents; `waiting` more are for the next one."""
    title = f"[DIGEST] {words.tally(lines)}"
    more = f" {waiting} more follow in the next digest, in about a minute." if waiting else ""
    blocks = [
        {"type": "header", "text": _plain(title, LONGEST_HEADER)},
        _context(f"More than ten messages a minute would have come here. The worst come first.{more}"),
    ]
    for _, same in groupby(lines, key=lambda line: line.group):
        group = list(same)
        text = _group_head(group[0], len(group))
        for line in group:
            addition = _line(line)
            if len(text) + 1 + len(addition) > LONGEST_SECTION:
                blocks.append(_section(text))
                text = addition
            else:
                text = f"{text}\n{addition}"
        blocks.append(_section(text))
    blocks.append(_context(f"Full records: table {place.table}, pk INCIDENT# and the id, sk INCIDENT"))
    return {"text": escaped(title, 300), "blocks": blocks}


def _log(notice: Notice) -> list[_Block]:
    lines = words.log_lines(notice.incident)
    place = words.log_place(notice.incident)
    if not lines:
        return [_context(f"No log lines: {place}")]
    return [_section(code_block(lines, _LOG)), _context(f"From {place}")]


def _group_head(line: Line, count: int) -> str:
    explanation = words.about(line.newest.cause, line.newest.category)
    title = words.sort_of(line).upper()
    return f"*{title}: {escaped(words.lowered(explanation.title), 200)}* ({count})"


def _line(line: Line) -> str:
    newest = line.newest
    revision = f" ({words.shown(newest.revision, 100)})" if newest.revision else ""
    times = f", {newest.count} times" if newest.count > 1 else ""
    text = f"{words.shown(newest.subject)}{revision}: {words.news(line)}{times}"
    return f"• {unmarked(text, 500)} `{unmarked(words.shown(newest.incident_id, 64), 100)}`"


def _plain(text: str, limit: int) -> _Block:
    return {"type": "plain_text", "text": escaped(text, limit) or " ", "emoji": False}


def _marked(text: str) -> _Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _section(text: str) -> _Block:
    return {"type": "section", "text": _marked(text)}


def _context(text: str) -> _Block:
    return {"type": "context", "elements": [_plain(text, 1000)]}


def _context_marked(text: str) -> _Block:
    return {"type": "context", "elements": [_marked(text)]}
