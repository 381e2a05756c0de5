"""Rolling deployments, scaling, and what DescribeServices would show of them (ecs 3, 8, 10)."""

from itertools import pairwise

import pytest

from sandbox.ecs import EcsError, Readings
from sandbox.ecs.definitions import DeploymentSettings, EarlySuccess
from sandbox.ecs.state import LIVE, Service
from sandbox.ecs.workloads import Workload, crash_on_start, image_missing, slow_start
from tests.unit.ecs.build import CLUSTER, a_model, a_service, counts, deploy, guarded, revise


def live(service: Service) -> int:
    """How many tasks are running or pending."""
    return sum(task.last_status in LIVE for task in service.tasks.values())


def healthy(service: Service) -> int:
    """How many tasks count towards the minimum."""
    return sum(task.healthy for task in service.tasks.values())


@pytest.mark.parametrize(
    ("desired", "least", "most", "never_below", "never_above"),
    [
        pytest.param(4, 100, 200, 4, 8, id="default"),
        pytest.param(4, 50, 100, 2, 4, id="stop two, then start two"),
        pytest.param(4, 100, 125, 4, 5, id="one more at a time"),
        pytest.param(3, 50, 150, 2, 4, id="minimum rounded up, maximum rounded down"),
        pytest.param(1, 0, 100, 0, 1, id="stop, then start"),
        pytest.param(10, 90, 110, 9, 11, id="ten"),
    ],
)
def test_a_rolling_update_stays_within_its_percentages(
    desired: int, least: int, most: int, never_below: int, never_above: int
) -> None:
    model, _told = a_model()
    service = a_service(model, desired, settings=guarded(least=least, most=most))
    deploy(model, service)
    highest, lowest = 0, desired
    while not model.settled:
        assert model.next_at is not None
        model.advance(model.next_at)
        highest, lowest = max(highest, live(service)), min(lowest, healthy(service))
    assert (lowest, highest) == (never_below, never_above)
    assert counts(service) == {"RUNNING": desired}
    assert service.service_deployments[-1].status == "SUCCESSFUL"


def test_a_deployment_goes_through_its_states_and_tells_of_each() -> None:
    model, told = a_model()
    service = a_service(model, 2)
    old = service.primary
    deploy(model, service)
    new, rollout = service.primary, service.service_deployments[-1]
    assert rollout.status == "PENDING"
    assert [one.status for one in service.deployments] == ["PRIMARY", "ACTIVE"]
    assert new.rollout_state == "IN_PROGRESS"
    model.advance(15)
    assert rollout.status == "IN_PROGRESS"
    assert model.settle()
    assert (rollout.status, old.status, service.deployments) == ("SUCCESSFUL", "INACTIVE", [new])
    assert told.rollouts()[-2:] == [
        ("IN_PROGRESS", new.id, f"ECS deployment {new.id} in progress."),
        ("COMPLETED", new.id, f"ECS deployment {new.id} completed."),
    ]
    assert told.actions()[-1] == "SERVICE_STEADY_STATE"
    assert {task.started_by for task in service.tasks.values()} == {new.id}


@pytest.mark.parametrize(
    ("most", "late", "waits"),
    [
        pytest.param(125, True, True, id="room for one: its replacement waits for STOPPED"),
        pytest.param(150, True, True, id="room for two: theirs too"),
        pytest.param(125, False, False, id="in the other reading it comes at the exit"),
    ],
)
def test_a_task_that_ended_keeps_its_place_below_the_maximum_until_it_is_stopped(
    most: int, late: bool, waits: bool
) -> None:
    model, told = a_model(readings=Readings(replaced_when_stopped=late))
    service = a_service(model, 4, settings=guarded(most=most))
    deploy(model, service, crash_on_start())
    bad = service.primary
    model.advance(150)
    new = [one for one in told.details("ECS Task State Change") if one["startedBy"] == bad.id]
    launched = [one["createdAt"] for one in new if one["lastStatus"] == "PROVISIONING"]
    first_stopped = next(one["stoppedAt"] for one in new if one["lastStatus"] == "STOPPED")
    room = 4 * (most - 100) // 100
    assert len(launched) > room
    assert (launched[room] >= first_stopped) == waits


