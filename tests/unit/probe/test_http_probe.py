"""The probe against real servers on this machine: what it may not reach it does not reach, and nothing holds it up."""

import ipaddress
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from breakwater.addresses import Allowed, Origin
from breakwater.checks import Attempt, BodyAssertion, Header, HttpCheck, Operator, Outcome, Sample, SecretHeader
from breakwater.errors import BreakwaterError
from breakwater.http_probe import LARGEST, Means, Probe
from tests.unit.probe import servers
from tests.unit.probe.servers import Net, Serve, Server, answering

BLUE, METADATA, OTHER = "10.0.0.5", "169.254.169.254", "10.0.0.9"
LISTENER = Origin("http", "internal-shop.elb.amazonaws.com", 80)
FRIEND = Origin("http", "status.example.com", 80)
ALLOWED = Allowed(frozenset({LISTENER, FRIEND}), (ipaddress.ip_network("10.0.0.0/24"),))
SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:smoke-AbCdEf"
SECRET = "canary-hunter2-token-0123"
PATIENT = Sample(1, 1, 0, 60)


@pytest.fixture(autouse=True)
def sockets_of_this_machine(no_sockets: None, socket_enabled: None) -> None:
    """Every address that is connected to is 127.0.0.1: `Net` knows no other."""


@pytest.fixture
def start() -> Iterator[Callable[[Serve], Server]]:
    with ExitStack() as stack:
        yield lambda serve: stack.enter_context(servers.running(serve))


def a_check(**changes: Any) -> HttpCheck:
    usual: dict[str, Any] = {"name": "health", "path": "/health", "timeout_seconds": 5.0, "sample": PATIENT}
    return HttpCheck(**(usual | changes))


def a_probe(net: Net, allowed: Allowed = ALLOWED, secret: str = SECRET) -> Probe:
    means = Means(net.resolve, net.route, time.monotonic, lambda: ssl.create_default_context())
    return Probe(allowed, {"test": LISTENER}, lambda header: secret, means)


def ask(server: Server, check: HttpCheck | None = None, **names: list[list[str]]) -> tuple[Attempt, Net]:
    net = Net({LISTENER.host: [[BLUE]]} | names, {BLUE: server.port})
    return a_probe(net).attempt(check or a_check(), 0), net


def test_an_answer_is_heard_with_host_and_path_as_the_check_says(start: Callable[[Serve], Server]) -> None:
    server = start(answering(200, b'{"status": "ok"}'))
    check = a_check(host="shop.example.com", assertions=(BodyAssertion("$.status", Operator.EQUALS, "ok"),))
    attempt, net = ask(server, check)
    assert (attempt.outcome, attempt.status) == (Outcome.PASSED, 200)
    (request,) = server.requests
    assert request.startswith(b"GET /health HTTP/1.1\r\n")
    assert b"\r\nHost: shop.example.com\r\n" in request
    assert net.asked == [LISTENER.host]


def test_a_body_and_a_method_are_sent(start: Callable[[Serve], Server]) -> None:
    server = start(answering(201))
    attempt, _ = ask(server, a_check(method="POST", body='{"sku": 1}'))
    assert attempt.outcome is Outcome.PASSED
    assert server.requests[0].startswith(b"POST /health")


def test_a_secret_is_sent_and_never_shown(start: Callable[[Serve], Server]) -> None:
    server = start(lambda connection, request: answering(500, request)(connection, request))
    check = a_check(headers=(SecretHeader("Authorization", SECRET_ARN, prefix="Bearer "),))
    attempt, _ = ask(server, check)
    assert f"Authorization: Bearer {SECRET}".encode() in server.requests[0]
    assert attempt.outcome is Outcome.FAILED
    assert SECRET not in repr(attempt)


@pytest.mark.parametrize("secret", ["line\r\nX-Other: 1", "ü"])
def test_a_secret_that_would_break_the_message_is_not_sent(start: Callable[[Serve], Server], secret: str) -> None:
    server = start(answering())
    net = Net({LISTENER.host: [[BLUE]]}, {BLUE: server.port})
    check = a_check(headers=(SecretHeader("Authorization", SECRET_ARN),))
    attempt = a_probe(net, secret=secret).attempt(check, 0)
    assert (attempt.outcome, server.connections) == (Outcome.ERROR, 0)
    assert secret not in attempt.detail


