"""The rules of releases let through what a release waits for, and the machine is given what it names."""

import json
import re
from typing import Any

import pytest

from tests.template.bus import Event, an_event, an_exit
from tests.template.reading import ROOT, pointed_at, resources, rules_that_match, written

OURS = "DeploymentHooks"
CHECK = "breakwater-check:prod/web"
ELSEWHERE = {"account": "999988887777"}


def a_hook(name: str) -> Event:
    return an_event("ECS Hook State Change", {"eventName": name})


def a_deployment(name: str) -> Event:
    return an_event("ECS Deployment State Change", {"eventName": name})


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        pytest.param(a_hook("HOOK_AWAITING_ACTION"), "Waiting", id="a hook waits"),
        pytest.param(a_hook("HOOK_IN_PROGRESS"), None, id="a hook is called"),
        pytest.param(a_hook("HOOK_SUCCEEDED"), None, id="a hook was answered"),
        pytest.param(a_hook("HOOK_AWAITING_ACTION") | ELSEWHERE, None, id="another account's hook"),
        pytest.param(a_deployment("SERVICE_DEPLOYMENT_COMPLETED"), "Ended", id="a deployment completed"),
        pytest.param(a_deployment("SERVICE_DEPLOYMENT_FAILED"), "Ended", id="a deployment failed"),
        pytest.param(a_deployment("SERVICE_DEPLOYMENT_IN_PROGRESS"), None, id="a deployment began"),
        pytest.param(a_deployment("SERVICE_DEPLOYMENT_FAILED") | ELSEWHERE, None, id="another account's deployment"),
        pytest.param(an_exit(0, group=CHECK), "Task", id="a check's task ended with 0"),
        pytest.param(an_exit(1, group=CHECK), "Task", id="a check's task ended with 1"),
        pytest.param(an_exit(0, group=CHECK, lastStatus="STOPPING"), None, id="a check's task still stops"),
        pytest.param(an_exit(0, group="service:web"), None, id="a service's task ended"),
        pytest.param(an_exit(0, group=CHECK) | ELSEWHERE, None, id="another account's check"),
    ],
)
def test_what_a_release_waits_for_comes_in_once(event: Event, rule: str | None) -> None:
    assert rules_that_match(event, OURS) == ([f"{OURS}{rule}Rule"] if rule else [])


def test_the_machine_is_given_what_it_names() -> None:
    machine: dict[str, Any] = resources("AWS::Serverless::StateMachine")["ReleaseStateMachine"]["Properties"]
    text = (ROOT / machine["DefinitionUri"]).read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(machine["DefinitionSubstitutions"])


def test_the_machine_invokes_its_steps_and_nothing_else() -> None:
    machine = resources("AWS::Serverless::StateMachine")["ReleaseStateMachine"]["Properties"]
    role = resources("AWS::IAM::Role")["ReleaseStateMachineRole"]["Properties"]
    [invoke] = [
        statement
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "lambda:InvokeFunction" in str(statement["Action"])
    ]
    steps = {name for name in pointed_at(machine["DefinitionSubstitutions"]) if name.endswith("Function")}
    assert pointed_at(invoke["Resource"]) == steps
    assert len(steps) == 5


def actions(function: str) -> set[str]:
    policies = resources("AWS::Serverless::Function")[function]["Properties"]["Policies"]
    return set(re.findall(r'"((?:ecs|iam|secretsmanager):\w+)"', json.dumps(policies)))


def test_what_changes_a_service_cannot_reach_it_and_what_reaches_it_cannot_change_it() -> None:
    changes = {"ecs:UpdateService", "ecs:ContinueServiceDeployment", "ecs:StopServiceDeployment"}
    functions = resources("AWS::Serverless::Function")
    reach = {name for name, body in functions.items() if "VpcConfig" in body["Properties"]}
    assert reach == {"ReleaseCheckFunction", "DeploymentHooksNativeFunction"}
    assert not any(actions(name) & changes for name in reach)
    assert changes <= actions("ReleaseMoveFunction")
    assert "ecs:RegisterTaskDefinition" not in json.dumps(written())


def test_a_rule_has_no_more_targets_than_eventbridge_allows() -> None:
    assert all(len(rule["Properties"]["Targets"]) <= 5 for rule in resources("AWS::Events::Rule").values())
