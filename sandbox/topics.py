"""SNS: topics that fan out to queues (raw or in an envelope), functions and captured e-mail.

Topics are our own and not moto's, so that deliveries run in virtual time, under the policies of their targets, with
dead letters. E-mail subscriptions count as confirmed.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.account import Account
from sandbox.delivery import Refusal, Sender, deliver
from sandbox.errors import SandboxError
from sandbox.iam import Statement
from sandbox.patterns import Pattern


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail as a subscriber would get it."""

    at: datetime
    topic: str
    endpoint: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who gets the messages of a topic. `dead_letters` is the ARN of the queue for what cannot be delivered."""

    arn: str
    protocol: str
    endpoint: str
    raw: bool = False
    filter: Pattern | None = None
    filter_on_body: bool = False
    dead_letters: str | None = None


@dataclass(slots=True, eq=False)
class Topic:
    """One topic."""

    name: str
    arn: str
    display_name: str = ""
    policy: tuple[Statement, ...] = ()
    subscriptions: list[Subscription] = field(default_factory=list)
    encrypted: bool = False
    published: int = 0


class Topics:
    """The topics of the account, and every e-mail that left them."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._by_arn: dict[str, Topic] = {}
        self.mails: list[Mail] = []

    def create(self, name: str, display_name: str) -> Topic:
        """Make a topic."""
        arn = self._account.arn("sns", name)
        if arn in self._by_arn:
            raise SandboxError(f"topic {name} exists already")
        topic = self._by_arn[arn] = Topic(name, arn, display_name)
        return topic

    def get(self, arn: str) -> Topic | None:
        """Find a topic by ARN, or None."""
        return self._by_arn.get(arn)

    def all(self) -> list[Topic]:
        """Every topic, in order of creation."""
        return list(self._by_arn.values())

    def publish(
        self, topic: Topic, body: str, subject: str | None = None, attributes: Mapping[str, Any] | None = None
    ) -> str:
        """Fan a message out to all subscriptions whose filter lets it through."""
        topic.published += 1
        message_id = self._account.uuid()
        for subscription in topic.subscriptions:
            if _passes(subscription, body, attributes or {}):
                self._deliver(topic, subscription, message_id, body, subject, attributes or {})
        return message_id

    def _deliver(
        self,
        topic: Topic,
        subscription: Subscription,
        message_id: str,
        body: str,
        subject: str | None,
        attributes: Mapping[str, Any],
    ) -> None:
        at = self._account.clock.now
        if subscription.protocol in ("email", "email-json"):
            title = subject or topic.display_name or "AWS Notification Message"
            self.mails.append(Mail(at, topic.name, subscription.endpoint, title, body))
            return
        envelope = _envelope(topic, at, message_id, body, subject, attributes)
        sender = Sender("sns.amazonaws.com", topic.arn)
        if subscription.protocol == "sqs":
            text = body if subscription.raw else json.dumps(envelope)
            refusal = deliver(
                self._account, sender, subscription.endpoint, text, attributes if subscription.raw else None
            )
        else:
            record = {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription.arn,
                "Sns": envelope,
            }
            text = json.dumps({"Records": [record]})
            refusal = deliver(self._account, sender, subscription.endpoint, text)
        if refusal is not None:
            self._dead(sender, subscription, text, refusal)

    def _dead(self, sender: Sender, subscription: Subscription, text: str, refusal: Refusal) -> None:
        reason = f"{refusal.code}: {refusal.message}"
        if subscription.dead_letters is None:
            self._account.lose(sender.source_arn, subscription.endpoint, reason, text)
            return
        second = deliver(self._account, sender, subscription.dead_letters, text, failure=reason)
        if second is not None:
            self._account.lose(sender.source_arn, subscription.dead_letters, f"{second.code}: {second.message}", text)


def _envelope(
    topic: Topic, at: datetime, message_id: str, body: str, subject: str | None, attributes: Mapping[str, Any]
) -> dict[str, Any]:
    envelope: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic.arn,
        "Message": body,
        "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z",
        "SignatureVersion": "1",
    }
    if subject is not None:
        envelope["Subject"] = subject
    if attributes:
        envelope["MessageAttributes"] = {
            name: {
                "Type": value["DataType"],
                "Value": value["StringValue"]
                if "StringValue" in value
                else base64.b64encode(value["BinaryValue"]).decode(),
            }
            for name, value in attributes.items()
        }
    return envelope


def _passes(subscription: Subscription, body: str, attributes: Mapping[str, Any]) -> bool:
    if subscription.filter is None:
        return True
    if subscription.filter_on_body:
        try:
            content = json.loads(body)
        except ValueError:
            return False
        return isinstance(content, dict) and subscription.filter.matches(content)
    return subscription.filter.matches({name: _value(value) for name, value in attributes.items()})


def _value(attribute: Mapping[str, Any]) -> object:
    kind = attribute["DataType"]
    if kind == "Number" or kind == "String.Array":
        return json.loads(attribute["StringValue"])
    return attribute.get("StringValue")
