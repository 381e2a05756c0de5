"""What secrets look like in text: the patterns behind `breakwater.redact`, and how a match is judged.

Every pattern is anchored on a literal and bounded, since the text comes from outside: together they take time linear
in its length. They are compiled when first used, because who drops an event needs hardly any of them.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from math import log2

MARK = "[redacted]"


class Pattern:
    """A regular expression that is compiled when it is first used."""

    def __init__(self, text: str, flags: re.RegexFlag = re.NOFLAG) -> None:
        self._text = text
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._text, self._flags)

    def search(self, text: str) -> re.Match[str] | None:
        """Find it anywhere."""
        return self._compiled.search(text)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Match the whole text."""
        return self._compiled.fullmatch(text)

    def findall(self, text: str) -> list[str]:
        """Find all of it."""
        return self._compiled.findall(text)

    def split(self, text: str) -> list[str]:
        """Split where it is."""
        return list(self._compiled.split(text))

    def sub(self, replacement: str | Callable[[re.Match[str]], str], text: str) -> str:
        """Replace it everywhere."""
        return self._compiled.sub(replacement, text)


# ── Assignments: a key that speaks of a secret, and its value ─────────────────────────────────────────────────────────

# An ARN reads like `secret:name`; it is matched first.
ARN = r"(?P<arn>\barn:aws[a-z-]{0,16}:[a-z0-9-]{0,32}:[a-z0-9-]{0,32}:\d{0,12}:[\w+.@/:*-]{1,512})"
_CLOSING = r"(?:\\u002[27]|%22|&quot;|&#3[49];|\\{0,3}[\"'\]]?)"
_EQUALS = r"(?:=>|:=|={1,2}|:|%3[ad]|\\u003[ad]|\\x3[ad]|&#61;)"
_SEPARATOR = rf"{_CLOSING}(?:\s{{0,4}}{_EQUALS}\s{{0,4}}|\s?,\s?\\{{0,3}}[\"']value\\{{0,3}}[\"']\s?:\s?)"
_ASSIGNED = rf"(?={_CLOSING}\s?(?:{_EQUALS}|,\s?\\{{0,3}}[\"']value))"
_NO_WORD = "".join(f"(?<!{start}p)" for start in ("by", "com", "sur", "tres", "under", "over", "tress"))

