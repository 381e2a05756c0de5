"""What a service's checks are: the policy's `checks`, as frozen values. docs/checks.md explains each to people.

A value that cannot be judged cannot be made: each class refuses it with a `ValueError` that names the field, so that
the policy document, the state machine and the hooks refuse the same things in the same words.
"""

import math
import re
from dataclasses import dataclass, field
from enum import StrEnum

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # RFC 9110, 5.6.2
_VALUE = re.compile(r"[\x20-\x7e]{0,4096}")
_PATH = re.compile(r"/[\x21-\x7e]{0,2047}")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_JSON_PATH = re.compile(
    r"\$(?:\.[A-Za-z_][\w-]{0,63}|\[(?:0|[1-9]\d{0,5})\]|\['[^'\x00-\x1f]{1,128}'\]){0,16}", re.ASCII
)
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
# Who names the host decides whom the answer comes from; the rest is how a message is framed, which is the client's.
_NOT_OURS_TO_SET = frozenset(
    {
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "accept-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
    }
)
OWN_HEADERS = {"User-Agent": "breakwater-check", "Accept-Encoding": "identity", "Accept": "*/*"}
"""What every check sends; a header of the check's own takes the place of one."""
LONGEST_BODY = 65_536
LONGEST_TEXT = 1_000


def _refuse_unless(holds: object, problem: str) -> None:
    if not holds:
        raise ValueError(problem)


class Listener(StrEnum):
    """Which of the service's own listeners a check goes to."""

    TEST = "test"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Sample:
    """How often to try: passed with `needed` good attempts of at most `attempts`, within `deadline_seconds` in all."""

    needed: int = 3
    attempts: int = 5
    interval_seconds: int = 2
    deadline_seconds: int = 120

    def __post_init__(self) -> None:
        """Refuse what can never pass."""
        _refuse_unless(1 <= self.attempts <= 100, f"attempts is {self.attempts}: it must be from 1 to 100")
        _refuse_unless(1 <= self.needed <= self.attempts, f"needed is {self.needed}: it must be from 1 to attempts")
        _refuse_unless(0 <= self.interval_seconds <= 300, "interval_seconds must be from 0 to 300")
        _refuse_unless(1 <= self.deadline_seconds <= 3600, "deadline_seconds must be from 1 to 3600")

    def time_for(self, timeout_seconds: float) -> float:
        """Seconds that all attempts take if each takes its whole timeout."""
        return self.attempts * timeout_seconds + (self.attempts - 1) * self.interval_seconds


@dataclass(frozen=True, slots=True)
class StatusRange:
    """Statuses from `lowest` to `highest`, both included."""

    lowest: int
    highest: int

    def __post_init__(self) -> None:
        """Refuse what no server can answer."""
        _refuse_unless(100 <= self.lowest <= self.highest <= 599, f"{self} is no range of HTTP statuses")

    def __contains__(self, status: int) -> bool:
        return self.lowest <= status <= self.highest

    def __str__(self) -> str:
        return str(self.lowest) if self.lowest == self.highest else f"{self.lowest}-{self.highest}"


@dataclass(frozen=True, slots=True)
class Header:
    """A header with its value in the open. A secret belongs into a `SecretHeader`."""

    name: str
    value: str

    def __post_init__(self) -> None:
        """Refuse what would break the message, or say who answers."""
        _check_name(self.name)
        _refuse_unless(_VALUE.fullmatch(self.value), f"the value of header {self.name} is not printable ASCII")


