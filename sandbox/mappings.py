"""Event source mappings: Lambda's poller that hands queued messages to a function in batches.

A batch goes out when it is full, when the window that the first message opened has passed, or when 6 MB are reached.
Only what the function names in `batchItemFailures` comes back, after its visibility timeout; if the function fails,
or answers what cannot be read, everything comes back. One batch at a time, so concurrency settings change nothing.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.account import Account
from sandbox.functions import Function, Outcome
from sandbox.queues import Message, Queue, md5

MAX_BATCH_BYTES = 6 * 1024 * 1024
_RECORD_OVERHEAD = 1024  # receipt handle, attributes and ARN beside the body


@dataclass(slots=True, eq=False)
class EventSourceMapping:
    """One queue feeding one function."""

    account: Account
    queue: Queue
    function: Function
    batch_size: int = 10
    window: int = 0
    partial_failures: bool = False
    enabled: bool = True
    _due: object | None = field(default=None, init=False)
    _full: bool = field(default=False, init=False)

    def attach(self) -> None:
        """Begin to poll."""
        self.queue.on_visible.append(self._noticed)

    def _noticed(self) -> None:
        if not self.enabled or self._full:
            return
        if self.window == 0 or len(self.queue.ready) >= self.batch_size:
            self._full = True
            self.account.clock.call_in(0, self._pump_full, f"batch of {self.queue.name}")
        elif self._due is None:
            self._due = self.account.clock.call_in(self.window, self._pump_window, f"window of {self.queue.name}")

    def _pump_full(self) -> None:
        self._full = False
        while self.queue.ready and (self.window == 0 or len(self.queue.ready) >= self.batch_size):
            self._pump()
        if self.queue.ready:
            self._noticed()

    def _pump_window(self) -> None:
        self._due = None
        while self.queue.ready:
            self._pump()

    def _pump(self) -> None:
        limit, size = 0, 0
        for message in self.queue.ready:
            size += len(message.body.encode()) + _RECORD_OVERHEAD
            if limit >= self.batch_size or (limit and size > MAX_BATCH_BYTES):
                break
            limit += 1
        batch = self.queue.receive(limit)
        if not batch:
            return
        event = {"Records": [self._record(message) for message in batch]}
        outcome = self.account.functions.invoke(self.function, event, "aws:sqs")
        failed = self._failed(batch, outcome)
        for message in batch:
            if message.id in failed:
                message.failure = failed[message.id]
        self.queue.delete(message.receipt for message in batch if message.id not in failed)

    def _record(self, message: Message) -> dict[str, Any]:
        return {
            "messageId": message.id,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": message.system_attributes(),
            "messageAttributes": {name: _attribute(value) for name, value in message.attributes.items()},
            "md5OfBody": md5(message.body),
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue.arn,
            "awsRegion": self.account.region,
        }

    def _failed(self, batch: list[Message], outcome: Outcome) -> dict[str, str]:
        """Say which messages come back, and why; an unreadable answer counts as failure of the whole batch."""
        if outcome.error is not None:
            return {message.id: outcome.error for message in batch}
        if not self.partial_failures or outcome.payload in (None, "null"):
            return {}
        answer = json.loads(outcome.payload)
        failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
        if answer == "" or answer == {} or (isinstance(answer, dict) and failures in (None, [])):
            return {}
        known = {message.id for message in batch}
        names = [entry.get("itemIdentifier") for entry in failures or [{}] if isinstance(entry, dict)]
        if not names or not all(name in known for name in names):
            return {message.id: f"unreadable batchItemFailures: {outcome.payload[:200]}" for message in batch}
        return {name: "named in batchItemFailures" for name in names if name is not None}


def _attribute(value: Any) -> dict[str, Any]:
    names = {"StringValue": "stringValue", "BinaryValue": "binaryValue", "DataType": "dataType"}
    return {names[key]: item for key, item in value.items() if key in names} | {
        "stringListValues": [],
        "binaryListValues": [],
    }
