"""A release's functions on the bench: their real parts over a table in memory, and what ECS shows is said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from breakwater.approvals import Approvals
from breakwater.checks import HttpCheck
from breakwater.compiled import Compiled
from breakwater.desk import IncidentDesk
from breakwater.incident_store import IncidentStore
from breakwater.leases import Leases
from breakwater.ledger_store import Ledgers
from breakwater.model import Mode
from breakwater.preflight_facts import Binding, ServiceFacts
from breakwater.release_claims import Claims
from breakwater.release_policy import ReleasePolicy
from breakwater.rendezvous_store import Rendezvous
from breakwater.sent_back_store import SentBackStore
from release.facts import DeploymentSeen, HookSeen, ServiceSeen
from release.record import Before, Release, Share, Stage
from release.records import Kept, Records
from release.sight import Rollout, Sight, Standing
from release.wiring import Work
from tests.fakes.table import FakeTable
from tests.fakes.topic import FakeTopic

NOW = datetime(2026, 4, 14, 7, 30, tzinfo=UTC)
EXECUTION = "arn:aws:states:eu-central-1:111122223333:execution:breakwater-release:r1"
ARN = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/prod/web/x"
OLD, NEW = (f"arn:aws:ecs:eu-central-1:111122223333:task-definition/web:{number}" for number in (7, 8))
RULE = "rule/production"
Shows = TypeVar("Shows")
HOOK = HookSeen("h1", "POST_TEST_TRAFFIC_SHIFT", ARN)
RELEASE = Release(
    EXECUTION,
    "prod/web",
    Stage.FORWARD,
    Mode.ACT,
    NOW,
    NEW,
    "BLUE_GREEN",
    before=Before(OLD, "ecs-svc/7", 2, (Share(RULE, "blue", 100), Share(RULE, "green", 0))),
    intended_at=NOW,
    deployment="ecs-svc/8",
    service_deployment=ARN,
)
POLICY = ReleasePolicy(Mode.ACT, (HttpCheck("smoke", "/"),))
FACTS = ServiceFacts(
    "prod", "web", strategy="BLUE_GREEN", bindings=(Binding("web", 80, "blue", "green", RULE, "rule/test"),)
)
THROUGH = ServiceSeen(NEW, "ecs-svc/8", 2, 2, {RULE: {"blue": 0, "green": 100}}, {"healthy": 2})
BACK = ServiceSeen(OLD, "ecs-svc/9", 2, 2, {RULE: {"blue": 100, "green": 0}}, {"healthy": 2})


def rollout(status: str = "IN_PROGRESS", hook: HookSeen | None = HOOK, **more: Any) -> Rollout:
    """A deployment, which waits at its hook unless said otherwise."""
    stage = hook.stage if hook is not None else "CLEAN_UP"
    return Rollout(DeploymentSeen(ARN, status, stage, **more), "revision/8", ("revision/7",), hook)


class Shown(Sight):
    """What ECS shows: one value for each look at the deployment and at the service; the last one stays."""

    def __init__(self, rollouts: Iterable[Rollout | None] = (), services: Iterable[ServiceSeen] = (THROUGH,)) -> None:
        self.rollouts, self.services = [*rollouts] or [None], [*services]
        self.unreadable: Exception | None = None

    def rollout(self, arn: str) -> Rollout | None:
        return _next(self.rollouts)

    def standing(self, cluster: str, service: str, *, traffic: bool = False) -> Standing:
        if self.unreadable is not None:
            raise self.unreadable
        return Standing(_next(self.services), FACTS)

    def find(self, cluster: str, service: str, task_definition: str, since: datetime) -> str | None:
        return ARN

    def definitions(self, revisions: list[str]) -> dict[str, str]:
        return {"revision/7": OLD, "revision/8": NEW}


def _next(shown: list[Shows]) -> Shows:
    return shown.pop(0) if len(shown) > 1 else shown[0]


@dataclass
class Aws:
    """Every client of AWS in one: it notes the calls, answers what it was given, and fails where it was told to."""

    answers: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            self.calls.append((operation, given))
            if operation in self.errors:
                raise ClientError({"Error": {"Code": self.errors[operation], "Message": "on purpose"}}, operation)
            return self.answers.get(operation, {})

        return call

    def made(self, operation: str) -> list[dict[str, Any]]:
        """What an operation was called with, each time."""
        return [given for name, given in self.calls if name == operation]


@dataclass
class Bench:
    """The parts of a release's functions, and the hands on them."""

    sight: Shown = field(default_factory=Shown)
    aws: Aws = field(default_factory=Aws)
    policy: ReleasePolicy = POLICY
    now: datetime = NOW
    slept: list[float] = field(default_factory=list)
    table: FakeTable = field(default_factory=FakeTable)
    topic: FakeTopic = field(default_factory=FakeTopic)

    @property
    def work(self) -> Work:
        """What the functions are given."""
        return Work(
            logger=Logger(service="release"),
            table=self.table,
            records=Records(self.table),
            claims=Claims(self.table),
            sent_back=SentBackStore(self.table),
            leases=Leases(self.table),
            ledgers=Ledgers(self.table),
            sight=self.sight,
            client=lambda name: self.aws,
            rules=lambda now: Compiled(),
            policy=lambda service, now: self.policy,
            rendezvous=Rendezvous(self.table, lambda token, output: True),
            approvals=Approvals(self.table),
            desk=IncidentDesk(IncidentStore(self.table), self.topic, "release", pause=lambda: None),
            report_bucket="reports",
            now=lambda: self.now,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        """Time passes while a function sleeps."""
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def keep(self, release: Release = RELEASE) -> Kept:
        """Let a release have begun: it has its lease, and its record."""
        lease = self.work.leases.take(release.service, "release r1", self.now, timedelta(hours=1))
        token = getattr(lease, "token", 0)
        return self.work.records.begin(replace(release, token=token), self.now)

    @property
    def release(self) -> Release:
        """What is kept of it."""
        kept = self.work.records.load(EXECUTION)
        assert kept is not None
        return kept.release

    @property
    def told(self) -> list[str]:
        """What people were told: each cause with what was said."""
        return [f"{one.incident.cause}: {one.incident.summary}" for one in self.topic.published]