def test_a_newer_deployment_supersedes_one_that_is_under_way() -> None:
    model, _told = a_model()
    service = a_service(model, 3)
    deploy(model, service, slow_start(60))
    model.advance(20)
    deploy(model, service)
    first, second = service.service_deployments[-2:]
    assert first.status == "STOPPED"
    assert model.settle()
    assert second.status == "SUCCESSFUL"
    assert {task.deployment for task in service.tasks.values()} == {second.deployment}
    assert first.deployment.status == "INACTIVE"


def test_scaling_makes_no_deployment() -> None:
    model, _told = a_model()
    service = a_service(model, 2)
    before = service.primary
    for desired in (5, 1, 0, 3):
        model.update_service(CLUSTER, "web", desired=desired)
        assert model.settle()
        assert len(service.tasks) == desired
    assert service.primary is before
    assert len(service.service_deployments) == 1


def test_scale_in_names_the_deployment() -> None:
    model, told = a_model()
    service = a_service(model, 2)
    model.update_service(CLUSTER, "web", desired=1)
    assert model.settle()
    [stopped] = [one for one in told.details("ECS Task State Change") if one["lastStatus"] == "STOPPED"]
    assert stopped["stoppedReason"] == f"Scaling activity initiated by (deployment {service.primary.id})"
    assert (stopped["stopCode"], stopped["containers"][0]["exitCode"]) == ("ServiceSchedulerInitiated", 143)


def test_force_makes_a_deployment_of_the_same_revision() -> None:
    model, _told = a_model()
    service = a_service(model, 2)
    model.update_service(CLUSTER, "web", force_new_deployment=True)
    assert model.settle()
    assert len(service.service_deployments) == 2
    assert service.revisions[0].definition is service.revisions[1].definition


@pytest.mark.parametrize("cleanup", ["BLOCKING", "DEFERRED"])
def test_early_success_comes_before_the_service_is_stable(cleanup: str) -> None:
    model, _told = a_model()
    settings = DeploymentSettings(
        minimum_healthy_percent=50, early_success=EarlySuccess(50, cleanup), maximum_percent=150
    )
    service = a_service(model, 4, settings=settings)
    deploy(model, service)
    rollout = service.service_deployments[-1]
    while rollout.status != "SUCCESSFUL":
        assert model.next_at is not None
        model.advance(model.next_at)
    old = sum(task.deployment is not rollout.deployment for task in service.tasks.values())
    assert (old > 0) == (cleanup == "DEFERRED")
    assert model.settle()
    assert counts(service) == {"RUNNING": 4}


def test_stopping_a_deployment_rolls_back_also_where_rollback_is_not_configured() -> None:
    model, _told = a_model()
    service = a_service(model, 2, settings=DeploymentSettings())
    old = service.primary
    deploy(model, service, slow_start(600))
    model.advance(60)
    rollout = service.service_deployments[-1]
    assert model.stop_service_deployment(rollout.arn) is rollout
    assert rollout.status == "ROLLBACK_IN_PROGRESS"
    assert model.stop_service_deployment(rollout.arn).status == "ROLLBACK_IN_PROGRESS"
    assert model.settle()
    assert (rollout.status, service.primary) == ("ROLLBACK_SUCCESSFUL", old)
    with pytest.raises(EcsError, match="ConflictException"):
        model.stop_service_deployment(rollout.arn)


def test_stopping_a_first_deployment_is_a_conflict() -> None:
    model, _told = a_model()
    service = model.create_service(CLUSTER, "web", revise(model), 1)
    with pytest.raises(EcsError, match="ConflictException"):
        model.stop_service_deployment(service.service_deployments[-1].arn)
    with pytest.raises(EcsError, match="ServiceDeploymentNotFoundException"):
        model.stop_service_deployment("arn:aws:ecs:us-east-1:111122223333:service-deployment/prod/web/none")


