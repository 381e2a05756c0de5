"""The deployment circuit breaker: its formula, what counts, what resets it, and what it does not see (ecs 2)."""

from dataclasses import replace
from math import ceil

import pytest

from sandbox.ecs import AlarmAtStart, CrashCounting, Readings
from sandbox.ecs.breaker import threshold
from sandbox.ecs.definitions import CircuitBreaker, DeploymentAlarms, DeploymentSettings, Threshold
from sandbox.ecs.rolling import Rolling
from sandbox.ecs.workloads import (
    Workload,
    crash_after,
    crash_on_start,
    crash_once_healthy,
    image_missing,
    never_healthy,
)
from tests.unit.ecs.build import CLUSTER, a_model, a_service, deploy, guarded, revise

DESIRED = (1, 3, 6, 7, 25, 400, 800)
SETTINGS = [("BOUNDED_PERCENT", 50), ("BOUNDED_PERCENT", 10), ("UNBOUNDED_PERCENT", 50), ("UNBOUNDED_PERCENT", 10)]
SETTINGS += [("COUNT", 3), ("COUNT", 10)]


def documented(kind: str, value: int, desired: int) -> int:
    """The formula as it is documented."""
    if kind == "COUNT":
        return value
    share = ceil(value * desired / 100)
    return max(1, share) if kind == "UNBOUNDED_PERCENT" else min(200, max(3, share))


@pytest.mark.parametrize(
    ("desired", "expected"), [(1, 3), (3, 3), (6, 3), (7, 4), (25, 13), (400, 200), (800, 200)], ids=lambda n: str(n)
)
def test_the_default_threshold_is_that_of_the_documented_examples(desired: int, expected: int) -> None:
    assert threshold(CircuitBreaker(True, True), desired) == expected


@pytest.mark.parametrize("desired", DESIRED)
@pytest.mark.parametrize(("kind", "value"), SETTINGS, ids=lambda part: str(part))
@pytest.mark.parametrize("rollback", [True, False], ids=["rollback", "no rollback"])
def test_a_deployment_fails_once_as_many_tasks_failed_as_the_formula_says(
    desired: int, kind: str, value: int, rollback: bool
) -> None:
    model, _told = a_model()
    model.world.listeners.clear()
    service = a_service(model, desired, settings=guarded(rollback=rollback, kind=kind, value=value))
    old = service.primary
    deploy(model, service, crash_on_start())
    bad, rollout = service.primary, service.service_deployments[-1]
    expected = documented(kind, value, desired)
    while bad.rollout_state == "IN_PROGRESS":
        assert bad.failed_tasks < expected or bad.tripped
        due = model.next_at
        assert due is not None
        model.advance(due)
    assert bad.failed_tasks >= expected
    assert rollout.breaker_threshold == expected
    assert (rollout.breaker_status, rollout.breaker_failures) == ("TRIGGERED", bad.failed_tasks)
    assert model.settle()
    assert (bad.rollout_state, service.primary is old) == ("FAILED", rollback)
    assert rollout.status == ("ROLLBACK_SUCCESSFUL" if rollback else "STOPPED")


@pytest.mark.parametrize(
    ("desired", "most", "seconds"),
    [
        pytest.param(1, 200, 171, id="1 task, 200 %"),
        pytest.param(4, 200, 57, id="4 tasks, 200 %"),
        pytest.param(10, 200, 58, id="10 tasks, 200 %"),
        pytest.param(50, 200, 60, id="50 tasks, 200 %"),
        pytest.param(400, 200, 81, id="400 tasks, 200 %"),
        pytest.param(4, 125, 171, id="4 tasks, 125 %"),
        pytest.param(10, 125, 171, id="10 tasks, 125 %"),
    ],
)
def test_a_crash_on_start_trips_it_after_about_as_long_as_the_published_formula_says(
    desired: int, most: int, seconds: int
) -> None:
    model, _told = a_model()
    model.world.listeners.clear()
    service = a_service(model, desired, settings=guarded(most=most))
    model.advance(5)  # half a tick before the scheduler looks
    began = model.now
    deploy(model, service, crash_on_start())
    bad = service.primary
    while bad.rollout_state == "IN_PROGRESS":
        assert model.next_at is not None
        model.advance(model.next_at)
    assert (model.now - began).total_seconds() == pytest.approx(seconds, rel=0.2)


