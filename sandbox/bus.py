"""EventBridge: the default bus, its rules, and delivery to their targets with retries and dead letters.

A target that is missing, or refuses for want of permission, gets no retry: the event goes to the target's dead-letter
queue at once, with the documented attributes, or is lost if there is none. `Chaos` makes the bus as bad as AWS
documents it to be: events twice, late, out of order, or never.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sandbox.account import Account
from sandbox.delivery import Refusal, Sender, deliver
from sandbox.errors import SandboxError
from sandbox.patterns import Pattern, flatten

MAX_EVENT_BYTES = 256 * 1024
PRINCIPAL = "events.amazonaws.com"
_REQUIRED = ("source", "detail-type", "detail")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a rule sends. `constant` replaces the event, as `Input` does."""

    id: str
    arn: str
    dead_letters: str | None = None
    constant: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Rule:
    """One rule: a pattern for events, or none if a schedule fires it. `text` is the pattern as it was given."""

    name: str
    arn: str
    pattern: Pattern | None
    targets: tuple[Target, ...]
    enabled: bool = True
    matched: int = 0
    text: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Chaos:
    """How badly the bus delivers: probabilities of each event being dropped or doubled, and the longest delay."""

    drop: float = 0.0
    duplicate: float = 0.0
    delay: timedelta = timedelta(0)


@dataclass(slots=True, eq=False)
class Bus:
    """The default bus of the account."""

    account: Account
    chaos: Chaos = Chaos()
    rules: list[Rule] = field(default_factory=list)
    events: int = 0
    dropped: int = 0

    def rule(self, name: str) -> Rule | None:
        """Find a rule by its name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def put(self, event: Mapping[str, Any]) -> None:
        """Take an event as an AWS service sends it; fields of the envelope that are missing are filled in."""
        whole = self._enveloped(event)
        self.events += 1
        rng, chaos = self.account.rng, self.chaos
        if chaos.drop and rng.random() < chaos.drop:
            self.dropped += 1
            return
        copies = 2 if chaos.duplicate and rng.random() < chaos.duplicate else 1
        for _ in range(copies):
            if chaos.delay:
                late = rng.random() * chaos.delay.total_seconds()
                self.account.clock.call_in(late, lambda: self._route(whole), "delayed event")
            else:
                self._route(whole)

    def _enveloped(self, event: Mapping[str, Any]) -> dict[str, Any]:
        missing = [name for name in _REQUIRED if name not in event]
        if missing:
            raise SandboxError(f"an event without {missing[0]} never reaches a bus")
        defaults: dict[str, Any] = {
            "version": "0",
            "id": "",
            "detail-type": "",
            "source": "",
            "account": self.account.id,
        }
        now = self.account.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        defaults |= {"time": now, "region": self.account.region, "resources": []}
        whole = {**defaults, **event}
        whole["id"] = whole["id"] or self.account.uuid()
        return whole

    def _route(self, event: Mapping[str, Any]) -> None:
        try:
            fields = flatten(event)
            matched = [
                rule for rule in self.rules if rule.enabled and rule.pattern and rule.pattern.matches_fields(fields)
            ]
            text = json.dumps(event, ensure_ascii=False, separators=(",", ":")) if matched else ""
        except RecursionError as problem:
            raise SandboxError(f"event {event['id']} is nested too deeply for a bus") from problem
        if len(text.encode("utf-8", "surrogatepass")) > MAX_EVENT_BYTES:
            raise SandboxError(f"event {event['id']} is larger than {MAX_EVENT_BYTES} bytes")
        for rule in matched:
            self.fire(rule, text)

    def fire(self, rule: Rule, text: str) -> None:
        """Send an event to all targets of a rule."""
        rule.matched += 1
        for target in rule.targets:
            sender = Sender(PRINCIPAL, rule.arn)
            body = text if target.constant is None else target.constant
            refusal = deliver(self.account, sender, target.arn, body)
            if refusal is not None:
                self._dead(sender, rule, target, body, refusal)

    def _dead(self, sender: Sender, rule: Rule, target: Target, body: str, refusal: Refusal) -> None:
        reason = f"{refusal.code}: {refusal.message}"
        if target.dead_letters is None:
            self.account.lose(rule.arn, target.arn, reason, body)
            return
        said = {
            "RULE_ARN": rule.arn,
            "TARGET_ARN": target.arn,
            "ERROR_CODE": refusal.code,
            "ERROR_MESSAGE": refusal.message,
        }
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in said.items()}
        second = deliver(self.account, sender, target.dead_letters, body, attributes, failure=reason)
        if second is not None:
            self.account.lose(rule.arn, target.dead_letters, f"{second.code}: {second.message}", body)