def test_tasks_that_never_run_are_held_back_up_to_27_minutes() -> None:
    model, told = a_model()
    service = a_service(model, 1, settings=DeploymentSettings())
    deploy(model, service, image_missing())
    model.advance(6 * 3600)
    births = [change.at for change in told.changes if change.kind == "task" and change.version == 1 and change.at > 0]
    gaps = [(later - earlier) / 1000 for earlier, later in pairwise(births[1:])]
    assert gaps == sorted(gaps)
    assert 27 * 60 <= gaps[-1] <= 29 * 60
    assert told.actions().count("SERVICE_TASK_START_IMPAIRED") == 1


def test_tasks_that_crash_after_running_are_not_held_back() -> None:
    model, told = a_model()
    service = a_service(model, 1, settings=DeploymentSettings())
    deploy(model, service, crash_on_start())
    model.advance(3600)
    assert service.launched > 50
    assert "SERVICE_TASK_START_IMPAIRED" not in told.actions()


def test_a_failed_check_in_steady_state_starts_the_replacement_first() -> None:
    model, _told = a_model()
    group = model.catalogue.create_target_group("web")
    service = a_service(model, 2, behind=group)
    victim = next(iter(service.tasks.values()))
    model.faults.break_health(victim)
    while victim.desired_status == "RUNNING":
        assert model.next_at is not None
        model.advance(model.next_at)
    assert sum(task.last_status == "RUNNING" for task in service.tasks.values()) == 2
    assert model.settle()
    assert victim.stopped_reason == f"Task failed ELB health checks in (target-group {group.arn})"


def test_steady_state_is_said_again_every_six_hours() -> None:
    model, told = a_model()
    a_service(model, 1)
    model.advance(13 * 3600)
    assert told.actions() == ["SERVICE_STEADY_STATE"] * 3
    assert model.idle


def test_a_deleted_service_drains_and_is_gone() -> None:
    model, _told = a_model()
    service = a_service(model, 2)
    with pytest.raises(EcsError, match="cannot be stopped while it is scaled above 0"):
        model.delete_service(CLUSTER, "web")
    model.delete_service(CLUSTER, "web", force=True)
    assert service.status == "DRAINING"
    assert model.settle()
    assert service.status == "INACTIVE"
    with pytest.raises(EcsError, match="ServiceNotActiveException"):
        model.update_service(CLUSTER, "web", desired=1)


def test_a_service_shows_its_last_hundred_events() -> None:
    model, _told = a_model()
    service = a_service(model, 1, settings=DeploymentSettings())
    deploy(model, service, crash_on_start())
    model.advance(5 * 3600)
    assert len(service.events) == 100


def test_an_inactive_revision_is_refused_after_its_grace_but_keeps_scaling() -> None:
    model, _told = a_model()
    service = a_service(model, 1)
    other = revise(model, Workload())
    model.catalogue.deregister("web:1")
    model.catalogue.deregister(other)
    model.advance(599)
    model.catalogue.usable(other)
    model.advance(1)
    with pytest.raises(EcsError, match="TaskDefinition is inactive"):
        model.update_service(CLUSTER, "web", task_definition=other)
    with pytest.raises(EcsError, match="TaskDefinition is inactive"):
        model.run_task(CLUSTER, other)
    model.update_service(CLUSTER, "web", desired=3)
    assert model.settle()
    assert len(service.tasks) == 3


def test_a_family_may_begin_at_a_later_revision() -> None:
    model, _told = a_model()
    model.catalogue.begin_at("web", 42)
    service = a_service(model, 1)
    assert service.primary.revision.definition.arn.endswith("web:42")
    assert revise(model).endswith("web:43")
    assert model.catalogue.known("web").revision == 43
    for missing in ("web:41", "web:44", "web:1", "web:0", "web:x"):
        with pytest.raises(EcsError, match="Unable to describe task definition"):
            model.catalogue.known(missing)
    with pytest.raises(EcsError, match="the family web has revisions"):
        model.catalogue.begin_at("web", 7)