def test_a_secret_that_cannot_be_read_is_the_checks_own_error(start: Callable[[Serve], Server]) -> None:
    server = start(answering())

    def refused(header: SecretHeader) -> str:
        raise BreakwaterError("read a secret: AccessDeniedException")

    net = Net({LISTENER.host: [[BLUE]]}, {BLUE: server.port})
    probe = Probe(ALLOWED, {"test": LISTENER}, refused, Means(net.resolve, net.route))
    check = a_check(headers=(SecretHeader("Authorization", SECRET_ARN),))
    assert probe.attempt(check, 0).outcome is Outcome.ERROR
    assert server.connections == 0


@pytest.mark.parametrize("host", ["unknown.example.com", "169.254.169.254", "localhost", "shop.example.com@localhost"])
def test_a_host_that_is_not_allowed_is_not_even_resolved(start: Callable[[Serve], Server], host: str) -> None:
    attempt, net = ask(start(answering()), a_check(target=f"http://{host}"))
    assert (attempt.outcome, net.asked) == (Outcome.ERROR, [])


@pytest.mark.parametrize(
    "answers", [[METADATA], ["127.0.0.1"], ["::1"], [BLUE, METADATA], ["::ffff:a00:5"], ["192.168.0.1"]]
)
def test_a_name_that_leads_elsewhere_is_not_connected_to(start: Callable[[Serve], Server], answers: list[str]) -> None:
    server = start(answering())
    net = Net({LISTENER.host: [answers]}, dict.fromkeys([BLUE, *answers], server.port))
    assert a_probe(net).attempt(a_check(), 0).outcome is Outcome.ERROR
    assert server.connections == 0


def test_a_name_that_changes_its_mind_is_asked_once(start: Callable[[Serve], Server]) -> None:
    """Rebinding: the first answer is good, every later one is the metadata service."""
    good, evil = start(answering()), start(answering(200, b"credentials"))
    net = Net({LISTENER.host: [[BLUE], [METADATA]]}, {BLUE: good.port, METADATA: evil.port})
    probe = a_probe(net)
    outcomes = [probe.attempt(a_check(), 0).outcome for _ in range(5)]
    assert outcomes == [Outcome.PASSED] * 5
    assert (good.connections, evil.connections, net.asked) == (5, 0, [LISTENER.host])


def test_redirects_are_answers_unless_the_check_follows_them(start: Callable[[Serve], Server]) -> None:
    server = start(answering(302, b"", Location="http://169.254.169.254/"))
    attempt, net = ask(server)
    assert (attempt.outcome, attempt.status, net.asked) == (Outcome.FAILED, 302, [LISTENER.host])


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//169.254.169.254/",
        "http://[::1]/",
        "http://2852039166/",
        "http://evil.example/",
        "http://internal-shop.elb.amazonaws.com:22/",
        "http://internal-shop.elb.amazonaws.com@169.254.169.254/",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_to_a_forbidden_place_is_not_followed(start: Callable[[Serve], Server], location: str) -> None:
    server = start(answering(302, b"", Location=location))
    attempt, net = ask(server, a_check(redirects=3))
    assert attempt.outcome is Outcome.FAILED
    assert (server.connections, net.asked) == (1, [LISTENER.host])


def test_a_redirect_to_an_allowed_host_is_followed_without_the_secret(start: Callable[[Serve], Server]) -> None:
    friend = start(answering(200))
    server = start(answering(302, b"", Location=f"{FRIEND}/there"))
    net = Net({LISTENER.host: [[BLUE]], FRIEND.host: [[OTHER]]}, {BLUE: server.port, OTHER: friend.port})
    check = a_check(redirects=1, headers=(SecretHeader("Authorization", SECRET_ARN),), host="shop.example.com")
    assert a_probe(net).attempt(check, 0).outcome is Outcome.PASSED
    (request,) = friend.requests
    assert b"GET /there" in request
    assert b"Host: status.example.com\r\n" in request
    assert SECRET.encode() not in request


