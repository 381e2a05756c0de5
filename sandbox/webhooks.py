"""The network as handlers see it: one invented chat service that takes webhooks, and nothing else.

The seam lies below urllib3's retries and pooling (`_make_request`), so a handler's own retry settings work. It can be
told to answer with errors. Any other host, and any other way to open a connection, is an error.
"""

import io
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import urllib3
from urllib3.connectionpool import HTTPConnectionPool

from sandbox.account import Account
from sandbox.errors import UnsupportedError

CHAT_HOST = "hooks.slack.com"


@dataclass(frozen=True, slots=True)
class Post:
    """One request to the chat service, and how it was answered."""

    at: datetime
    function: str
    url: str
    body: str
    headers: Mapping[str, str]
    status: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What the chat service answers."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Webhooks:
    """The chat service: it remembers what it was told, and answers `replies` before it says ok again."""

    account: Account
    hosts: frozenset[str] = frozenset({CHAT_HOST})
    posts: list[Post] = field(default_factory=list)
    replies: deque[Reply] = field(default_factory=deque)

    def reply(self, status: int, body: str = "", *, times: int = 1, **headers: str) -> None:
        """Answer the next requests like this; `retry_after="30"` is the header Retry-After."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        self.replies.extend([Reply(status, body, named)] * times)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Stand in for the network while handlers run."""
        make_request, connect = HTTPConnectionPool._make_request, socket.socket.connect

        def answered(pool: Any, conn: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            if self.account.functions.current is None:
                return make_request(pool, conn, method, url, *args, **kwargs)
            return self._answer(pool, method, url, args, kwargs)

        def refused(sock: socket.socket, address: Any) -> None:
            if self.account.functions.current is None:
                connect(sock, address)
                return
            raise self._fault(f"connection to {address}")

        HTTPConnectionPool._make_request = answered  # type: ignore[method-assign, assignment]
        socket.socket.connect = refused  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            HTTPConnectionPool._make_request = make_request  # type: ignore[method-assign]
            socket.socket.connect = connect  # type: ignore[method-assign]

    def _fault(self, what: str) -> UnsupportedError:
        function = self.account.functions.current
        fault = UnsupportedError(f"{function.logical_id if function else 'sandbox'}: {what}")
        self.account.faults.append(fault)
        return fault

    def _answer(self, pool: Any, method: str, url: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if pool.host not in self.hosts:
            raise self._fault(f"request to {pool.scheme}://{pool.host}")
        body = kwargs.get("body", args[0] if args else None)
        text = body.decode() if isinstance(body, bytes) else str(body or "")
        headers = kwargs.get("headers", args[1] if len(args) > 1 else None) or {}
        reply = self.replies.popleft() if self.replies else Reply()
        function = self.account.functions.current
        where = f"{pool.scheme}://{pool.host}{url}"
        name = function.logical_id if function else ""
        self.posts.append(Post(self.account.clock.now, name, where, text, dict(headers), reply.status))
        return urllib3.HTTPResponse(
            body=io.BytesIO(reply.body.encode()),
            headers=dict(reply.headers),
            status=reply.status,
            preload_content=kwargs.get("preload_content", True),
            decode_content=kwargs.get("decode_content", True),
            request_method=method,
            request_url=url,
        )
