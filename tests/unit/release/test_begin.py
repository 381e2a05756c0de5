"""What ReleaseBegin makes of its input, on the kept state in memory: who is turned away, and why."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.ledger import Ledger, Quarantined
from breakwater.preflight_facts import (
    Binding,
    ContainerFacts,
    DefinitionFacts,
    Hook,
    ServiceFacts,
    Snapshot,
    TargetGroupFacts,
)
from release import begin
from release.facts import ServiceSeen
from release.record import Release, Stage
from tests.fakes.aws import ELB
from tests.fakes.release_sight import ARN, EXECUTION, NOW, RELEASE, SERVICE, Shown, a_rollout
from tests.fakes.release_work import Bench

NLB, ALB = f"{ELB}listener/net/shop/a1/b2", f"{ELB}listener-rule/app/shop/a1/b2/c3"
WEB = "arn:aws:ecs:eu-central-1:111122223333:task-definition/web"


def facts(rule: str) -> ServiceFacts:
    bindings = (Binding("web", 80, "blue", "green", rule, rule),)
    return ServiceFacts("prod", "web", strategy="BLUE_GREEN", task_definition=f"{WEB}:1", bindings=bindings)


def a_bench(rule: str) -> Bench:
    """A service as it stands, and one deployment that waits."""
    standing = ServiceSeen(f"{WEB}:1", "ecs-svc/1", 1, 1)
    return Bench(Shown([a_rollout()], [standing], facts(rule)))


def begun(bench: Bench, **request: Any) -> Release:
    begin.respond({"execution": EXECUTION, "request": {"service": SERVICE, **request}}, bench.work)
    return bench.release


@pytest.mark.parametrize(
    ("rule", "stage", "said"),
    [
        pytest.param(NLB, Stage.TURNED, "Network Load Balancer", id="a listener without rules"),
        pytest.param(ALB, Stage.FORWARD, "attends the deployment", id="a rule"),
    ],
)
def test_a_deployment_whose_traffic_cannot_be_followed_is_not_attended(rule: str, stage: Stage, said: str) -> None:
    waits = {"service_deployment": ARN, "hook_id": "h1", "stage": "POST_TEST_TRAFFIC_SHIFT"}
    release = begun(a_bench(rule), attend=waits)
    assert (release.stage, said in release.lines[0].reason) == (stage, True)


@pytest.mark.parametrize(
    ("despite", "quarantined"), [pytest.param(False, True, id="as usual"), pytest.param(True, False, id="despite it")]
)
def test_a_quarantined_revision_is_refused_unless_somebody_says_that_it_was_not_at_fault(
    monkeypatch: pytest.MonkeyPatch, despite: bool, quarantined: bool
) -> None:
    bench = a_bench(ALB)
    kept = bench.work.ledgers.load(["prod/web"])["prod/web"]
    bad = Quarantined(f"{WEB}:2", NOW - timedelta(days=1))
    bench.work.ledgers.keep(kept, replace(Ledger(), quarantined=(bad,)))
    definition = DefinitionFacts(f"{WEB}:2", containers=(ContainerFacts("web", "web@sha256:1", frozenset({80})),))
    service = replace(facts(ALB), hooks=(Hook(frozenset({"POST_TEST_TRAFFIC_SHIFT"}), "PAUSE"),))
    groups = {arn: TargetGroupFacts() for arn in ("blue", "green")}
    room = {"subnet-1": 100}
    service = replace(service, subnets=tuple(room))
    ready = Snapshot(service, definition, target_groups=groups, free_addresses=room)
    monkeypatch.setattr(begin, "snapshot_of", lambda *args: ready)
    release = begun(bench, task_definition="web:2", despite_quarantine=despite)
    assert ("quarantined" in release.why) is quarantined
    kept = bench.work.ledgers.load(["prod/web"])["prod/web"]
    assert [one.revision for one in kept.ledger.quarantined] == ([bad.revision] if quarantined else [])


def test_a_quarantine_is_lifted_although_the_step_died_after_its_record() -> None:
    bench = a_bench(ALB)
    kept = bench.work.ledgers.load(["prod/web"])["prod/web"]
    bench.work.ledgers.keep(kept, replace(Ledger(), quarantined=(Quarantined(RELEASE.task_definition, NOW),)))
    bench.keep(replace(RELEASE, stage=Stage.ADMITTED))
    request = {"service": "prod/web", "task_definition": "web:8", "despite_quarantine": True}
    begin.respond({"execution": EXECUTION, "request": request}, bench.work)
    assert bench.work.ledgers.load(["prod/web"])["prod/web"].ledger.quarantined == ()
