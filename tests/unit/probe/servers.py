"""Servers of this machine that behave badly on purpose, and the addresses that tests give them.

The guard refuses loopback whatever is allowed, so no test can open it: names resolve to made-up addresses, and only the
last step, `route`, leads to this machine.
"""

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from breakwater.addresses import Address

Serve = Callable[[socket.socket, bytes], None]


@dataclass(slots=True)
class Server:
    """Accepts connections and hands each to `serve`; remembers what it was asked."""

    serve: Serve
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    handshake: bool = False
    """The other side begins with TLS: the connection is handed to `serve` before any request is read."""
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        port: int = self.listener.getsockname()[1]
        return port

    def run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(5)
            if self.handshake:
                self.serve(connection, b"")
                return
            request = request_of(connection)
            if request:
                self.requests.append(request)
                self.serve(connection, request)


def request_of(connection: socket.socket) -> bytes:
    """Read up to the end of the headers; nothing if the other side leaves before."""
    request = b""
    while b"\r\n\r\n" not in request:
        chunk = connection.recv(4096)
        if not chunk:
            return b""
        request += chunk
    return request


def certified(name: str, folder: Path, *, until: timedelta = timedelta(days=1)) -> Path:
    """A certificate for a name, signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + secret)
    return path


def over_tls(certificate: Path, serve: Serve, names: list[str | None]) -> Serve:
    """Serve over TLS; `names` gets the server name of each handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda sock, name, _: names.append(name)

    def shake(connection: socket.socket, request: bytes) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            serve(secure, request_of(secure))

    return shake


@contextmanager
def running(serve: Serve) -> Iterator[Server]:
    server = Server(serve)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        with suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(5)


def answering(status: int = 200, body: bytes = b"{}", **headers: str) -> Serve:
    named = {"Content-Length": str(len(body)), "Connection": "close"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    text = f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body
    return lambda connection, request: connection.sendall(text)


def dripping(first: bytes, drop: bytes, pause: float = 0.02) -> Serve:
    """Send something, and then a drop now and then until the other side has had enough."""

    def serve(connection: socket.socket, request: bytes) -> None:
        connection.sendall(first)
        waiting = threading.Event()
        for _ in range(1000):
            connection.sendall(drop)
            waiting.wait(pause)

    return serve


def endless(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def bomb() -> Serve:
    """Fifty megabytes of zeros in fifty kilobytes."""
    packed = gzip.compress(bytes(50_000_000), compresslevel=9)
    return answering(200, packed, Content_Encoding="gzip")


@dataclass(slots=True)
class Net:
    """What names resolve to, one list of answers after another, and where addresses are."""

    names: Mapping[str, list[list[str]]]
    places: Mapping[str, int]
    asked: list[str] = field(default_factory=list)

    def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            raise OSError("no such name")
        return answers[min(self.asked.count(host), len(answers)) - 1]

    def route(self, address: Address, port: int) -> tuple[str, int]:
        return "127.0.0.1", self.places[str(address)]
