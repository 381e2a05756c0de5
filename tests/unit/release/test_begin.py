"""What ReleaseBegin makes of its input, on the kept state in memory: who is turned away, and why."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aws_lambda_powertools import Logger

from breakwater.approvals import Approvals
from breakwater.checks import HttpCheck
from breakwater.desk import IncidentDesk
from breakwater.leases import Leases
from breakwater.ledger import Ledger, Quarantined
from breakwater.ledger_store import Ledgers
from breakwater.model import Mode
from breakwater.preflight_facts import (
    Binding,
    ContainerFacts,
    DefinitionFacts,
    Hook,
    ServiceFacts,
    Snapshot,
    TargetGroupFacts,
)
from breakwater.release_claims import Claims
from breakwater.release_policy import LONGEST_RELEASE, ReleasePolicy
from breakwater.rendezvous_store import Rendezvous
from breakwater.sent_back_store import SentBackStore
from release import begin
from release.decision import LONGEST
from release.facts import DeploymentSeen, ServiceSeen
from release.record import Release, Stage
from release.records import Records
from release.sight import Rollout, Sight, Standing
from release.wiring import Work
from tests.fakes.table import FakeTable

NOW = datetime(2026, 4, 14, 7, 30, tzinfo=UTC)
EXECUTION = "arn:aws:states:eu-central-1:111122223333:execution:breakwater-release:r1"
DEPLOYMENT = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/prod/web/x"
ELB = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:"
NLB, ALB = f"{ELB}listener/net/shop/a1/b2", f"{ELB}listener-rule/app/shop/a1/b2/c3"
WEB = "arn:aws:ecs:eu-central-1:111122223333:task-definition/web"


def facts(rule: str) -> ServiceFacts:
    bindings = (Binding("web", 80, "blue", "green", rule, rule),)
    return ServiceFacts("prod", "web", strategy="BLUE_GREEN", task_definition=f"{WEB}:1", bindings=bindings)


class FakeSight:
    """A service as it stands, and one deployment that waits."""

    def __init__(self, rule: str) -> None:
        self.facts = facts(rule)

    def standing(self, cluster: str, service: str, *, traffic: bool = False) -> Standing:
        return Standing(ServiceSeen(f"{WEB}:1", "ecs-svc/1", 1, 1), self.facts)

    def rollout(self, arn: str) -> Rollout:
        return Rollout(DeploymentSeen(arn, "IN_PROGRESS", "POST_TEST_TRAFFIC_SHIFT"), "rev/2", ("rev/1",))

    def definitions(self, revisions: list[str]) -> dict[str, str]:
        return {revision: f"{WEB}:{revision[-1]}" for revision in revisions}


def work(rule: str) -> Work:
    table = FakeTable()
    return Work(
        logger=Logger(service="test", stream=io.StringIO()),
        table=table,
        records=Records(table),
        claims=Claims(table),
        sent_back=SentBackStore(table),
        leases=Leases(table),
        ledgers=Ledgers(table),
        sight=cast(Sight, FakeSight(rule)),
        client=lambda name: SimpleNamespace(),
        rules=lambda now: None,  # type: ignore[arg-type, return-value]  # nothing here asks for the whole policy
        policy=lambda service, now: ReleasePolicy(Mode.ACT, (HttpCheck("smoke", "/"),)),
        rendezvous=Rendezvous(table, lambda token, output: True),
        approvals=Approvals(table),
        desk=cast(IncidentDesk, SimpleNamespace()),
        report_bucket="reports",
        now=lambda: NOW,
    )


def begun(work: Work, **request: Any) -> Release:
    begin.respond({"execution": EXECUTION, "request": {"service": "prod/web", **request}}, work)
    kept = work.records.load(EXECUTION)
    assert kept is not None
    return kept.release


@pytest.mark.parametrize(
    ("rule", "stage", "said"),
    [
        pytest.param(NLB, Stage.TURNED, "Network Load Balancer", id="a listener without rules"),
        pytest.param(ALB, Stage.FORWARD, "attends the deployment", id="a rule"),
    ],
)
def test_a_deployment_whose_traffic_cannot_be_followed_is_not_attended(rule: str, stage: Stage, said: str) -> None:
    waits = {"service_deployment": DEPLOYMENT, "hook_id": "h1", "stage": "POST_TEST_TRAFFIC_SHIFT"}
    release = begun(work(rule), attend=waits)
    assert (release.stage, said in release.lines[0].reason) == (stage, True)


@pytest.mark.parametrize(
    ("despite", "quarantined"), [pytest.param(False, True, id="as usual"), pytest.param(True, False, id="despite it")]
)
def test_a_quarantined_revision_is_refused_unless_somebody_says_that_it_was_not_at_fault(
    monkeypatch: pytest.MonkeyPatch, despite: bool, quarantined: bool
) -> None:
    parts = work(ALB)
    kept = parts.ledgers.load(["prod/web"])["prod/web"]
    bad = Quarantined(f"{WEB}:2", NOW - timedelta(days=1))
    parts.ledgers.keep(kept, replace(Ledger(), quarantined=(bad,)))
    definition = DefinitionFacts(f"{WEB}:2", containers=(ContainerFacts("web", "web@sha256:1", frozenset({80})),))
    service = replace(facts(ALB), hooks=(Hook(frozenset({"POST_TEST_TRAFFIC_SHIFT"}), "PAUSE"),))
    groups = {arn: TargetGroupFacts() for arn in ("blue", "green")}
    room = {"subnet-1": 100}
    service = replace(service, subnets=tuple(room))
    ready = Snapshot(service, definition, target_groups=groups, free_addresses=room)
    monkeypatch.setattr(begin, "snapshot_of", lambda *args: ready)
    release = begun(parts, task_definition="web:2", despite_quarantine=despite)
    assert ("quarantined" in release.why) is quarantined
    kept = parts.ledgers.load(["prod/web"])["prod/web"]
    assert [one.revision for one in kept.ledger.quarantined] == ([bad.revision] if quarantined else [])


def test_the_preflight_knows_how_long_a_release_may_take() -> None:
    assert LONGEST_RELEASE == LONGEST
