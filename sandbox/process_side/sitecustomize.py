"""Runs inside of a container's process, before its own code: what botocore would send goes through two pipes instead.

So the code of a container runs unchanged, as a process of its own, and reaches the emulated account and nothing else;
no socket is opened. Only Python with botocore can be run so.
"""

import base64
import io
import json
import os
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.httpsession import URLLib3Session

_READ, _WRITE = (int(number) for number in os.environ.pop("BREAKWATER_PIPES").split(","))
_FROM, _TO = os.fdopen(_READ, "r", encoding="ascii"), os.fdopen(_WRITE, "w", encoding="ascii")


class _Raw(io.BytesIO):
    """A body as botocore wants to read it."""

    def stream(self, amt: int = 65_536, decode_content: bool | None = None) -> Iterator[bytes]:
        while chunk := self.read(amt):
            yield chunk


def _send(session: Any, request: Any) -> AWSResponse:
    """Hand one request to the sandbox and wait for its answer."""
    body = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    body = body.encode() if isinstance(body, str) else bytes(body)
    asked = {
        "method": request.method,
        "url": request.url,
        "headers": {name: _text(value) for name, value in request.headers.items()},
        "body": base64.b64encode(body).decode(),
    }
    _TO.write(json.dumps(asked) + "\n")
    _TO.flush()
    answer = json.loads(_FROM.readline())
    raw = _Raw(base64.b64decode(answer["body"]))
    headers: Any = HeadersDict(answer["headers"])
    return AWSResponse(request.url, answer["status"], headers, raw)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


URLLib3Session.send = _send  # type: ignore[method-assign,assignment]  # the one place where botocore meets the network
