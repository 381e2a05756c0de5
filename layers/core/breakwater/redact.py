"""Strike secrets and tricks out of text before anyone sees it.

`redact` is pure and takes time linear in the length of the text: every pattern below is anchored on a literal and
bounded, since the text comes from outside. What it keeps on purpose, because people need it: ARNs, task ids, digests,
UUIDs, image tags. It prefers to strike out too much over too little, but an AWS error name after "secret:" stays.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property
from math import log2

MARK = "[redacted]"
_LIMIT = 262_144  # the largest event EventBridge delivers


class _Pattern:
    """A regular expression that is compiled when it is first used: who drops an event needs hardly any of them."""

    def __init__(self, text: str, flags: re.RegexFlag = re.NOFLAG) -> None:
        self._text = text
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._text, self._flags)

    def search(self, text: str) -> re.Match[str] | None:
        return self._compiled.search(text)

    def sub(self, replacement: str | Callable[[re.Match[str]], str], text: str) -> str:
        return self._compiled.sub(replacement, text)


# ── Control characters, line breaks, bidirectional and invisible ones ─────────────────────────────────────────────────

_ESCAPES = _Pattern(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,16}[@-~]?|\][^\x07\x1b]{0,512}(?:\x07|\x1b\\)?|[@-Z\\^_]?)|\x9b[0-?]{0,64}[@-~]?"
)
_BREAKS = _Pattern(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_UNSEEN = _Pattern(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_NOT_PLAIN = _Pattern(r"[^ -~]")


def plain(text: str) -> str:
    """Make one harmless line: no terminal escapes, control, line break, bidirectional or invisible characters."""
    if not _NOT_PLAIN.search(text):
        return text
    return _UNSEEN.sub("", _BREAKS.sub(" ", _ESCAPES.sub("", text)))


# ── Patterns ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# An ARN reads like `secret:name`; it is matched first and kept.
_ARN = r"(?P<arn>\barn:aws[a-z-]{0,16}:[a-z0-9-]{0,32}:[a-z0-9-]{0,32}:\d{0,12}:[\w+.@/:*-]{1,512})"

# Grouped by first letter, which spares most of the work on text that holds none of them.
_KEY = r"[_\-. ]?key"
_SENSITIVE = (
    r"(?:p(?:assw(?:or)?d|assphrase|asscode|wd|rivate" + _KEY + r"|(?<![a-z]p)ass(?=\\?[\"']?\s?=)|(?<![a-z]p)in(?==))"
    r"|s(?:ecret(?!s?manager)|ignature|(?<![a-z]s)ig(?==)"
    r"|(?:hared|torage|sh|ession|ubscription|ervice|igning)" + _KEY + r")"
    r"|token|a(?:pi|ccess|uth|ccount)"
    + _KEY
    + r"|c(?:redential|onn(?:ection)?[_\-. ]?str|lient(?:[_-]?assertion|"
    + _KEY
    + r"))"
    r"|e(?:ncryption)"
    + _KEY
    + r"|m(?:aster)"
    + _KEY
    + r"|l(?:icense)"
    + _KEY
    + r"|w(?:ebhook)"
    + _KEY
    + r"|x-amz-credential"
    r"|(?<![a-z])(?:dsn|otp)(?![a-z]))"
)
# What may follow "secret:" in prose and is worth reading.
_PROSE = (
    r"(?:[a-z]{0,60}(?:exception|error|denied|failure|fault|timeout|notfound)|an?|the|is|was|are|has|had|not|no|none|null"
    r"|nil|true|false|failed|failure|unable|missing|invalid|required|expired|service|execution|unexpected|unknown|cannot"
    r"|can't|could|access|bad|empty|unauthorized|forbidden|please|user|retry|status|code|resource)(?![\w])"
)
_QUOTED = (
    r"\"(?:[^\"\\]|\\.){0,4096}\"?|'(?:[^'\\]|\\.){0,4096}'?|\\\"[^\"\\]{0,4096}(?:\\\")?|\\'[^'\\]{0,4096}(?:\\')?"
)
_BARE = r"[^\s;&\"'<>\\]+"
_SEPARATOR = r"\\{0,3}[\"'\]]?\s{0,4}(?:=>|:=|={1,2}|:)\s{0,4}"

_PEM = (
    r"(?:-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?!-----END)[\s\S])*(?:-----END [A-Z0-9 ]{0,40}-----)?)"
)
_AUTHORIZATION = (
    r"(?P<auth_name>\b(?:proxy-|x-)?auth(?:orization)?\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?)"
    r"(?P<auth_value>(?:digest|aws4-hmac-sha256)\s.{1,4096}"
    r"|(?:bearer|basic|token|negotiate|apikey)[\s:=]{1,16}[^\s\"'\\;]{1,4096})"
)
_BEARER = (
    r"(?P<bearer_name>bearer(?:(?:%20|[\s:=\"'\\+]){1,16}(?:token|auth|authorization|realm)\b){0,2})"
    r"(?P<bearer_gap>(?:%20|[\s:=\"'\\+]){1,64})(?P<bearer_value>[^\s\"'<>\\]+)"
)
_BASIC = r"(?P<basic_name>\bbasic\s{1,4})(?P<basic_value>(?!auth)[a-z0-9+/_-]{6,4096}={0,2}(?![\w ]))"
_COOKIE = (
    r"(?P<cookie_name>\b(?:set-)?cookie\\?[\"']?\s{0,4}[:=]\s{0,4})(?P<cookie_value>[^\s;]+(?:;\s{0,4}[^\s;]+){0,50})"
)
_FLAG = (
    r"(?P<flag_name>(?<![\w-])--?[\w-]{0,40}?(?:password|passwd|passphrase|pwd|secret|token|credentials?|(?:api|access|private|auth)-?_?key)"
    r"[\w-]{0,40}(?:\s{1,4}|=))(?P<flag_value>(?!-)(?:" + _QUOTED + r"|[^\s\"'\\]+))"
)
_LOGIN = r"(?P<login_name>(?<![\w-])(?:-u|--user)(?:\s{1,4}|=)[\"']?[^\s:\"']{1,64}:)(?P<login_value>[^\s\"']+)"
_PAIR = (
    rf"(?P<pair_name>(?:{_SENSITIVE})[\w.\-]{{0,64}}{_SEPARATOR})(?!arn:aws)"
    rf"(?P<pair_value>{_QUOTED}|(?!{_PROSE}){_BARE})"
)
_XML = rf"(?P<xml_name><[\w:.-]{{0,40}}?(?:{_SENSITIVE})[\w.\-]{{0,32}}>)(?P<xml_value>[^<]{{1,4096}})(?=<)"

_HEADERS = _Pattern("|".join((_AUTHORIZATION, _BEARER, _BASIC, _COOKIE)), re.IGNORECASE)
_HEADERS_HINT = _Pattern(r"auth|bearer|basic|cookie", re.IGNORECASE)
_OPTIONS = _Pattern(f"{_FLAG}|{_LOGIN}", re.IGNORECASE)
_ELEMENTS = _Pattern(_XML, re.IGNORECASE)
_KEYS = _Pattern(_PEM)
_PAIRS = _Pattern(f"{_ARN}|{_PAIR}", re.IGNORECASE)
_PAIRS_HINT = _Pattern(r"pass|pwd|secret|token|credential|key|conn|sig|dsn|otp|pin=|assertion", re.IGNORECASE)

# The password ends at the last @ of the word: a password may contain : / and @. A port is no password.
_URL = _Pattern(r"([a-z][a-z0-9+.\-]{0,30}://)([^\s:/]{0,256}):(?!\d{1,5}(?:[/?#\s]|$))(\S{1,2048})@", re.IGNORECASE)
_URL_KEY = _Pattern(r"([a-z][a-z0-9+.\-]{0,30}://)([^\s:/@\"'<>]{16,256})@", re.IGNORECASE)
_DRIVER_DSN = _Pattern(r":([^\s:@]{1,128})@(?=(?:tcp|udp|unix)[46]?\()")

_TOKENS = _Pattern(
    r"(?<![A-Za-z0-9])(?:"
    r"gh[opusr]_[A-Za-z0-9]{10,}|github_pat_\w{10,}|gl(?:pat|dt|rt|cbt)-[\w-]{10,}"  # GitHub, GitLab
    r"|xox[a-z]{1,2}-[\w-]{6,}|xapp-[\w-]{10,}|xwfp-[\w-]{10,}"  # Slack
    r"|[prs]k_(?:live|test)_\w{8,}|whsec_[\w+/=]{8,}"  # Stripe
    r"|AIza[\w-]{30,}|ya29\.[\w.\-]{10,}|GOCSPX-[\w-]{10,}|1//0[\w-]{20,}"  # Google
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}"  # AWS key ids
    r"|SG\.[\w-]{10,}\.[\w-]{10,}|SK[0-9a-f]{32}|key-[0-9a-f]{32}"  # SendGrid, Twilio, Mailgun
    r"|sk-[\w-]{16,}|hf_[A-Za-z0-9]{16,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{20,}|dop_v1_[0-9a-f]{20,}|dapi[0-9a-f]{32}"
    r"|shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{16,}|hv[sb]\.[\w-]{16,}|AGE-SECRET-KEY-[A-Z0-9]{20,}|PMAK-[\w-]{20,}"
    r"|eyJ[\w-]{5,}\.[\w-]{3,}(?:\.[\w-]{0,4096}){0,3}"  # JWT
    r"|\d{8,10}:AA[\w-]{30,}"  # Telegram
    r")"
)
_HOOK_URL = _Pattern(
    r"(hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/)[\w/.-]+", re.IGNORECASE
)

_LONG = _Pattern(rf"{_ARN}|[A-Za-z0-9+/_\-]{{24,}}={{0,2}}")
_DULL = re.compile(r"[0-9a-f-]+|[0-9A-F-]+|[0-9-]+")
_RUN = re.compile(r"[a-z]+|[A-Z]+|[0-9]+")
_AWS_SECRET_LENGTH = 40


def _named(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    if kind == "arn":
        return match.group()
    name = kind.removesuffix("_value")
    gap = match.group("bearer_gap") if name == "bearer" else ""
    return f"{match.group(name + '_name')}{gap}{MARK}"


def _long(match: re.Match[str]) -> str:
    token = match.group()
    if match.group("arn") or _DULL.fullmatch(token):
        return token  # or a digest, a task id, a UUID
    body = token.rstrip("=")
    if len(body) == _AWS_SECRET_LENGTH and _random(body, runs=12, bits=4.0) and body.lower() != body != body.upper():
        return MARK
    parts = re.split(r"[/_\-]", body)
    if any(
        len(part) >= _RANDOM_PART and _random(part, runs=7, bits=3.3) for part in parts if not _DULL.fullmatch(part)
    ):
        return MARK
    whole_is_base64 = ("+" in body or token != body) and _random(body, runs=9, bits=3.8)
    return MARK if whole_is_base64 else token


_RANDOM_PART = 22


def _random(text: str, runs: int, bits: float) -> bool:
    """Tell a random string from words by how often the kind of character changes and how evenly they are spread."""
    counts = Counter(text)
    entropy = -sum(n / len(text) * log2(n / len(text)) for n in counts.values())
    return entropy >= bits and len(_RUN.findall(text)) >= runs and any(c in counts for c in "0123456789")


_PATTERNS: tuple[tuple[Callable[[str], object], _Pattern, str | Callable[[re.Match[str]], str]], ...] = (
    (lambda text: "@" in text and "://" in text, _URL, rf"\1\2:{MARK}@"),
    (lambda text: "@" in text and "://" in text, _URL_KEY, rf"\1{MARK}@"),
    (lambda text: "@" in text and "(" in text, _DRIVER_DSN, f":{MARK}@"),
    (lambda text: "-----BEGIN" in text, _KEYS, MARK),
    (lambda text: "</" in text, _ELEMENTS, _named),
    (lambda text: "-" in text, _OPTIONS, _named),
    (_HEADERS_HINT.search, _HEADERS, _named),
    (_PAIRS_HINT.search, _PAIRS, _named),
    (lambda text: "/" in text, _HOOK_URL, rf"\1{MARK}"),
    (lambda text: True, _TOKENS, MARK),
    (lambda text: True, _LONG, _long),
)

# ── Known values ──────────────────────────────────────────────────────────────────────────────────────────────────────

_SHORTEST = 4
_ANYWHERE = 8
_ANYWHERE_MIXED = 6
# Values that tell nothing, and words that AWS's own sentences are made of.
_HARMLESS_WORDS = (
    "true false null none undefined enabled disabled default auto local prod production staging stage test testing "
    "development debug info warn warning error fatal trace json text plain utf-8 main master latest http https "
    "localhost 127.0.0.1 task tasks container containers image service cluster stop stopped exit exited code reason "
    "start started failed failure memory essential scaling activity initiated timeout unable host spot redacted"
)
_HARMLESS = frozenset(_HARMLESS_WORDS.split())


def _known(text: str, known: tuple[str, ...]) -> str:
    """Strike out known values, the longest first; a short word only where it stands alone."""
    for value in known:
        if value in text:
            text = text.replace(value, MARK) if _distinctive(value) else _alone(value).sub(MARK, text)
    return text


def _distinctive(value: str) -> bool:
    return len(value) >= _ANYWHERE or (len(value) >= _ANYWHERE_MIXED and not value.isalpha())


def _alone(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])")


def _worth_striking(known: Iterable[str]) -> tuple[str, ...]:
    """Choose the values to look for: with the lines of those that have several, without what everybody writes."""
    chosen = set()
    for value in known:
        for part in (value, *value.splitlines()) if "\n" in value else (value,):
            candidate = part.strip()
            if len(candidate) >= _SHORTEST and candidate.lower() not in _HARMLESS and candidate not in MARK:
                chosen.add(candidate)
    return tuple(sorted(chosen, key=lambda value: (-len(value), value)))


def redact(text: str, known: Iterable[str] = ()) -> str:
    """Return the text as one line without secrets.

    `known` are values that must not appear whatever they look like, such as a task's environment values; those of
    less than four characters and everyday words (`prod`, `true`) would only make the text unreadable and are left.

    >>> redact("cannot connect to mysql://svc:pw@db.internal/orders")
    'cannot connect to mysql://svc:[redacted]@db.internal/orders'
    """
    values = _worth_striking(known)
    text = _known(text[:_LIMIT], values)
    line = plain(text)
    if values and line != text:
        line = _known(line, tuple(plain(value) for value in values if plain(value)))
    for hint, pattern, replacement in _PATTERNS:
        if hint(line):
            line = pattern.sub(replacement, line)
    return _known(line, values)
