import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from breakwater.errors import BreakwaterError, RefusedError, SettingsError, ThrottledError
from notifier.decision import entry_of, merged
from notifier.slack import SlackChannel, Urllib3Http, WebhookAddress, webhook_url
from tests.unit.notifier.samples import PLACE, a_notice

URL = "https://hooks.slack.com/services/T0/B0/secretsecret"


@dataclass
class FakeSecrets:
    """Secrets Manager with one secret. It counts how often it is read."""

    text: str = URL
    reads: int = 0

    def get_secret_value(self, **words: str) -> dict[str, str]:
        self.reads += 1
        return {"SecretString": self.text}


@dataclass
class FakeHttp:
    """Answers with the next status, 200 when none is left."""

    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    posts: list[tuple[str, Any]] = field(default_factory=list)

    def post(self, url: str, body: bytes) -> tuple[int, Mapping[str, str]]:
        self.posts.append((url, json.loads(body)))
        return self.statuses.pop(0) if self.statuses else (200, {})


class Setting:
    def __init__(self, *statuses: tuple[int, dict[str, str]]) -> None:
        self.secrets = FakeSecrets()
        self.http = FakeHttp(list(statuses))
        self.seconds = 1000.0
        address = WebhookAddress(lambda: self.secrets, "arn:secret")
        self.channel = SlackChannel(address, self.http, PLACE, clock=lambda: self.seconds)


def test_the_address_is_read_once_for_many_messages() -> None:
    setting = Setting()
    for _ in range(3):
        setting.channel.send(a_notice())
    setting.channel.send_digest(merged([entry_of(a_notice())]), 0)
    assert setting.secrets.reads == 1
    assert [url for url, _ in setting.http.posts] == [URL] * 4
    assert all(payload["blocks"] for _, payload in setting.http.posts)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        pytest.param(400, BreakwaterError, id="this message is refused"),
        pytest.param(413, BreakwaterError, id="this message is too large"),
        pytest.param(403, RefusedError, id="the webhook is refused"),
        pytest.param(404, RefusedError, id="the webhook is gone"),
        pytest.param(302, RefusedError, id="a redirect is not followed"),
        pytest.param(500, ThrottledError, id="Slack is in trouble"),
        pytest.param(429, ThrottledError, id="too many"),
    ],
)
def test_an_answer_other_than_success_is_an_error_of_its_kind_that_does_not_tell_the_address(
    status: int, error: type[BreakwaterError]
) -> None:
    with pytest.raises(BreakwaterError) as raised:
        Setting((status, {})).channel.send(a_notice())
    assert type(raised.value) is error
    assert "secretsecret" not in repr(raised.value)


def test_a_pause_that_slack_asks_for_is_kept() -> None:
    setting = Setting((429, {"Retry-After": "40"}))
    with pytest.raises(ThrottledError, match="40 s"):
        setting.channel.send(a_notice())
    setting.seconds += 39
    with pytest.raises(ThrottledError, match="not over"):
        setting.channel.send(a_notice())
    setting.seconds += 2
    setting.channel.send(a_notice())
    assert len(setting.http.posts) == 2


@pytest.mark.parametrize("value", ["", "soon", "-1", "99999", "\u0663"])
def test_an_odd_pause_is_a_bounded_one(value: str) -> None:
    setting = Setting((429, {"Retry-After": value}))
    with pytest.raises(ThrottledError):
        setting.channel.send(a_notice())
    setting.seconds += 301
    setting.channel.send(a_notice())


def test_a_refused_address_is_read_again_since_it_may_have_been_rotated() -> None:
    setting = Setting((404, {}))
    with pytest.raises(RefusedError):
        setting.channel.send(a_notice())
    setting.channel.send(a_notice())
    assert setting.secrets.reads == 2


@pytest.mark.parametrize("secret", [URL, f"  {URL}\n", json.dumps({"url": URL})])
def test_a_secret_is_the_url_or_json_with_it(secret: str) -> None:
    assert webhook_url(secret) == URL


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("", id="empty"),
        pytest.param("{}", id="JSON without url"),
        pytest.param("{nonsense", id="half JSON"),
        pytest.param("http://hooks.slack.com/services/x", id="not https"),
        pytest.param("https://user:pw@hooks.slack.com/x", id="credentials"),
        pytest.param("https://hooks.slack.com:8443/x", id="another port"),
        pytest.param("https://hooks.slack.com:port/x", id="no port at all"),
        pytest.param("https://127.0.0.1/x", id="loopback"),
        pytest.param("https://169.254.169.254/latest", id="metadata service"),
        pytest.param("https://2130706433/x", id="decimal address"),
        pytest.param("https://0x7f.0x1/x", id="hexadecimal address"),
        pytest.param("https://[::1]/x", id="IPv6"),
        pytest.param("https://[fd00:ec2::254/x", id="broken IPv6"),
        pytest.param("https://localhost/x", id="localhost"),
        pytest.param("https://metadata.google.internal/x", id="internal name"),
        pytest.param("https://hooks.slack.com.local/x", id="local name"),
        pytest.param("https://hooks.slack.com/a b", id="space"),
        pytest.param("https://hooks.slack.com/a\r\nHost: x", id="line break"),
        pytest.param("ftp://hooks.slack.com/secretsecret", id="another scheme"),
    ],
)
def test_a_secret_that_leads_elsewhere_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(SettingsError) as raised:
        webhook_url(secret)
    assert "secretsecret" not in str(raised.value)
    assert secret == "" or secret not in str(raised.value)


def test_an_unreachable_host_is_a_later_try_and_the_error_does_not_tell_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*args: object) -> None:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ThrottledError) as raised:
        Urllib3Http().post("https://hooks.slack.invalid/services/secretsecret", b"{}")
    assert "secretsecret" not in str(raised.value)
    assert raised.value.__cause__ is None
