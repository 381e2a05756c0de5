"""Provisioning of SQS and SNS."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox import action_names, iam
from sandbox.account import Account
from sandbox.errors import TemplateError, UnsupportedError
from sandbox.patterns import Pattern, compile_pattern
from sandbox.properties import Properties
from sandbox.topics import Subscription

Made = tuple[str, Mapping[str, str]]
_PROTOCOLS = ("sqs", "lambda", "email", "email-json")


def _queue(account: Account, p: Properties) -> Made:
    if p.flag("FifoQueue"):
        raise UnsupportedError(f"{p.logical_id}: AWS::SQS::Queue property FifoQueue")
    attributes: dict[str, Any] = {
        "visibility": p.number("VisibilityTimeout", 30),
        "delay": p.number("DelaySeconds", 0),
        "retention": p.number("MessageRetentionPeriod", 345_600),
    }
    limits = {"visibility": (0, 43_200), "delay": (0, 900), "retention": (60, 1_209_600)}
    for name, (low, high) in limits.items():
        if not low <= attributes[name] <= high:
            raise TemplateError(f"{p.logical_id}: {name} {attributes[name]} is not between {low} and {high}")
    redrive = p.inside("RedrivePolicy")
    target = redrive.maybe("deadLetterTargetArn")
    if target is not None:
        account.queues.by_arn(target)
        attributes |= {"redrive_to": target, "max_receive_count": redrive.number("maxReceiveCount")}
    redrive.done()
    p.without_effect("SqsManagedSseEnabled", "Tags")
    queue = account.queues.create(p.text("QueueName", account.name(p.logical_id)), attributes)
    return queue.url, {"Arn": queue.arn, "QueueName": queue.name, "QueueUrl": queue.url}


def _statements(p: Properties) -> tuple[iam.Statement, ...]:
    document = p.any("PolicyDocument")
    action_names.check(document, p.logical_id)
    return iam.parse(document, p.logical_id, resource_policy=True)


def _queue_policy(account: Account, p: Properties) -> Made:
    statements = _statements(p)
    for url in p.items("Queues"):
        queue = account.queues.by_url(url)
        if queue is None:
            raise TemplateError(f"{p.logical_id}: no queue {url}")
        if queue.policy:
            raise TemplateError(f"{p.logical_id}: {queue.name} has a policy already; AWS keeps only the last one")
        queue.policy = statements
    return account.name(p.logical_id), {}


def _topic(account: Account, p: Properties) -> Made:
    key = p.maybe("KmsMasterKeyId")
    if key not in (None, "alias/aws/sns"):
        raise UnsupportedError(f"{p.logical_id}: AWS::SNS::Topic property KmsMasterKeyId {key}")
    p.without_effect("Tags")
    topic = account.topics.create(p.text("TopicName", account.name(p.logical_id)), p.text("DisplayName", ""))
    topic.encrypted = key is not None
    for index, subscription in enumerate(p.each("Subscription")):
        topic.subscriptions.append(_subscriber(account, topic.arn, subscription, index))
        subscription.done()
    return topic.arn, {"TopicArn": topic.arn, "TopicName": topic.name}


def _topic_policy(account: Account, p: Properties) -> Made:
    statements = _statements(p)
    for arn in p.items("Topics"):
        topic = account.topics.get(arn)
        if topic is None:
            raise TemplateError(f"{p.logical_id}: no topic {arn}")
        topic.policy = statements
    return account.name(p.logical_id), {}


def _subscription(account: Account, p: Properties) -> Made:
    arn = p.text("TopicArn")
    topic = account.topics.get(arn)
    if topic is None:
        raise TemplateError(f"{p.logical_id}: no topic {arn}")
    subscription = _subscriber(account, arn, p, len(topic.subscriptions))
    topic.subscriptions.append(subscription)
    return subscription.arn, {"Arn": subscription.arn}


def _subscriber(account: Account, topic_arn: str, p: Properties, index: int) -> Subscription:
    protocol = p.text("Protocol")
    if protocol not in _PROTOCOLS:
        raise UnsupportedError(f"{p.logical_id}: subscription protocol {protocol}")
    redrive = p.inside("RedrivePolicy")
    dead_letters = redrive.maybe("deadLetterTargetArn")
    redrive.done()
    policy = p.any("FilterPolicy", None)
    return Subscription(
        arn=f"{topic_arn}:{account.name(f'{p.logical_id}{index}')[-12:].lower()}",
        protocol=protocol,
        endpoint=p.text("Endpoint"),
        raw=p.flag("RawMessageDelivery"),
        filter=_filter(policy) if policy else None,
        filter_on_body=p.text("FilterPolicyScope", "MessageAttributes") == "MessageBody",
        dead_letters=dead_letters,
    )


def _filter(policy: Any) -> Pattern:
    return compile_pattern(policy)


MAKERS: Mapping[str, Callable[[Account, Properties], Made]] = {
    "AWS::SQS::Queue": _queue,
    "AWS::SQS::QueuePolicy": _queue_policy,
    "AWS::SNS::Topic": _topic,
    "AWS::SNS::TopicPolicy": _topic_policy,
    "AWS::SNS::Subscription": _subscription,
}