def test_a_crash_after_healthy_resets_the_count_and_is_not_caught() -> None:
    model, _told = a_model()
    service = a_service(model, 4, settings=guarded(most=125))
    deploy(model, service, crash_after(60))
    bad = service.primary
    model.advance(3600)
    assert service.primary is bad
    assert bad.rollout_state != "FAILED"
    assert bad.failed_tasks < 3


def test_one_healthy_task_sets_a_consecutive_count_to_zero() -> None:
    model, _told = a_model()
    service = a_service(model, 2)
    deploy(model, service, crash_on_start())
    bad = service.primary
    while bad.failed_tasks < 2:
        assert model.next_at is not None
        model.advance(model.next_at)
    model.faults.set_workload(bad.revision.definition.containers[0].image, Workload())
    assert model.settle()
    assert (bad.rollout_state, bad.failed_tasks) == ("COMPLETED", 0)


def test_a_cumulative_count_is_not_reset_by_a_healthy_task() -> None:
    model, _told = a_model()
    service = a_service(model, 8, settings=guarded(kind="COUNT", value=12, reset=False))
    deploy(model, service, crash_on_start())
    bad = service.primary
    while bad.failed_tasks < 5:
        assert model.next_at is not None
        model.advance(model.next_at)
    model.faults.set_workload(bad.revision.definition.containers[0].image, Workload())
    assert model.settle()
    assert bad.rollout_state == "COMPLETED"
    assert bad.failed_tasks >= 5


def test_a_crash_after_completed_does_not_trip_it() -> None:
    model, told = a_model()
    service = a_service(model, 2)
    deploy(model, service, crash_after(600))
    model.advance(500)
    assert service.primary.rollout_state == "COMPLETED"
    model.advance(4 * 3600)
    assert service.primary.rollout_state == "COMPLETED"
    assert service.primary.failed_tasks == 0
    assert "FAILED" not in {state for state, _, _ in told.rollouts()}


@pytest.mark.parametrize(
    ("counting", "caught"),
    [(CrashCounting.UNTIL_HEALTHY, True), (CrashCounting.NEVER, False), (CrashCounting.ALWAYS, True)],
    ids=lambda part: str(part),
)
def test_both_readings_of_a_crash_after_running_can_be_had(counting: CrashCounting, caught: bool) -> None:
    model, _told = a_model(readings=Readings(crash_counting=counting))
    service = a_service(model, 2)
    deploy(model, service, crash_on_start())
    bad = service.primary
    model.advance(1800)
    assert (bad.rollout_state == "FAILED") == caught


def test_a_cumulative_breaker_that_counts_every_crash_catches_what_dies_once_healthy() -> None:
    model, told = a_model(readings=Readings(crash_counting=CrashCounting.ALWAYS))
    service = a_service(model, 8, settings=guarded(kind="COUNT", value=3, reset=False, most=125))
    deploy(model, service, crash_once_healthy(5))
    model.advance(1800)
    assert "FAILED" in {state for state, _, _ in told.rollouts()}


def test_failed_health_checks_count() -> None:
    model, told = a_model()
    service = a_service(model, 3, behind=model.catalogue.create_target_group("web"))
    old = service.primary
    deploy(model, service, never_healthy())
    assert model.settle()
    assert service.primary is old
    assert told.rollouts()[-3][0] == "FAILED"


def test_tasks_that_never_start_do_not_count_in_stage_two_unless_read_so() -> None:
    outcomes = []
    for late in (False, True):
        model, _told = a_model(readings=Readings(start_failures_in_stage_two=late))
        service = a_service(model, 6, settings=guarded(kind="COUNT", value=2, reset=False, most=150))
        deploy(model, service)
        new = service.primary
        while sum(task.deployment is new and task.last_status == "RUNNING" for task in service.tasks.values()) < 2:
            assert model.next_at is not None
            model.advance(model.next_at)
        model.faults.set_workload(new.revision.definition.containers[0].image, image_missing())
        model.advance(1800)
        outcomes.append(new.rollout_state)
    assert outcomes == ["IN_PROGRESS", "FAILED"]


def test_without_a_completed_deployment_it_stalls() -> None:
    model, _told = a_model()
    service = model.create_service(CLUSTER, "web", revise(model, crash_on_start()), 2, settings=guarded())
    assert model.settle()
    launched = service.launched
    model.advance(3600)
    assert service.launched == launched
    assert service.tasks == {}
    assert (service.primary.rollout_state, service.service_deployments[-1].status) == ("FAILED", "ROLLBACK_FAILED")


