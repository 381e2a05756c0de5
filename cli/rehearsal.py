"""A recorded stretch run through the real template and functions in the sandbox, and what any such run leaves."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from breakwater.wire import load_record
from cli.releases import stories
from cli.run import JournalLine, Message, Run, Written
from cli.stretch import Canary, Stretch
from sandbox.front import Sandbox, Secret

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"
ALERT_EMAIL = "oncall@example.com"
WEBHOOK = Canary("the address of the Slack webhook", "FAKE7Qm2ZtWebhookR4nB9")
MAIL, SLACK = "mail", "slack"

_ID = re.compile(r"INCIDENT#([0-9a-f]{16})|[\[`]([0-9a-f]{16})[\]`]")


@dataclass(slots=True)
class Progress:
    """How far a run is, for whoever watches."""

    at: datetime
    events: int = 0
    admitted: int = 0
    share: float = 0.0
    """Of the whole run."""


@dataclass(slots=True)
class Watcher:
    """Whom a run tells what happens, while it does."""

    told: Callable[[list[Message]], None] = lambda messages: None
    moved: Callable[[Progress], None] = lambda progress: None


@dataclass(slots=True)
class Inbox:
    """What has been taken from the sandbox's mail and chat so far."""

    messages: list[Message] = field(default_factory=list)
    mails: int = 0
    posts: int = 0

    def collect(self, sandbox: Sandbox) -> list[Message]:
        """The messages that are new since the last time."""
        fresh = list(self._fresh(sandbox))
        self.messages += fresh
        return fresh

    def _fresh(self, sandbox: Sandbox) -> Iterator[Message]:
        mails, posts = sandbox.messages[self.mails :], sandbox.webhook_posts[self.posts :]
        self.mails, self.posts = len(sandbox.messages), len(sandbox.webhook_posts)
        found = [Message(0, mail.at, MAIL, mail.subject, mail.body, (), _named(mail.body)) for mail in mails]
        for post in posts:
            if post.status < 300:
                payload = json.loads(post.body)
                title, blocks = str(payload.get("text", "")), tuple(payload.get("blocks", ()))
                found.append(Message(0, post.at, SLACK, title, "", blocks, _named(json.dumps(blocks))))
        in_order = sorted(found, key=lambda message: message.at)
        yield from (replace(each, number=number) for number, each in enumerate(in_order, len(self.messages) + 1))


def parameters() -> dict[str, str | Secret]:
    """How the stack is deployed: one mail address, one channel."""
    webhook = f"https://hooks.slack.com/services/T0EXAMPLE/B0EXAMPLE/{WEBHOOK.value}"
    return {"AlertEmail": ALERT_EMAIL, "SlackSecretArn": Secret(webhook)}


def rehearse(stretch: Stretch, watcher: Watcher | None = None) -> Run:
    """Deploy the template into a fresh account, let the events of a stretch arrive, and gather what they left.

    What is known of its task definitions is posed: described beside the model of ECS, and never run there.
    """
    began, watcher = time.perf_counter(), watcher or Watcher()
    inbox, progress, admitted = Inbox(), Progress(stretch.start), set[int]()
    with Sandbox.deploy(
        TEMPLATE,
        parameters(),
        account=stretch.account,
        region=stretch.region,
        start=stretch.start,
        seed=stretch.seed,
    ) as sandbox:
        for definition in stretch.task_definitions:
            sandbox.account.ecs.posed.pose_definition(definition)

        def heard(event: Mapping[str, Any], matched: bool) -> None:
            if matched:
                admitted.add(progress.events)
            progress.events, progress.admitted = progress.events + 1, len(admitted)

        def look() -> None:
            fresh = inbox.collect(sandbox)
            if fresh:
                watcher.told(fresh)
            progress.at = sandbox.now
            progress.share = progress.events / max(1, len(stretch.deliveries))
            watcher.moved(progress)

        sandbox.account.bus.heard = heard
        for delivery in stretch.deliveries:
            sandbox.advance(max(delivery.at, sandbox.now))
            sandbox.put_event(delivery.event)
            look()
        sandbox.advance(max(stretch.end, sandbox.now))
        look()
        return left(sandbox, inbox, frozenset(admitted), time.perf_counter() - began)


def left(sandbox: Sandbox, inbox: Inbox, admitted: frozenset[int], seconds: float) -> Run:
    """What a run in the sandbox left, as plain values."""
    items = sandbox.table_items()
    alerts = [message for message in inbox.messages if message.incidents]
    counted = sandbox.calls.counts().items()
    calls = {f"{function} {service}:{operation}": times for (function, service, operation), times in counted}
    return Run(
        admitted=admitted,
        messages=tuple(alerts),
        records=tuple(load_record(str(item["doc"])) for item in items if str(item["pk"]).startswith("INCIDENT#")),
        journal=tuple(sorted(_journal(items), key=lambda line: (line.at, line.subject, line.decision))),
        written=tuple(_written(sandbox, inbox, items)),
        calls=calls,
        invocations=dict(sorted(Counter(invocation.function for invocation in sandbox.invocations).items())),
        errors=tuple(f"{each.function}: {each.error}" for each in sandbox.invocations if each.error),
        dead_letters=tuple(
            [f"{letter.queue}: {letter.reason}" for letter in sandbox.dead_letters]
            + [f"{lost.source} lost an event for {lost.target}: {lost.reason}" for lost in sandbox.lost]
        ),
        seconds=seconds,
        releases=tuple(stories(sandbox, items)),
    )


def _journal(items: list[dict[str, Any]]) -> Iterator[JournalLine]:
    for item in items:
        if str(item["pk"]).startswith("JOURNAL#"):
            yield JournalLine(
                at=datetime.fromisoformat(str(item["sk"]).partition("#")[0]),
                automation=str(item["automation"]),
                subject=str(item["pk"]).removeprefix("JOURNAL#"),
                decision=str(item["decision"]),
                reason=str(item["reason"]),
                outcome=str(item["outcome"]),
                evidence=json.loads(str(item["evidence"])),
            )


def _written(sandbox: Sandbox, inbox: Inbox, items: list[dict[str, Any]]) -> Iterator[Written]:
    """All text that Breakwater wrote anywhere: what people got, what it logged, what it keeps."""
    for message in inbox.messages:
        text = f"{message.title}\n{message.body}\n{json.dumps(message.blocks, ensure_ascii=False)}"
        yield Written(f"{message.channel} message {message.number}", text)
    for line in sandbox.logs():
        yield Written(f"log line of {line.at:%H:%M:%S}", line.text)
    for item in items:
        yield Written(f"table item {item['pk']}", json.dumps(item, default=str, ensure_ascii=False))
    for letter in sandbox.dead_letters:
        yield Written(f"dead letter in {letter.queue}", letter.body)


def _named(text: str) -> tuple[str, ...]:
    """The ids of the incidents that a message names."""
    return tuple(dict.fromkeys(first or second for first, second in _ID.findall(text)))
