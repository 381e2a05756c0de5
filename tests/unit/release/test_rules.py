"""The compiled policy as what a release is judged by."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from breakwater.attending import is_attended
from breakwater.checks import HttpCheck, TaskCheck
from breakwater.checks.spec import (
    BodyAssertion,
    Header,
    MetricAnalysis,
    Operator,
    QuantileBound,
    SecretHeader,
    StatusRange,
)
from breakwater.compiled import Compiled, ServiceRules, loaded
from breakwater.model import Mode
from breakwater.policies import CheckPolicy, OnDoubt, ReleasePolicy
from breakwater.policy import compile_policy, read_policy
from breakwater.release_rules import RulesError, release_policy

HTTP = {"path": "/health", "expected_status": [200, 204], "timeout_seconds": 60, "sample": {"needed": 2, "attempts": 5}}


def ruled(*checks: tuple[str, Any], mode: Mode = Mode.ACT, stack: Mode = Mode.ACT, **more: Any) -> Any:
    said = tuple(CheckPolicy(f"c{number}", kind, json.dumps(spec)) for number, (kind, spec) in enumerate(checks))
    rules = ServiceRules("prod/*", release=ReleasePolicy(mode=mode, **more), checks=said)
    return release_policy(Compiled(services=(rules,)), "prod", "web", stack)


def test_each_kind_of_check_becomes_what_judges_it() -> None:
    policy = ruled(("http", HTTP), ("task", {"command": ["migrate"]}), ("metrics", {"minimum_requests": 50}))
    http, task = policy.checks
    assert isinstance(http, HttpCheck)
    assert [str(one) for one in http.expected_status] == ["200", "204"]
    assert isinstance(task, TaskCheck)
    assert policy.analysis.minimum_requests == 50


def test_a_deadline_that_attempts_would_break_is_stretched() -> None:
    [check] = ruled(("http", HTTP)).checks
    assert check.sample.deadline_seconds >= check.sample.time_for(60)


def test_a_secret_is_named_and_never_held() -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop-AbC12d"
    [check] = ruled(("http", {**HTTP, "secret_headers": [{"name": "Authorization", "secret_arn": arn}]})).checks
    assert check.headers == (SecretHeader("Authorization", arn),)


@pytest.mark.parametrize(("stack", "mode"), [(Mode.OFF, Mode.OFF), (Mode.OBSERVE, Mode.OBSERVE), (Mode.ACT, Mode.ACT)])
def test_the_stack_bounds_what_the_document_says(stack: Mode, mode: Mode) -> None:
    assert ruled(stack=stack).mode is mode


def test_a_service_that_no_entry_names_is_observed() -> None:
    assert release_policy(Compiled(), "prod", "web", Mode.ACT).mode is Mode.OBSERVE


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(("http", {"path": "no slash", "expected_status": [200]}), id="a path that is none"),
        pytest.param(("http", {"path": "/"}), id="no status could pass"),
        pytest.param(("ping", {}), id="a kind that is not known"),
        pytest.param(("task", {"timeout_seconds": 1}), id="no time at all"),
    ],
)
def test_a_check_that_cannot_be_made_is_named(check: tuple[str, Any]) -> None:
    with pytest.raises(RulesError, match="the check c0"):
        ruled(check)


def test_two_analyses_are_one_too_many() -> None:
    with pytest.raises(RulesError, match="look at metrics"):
        ruled(("metrics", {}), ("metrics", {}))


WHOLE = """\
version: 1
services:
  - match: prod/web
    release:
      mode: act
      on_doubt: roll_back
      settle_minutes: 30
      allowed_hosts: [status.example.com, "http://probe.example.com:8080"]
      allowed_networks: [10.20.0.0/16]
    checks:
      - name: home
        http:
          path: /health?deep=1
          target: status.example.com
          method: POST
          body: '{"ping": 1}'
          headers: {X-From: breakwater}
          secret_headers:
            - {name: Authorization, secret_arn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:a-AbC", prefix: "Bearer "}
          expected_status: [200, 301-399]
          assertions:
            - {path: $.status, operator: one_of, value: [ok, fine]}
            - {path: "$.checks[0]['a b']", operator: at_least, value: 0.5}
            - {path: $.error, operator: absent}
          redirects: 2
      - name: compared
        metrics: {false_alarm_rate: 0.05, tolerated_increase: 0.01, quantiles: [{percentile: 95, ratio: 3, floor_ms: 20}]}
"""  # noqa: E501  a document is as wide as people write it


def test_all_that_a_document_can_say_of_a_release_reaches_what_judges_it() -> None:
    compiled = compile_policy(read_policy(WHOLE), "arn:{}", Compiled(), datetime(2026, 4, 14, tzinfo=UTC))
    policy = release_policy(loaded(compiled.dumped()), "prod", "web", Mode.ACT)
    assert (policy.on_doubt, policy.settle_minutes) == (OnDoubt.ROLL_BACK, 30)
    assert policy.hosts == ("https://status.example.com", "http://probe.example.com:8080")
    assert policy.networks == ("10.20.0.0/16",)
    assert policy.analysis == MetricAnalysis(
        "compared", false_alarm_rate=0.05, tolerated_increase=0.01, quantiles=(QuantileBound(0.95, 3, 20),)
    )
    [check] = policy.checks
    assert check == HttpCheck(
        "home",
        "/health?deep=1",
        target="https://status.example.com",
        method="POST",
        body='{"ping": 1}',
        headers=(
            Header("X-From", "breakwater"),
            SecretHeader(
                "Authorization", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:a-AbC", prefix="Bearer "
            ),
        ),
        expected_status=(StatusRange(200, 200), StatusRange(301, 399)),
        assertions=(
            BodyAssertion("$.status", Operator.ONE_OF, ("ok", "fine")),
            BodyAssertion("$.checks[0]['a b']", Operator.AT_LEAST, 0.5),
            BodyAssertion("$.error", Operator.ABSENT),
        ),
        redirects=2,
    )


@pytest.mark.parametrize("stage", ["POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRE_SCALE_UP"])
@pytest.mark.parametrize("kind", ["http", "task", "metrics", None])
def test_who_is_paged_for_a_hook_agrees_with_who_answers_it(kind: str | None, stage: str) -> None:
    checks = (CheckPolicy("c", kind, json.dumps(HTTP if kind == "http" else {})),) if kind else ()
    for mode in Mode:
        said = Compiled(services=(ServiceRules("prod/web", release=ReleasePolicy(mode=mode), checks=checks),))
        answered = is_attended(release_policy(said, "prod", "web", Mode.ACT), stage)
        assert said.attends("prod", "web", stage) is answered