def test_a_redirect_to_an_allowed_host_that_resolves_to_metadata_ends_there(start: Callable[[Serve], Server]) -> None:
    evil = start(answering())
    server = start(answering(302, b"", Location=f"{FRIEND}/there"))
    net = Net({LISTENER.host: [[BLUE]], FRIEND.host: [[METADATA]]}, {BLUE: server.port, METADATA: evil.port})
    assert a_probe(net).attempt(a_check(redirects=1), 0).outcome is Outcome.ERROR
    assert evil.connections == 0


def test_redirects_in_a_circle_end(start: Callable[[Serve], Server]) -> None:
    server = start(answering(302, b"", Location="/health"))
    attempt, _ = ask(server, a_check(redirects=3))
    assert (attempt.status, server.connections) == (302, 4)


DRIPS = {
    "the headers": servers.dripping(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "one header": servers.dripping(b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
    "the status line": servers.dripping(b"HTTP/1.1 200 ", b"O"),
    "the body": servers.dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"x"),
    "a body without end": servers.dripping(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x"),
    "chunks": servers.dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "nothing": servers.dripping(b"", b""),
}


@pytest.mark.parametrize("what", DRIPS)
def test_who_drips_is_cut_off_at_the_deadline(start: Callable[[Serve], Server], what: str) -> None:
    attempt, _ = ask(start(DRIPS[what]), a_check(timeout_seconds=0.3))
    assert (attempt.outcome, attempt.detail) == (Outcome.FAILED, "no whole answer in time")


def test_a_handshake_that_never_ends_is_cut_off(start: Callable[[Serve], Server]) -> None:
    secure = Origin("https", LISTENER.host, 443)
    server = start(answering())  # takes the ClientHello for a request that is not over yet
    net = Net({LISTENER.host: [[BLUE]]}, {BLUE: server.port})
    probe = a_probe(net, Allowed(frozenset({secure}), ALLOWED.networks))
    attempt = probe.attempt(a_check(target=str(secure), timeout_seconds=0.3), 0)
    assert (attempt.outcome, attempt.detail) == (Outcome.FAILED, "no whole answer in time")


def test_an_endless_body_is_read_up_to_the_limit(start: Callable[[Serve], Server]) -> None:
    attempt, _ = ask(start(servers.endless))
    assert (attempt.outcome, attempt.status) == (Outcome.PASSED, 200)
    compared = a_check(assertions=(BodyAssertion("$.a", Operator.EXISTS),))
    attempt, _ = ask(start(servers.endless), compared)
    assert attempt.outcome is Outcome.FAILED
    assert f"larger than the {LARGEST} bytes" in attempt.detail


def test_a_bomb_is_unpacked_up_to_the_limit(start: Callable[[Serve], Server]) -> None:
    compared = a_check(assertions=(BodyAssertion("$.a", Operator.EXISTS),))
    server = start(servers.bomb())
    tracemalloc.start()
    attempt, _ = ask(server, compared)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 * LARGEST, "a chunk of the packed answer unpacks to sixteen times as much as is read"
    assert attempt.outcome is Outcome.FAILED
    assert f"larger than the {LARGEST} bytes" in attempt.detail


def test_a_packed_answer_is_unpacked(start: Callable[[Serve], Server]) -> None:
    import gzip

    server = start(answering(200, gzip.compress(b'{"a": 1}'), Content_Encoding="gzip"))
    attempt, _ = ask(server, a_check(assertions=(BodyAssertion("$.a", Operator.EQUALS, 1),)))
    assert attempt.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "serve",
    [
        pytest.param(lambda connection, request: None, id="it hangs up"),
        pytest.param(lambda connection, request: connection.sendall(b"SSH-2.0-x\r\n\r\n"), id="it is no HTTP"),
        pytest.param(answering(200, b"short", Content_Length="50"), id="it breaks off"),
        pytest.param(answering(200, b"no gzip", Content_Encoding="gzip"), id="it is not packed as it says"),
        pytest.param(
            lambda connection, request: connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500), id="500 headers"
        ),
    ],
)
def test_who_answers_badly_fails_the_check(start: Callable[[Serve], Server], serve: Serve) -> None:
    attempt, _ = ask(start(serve), a_check(timeout_seconds=2.0))
    assert attempt.outcome is Outcome.FAILED


