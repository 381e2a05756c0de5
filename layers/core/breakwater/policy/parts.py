"""What the sections of the document share: the base of every part, and the kinds of text that stand in many places."""

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict
from pydantic_core import CoreSchema, core_schema

from breakwater.addresses import PRIVATE

LONGEST_PATTERN = 256
MOST_REPEATS = 4


class PolicyPart(BaseModel):
    """A part of the policy document. We own its shape, so what it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text:
    """A text that has to match a pattern as a whole; whoever wrote another one is told so in words."""

    def __init__(self, pattern: str, words: str, check: Callable[[str], None] = lambda text: None) -> None:
        self._pattern, self._words, self._check = pattern, words, check

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._judge, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self._pattern})$"}

    def _judge(self, text: str) -> str:
        if not re.fullmatch(self._pattern, text):
            raise ValueError(self._words)
        self._check(text)
        return text


class _NotEmpty:
    """A list with something in it. Its own check, since pydantic's also complains of a list whose items are wrong."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._judge, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(core) | {"minItems": 1}

    @staticmethod
    def _judge(items: tuple[Any, ...]) -> tuple[Any, ...]:
        if not items:
            raise ValueError("has to have at least one entry")
        return items


NOT_EMPTY = _NotEmpty()


def is_zone(name: str) -> None:
    """Refuse a time zone that the IANA database does not have."""
    if name not in available_timezones():
        raise ValueError("no such time zone; name one of the IANA database, like Europe/Berlin or UTC")


_VARIABLE = r"(?:[*+]|\{\d*,\d*\})"
_REPEAT = r"(?:[*+]|\{\d+(?:,\d*)?\}|\{,\d+\})"


def bounded(pattern: str) -> str:
    """Refuse a regular expression that is none, or whose matching could take longer than a key is worth.

    Python tries every way to match. A repeated group that itself repeats or chooses has exponentially many, so that is
    refused, and so are back-references, look-around and more than four repeats of no fixed length.
    """
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is no regular expression: {error}") from None
    bare = re.sub(r"\\.", lambda escaped: "\0" if escaped[0][1] in "123456789" else "e", pattern)
    bare = re.sub(r"\[\^?\]?[^\]]*\]", "c", bare).replace("(?P=", "\0")
    if "\0" in bare:
        raise ValueError("back-references are not allowed")
    if re.search(r"\(\?(?!:|P<)", bare):
        raise ValueError("of the extensions (?...) only (?:...) and (?P<name>...) are allowed")
    if len(re.findall(_VARIABLE, bare)) > MOST_REPEATS:
        raise ValueError(f"more than {MOST_REPEATS} repeats of no fixed length: every one multiplies the time")
    while match := re.search(rf"\((?:\?:|\?P<\w+>)?([^()]*)\)({_REPEAT})?", bare):
        inner = match[1]
        if match[2] and re.search(rf"{_REPEAT}|[|?]", inner):
            raise ValueError("a group that is repeated may not itself repeat or choose")
        rest = "x*" if match[2] or re.search(_REPEAT, inner) else "x?" if re.search(r"[|?]", inner) else "x"
        bare = bare[: match.start()] + rest + bare[match.end() :]
    return pattern


class _StatusOrRange:
    """A status code, or a range of them as text: `404`, `200-299`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._judge)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        code = {"type": "integer", "minimum": 100, "maximum": 599}
        return {"anyOf": [code, {"type": "string", "pattern": "^[1-5][0-9]{2}-[1-5][0-9]{2}$"}]}

    @staticmethod
    def _judge(given: Any) -> int | str:
        if isinstance(given, int) and not isinstance(given, bool) and 100 <= given <= 599:
            return given
        if isinstance(given, str) and re.fullmatch(r"[1-5][0-9]{2}-[1-5][0-9]{2}", given):
            lowest, _, highest = given.partition("-")
            if lowest <= highest:
                return given
        raise ValueError("is neither a status from 100 to 599 nor a range like 200-299")


def is_private(text: str) -> None:
    """Refuse a network that is none, or that has other addresses than private ones."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"is no network: {error}") from None
    if not any(network.version == own.version and network.subnet_of(own) for own in PRIVATE):  # type: ignore[arg-type]  # of one version
        raise ValueError("is no private network: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7")


Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]

