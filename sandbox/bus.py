"""EventBridge: the default bus, its rules, and delivery to their targets with retries and dead letters.

A target that is missing, or refuses for want of permission, gets no retry: the event goes to the target's dead-letter
queue at once, with the documented attributes, or is lost if there is none. `Chaos` makes the bus as bad as AWS
documents it to be: events twice, late, out of order, or never.
"""

import json
from collections.abc import Callable, Mapping
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
    """Where a rule sends, under which role. `constant` replaces the event, as `Input` does."""

    id: str
    arn: str
    dead_letters: str | None = None
    constant: str | None = None
    role: str | None = None
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
    """How badly the bus delivers: probabilities of each event being dropped or doubled, and the longest delay.

    A second copy comes up to `again` after the first; `renamed` is the share of them that have an id of their own, as
    ECS sends one state twice. `late` is the probability of an event coming up to `late_by` later still. `only` is a
    pattern: events that do not fit it are merely delayed.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    delay: timedelta = timedelta(0)
    again: timedelta = timedelta(0)
    renamed: float = 0.0
    late: float = 0.0
    late_by: timedelta = timedelta(0)
    only: Pattern | None = None


@dataclass(slots=True, eq=False)
class Bus:
    """The default bus of the account."""

    account: Account
    chaos: Chaos = Chaos()
    rules: list[Rule] = field(default_factory=list)
    events: int = 0
    dropped: int = 0
    heard: Callable[[Mapping[str, Any], bool], None] = lambda event, matched: None
    """Told of each event as it arrives, and whether a rule lets it through."""

    def rule(self, name: str) -> Rule | None:
        """Find a rule by its name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def put(self, event: Mapping[str, Any]) -> None:
        """Take an event as an AWS service sends it; fields of the envelope that are missing are filled in."""
        whole = self._enveloped(event)
        self.events += 1
        rng, chaos = self.account.rng, self.chaos
        hit = chaos.only is None or chaos.only.matches(whole)
        if hit and chaos.drop and rng.random() < chaos.drop:
            self.dropped += 1
            return
        after = (
            rng.random() * chaos.late_by.total_seconds() if hit and chaos.late and rng.random() < chaos.late else 0.0
        )
        twice = hit and bool(chaos.duplicate) and rng.random() < chaos.duplicate
        self._arrives(whole, after + self._drawn(chaos.delay))
        if twice:
            renamed = chaos.renamed and rng.random() < chaos.renamed
            again = {**whole, "id": self.account.uuid()} if renamed else whole
            self._arrives(again, after + self._drawn(chaos.delay) + self._drawn(chaos.again))

    def _drawn(self, longest: timedelta) -> float:
        return self.account.rng.random() * longest.total_seconds() if longest else 0.0

    def _arrives(self, event: Mapping[str, Any], seconds: float) -> None:
        if seconds:
            self.account.clock.call_in(seconds, lambda: self._route(event), "delayed event")
        else:
            self._route(event)

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
        self.heard(event, bool(matched))
        for rule in matched:
            self.fire(rule, text)

    def fire(self, rule: Rule, text: str) -> None:
        """Send an event to all targets of a rule."""
        rule.matched += 1
        for target in rule.targets:
            sender = Sender(PRINCIPAL, rule.arn, target.role)
            body = text if target.constant is None else target.constant
            refusal = deliver(self.account, sender, target.arn, body)
            if refusal is not None:
                self._dead(Sender(PRINCIPAL, rule.arn), rule, target, body, refusal)

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
