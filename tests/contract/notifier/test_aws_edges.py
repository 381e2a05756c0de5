"""The notifier's edges over moto: what is published, asked for and read arrives as AWS would have it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from breakwater.errors import BreakwaterError, NotFoundError
from notifier.inbox import read_batch
from notifier.mail import MailChannel
from notifier.slack import WebhookAddress
from notifier.wake_ups import QueueWakeUps
from tests.unit.notifier.samples import PLACE, a_hostile_notice, a_notice

URL = "https://hooks.slack.com/services/T0/B0/x"


@pytest.fixture
def clients() -> Iterator[dict[str, Any]]:
    with mock_aws():
        yield {name: boto3.client(name, region_name="us-east-1") for name in ("sns", "sqs", "secretsmanager")}


@pytest.mark.parametrize("hostile", [False, True], ids=["plain", "hostile"])
def test_an_e_mail_is_accepted_and_reaches_the_subscribers(clients: dict[str, Any], hostile: bool) -> None:
    sns, sqs = clients["sns"], clients["sqs"]
    topic = sns.create_topic(Name="mail")["TopicArn"]
    queue = sqs.create_queue(QueueName="reader")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    MailChannel(lambda: sns, topic, PLACE).send(a_hostile_notice() if hostile else a_notice())
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Subject"].startswith("[HIGH] ")


def test_publishing_to_a_topic_that_is_gone_is_our_error(clients: dict[str, Any]) -> None:
    with pytest.raises(BreakwaterError):
        MailChannel(lambda: clients["sns"], "arn:aws:sns:us-east-1:123456789012:gone", PLACE).send(a_notice())


def test_a_wake_up_is_taken_by_the_queue_and_read_as_one(clients: dict[str, Any]) -> None:
    sqs = clients["sqs"]
    queue = sqs.create_queue(QueueName="notifier")["QueueUrl"]
    wake_ups = QueueWakeUps(lambda: sqs, queue)
    wake_ups.ask("slack", timedelta(seconds=-1))
    wake_ups.ask("mail", timedelta(seconds=75))
    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    inbox = read_batch({"Records": [{"messageId": "m0", "body": message["Body"]}]})
    assert inbox.flushes == {"slack": ["m0"]}
    counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessagesDelayed"] == "1"


@pytest.mark.parametrize("text", [URL, json.dumps({"url": URL})], ids=["plain", "JSON"])
def test_the_webhook_is_read_from_the_secret(clients: dict[str, Any], text: str) -> None:
    secrets = clients["secretsmanager"]
    arn = secrets.create_secret(Name="slack", SecretString=text)["ARN"]
    assert WebhookAddress(lambda: secrets, arn).read() == URL


def test_a_secret_that_is_gone_is_our_error(clients: dict[str, Any]) -> None:
    with pytest.raises(NotFoundError):
        WebhookAddress(lambda: clients["secretsmanager"], "gone").read()
