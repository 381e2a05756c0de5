"""The rollback guard in the real stack over the ECS model: what it undoes, what it leaves alone, and what it says."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.compiled import Compiled, ServiceRules
from breakwater.model import Mode
from breakwater.policies import GuardPolicy
from sandbox.ecs import rollouts
from sandbox.ecs.workloads import crash_after, crash_on_start, image_missing
from tests.sandbox.guarded import GUARD, SWEEP, Town
from tests.sandbox.policy_stack import GUARD_ACTS, put_in_force
from tests.thoroughness import deaths

HALTED = (ServiceRules("prod/w*", GuardPolicy(mode=Mode.ACT, halted=True)),)
OBSERVED = (ServiceRules("prod/web"),)
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


@pytest.fixture
def town() -> Iterator[Town]:
    made = Town()
    yield made
    made.close()


def a_bad_deployment(town: Town, number: int = 2) -> str:
    bad = town.revision(number, crash_on_start())
    town.deploy(bad)
    return bad


def test_a_deployment_that_crashes_is_stopped_once_told_and_verified(town: Town) -> None:
    town.service()
    a_bad_deployment(town)
    town.wait(30)
    assert (town.now_on, town.asked()) == ("web:1", ["StopServiceDeployment"])
    done = [outcome for decision, outcome in town.journal() if decision == "roll back"]
    assert sorted(done) == ["asked", "intended", "steady"]
    [body] = town.mails_about("rolled back by Breakwater (web:2)")
    assert "web:2 goes back to web:1" in " ".join(body.split())
    assert "Your infrastructure code still names web:2" in body
    assert len(town.mails_about("rolled back and steady")) == 1
    assert (town.sandbox.dead_letters, town.sandbox.lost) == ([], [])


def test_a_revision_that_crashes_after_its_deployment_completed_is_replaced_by_an_update(town: Town) -> None:
    town.service()
    town.deploy(town.revision(2, crash_after(240)))
    town.wait(60)
    assert (town.now_on, town.asked()) == ("web:1", ["UpdateService"])
    assert [each["state"] for each in town.ledger()["rollbacks"]] == ["steady"]


def test_in_observe_it_is_decided_journalled_and_told_and_nothing_is_changed() -> None:
    town = Town(Mode="observe")
    try:
        town.service()
        a_bad_deployment(town)
        town.wait(20)
        assert (town.now_on, town.asked()) == ("web:2", [])
        assert town.journal() == [("roll back", "observed")]
        [body] = town.mails_about("a rollback would help")
        assert "would have gone back to web:1" in " ".join(body.split())
    finally:
        town.close()


def test_the_kill_switch_holds_and_says_so() -> None:
    town = Town(RollbackKillSwitch="on")
    try:
        town.service()
        a_bad_deployment(town)
        town.wait(20)
        assert (town.now_on, town.asked(), town.journal()) == ("web:2", [], [("hold halted", "not done")])
    finally:
        town.close()


@pytest.mark.parametrize(
    ("policy", "journal"),
    [
        pytest.param(None, ("roll back", "observed"), id="no document"),
        pytest.param(replace(GUARD_ACTS, services=HALTED), ("hold halted", "not done"), id="halted by the policy"),
        pytest.param(replace(GUARD_ACTS, services=OBSERVED), ("roll back", "observed"), id="observed by the policy"),
    ],
)
def test_in_a_stack_that_may_act_the_policy_says_whether_a_service_is_changed(
    policy: Compiled | None, journal: tuple[str, str]
) -> None:
    town = Town(policy)
    try:
        town.service()
        a_bad_deployment(town)
        town.wait(20)
        assert (town.now_on, town.asked(), town.journal()) == ("web:2", [], [journal])
    finally:
        town.close()


def test_a_policy_that_is_pushed_while_the_guard_is_warm_is_heeded_within_a_minute(town: Town) -> None:
    town.service()
    put_in_force(town.sandbox, replace(GUARD_ACTS, services=OBSERVED))
    town.wait(1)
    a_bad_deployment(town)
    town.wait(20)
    assert (town.now_on, town.asked()) == ("web:2", [])


@pytest.mark.parametrize(("value", "asked"), [("off", 0), ("observe", 0), ("nonsense", 0), ("act", 1)])
def test_a_tag_on_the_service_can_only_lower_the_mode(town: Town, value: str, asked: int) -> None:
    town.service(tags=[{"key": "breakwater:rollback_guard", "value": value}])
    a_bad_deployment(town)
    town.wait(10)
    assert len(town.asked()) == asked


def test_a_tag_cannot_arm_what_only_observes() -> None:
    town = Town(Mode="observe")
    try:
        town.service(tags=[{"key": "breakwater:rollback_guard", "value": "act"}])
        a_bad_deployment(town)
        town.wait(10)
        assert town.asked() == []
    finally:
        town.close()


def test_a_first_deployment_has_nothing_to_go_back_to(town: Town) -> None:
    town.ecs.create_service(
        cluster="prod", serviceName="web", taskDefinition=town.revision(1, crash_on_start()), desiredCount=4,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["s"], "securityGroups": ["g"]}},
    )  # fmt: skip
    town.wait(20)
    assert town.asked() == []
    assert ("hold no_target", "not done") in town.journal()
    assert town.mails_about("Breakwater does not roll it back") == []  # that it fails is told already (0046)


def test_a_target_whose_task_definition_is_inactive_is_not_used(town: Town) -> None:
    town.service()
    town.ecs.deregister_task_definition(taskDefinition="web:1")
    a_bad_deployment(town)
    town.wait(10)
    assert (town.asked(), town.journal()) == ([], [("hold no_target", "not done")])


def test_a_target_whose_image_is_gone_is_not_used(town: Town) -> None:
    town.service()
    town.revision(1)  # registers web:2 with the image of web:1; what matters is the image
    town.sandbox.ecs.faults.set_workload("111122223333.dkr.ecr.us-east-1.amazonaws.com/web:1", image_missing())
    bad = town.revision(3, crash_on_start())
    town.deploy(bad)
    town.wait(10)
    assert (town.asked(), town.journal()) == ([], [("hold no_target", "not done")])


def test_where_native_rollback_acts_at_the_same_moment_there_is_one_rollback(town: Town) -> None:
    """The circuit breaker trips right before the guard's call: StopServiceDeployment then simply goes on."""
    town.service(desired=2, deploymentConfiguration=BREAKER)
    a_bad_deployment(town)
    [cluster] = [each for each in town.sandbox.ecs.world.clusters.values() if each.name == "prod"]
    service = cluster.services["web"]

    def trip() -> None:
        rollouts.fail(town.sandbox.ecs.world, service, "tasks failed to start.", "circuit breaker", roll_back=True)

    with town.before_call("StopServiceDeployment", trip):
        town.wait(30)
    assert town.now_on == "web:1"
    assert [each.status for each in service.service_deployments] == ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"]


