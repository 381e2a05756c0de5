"""Makes the request of an HTTP check, and hears an answer from nowhere but where it may.

A name is resolved once and its address kept: the connection goes to the address, Host and SNI keep the name, and a
second answer of the resolver is never asked for. Redirects are followed only as far as the check says, each judged like
a URL of its own. Time and size are bounded whatever the resolver and the server do: a watchdog ends the exchange at the
deadline, also one that sends a byte now and then, and neither more bytes are read nor more unpacked than `LARGEST`.
"""

import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from breakwater.addresses import (
    Address,
    Allowed,
    Origin,
    Place,
    Refused,
    judge_addresses,
    judge_redirect,
    judge_url,
)
from breakwater.checks.http import Answer, NoAnswer, judge_answer
from breakwater.checks.results import Attempt
from breakwater.checks.spec import OWN_HEADERS, HttpCheck, Listener, SecretHeader
from breakwater.errors import BreakwaterError
from breakwater.lookups import Resolve, in_time, resolve

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

LARGEST = 1_048_576
CHUNK = 16_384
RESOLVERS_SHARE = 0.1
"""How much of an attempt's time the resolver may take before a service that runs out of it is not to blame."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD = frozenset({307, 308})
# X509_V_ERR_* of OpenSSL (x509_vfy.h).
_OTHER_NAME = frozenset({62, 64})
_UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})

Route = Callable[[Address, int], tuple[str, int]]
"""Where an address is reached: itself, except in a sandbox whose addresses are made up."""
ReadSecret = Callable[[SecretHeader], str]
"""The value of a secret header. Raises `BreakwaterError` without repeating it."""


def straight(address: Address, port: int) -> tuple[str, int]:
    """Reach an address where it is."""
    return str(address), port


@cache
def certificates() -> ssl.SSLContext:
    """Certificates are checked against what the system trusts."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Means:
    """What the outside world is asked with. A test or the sandbox gives its own."""

    resolve: Resolve = resolve
    route: Route = straight
    clock: Callable[[], float] = time.monotonic
    certificates: Callable[[], ssl.SSLContext] = certificates


@dataclass(slots=True)
class _Budget:
    """The time of one attempt. What the resolver takes is part of it, and none of the service's latency."""

    clock: Callable[[], float]
    limit: float
    began: float = field(init=False)
    resolving: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def left(self) -> float:
        """How many seconds there still are."""
        return self.limit - (self.clock() - self.began)

    @property
    def took_ms(self) -> int:
        """How long the service has had."""
        return round((self.clock() - self.began - self.resolving) * 1000)

    @property
    def is_the_services(self) -> bool:
        """Whether the service is to blame where time is up: not if the resolver has had much of it."""
        return self.resolving <= self.limit * RESOLVERS_SHARE