# Grouped by first letter, which spares most of the work on text that holds none of them.
_KEY = r"[_\-. ]?key"
SENSITIVE = (
    rf"(?:p(?:assw(?:or)?d|assphrase|asscode|wd|rivate{_KEY}|{_NO_WORD}ass{_ASSIGNED}"
    rf"|(?:(?<![a-z]p)|(?<=dbp)|(?<=userp)|(?<=rootp)|(?<=adminp))w{_ASSIGNED}|(?<![a-z]p)in(?==))"
    rf"|s(?:ecret(?!s?manager)|ignature|(?<![a-z]s)ig(?==)"
    rf"|(?:hared|torage|sh|ession|ubscription|ervice|igning){_KEY})"
    rf"|token(?<!unexpected token)(?!i[sz])|a(?:pi|ccess|uth|ccount){_KEY}"
    rf"|c(?:redential|onn(?:ection)?[_\-. ]?str|lient(?:[_-]?assertion|{_KEY}))"
    rf"|encryption{_KEY}|master{_KEY}|license{_KEY}|webhook{_KEY}|x-amz-credential|(?<![a-z])(?:dsn|otp)(?![a-z]))"
)
_QUOTED = (
    r"\"(?:[^\"\\]|\\.){0,4096}\"?|'(?:[^'\\]|\\.){0,4096}'?|\\\"[^\"\\]{0,4096}(?:\\\")?|\\'[^'\\]{0,4096}(?:\\')?"
    r"|\\u002[27](?:(?!\\u002[27]).){0,4096}|&quot;(?:(?!&quot;).){0,4096}|&#3[49];(?:(?!&#3[49];).){0,4096}"
)
# Two levels of an object or a list; what is deeper or never closed takes the rest of the line with it.
_STRING = r"\"(?:[^\"\\]|\\.){0,256}+\"|'(?:[^'\\]|\\.){0,256}+'"
_NESTED = (
    rf"[{{\[](?:{_STRING}|[^{{}}\[\]]|[{{\[](?:{_STRING}|[^{{}}\[\]]){{0,1024}}+[}}\]]){{0,4096}}+"
    r"(?:[}\]]|[\s\S]{0,262144})"
)
_BARE = r"[^\s;&\"'<>\\]+"
_PAIR = (
    rf"(?P<pair_name>(?P<pair_key>{SENSITIVE})(?P<pair_more>[\w.\-]{{0,64}})(?P<pair_is>{_SEPARATOR}))(?!arn:aws)"
    rf"(?P<pair_value>(?:[bruf]{{1,2}}(?=[\"']))?(?:{_QUOTED})|{_NESTED}|{_BARE})"
)
_SAID = (
    r"(?P<said_name>(?:password|passwd|passphrase|pwd)s?\s{1,3}(?:is\s|was\s)?"
    r"|identified\s{1,3}(?:with\s{1,3}\S{1,64}\s{1,3})?by\s{1,3})"
    r"(?P<said_value>\\{0,3}(?:\"[^\"]{1,256}\"|'[^']{1,256}'|`[^`]{1,256}`))"
)
PAIRS = Pattern(f"{ARN}|{_PAIR}|{_SAID}", re.IGNORECASE)
_CONNECTION = " ".join(f"conn{end}{dash}str" for end in ("", "ection") for dash in "_-.").split()
PAIRS_HINTS = (
    *("pass", "pw", "secret", "token", "credential", "key", "sig=", "signature", "dsn", "otp", "pin=", "assertion"),
    *("identified", "connstr", "conn str", "connectionstr", "connection str", *_CONNECTION),
)

# What may follow "secret:" in prose and is worth reading, and what may follow any key.
_NO_VALUE = (
    r"required|missing|invalid|expired|incorrect|wrong|empty|rejected|null|none|nil|undefined|true|false|yes|no|must"
    r"|cannot"
)
_SAYS_NOTHING = Pattern(_NO_VALUE, re.IGNORECASE)
_PROSE = Pattern(
    rf"[a-z]{{0,60}}(?:exception|error|denied|failure|fault|timeout|notfound)|nocredentialproviders|{_NO_VALUE}|an?|the"
    r"|is|was|are|has|had|not|failed|unable|service|execution|unexpected|unknown|can't|could|access|bad|unauthorized"
    r"|forbidden|please|user|retry|status|code|resource",
    re.IGNORECASE,
)
_SOFT_KEY = Pattern(r"secrets?|tokens?|credentials?", re.IGNORECASE)
_NUMBER = Pattern(r"\d{1,7}")
# `password-reset:12`, `webhook-keys:4`, `secrets-sync:v1.2.3`, `TokenFilter.java:45`
_OF_A_NAME = Pattern(r"s?[-_][A-Za-z][\w.\-]*|[A-Z][a-z][\w.\-]*|s")
_STILL_A_KEY = Pattern(r"(?:key|word|secret|token|value|pass|pwd|pin|code|id|hash|string|data|text)s?\Z", re.IGNORECASE)
_SOURCE_FILE = Pattern(r"[\w.\-]*\.(?:java|kt|scala|py|[cm]?[jt]sx?|go|rb|cs|php|rs|c|cpp|h)")
_LINE_NUMBER = Pattern(r"\d{1,6}(?::\d{1,6})?")
REVISION_OR_TAG = Pattern(
    r"\d{1,9}|v?\d{1,9}(?:\.\d{1,9}){1,4}(?:[-_.][\w.\-]{1,64})?|v\d{1,9}|latest|main|master|stable|edge|dev|develop"
    r"|test|staging|prod|production|release|snapshot"
)
_IMAGE = Pattern(
    r"(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?::\d{1,5})?/(?:[\w.-]{1,128}/){0,8}[\w.-]{1,128}:(?P<tag>[\w.-]{1,128})"
    r"(?:@sha256:[0-9a-f]{64})?"
)
_REGISTRY = Pattern(r"\.amazonaws\.com(?:\.cn)?/|\A(?:public\.ecr\.aws|ghcr\.io|docker\.io|quay\.io|gcr\.io)/")
_ENDS_LIKE_A_KEY = Pattern(
    r"(?:pass(?:w(?:or)?d|phrase|code)?|pwd?|secret|token|credential|key|signature|dsn|otp)s?\Z", re.IGNORECASE
)


