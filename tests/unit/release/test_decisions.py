"""The decisions of a release, each by a table; the way back for every state that a deployment can be in."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from breakwater.checks import Failed, HttpCheck, Inconclusive, MetricAnalysis, Passed, Verdict
from breakwater.model import Mode
from breakwater.policies import OnDoubt
from breakwater.preflight import Finding, Ok, Refuse, Warn
from breakwater.release_policy import ReleasePolicy, StageWork, looks_planned
from breakwater.rendezvous import Word
from release.analysis import Doubt, LookAgain, Proceed, Stop, decide_shift_analysis
from release.decision import (
    AskPerson,
    Begin,
    Examine,
    GoBack,
    GoOn,
    PassBy,
    Rehearse,
    Turned,
    WaveThrough,
    decide_after_hook,
    decide_approval,
    decide_start,
    decide_verdict,
    latest_answer,
    rolls_back,
    speaks_of_the_revision,
)
from release.expecting import expected as as_it_should_be
from release.facts import OVER, ROLLED_BACK, ROLLING_BACK, DeploymentSeen, HookSeen, ServiceSeen
from release.outcome import Expected, NotYet, OutcomeDecision, Verified, Wrong, decide_outcome
from release.record import Before, Release, Share, Stage
from release.returning import (
    HandOver,
    NothingBegun,
    Redeploy,
    RefuseAtHook,
    StopDeployment,
    WatchReturn,
    decide_return,
)

NOW = datetime(2026, 4, 14, 7, 31, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)
OLD, NEW = (f"arn:aws:ecs:eu-central-1:111122223333:task-definition/web:{number}" for number in (7, 8))
ARN = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/prod/web/x"
POLICY = ReleasePolicy(Mode.ACT, checks=(HttpCheck("health", "/health"),), analysis=MetricAnalysis())
FINE: tuple[Finding, ...] = (Ok("a", "fine"), Warn("b", "hm"))
STATUSES = ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", *sorted(ROLLING_BACK | OVER)]


@pytest.mark.parametrize(
    ("findings", "asked", "policy", "wanted", "expected", "said"),
    [
        pytest.param(FINE, Mode.ACT, Mode.ACT, NEW, Begin, "1 warn", id="ready"),
        pytest.param(FINE, Mode.ACT, Mode.OBSERVE, NEW, Rehearse, "observe", id="the policy observes"),
        pytest.param(FINE, Mode.OBSERVE, Mode.ACT, NEW, Rehearse, "observe", id="a rehearsal is asked for"),
        pytest.param(FINE, Mode.ACT, Mode.OFF, NEW, Turned, "off", id="the policy is off"),
        pytest.param(FINE, Mode.ACT, Mode.ACT, OLD, Turned, "web:7 already", id="it has it already"),
        pytest.param(FINE, Mode.ACT, Mode.ACT, "web:7", Turned, "web:7 already", id="it has it, by its short name"),
        pytest.param((*FINE, Refuse("c", "no hooks")), Mode.ACT, Mode.ACT, NEW, Turned, "1 of 3", id="refused"),
        pytest.param(
            (*FINE, Refuse("c", "no")), Mode.OBSERVE, Mode.ACT, NEW, Turned, "1 of 3", id="refused, rehearsed"
        ),
        pytest.param(FINE, Mode.ACT, Mode.ACT, None, Begin, "1 warn", id="attended"),
    ],
)
def test_a_release_begins_if_policy_person_and_preflight_agree(
    findings: tuple[Finding, ...], asked: Mode, policy: Mode, wanted: str | None, expected: type, said: str
) -> None:
    decision = decide_start(findings, asked, replace(POLICY, mode=policy), present=OLD, wanted=wanted)
    assert type(decision) is expected
    assert said in decision.reason


def a_hook(stage: str = "POST_TEST_TRAFFIC_SHIFT", **changes: Any) -> HookSeen:
    return replace(HookSeen("h1", stage, ARN), **changes)


def a_deployment(status: str = "IN_PROGRESS", **changes: Any) -> DeploymentSeen:
    return replace(DeploymentSeen(ARN, status), **changes)


PRE, POST = "PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"


@pytest.mark.parametrize(
    ("hook", "deployment", "policy", "expected"),
    [
        pytest.param(a_hook(), a_deployment(), POLICY, StageWork.CHECKS, id="checks before production"),
        pytest.param(
            a_hook(PRE), a_deployment(production_weight=5.0), POLICY, StageWork.ANALYSIS, id="before a further step"
        ),
        pytest.param(a_hook(PRE), a_deployment(production_weight=0.0), POLICY, WaveThrough, id="before the first step"),
        pytest.param(a_hook(PRE), a_deployment(), POLICY, WaveThrough, id="weight unknown and no step taken"),
        pytest.param(
            a_hook(POST), a_deployment(production_weight=100.0), POLICY, StageWork.ANALYSIS, id="after the only step"
        ),
        pytest.param(a_hook("PRE_SCALE_UP"), a_deployment(), POLICY, PassBy, id="a stage without work"),
        pytest.param(replace(a_hook(), gate="a person's"), a_deployment(), POLICY, PassBy, id="a person's own gate"),
        pytest.param(a_hook("A_NEW_STAGE"), a_deployment(), POLICY, PassBy, id="a stage that is not known"),
        pytest.param(a_hook(), a_deployment(), ReleasePolicy(Mode.ACT), PassBy, id="no checks declared"),
        pytest.param(a_hook(), a_deployment("ROLLBACK_IN_PROGRESS"), POLICY, WaveThrough, id="on its way back"),
        pytest.param(a_hook(), a_deployment(rollback_to="rev"), POLICY, WaveThrough, id="its rollback began"),
        pytest.param(a_hook(), a_deployment(to_known_good=True), POLICY, WaveThrough, id="a rollback as deployment"),
        pytest.param(a_hook(), a_deployment("STOPPED"), POLICY, PassBy, id="superseded"),
        pytest.param(a_hook(service_deployment="other"), a_deployment(), POLICY, PassBy, id="another deployment"),
    ],
)
def test_a_hook_asks_for_work_or_is_waved_through(
    hook: HookSeen, deployment: DeploymentSeen, policy: ReleasePolicy, expected: Any
) -> None:
    decision = decide_after_hook(hook, deployment, policy, ours=ARN)
    assert (decision.work if isinstance(decision, Examine) else type(decision)) == expected


@pytest.mark.parametrize(
    ("new", "before", "good", "expected"),
    [
        pytest.param("web:7", "web:8", True, True, id="the one before it"),
        pytest.param("web:7", "web:8", False, False, id="one that was never good"),
        pytest.param("web:8", "web:8", True, False, id="the same again: its tag may mean another image"),
        pytest.param("web:9", "web:8", True, False, id="a newer one"),
        pytest.param("web:10", "web:9", True, False, id="a newer one with more digits"),
        pytest.param("other:1", "web:8", True, False, id="another family"),
        pytest.param("web:7", "", True, False, id="nothing stood before"),
    ],
)
def test_who_deploys_what_ran_well_before_goes_back(new: str, before: str, good: bool, expected: bool) -> None:
    assert rolls_back(new, before, known_good=good) is expected


@pytest.mark.parametrize(
    ("verdict", "on_doubt", "expected"),
    [
        (Passed("fine"), OnDoubt.ASK, GoOn("fine")),
        (Failed("bad"), OnDoubt.ASK, GoBack("bad", at_fault=True)),
        (Inconclusive("hm"), OnDoubt.ASK, AskPerson("hm", NOW, NOW + timedelta(minutes=60))),
        (Inconclusive("hm"), OnDoubt.ROLL_BACK, GoBack("inconclusive, and the policy does not ask: hm")),
    ],
)
def test_only_a_failure_is_the_revisions_fault(verdict: Verdict, on_doubt: OnDoubt, expected: Any) -> None:
    assert decide_verdict(verdict, replace(POLICY, on_doubt=on_doubt), NOW, NOW + timedelta(days=1)) == expected


def test_a_question_is_closed_before_the_hook_goes_on_by_itself() -> None:
    asked = decide_verdict(Inconclusive("hm"), POLICY, NOW, latest_answer(NOW, NOW + timedelta(minutes=12)))
    assert isinstance(asked, AskPerson)
    assert asked.until == NOW + timedelta(minutes=10)
    late = decide_verdict(Inconclusive("hm"), POLICY, NOW, latest_answer(NOW, NOW + timedelta(minutes=1)))
    assert isinstance(late, GoBack)
    assert latest_answer(NOW, None) == NOW + timedelta(hours=30)  # the execution ends after 36


@pytest.mark.parametrize(
    ("word", "said", "minutes", "expected"),
    [
        pytest.param("approved", 1, 1, GoOn, id="approved in time"),
        pytest.param("approved", -1, 1, AskPerson, id="what was approved was an earlier question"),
        pytest.param("approved", 1, 60, GoBack, id="too late"),
        pytest.param("aborted", 1, 1, GoBack, id="aborted"),
        pytest.param("aborted", -1, 1, GoBack, id="aborted before it was asked"),
        pytest.param("aborted", 90, 90, GoBack, id="aborted, and too late"),
        pytest.param(None, 0, 59, AskPerson, id="there is time"),
        pytest.param(None, 0, 60, GoBack, id="nobody answered"),
    ],
)
def test_a_person_decides_in_time_or_it_goes_back(word: str | None, said: int, minutes: int, expected: type) -> None:
    asked = AskPerson("too few requests", NOW, NOW + timedelta(minutes=60))
    given = Word(word, "ann", NOW + timedelta(minutes=said)) if word else None
    decision = decide_approval(given, asked, NOW + timedelta(minutes=minutes))
    assert type(decision) is expected
    assert not isinstance(decision, GoBack) or not decision.at_fault


@pytest.mark.parametrize(
    ("verdict", "looks", "expected"),
    [
        (Passed("fine"), 1, Proceed),
        (Failed("worse"), 1, Stop),
        (Inconclusive("few"), 1, LookAgain(300, "look 1 of 5: few")),
        (Inconclusive("few"), 4, LookAgain(300, "look 4 of 5: few")),
        (Inconclusive("few"), 5, Doubt("after 5 looks over 25 minutes: few")),
    ],
)
def test_only_doubt_is_looked_at_again_and_only_so_often(verdict: Verdict, looks: int, expected: Any) -> None:
    decision = decide_shift_analysis(verdict, looks, window_minutes=5)
    assert decision == expected or type(decision) is expected


def test_the_looks_of_a_release_are_counted_beforehand() -> None:
    assert (looks_planned(10), looks_planned(0), looks_planned(2, 3)) == (50, 5, 6)


BEFORE = {"production": {"blue": 100, "green": 0}}
SEEN = ServiceSeen(NEW, "ecs-svc/8", 4, 4, {"production": {"blue": 0, "green": 100}}, {"healthy": 4})


@pytest.mark.parametrize(
    ("expected", "changes", "now", "kind", "missing"),
    [
        pytest.param(Expected(NEW, rules_shifted=("production",)), {}, NOW, Verified, (), id="as it should be"),
        pytest.param(Expected(OLD), {}, NOW, NotYet, ("the service has web:8, not web:7",), id="another revision"),
        pytest.param(Expected(NEW), {"running": 3}, NOW, NotYet, ("3 of 4 tasks run",), id="a task is missing"),
        pytest.param(Expected(NEW), {"running": 3}, LATER, Wrong, ("3 of 4 tasks run",), id="still missing"),
        pytest.param(Expected(NEW), {"deployments": 2}, NOW, NotYet, ("2 deployments are still there",), id="two"),
        pytest.param(
            Expected(NEW),
            {"targets": {"healthy": 3, "unhealthy": 1}},
            NOW,
            NotYet,
            ("targets are unhealthy (1)",),
            id="t",
        ),
        pytest.param(
            Expected(NEW),
            {"targets": {"healthy": 3}},
            NOW,
            NotYet,
            ("3 of 4 targets are healthy",),
            id="targets missing",
        ),
        pytest.param(Expected(NEW), {"targets": {"healthy": 4, "draining": 4}}, NOW, Verified, (), id="old ones drain"),
        pytest.param(
            Expected(NEW, rules_shifted=("production",)),
            {"weights": {"production": {"blue": 95, "green": 5}}},
            NOW,
            NotYet,
            ("the weights at production are blue 95, green 5, not all on one side",),
            id="half-way",
        ),
        pytest.param(
            Expected(NEW, BEFORE),
            {},
            LATER,
            Wrong,
            ("the weights at production are blue 0, green 100, not blue 100, green 0",),
            id="the recorded weights are not back",
        ),
        pytest.param(Expected(NEW, BEFORE), {"weights": {}}, NOW, NotYet, None, id="the rule cannot be seen"),
        pytest.param(
            Expected(NEW, {"production": {"blue": 0, "green": 1}}),
            {},
            NOW,
            Verified,
            (),
            id="the same, as 1 and 0",
        ),
        pytest.param(
            Expected(NEW, {"production": {"green": 1}}), {}, NOW, Verified, (), id="the same, one side left out"
        ),
        pytest.param(
            Expected(NEW, {"production": {"blue": 1, "green": 9}}),
            {"weights": {"production": {"blue": 10, "green": 90}}},
            NOW,
            Verified,
            (),
            id="the same shares, of another sum",
        ),
        pytest.param(
            Expected(NEW, {"production": {"blue": 1, "green": 1}}),
            {"weights": {"production": {"blue": 1, "green": 2}}},
            NOW,
            NotYet,
            ("the weights at production are blue 1, green 2, not blue 1, green 1",),
            id="other shares",
        ),
        pytest.param(
            Expected(NEW, {"production": {"blue": 1}}),
            {"weights": {"production": {"blue": 1, "red": 1}}},
            NOW,
            NotYet,
            ("the weights at production are blue 1, red 1, not blue 1",),
            id="somebody else's side has a share",
        ),
        pytest.param(
            Expected(NEW, {"production": {"blue": 1}}),
            {"weights": {"production": {"blue": 0}}},
            NOW,
            NotYet,
            ("the weights at production are blue 0, not blue 1",),
            id="no side has any",
        ),
    ],
)
def test_a_service_is_verified_or_what_is_missing_is_told(
    expected: Expected, changes: dict[str, Any], now: datetime, kind: type[OutcomeDecision], missing: Any
) -> None:
    decision = decide_outcome(expected, replace(SEEN, **changes), now, LATER)
    assert type(decision) is kind
    if missing is not None and not isinstance(decision, Verified):
        assert decision.missing == missing


SHARES = (Share("production", "blue", 100), Share("production", "green", 0))
ADMITTED = Release("arn:x", "prod/web", Stage.ADMITTED, Mode.ACT, NOW, task_definition=NEW, token=1)
BEGUN = replace(
    ADMITTED,
    stage=Stage.FORWARD,
    strategy="BLUE_GREEN",
    intended_at=NOW,
    service_deployment=ARN,
    before=Before(OLD, "ecs-svc/7", 4, SHARES),
)
ATTENDED = replace(BEGUN, intended_at=None, attended=True)
STANDING = replace(SEEN, task_definition=OLD, deployment="ecs-svc/7")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        pytest.param("ECS deployment circuit breaker: 3 tasks failed to start.", True, id="the circuit breaker"),
        pytest.param(
            "Service deployment rolled back because the Circuit Breaker threshold was exceeded.", True, id="case"
        ),
        pytest.param("ECS deployment failed: alarm(s) detected.", False, id="an alarm"),
        pytest.param("Service deployment was stopped.", False, id="a person"),
        pytest.param("", False, id="no reason"),
    ],
)
def test_only_what_counts_tasks_of_the_revision_says_that_it_is_bad(reason: str, expected: bool) -> None:
    assert speaks_of_the_revision(reason) is expected


@pytest.mark.parametrize(
    ("begun", "deployment", "service", "expected"),
    [
        pytest.param(ADMITTED, None, STANDING, NothingBegun, id="before the deployment"),
        pytest.param(
            replace(BEGUN, service_deployment=None), None, STANDING, NothingBegun, id="UpdateService never came"
        ),
        pytest.param(replace(BEGUN, service_deployment=None), None, SEEN, Redeploy, id="it came, its answer did not"),
        pytest.param(replace(BEGUN, service_deployment=None), None, None, HandOver, id="nothing can be read"),
        pytest.param(
            replace(BEGUN, service_deployment=None),
            None,
            replace(SEEN, task_definition="web:9"),
            HandOver,
            id="somebody else deployed",
        ),
        pytest.param(replace(BEGUN, before=None), a_deployment(), SEEN, HandOver, id="nothing was recorded"),
        pytest.param(BEGUN, a_deployment("PENDING"), SEEN, StopDeployment, id="pending"),
        pytest.param(BEGUN, a_deployment(), SEEN, StopDeployment, id="in progress"),
        pytest.param(ATTENDED, a_deployment(), SEEN, StopDeployment, id="attended"),
        pytest.param(BEGUN, a_deployment("ROLLBACK_IN_PROGRESS"), SEEN, WatchReturn, id="on its way back"),
        pytest.param(BEGUN, a_deployment("ROLLBACK_SUCCESSFUL"), STANDING, WatchReturn, id="back already"),
        pytest.param(BEGUN, a_deployment("ROLLBACK_FAILED"), SEEN, WatchReturn, id="the way back failed"),
        pytest.param(BEGUN, a_deployment("STOPPED"), SEEN, HandOver, id="superseded"),
        pytest.param(BEGUN, a_deployment("SUCCESSFUL"), SEEN, Redeploy, id="through"),
        pytest.param(
            BEGUN,
            a_deployment("SUCCESSFUL"),
            replace(SEEN, task_definition="web:9"),
            HandOver,
            id="through and replaced",
        ),
        pytest.param(BEGUN, a_deployment("SUCCESSFUL"), None, HandOver, id="through, and nothing can be read"),
    ],
)
def test_the_way_back_uses_the_least_force(
    begun: Release, deployment: DeploymentSeen | None, service: ServiceSeen | None, expected: type
) -> None:
    assert type(decide_return(begun, deployment, service)) is expected


@pytest.mark.parametrize("begun", [BEGUN, ATTENDED], ids=["ours", "attended"])
def test_what_waits_at_a_hook_is_told_to_go_back_there(begun: Release) -> None:
    decision = decide_return(begun, a_deployment(), SEEN, hook="h1")
    assert isinstance(decision, RefuseAtHook)
    assert decision.hook == "h1"


def test_whatever_the_state_the_way_back_never_touches_what_is_not_ours_and_verifies_what_was_recorded() -> None:
    services = (None, SEEN, STANDING, replace(SEEN, task_definition="web:9"))
    for status, service, one, hook in itertools.product(STATUSES, services, (BEGUN, ATTENDED), (None, "h1")):
        decision = decide_return(one, a_deployment(status), service, hook)
        assert decision.reason
        if isinstance(decision, RefuseAtHook | StopDeployment):
            assert status not in OVER
            assert decision.service_deployment == ARN
        if isinstance(decision, Redeploy):
            assert service is not None
            assert (service.task_definition, decision.task_definition) == (NEW, OLD)
            assert decision.fence == service.deployment
        assert not isinstance(decision, NothingBegun)
        assert (status in ROLLED_BACK) is (isinstance(decision, WatchReturn) and decision.over)
    assert as_it_should_be(replace(BEGUN, stage=Stage.RETURNING)) == Expected(OLD, BEFORE)
