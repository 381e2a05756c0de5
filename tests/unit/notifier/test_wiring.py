import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from breakwater import settings
from breakwater.errors import SettingsError
from notifier.mail import MailChannel
from notifier.wake_ups import QueueWakeUps
from notifier.wiring import NotifierSettings, build
from tests.unit.notifier.samples import PLACE, START, a_notice

ENV = {
    "TABLE_NAME": "table",
    "MAIL_TOPIC_ARN": "arn:aws:sns:eu-west-1:111122223333:mail",
    "NOTIFIER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/111122223333/notifier",
    "AWS_REGION": "eu-west-1",
}
ROOT = Path(__file__).parents[3]


class Recorder:
    """Stands for a botocore client: remembers each call's parameters."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def publish(self, **words: Any) -> None:
        self.calls.append(("publish", words))

    def send_message(self, **words: Any) -> None:
        self.calls.append(("send_message", words))


@pytest.mark.parametrize(
    ("secret", "channels"),
    [
        pytest.param(None, ["mail"], id="no secret, no Slack"),
        pytest.param(" ", ["mail"], id="blank"),
        pytest.param("arn:aws:secretsmanager:eu-west-1:111122223333:secret:x", ["mail", "slack"], id="a secret"),
    ],
)
def test_slack_is_there_when_its_secret_is(secret: str | None, channels: list[str]) -> None:
    env = ENV if secret is None else ENV | {"SLACK_SECRET_ARN": secret}
    assert list(build(settings.read(NotifierSettings, env)).channels) == channels


def test_with_the_mode_off_there_is_nobody_to_tell() -> None:
    env = ENV | {"MODE": "off", "SLACK_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x-AbCdEf"}
    assert build(settings.read(NotifierSettings, env)).channels == {}


def test_all_that_is_missing_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        settings.read(NotifierSettings, {"TABLE_NAME": " "})
    for name in ENV:
        assert name in str(raised.value)


def test_mail_goes_to_the_topic_with_a_subject() -> None:
    client = Recorder()
    MailChannel(lambda: client, "arn:topic", PLACE).send(a_notice())
    ((_, words),) = client.calls
    assert words["TopicArn"] == "arn:topic"
    assert words["Subject"].startswith("[HIGH] prod/orders-api")
    assert "WHAT TO DO" in words["Message"]


@pytest.mark.parametrize(("seconds", "delay"), [(30, 30), (29.2, 30), (-5, 0), (5000, 900)])
def test_a_wake_up_is_delayed_by_whole_seconds_never_too_early_and_at_most_a_quarter_hour(
    seconds: float, delay: int
) -> None:
    client = Recorder()
    QueueWakeUps(lambda: client, "url").ask("mail", START.resolution * int(seconds * 1_000_000))
    ((_, words),) = client.calls
    assert words["DelaySeconds"] == delay
    assert json.loads(words["MessageBody"]) == {
        "schema": "breakwater/1",
        "action": "notifier.flush",
        "channel": "mail",
    }


@pytest.mark.parametrize("module", ["notifier.handler", "notifier.sweep"])
def test_nothing_heavy_is_imported_and_no_client_made_before_the_first_event(module: str) -> None:
    heavy = ("boto3", "botocore.client", "asyncio", "pydantic.main", "urllib3", "s3transfer", "aws_xray_sdk")
    code = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    paths = [str(ROOT / "functions"), str(ROOT / "layers/core")]
    script = f"import sys; sys.path[:0] = {paths!r}; {code}"
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603  # our own interpreter, our own words
    assert done.stdout.strip() == "[]"
