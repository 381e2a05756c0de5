"""Each reason not to begin a release is found, says why and what to do; what is not known is never fine."""

from dataclasses import replace
from typing import Any

import pytest

from breakwater.addresses import Origin
from breakwater.checks import HttpCheck, MetricAnalysis, TaskCheck
from breakwater.listener_rules import Condition, ListenerRule, Road
from breakwater.preflight import Ok, Refuse, Warn, examine, refused, stages_wanted
from breakwater.preflight_facts import (
    Binding,
    ContainerFacts,
    DefinitionFacts,
    Hook,
    ImageFacts,
    ServiceFacts,
    Snapshot,
    TargetGroupFacts,
    Unknown,
    image_reference,
)
from breakwater.preflight_tasks import PARAMETER, task_checks
from breakwater.release_policy import ReleasePolicy

ECR = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/web"
DIGEST = "sha256:" + "a" * 64
PINNED = f"{ECR}:1.4@{DIGEST}"
BLUE, GREEN = (f"arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/{name}/1" for name in ("b", "g"))
SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-AbCdEf"
BINDING = Binding("web", 8080, BLUE, GREEN, "rule/production", "rule/test")
PAUSE = Hook(frozenset({"POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT"}), "PAUSE")
SERVICE = ServiceFacts(
    "prod",
    "web",
    strategy="CANARY",
    desired=4,
    hooks=(PAUSE,),
    bindings=(BINDING,),
    subnets=("s1", "s2"),
    alarms=("5xx",),
)
WEB = ContainerFacts("web", PINNED, frozenset({8080}), (SECRET,))
DEFINITION = DefinitionFacts("arn:aws:ecs:eu-central-1:111122223333:task-definition/web:8", containers=(WEB,))
POLICY = ReleasePolicy(checks=(HttpCheck("health", "/health"),), analysis=MetricAnalysis())
GOOD = Snapshot(
    SERVICE,
    DEFINITION,
    images={PINNED: ImageFacts(DIGEST)},
    target_groups={BLUE: TargetGroupFacts(), GREEN: TargetGroupFacts()},
    secrets={SECRET: True},
    free_addresses={"s1": 10, "s2": 10},
    alarms={"5xx": "OK"},
)
NATIVE = "arn:aws:lambda:eu-central-1:111122223333:function:breakwater-hook"
STRICT = replace(POLICY, forbid_mutable_images=True)


def service(**changes: Any) -> Snapshot:
    return replace(GOOD, service=replace(SERVICE, **changes))


NLB = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener/net/shop/a1/b2"
STRAYS = ("check-route", "does not meet http-header X-Canary of the service's own rule")


def rule(*conditions: Condition) -> ListenerRule:
    return ListenerRule("rule/test", "1", conditions)


def road(which: str, *rules: ListenerRule, scheme: str = "http") -> Snapshot:
    listener = Origin(scheme, "shop-1.elb.amazonaws.com", 80)
    return replace(GOOD, roads={which: Road(listener, frozenset({"rule/test"}), (*rules, ListenerRule("default")))})


def container(policy_image: str | None = None, facts: Any = None, **changes: Any) -> Snapshot:
    image = policy_image or PINNED
    definition = replace(DEFINITION, containers=(replace(WEB, image=image, **changes),))
    return replace(GOOD, definition=definition, images={image: facts or ImageFacts(DIGEST)})


def test_a_service_that_is_ready_is_only_praised() -> None:
    findings = examine(GOOD, POLICY)
    assert all(isinstance(finding, Ok) for finding in findings), [f for f in findings if not isinstance(f, Ok)]
    assert len(findings) >= 15


