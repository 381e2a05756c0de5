"""SQS in virtual time: delays, visibility, receive counts, redrive, retention. Standard queues only.

Our own model and not moto's, because virtual time has to wake the event source mapping the moment a message turns
visible, and because moto walks the whole queue for every delete.
"""

import hashlib
import heapq
import itertools
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.account import Account
from sandbox.clock import Timer
from sandbox.errors import SandboxError, UnsupportedError
from sandbox.iam import Statement

MAX_BODY_BYTES = 1024 * 1024
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True, eq=False)
class Message:
    """One message. `failure` is the sandbox's own note of why the last consumer did not take it."""

    id: str
    body: str
    attributes: Mapping[str, Mapping[str, Any]]
    sent_at: datetime
    sender: str
    order: int
    hidden_until: datetime | None = None
    receive_count: int = 0
    first_received: datetime | None = None
    receipt: str = ""
    source_queue: str | None = None
    failure: str | None = None
    gone: bool = False

    def system_attributes(self) -> dict[str, str]:
        """Give the attributes that SQS keeps itself."""
        first = self.first_received or self.sent_at
        attributes = {
            "ApproximateReceiveCount": str(self.receive_count),
            "SentTimestamp": str(int(self.sent_at.timestamp() * 1000)),
            "SenderId": self.sender,
            "ApproximateFirstReceiveTimestamp": str(int(first.timestamp() * 1000)),
        }
        if self.source_queue:
            attributes["DeadLetterQueueSourceArn"] = self.source_queue
        return attributes


