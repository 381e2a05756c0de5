"""What the functions of a release work with, without AWS: the real stores over a table in memory, and what is seen of
the service said by the test."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from aws_lambda_powertools import Logger

from breakwater.approvals import Approvals
from breakwater.checks import HttpCheck
from breakwater.compiled import Compiled
from breakwater.desk import IncidentDesk
from breakwater.leases import Leases
from breakwater.ledger_store import Ledgers
from breakwater.model import Finding, Mode
from breakwater.preflight_facts import Binding, ServiceFacts
from breakwater.release_claims import Claims
from breakwater.release_failing import tell_failing
from breakwater.release_policy import ReleasePolicy
from breakwater.rendezvous import Kind
from breakwater.rendezvous_store import Rendezvous
from breakwater.sent_back_store import SentBackStore
from breakwater.store import Table
from release import check
from release.facts import DeploymentSeen, HookSeen, ServiceSeen
from release.record import Before, Release, Share, Stage
from release.records import Kept, Records
from release.sight import Rollout, Sight, Standing
from release.wiring import Work
from tests.fakes.table import FakeTable

NOW = datetime(2026, 4, 14, 7, 30, tzinfo=UTC)
EXECUTION = "arn:aws:states:eu-central-1:111122223333:execution:breakwater-release:r1"
ARN = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/prod/web/x"
RULE = "rule/p"
SERVICE = "prod/web"
HOOK = HookSeen("h1", "POST_TEST_TRAFFIC_SHIFT", ARN)
STEP = replace(HOOK, stage="PRE_PRODUCTION_TRAFFIC_SHIFT")
BEFORE = Before("td/web:1", "ecs-svc/1", 2, (Share(RULE, "blue", 100), Share(RULE, "green", 0)))
FORWARD = Release(
    EXECUTION,
    SERVICE,
    Stage.FORWARD,
    Mode.ACT,
    NOW,
    "td/web:2",
    "BLUE_GREEN",
    token=1,
    before=BEFORE,
    intended_at=NOW,
    deployment="ecs-svc/2",
    service_deployment=ARN,
)
RETURNING = replace(FORWARD, stage=Stage.RETURNING, why="smoke failed")
FACTS = ServiceFacts(
    "prod",
    "web",
    strategy="BLUE_GREEN",
    task_definition="td/web:2",
    launch_type="FARGATE",
    bindings=(Binding("web", 80, "blue", "green", RULE, "rule/t"),),
)
SMOKE = ReleasePolicy(Mode.ACT, (HttpCheck("smoke", "/"),))
SETTLED = ServiceSeen("td/web:2", "ecs-svc/2", 2, 2, {RULE: {"blue": 0, "green": 100}}, {"healthy": 2})


def a_rollout(status: str = "IN_PROGRESS", hook: HookSeen | None = HOOK, **more: Any) -> Rollout:
    """Its service deployment, at the stage of the hook at which it waits."""
    answered = more.pop("answered", ())
    seen = DeploymentSeen(ARN, status, **{"stage": hook.stage if hook else "SCALE_UP", **more})
    return Rollout(seen, "rev", ("old",), hook, answered=answered)


@dataclass
class FakeSight:
    """Answers what it was given: one rollout after the other, the last one for ever."""

    rollouts: list[Rollout | None]
    service: ServiceSeen = SETTLED
    reads: int = 0

    def rollout(self, arn: str) -> Rollout | None:
        self.reads += 1
        return self.rollouts.pop(0) if len(self.rollouts) > 1 else self.rollouts[0]

    def find(self, cluster: str, service: str, task_definition: str, since: datetime) -> str | None:
        return ARN

    def standing(self, cluster: str, service: str, *, traffic: bool = False) -> Standing:
        return Standing(self.service, FACTS)


@dataclass
class FakeDesk:
    """Takes findings, but for the first `deaf` times."""

    deaf: int = 0
    taken: list[Finding] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)

    def take(self, findings: Sequence[Finding], *_: Any) -> Any:
        if self.deaf:
            self.deaf -= 1
            return SimpleNamespace(unfinished=tuple(findings))
        self.taken += findings
        return SimpleNamespace(unfinished=())

    def resolve(self, fingerprints: Sequence[str], *_: Any) -> None:
        self.resolved += fingerprints


class FakeEcs:
    """Notes how hooks are answered, and what is stopped."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, str]] = []

    def continue_service_deployment(self, **given: str) -> None:
        self.answers.append((given["hookId"], given["action"]))

    def update_service(self, **given: str) -> None:
        self.answers.append(("", given["taskDefinition"]))

    def stop_service_deployment(self, **given: str) -> None:
        self.answers.append(("", given["stopType"]))


