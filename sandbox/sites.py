"""What workloads answer to HTTP: requests of handlers to a load balancer of the model reach the server of an image.

A name of a balancer resolves to an address of its own, and what connects there is routed as the model's rules and
weights say at that moment: to the heaviest target group, there to a healthy target, and by its image to a real server
on this machine's loopback, or to a plain answer. Everything else on the network stays refused (`webhooks`).
"""

import _socket
import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import urllib3.util.connection as connections

from sandbox.account import Account

LOOPBACK = "127.0.0.1"


@dataclass(slots=True)
class Sites:
    """The servers by image. `answers` are statuses and bodies of images without one; 200 for the rest."""

    account: Account
    servers: dict[str, int] = field(default_factory=dict)
    """The port on loopback of an image's server."""
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    resolving: bool = True
    """Whether names resolve: without it the checker itself is in trouble."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Image and path of every request that got through."""

    @contextmanager
    def open(self) -> Iterator[None]:
        """Stand in for the network between handlers and load balancers."""
        resolve, connect = socket.getaddrinfo, connections.create_connection

        def resolved(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            place = self._address(str(host))
            if place is None or self.account.functions.current is None:
                return resolve(host, port, *args, **kwargs)
            if not self.resolving:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port))]

        def connected(address: tuple[str, int], *args: Any, **kwargs: Any) -> Any:
            listener = self._listener(*address)
            if listener is None or self.account.functions.current is None:
                return connect(address, *args, **kwargs)
            return Wire(self, listener)

        socket.getaddrinfo = resolved
        connections.create_connection = connected
        try:
            yield
        finally:
            socket.getaddrinfo, connections.create_connection = resolve, connect

    def _address(self, host: str) -> str | None:
        """The address of a balancer by its name: the one in its place among them."""
        for number, balancer in enumerate(self.account.ecs.native.balancers.all.values(), 1):
            if balancer.dns.lower() == host.lower():
                return f"54.210.{number // 256}.{number % 256}"
        return None

    def _listener(self, address: str, port: int) -> str | None:
        for balancer in self.account.ecs.native.balancers.all.values():
            if self._address(balancer.dns) == address:
                return next((one.arn for one in balancer.listeners.values() if one.port == port), None)
        return None

    def image_at(self, listener: str, path: str) -> str | None:
        """Whose turn it is: the image of a healthy target behind the rule that takes this path."""
        native, world = self.account.ecs.native, self.account.ecs.model.world
        weights = native.balancers.route(listener, path.partition("?")[0], "").rule.weights
        for group in sorted((one for one in weights if weights[one]), key=lambda one: -weights[one]):
            for target in world.target_groups[group].targets.values():
                if target.state == "healthy":
                    return target.task.definition.containers[0].image
        return None


class Wire:
    """One connection of a handler: what is sent is read as a request, and answered by whose turn it is."""

    def __init__(self, sites: Sites, listener: str) -> None:
        self._sites, self._listener = sites, listener
        self._sent = b""
        self._timeout: float | None = None
        self._server: socket.socket | None = None

    def settimeout(self, seconds: float | None) -> None:
        """How long an answer may take."""
        self._timeout = seconds

    def sendall(self, data: bytes) -> None:
        """Take a part of the request."""
        self._sent += data

    def makefile(self, mode: str) -> Any:
        """The answer to what was sent."""
        path = self._sent.split(b" ", 2)[1].decode("ascii", "replace")
        image = self._sites.image_at(self._listener, path)
        self._sites.asked.append((image or "", path))
        if image is not None and image in self._sites.servers:
            return self._by_server(self._sites.servers[image], mode)
        status, body = self._sites.answers.get(image, (200, "{}")) if image else (503, "no target")
        text = body.encode()
        head = f"HTTP/1.1 {status} As told\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        return io.BytesIO(head.encode() + text)

    def _by_server(self, port: int, mode: str) -> Any:
        """Hand the request on, past the refusal of other connections."""
        self._server = socket.socket()
        self._server.settimeout(self._timeout)
        _socket.socket.connect(self._server, (LOOPBACK, port))
        self._server.sendall(self._sent)
        return self._server.makefile(mode)  # type: ignore[call-overload]  # http.client asks for "rb"

    def close(self) -> None:
        """It is over."""
        if self._server is not None:
            self._server.close()
