"""Publishing notices to the incident topic."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError
from breakwater.model import Notice
from breakwater.wire import dump_notice

PUBLISH_BATCH = 10
BATCH_BYTES = 240_000


class IncidentTopic:
    """The topic that everybody who wants to hear of incidents subscribes to."""

    def __init__(self, client: Callable[[], Any], arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, notices: Iterable[Notice]) -> frozenset[str]:
        """Publish notices, ten to a call, and say which ids were taken; of a call that fails, none.

        `category`, `severity` and `kind` travel as message attributes, so that a subscription can filter on them.
        """
        taken: set[str] = set()
        for batch in _batches(notices):
            entries = [
                {"Id": str(position), "Message": message, "MessageAttributes": _attributes(notice)}
                for position, (notice, message) in enumerate(batch)
            ]
            with suppress(BreakwaterError), translated_errors("publish notices"):
                answer = self._client().publish_batch(TopicArn=self._arn, PublishBatchRequestEntries=entries)
                taken |= {batch[int(entry["Id"])][0].id for entry in answer.get("Successful", [])}
        return frozenset(taken)


def _batches(notices: Iterable[Notice]) -> Iterator[list[tuple[Notice, str]]]:
    """Notices with their JSON, as many to a call as SNS takes: ten, and 256 KB together, attributes included."""
    batch: list[tuple[Notice, str]] = []
    size = 0
    for notice in notices:
        message = dump_notice(notice)
        weight = len(message.encode())
        if batch and (len(batch) == PUBLISH_BATCH or size + weight > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((notice, message))
        size += weight
    if batch:
        yield batch


def _attributes(notice: Notice) -> dict[str, dict[str, str]]:
    words = {
        "kind": notice.kind,
        "severity": notice.incident.severity,
        "category": notice.incident.category,
    }
    return {name: {"DataType": "String", "StringValue": str(value)} for name, value in words.items()}