@dataclass(frozen=True, slots=True)
class SecretHeader:
    """A header whose value is a secret of Secrets Manager: the whole string, or one key of its JSON object.

    The policy names the secret and never holds its value; `prefix` is put before it, such as `Bearer `.
    """

    name: str
    secret_arn: str
    key: str | None = None
    prefix: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no secret of Secrets Manager."""
        _check_name(self.name)
        _refuse_unless(
            re.fullmatch(
                r"arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]{1,512}", self.secret_arn, re.ASCII
            ),
            f"secret_arn of header {self.name} is not the ARN of a secret",
        )
        _refuse_unless(_VALUE.fullmatch(self.prefix), f"the prefix of header {self.name} is not printable ASCII")


class Operator(StrEnum):
    """What can be said of one place in a JSON body."""

    EXISTS = "exists"
    ABSENT = "absent"
    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    ONE_OF = "one_of"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MATCHES = "matches"


Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class BodyAssertion:
    """One place of the JSON body and what must hold there.

    `path` is `$` with `.name`, `['any name']` and `[index]`. `matches` compares text with `*` for any characters: no
    regular expressions, since the answer is not to be trusted with a pattern that can be made to run for minutes.
    """

    path: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...] = None

    def __post_init__(self) -> None:
        """Refuse a path or an operand that nothing can be compared with."""
        _refuse_unless(
            _JSON_PATH.fullmatch(self.path), f"{self.path[:80]!r} is no path: write $.name, $['a name'], $[0]"
        )
        number = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        match self.operator:
            case Operator.EXISTS | Operator.ABSENT:
                good = self.value is None
            case Operator.ONE_OF:
                good = isinstance(self.value, tuple) and 0 < len(self.value) <= 50
            case Operator.AT_LEAST | Operator.AT_MOST:
                good = number and math.isfinite(float(self.value))  # type: ignore[arg-type]  # a number: `number` says so
            case Operator.MATCHES:
                good = isinstance(self.value, str) and len(self.value) <= LONGEST_TEXT
            case _:
                good = not isinstance(self.value, tuple)
        _refuse_unless(good, f"{self.operator} at {self.path} cannot be compared with what is given")


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """One request and what its answer must be.

    `target` is one of the service's own listeners, or the origin (`https://host[:port]`) of a host that the policy
    allows. `host` is the name shown to the server (Host header, SNI, certificate) where it is not the target's own.
    `timeout_seconds` bounds one attempt from the first packet to the last byte; `latency_ms` is what the service
    promises, and is less.
    """

    name: str
    path: str
    target: str = Listener.TEST
    method: str = "GET"
    host: str | None = None
    headers: tuple[Header | SecretHeader, ...] = ()
    body: str | None = field(default=None, repr=False)
    expected_status: tuple[StatusRange, ...] = (StatusRange(200, 299),)
    assertions: tuple[BodyAssertion, ...] = ()
    latency_ms: int | None = None
    timeout_seconds: float = 10.0
    redirects: int = 0
    sample: Sample = Sample()

    def __post_init__(self) -> None:
        """Refuse what cannot be sent or cannot be judged."""
        _check_check_name(self.name)
        _refuse_unless(_PATH.fullmatch(self.path), f"{self.name}: path must begin with / and be printable ASCII")
        _refuse_unless(not self.path.startswith("//") and "#" not in self.path, f"{self.name}: path is not a path")
        _refuse_unless(self.method in _METHODS, f"{self.name}: method {self.method} is none of {', '.join(_METHODS)}")
        _refuse_unless(self.host is None or _HOST.fullmatch(self.host), f"{self.name}: host is no host name")
        _refuse_unless(self.body is None or len(self.body) <= LONGEST_BODY, f"{self.name}: body is too long")
        _refuse_unless(self.expected_status, f"{self.name}: expected_status is empty, so nothing could pass")
        _refuse_unless(len(self.headers) <= 20 and len(self.assertions) <= 20, f"{self.name}: at most 20 of each")
        names = [header.name.lower() for header in self.headers]
        _refuse_unless(len(set(names)) == len(names), f"{self.name}: a header is given twice")
        _refuse_unless(0.1 <= self.timeout_seconds <= 60, f"{self.name}: timeout_seconds must be from 0.1 to 60")
        _refuse_unless(0 <= self.redirects <= 5, f"{self.name}: redirects must be from 0 to 5")
        fits = self.latency_ms is None or 1 <= self.latency_ms <= self.timeout_seconds * 1000
        _refuse_unless(fits, f"{self.name}: latency_ms must be from 1 ms to the timeout")
        enough = self.sample.deadline_seconds >= self.sample.time_for(self.timeout_seconds)
        _refuse_unless(
            enough,
            f"{self.name}: deadline_seconds is {self.sample.deadline_seconds}, and {self.sample.attempts} attempts of "
            f"{self.timeout_seconds:g} s take up to {self.sample.time_for(self.timeout_seconds):g} s",
        )


@dataclass(frozen=True, slots=True)
class TaskCheck:
    """Run a task of the new revision with this command; exit code 0 within the time passes.

    `container` is the one whose exit code counts, the first essential one unless given.
    """

    name: str
    command: tuple[str, ...] = field(default=(), repr=False)
    container: str | None = None
    timeout_seconds: int = 600

    def __post_init__(self) -> None:
        """Refuse what RunTask would refuse."""
        _check_check_name(self.name)
        _refuse_unless(10 <= self.timeout_seconds <= 3600, f"{self.name}: timeout_seconds must be from 10 to 3600")
        _refuse_unless(sum(map(len, self.command)) <= 6000, f"{self.name}: command is too long for RunTask")


@dataclass(frozen=True, slots=True)
class QuantileBound:
    """A quantile of the new side's latency may be `ratio` times that of the old, or `floor_ms`, whichever is more."""

    quantile: float
    ratio: float = 1.5
    floor_ms: float = 50.0

    def __post_init__(self) -> None:
        """Refuse quantiles that CloudWatch has no statistic for, and bounds that equal latencies would break."""
        _refuse_unless(self.quantile in (0.5, 0.9, 0.95, 0.99), f"quantile {self.quantile} is not 0.5, 0.9, 0.95, 0.99")
        _refuse_unless(1 <= self.ratio <= 100, "ratio must be from 1 to 100")
        _refuse_unless(0 <= self.floor_ms <= 60_000, "floor_ms must be from 0 to 60000")

    @property
    def requests_needed(self) -> int:
        """How many requests make the quantile mean something: ten of them lie beyond it."""
        return math.ceil(round(10 / (1 - self.quantile), 6))

    @property
    def statistic(self) -> str:
        """What CloudWatch calls it: p50, p95."""
        return f"p{self.quantile * 100:g}"