_PART = r"[A-Za-z0-9_*?-]{1,255}"

Name = Annotated[
    str,
    Text(
        r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?",
        "is not made of lower-case letters and digits, with hyphens between them, at most 32 characters",
    ),
]
Glob = Annotated[
    str,
    Text(f"{_PART}/{_PART}", "is not cluster/service, each by its name or with * and ? in it, as in prod/web or */*"),
]
ClusterGlob = Annotated[str, Text(_PART, "is not the name of a cluster, with or without * and ?")]
Zone = Annotated[str, Text(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", "is not a time zone like Europe/Berlin", is_zone)]
Cluster = Annotated[str, Text(r"[A-Za-z0-9_-]{1,255}", "is not the name of a cluster (no ARN)")]
TaskDefinition = Annotated[
    str,
    Text(
        r"(?:arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:task-definition/)?[A-Za-z0-9_-]{1,255}(?::[1-9][0-9]*)?",
        "is not a task definition: family, family:revision or an ARN",
    ),
]
ContainerName = Annotated[str, Text(r"[A-Za-z0-9_-]{1,255}", "is not the name of a container")]
CapacityProvider = Annotated[str, Text(r"[A-Za-z0-9_-]{1,255}", "is not the name of a capacity provider")]
Variable = Annotated[str, Text(r"[A-Za-z_][A-Za-z0-9_]{0,127}", "is not the name of an environment variable")]
Bucket = Annotated[
    str, Text(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "is not the name of a bucket (no s3://, no key, no ARN)")
]
KeyPart = Annotated[
    str,
    Text(
        r"(?!/)[^\x00-\x1f\x7f-\x9f]{0,256}",
        "is not a part of a key: at most 256 characters, none of them a control character, and no slash in front",
    ),
]
KeyPattern = Annotated[str, Field(min_length=1, max_length=LONGEST_PATTERN), AfterValidator(bounded)]
Subnet = Annotated[str, Text(r"subnet-[0-9a-f]{8,17}", "is not the id of a subnet like subnet-0123456789abcdef0")]
SecurityGroup = Annotated[
    str, Text(r"sg-[0-9a-f]{8,17}", "is not the id of a security group like sg-0123456789abcdef0")
]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Clock = Annotated[str, Text(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", 'is not a time of day like "07:30"')]
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])"
Host = Annotated[
    str,
    Text(rf"(?=.{{1,253}}$){_HOST}", "is not a host name in lower case (no scheme, port or path, no address)"),
]
HostOrOrigin = Annotated[
    str,
    Text(
        rf"(?=.{{1,270}}$)(?:{_HOST}|https?://{_HOST}(?::[1-9][0-9]{{0,4}})?)",
        "is not a host name in lower case, alone or with http:// or https:// and a port (no path, no address)",
    ),
]
Target = Annotated[
    str,
    Text(
        rf"(?=.{{1,270}}$)(?:test|production|{_HOST}|https?://{_HOST}(?::[1-9][0-9]{{0,4}})?)",
        "is neither test, nor production, nor a host as allowed_hosts has it",
    ),
]
PrivateNetwork = Annotated[str, Text(r"[0-9a-f.:]{2,39}/[0-9]{1,3}", "is not a network like 10.20.0.0/16", is_private)]
SecretArn = Annotated[
    str,
    Text(
        r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9_/+=.@-]{1,512}",
        "is not the ARN of a secret of Secrets Manager",
    ),
]
JsonPath = Annotated[
    str,
    Text(
        r"\$(?:\.[A-Za-z_][A-Za-z0-9_-]{0,63}|\[(?:0|[1-9][0-9]{0,5})\]|\['[^'\x00-\x1f]{1,128}'\]){0,16}",
        "is no path into JSON: write $.name, $['a name'] or $[0]",
    ),
]
StatusOrRange = Annotated[int | str, _StatusOrRange()]