def test_where_nothing_listens_the_service_is_to_blame() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    net = Net({LISTENER.host: [[BLUE]]}, {BLUE: port})
    attempt = a_probe(net).attempt(a_check(), 0)
    assert (attempt.outcome, attempt.detail) == (Outcome.FAILED, "the connection was refused: nothing listens there")


def test_a_name_that_is_not_there_is_the_checks_own_error() -> None:
    attempt = a_probe(Net({}, {})).attempt(a_check(), 0)
    assert attempt.outcome is Outcome.ERROR


class Slow(Net):
    """A network whose resolver answers when it is let go, or never."""

    def __init__(self, names: dict[str, list[list[str]]], places: dict[str, int]) -> None:
        super().__init__(names, places)
        self.go, self.gone = threading.Event(), threading.Event()

    def resolve(self, host: str, port: int) -> list[str]:
        self.go.wait()
        try:
            return super().resolve(host, port)
        finally:
            self.gone.set()


def test_a_resolver_that_hangs_is_the_checkers_trouble_and_holds_nobody_up(start: Callable[[Serve], Server]) -> None:
    server = start(answering())
    net = Slow({LISTENER.host: [[BLUE]]}, {BLUE: server.port})
    probe, check = a_probe(net), a_check(timeout_seconds=0.1)
    first = probe.attempt(check, 0)
    assert first.outcome is Outcome.ERROR
    assert "not resolved within 0.1 seconds" in first.detail
    net.go.set()
    assert net.gone.wait(5)
    again = probe.attempt(check, 0)  # what it says now comes too late: it was asked once
    assert (again.outcome, net.asked, server.connections) == (Outcome.ERROR, [LISTENER.host], 0)