@dataclass(frozen=True, slots=True)
class MetricAnalysis:
    """The new side's error rate and latency against the old side's, by the target groups' metrics.

    `false_alarm_rate` is the chance to fail an equally good revision on its error rate over the whole release, all
    looks together; `tolerated_increase` is how much higher (absolute) the rate may be without harm, however certain.
    """

    name: str = "metrics"
    minimum_requests: int = 200
    false_alarm_rate: float = 0.01
    tolerated_increase: float = 0.005
    quantiles: tuple[QuantileBound, ...] = (QuantileBound(0.5), QuantileBound(0.95, 2.0))
    window_minutes: int = 5

    def __post_init__(self) -> None:
        """Refuse what would never fail or never pass."""
        _check_check_name(self.name)
        _refuse_unless(20 <= self.minimum_requests <= 10_000_000, f"{self.name}: minimum_requests must be at least 20")
        _refuse_unless(1e-6 <= self.false_alarm_rate <= 0.2, f"{self.name}: false_alarm_rate must be from 1e-6 to 0.2")
        _refuse_unless(0 <= self.tolerated_increase <= 0.5, f"{self.name}: tolerated_increase must be from 0 to 0.5")
        _refuse_unless(1 <= self.window_minutes <= 180, f"{self.name}: window_minutes must be from 1 to 180")


Check = HttpCheck | TaskCheck | MetricAnalysis


def _check_name(name: str) -> None:
    _refuse_unless(_TOKEN.fullmatch(name), f"{name[:80]!r} is no name of a header")
    _refuse_unless(name.lower() not in _NOT_OURS_TO_SET, f"the header {name} cannot be set: use host, or leave it")


def _check_check_name(name: str) -> None:
    _refuse_unless(re.fullmatch(r"[\w .:/-]{1,80}", name, re.ASCII), f"{name[:80]!r} is no name of a check")