def test_a_rollback_that_fails_is_not_rolled_back_and_people_are_told(town: Town) -> None:
    town.service(deploymentConfiguration={"maximumPercent": 100, "minimumHealthyPercent": 0})
    bad = town.revision(2, crash_on_start())
    town.deploy(bad)
    town.sandbox.ecs.faults.set_workload("111122223333.dkr.ecr.us-east-1.amazonaws.com/web:1", crash_on_start())
    town.wait(36)
    assert town.asked() == ["StopServiceDeployment"]
    assert sum("New incident" in mail for mail in town.mails_about("the rollback did not help")) == 1


def test_a_bad_revision_that_is_deployed_again_is_announced_and_not_fought(town: Town) -> None:
    town.service()
    bad = a_bad_deployment(town)
    town.wait(30)
    town.deploy(bad)
    town.wait(20)
    assert town.asked() == ["StopServiceDeployment"]
    assert town.now_on == "web:2"
    assert ("hold quarantined", "not done") in town.journal()


def test_the_budget_of_a_day_is_kept(town: Town) -> None:
    town.service()
    for number in (2, 3, 4):
        a_bad_deployment(town, number)
        town.wait(40)
    assert len(town.asked()) == 2
    assert town.now_on == "web:4"
    assert ("hold budget", "not done") in town.journal()


def test_a_fix_that_is_deployed_between_decision_and_action_is_left_alone(town: Town) -> None:
    town.service()
    fix = town.revision(2)
    a_bad_deployment(town, 3)
    with town.before_call("DescribeTaskDefinition", lambda: town.deploy(fix)):
        town.wait(20)
    assert (town.now_on, town.asked()) == ("web:2", [])
    assert ("stand down", "not done") in town.journal()