def named(match: re.Match[str]) -> str:
    """Strike out the value of a match and keep its name, unless the value is none."""
    kind = match.lastgroup or ""
    if kind == "arn" or (kind == "pair_value" and _is_no_secret(match)):
        return match.group()
    name = kind.removesuffix("_value")
    gap = match.group("bearer_gap") if name == "bearer" else ""
    return f"{match.group(name + '_name')}{gap}{MARK}"


def assigns(image: str, tag: str) -> bool:
    """Whether `.../password:hunter2` is rather an assignment: with a tag that looks like one it is an image."""
    return bool(_ENDS_LIKE_A_KEY.search(image)) and not REVISION_OR_TAG.fullmatch(tag)


def _is_no_secret(match: re.Match[str]) -> bool:
    """Whether a key and its value are prose ("secret: not found"), a count, a revision or a line of a program."""
    key, more, separator = match.group("pair_key"), match.group("pair_more"), match.group("pair_is")
    value = match.group("pair_value").rstrip(".,:;!?)]}")
    if _SAYS_NOTHING.fullmatch(value):
        return True
    if ":" in separator and _SOFT_KEY.fullmatch(key + more) and _PROSE.fullmatch(value):
        return True
    if _NUMBER.fullmatch(value) and (f"{key}{more}".lower().startswith("tokens") or key.lower() == "pass"):
        return separator.strip() in (":", "=") and not (key.lower() == "pass" and "=" in separator)
    if separator != ":":
        return False
    if _is_image(match.string[max(0, match.start() - _LONGEST_IMAGE) : match.start()], key + more, value):
        return True
    if _SOURCE_FILE.fullmatch(more):
        return bool(_LINE_NUMBER.fullmatch(value))
    plural = more == "s" and bool(re.search("[-_]", key))
    named_so = plural or (more != "s" and bool(_OF_A_NAME.fullmatch(more)) and not _STILL_A_KEY.search(more))
    return named_so and bool(REVISION_OR_TAG.fullmatch(value))


def _is_image(before: str, name: str, tag: str) -> bool:
    """Whether what stands before a key is a registry, so that what follows is an image's tag."""
    word = re.split(r"[^\w./:-]", before)[-1]
    image = _IMAGE.fullmatch(f"{word}{name}:{tag}")
    return image is not None and (bool(_REGISTRY.search(word)) or not assigns(name, image.group("tag")))


_LONGEST_IMAGE = 300

# ── Other places where a secret is announced ──────────────────────────────────────────────────────────────────────────

PRIVATE_KEY_BEGIN = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
PRIVATE_KEY_END = r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
PRIVATE_KEYS = Pattern(rf"(?:{PRIVATE_KEY_BEGIN}(?:(?!-----END)[\s\S])*(?:-----END [A-Z0-9 ]{{0,40}}-----)?)")

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
HEADERS = Pattern("|".join((_AUTHORIZATION, _BEARER, _BASIC, _COOKIE)), re.IGNORECASE)
HEADERS_HINTS = ("auth", "bearer", "basic", "cookie")

