"""The way back of native deployments: from every stage, by a person, an alarm, the breaker or a newer deployment."""

import pytest

from sandbox.ecs import EcsError, Readings
from sandbox.ecs.definitions import CircuitBreaker, DeploymentAlarms, DeploymentSettings
from sandbox.ecs.shifting import BlueGreen, Canary, Linear, Shifting
from sandbox.ecs.workloads import Workload, crash_on_start, never_healthy_at_target_group
from tests.unit.ecs.build import CLUSTER, counts
from tests.unit.ecs.build_native import Account, an_account, lambda_hook, pause

STAGES = [
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
]
STRATEGIES = [
    pytest.param(BlueGreen(5), id="blue/green"),
    pytest.param(Linear(50.0, 5, 5), id="linear"),
    pytest.param(Canary(5.0, 5, 5), id="canary"),
]


def as_it_was(account: Account, first_revision: str) -> None:
    """The first revision runs alone, with all traffic, in its own target group."""
    assert account.model.settle()
    assert account.service.primary.revision.arn == first_revision
    assert (account.split, account.test_split, account.serving()) == ((100, 0), (100, 0), {"first"})
    assert counts(account.service) == {"RUNNING": 2}
    assert not account.broken


@pytest.mark.parametrize("reuses", [pytest.param(True, id="old id"), pytest.param(False, id="new id")])
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_deployment_that_is_stopped_at_any_stage_restores_weights_and_revision(
    strategy: Shifting, stage: str, reuses: bool
) -> None:
    account = an_account(strategy, readings=Readings(rollback_reuses_deployment=reuses))
    blue = account.service.primary
    rollout = account.deploy()
    account.run_until(stage)
    account.model.stop_service_deployment(rollout.arn)
    assert (rollout.status, rollout.deployment.rollout_state) == ("ROLLBACK_IN_PROGRESS", "FAILED")
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    as_it_was(account, blue.revision.arn)
    back = account.service.primary
    assert (back is blue) == reuses
    assert account.told.rollouts()[-3:] == [
        ("FAILED", rollout.deployment.id, "Service deployment stopped by user."),
        ("IN_PROGRESS", back.id, f"ECS deployment stopped by user: rolling back to deploymentId {back.id}."),
        ("COMPLETED", back.id, f"ECS deployment {back.id} completed."),
    ]
    entered = STAGES.index(stage)
    expected = ["SCALE_UP"] * (stage == "CLEAN_UP")
    expected += ["PRODUCTION_TRAFFIC_SHIFT"] * (entered >= STAGES.index("PRODUCTION_TRAFFIC_SHIFT"))
    expected += ["TEST_TRAFFIC_SHIFT"] * (entered >= STAGES.index("TEST_TRAFFIC_SHIFT"))
    way = account.stages()
    assert way[way.index(stage) + 1 :] == [*expected, "CLEAN_UP"] or stage == "CLEAN_UP"


def test_a_deployment_can_be_stopped_before_it_has_begun() -> None:
    account = an_account()
    blue = account.service.primary.revision.arn
    account.model.stop_service_deployment(account.deploy().arn)
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    as_it_was(account, blue)


def test_weights_are_back_at_once_while_blue_still_runs() -> None:
    account = an_account(BlueGreen(60))
    account.deploy()
    account.run_until("BAKE_TIME")
    account.model.advance(600)
    assert account.split == (0, 100)
    account.model.stop_service_deployment(account.rollout.arn)
    assert (account.split, account.test_split) == ((100, 0), (100, 0))


def test_once_blue_is_stopped_it_is_started_again_before_it_gets_traffic() -> None:
    account = an_account(BlueGreen(0))
    account.deploy()
    account.run_until("CLEAN_UP")
    account.model.advance(20)
    account.model.stop_service_deployment(account.rollout.arn)
    assert account.split == (0, 100)
    account.run_until("PRODUCTION_TRAFFIC_SHIFT")
    assert account.split == (100, 0)
    assert not account.broken


def test_stopping_again_simply_goes_on() -> None:
    account = an_account(BlueGreen(60))
    account.deploy()
    account.run_until("BAKE_TIME")
    for _ in range(3):
        account.model.stop_service_deployment(account.rollout.arn)
        account.model.advance(15)
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    with pytest.raises(EcsError, match="ConflictException"):
        account.model.stop_service_deployment(account.rollout.arn)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("stage", ["SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"])