@dataclass
class Clock:
    """A time that goes on when it is told, and when somebody sleeps."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def on(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now


@dataclass
class Bench:
    """The work, and the fakes in it."""

    sight: FakeSight
    policy: ReleasePolicy = SMOKE
    desk: FakeDesk = field(default_factory=FakeDesk)
    clock: Clock = field(default_factory=Clock)
    ecs: FakeEcs = field(default_factory=FakeEcs)
    sent: list[str] = field(default_factory=list)
    """The tokens that were answered."""
    dead: set[str] = field(default_factory=set)
    """The tokens whose wait is over."""
    heard: list[dict[str, Any]] = field(default_factory=list)
    """With what."""

    def __post_init__(self) -> None:
        self.table = cast(Table, FakeTable())

    @property
    def work(self) -> Work:
        """The parts; made anew they are those of the next invocation, over the same table."""

        def send(token: str, output: str) -> bool:
            if token in self.dead:
                return False
            self.sent.append(token)
            self.heard.append(json.loads(output))
            return True

        def sleep(seconds: float) -> None:
            self.clock.on(seconds=seconds)

        return Work(
            logger=Logger(service="test"),
            table=self.table,
            records=Records(self.table),
            claims=Claims(self.table),
            sent_back=SentBackStore(self.table),
            leases=Leases(self.table),
            ledgers=Ledgers(self.table),
            sight=cast(Sight, self.sight),
            client=cast(Callable[[str], Any], lambda name: self.ecs if name == "ecs" else None),
            rules=cast(Callable[[datetime], Compiled], None),
            policy=lambda service, now: self.policy,
            rendezvous=Rendezvous(self.table, send),
            approvals=Approvals(self.table),
            desk=cast(IncidentDesk, self.desk),
            report_bucket="reports",
            now=self.clock,
            sleep=sleep,
        )

    def keep(self, release: Release = FORWARD) -> Kept:
        """Begin a release with this record: with the lease, and the claim on the service."""
        work = self.work
        lease = work.leases.take(SERVICE, "release r1", self.clock(), timedelta(hours=1))
        work.claims.claim(SERVICE, EXECUTION, self.clock())
        return work.records.begin(replace(release, token=getattr(lease, "token", 0)), self.clock())

    @property
    def release(self) -> Release:
        """The record as it is now."""
        kept = self.work.records.load(EXECUTION)
        assert kept is not None
        return kept.release


def asked(bench: Bench, event: dict[str, Any] | None = None) -> dict[str, Any]:
    """What ReleaseCheck answers."""
    return check.respond({"execution": EXECUTION, "event": event}, bench.work)


def an_event(kind: Kind = Kind.HOOK, **body: str) -> dict[str, Any]:
    """What answers a wait."""
    return {"id": "1", "kind": str(kind), "at": NOW.isoformat(), "deployment": ARN, "body": body}


def goes_on(answer: dict[str, Any]) -> bool:
    """Whether a hook is to be told CONTINUE."""
    return bool(answer["todo"].get("action") == "CONTINUE")


def fail(bench: Bench, deployment: str = ARN) -> None:
    """The guard tells that its tasks fail, while the release is at work."""
    work = bench.work
    tell_failing(work.table, work.rendezvous, SERVICE, deployment, "5 tasks crashed", bench.clock())


def abort(bench: Bench) -> None:
    """A person aborts, and the message of it is lost."""
    bench.work.approvals.give(ARN, "aborted", "ann", bench.clock())
