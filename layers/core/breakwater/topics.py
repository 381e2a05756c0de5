"""Publishing notices to the incident topic."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError
from breakwater.model import Notice
from breakwater.wire import dump_notice

PUBLISH_BATCH = 10
BATCH_BYTES = 240_000


@dataclass(frozen=True, slots=True)
class Publication:
    """Which notices were taken, by id, and why others were not, if any were not."""

    taken: frozenset[str]
    problem: str | None = None


class IncidentTopic:
    """The topic that everybody who wants to hear of incidents subscribes to."""

    def __init__(self, client: Callable[[], Any], arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, notices: Iterable[Notice]) -> Publication:
        """Publish notices, ten to a call, and say which were taken; of a call that fails, none.

        `category`, `severity` and `kind` travel as message attributes, so that a subscription can filter on them.
        """
        taken: set[str] = set()
        problem = None
        for batch in _batches(notices):
            entries = [
                {"Id": str(position), "Message": message, "MessageAttributes": _attributes(notice)}
                for position, (notice, message) in enumerate(batch)
            ]
            try:
                with translated_errors("publish notices"):
                    answer = self._client().publish_batch(TopicArn=self._arn, PublishBatchRequestEntries=entries)
            except BreakwaterError as error:
                problem = str(error)
                continue
            taken |= {batch[int(entry["Id"])][0].id for entry in answer.get("Successful", [])}
            for entry in answer.get("Failed", []):
                problem = f"publish notices: {entry.get('Code')}: {entry.get('Message', '')}"
        return Publication(frozenset(taken), problem)


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
