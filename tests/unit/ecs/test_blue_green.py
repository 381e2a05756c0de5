"""Blue/green, linear and canary deployments: stages, weights, tasks and events (ecs 3, ecs 4)."""

import pytest

from sandbox.ecs import EcsError
from sandbox.ecs.definitions import DeploymentSettings, LoadBalancer
from sandbox.ecs.native import settings
from sandbox.ecs.shifting import BlueGreen, Canary, Linear, Shifting
from sandbox.ecs.traffic import AdvancedLoadBalancer
from tests.unit.ecs.build import CLUSTER, counts
from tests.unit.ecs.build_native import an_account, pause

BEFORE = ["PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT"]
STEP = ["PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"]
AFTER = ["POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"]


@pytest.mark.parametrize(
    ("strategy", "shifts"),
    [
        pytest.param(BlueGreen(10), [(100, 0), (0, 100)], id="blue/green"),
        pytest.param(BlueGreen(0), [(100, 0), (0, 100)], id="blue/green without bake"),
        pytest.param(Linear(30.0, 1), [(100, 0), (70, 30), (40, 60), (10, 90), (0, 100)], id="linear"),
        pytest.param(Linear(100.0), [(100, 0), (0, 100)], id="linear in one step"),
        pytest.param(Canary(5.0, 3), [(100, 0), (95, 5), (0, 100)], id="canary"),
        pytest.param(Canary(0.1, 3), [(100, 0), (99, 1), (0, 100)], id="a canary below one part of the weights"),
    ],
)
def test_a_deployment_moves_the_production_weights_step_by_step(
    strategy: Shifting, shifts: list[tuple[int, int]]
) -> None:
    account = an_account(strategy)
    account.deploy()
    assert account.run_to_end() == "SUCCESSFUL"
    assert account.shifts() == shifts
    assert account.stages() == [*BEFORE, *STEP * (len(shifts) - 1), *AFTER]
    assert account.test_split == (0, 100)
    assert not account.broken


def test_green_registers_in_the_other_target_group_and_the_roles_swap_each_time() -> None:
    account = an_account(BlueGreen(0))
    assert account.serving() == {"first"}
    account.deploy()
    account.run_until("POST_SCALE_UP")
    assert account.serving() == {"first", "second"}
    assert account.split == (100, 0)
    assert counts(account.service) == {"RUNNING": 4}
    account.run_to_end()
    assert account.model.settle()
    assert (account.serving(), account.split, account.test_split) == ({"second"}, (0, 100), (0, 100))
    account.deploy()
    assert account.run_to_end() == "SUCCESSFUL"
    assert (account.serving(), account.split, account.test_split) == ({"first"}, (100, 0), (100, 0))
    assert {task.started_by for task in account.service.tasks.values()} == {account.service.primary.id}
    assert not account.broken


def test_test_traffic_moves_before_production_traffic() -> None:
    account = an_account()
    account.deploy()
    account.run_until("POST_SCALE_UP")
    assert (account.split, account.test_split) == ((100, 0), (100, 0))
    account.run_until("POST_TEST_TRAFFIC_SHIFT")
    assert (account.split, account.test_split) == ((100, 0), (0, 100))
    account.run_until("BAKE_TIME")
    assert (account.split, account.test_split) == ((0, 100), (0, 100))


def test_blue_runs_on_while_green_bakes() -> None:
    account = an_account(BlueGreen(20))
    account.deploy()
    account.run_until("BAKE_TIME")
    began = account.model.now
    account.run_until("CLEAN_UP")
    assert 20 * 60 <= (account.model.now - began).total_seconds() <= 20 * 60 + 20
    assert counts(account.service) == {"RUNNING": 4}
    account.run_to_end()
    assert counts(account.service) == {"RUNNING": 2}