def test_a_rollback_that_fails_is_not_rolled_back() -> None:
    model, _told = a_model()
    service = a_service(model, 4, settings=guarded(least=0, most=100))
    deploy(model, service, crash_on_start())
    while service.service_deployments[-1].status != "ROLLBACK_IN_PROGRESS":
        assert model.next_at is not None
        model.advance(model.next_at)
    model.faults.set_workload("web:1", image_missing())
    model.advance(3 * 3600)
    assert service.service_deployments[-1].status == "ROLLBACK_FAILED"
    assert service.primary.stalled


@pytest.mark.parametrize("again", [True, False], ids=["the old id", "a new id"])
def test_a_rollback_is_a_deployment_with_events_of_its_own(again: bool) -> None:
    model, told = a_model(readings=Readings(rollback_reuses_deployment=again))
    service = a_service(model, 2)
    old = service.primary.id
    deploy(model, service, crash_on_start())
    bad = service.primary.id
    assert model.settle()
    back = service.primary.id
    assert (back == old) == again
    assert told.rollouts()[-4:] == [
        ("IN_PROGRESS", bad, f"ECS deployment {bad} in progress."),
        ("FAILED", bad, "ECS deployment circuit breaker: tasks failed to start."),
        ("IN_PROGRESS", back, f"ECS deployment circuit breaker: rolling back to deploymentId {back}."),
        ("COMPLETED", back, f"ECS deployment {back} completed."),
    ]


def test_the_threshold_follows_the_latest_desired_count() -> None:
    model, _told = a_model()
    service = a_service(model, 4)
    deploy(model, service, crash_on_start())
    model.update_service(CLUSTER, "web", desired=20)
    assert model.settle()
    assert service.service_deployments[-1].breaker_threshold == 10


ALARMED = replace(DeploymentSettings(), alarms=DeploymentAlarms(("errors",), enable=True, rollback=True))


def test_an_alarm_fails_a_deployment_also_while_it_bakes() -> None:
    model, told = a_model()
    service = a_service(model, 2, settings=ALARMED)
    old = service.primary
    deploy(model, service)
    model.advance(130)
    rollout = service.service_deployments[-1]
    assert (rollout.status, rollout.stage) == ("IN_PROGRESS", "BAKE_TIME")
    model.faults.set_alarm("errors", "ALARM")
    assert model.settle()
    assert service.primary is old
    assert (rollout.alarm_status, rollout.triggered_alarms) == ("TRIGGERED", ("errors",))
    assert ("FAILED", rollout.deployment.id, "ECS deployment failed: alarm(s) detected.") in told.rollouts()


@pytest.mark.parametrize(
    ("reading", "status"),
    [(AlarmAtStart.IGNORED, "SUCCESSFUL"), (AlarmAtStart.FAILS, "ROLLBACK_SUCCESSFUL")],
    ids=["ignored", "fails"],
)
def test_both_readings_of_an_alarm_that_is_on_at_the_start_can_be_had(reading: AlarmAtStart, status: str) -> None:
    model, _told = a_model(readings=Readings(alarm_at_start=reading))
    service = a_service(model, 2, settings=ALARMED)
    model.faults.set_alarm("errors", "ALARM")
    deploy(model, service)
    assert model.settle()
    assert service.service_deployments[-1].status == status


def test_a_threshold_is_reported_with_its_type() -> None:
    assert threshold(CircuitBreaker(True, True, Threshold("UNBOUNDED_PERCENT", 10)), 800) == 80


def test_both_readings_of_when_a_crashed_task_is_replaced_can_be_had() -> None:
    seconds = []
    for late in (True, False):
        model, _told = a_model(readings=Readings(replaced_when_stopped=late))
        service = a_service(model, 1)
        began = model.now
        deploy(model, service, crash_on_start())
        bad = service.primary
        while bad.rollout_state == "IN_PROGRESS":
            assert model.next_at is not None
            model.advance(model.next_at)
        seconds.append((model.now - began).total_seconds())
    assert seconds[0] > seconds[1] + 10


@pytest.mark.parametrize("guards", [False, True])
def test_both_readings_of_the_breaker_beyond_rolling_updates_can_be_had(guards: bool) -> None:
    model, _told = a_model(readings=Readings(breaker_guards_blue_green=guards))
    model.add_strategy("OTHER", Rolling())
    service = a_service(model, 1, settings=replace(guarded(), strategy="OTHER"))
    deploy(model, service, crash_on_start())
    bad = service.primary
    model.advance(1800)
    assert (bad.rollout_state == "FAILED") == guards