def test_where_the_platform_would_go_elsewhere_the_service_is_updated_to_the_ledgers_target(town: Town) -> None:
    """`web:2` COMPLETED and ECS would go back to it; its bake is not over, so it is not known good."""
    town.service()
    town.deploy(town.revision(2))
    town.wait(4)
    a_bad_deployment(town, 3)
    town.wait(10)
    assert (town.now_on, town.asked()) == ("web:1", ["UpdateService"])


def test_events_doubled_and_reordered_lead_to_one_rollback(town: Town) -> None:
    town.service(desired=10)
    town.sandbox.chaos(duplicate=0.5, delay=timedelta(seconds=20))
    a_bad_deployment(town)
    town.wait(40)
    assert (town.now_on, len(town.asked())) == ("web:1", 1)


@pytest.mark.parametrize(("number", "after"), deaths(range(12)))
def test_killed_at_any_call_of_the_action_it_converges_with_exactly_one_rollback(
    town: Town, number: int, after: bool
) -> None:
    """The calls are those from the first write of the lease on; Lambda delivers the event again."""
    town.service(desired=2)
    with town.killed(number, after=after) as killed:
        a_bad_deployment(town)
        town.wait(15)
    assert killed.at is not None, "there are fewer calls than that: shorten the range"
    assert (town.now_on, len(town.asked())) == ("web:1", 1), killed.at
    assert [each["state"] for each in town.ledger()["rollbacks"]] == ["steady"]
    assert len(town.mails_about("rolled back by Breakwater")) == 1


def a_stop(town: Town, deployment: str, **envelope: Any) -> dict[str, Any]:
    arn = "arn:aws:ecs:us-east-1:111122223333"
    number = len(town.sandbox.invocations)
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "resources": [],
        "detail": {
            "taskArn": f"{arn}:task/prod/{number:032d}",
            "clusterArn": f"{arn}:cluster/prod",
            "taskDefinitionArn": f"{arn}:task-definition/web:1",
            "group": "service:web",
            "startedBy": deployment,
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "containers": [{"name": "app", "lastStatus": "STOPPED", "exitCode": 1}],
        },
        **envelope,
    }


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(lambda town: {"time": (town.sandbox.now - timedelta(hours=25)).isoformat()}, id="25 hours late"),
        pytest.param(lambda town: {"replay-name": "again"}, id="replayed from an archive"),
    ],
)
def test_old_and_replayed_stops_count_for_nothing(town: Town, changes: Callable[[Town], dict[str, Any]]) -> None:
    town.service()
    [service] = town.ecs.describe_services(cluster="prod", services=["web"])["services"]
    before = town.sandbox.calls.of("ecs", function=GUARD)
    for _ in range(30):
        town.sandbox.put_event(a_stop(town, service["deployments"][0]["id"], **changes(town)))
        town.wait(0.02)
    assert town.sandbox.calls.of("ecs", function=GUARD) == before
    assert town.asked() == []


def test_a_service_that_cannot_be_described_is_journalled_and_told_and_left_alone(town: Town) -> None:
    town.service()
    a_bad_deployment(town)
    town.sandbox.fail("ecs", "DescribeServices", "AccessDeniedException", times=10_000)
    town.wait(10)
    assert town.asked() == []
    assert ("hold unreadable", "not done") in town.journal()
    assert any("Breakwater does not roll it back" in subject for subject in town.told())


def test_a_service_that_wants_tasks_and_has_none_is_told_of_without_any_event(town: Town) -> None:
    town.service()
    town.sandbox.ecs.faults.shortage()
    [cluster] = [each for each in town.sandbox.ecs.world.clusters.values() if each.name == "prod"]
    for task in list(cluster.services["web"].tasks.values()):
        town.sandbox.ecs.faults.infrastructure_failure(task)
    town.wait(30)
    assert len(town.mails_about("wanted, and nothing runs")) == 1


def test_a_healthy_service_costs_the_events_lane_a_look_for_each_deployment_and_nothing_more(town: Town) -> None:
    town.service()
    before = town.sandbox.calls.of("ecs", function=GUARD)
    town.wait(60)
    assert town.sandbox.calls.of("ecs", function=GUARD) == before
    assert {run.outcome for run in town.sandbox.invocations if run.function == SWEEP} == {"ok"}
    assert town.told() == []