@dataclass(slots=True)
class Probe:
    """Tries the checks of one service. It remembers what names resolved to, so one probe serves one run of checks."""

    allowed: Allowed
    origins: Mapping[str, Origin]
    read_secret: ReadSecret
    means: Means = field(default_factory=Means)
    astray: Callable[[HttpCheck], str | None] = lambda check: None
    """Why the request of a check would not come to the side that it is to test, if that is known."""
    _pinned: dict[str, Address | NoAnswer] = field(default_factory=dict)

    def attempt(self, check: HttpCheck, at_ms: int) -> Attempt:
        """Make one attempt. Nothing is raised: what goes wrong is an attempt that failed or an error of the check."""
        secrets: list[str] = []
        try:
            answer = self._asked(check, secrets)
        except BreakwaterError as error:
            answer = NoAnswer(f"the check could not be made: {error}", service=False)
        return judge_answer(check, answer, at_ms, tuple(secrets))

    def _asked(self, check: HttpCheck, secrets: list[str]) -> Answer | NoAnswer:
        """Follow the check from its URL to an answer, within one deadline."""
        origin = self.origins.get(check.target)
        if origin is None and check.target in set(Listener):
            return NoAnswer(f"the service has no {check.target} listener that speaks HTTP", service=False)
        place = judge_url(f"{origin or check.target}{check.path}", self.allowed)
        if isinstance(place, Refused):
            return NoAnswer(f"the check may not go there: {place.reason}", service=False)
        astray = self.astray(check)
        if astray is not None:
            return NoAnswer(f"the check would not test the new revision: {astray}", service=False)
        headers = self._headers(check, secrets)
        budget = _Budget(self.means.clock, check.timeout_seconds)
        method, body, name = check.method, check.body, check.host
        named = check.host is not None or check.target not in set(Listener)
        for hop in range(check.redirects + 1):
            address = self._address(place.origin, budget)
            if isinstance(address, NoAnswer):
                return address
            exchange = _Exchange(self.means, place, address, name, budget, named=named)
            answer, location = exchange.run(method, headers, body)
            if isinstance(answer, NoAnswer) or answer.status not in REDIRECTS or not location or hop == check.redirects:
                return answer
            there = judge_redirect(place, location, self.allowed)
            if isinstance(there, Refused):
                return NoAnswer(f"status {answer.status}, and the check may not follow: {there.reason}", service=True)
            if there.origin != place.origin:
                # Who is not the one whom the secret was meant for does not get it; nor does the other's name fit.
                headers, name = {key: value for key, value in headers.items() if key not in _secret_names(check)}, None
                named = True  # by the service itself
            if answer.status not in _KEEPS_METHOD and method not in ("GET", "HEAD"):
                method, body = "GET", None
            place = there
        raise AssertionError("the last hop returns")

    def _headers(self, check: HttpCheck, secrets: list[str]) -> dict[str, str]:
        named = {header.name.lower() for header in check.headers}
        headers = {name: value for name, value in OWN_HEADERS.items() if name.lower() not in named}
        for header in check.headers:
            if isinstance(header, SecretHeader):
                value = self.read_secret(header)
                secrets.append(value)
                if not value.isascii() or not value.isprintable():
                    raise BreakwaterError(f"the secret for header {header.name} is not printable ASCII")
                headers[header.name] = header.prefix + value
            else:
                headers[header.name] = header.value
        return headers

    def _address(self, origin: Origin, budget: _Budget) -> Address | NoAnswer:
        if origin.host not in self._pinned:
            began = self.means.clock()
            self._pinned[origin.host] = self._resolved(origin, budget.left)
            budget.resolving += self.means.clock() - began
        return self._pinned[origin.host]

    def _resolved(self, origin: Origin, seconds: float) -> Address | NoAnswer:
        """Asked once, also where there was no answer in time: one that comes later is not taken."""
        try:
            answers = in_time(self.means.resolve, origin.host, origin.port, seconds)
        except OSError as error:
            return NoAnswer(str(error), service=False)
        address = judge_addresses(origin.host, answers, self.allowed)
        if isinstance(address, Refused):
            return NoAnswer(f"the check may not go there: {address.reason}", service=False)
        return address


def _secret_names(check: HttpCheck) -> frozenset[str]:
    return frozenset(header.name for header in check.headers if isinstance(header, SecretHeader))


