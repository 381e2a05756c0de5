"""The sandbox's own answers to AWS calls: ECS, SQS, SNS and PutEvents, for handlers and tests alike."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.account import Account
from sandbox.aws import Answer, ServiceError
from sandbox.errors import UnsupportedError
from sandbox.queues import Message, Queue, allowed_body, md5
from sandbox.rules import RulesApi
from sandbox.states.api import LambdaApi, StatesApi
from sandbox.topics import Topic

Params = Mapping[str, Any]
MAX_SNS_BYTES = 256 * 1024
MAX_DELAY = 900
MAX_VISIBILITY = 43_200


def own_services(account: Account) -> dict[tuple[str, str], Answer]:
    """Give the operations that are not moto's."""
    queues, topics = _Sqs(account), _Sns(account)
    return {
        ("sqs", "SendMessage"): queues.send,
        ("sqs", "SendMessageBatch"): _batch(queues.send, "QueueUrl", "Entries"),
        ("sqs", "ReceiveMessage"): queues.receive,
        ("sqs", "DeleteMessage"): queues.delete,
        ("sqs", "DeleteMessageBatch"): _batch(queues.delete, "QueueUrl", "Entries"),
        ("sqs", "ChangeMessageVisibility"): queues.change_visibility,
        ("sqs", "ChangeMessageVisibilityBatch"): _batch(queues.change_visibility, "QueueUrl", "Entries"),
        ("sqs", "GetQueueAttributes"): queues.attributes,
        ("sqs", "GetQueueUrl"): queues.url,
        ("sns", "Publish"): topics.publish,
        ("sns", "PublishBatch"): _batch(topics.publish, "TopicArn", "PublishBatchRequestEntries"),
        ("events", "PutEvents"): lambda params: _put_events(account, params),
        **RulesApi(account).answers(),
        **account.scheduler.answers(),
        **account.autoscaling.answers(),
        **account.ecs.answers(),
        **StatesApi(account).answers(),
        **LambdaApi(account).answers(),
    }


def _batch(single: Answer, resource: str, entries: str) -> Answer:
    def answer(params: Params) -> dict[str, Any]:
        listed = params[entries]
        ids = [entry["Id"] for entry in listed]
        if not 1 <= len(listed) <= 10 or len(set(ids)) < len(ids):
            raise ServiceError("InvalidBatchEntryId", "a batch has one to ten entries with distinct ids")
        successful, failed = [], []
        for entry in listed:
            try:
                successful.append({"Id": entry["Id"], **single({resource: params[resource], **entry})})
            except ServiceError as error:
                failed.append({"Id": entry["Id"], "Code": error.code, "Message": error.message, "SenderFault": True})
        return {"Successful": successful, **({"Failed": failed} if failed else {})}

    return answer