class Clock:
    """A clock that the resolver moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("resolving", "serve", "outcome"),
    [
        pytest.param(0.02, answering(), Outcome.PASSED, id="a quick resolver"),
        pytest.param(0.02, DRIPS["nothing"], Outcome.FAILED, id="a quick resolver, and a service that says nothing"),
        pytest.param(0.2, answering(), Outcome.PASSED, id="a slow resolver"),
        pytest.param(0.2, DRIPS["nothing"], Outcome.ERROR, id="a slow resolver, and nobody knows who was too slow"),
        pytest.param(0.31, answering(), Outcome.ERROR, id="a resolver that takes all of the time"),
    ],
)
def test_the_resolvers_time_is_the_attempts_and_not_the_services(
    start: Callable[[Serve], Server], resolving: float, serve: Serve, outcome: Outcome
) -> None:
    server, clock = start(serve), Clock()
    net = Net({LISTENER.host: [[BLUE]]}, {BLUE: server.port})

    def slow(host: str, port: int) -> list[str]:
        clock.now += resolving
        return net.resolve(host, port)

    probe = Probe(ALLOWED, {"test": LISTENER}, lambda header: SECRET, Means(slow, net.route, clock))
    attempt = probe.attempt(a_check(timeout_seconds=0.3), 0)
    assert (attempt.outcome, attempt.latency_ms) == (outcome, 0)
    assert ("of which the resolver took" in attempt.detail) is (outcome is Outcome.ERROR)


def test_a_listener_that_the_service_has_not_is_the_checks_own_error() -> None:
    attempt = a_probe(Net({}, {})).attempt(a_check(target="production"), 0)
    assert (attempt.outcome, attempt.detail) == (
        Outcome.ERROR,
        "the service has no production listener that speaks HTTP",
    )


SECURE = Origin("https", LISTENER.host, 443)


def over_tls(net: Net, trust: ssl.SSLContext, check: HttpCheck) -> Attempt:
    means = Means(net.resolve, net.route, time.monotonic, lambda: trust)
    allowed = Allowed(frozenset({SECURE}), ALLOWED.networks)
    return Probe(allowed, {"test": SECURE}, lambda header: SECRET, means).attempt(check, 0)


@pytest.mark.parametrize(
    ("host", "trusted", "outcome"),
    [
        pytest.param("shop.example.com", True, Outcome.PASSED, id="the name that the certificate has"),
        pytest.param(None, True, Outcome.ERROR, id="the load balancer's own name, which the check did not choose"),
        pytest.param("other.example.com", True, Outcome.FAILED, id="another name, which it chose"),
        pytest.param("shop.example.com", False, Outcome.ERROR, id="an authority that the checker does not know"),
    ],
)
def test_tls_is_for_the_name_and_the_connection_for_the_address(
    start: Callable[[Serve], Server], tmp_path: Path, host: str | None, trusted: bool, outcome: Outcome
) -> None:
    certificate = servers.certified("shop.example.com", tmp_path)
    names: list[str | None] = []
    server = start(servers.over_tls(certificate, answering(200), names))
    server.handshake = True
    trust = ssl.create_default_context(cafile=str(certificate) if trusted else None)
    attempt = over_tls(Net({LISTENER.host: [[BLUE]]}, {BLUE: server.port}), trust, a_check(host=host))
    assert attempt.outcome is outcome
    assert names == [host or LISTENER.host]
    assert outcome is Outcome.PASSED or "certificate" in attempt.detail


def test_a_certificate_that_is_over_is_the_services_fault(start: Callable[[Serve], Server], tmp_path: Path) -> None:
    certificate = servers.certified("shop.example.com", tmp_path, until=timedelta(days=-1))
    server = start(servers.over_tls(certificate, answering(200), []))
    server.handshake = True
    trust = ssl.create_default_context(cafile=str(certificate))
    net = Net({LISTENER.host: [[BLUE]]}, {BLUE: server.port})
    attempt = over_tls(net, trust, a_check(host="shop.example.com"))
    assert (attempt.outcome, "expired" in attempt.detail) == (Outcome.FAILED, True)


def test_the_name_of_a_host_of_the_policy_is_the_checks_own_choice(
    start: Callable[[Serve], Server], tmp_path: Path
) -> None:
    certificate = servers.certified("shop.example.com", tmp_path)
    server = start(servers.over_tls(certificate, answering(200), []))
    server.handshake = True
    trust = ssl.create_default_context(cafile=str(certificate))
    friend = Origin("https", "status.example.com", 443)
    net = Net({friend.host: [[BLUE]]}, {BLUE: server.port})
    means = Means(net.resolve, net.route, time.monotonic, lambda: trust)
    probe = Probe(Allowed(frozenset({friend}), ALLOWED.networks), {}, lambda header: SECRET, means)
    assert probe.attempt(a_check(target=str(friend)), 0).outcome is Outcome.FAILED


def test_a_check_whose_answer_would_be_anothers_is_not_made(start: Callable[[Serve], Server]) -> None:
    server = start(answering(200))
    net = Net({LISTENER.host: [[BLUE]]}, {BLUE: server.port})
    probe = replace(a_probe(net), astray=lambda check: "the test rule leads to blue")
    attempt = probe.attempt(a_check(), 0)
    assert (attempt.outcome, server.requests) == (Outcome.ERROR, [])
    assert attempt.detail == "the check would not test the new revision: the test rule leads to blue"


def test_a_header_of_the_check_takes_the_place_of_our_own_whatever_its_case(start: Callable[[Serve], Server]) -> None:
    server = start(answering(200))
    ask(server, a_check(headers=(Header("user-agent", "canary"), Header("ACCEPT", "text/html"))))
    sent = [line.lower() for line in server.requests[0].decode().split("\r\n")]
    assert [line for line in sent if line.startswith(("user-agent", "accept:"))] == [
        "user-agent: canary",
        "accept: text/html",
    ]