def test_an_alarm_rolls_back(strategy: Shifting, stage: str) -> None:
    alarms = DeploymentAlarms(("errors",), enable=True, rollback=True)
    account = an_account(strategy, base=DeploymentSettings(alarms=alarms))
    blue = account.service.primary
    rollout = account.deploy()
    account.run_until(stage)
    account.model.advance(60)
    account.model.faults.set_alarm("errors", "ALARM")
    account.model.advance(10)
    assert (rollout.status, account.split) == ("ROLLBACK_IN_PROGRESS", (100, 0))
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    as_it_was(account, blue.revision.arn)
    assert (rollout.alarm_status, rollout.triggered_alarms) == ("TRIGGERED", ("errors",))
    assert [one[0] for one in account.told.rollouts()[-3:]] == ["FAILED", "IN_PROGRESS", "COMPLETED"]
    assert account.told.rollouts()[-3][2] == "ECS deployment failed: alarm(s) detected."


@pytest.mark.parametrize(
    ("stage", "split"),
    [pytest.param("SCALE_UP", (100, 0), id="before"), pytest.param("BAKE_TIME", (0, 100), id="after the shift")],
)
def test_an_alarm_without_rollback_leaves_traffic_and_tasks_where_they_are(stage: str, split: tuple[int, int]) -> None:
    alarms = DeploymentAlarms(("errors",), enable=True, rollback=False)
    account = an_account(BlueGreen(30), base=DeploymentSettings(alarms=alarms))
    account.deploy()
    account.run_until(stage)
    account.model.advance(45)
    account.model.faults.set_alarm("errors", "ALARM")
    assert account.run_to_end() == "STOPPED"
    account.model.advance(3600)
    assert account.split == split
    assert account.serving() == {"first", "second"}
    account.look()
    assert not account.broken
    account.model.faults.set_alarm("errors", "OK")
    account.deploy()
    assert account.run_to_end() == "SUCCESSFUL"
    assert account.stages()[0] == "RECONCILE_SERVICE"
    assert not account.broken


@pytest.mark.parametrize(
    "workload", [crash_on_start(), never_healthy_at_target_group()], ids=["crash", "never healthy"]
)
@pytest.mark.parametrize("guards", [True, False], ids=["guide page", "service model"])
def test_the_breaker_guards_blue_green_by_one_of_two_readings(workload: Workload, guards: bool) -> None:
    base = DeploymentSettings(circuit_breaker=CircuitBreaker(enable=True, rollback=True))
    account = an_account(base=base, readings=Readings(breaker_guards_blue_green=guards))
    blue = account.service.primary.revision.arn
    rollout = account.deploy(workload)
    account.model.advance(3600)
    assert rollout.breaker_status == ("TRIGGERED" if guards else "DISABLED")
    if guards:
        assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
        assert "circuit breaker: tasks failed to start" in account.told.rollouts()[-3][2]
    else:
        assert (rollout.status, rollout.stage) == ("IN_PROGRESS", "SCALE_UP")
        account.model.stop_service_deployment(rollout.arn)
        account.run_to_end()
    as_it_was(account, blue)


def test_the_first_deployment_has_nowhere_to_go_back_to() -> None:
    account = an_account(settled=False)
    with pytest.raises(EcsError, match="ConflictException"):
        account.model.stop_service_deployment(account.rollout.arn)
    assert account.run_to_end() == "SUCCESSFUL"


def test_a_first_deployment_that_fails_at_a_hook_stalls() -> None:
    account = an_account(settled=False)
    hook = lambda_hook("POST_SCALE_UP")  # nothing invokes it: it fails
    account.deploy(settings=DeploymentSettings(strategy="BLUE_GREEN", more=BlueGreen(0, (hook,))))
    assert account.run_to_end() == "ROLLBACK_FAILED"
    account.model.advance(3600)
    assert account.service.primary.stalled


# ── superseded ──────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_newer_deployment_reconciles_what_was_under_way(strategy: Shifting, stage: str) -> None:
    account = an_account(strategy)
    first = account.deploy()
    account.run_until(stage)
    account.model.advance(20 * (stage in ("SCALE_UP", "CLEAN_UP")))
    second = account.deploy()
    assert first.status == "STOPPED"
    assert account.run_to_end() == "SUCCESSFUL"
    alone = stage == "PRE_SCALE_UP"
    assert ("RECONCILE_SERVICE" in account.stages()) != alone
    assert {task.deployment for task in account.service.tasks.values()} == {second.deployment}
    assert account.model.settle()
    assert counts(account.service) == {"RUNNING": 2}
    assert not account.broken


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("then", ["RECONCILE_SERVICE", "SCALE_UP", "BAKE_TIME", "CLEAN_UP"])
def test_a_newer_deployment_can_be_stopped_at_any_stage_too(stage: str, then: str) -> None:
    account = an_account(BlueGreen(5))
    account.deploy()
    account.run_until(stage)
    account.deploy()
    nothing_to_reconcile = stage in ("PRE_SCALE_UP", "SCALE_UP")  # not a task of the first one was launched yet
    account.run_until("SCALE_UP" if nothing_to_reconcile and then == "RECONCILE_SERVICE" else then)
    account.model.stop_service_deployment(account.rollout.arn)
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    assert account.model.settle()
    assert len(account.serving()) == 1
    assert counts(account.service) == {"RUNNING": 2}
    assert not account.broken