_FLAG = (
    r"(?P<flag_name>(?<![\w-])--?[\w-]{0,40}?(?:password|passwd|passphrase|pwd|secret|token|credentials?"
    r"|(?<!by)(?<!com)pass(?=(?:in|out)?[\s=\"'])|(?:api|access|private|auth)-?_?key)"
    r"[\w-]{0,40}(?:\s{1,4}|=|[\"']\s?,\s?[\"']))(?P<flag_value>(?!-)(?:" + _QUOTED + r"|[^\s\"'\\]+))"
)
_LOGIN = r"(?P<login_name>(?<![\w-])(?:-u|--user)(?:\s{1,4}|=)[\"']?[^\s:\"']{1,64}:)(?P<login_value>[^\s\"']+)"
OPTIONS = Pattern(f"{_FLAG}|{_LOGIN}", re.IGNORECASE)
OPTIONS_HINTS = ("pass", "pwd", "secret", "token", "credential", "key", "-u", "--user")

# Programs whose short option is a password. `mysql -p shop` asks for one, `mysql -pshop` has it.
_TO = r"[^|;&]{0,200}?[\s\"',]"
_GAP = r"[\s\"',]{1,5}"
COMMANDS = Pattern(
    rf"(?P<cmd_name>\b(?:(?:mysql\w{{0,12}}|mariadb[\w-]{{0,12}}){_TO}-p(?![\s\"',])|sshpass{_TO}-p(?:{_GAP})?"
    rf"|redis-cli{_TO}(?:-a|--pass){_GAP}|mongo\w{{0,10}}{_TO}-p{_GAP}|ldap\w{{3,10}}{_TO}-w{_GAP}"
    rf"|sqlcmd{_TO}-P(?:{_GAP})?|(?:docker|podman|buildah|helm|oc|az)\s{{1,3}}(?:registry\s)?login{_TO}-p(?:{_GAP})?))"
    r"(?P<cmd_value>(?<=\")[^\"]{1,256}|(?<=')[^']{1,256}|[^\s\"',|;&]{1,512})"
)
COMMANDS_HINTS = ("mysql", "mariadb", "sshpass", "redis-cli", "mongo", "ldap", "sqlcmd", "login")

ELEMENTS = Pattern(
    rf"(?P<xml_name><[\w:.-]{{0,40}}?(?:{SENSITIVE})[\w.\-]{{0,32}}>)(?P<xml_value>[^<]{{1,4096}})(?=<)",
    re.IGNORECASE,
)

# The password ends at the last @ of the word: a password may contain : / and @. A port is no password.
URL = Pattern(r"([a-z][a-z0-9+.\-]{0,30}://)([^\s:/]{0,256}):(?!\d{1,5}(?:[/?#\s]|$))(\S{1,2048})@", re.IGNORECASE)
URL_KEY = Pattern(r"([a-z][a-z0-9+.\-]{0,30}://)([^\s:/@\"'<>]{16,256})@", re.IGNORECASE)
DRIVER_DSN = Pattern(r":([^\s:@]{1,128})@(?=(?:tcp|udp|unix)[46]?\()")
ORACLE = Pattern(
    r"(?<![\w/:.@-])([A-Za-z][\w$#]{0,63}/)[^\s/@\"']{1,128}@(?=//|[\w.-]{1,253}+:\d{2,5}(?:[/\s]|$)|\(DESC)",
    re.IGNORECASE,
)
HOOK_URL = Pattern(
    r"(hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/"
    r"|webhook\.office\.com/|outlook\.office(?:365)?\.com/webhook/|hooks\.zapier\.com/hooks/"
    r"|events\.pagerduty\.com/integration/)[\w/.@%-]+",
    re.IGNORECASE,
)

HOOK_URL_HINTS = ("hook", "pagerduty")

# ── Strings that give themselves away ─────────────────────────────────────────────────────────────────────────────────

