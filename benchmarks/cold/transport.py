"""AWS answered inside the process: a botocore plugin that puts canned answers in place of the network.

botocore loads it into each client it makes, whoever makes it, by `BOTOCORE_EXPERIMENTAL__PLUGINS`; so the code that is
measured is the code that runs in Lambda, and pays for building its requests, signing them and reading the answers.
An operation without a canned answer is an error.
"""

import sys
from typing import Any

CALLS: list[str] = []


def initialize_client_plugin(client: Any) -> None:
    """Answer every request of this client with what the child was given."""
    client.meta.events.register("before-send", _answer)


def _answer(request: Any, event_name: str, **_: Any) -> Any:
    from botocore.awsrequest import AWSResponse

    operation = event_name.removeprefix("before-send.")
    CALLS.append(operation)
    answers: dict[str, str] = sys.modules["__main__"].given["answers"]
    body = answers[operation].encode()
    headers: Any = {"content-length": str(len(body)), "x-amz-version-id": "v1"}
    return AWSResponse(request.url, 200, headers, _Body(body))


class _Body:
    """As much of a urllib3 response as botocore reads."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, amount: int | None = None) -> bytes:
        """The next bytes of an answer that is read as a stream."""
        taken = self._content if amount is None else self._content[:amount]
        self._content = self._content[len(taken) :]
        return taken

    def stream(self, *_: object, **__: object) -> list[bytes]:
        """The whole body in one piece."""
        return [self._content]