def test_each_step_of_a_linear_deployment_bakes_but_the_last() -> None:
    account = an_account(Linear(50.0, 30))
    account.deploy()
    account.run_until("PRODUCTION_TRAFFIC_SHIFT")
    assert account.split == (50, 50)
    began = account.model.now
    account.run_until("PRE_PRODUCTION_TRAFFIC_SHIFT")
    assert 30 * 60 <= (account.model.now - began).total_seconds() <= 30 * 60 + 20
    began = account.model.now
    account.run_until("POST_PRODUCTION_TRAFFIC_SHIFT")
    assert (account.model.now - began).total_seconds() <= 30


def test_a_deployment_tells_of_its_beginning_and_its_end() -> None:
    account = an_account()
    rollout = account.deploy()
    green = rollout.deployment
    assert rollout.status == "PENDING"
    account.run_until("PRE_SCALE_UP")
    assert rollout.status == "IN_PROGRESS"
    account.run_to_end()
    assert account.told.rollouts()[-2:] == [
        ("IN_PROGRESS", green.id, f"ECS deployment {green.id} in progress."),
        ("COMPLETED", green.id, f"ECS deployment {green.id} completed."),
    ]
    assert account.service.deployments == [green]
    assert account.model.settle()
    assert account.told.actions()[-1] == "SERVICE_STEADY_STATE"


def test_the_requested_weights_of_both_revisions_are_shown() -> None:
    account = an_account(Canary(12.5, 30))
    blue = account.service.primary.revision.arn
    rollout = account.deploy()
    green = rollout.target.arn
    assert account.native.requested_weights(rollout) == {green: (0.0, 0.0), blue: (100.0, 100.0)}
    account.run_until("PRODUCTION_TRAFFIC_SHIFT")
    assert account.native.requested_weights(rollout) == {green: (12.5, 100.0), blue: (87.5, 0.0)}


def test_the_weights_keep_their_sum_or_are_written_with_a_hundred() -> None:
    account = an_account(Linear(50.0, 60))
    account.native.traffic.set_weights(account.production.arn, {account.blue.arn: 1, account.green.arn: 0})
    account.native.traffic.set_weights(account.test.arn, {account.blue.arn: 999, account.green.arn: 0})
    account.deploy()
    account.run_until("PRODUCTION_TRAFFIC_SHIFT")
    assert (account.split, account.test_split) == ((50, 50), (0, 999))
    account.model.stop_service_deployment(account.rollout.arn)
    account.run_to_end()
    assert (account.split, account.test_split) == ((1, 0), (999, 0))


def test_the_weight_of_a_third_target_group_is_left_alone() -> None:
    account = an_account(BlueGreen(0))
    third = account.model.catalogue.create_target_group("third")
    before = {account.blue.arn: 90, account.green.arn: 0, third.arn: 10}
    account.native.traffic.set_weights(account.production.arn, before)
    account.deploy()
    account.run_to_end()
    assert account.production.weights == {account.blue.arn: 0, account.green.arn: 100, third.arn: 10}


def test_a_service_without_tasks_is_deployed_at_once() -> None:
    account = an_account(BlueGreen(1), desired=0)
    account.deploy()
    assert account.run_to_end() == "SUCCESSFUL"
    assert account.split == (0, 100)


def test_more_tasks_are_wanted_while_a_deployment_bakes() -> None:
    account = an_account(BlueGreen(10))
    account.deploy()
    account.run_until("BAKE_TIME")
    account.model.update_service(CLUSTER, "web", desired=5)
    assert account.run_to_end() == "SUCCESSFUL"
    assert account.model.settle()
    assert counts(account.service) == {"RUNNING": 5}
    assert account.serving() == {"second"}
    assert not account.broken


def test_a_blue_task_that_is_lost_during_the_bake_is_replaced() -> None:
    account = an_account(BlueGreen(30), desired=3)
    account.deploy()
    account.run_until("BAKE_TIME")
    lost = next(iter(account.blue.targets.values())).task
    account.model.faults.crash(lost)
    account.model.advance(300)
    assert sum(target.state == "healthy" for target in account.blue.targets.values()) == 3


