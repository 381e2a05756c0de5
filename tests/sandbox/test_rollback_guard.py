"""The rollback guard in the real stack over the ECS model: what it undoes, what it leaves alone, and what it says."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.compiled import ServiceRules
from breakwater.model import Mode
from sandbox.ecs import rollouts
from sandbox.ecs.workloads import crash_after, crash_on_start, image_missing
from tests.sandbox.guarded import ACTS, GUARD, SHORT_BAKE, SWEEP, Death, Town
from tests.sandbox.policy_stack import put_in_force
from tests.thoroughness import EXHAUSTIVE, deaths

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


@contextmanager
def a_town(*given: Any, **parameters: Any) -> Iterator[Town]:
    made = Town(*given, **parameters)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def town() -> Iterator[Town]:
    with a_town() as made:
        yield made


def a_bad_deployment(town: Town, number: int = 2, name: str = "web") -> str:
    bad = town.revision(number, crash_on_start(), name)
    town.deploy(bad, name)
    return bad


# ── what it undoes ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deployment_that_crashes_is_stopped_once_told_and_verified_as_one_incident(
    town: Town,
) -> None:
    town.service()
    a_bad_deployment(town)
    town.wait(15)
    assert (town.now_on, town.asked()) == ("web:1", ["StopServiceDeployment"])
    done = [outcome for decision, outcome in town.journal() if decision == "roll back"]
    assert sorted(done) == ["asked", "intended", "steady"]
    [body] = town.mails_about("rolled back by Breakwater (web:2)")
    assert "web:2 goes back to web:1" in " ".join(body.split())
    assert "Your infrastructure code still names web:2" in body
    assert len(town.mails_about("rolled back and steady")) == 1
    assert town.opened() == ["app_error", "rollback_steady", "rolled_back"]  # none about what ECS says of the stop
    assert (town.sandbox.dead_letters, town.sandbox.lost) == ([], [])


def test_a_revision_that_crashes_after_its_deployment_completed_is_replaced_by_an_update(town: Town) -> None:
    town.service()
    town.deploy(town.revision(2, crash_after(240)))
    town.wait(30)
    assert (town.now_on, town.asked()) == ("web:1", ["UpdateService"])
    assert [each["state"] for each in town.ledger()["rollbacks"]] == ["steady"]


def test_where_the_platform_would_go_elsewhere_the_service_is_updated_to_the_ledgers_target() -> None:
    """`web:2` COMPLETED and ECS would go back to it; its bake is not over, so it is not known good."""
    with a_town(replace(ACTS, others=ServiceRules("*/*", replace(SHORT_BAKE, bake_minutes=4)))) as town:
        town.service()
        town.wait(5)
        town.deploy(town.revision(2))
        town.wait(4)
        a_bad_deployment(town, 3)
        town.wait(5)
        assert (town.now_on, town.asked()) == ("web:1", ["UpdateService"])


# ── how far it may go ─────────────────────────────────────────────────────────────────────────────────────────────────

STREETS = {
    # service: tag, what the journal says, how often ECS is asked
    "free": (None, ("roll back", "asked"), 1),
    "armed": ("act", ("roll back", "asked"), 1),
    "observed-by-tag": ("observe", ("roll back", "observed"), 0),
    "misspelt": ("nonsense", ("roll back", "observed"), 0),
    "off-by-tag": ("off", None, 0),
    "observed": (None, ("roll back", "observed"), 0),
    "armed-in-vain": ("act", ("roll back", "observed"), 0),
    "halted": (None, ("hold halted", "not done"), 0),
}


def test_policy_and_tag_say_what_may_be_done_about_a_service_and_a_tag_can_only_lower_it() -> None:
    observed = replace(SHORT_BAKE, mode=Mode.OBSERVE)
    rules = (
        ServiceRules("prod/halted", replace(SHORT_BAKE, halted=True)),
        ServiceRules("prod/observed", observed),
        ServiceRules("prod/armed-in-vain", observed),
    )
    with a_town(replace(ACTS, services=rules)) as town:
        for name, (tag, _, _) in STREETS.items():
            tags = [{"key": "breakwater:rollback_guard", "value": tag}] if tag else []
            town.create(town.revision(1, name=name), 2, name, tags=tags)
        town.wait(6)
        for name in STREETS:
            a_bad_deployment(town, name=name)
        town.wait(4)
        for name, (_, expected, asked) in STREETS.items():
            found = town.journal(name)
            assert expected in found if expected else found == [], (name, found)
            assert len(town.asked(name)) == asked, name
            assert town.on(name) == f"{name}:{1 if asked else 2}"


@pytest.mark.parametrize(
    ("given", "parameters", "journal"),
    [
        pytest.param((None,), {}, ("roll back", "observed"), id="no document"),
        pytest.param((ACTS,), {"Mode": "observe"}, ("roll back", "observed"), id="the stack observes"),
        pytest.param((ACTS,), {"RollbackKillSwitch": "on"}, ("hold halted", "not done"), id="the kill switch"),
    ],
)
def test_what_the_stack_does_not_allow_neither_policy_nor_tag_does(
    given: tuple[Any, ...], parameters: dict[str, str], journal: tuple[str, str]
) -> None:
    with a_town(*given, **parameters) as town:
        town.create(town.revision(1), 2, tags=[{"key": "breakwater:rollback_guard", "value": "act"}])
        town.wait(6 if given[0] else 16)
        a_bad_deployment(town)
        town.wait(4)
        assert (town.now_on, town.asked(), town.journal()) == ("web:2", [], [journal])
        if journal == ("roll back", "observed"):
            [body] = town.mails_about("a rollback would help")
            assert "would have gone back to web:1" in " ".join(body.split())


def test_a_policy_that_is_pushed_while_the_guard_is_warm_is_heeded_within_a_minute(town: Town) -> None:
    town.service(desired=2)
    put_in_force(town.sandbox, replace(ACTS, services=(ServiceRules("prod/web", replace(SHORT_BAKE, halted=True)),)))
    town.wait(1)
    a_bad_deployment(town)
    town.wait(4)
    assert (town.now_on, town.asked()) == ("web:2", [])


# ── where it cannot go, and where it does not go again ────────────────────────────────────────────────────────────────


def test_a_first_deployment_has_nothing_to_go_back_to(town: Town) -> None:
    town.create(town.revision(1, crash_on_start()))
    town.wait(5)
    assert town.asked() == []
    assert ("hold no_target", "not done") in town.journal()
    assert town.mails_about("Breakwater does not roll it back") == []  # that it fails is told already (0046)


def test_a_target_that_cannot_be_used_is_not_used(town: Town) -> None:
    for name in ("inactive", "unpullable"):
        town.create(town.revision(1, name=name), 2, name)
    town.wait(6)
    town.ecs.deregister_task_definition(taskDefinition="inactive:1")
    town.sandbox.ecs.faults.set_workload(town.image(1, "unpullable"), image_missing())
    for name in ("inactive", "unpullable"):
        a_bad_deployment(town, name=name)
    town.wait(4)
    for name in ("inactive", "unpullable"):
        assert (town.asked(name), town.journal(name)) == ([], [("hold no_target", "not done")])


def test_a_rollback_that_fails_is_not_rolled_back_and_people_are_told(town: Town) -> None:
    town.service(deploymentConfiguration={"maximumPercent": 100, "minimumHealthyPercent": 0})
    bad = town.revision(2, crash_on_start())
    town.deploy(bad)
    town.sandbox.ecs.faults.set_workload(town.image(1), crash_on_start())
    town.wait(15)
    assert town.asked() == ["StopServiceDeployment"]
    assert sum("New incident" in mail for mail in town.mails_about("the rollback did not help")) == 1


def test_a_bad_revision_that_is_deployed_again_is_announced_and_not_fought(town: Town) -> None:
    town.service(desired=2)
    bad = a_bad_deployment(town)
    town.wait(9)
    town.deploy(bad)
    town.wait(4)
    assert town.asked() == ["StopServiceDeployment"]
    assert town.now_on == "web:2"
    assert ("hold quarantined", "not done") in town.journal()


def test_the_budget_of_a_day_is_kept(town: Town) -> None:
    town.service(desired=2)
    for number in (2, 3, 4):
        a_bad_deployment(town, number)
        town.wait(9)
    assert len(town.asked()) == 2
    assert town.now_on == "web:4"
    assert ("hold budget", "not done") in town.journal()


# ── others who act at the same time ───────────────────────────────────────────────────────────────────────────────────


def test_a_fix_that_is_deployed_between_decision_and_action_is_left_alone(town: Town) -> None:
    """The targets are looked at when everything speaks for going back; the fix comes in that moment."""
    town.service(desired=2)
    fix = town.revision(2)
    a_bad_deployment(town, 3)
    with town.before_call("DescribeTaskDefinition", lambda: town.deploy(fix)):
        town.wait(9)
    assert (town.now_on, town.asked()) == ("web:2", [])
    assert ("stand down", "not done") in town.journal()


@pytest.mark.parametrize("call", ["DescribeTaskDefinition", "StopServiceDeployment"])
def test_of_two_guards_that_decide_at_once_one_acts(town: Town, call: str) -> None:
    """Another instance gets the next stop while the first stands before its lease, or before it asks ECS."""
    town.service(desired=2)
    a_bad_deployment(town)
    answers: list[str | None] = []

    def race() -> None:
        [service] = town.ecs.describe_services(cluster="prod", services=["web"])["services"]
        primary = service["deployments"][0]["id"]
        before = town.sandbox.calls.of("ecs", function=GUARD)
        answers.append(town.deliver(a_stop(town, primary, "web:2", time=town.sandbox.now.isoformat())))
        assert town.sandbox.calls.of("ecs", function=GUARD) > before, "the other one had nothing to decide"

    with town.before_call(call, race):
        town.wait(9)
    assert answers == [None]
    assert (town.now_on, town.asked(), town.deployments("web")) == (
        "web:1", ["StopServiceDeployment"], ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"],
    )  # fmt: skip
    assert sorted(outcome for decision, outcome in town.journal() if decision == "roll back") == [
        "asked", "intended", "steady",
    ]  # fmt: skip
    assert len(town.mails_about("rolled back by Breakwater")) == 1


def test_where_native_rollback_acts_at_the_same_moment_there_is_one_rollback(town: Town) -> None:
    """ECS begins its own way back right before the guard's call: StopServiceDeployment then simply goes on."""
    town.service(desired=2)
    a_bad_deployment(town)
    [cluster] = [each for each in town.sandbox.ecs.world.clusters.values() if each.name == "prod"]
    service = cluster.services["web"]
    tripped: list[bool] = []

    def trip() -> None:
        tripped.append(True)
        rollouts.fail(town.sandbox.ecs.world, service, "tasks failed to start.", "circuit breaker", roll_back=True)

    with town.before_call("StopServiceDeployment", trip):
        town.wait(5)
    assert (tripped, town.now_on) == ([True], "web:1")
    assert town.deployments("web") == ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"]


