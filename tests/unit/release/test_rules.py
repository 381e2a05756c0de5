"""The compiled policy as what a release is judged by."""

import json
from typing import Any

import pytest

from breakwater.checks import HttpCheck, TaskCheck
from breakwater.checks.spec import SecretHeader
from breakwater.compiled import Compiled, ServiceRules
from breakwater.model import Mode
from breakwater.policies import CheckPolicy, ReleasePolicy
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