TOKENS = Pattern(
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

TOKENS_HINTS = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glcbt-", "xox", "xapp-"),
    *("xwfp-", "k_live_", "k_test_", "whsec_", "aiza", "ya29.", "gocspx-", "1//0", "akia", "asia", "abia", "acca"),
    *("sk", "key-", "hf_", "npm_", "pypi-", "dop_v1_", "dapi", "shpat_", "shpca_", "shppa_", "shpss_", "hvs.", "hvb."),
    *("sg.", "age-secret-key-", "pmak-", "eyj", ":aa"),
)

LONG = Pattern(rf"(?<![A-Za-z0-9+/_\-])(?:{ARN}|[A-Za-z0-9+/_\-]{{22,}}+={{0,2}})")
_DULL = Pattern(r"[0-9a-f-]+|[0-9A-F-]+|[0-9-]+")
_RUN = Pattern(r"[a-z]+|[A-Z]+|[0-9]+")
_WORD = Pattern(r"[A-Z][a-z]{4,}|[a-z]{5,}|[A-Z]{5,}|[0-9]{5,}")
_SHORT_WORD = Pattern(r"[A-Z][a-z]{2,}|[a-z]{4,}|[A-Z]{4,}|[0-9]{4,}")
_PART_OF_A_NAME = Pattern(r"[A-Za-z]+[0-9]?")
_BETWEEN = Pattern(r"[/_\-+]")
_AWS_SECRET_LENGTH = 40
_RANDOM_PART = 22


def judged(match: re.Match[str]) -> str:
    """Strike out a long word if it is a random string."""
    token = match.group()
    if match.group("arn") or _DULL.fullmatch(token):
        return token  # or a digest, a task id, a UUID
    body = token.rstrip("=")
    mixed = body.lower() != body != body.upper()
    if len(body) == _AWS_SECRET_LENGTH and _random(body, runs=12, bits=4.0) and mixed:
        return MARK
    if any(
        len(part) >= _RANDOM_PART
        and _random(part, runs=7, bits=3.3)
        and _in_words(part, _SHORT_WORD) <= _MOST_WORDS_IN_A_PART
        for part in re.split(r"[/_\-]", body)
        if not _DULL.fullmatch(part)
    ):
        return MARK
    whole_is_base64 = ("+" in body or token != body) and _random(body, runs=9, bits=3.8)
    return MARK if whole_is_base64 or (mixed and _no_words(body)) else token


def _random(text: str, runs: int, bits: float) -> bool:
    """Tell a random string from words by how often the kind of character changes and how evenly they are spread."""
    counts = Counter(text)
    entropy = -sum(n / len(text) * log2(n / len(text)) for n in counts.values())
    return entropy >= bits and len(_RUN.findall(text)) >= runs and any(c in counts for c in "0123456789")


def _no_words(text: str) -> bool:
    """Whether a string with dashes or slashes is random as a whole: hardly a word in it, the kind changes all along."""
    solid = _BETWEEN.sub("", text)
    changing = len(_RUN.findall(solid)) >= _LEAST_RUNS * len(solid)
    if not changing or _in_words(text, _WORD) > _MOST_WORDS or not _random(text, runs=9, bits=3.5):
        return False
    return not _generated(text)


def _generated(text: str) -> bool:
    """Whether CloudFormation made the name: 12 or 13 random characters at the end (`shop-Table-Xk3jZ9qLmN2P`)."""
    *parts, last = [part for part in _BETWEEN.split(text) if part]
    return len(parts) > 1 and len(last) in (12, 13) and all(map(_PART_OF_A_NAME.fullmatch, parts))


def _in_words(text: str, word: Pattern) -> float:
    """Which share of a text's characters is in words or numbers of some length."""
    return sum(map(len, word.findall(text))) / len(text)


_LEAST_RUNS = 0.4
_MOST_WORDS = 0.4
_MOST_WORDS_IN_A_PART = 0.75