def test_what_is_left_to_the_circuit_breaker_is_followed_to_its_end(town: Town) -> None:
    town.service(desired=2, deploymentConfiguration=BREAKER)
    a_bad_deployment(town)
    town.wait(15)
    assert (town.now_on, town.asked()) == ("web:1", [])
    said = town.journal()
    assert ("stand down native", "not done") in said
    assert said.count(("stand down verified", "steady")) == 1


# ── events as they come ───────────────────────────────────────────────────────────────────────────────────────────────


def test_events_doubled_and_reordered_lead_to_one_rollback(town: Town) -> None:
    town.service(desired=10)
    town.sandbox.chaos(duplicate=0.5, delay=timedelta(seconds=20))
    a_bad_deployment(town)
    town.wait(15)
    assert (town.now_on, len(town.asked())) == ("web:1", 1)


ACTION = 18
"""The AWS calls of the action, from the lease on: a new one has to be added here, and is then killed at as well."""


def test_killed_before_or_after_any_call_of_the_action_it_converges_with_exactly_one_rollback(town: Town) -> None:
    """Lambda delivers the event again, and the sweep comes by; each service dies at another call."""
    calls = range(ACTION) if EXHAUSTIVE else (0, 3, 6, 7, 13, 15)
    plan = {f"shop-{number}-{int(after)}": Death(number, after) for number, after in deaths(calls)}
    lives = Death(None)
    everybody = {**plan, "shop-lives": lives}
    for name in everybody:
        town.create(town.revision(1, name=name), 2, name)
    town.wait(6)
    with town.killing(everybody):
        for name in everybody:
            a_bad_deployment(town, name=name)
        town.wait(15)
    assert len(lives.calls) == ACTION, lives.calls
    for name, death in everybody.items():
        where = (name, death.calls)
        assert death.over is (death is not lives), where
        assert (town.on(name), town.deployments(name)) == (f"{name}:1", ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"]), where
        assert [each["state"] for each in town.ledger(name)["rollbacks"]] == ["steady"], where
        assert len(town.asked(name)) == 1, where
        assert town.opened(name) == ["app_error", "rollback_steady", "rolled_back"], where


def a_stop(town: Town, deployment: str, revision: str = "web:1", **envelope: Any) -> dict[str, Any]:
    arn = "arn:aws:ecs:us-east-1:111122223333"
    number = len(town.sandbox.invocations)
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "account": "111122223333",
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "taskArn": f"{arn}:task/prod/{number:032d}",
            "clusterArn": f"{arn}:cluster/prod",
            "taskDefinitionArn": f"{arn}:task-definition/{revision}",
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


def test_old_and_replayed_stops_count_for_nothing(town: Town) -> None:
    town.service()
    [service] = town.ecs.describe_services(cluster="prod", services=["web"])["services"]
    before = town.sandbox.calls.of("ecs", function=GUARD)
    for hours, replay in ((25, {}), (0, {"replay-name": "again"})):
        for _ in range(15):
            ended = town.sandbox.now - timedelta(hours=hours)
            town.sandbox.put_event(a_stop(town, service["deployments"][0]["id"], time=ended.isoformat(), **replay))
            town.wait(0.02)
    assert town.sandbox.calls.of("ecs", function=GUARD) == before
    assert town.asked() == []


# ── what it cannot read, what nobody tells it ─────────────────────────────────────────────────────────────────────────


def test_a_service_that_cannot_be_described_is_journalled_and_told_and_left_alone(town: Town) -> None:
    town.service()
    a_bad_deployment(town)
    town.sandbox.fail("ecs", "DescribeServices", "AccessDeniedException", times=10_000)
    town.wait(4)
    assert town.asked() == []
    assert ("hold unreadable", "not done") in town.journal()
    assert any("Breakwater does not roll it back" in subject for subject in town.told())


def test_a_stop_code_that_nobody_knows_is_told_and_is_no_evidence(town: Town) -> None:
    town.service()
    [service] = town.ecs.describe_services(cluster="prod", services=["web"])["services"]
    for _ in range(10):
        event = a_stop(town, service["deployments"][0]["id"], time=town.sandbox.now.isoformat())
        event["detail"]["stopCode"] = "SomethingNewIn2027"
        town.sandbox.put_event(event)
        town.wait(0.1)
    assert (town.asked(), town.journal()) == ([], [])
    assert len(town.told()) == 1
    assert len(town.opened()) == 1


def test_a_service_that_wants_tasks_and_has_none_is_told_of_without_any_event(town: Town) -> None:
    town.service()
    town.sandbox.ecs.faults.shortage()
    [cluster] = [each for each in town.sandbox.ecs.world.clusters.values() if each.name == "prod"]
    for task in list(cluster.services["web"].tasks.values()):
        town.sandbox.ecs.faults.infrastructure_failure(task)
    town.wait(20)
    assert len(town.mails_about("wanted, and nothing runs")) == 1


def test_a_healthy_service_costs_the_events_lane_a_look_for_each_deployment_and_nothing_more(town: Town) -> None:
    town.service()
    before = town.sandbox.calls.of("ecs", function=GUARD)
    town.wait(60)
    assert town.sandbox.calls.of("ecs", function=GUARD) == before
    assert {run.outcome for run in town.sandbox.invocations if run.function == SWEEP} == {"ok"}
    assert town.told() == []
