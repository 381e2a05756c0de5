"""What the functions of a release work with, without AWS: the real parts over a table and a topic in memory, and hands
on what is seen, what is said and what time it is."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from breakwater.approvals import Approvals
from breakwater.checks import HttpCheck, MetricAnalysis
from breakwater.compiled import Compiled
from breakwater.desk import LOST_RACES, IncidentDesk
from breakwater.incident_store import Change, IncidentStore, Moved
from breakwater.incident_store import Kept as KeptIncident
from breakwater.leases import Leases
from breakwater.ledger_store import Ledgers
from breakwater.model import Incident, Mode
from breakwater.release_claims import Claims
from breakwater.release_failing import tell_failing
from breakwater.release_policy import ReleasePolicy
from breakwater.rendezvous import Kind
from breakwater.rendezvous_store import Rendezvous
from breakwater.sent_back_store import SentBackStore
from release import check
from release.record import Release
from release.records import Kept, Records
from release.wiring import Work
from tests.fakes.aws import Aws
from tests.fakes.release_sight import ARN, EXECUTION, NOW, RELEASE, SERVICE, Shown
from tests.fakes.table import FakeTable
from tests.fakes.topic import FakeTopic

SMOKE = ReleasePolicy(Mode.ACT, (HttpCheck("smoke", "/"),))
ANALYSED = ReleasePolicy(Mode.ACT, (), MetricAnalysis(window_minutes=120))
HOOKS, STOPPED, DEPLOYED = "continue_service_deployment", "stop_service_deployment", "update_service"


def an_aws(errors: dict[str, str] | None = None, **answers: Any) -> Aws:
    """AWS that takes what a release changes, but for these errors, and shows what it is given to show."""
    changes = (HOOKS, STOPPED, DEPLOYED, "stop_task", "put_object")
    return Aws({**{operation: {} for operation in changes}, **answers}, errors or {})


@dataclass
class Clock:
    """A time that goes on when it is told, and when somebody sleeps."""

    now: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def on(self, **time: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**time)
        return self.now

    def sleep(self, seconds: float) -> None:
        """Time passes while a function sleeps."""
        self.slept.append(seconds)
        self.on(seconds=seconds)


class Contested(IncidentStore):
    """Incidents that others change at the same time, who win as many rounds as told."""

    lost = 0

    def keep(self, changes: Sequence[Change], now: datetime) -> tuple[list[KeptIncident], list[Moved]]:
        if changes and self.lost:
            self.lost -= 1
            return [], [Moved(change, frozenset()) for change in changes]
        return super().keep(changes, now)


@dataclass
class Bench:
    """The work, and the hands on it."""

    sight: Shown = field(default_factory=Shown)
    policy: ReleasePolicy = SMOKE
    aws: Aws = field(default_factory=an_aws)
    clock: Clock = field(default_factory=Clock)
    table: FakeTable = field(default_factory=FakeTable)
    topic: FakeTopic = field(default_factory=FakeTopic)
    sent: list[str] = field(default_factory=list)
    """The tokens that were answered."""
    heard: list[dict[str, Any]] = field(default_factory=list)
    """With what."""
    dead: set[str] = field(default_factory=set)
    """The tokens whose wait is over."""

    def __post_init__(self) -> None:
        self.incident_store = Contested(self.table)

    @property
    def work(self) -> Work:
        """The parts; made anew they are those of the next invocation, over the same table."""
        return Work(
            logger=Logger(service="test", stream=io.StringIO()),
            table=self.table,
            records=Records(self.table),
            claims=Claims(self.table),
            sent_back=SentBackStore(self.table),
            leases=Leases(self.table),
            ledgers=Ledgers(self.table),
            sight=self.sight,
            client=self.aws,
            rules=lambda now: Compiled(),
            policy=lambda service, now: self.policy,
            rendezvous=Rendezvous(self.table, self._send),
            approvals=Approvals(self.table),
            desk=IncidentDesk(self.incident_store, self.topic, "release", pause=lambda: None),
            report_bucket="reports",
            now=self.clock,
            sleep=self.clock.sleep,
        )

    def _send(self, token: str, output: str) -> bool:
        if token in self.dead:
            return False
        self.sent.append(token)
        self.heard.append(json.loads(output))
        return True

    def keep(self, release: Release = RELEASE) -> Kept:
        """Let a release have begun: it has its lease, its record, and its claim on the service."""
        work = self.work
        lease = work.leases.take(release.service, "release r1", self.clock(), timedelta(hours=1))
        work.claims.claim(release.service, release.execution, self.clock())
        return work.records.begin(replace(release, token=getattr(lease, "token", 0)), self.clock())

    def deafen(self, times: int) -> None:
        """The desk cannot keep what it is told, so many times."""
        self.incident_store.lost = times * LOST_RACES

    @property
    def release(self) -> Release:
        """The record as it is now."""
        kept = self.work.records.load(EXECUTION)
        assert kept is not None
        return kept.release

    @property
    def told(self) -> list[str]:
        """What people were told: each cause with what was said."""
        return [f"{one.incident.cause}: {one.incident.summary}" for one in self.topic.published]

    @property
    def incidents(self) -> list[Incident]:
        """What is open."""
        found = self.incident_store.load(self.incident_store.needing_attention()).found
        return [kept.record.incident for kept in found.values()]

    @property
    def changes(self) -> list[tuple[str, str]]:
        """What ECS was told of the deployment: how each hook is answered, by its id; with no id, how it is stopped, or
        what is deployed in its place."""
        what = {HOOKS: "action", STOPPED: "stopType", DEPLOYED: "taskDefinition"}
        return [(given.get("hookId", ""), given[what[name]]) for name, given in self.aws.calls if name in what]


# ── what is asked, and said ───────────────────────────────────────────────────────────────────────────────────────────


def asked(bench: Bench, event: dict[str, Any] | None = None) -> dict[str, Any]:
    """What ReleaseCheck answers."""
    return check.respond({"execution": EXECUTION, "event": event}, bench.work)


def an_event(kind: Kind = Kind.HOOK, **body: str) -> dict[str, Any]:
    """What answers a wait."""
    return {"id": "1", "kind": str(kind), "at": NOW.isoformat(), "deployment": ARN, "body": body}


def goes_on(answer: dict[str, Any]) -> bool:
    """Whether a hook is to be told CONTINUE."""
    return bool(answer["todo"].get("verb") == "continue")


def fail(bench: Bench, deployment: str = ARN) -> None:
    """The guard tells that its tasks fail, while the release is at work."""
    work = bench.work
    tell_failing(work.table, work.rendezvous, SERVICE, deployment, "5 tasks crashed", bench.clock())


def abort(bench: Bench) -> None:
    """A person aborts, and the message of it is lost."""
    bench.work.approvals.give(ARN, "aborted", "ann", bench.clock())
