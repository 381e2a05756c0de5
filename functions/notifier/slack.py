"""The Slack channel: an incoming webhook whose address is a secret.

The address is read once and kept in memory; it appears in no log line and no error. When Slack refuses it (revoked,
channel archived) it is forgotten, so that the next try reads a rotated one.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError, RefusedError, SettingsError, ThrottledError
from breakwater.model import Notice

from . import render_slack
from .decision import Line
from .words import Place

NAME = "slack"
CONNECT_SECONDS = 2.0
READ_SECONDS = 4.0
LONGEST_PAUSE = 300
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_PRIVATE = (".local", ".internal", ".localhost", ".localdomain", ".home.arpa", ".test", ".invalid")
_THIS_MESSAGE = frozenset({400, 413})


class Http(Protocol):
    """Posts JSON to an address and answers with the status and the headers, never following a redirect."""

    def post(self, url: str, body: bytes) -> tuple[int, Mapping[str, str]]:
        """Raises `ThrottledError` when no answer came."""


class SlackChannel:
    """Posts to the webhook."""

    name = NAME

    def __init__(
        self, address: "WebhookAddress", http: Http, place: Place, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = address
        self._http = http
        self._place = place
        self._clock = clock
        self._closed_until = 0.0

    def send(self, notice: Notice) -> None:
        """See `Channel.send`."""
        self._post(render_slack.notice(notice, self._place))

    def room(self, lines: Sequence[Line]) -> int:
        """See `Channel.room`."""
        return render_slack.room(lines)

    def send_digest(self, lines: Sequence[Line], waiting: int) -> None:
        """See `Channel.send_digest`."""
        self._post(render_slack.digest(lines, waiting, self._place))

    def _post(self, payload: Mapping[str, Any]) -> None:
        if self._clock() < self._closed_until:
            raise ThrottledError("Slack asked for a pause that is not over")
        status, headers = self._http.post(self._address.read(), json.dumps(payload).encode())
        if 200 <= status < 300:
            return
        if status == 429:
            pause = _retry_after(headers)
            self._closed_until = self._clock() + pause
            raise ThrottledError(f"Slack asks for a pause of {pause} s")
        if status >= 500:
            raise ThrottledError(f"Slack answered {status}")
        if status in _THIS_MESSAGE:
            raise BreakwaterError(f"Slack refused this message with {status}")
        self._address.forget()
        raise RefusedError(f"Slack refused the webhook with {status}: is it revoked, or its channel archived?")


class WebhookAddress:
    """The webhook's address, from Secrets Manager: the plain URL, or JSON with the key `url`."""

    def __init__(self, client: Callable[[], Any], secret_arn: str) -> None:
        self._client = client
        self._secret_arn = secret_arn
        self._url: str | None = None

    def read(self) -> str:
        """The address. Raises `SettingsError`, which does not repeat the secret, if it is not usable."""
        if self._url is None:
            with translated_errors("read the Slack secret"):
                answer = self._client().get_secret_value(SecretId=self._secret_arn)
            self._url = webhook_url(str(answer.get("SecretString") or ""))
        return self._url

    def forget(self) -> None:
        """Read the secret again next time."""
        self._url = None


def webhook_url(secret: str) -> str:
    """The address in a secret string: https, to a public host name, without credentials and on the usual port."""
    text = secret.strip()
    if text.startswith("{"):
        try:
            text = str(json.loads(text).get("url") or "").strip()
        except ValueError:
            raise SettingsError("the Slack secret is neither a URL nor JSON with the key url") from None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise SettingsError("the Slack secret holds no valid URL") from None
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or parts.username is not None or port not in (None, 443):
        raise SettingsError("the Slack secret holds no https URL without credentials and port")
    # The last label has to be letters: that excludes addresses in any notation, decimal and hexadecimal too.
    if not _HOST.fullmatch(host) or host.endswith(_PRIVATE) or not text.isprintable() or " " in text:
        raise SettingsError("the Slack secret does not lead to a public host name")
    return text


class Urllib3Http:
    """`Http` by urllib3, which botocore brings along; its pool is made with the first message."""

    def __init__(self) -> None:
        self._pool: Any = None

    def post(self, url: str, body: bytes) -> tuple[int, Mapping[str, str]]:
        """See `Http.post`. Nothing is retried here: the caller's queue does that. The answer's body is not read."""
        import urllib3

        if self._pool is None:
            timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
            self._pool = urllib3.PoolManager(retries=False, timeout=timeout, maxsize=1)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        try:
            answer = self._pool.request("POST", url, body=body, headers=headers, redirect=False, preload_content=False)
        except urllib3.exceptions.HTTPError as error:  # its text carries the URL: only its kind may be told
            raise ThrottledError(f"Slack could not be reached: {type(error).__name__}") from None
        answer.drain_conn()
        return answer.status, answer.headers


def _retry_after(headers: Mapping[str, str]) -> int:
    """The pause that Slack asks for in seconds; 30 where it does not say so in whole seconds."""
    value = headers.get("Retry-After", "")
    return min(LONGEST_PAUSE, int(value)) if value.isascii() and value.isdigit() else 30