class _Sqs:
    def __init__(self, account: Account) -> None:
        self._account = account

    def _queue(self, params: Params) -> Queue:
        queue = self._account.queues.by_url(params["QueueUrl"])
        if queue is None:
            raise ServiceError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
        return queue

    def send(self, params: Params) -> dict[str, Any]:
        queue, body = self._queue(params), params["MessageBody"]
        if "MessageGroupId" in params:
            raise UnsupportedError("FIFO and fair queues")
        if not allowed_body(body):
            raise ServiceError("InvalidMessageContents", "empty, too long, or with forbidden characters")
        delay = params.get("DelaySeconds")
        if delay is not None and not 0 <= delay <= MAX_DELAY:
            raise ServiceError("InvalidParameterValue", f"DelaySeconds {delay} is not between 0 and {MAX_DELAY}")
        message = queue.send(body, params.get("MessageAttributes"), sender=self._account.id, delay=delay)
        return {"MessageId": message.id, "MD5OfMessageBody": md5(body)}

    def receive(self, params: Params) -> dict[str, Any]:
        limit = params.get("MaxNumberOfMessages", 1)
        if not 1 <= limit <= 10:
            raise ServiceError("InvalidParameterValue", "MaxNumberOfMessages is not between 1 and 10")
        messages = self._queue(params).receive(limit, params.get("VisibilityTimeout"))
        return {"Messages": [_received(message) for message in messages]} if messages else {}

    def delete(self, params: Params) -> dict[str, Any]:
        self._queue(params).delete([params["ReceiptHandle"]])
        return {}

    def change_visibility(self, params: Params) -> dict[str, Any]:
        seconds = params["VisibilityTimeout"]
        if not 0 <= seconds <= MAX_VISIBILITY:
            raise ServiceError("InvalidParameterValue", f"VisibilityTimeout {seconds}")
        if not self._queue(params).change_visibility(params["ReceiptHandle"], seconds):
            raise ServiceError("MessageNotInflight", "The message is not in flight.")
        return {}

    def attributes(self, params: Params) -> dict[str, Any]:
        queue = self._queue(params)
        messages = queue.messages()
        hidden = [message for message in messages if message.hidden_until]
        delayed = sum(message.receive_count == 0 for message in hidden)
        known = {
            **queue.attributes,
            "QueueArn": queue.arn,
            "ApproximateNumberOfMessages": str(len(messages) - len(hidden)),
            "ApproximateNumberOfMessagesNotVisible": str(len(hidden) - delayed),
            "ApproximateNumberOfMessagesDelayed": str(delayed),
            "VisibilityTimeout": str(queue.visibility),
            "DelaySeconds": str(queue.delay),
            "MessageRetentionPeriod": str(queue.retention),
        }
        wanted = params.get("AttributeNames", [])
        return {"Attributes": {name: value for name, value in known.items() if "All" in wanted or name in wanted}}

    def url(self, params: Params) -> dict[str, Any]:
        queue = self._account.queues.get(self._account.arn("sqs", params["QueueName"]))
        if queue is None:
            raise ServiceError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
        return {"QueueUrl": queue.url}


def _received(message: Message) -> dict[str, Any]:
    return {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MD5OfBody": md5(message.body),
        "Attributes": message.system_attributes(),
        **({"MessageAttributes": dict(message.attributes)} if message.attributes else {}),
    }


class _Sns:
    def __init__(self, account: Account) -> None:
        self._account = account

    def publish(self, params: Params) -> dict[str, Any]:
        topic = self._topic(params)
        for name in ("MessageStructure", "MessageGroupId", "MessageDeduplicationId", "PhoneNumber"):
            if name in params:
                raise UnsupportedError(f"sns:Publish {name}")
        body, subject = params["Message"], params.get("Subject")
        size = len(body.encode()) + len(json.dumps(params.get("MessageAttributes", {}), default=str).encode())
        if not body or size > MAX_SNS_BYTES:
            raise ServiceError("InvalidParameter", "Invalid parameter: Message empty or too long")
        if subject is not None and not _is_subject(subject):
            raise ServiceError("InvalidParameter", "Invalid parameter: Subject")
        return {"MessageId": self._account.topics.publish(topic, body, subject, params.get("MessageAttributes"))}

    def _topic(self, params: Params) -> Topic:
        arn = params.get("TopicArn") or params.get("TargetArn") or ""
        topic = self._account.topics.get(arn)
        if topic is None:
            raise ServiceError("NotFound", "Topic does not exist", 404)
        return topic


def _is_subject(subject: str) -> bool:
    """Check SNS's documented rule: ASCII, starts with a letter, digit or punctuation, one line, up to 100."""
    return 0 < len(subject) <= 100 and subject.isascii() and subject.isprintable() and not subject.startswith(" ")


def _put_events(account: Account, params: Params) -> dict[str, Any]:
    if len(params["Entries"]) > 10:
        raise ServiceError("ValidationException", "more than ten entries")
    results: list[dict[str, str]] = []
    for entry in params["Entries"]:
        if entry.get("EventBusName", "default").rsplit("/", 1)[-1] != "default":
            raise UnsupportedError(f"event bus {entry['EventBusName']}")
        if entry.get("Source", "").startswith("aws."):
            refused = {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
            results.append(refused)
            continue
        event = {
            "id": account.uuid(),
            "source": entry["Source"],
            "detail-type": entry["DetailType"],
            "detail": json.loads(entry["Detail"]),
            "resources": entry.get("Resources", []),
        }
        account.bus.put(event)
        results.append({"EventId": event["id"]})
    return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}