@dataclass(slots=True, eq=False)
class Queue:
    """One queue: `ready` messages can be received, hidden ones wait for their time."""

    account: Account
    name: str
    arn: str
    url: str
    visibility: int = 30
    delay: int = 0
    retention: int = 345_600
    redrive_to: str | None = None
    max_receive_count: int = 0
    policy: tuple[Statement, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    on_visible: list[Callable[[], None]] = field(default_factory=list)
    ready: deque[Message] = field(default_factory=deque)
    hidden: dict[str, Message] = field(default_factory=dict)
    waiting: list[tuple[datetime, int, Message]] = field(default_factory=list)
    timer: Timer | None = None
    sequence: Iterator[int] = field(default_factory=itertools.count)
    sent: int = 0

    def send(
        self,
        body: str,
        attributes: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        sender: str,
        delay: int | None = None,
        failure: str | None = None,
    ) -> Message:
        """Put a message in; listeners hear of it when it turns visible."""
        message = Message(
            self.account.uuid(), body, attributes or {}, self.account.clock.now, sender, next(self.sequence)
        )
        message.failure = failure
        self._accept(message, self.delay if delay is None else delay)
        return message

    def _accept(self, message: Message, delay: int) -> None:
        self.sent += 1
        if delay:
            self._hide(message, delay)
            self._arm()
        else:
            self.ready.append(message)
            self._notify()

    def receive(self, limit: int, visibility: int | None = None) -> list[Message]:
        """Take up to `limit` messages out of sight; one that was received too often is moved instead."""
        self._expire()
        taken: list[Message] = []
        while self.ready and len(taken) < limit:
            message = self.ready.popleft()
            if message.gone:
                continue
            message.receive_count += 1
            if self.redrive_to and message.receive_count > self.max_receive_count:
                self._redrive(message)
                continue
            message.first_received = message.first_received or self.account.clock.now
            message.receipt = self.account.uuid()
            self._hide(message, self.visibility if visibility is None else visibility)
            taken.append(message)
        self._arm()
        return taken

    def delete(self, receipts: Iterable[str]) -> set[str]:
        """Delete by receipt; an outdated receipt deletes nothing, as the message was received again."""
        wanted = set(receipts)
        found = [message for message in self.hidden.values() if message.receipt in wanted]
        for message in found:
            message.gone = True
            del self.hidden[message.id]
        self._arm()
        return {message.receipt for message in found}

    def change_visibility(self, receipt: str, seconds: int) -> bool:
        """Set when a received message turns visible again."""
        for message in self.hidden.values():
            if message.receipt == receipt:
                self._hide(message, seconds)
                self._arm()
                return True
        return False

    def messages(self) -> list[Message]:
        """All messages that are there, seen or unseen, in the order they were sent."""
        self._expire()
        return sorted([*self.hidden.values(), *(m for m in self.ready if not m.gone)], key=lambda m: m.order)

    def _hide(self, message: Message, seconds: float) -> None:
        message.hidden_until = self.account.clock.now + timedelta(seconds=seconds)
        self.hidden[message.id] = message
        heapq.heappush(self.waiting, (message.hidden_until, message.order, message))

    def _redrive(self, message: Message) -> None:
        target = self.account.queues.by_arn(self.redrive_to or "")
        moved = Message(
            message.id, message.body, message.attributes, message.sent_at, message.sender, next(target.sequence)
        )
        moved.source_queue = self.arn
        moved.failure = f"received {self.max_receive_count} times: {message.failure or 'never deleted'}"
        message.gone = True
        target._accept(moved, 0)

    def _arm(self) -> None:
        """Keep one timer, at the next instant when a hidden message turns visible."""
        while self.waiting and self._stale(*self.waiting[0]):
            heapq.heappop(self.waiting)
        due = self.waiting[0][0] if self.waiting else None
        if self.timer is not None and not self.timer.over:
            if self.timer.at == due:
                return
            self.account.clock.cancel(self.timer)
        self.timer = self.account.clock.call_at(due, self._show, f"visibility of {self.name}") if due else None

    def _stale(self, at: datetime, _order: int, message: Message) -> bool:
        return message.gone or message.id not in self.hidden or message.hidden_until != at

    def _show(self) -> None:
        self.timer = None
        now = self.account.clock.now
        while self.waiting and (self.waiting[0][0] <= now or self._stale(*self.waiting[0])):
            entry = heapq.heappop(self.waiting)
            if not self._stale(*entry):
                message = entry[2]
                message.hidden_until = None
                del self.hidden[message.id]
                self.ready.append(message)
        self._arm()
        self._notify()

    def _notify(self) -> None:
        for listener in self.on_visible:
            listener()

    def _expire(self) -> None:
        horizon = self.account.clock.now - timedelta(seconds=self.retention)
        while self.ready and (self.ready[0].gone or self.ready[0].sent_at < horizon):
            self.ready.popleft().gone = True


class Queues:
    """The queues of the account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._by_arn: dict[str, Queue] = {}

    def create(self, name: str, attributes: Mapping[str, Any]) -> Queue:
        """Make a queue."""
        arn = self._account.arn("sqs", name)
        if arn in self._by_arn:
            raise SandboxError(f"queue {name} exists already")
        url = f"https://sqs.{self._account.region}.amazonaws.com/{self._account.id}/{name}"
        queue = Queue(self._account, name, arn, url, **attributes)
        self._by_arn[arn] = queue
        return queue

    def all(self) -> list[Queue]:
        """Every queue, in order of creation."""
        return list(self._by_arn.values())

    def get(self, arn: str) -> Queue | None:
        """Find a queue by ARN, or None."""
        return self._by_arn.get(arn)

    def by_arn(self, arn: str) -> Queue:
        """Find a queue that has to be there."""
        queue = self._by_arn.get(arn)
        if queue is None:
            raise UnsupportedError(f"no queue {arn} in this sandbox")
        return queue

    def by_url(self, url: str) -> Queue | None:
        """Find a queue by its URL, or None."""
        return next((queue for queue in self._by_arn.values() if queue.url == url), None)


def md5(text: str) -> str:
    """Give the digest by which SQS lets a client check a body."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def allowed_body(body: str) -> bool:
    """Whether SQS takes this text."""
    return bool(body) and len(body.encode("utf-8", "replace")) <= MAX_BODY_BYTES and _FORBIDDEN.search(body) is None