REFUSED = {
    "another release": (replace(GOOD, other_release="release r-17 since 10:05"), "other-release", "r-17"),
    "quarantined": (replace(GOOD, quarantined="rolled back at 10:05"), "quarantine", "rolled back"),
    "no service": (replace(GOOD, service=Unknown("AccessDenied")), "service", "AccessDenied"),
    "draining": (service(status="DRAINING"), "service", "DRAINING"),
    "CodeDeploy": (service(controller="CODE_DEPLOY"), "controller", "CODE_DEPLOY"),
    "external": (service(controller="EXTERNAL"), "controller", "EXTERNAL"),
    "daemon": (service(scheduling="DAEMON"), "controller", "DAEMON"),
    "in progress": (service(deployment_in_progress="ecs-svc/7"), "other-deployment", "ecs-svc/7"),
    "no tasks wanted": (service(desired=0), "desired", "no tasks"),
    "no hooks": (service(hooks=()), "hooks", "POST_TEST_TRAFFIC_SHIFT and PRE_PRODUCTION_TRAFFIC_SHIFT"),
    "somebody else's function at the hook": (
        service(hooks=(replace(PAUSE, target_type="AWS_LAMBDA", target_arn=NATIVE),)),
        "hooks",
        "POST_TEST_TRAFFIC_SHIFT and",
    ),
    "no test listener": (service(bindings=(replace(BINDING, test_rule=None),)), "test-listener", "test listener"),
    "no load balancer": (service(bindings=()), "test-listener", "test listener"),
    "alarm": (replace(GOOD, alarms={"5xx": "ALARM"}), "alarms", "5xx fired"),
    "no definition": (replace(GOOD, definition=None), "task-definition", "no such"),
    "unreadable definition": (replace(GOOD, definition=Unknown("Throttling")), "task-definition", "Throttling"),
    "inactive definition": (
        replace(GOOD, definition=replace(DEFINITION, status="INACTIVE")),
        "task-definition",
        "web:8",
    ),
    "no image": (container(facts=ImageFacts(None)), "image", "does not exist"),
    "no secret": (replace(GOOD, secrets={SECRET: False}), "secrets", "1 of 1"),
    "container": (service(bindings=(replace(BINDING, container="app"),)), "container", "app"),
    "port": (container(ports=frozenset({80, 443})), "port", "80, 443"),
    "no target group": (replace(GOOD, target_groups={BLUE: TargetGroupFacts(), GREEN: None}), "target-group", "g does"),
    "target type": (
        replace(GOOD, target_groups={BLUE: TargetGroupFacts(), GREEN: TargetGroupFacts("instance")}),
        "target-type",
        "awsvpc",
    ),
    "health path": (replace(GOOD, target_groups={BLUE: TargetGroupFacts(health_path="x")}), "health-check", "path"),
    "addresses": (replace(GOOD, free_addresses={"s1": 1, "s2": 2}), "addresses", "3 free"),
    "capacity": (replace(GOOD, room=3), "capacity", "3 more"),
    "a Network Load Balancer": (
        service(bindings=(replace(BINDING, production_rule=NLB, test_rule=NLB.replace("b2", "c3")),)),
        "listener",
        "Network Load Balancer",
    ),
    "steps that outlast the execution": (
        service(strategy="LINEAR", steps=34, step_bake_minutes=120, bake_minutes=60),
        "duration",
        "34 steps and bakes take 67 hours, and a release has 30 hours",
    ),
    "a check that another rule takes": (road("test", rule(Condition("http-header", ("1",), "X-Canary"))), *STRAYS),
    "HTTPS by the balancer's name": (road("test", rule(), scheme="https"), "certificate", "load balancer's own name"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_reason_not_to_begin_is_found(what: str) -> None:
    snapshot, rule, said = REFUSED[what]
    found = refused(examine(snapshot, POLICY))
    assert [finding.rule for finding in found if finding.rule == rule]
    assert any(said in finding.reason for finding in found)


WARNED = {
    "alarm unknown": (replace(GOOD, alarms={}), "alarms"),
    "image unknown": (container(facts=Unknown("AccessDenied")), "image"),
    "image of another registry": (container("nginx@" + DIGEST, Unknown("not in ECR")), "image"),
    "movable tag": (container(f"{ECR}:1.4", ImageFacts(DIGEST, mutable=True)), "image-tag"),
    "latest": (container(f"{ECR}:latest"), "image-tag"),
    "no tag": (container(ECR), "image-tag"),
    "mutability unknown": (container(f"{ECR}:1.4", ImageFacts(DIGEST, Unknown("AccessDenied"))), "image-tag"),
    "secret unknown": (replace(GOOD, secrets={}), "secrets"),
    "addresses unknown": (replace(GOOD, free_addresses={"s1": 9}), "addresses"),
    "room unknown": (replace(GOOD, room=Unknown("Throttling")), "capacity"),
    "target group unknown": (replace(GOOD, target_groups={BLUE: Unknown("Throttling")}), "target-group"),
    "a start that outlasts the patience": (container(start_seconds=90), "grace"),
    "steps that take a day": (service(strategy="LINEAR", steps=13, step_bake_minutes=120), "duration"),
    "a rule for some callers": (road("test", rule(Condition("source-ip", ("10.0.0.0/8",)))), "check-route"),
    "listeners unread": (replace(GOOD, roads=Unknown("Throttling")), "check-route"),
    "a hook that lets go": (service(hooks=(replace(PAUSE, on_timeout="CONTINUE"),)), "hook-timeout"),
    "health check without a gap": (
        replace(GOOD, target_groups=dict.fromkeys([BLUE, GREEN], TargetGroupFacts(interval=20, timeout=20))),
        "health-check",
    ),
}


@pytest.mark.parametrize("what", WARNED)
def test_what_is_doubtful_or_unknown_is_said_and_does_not_refuse(what: str) -> None:
    snapshot, rule = WARNED[what]
    warned = [finding.rule for finding in examine(snapshot, POLICY) if isinstance(finding, Warn)]
    assert rule in warned


@pytest.mark.parametrize("image", [f"{ECR}:latest", ECR, f"{ECR}:1.4"])
def test_where_the_policy_forbids_movable_tags_they_are_refused(image: str) -> None:
    found = refused(examine(container(image, ImageFacts(DIGEST, mutable=True)), STRICT))
    assert [finding.rule for finding in found] == ["image-tag"]
    assert not refused(examine(container(f"{ECR}:1.4", ImageFacts(DIGEST, mutable=False)), STRICT))


def test_breakwaters_own_function_is_a_hook_like_one_that_pauses() -> None:
    hooks = (replace(PAUSE, target_type="AWS_LAMBDA", target_arn=NATIVE),)
    ours = replace(service(hooks=hooks), native_hook=NATIVE)
    assert not refused(examine(ours, POLICY))


def test_of_two_hooks_that_pause_at_one_stage_nobody_can_tell_which_is_breakwaters() -> None:
    gate = Hook(frozenset({"POST_TEST_TRAFFIC_SHIFT"}), "PAUSE")
    found = refused(examine(service(hooks=(PAUSE, gate)), POLICY))
    assert [finding.rule for finding in found] == ["hook-gate"]
    elsewhere = replace(gate, stages=frozenset({"PRE_SCALE_UP"}))
    assert not refused(examine(service(hooks=(PAUSE, elsewhere)), POLICY))


def test_one_that_pauses_beside_breakwaters_function_is_said_to_wait_for_a_person() -> None:
    ours = replace(PAUSE, target_type="AWS_LAMBDA", target_arn=NATIVE)
    both = replace(service(hooks=(PAUSE, ours)), native_hook=NATIVE)
    said = [finding for finding in examine(both, POLICY) if isinstance(finding, Warn)]
    assert {finding.rule for finding in said} == {"hook-gate"}
    assert not refused(examine(both, POLICY))


ROLE = "arn:aws:iam::111122223333:role/shop/web"
TASKS = ReleasePolicy(checks=(TaskCheck("migrations"),))


@pytest.mark.parametrize(
    ("policy", "roles", "names", "expected"),
    [
        pytest.param(POLICY, (), (ROLE,), None, id="no check runs as a task"),
        pytest.param(TASKS, (), (ROLE,), Refuse, id="the parameter is empty"),
        pytest.param(TASKS, (), (), Refuse, id="the parameter is empty and the task has no role"),
        pytest.param(TASKS, (ROLE,), (ROLE,), Ok, id="its role is named"),
        pytest.param(TASKS, ("arn:aws:iam::111122223333:role/shop/*",), (ROLE,), Ok, id="its role fits"),
        pytest.param(TASKS, ("arn:aws:iam::111122223333:role/web",), ("web",), Ok, id="its role is named by name"),
        pytest.param(TASKS, (ROLE,), (), Ok, id="it has no role"),
        pytest.param(TASKS, (ROLE,), (ROLE, f"{ROLE}-pull"), Refuse, id="its execution role is not named"),
        pytest.param(TASKS, ("arn:aws:iam::111122223333:role/we",), ("web",), Refuse, id="a name that begins alike"),
    ],
)
def test_checks_run_as_tasks_only_with_roles_that_the_stack_names(
    policy: ReleasePolicy, roles: tuple[str, ...], names: tuple[str, ...], expected: type | None
) -> None:
    found = [*task_checks(replace(DEFINITION, roles=names), policy, roles)]
    assert [type(one) for one in found] == ([expected] if expected else [])
    assert all(PARAMETER in one.remedy for one in found if isinstance(one, Refuse))


def test_an_alarm_warns_where_the_release_is_the_cure() -> None:
    findings = examine(replace(GOOD, alarms={"5xx": "ALARM"}), POLICY, despite_alarms=True)
    assert not refused(findings)
    assert [finding.rule for finding in findings if isinstance(finding, Warn)] == ["alarms"]


def test_a_quarantined_revision_may_be_tried_again_by_who_says_so() -> None:
    bad = replace(GOOD, quarantined="it was taken back at 10:05")
    (refusal,) = refused(examine(bad, POLICY))
    assert "--despite-quarantine" in refusal.remedy
    findings = examine(bad, POLICY, despite_quarantine=True)
    assert not refused(findings)
    assert [finding.rule for finding in findings if isinstance(finding, Warn)] == ["quarantine"]


def test_a_check_that_its_own_rule_takes_is_praised() -> None:
    findings = examine(road("test", rule(Condition("path-pattern", ("/health",)))), POLICY)
    assert [finding for finding in findings if isinstance(finding, Ok) and finding.rule == "check-route"]
    assert not refused(findings)


def test_the_checks_of_a_rolling_service_are_looked_at_by_the_production_listener() -> None:
    rolling = service(strategy="ROLLING", hooks=(), bindings=(Binding("web", 8080, BLUE),))
    elsewhere = road("production", rule(Condition("path-pattern", ("/cart/*",)))).roads
    assert [finding.rule for finding in refused(examine(replace(rolling, roads=elsewhere), POLICY))] == ["check-route"]


def test_a_rolling_service_needs_neither_hooks_nor_a_test_listener() -> None:
    rolling = service(strategy="ROLLING", hooks=(), bindings=(Binding("web", 8080, BLUE),))
    assert not refused(examine(rolling, POLICY))
    assert replace(SERVICE, strategy="ROLLING", maximum_percent=150).tasks_added == 2


@pytest.mark.parametrize(
    ("strategy", "stages"),
    [
        ("ROLLING", ()),
        ("BLUE_GREEN", ("POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT")),
        ("CANARY", ("POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT")),
        ("LINEAR", ("POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT")),
    ],
)
def test_the_stages_that_have_to_wait_follow_from_strategy_and_policy(strategy: str, stages: tuple[str, ...]) -> None:
    assert stages_wanted(replace(SERVICE, strategy=strategy), POLICY) == stages
    assert stages_wanted(replace(SERVICE, strategy=strategy), ReleasePolicy()) == ()


def test_a_refusal_for_want_of_hooks_brings_what_to_add() -> None:
    (finding,) = refused(examine(service(hooks=()), POLICY))
    assert isinstance(finding, Refuse)
    assert "LifecycleStages: [POST_TEST_TRAFFIC_SHIFT, PRE_PRODUCTION_TRAFFIC_SHIFT]" in finding.remedy
    assert "aws ecs update-service --cluster prod --service web" in finding.remedy
    assert '"targetType": "PAUSE"' in finding.remedy


def test_without_any_check_somebody_is_told() -> None:
    warned = [finding.rule for finding in examine(GOOD, ReleasePolicy()) if isinstance(finding, Warn)]
    assert warned == ["checks"]


@pytest.mark.parametrize(
    ("image", "registry", "repository", "tag", "digest"),
    [
        ("nginx", None, "nginx", None, None),
        ("nginx:1.27", None, "nginx", "1.27", None),
        ("library/nginx", None, "library/nginx", None, None),
        ("localhost:5000/app", "localhost:5000", "app", None, None),
        ("ghcr.io/a/b/c:v1", "ghcr.io", "a/b/c", "v1", None),
        (PINNED, ECR.partition("/")[0], "shop/web", "1.4", DIGEST),
        (f"{ECR}@{DIGEST}", ECR.partition("/")[0], "shop/web", None, DIGEST),
    ],
)
def test_the_name_of_an_image_is_taken_apart(
    image: str, registry: str | None, repository: str, tag: str | None, digest: str | None
) -> None:
    found = image_reference(image)
    assert (found.registry, found.repository, found.tag, found.digest) == (registry, repository, tag, digest)
    assert found.in_ecr is bool(registry and "ecr" in registry)