@pytest.mark.parametrize("stage", ["POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT"])
def test_traffic_waits_for_green_if_green_was_lost(stage: str) -> None:
    account = an_account(BlueGreen(1, hooks=(pause(stage),)))
    account.deploy()
    account.run_until(stage)
    for target in list(account.green.targets.values()):
        account.model.faults.crash(target.task)
    account.native.continue_service_deployment(account.rollout.arn, account.hook["hookId"], "CONTINUE")
    account.model.advance(25)
    assert (account.split, account.native.requested_weights(account.rollout)[account.rollout.target.arn][0]) == (
        (100, 0),
        0.0,
    )
    assert account.run_to_end() == "SUCCESSFUL"
    assert not account.broken


def test_a_deleted_service_does_not_go_on_deploying() -> None:
    account = an_account(BlueGreen(0, hooks=(pause("POST_SCALE_UP"),)))
    account.deploy()
    account.run_until("POST_SCALE_UP")
    account.model.delete_service(CLUSTER, "web", force=True)
    account.model.advance(600)
    assert (account.rollout.status, account.service.status) == ("STOPPED", "INACTIVE")
    assert not account.service.tasks
    assert account.hook_events() == ["AWAITING_ACTION", "FAILED"]


def test_a_rolling_deployment_stays_where_the_traffic_is() -> None:
    account = an_account(BlueGreen(0))
    account.deploy()
    account.run_to_end()
    account.deploy(settings=DeploymentSettings())
    assert account.run_to_end() == "SUCCESSFUL"
    assert (account.serving(), account.split) == ({"second"}, (0, 100))
    assert not account.broken


def test_a_deployment_that_is_under_way_keeps_the_strategy_that_it_began_with() -> None:
    account = an_account(BlueGreen(10))
    account.deploy()
    account.run_until("BAKE_TIME")
    account.model.update_service(CLUSTER, "web", settings=DeploymentSettings())
    assert account.run_to_end() == "SUCCESSFUL"
    assert account.stages()[-3:] == AFTER
    assert not account.broken


@pytest.mark.parametrize("change", ["same groups", "unknown group", "unknown rule", "same rules", "foreign rule"])
def test_a_load_balancer_that_could_not_be_shifted_is_refused(change: str) -> None:
    account = an_account()
    paths, other = account.native.traffic, account.model.catalogue.create_target_group("other")
    foreign = paths.create_rule("foreign", {other.arn: 1})
    first, second, production, test = account.blue.arn, account.green.arn, account.production.arn, account.test.arn
    bindings = {
        "same groups": AdvancedLoadBalancer(first, "app", 80, first, production, test),
        "unknown group": AdvancedLoadBalancer(first, "app", 80, "arn:nowhere", production, test),
        "unknown rule": AdvancedLoadBalancer(first, "app", 80, second, "arn:nowhere", test),
        "same rules": AdvancedLoadBalancer(first, "app", 80, second, production, production),
        "foreign rule": AdvancedLoadBalancer(first, "app", 80, second, foreign.arn, test),
    }
    with pytest.raises(EcsError, match="InvalidParameterException"):
        account.native.check(settings(BlueGreen(1)), [bindings[change]])


def test_a_load_balancer_without_advanced_configuration_is_refused() -> None:
    account = an_account()
    with pytest.raises(EcsError, match="advancedConfiguration"):
        account.native.check(settings(BlueGreen(1)), [LoadBalancer(account.blue.arn, "app", 80)])


@pytest.mark.parametrize("weight", [-1, 1000], ids=["negative", "too heavy"])
def test_a_weight_out_of_range_is_refused(weight: int) -> None:
    account = an_account()
    with pytest.raises(EcsError, match="between 0 and 999"):
        account.native.traffic.set_weights(account.production.arn, {account.blue.arn: weight})


def test_the_same_seed_gives_the_same_log() -> None:
    def log(seed: int) -> str:
        account = an_account(Linear(20.0, 1, hooks=(pause("POST_TEST_TRAFFIC_SHIFT", timeout_minutes=3),)), seed=seed)
        account.deploy()
        account.run_to_end()
        return account.model.log()

    assert log(3) == log(3)
    assert log(3) != log(4)