class _Exchange:
    """One request and its answer, over one connection to one address."""

    def __init__(
        self, means: Means, place: Place, address: Address, name: str | None, budget: _Budget, *, named: bool
    ) -> None:
        self._means = means
        self._place = place
        self._address = address
        self._name = name or place.origin.host
        self._named = named
        self._budget = budget
        self._left = budget.left
        self._over = False
        self._socket: socket.socket | None = None

    def run(self, method: str, headers: Mapping[str, str], body: str | None) -> tuple[Answer | NoAnswer, str | None]:
        """Answer with what came back, and with where it redirects to."""
        if self._left <= 0:
            return self._late("no answer in time"), None
        connection = self._connection()
        watchdog = threading.Timer(self._left, self._end, (connection,))
        watchdog.daemon = True
        watchdog.start()
        try:
            return self._talk(connection, method, headers, body)
        finally:
            watchdog.cancel()
            connection.close()

    def _connection(self) -> "HTTPConnection":
        from urllib3.connection import HTTPConnection, HTTPSConnection

        host, port = self._means.route(self._address, self._place.origin.port)
        if self._place.origin.scheme == "http":
            return HTTPConnection(host, port, timeout=self._left)
        context = self._means.certificates()
        return HTTPSConnection(host, port, timeout=self._left, ssl_context=context, server_hostname=self._name)

    def _talk(
        self, connection: "HTTPConnection", method: str, headers: Mapping[str, str], body: str | None
    ) -> tuple[Answer | NoAnswer, str | None]:
        from http.client import HTTPException

        from urllib3.exceptions import HTTPError

        origin = self._place.origin
        authority = Origin(origin.scheme, self._name, origin.port).authority
        try:
            connection.connect()
            self._socket = connection.sock
            connection.request(
                method,
                self._place.target,
                body=None if body is None else body.encode(),
                headers={**headers, "Host": authority},
                preload_content=False,
                decode_content=False,
            )
            response = connection.getresponse()
            content, truncated = self._read(response)
        except (HTTPError, HTTPException, OSError, ValueError, zlib.error) as error:
            return self._trouble(error), None
        if self._over:
            return self._late("no whole answer in time"), None
        return Answer(response.status, self._budget.took_ms, content, truncated), response.headers.get("Location")

    def _trouble(self, error: Exception) -> NoAnswer:
        """Whose fault is it? Who was reached and did not answer well is to blame; no way there is nobody's yet."""
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

        if isinstance(error.__cause__, ConnectionRefusedError):
            return self._silence("the connection was refused: nothing listens there", service=True)
        if isinstance(error, ConnectTimeoutError | NewConnectionError):
            return self._silence("no connection: is the way there open?", service=False)
        if self._over or isinstance(error, TimeoutError):
            return self._late("no whole answer in time")
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._distrust(error)
        return self._silence(f"the exchange broke off: {type(error).__name__}", service=True)

    def _distrust(self, error: ssl.SSLCertVerificationError) -> NoAnswer:
        """A name that the check did not choose is the load balancer's own, for which nobody has a certificate; and an
        authority that is not known here may be known to everybody who matters. Both speak of the checker."""
        told = f"the certificate is not good: {error.verify_message.rstrip('.')}"
        if error.verify_code in _OTHER_NAME and not self._named:
            return self._silence(f"{told}; give the check the host that it is for", service=False)
        if error.verify_code in _UNKNOWN_AUTHORITY:
            return self._silence(f"{told}: its authority is not known to the checker", service=False)
        return self._silence(told, service=True)

    def _read(self, response: Any) -> tuple[bytes, bool]:
        """Read and unpack at most `LARGEST` bytes; says whether there was more."""
        encoding = (response.headers.get("Content-Encoding") or "identity").strip().lower()
        unpack = zlib.decompressobj(47) if encoding in ("gzip", "x-gzip", "deflate") else None
        content, taken = bytearray(), 0
        while not self._over:
            chunk = response.read(CHUNK, decode_content=False)
            if not chunk:
                return bytes(content), False
            taken += len(chunk)
            content += unpack.decompress(chunk, LARGEST + 1 - len(content)) if unpack else chunk
            if len(content) > LARGEST or taken > LARGEST:
                return bytes(content[:LARGEST]), True
        return bytes(content), True

    def _end(self, connection: "HTTPConnection") -> None:
        """Break the exchange off: whoever reads from the socket now reads its end."""
        self._over = True
        sock = self._socket or connection.sock  # until connect() is through, which is where a handshake can drag on
        if sock is not None:
            with suppress(OSError):
                # The transport's own end, also of TLS, whose unwrapping would wait for the other side.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _late(self, reason: str) -> NoAnswer:
        if self._budget.is_the_services:
            return self._silence(reason, service=True)
        return self._silence(
            f"{reason}, of which the resolver took {self._budget.resolving:.2g} seconds", service=False
        )

    def _silence(self, reason: str, *, service: bool) -> NoAnswer:
        return NoAnswer(reason, service, self._budget.took_ms)