def test_a_way_back_can_be_superseded() -> None:
    account = an_account(BlueGreen(30))
    account.deploy()
    account.run_until("BAKE_TIME")
    account.model.stop_service_deployment(account.rollout.arn)
    account.model.advance(15)
    account.deploy()
    assert account.run_to_end() == "SUCCESSFUL"
    assert not account.broken


def test_a_rolling_deployment_can_supersede_a_native_one() -> None:
    account = an_account(BlueGreen(30, hooks=(pause("POST_PRODUCTION_TRAFFIC_SHIFT"),)))
    account.deploy()
    account.run_until("POST_PRODUCTION_TRAFFIC_SHIFT")
    account.deploy(settings=DeploymentSettings())
    assert account.run_to_end() == "SUCCESSFUL"
    assert account.hook_events() == ["AWAITING_ACTION", "FAILED"]
    assert (account.split, account.serving()) == ((0, 100), {"second"})
    assert not account.broken


def test_a_deployment_whose_rollback_was_superseded_by_force_still_ends() -> None:
    account = an_account(BlueGreen(1))
    account.deploy()
    account.run_until("BAKE_TIME")
    account.model.stop_service_deployment(account.rollout.arn)
    account.model.update_service(CLUSTER, "web", force_new_deployment=True)
    assert account.run_to_end() == "SUCCESSFUL"
    assert account.model.settle()
    assert counts(account.service) == {"RUNNING": 2}


@pytest.mark.parametrize("stage", STAGES)
def test_a_rolling_deployment_does_not_count_on_tasks_without_traffic(stage: str) -> None:
    account = an_account(Linear(50.0, 5, 5), desired=3)
    account.deploy()
    account.run_until(stage)
    account.model.advance(60 * (stage == "SCALE_UP"))
    account.deploy(settings=DeploymentSettings())
    assert account.run_to_end() == "SUCCESSFUL"
    assert not account.broken
    assert account.model.settle()
    assert (len(account.serving()), account.split) in [(1, (100, 0)), (1, (0, 100))]


def test_a_rolling_deployment_rolls_back_to_where_the_traffic_is() -> None:
    account = an_account(BlueGreen(30))
    first = account.service.primary.revision.arn
    account.deploy()
    account.run_until("BAKE_TIME")
    breaker = CircuitBreaker(enable=True, rollback=True)
    account.deploy(crash_on_start(), settings=DeploymentSettings(circuit_breaker=breaker))
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    assert account.model.settle()
    assert account.service.primary.revision.arn == first
    assert (account.serving(), account.split) == ({"second"}, (0, 100))
    assert not account.broken


def test_a_way_back_waits_for_blue_if_blue_was_lost() -> None:
    account = an_account(BlueGreen(30))
    account.deploy()
    account.run_until("BAKE_TIME")
    for target in list(account.blue.targets.values()):
        account.model.faults.crash(target.task)
    account.model.stop_service_deployment(account.rollout.arn)
    assert account.split == (0, 100)
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    assert (account.split, account.serving()) == ((100, 0), {"first"})
    assert not account.broken


@pytest.mark.parametrize("stage", ["POST_SCALE_UP", "BAKE_TIME"])
def test_the_way_back_goes_to_the_completed_revision_even_if_another_one_has_the_traffic(stage: str) -> None:
    account = an_account(BlueGreen(5))
    first = account.service.primary.revision.arn
    account.deploy()
    assert account.run_to_end() == "SUCCESSFUL"
    second = account.service.primary
    second.rollout_state, second.completed = "FAILED", False  # as after an alarm in its last second
    account.service.last_completed.remove(second)
    account.deploy()
    account.run_until(stage)
    account.model.stop_service_deployment(account.rollout.arn)
    assert account.run_to_end() == "ROLLBACK_SUCCESSFUL"
    assert account.service.primary.revision.arn == first
    assert not account.broken
    account.look()
    assert not account.broken
