"""Strike secrets and tricks out of text before anyone sees it.

`redact` is pure and takes time linear in the length of the text. What it keeps on purpose, because people need it:
ARNs, task ids, digests, UUIDs, images, revisions. It prefers to strike out too much over too little, but an AWS error
name after "secret:" stays. `redact_name` is for identifiers, `redact_lines` for the tail of a log. The patterns are in
`breakwater.redact_patterns`.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from .redact_patterns import (
    ARN,
    COMMANDS,
    COMMANDS_HINTS,
    DRIVER_DSN,
    ELEMENTS,
    HEADERS,
    HEADERS_HINTS,
    HOOK_URL,
    HOOK_URL_HINTS,
    LONG,
    MARK,
    OPTIONS,
    OPTIONS_HINTS,
    ORACLE,
    PAIRS,
    PAIRS_HINTS,
    PRIVATE_KEY_BEGIN,
    PRIVATE_KEY_END,
    PRIVATE_KEYS,
    TOKENS,
    TOKENS_HINTS,
    URL,
    URL_KEY,
    Pattern,
    assigns,
    judged,
    named,
)

__all__ = ["MARK", "plain", "redact", "redact_lines", "redact_name"]

_LIMIT = 262_144  # the largest event EventBridge delivers

# ── Control characters, line breaks, bidirectional and invisible ones ─────────────────────────────────────────────────

_ESCAPES = Pattern(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,16}[@-~]?|\][^\x07\x1b]{0,512}(?:\x07|\x1b\\)?|[@-Z\\^_]?)|\x9b[0-?]{0,64}[@-~]?"
)
_BREAKS = Pattern(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_UNSEEN = Pattern(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_NOT_PLAIN = Pattern(r"[^ -~]")


def plain(text: str) -> str:
    """Make one harmless line: no terminal escapes, control, line break, bidirectional or invisible characters."""
    if not _NOT_PLAIN.search(text):
        return text
    return _UNSEEN.sub("", _BREAKS.sub(" ", _ESCAPES.sub("", text)))


# ── Known values ──────────────────────────────────────────────────────────────────────────────────────────────────────

_SHORTEST = 2
_ANYWHERE = 8
_ANYWHERE_MIXED = 6
# Small words of AWS's own sentences: a value that is one of them tells nothing (docs/decisions/0021-known-values.md).
_SMALL_WORDS = "an and at by due for from has in is it no not of on or the to was with"
_STOP_WORDS = frozenset(_SMALL_WORDS.split())
# A word that may be what announces a secret (`Bearer`, `--password`, `mysql`) is struck out after the secrets are.
_SIGNPOST = Pattern(r"-{0,2}[A-Za-z_-]{1,40}[:=]?")


def _known(text: str, known: Iterable[str]) -> str:
    """Strike out known values, the longest first; a short one only where it stands alone."""
    for value in known:
        if value in text:
            text = text.replace(value, MARK) if _distinctive(value) else _alone(value).sub(MARK, text)
    return text


def _distinctive(value: str) -> bool:
    return len(value) >= _ANYWHERE or (len(value) >= _ANYWHERE_MIXED and not value.isalpha())


def _alone(value: str) -> re.Pattern[str]:
    before = r"(?<![^\W_])" if value[0].isalnum() or value[0] == "-" else ""
    after = r"(?![^\W_])" if value[-1].isalnum() else ""
    return re.compile(before + re.escape(value) + after)


def _worth_striking(known: Iterable[str]) -> tuple[str, ...]:
    """Choose the values to look for: with the lines of those that have several, without what tells nothing."""
    chosen = set()
    for value in known:
        for part in (value, *value.splitlines()) if "\n" in value else (value,):
            candidate = part.strip()
            tells = any(c.isalnum() for c in candidate) or len(candidate) >= _ANYWHERE_MIXED
            marked = candidate in MARK and _distinctive(candidate)
            if len(candidate) >= _SHORTEST and tells and not marked and candidate not in _STOP_WORDS:
                chosen.add(candidate)
    return tuple(sorted(chosen, key=lambda value: (-len(value), value)))


# ── Text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

# A pattern is tried on text that holds all of these, and one of those.
_STEPS: tuple[tuple[tuple[str, ...], tuple[str, ...], Pattern, str | Callable[[re.Match[str]], str]], ...] = (
    (("@", "://"), (), URL, rf"\1\2:{MARK}@"),
    (("@", "://"), (), URL_KEY, rf"\1{MARK}@"),
    (("@", "("), (), DRIVER_DSN, f":{MARK}@"),
    (("@", "/"), (), ORACLE, rf"\1{MARK}@"),
    (("-----begin",), (), PRIVATE_KEYS, MARK),
    (("</",), (), ELEMENTS, named),
    (("-",), OPTIONS_HINTS, OPTIONS, named),
    (("-",), COMMANDS_HINTS, COMMANDS, named),
    ((), HEADERS_HINTS, HEADERS, named),
    ((), PAIRS_HINTS, PAIRS, named),
    (("/",), HOOK_URL_HINTS, HOOK_URL, rf"\1{MARK}"),
    ((), TOKENS_HINTS, TOKENS, MARK),
    ((), (), LONG, judged),
)


def redact(text: str, known: Iterable[str] = ()) -> str:
    """Return the text as one line without secrets.

    `known` are values that must not appear whatever they look like, such as a task's environment values. A single
    character, and the smallest words of English, would only make the text unreadable and are left.

    >>> redact("cannot connect to mysql://svc:pw@db.internal/orders")
    'cannot connect to mysql://svc:[redacted]@db.internal/orders'
    """
    return _redacted(text, _worth_striking(known))


def _redacted(text: str, values: tuple[str, ...]) -> str:
    at_once = tuple(value for value in values if not _SIGNPOST.fullmatch(value))
    text = _known(text[:_LIMIT], at_once)
    line = plain(text)
    if values and line != text:
        line = _known(line, filter(None, map(plain, at_once)))
    folded = line.casefold()
    for needs, hints, pattern, replacement in _STEPS:
        if all(hint in folded for hint in needs) and (not hints or any(hint in folded for hint in hints)):
            line = pattern.sub(replacement, line)
    return _known(line, values)


# ── Names ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_NAME_PART = r"[A-Za-z0-9][\w.\-]{0,254}"
_NAME = Pattern(
    rf"{ARN}"  # a task, a service, a secret
    rf"|(?P<family>{_NAME_PART}):\d{{1,9}}"  # a revision
    rf"|(?P<host>{_NAME_PART}(?::\d{{1,5}})?/)?(?P<path>(?:{_NAME_PART}/){{0,16}}{_NAME_PART})"  # an image, or a word
    rf"(?::(?P<tag>{_NAME_PART}))?(?P<digest>@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)
_TIME = Pattern(r"\d{4}-\d\d-\d\d[T ][\d:.]{4,30}(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_LONGEST_NAME = 1024


def redact_name(text: str) -> str:
    """Return a name as one line: what has the form of a name stays, even if it speaks of passwords.

    A name is a word, `family:12`, an ARN, an image with its tag or digest, a time. In it only what looks like a token
    is struck out. Anything else is text and goes through `redact`.

    >>> redact_name("password-reset:12")
    'password-reset:12'
    """
    line = plain(text[:_LIMIT])
    if _TIME.fullmatch(line):
        return line
    match = _NAME.fullmatch(line) if len(line) <= _LONGEST_NAME else None
    if match is None or _assigns(match):
        return redact(line)
    return line if match.group("arn") else LONG.sub(judged, TOKENS.sub(MARK, line))


def _assigns(match: re.Match[str]) -> bool:
    """Whether `password:hunter2` would be an image: without a registry it is not believed."""
    host, path, tag = match.group("host") or "", match.group("path"), match.group("tag")
    return bool(tag) and not {".", ":"} & set(host) and assigns(path, tag)


# ── Lines of a log ────────────────────────────────────────────────────────────────────────────────────────────────────

_BEGIN = Pattern(PRIVATE_KEY_BEGIN)
_END = Pattern(PRIVATE_KEY_END)
_KEY_LINE = Pattern(r"[A-Za-z0-9+/]{40,}={0,2}")
_LAST_KEY_LINE = Pattern(r"[A-Za-z0-9+/]{2,76}={0,2}")
_KEY_HEADER = Pattern(r"(?:\S+ ){0,4}(?:Proc-Type|DEK-Info|Comment|Version|Hash): .{0,200}|\s*")
_FEWEST_KEY_LINES = 2


def redact_lines(lines: Sequence[str], known: Iterable[str] = ()) -> list[str]:
    """Redact the lines of a log as a whole: a private key that was printed line by line is struck out.

    One line comes out for each that goes in. The tail may begin or end in the middle of the key.
    """
    values = _worth_striking(known)
    readable = [plain(line[:_LIMIT]) for line in lines]
    struck = _lines_of_keys(readable)
    return [MARK if at in struck else _redacted(line, values) for at, line in enumerate(lines)]


def _lines_of_keys(lines: list[str]) -> set[int]:
    """Find the lines between BEGIN and END; where one of them was cut off, those that look like a key."""
    struck: set[int] = set()
    begin: int | None = None
    for at, line in enumerate(lines):
        ends, begins = _END.search(line), _BEGIN.search(line)
        if ends and not (begins and begins.start() < ends.start()):
            struck.update(range(begin + 1, at + 1) if begin is not None else _upwards(lines, at))
            begin = None
        if begins and not ends:
            begin = at
    for at in range(len(lines)):
        if at not in struck:
            struck.update(_downwards(lines, at, at == begin))
    return struck


def _upwards(lines: list[str], end: int) -> range:
    """From an END without a BEGIN: the last line of a key is often short, those above are not."""
    padded = end > 0 and lines[end - 1].rstrip("\"',;\\ ").endswith("=")
    follows = end > 1 and _last_word(lines[end - 2], _KEY_LINE)
    first = end - 1 if (padded or follows) and _last_word(lines[end - 1], _LAST_KEY_LINE) else end
    while first and _last_word(lines[first - 1], _KEY_LINE):
        first -= 1
    return range(first, end + 1)


def _downwards(lines: list[str], at: int, begins: bool) -> range:
    """From a BEGIN without an END, or from what looks like a key without either: then at least two lines."""
    first = at + 1 if begins else at
    after = first
    while begins and after < len(lines) and _KEY_HEADER.fullmatch(lines[after]):
        after += 1
    body = after
    while after < len(lines) and _last_word(lines[after], _KEY_LINE):
        after += 1
    if not begins and after - body < _FEWEST_KEY_LINES:
        return range(0)
    padded = after < len(lines) and after > body and _last_word(lines[after], _LAST_KEY_LINE, alone=True)
    return range(first, after + 1 if padded else after) if after > body else range(0)


def _last_word(line: str, pattern: Pattern, alone: bool = False) -> bool:
    """Whether a line ends with such a word, behind a time or a level perhaps. A path or a digest is of one case."""
    words = line.split()
    word = words[-1].strip("\"',;\\") if words else ""
    if not pattern.fullmatch(word) or (alone and (len(words) > 1 or len(word) % 4)):
        return False
    return pattern is _LAST_KEY_LINE or word.lower() != word != word.upper()
