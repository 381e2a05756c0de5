"""Who comes after a release that has judged goes on with what it found, and a hook that nobody answers is told once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from breakwater.attendance import Attendance
from breakwater.attending import Began, Waiting
from breakwater.checks import Passed, Verdict
from breakwater.ledger import Ledger, Quarantined
from breakwater.release_failing import tell_failing
from release import begin, check, close, move, sweep, telling, unattended, wait
from release.decision import GoBack, decide_inherited
from release.record import Release, Stage
from release.sweep_wiring import Sweeping, began_of
from tests.fakes.aws import PRODUCTION
from tests.fakes.release_sight import ARN, EXECUTION, FACTS, NEW, NOW, RELEASE, SERVICE, Shown, a_rollout
from tests.fakes.release_work import HOOKS, Bench, an_aws

Finds = Callable[..., list[Verdict]]
HEIR = f"{EXECUTION}-2"
ATTEND = {"service_deployment": ARN, "hook_id": "h1", "stage": "POST_TEST_TRAFFIC_SHIFT"}
REQUEST = {"service": SERVICE, "attend": ATTEND}
THROTTLED = {"Error": "ThrottledError", "Cause": "ContinueServiceDeployment on purpose"}
FOLLOWABLE = replace(FACTS, bindings=(replace(FACTS.bindings[0], production_rule=PRODUCTION),))
MACHINE = "arn:aws:states:eu-central-1:111122223333:stateMachine:breakwater-release"


def waits(created_at: datetime | None = NOW - timedelta(minutes=5)) -> Bench:
    """A deployment that waits at its hook."""
    return Bench(Shown([replace(a_rollout(), created_at=created_at)], facts=FOLLOWABLE))


def inherited(bench: Bench) -> tuple[Release, dict[str, Any]]:
    """The heir as it begins, and what it answers at its first look."""
    begin.respond({"execution": HEIR, "request": REQUEST}, bench.work)
    answer = check.respond({"execution": HEIR, "event": None}, bench.work)
    kept = bench.work.records.load(HEIR)
    assert kept is not None
    return kept.release, answer


def quarantine(bench: Bench, at: datetime, revision: str = NEW) -> None:
    kept = bench.work.ledgers.load([SERVICE])[SERVICE]
    bench.work.ledgers.keep(kept, replace(Ledger(), quarantined=(Quarantined(revision, at),)))


# ── what was found bad is not judged anew ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("attended", [True, False], ids=["that attended", "of our own"])
@pytest.mark.parametrize("before", [None, timedelta(days=7)], ids=["for the first time", "in quarantine already"])
def test_who_follows_a_release_whose_way_back_failed_takes_it_back(
    finds: Finds, attended: bool, before: timedelta | None
) -> None:
    bench = waits()
    if before is not None:
        quarantine(bench, NOW - before)
    bench.keep(replace(RELEASE, attended=attended, why="1 of 1 checks failed", at_fault=True))
    first = close.respond({"execution": EXECUTION, "request": REQUEST, "failure": THROTTLED}, bench.work)
    assert first["outcome"]["error"] == "NotReturned"
    bench.clock.on(minutes=5)
    left = finds(Passed("1 of 1 checks passed"))
    release, answer = inherited(bench)
    assert (answer["next"], release.at_fault) == ("return", True)
    assert "web:8 was found bad and quarantined at 2026-04-14 07:30 UTC" in release.why
    assert len(left) == 1, "no check was run"
    move.respond({"execution": HEIR, "todo": {"verb": "return"}}, bench.work)
    assert bench.changes == [("h1", "ROLLBACK")]


def test_who_follows_a_release_that_was_left_behind_on_its_way_back_takes_it_back(finds: Finds) -> None:
    bench = waits()
    bench.aws = an_aws(describe_execution={"status": "ABORTED"})
    bench.keep(replace(RELEASE, why="1 of 1 checks failed", at_fault=True))
    work = bench.work
    none = Attendance(work.table, work.client, work.policy, MACHINE)
    assert sweep.respond(Sweeping(work, none, lambda now: ()))["orphans"] == 1
    bench.clock.on(minutes=5)
    left = finds(Passed("1 of 1 checks passed"))
    release, answer = inherited(bench)
    assert (answer["next"], release.at_fault, len(left)) == ("return", True, 1)


def test_a_revision_that_was_quarantined_before_its_deployment_began_is_checked_like_any_other(finds: Finds) -> None:
    bench = waits()
    quarantine(bench, NOW - timedelta(days=1))
    finds(Passed("1 of 1 checks passed"))
    release, answer = inherited(bench)
    assert (release.why, release.at_fault, answer["todo"]["verb"]) == ("", False, "continue")


@pytest.mark.parametrize(
    ("quarantined", "began", "goes_back"),
    [
        pytest.param(None, NOW, False, id="not quarantined"),
        pytest.param(NOW - timedelta(seconds=1), NOW, False, id="before it began"),
        pytest.param(NOW, NOW, True, id="at the moment when it began"),
        pytest.param(NOW + timedelta(hours=1), NOW, True, id="since it began"),
        pytest.param(NOW, None, True, id="nobody knows when it began"),
        pytest.param(None, None, False, id="nothing is known of it"),
    ],
)
def test_what_is_quarantined_since_its_deployment_began_is_inherited(
    quarantined: datetime | None, began: datetime | None, goes_back: bool
) -> None:
    decision = decide_inherited("web:8", quarantined, began)
    assert isinstance(decision, GoBack) is goes_back
    assert decision is None or decision.at_fault


def test_the_quarantine_of_another_revision_is_nobodys(finds: Finds) -> None:
    bench = waits()
    quarantine(bench, NOW, NEW.replace(":8", ":9"))
    finds(Passed("1 of 1 checks passed"))
    assert inherited(bench)[1]["todo"]["verb"] == "continue"


@pytest.mark.parametrize(
    ("stage", "began"),
    [
        pytest.param(None, None, id="it never began"),
        pytest.param(Stage.TURNED, Began("no rules"), id="it was refused"),
        pytest.param(Stage.REHEARSED, Began("no rules"), id="it rehearsed"),
        pytest.param(Stage.FORWARD, Began(), id="it began"),
        pytest.param(Stage.OVER, Began(), id="it is over"),
    ],
)
def test_the_record_says_whether_a_release_attended_its_deployment(stage: Stage | None, began: Began | None) -> None:
    bench = Bench()
    if stage is not None:
        bench.keep(replace(RELEASE, stage=stage, why="no rules"))
    assert began_of(bench.work.records, EXECUTION) == began


# ── a hook that nobody answers ────────────────────────────────────────────────────────────────────────────────────────


def swept(bench: Bench) -> int:
    """What the sweep does about the hook, for which a release was started before and has failed."""
    pause = {"targetType": "PAUSE", "lifecycleStages": [ATTEND["stage"]]}
    deployment = {
        "serviceDeploymentArn": ARN,
        "status": "IN_PROGRESS",
        "lifecycleHookDetails": [{"hookId": "h1", "status": "AWAITING_ACTION", "targetType": "PAUSE"}],
        "deploymentConfiguration": {"lifecycleHooks": [pause]},
    }
    primary = {"id": "ecs-svc/8", "status": "PRIMARY", "taskDefinition": NEW, "rolloutState": "IN_PROGRESS"}
    service = {
        "serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/prod/web",
        "clusterArn": "arn:aws:ecs:eu-central-1:111122223333:cluster/prod",
        "serviceName": "web",
        "status": "ACTIVE",
        "deploymentConfiguration": {"strategy": "BLUE_GREEN"},
        "deployments": [primary],
        "currentServiceDeployment": ARN,
    }
    bench.aws = an_aws(
        {"start_execution": "ExecutionAlreadyExists"},
        describe_service_deployments={"serviceDeployments": [deployment]},
        describe_services={"services": [service]},
        describe_execution={"status": "FAILED"},
    )
    work = bench.work

    def began(execution: str) -> Began | None:
        return began_of(work.records, EXECUTION)  # the one whose name follows from the hook

    attendance = Attendance(work.table, work.client, work.policy, MACHINE, began=began)
    return unattended.attend(Sweeping(work, attendance, lambda now: (SERVICE,)), bench.clock(), lambda: True)


def refused(bench: Bench) -> None:
    turned = replace(RELEASE, attended=True, stage=Stage.TURNED, why="1 of 5 preflight checks refuse it: no rules")
    bench.work.records.begin(turned, bench.clock())


@pytest.mark.parametrize("deaf", [False, True], ids=["", "told by the sweep, since the release could not tell it"])
def test_a_hook_whose_release_is_refused_is_told_once(deaf: bool) -> None:
    bench = waits()
    refused(bench)
    if not deaf:
        for _ in range(2):
            close.respond({"execution": EXECUTION, "request": REQUEST}, bench.work)
    for _ in range(12):
        bench.clock.on(minutes=5)
        assert swept(bench) == 0
        assert len(bench.aws.made("start_execution")) == 1, "nobody comes after it"
    [told] = bench.topic.published
    assert told.incident.summary.count("no rules") == 1
    assert told.incident.subject.revision == "web:8"
    assert [one.episode_count for one in bench.incidents] == [1]


def test_a_hook_at_which_a_release_has_judged_is_left_to_whom_it_told() -> None:
    bench = waits()
    bench.keep(replace(RELEASE, attended=True, why="1 of 1 checks failed", at_fault=True))
    close.respond({"execution": EXECUTION, "request": REQUEST, "failure": THROTTLED}, bench.work)
    before = bench.told
    for _ in range(12):
        bench.clock.on(minutes=5)
        assert swept(bench) == 0
        assert len(bench.aws.made("start_execution")) == 1
    assert bench.told == before
    assert len(before) == 1
    assert bench.aws.made(HOOKS) == []


def test_the_refusal_and_the_end_of_all_tries_are_one_incident() -> None:
    bench = waits()
    refused(bench)
    close.respond({"execution": EXECUTION, "request": REQUEST}, bench.work)
    at = Waiting("prod", "web", ARN, "h1", ATTEND["stage"])
    telling.waits(bench.work, at, NEW, "3 releases began to attend the deployment", bench.clock.on(minutes=5))
    assert len(bench.topic.published) == len(bench.incidents) == 1


# ── what was told of an earlier deployment ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("told", ["ecs-svc/3", ARN.replace("/x", "/w")], ids=["by its id", "by its ARN"])
def test_what_failed_in_an_earlier_deployment_sends_nothing_back_whose_name_is_not_known_yet(told: str) -> None:
    bench = Bench(Shown([None]))
    bench.keep(replace(RELEASE, service_deployment=None, deployment=None))
    work = bench.work
    tell_failing(work.table, work.rendezvous, SERVICE, told, "5 tasks crashed", NOW - timedelta(days=2))
    wait.respond({"execution": EXECUTION, "token": "t", "number": 1, "patience": 60}, work)
    assert bench.heard == []
    answer = check.respond({"execution": EXECUTION, "event": None}, work)
    assert (answer["todo"], bench.release.why, bench.release.at_fault) == ({"verb": "deploy"}, "", False)


def test_what_fails_in_its_own_deployment_is_heard_as_soon_as_the_name_is_known() -> None:
    bench = Bench(Shown([a_rollout()]))
    kept = bench.keep(replace(RELEASE, service_deployment=None, deployment=None))
    work = bench.work
    wait.respond({"execution": EXECUTION, "token": "t1", "number": 1, "patience": 60}, work)
    tell_failing(work.table, work.rendezvous, SERVICE, ARN, "5 tasks crashed", NOW)
    assert bench.heard == []
    work.records.keep(kept, replace(kept.release, service_deployment=ARN), NOW)
    wait.respond({"execution": EXECUTION, "token": "t2", "number": 2, "patience": 60}, work)
    [event] = bench.heard
    answer = check.respond({"execution": EXECUTION, "event": event}, work)
    assert (answer["next"], bench.release.at_fault) == ("return", True)
