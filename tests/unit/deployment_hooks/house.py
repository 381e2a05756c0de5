"""The native hook's world, made up: a policy, a probe that answers as told, looks at metrics, a person's word."""

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from breakwater.attending import Direction
from breakwater.checks import Attempt, HttpCheck, MetricAnalysis, Outcome, Sample
from breakwater.errors import ThrottledError
from breakwater.model import Mode
from breakwater.preflight import Finding, Ok
from breakwater.release_policy import ReleasePolicy
from breakwater.rendezvous import Word
from deployment_hooks.gathering import Look
from deployment_hooks.native import respond
from deployment_hooks.payload import HookCall
from deployment_hooks.wiring import Means
from sandbox.ecs.lifecycle import understood

BASE = "arn:aws:ecs:eu-central-1:111122223333:"
DEPLOYMENT = f"{BASE}service-deployment/prod/web/x1"
BLUE, GREEN = (f"{BASE}service-revision/prod/web/{number}" for number in (7, 8))
NOW = datetime(2026, 4, 14, 7, 31, tzinfo=UTC)
CHECK = HttpCheck("health", "/health", sample=Sample(2, 3, 10, 60))
POLICY = ReleasePolicy(Mode.ACT, checks=(CHECK,), analysis=MetricAnalysis(quantiles=()))


@dataclass
class Context:
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:111122223333:function:hook"


class FakeProbe:
    """Answers attempts with what the letters say: p, f, e; the last one over and over."""

    def __init__(self, letters: str) -> None:
        self.letters = letters
        self.made = 0

    def attempt(self, check: HttpCheck, at_ms: int) -> Attempt:
        letter = self.letters[min(self.made, len(self.letters) - 1)]
        self.made += 1
        outcome = {"p": Outcome.PASSED, "f": Outcome.FAILED, "e": Outcome.ERROR}[letter]
        return Attempt(outcome, f"attempt {self.made}", at_ms)


@dataclass
class House:
    """What the hook works with, and what it did."""

    policy: ReleasePolicy = POLICY
    direction: Direction = Direction.FORWARD
    probe: FakeProbe = field(default_factory=lambda: FakeProbe("p"))
    looks: list[Any] = field(default_factory=list)
    findings: tuple[Finding, ...] = (Ok("a", "fine"),)
    word: str | None = None
    now: datetime = NOW
    asked: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    journal: list[tuple[str, str]] = field(default_factory=list)
    trouble: bool = False

    def means(self) -> Means:
        def ask(call: HookCall, reason: str, now: datetime) -> None:
            self._troubled()
            self.asked.append(reason)

        def note(call: HookCall, decision: str, reason: str, now: datetime) -> None:
            self._troubled()
            self.journal.append((decision, reason))

        def compare(call: HookCall, number: int, start: datetime, now: datetime) -> Look:
            return Look(self.looks.pop(0), 5)

        return Means(
            logger=Logger(service="test", stream=io.StringIO()),
            policy=lambda cluster, service: self.policy,
            direction=lambda deployment: self.direction,
            word=lambda deployment: Word(self.word, "ann", self.now) if self.word else None,
            ask=ask,
            answered=lambda call, reason, now: self.answered.append(reason),
            journal=note,
            preflight=lambda call, ourselves: self.findings,
            probe=lambda call: self.probe,  # type: ignore[arg-type, return-value]  # it does what the hook asks of one
            compare=compare,
            now=lambda: self.now,
        )

    def _troubled(self) -> None:
        if self.trouble:
            raise ThrottledError("write an item: ThrottlingException")

    def call(self, event: object, context: Context | None = None) -> dict[str, Any]:
        answer = respond(event, context or Context(), self.means())
        assert understood(answer).status == answer["hookStatus"], "ECS would not understand it"
        return answer


def a_call(
    stage: str = "POST_TEST_TRAFFIC_SHIFT", *, flat: bool = False, share: int = 0, **changes: Any
) -> dict[str, Any]:
    weights = {GREEN: share, BLUE: 100 - share} if share else {}
    facts = {
        "serviceArn": f"{BASE}service/prod/web",
        "targetServiceRevisionArn": GREEN,
        "testTrafficWeights": {},
        "productionTrafficWeights": weights,
    }
    event = {"executionId": "e", "lifecycleStage": stage, "resourceArn": DEPLOYMENT}
    return {**event, **(facts if flat else {"executionDetails": facts}), **changes}


def until_decided(house: House, event: dict[str, Any], most: int = 300) -> tuple[str, int]:
    """Call again as ECS does, with the details that were answered; says how it ended, and after how many calls."""
    for number in range(1, most):
        answer = house.call(event)
        if answer["hookStatus"] != "IN_PROGRESS":
            return answer["hookStatus"], number
        event = {**event, "hookDetails": json.loads(json.dumps(answer["hookDetails"]))}
        house.now += timedelta(seconds=answer["callBackDelay"])
    return "never", most
