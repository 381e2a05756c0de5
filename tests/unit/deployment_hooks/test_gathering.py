"""What a hook looks up, and what it makes of answers that lack something."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from breakwater import aws
from breakwater.addresses import Origin
from breakwater.approvals import Approvals
from breakwater.attendance import read_direction
from breakwater.attending import Direction
from breakwater.checks import Header, HttpCheck, MetricAnalysis, Passed, QuantileBound, SecretHeader
from breakwater.compiled import Compiled
from breakwater.errors import BreakwaterError, RefusedError, SettingsError
from breakwater.model import Mode
from breakwater.preflight import Refuse, Warn
from breakwater.preflight_reads import read_service
from breakwater.reach import reach_of
from breakwater.release_policy import ReleasePolicy
from breakwater.rendezvous import Word
from breakwater.secret_headers import read_secret
from deployment_hooks import wiring as hook_wiring
from deployment_hooks.gathering import look, preflight
from deployment_hooks.payload import HookCall
from tests.fakes.aws import BALANCED, ELB, ONE, TWO, balanced, metrics, rule, rules
from tests.fakes.table import FakeTable
from tests.unit.deployment_hooks.house import DEPLOYMENT, GREEN

NOW = datetime(2026, 4, 14, 7, 31, 30, tzinfo=UTC)
CALL = HookCall("POST_TEST_TRAFFIC_SHIFT", DEPLOYMENT, "", "111122223333", "eu-central-1", "prod", "web", GREEN)
SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:smoke-AbCdEf"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param([{"status": "IN_PROGRESS"}], Direction.FORWARD, id="in progress"),
        pytest.param([{"status": "ROLLBACK_IN_PROGRESS"}], Direction.BACK, id="rolling back"),
        pytest.param([{"status": "ROLLBACK_REQUESTED"}], Direction.BACK, id="asked to roll back"),
        pytest.param([{"status": "IN_PROGRESS", "rollback": {"reason": "x"}}], Direction.BACK, id="its rollback began"),
        pytest.param([], Direction.UNKNOWN, id="not there"),
    ],
)
def test_the_direction_is_that_of_the_deployment(answers: list[Any], expected: Direction) -> None:
    aws = balanced(describe_service_deployments={"serviceDeployments": answers})
    assert read_direction(aws, DEPLOYMENT) is expected


def test_a_direction_that_may_not_be_read_is_unknown() -> None:
    assert read_direction(balanced(), DEPLOYMENT) is Direction.UNKNOWN


def test_checks_reach_the_services_own_listeners_and_what_the_policy_allows() -> None:
    policy = ReleasePolicy(hosts=("https://status.example.com", "http://169.254.169.254"), networks=("10.0.0.0/16",))
    reach = reach_of(balanced(), read_service(balanced(), "prod", "web"), policy)
    production, test = (
        Origin(scheme, "shop-1.elb.amazonaws.com", port) for scheme, port in (("https", 443), ("http", 81))
    )
    assert reach.origins == {"production": production, "test": test}
    assert reach.allowed.origins == {production, test, Origin("https", "status.example.com", 443)}


def test_a_look_compares_the_side_that_ecs_gave_the_new_revision() -> None:
    aws = balanced(get_metric_data=metrics)
    seen = look(aws, CALL, MetricAnalysis(quantiles=(QuantileBound(0.5),)), NOW, NOW + timedelta(seconds=5), 1)
    assert isinstance(seen.verdict, Passed)
    assert seen.verdict.evidence["new_requests"] == 300
    asked = aws.made("get_metric_data")
    groups = [params["MetricDataQueries"][0]["MetricStat"]["Metric"]["Dimensions"][1]["Value"] for params in asked]
    assert groups == ["targetgroup/two/2", "targetgroup/one/1"]
    assert {params["StartTime"] for params in asked} == {NOW.replace(minute=26, second=0)}


def test_a_revision_whose_target_group_is_not_known_cannot_be_compared() -> None:
    aws = balanced(describe_service_revisions={"serviceRevisions": [{}]})
    with pytest.raises(BreakwaterError, match="not known"):
        look(aws, CALL, MetricAnalysis(), NOW, NOW, 1)


def test_the_preflight_of_a_deployment_under_way_does_not_mind_that_it_is_under_way() -> None:
    found = {finding.rule for finding in preflight(balanced(), CALL, ReleasePolicy(), "arn:aws:lambda:hook")}
    assert "task-definition" in found
    assert "other-deployment" not in found


def test_the_preflight_of_a_deployment_under_way_does_not_hold_up_the_cure_or_a_service_at_rest() -> None:
    settings = {"strategy": "CANARY", "alarms": {"alarmNames": ["errors"], "enable": True}}
    resting = {**BALANCED, "desiredCount": 0, "deploymentConfiguration": settings}
    alarms = {"MetricAlarms": [{"AlarmName": "errors", "StateValue": "ALARM"}]}
    aws = balanced(describe_services={"services": [resting]}, describe_alarms=alarms)
    found = [(type(one), one.rule) for one in preflight(aws, CALL, ReleasePolicy(), "arn:aws:lambda:hook")]
    assert {(Warn, "alarms"), (Warn, "desired")} <= set(found)
    assert not {(Refuse, "alarms"), (Refuse, "desired")} & set(found)


def test_a_check_that_cannot_be_made_is_no_reason_to_roll_back_every_deployment() -> None:
    policy = ReleasePolicy(checks=(HttpCheck("smoke", "/", target="production"),))  # an HTTPS listener, and no host
    found = [(type(one), one.rule) for one in preflight(balanced(), CALL, policy, "arn:aws:lambda:hook")]
    assert (Warn, "certificate") in found
    assert (Refuse, "certificate") not in found


SMOKE = HttpCheck("smoke", "/")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({}, None, id="the test rule leads to the new side"),
        pytest.param({"d": rule("d", "e", ONE)}, "the test rule leads to one", id="the test rule leads to the old one"),
    ],
)
def test_a_test_rule_that_leads_to_the_old_side_tests_nothing(changes: dict[str, Any], said: str | None) -> None:
    aws = balanced(describe_rules=rules(**changes))
    why = reach_of(aws, read_service(aws, "prod", "web"), ReleasePolicy()).astray(SMOKE)
    assert (why or "").startswith(said or "")
    assert (why is None) == (said is None)


def test_once_it_is_through_both_listeners_may_lead_to_one_side() -> None:
    through = {**BALANCED, "deployments": [{"id": "ecs-svc/8", "status": "PRIMARY", "rolloutState": "COMPLETED"}]}
    aws = balanced(describe_services={"services": [through]}, describe_rules=rules(b=rule("b", "c", TWO)))
    assert reach_of(aws, read_service(aws, "prod", "web"), ReleasePolicy()).astray(SMOKE) is None


def test_a_test_rule_on_the_production_listener_is_not_taken_for_a_test_listener() -> None:
    """One listener, and who has the header comes to the new side. The check has none, so blue would answer it."""
    canary = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Canary", "Values": ["1"]}}
    shared = {
        **BALANCED,
        "loadBalancers": [
            {
                **BALANCED["loadBalancers"][0],
                "advancedConfiguration": {
                    **BALANCED["loadBalancers"][0]["advancedConfiguration"],
                    "testListenerRule": f"{ELB}listener-rule/app/shop/a/b/e",
                },
            }
        ],
    }
    test = {**rule("b", "e", TWO), "Priority": "1", "Conditions": [canary]}
    default = {**rule("b", "c", ONE), "Priority": "default"}
    aws = balanced(describe_services={"services": [shared]}, describe_rules={"Rules": [default, test]})
    reach = reach_of(aws, read_service(aws, "prod", "web"), ReleasePolicy())
    why = reach.astray(SMOKE)
    assert why is not None
    assert "does not meet http-header X-Canary" in why
    assert reach.astray(HttpCheck("smoke", "/", headers=(Header("x-canary", "1"),))) is None


@pytest.mark.parametrize(
    ("held", "key", "expected"),
    [("token", None, "token"), (json.dumps({"a": "token"}), "a", "token"), ("token", "a", None), ("{}", "a", None)],
)
def test_a_secret_is_read_or_its_absence_told_without_it(held: str, key: str | None, expected: str | None) -> None:
    aws, header = balanced(get_secret_value={"SecretString": held}), SecretHeader("Authorization", SECRET, key)
    if expected is not None:
        assert read_secret(lambda: aws, header) == expected
        return
    with pytest.raises(BreakwaterError) as caught:
        read_secret(lambda: aws, header)
    assert held not in str(caught.value)


def test_a_secret_that_may_not_be_read_is_refused() -> None:
    with pytest.raises(RefusedError):
        read_secret(balanced, SecretHeader("Authorization", SECRET))


def test_an_abort_is_the_last_word() -> None:
    approvals = Approvals(FakeTable())
    assert approvals.read(DEPLOYMENT) is None
    assert approvals.give(DEPLOYMENT, "aborted", "ann", NOW)
    assert not approvals.give(DEPLOYMENT, "approved", "bob", NOW)
    assert approvals.read(DEPLOYMENT) == Word("aborted", "ann", NOW)
    with pytest.raises(ValueError, match="neither"):
        approvals.give(DEPLOYMENT, "perhaps", "ann", NOW)


def test_an_approval_may_be_given_again_and_followed_by_an_abort() -> None:
    approvals, later = Approvals(FakeTable()), NOW + timedelta(minutes=5)
    assert approvals.give(DEPLOYMENT, "approved", "ann", NOW)
    assert not approvals.give(DEPLOYMENT, "approved", "bob", later, asked=NOW)
    assert approvals.give(DEPLOYMENT, "approved", "bob", later, asked=later)
    word = approvals.read(DEPLOYMENT)
    assert word is not None
    assert (word.approves(later), word.approves(later + timedelta(seconds=1))) == (True, False)
    assert word.message(DEPLOYMENT).id != Word("approved", "ann", NOW).message(DEPLOYMENT).id
    assert approvals.give(DEPLOYMENT, "aborted", "cid", later)
    assert not approvals.give(DEPLOYMENT, "aborted", "dan", later)


class Unwritten:
    """No policy was ever pushed."""

    def __init__(self, *args: object) -> None:
        pass

    def current(self, now: datetime) -> Compiled:
        return Compiled()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    hook_wiring.wiring.cache_clear()
    monkeypatch.setenv("TABLE_NAME", "table")
    monkeypatch.setenv("INCIDENT_TOPIC_ARN", "arn:aws:sns:eu-central-1:111122223333:incidents")
    monkeypatch.setenv("STACK_NAME", "breakwater")
    monkeypatch.setenv("STATE_MACHINE_ARN", "arn:aws:states:eu-central-1:111122223333:stateMachine:release")
    monkeypatch.setattr(hook_wiring, "PolicyReader", Unwritten)
    yield
    hook_wiring.wiring.cache_clear()


@pytest.mark.parametrize(("mode", "expected"), [(None, Mode.OBSERVE), ("act", Mode.OBSERVE), ("off", Mode.OFF)])
def test_the_parts_go_together_and_observe_unless_told_otherwise(
    environment: None, monkeypatch: pytest.MonkeyPatch, mode: str | None, expected: Mode
) -> None:
    if mode is not None:
        monkeypatch.setenv("MODE", mode)
    assert hook_wiring.wiring().policy("prod", "web").mode is expected


def test_no_read_of_the_hook_is_made_for_comfort(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client for comfort gives up after two tries: one throttle would be a doubt, and a person asked for nothing."""
    asked: list[str] = []

    class Throttled:
        def __getattr__(self, name: str) -> Callable[..., None]:
            def call(**params: object) -> None:
                raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, name)

            return call

    def steady(service: str) -> Throttled:
        asked.append(service)
        return Throttled()

    monkeypatch.setattr(aws, "steady", steady)
    monkeypatch.setattr(aws, "client", lambda service: pytest.fail(f"{service} was asked for comfort"))
    means = hook_wiring.wiring()
    assert means.direction(CALL.deployment) is Direction.UNKNOWN
    for read in (
        lambda: means.preflight(CALL, "arn:aws:lambda:eu-central-1:111122223333:function:hook"),
        lambda: means.probe(CALL),
        lambda: means.compare(CALL, 1, NOW, NOW),
    ):
        with pytest.raises(BreakwaterError):
            read()
    assert set(asked) == {"ecs"}


def test_a_missing_variable_is_named(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(os.environ, "TABLE_NAME")
    with pytest.raises(SettingsError, match="TABLE_NAME"):
        hook_wiring.wiring()
