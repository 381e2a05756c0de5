"""The events have the fields of the documented ones: compared with the example events of this repository."""

import json
from pathlib import Path
from typing import Any

import pytest

from breakwater.events import Unreadable, read
from sandbox.ecs import Readings
from sandbox.ecs.definitions import DeploymentSettings
from sandbox.ecs.state import Task
from sandbox.ecs.workloads import Workload, crash_on_start, image_missing, out_of_memory
from tests.unit.ecs.build import CLUSTER, Told, a_model, a_service, deploy, revise

EVENTS = Path(__file__).parents[3] / "events"
TASK_FIELDS = {
    "taskArn", "clusterArn", "taskDefinitionArn", "version", "lastStatus", "desiredStatus", "group", "containers",
    "attachments", "attributes", "availabilityZone", "cpu", "memory", "createdAt", "updatedAt", "launchType",
    "overrides", "enableExecuteCommand",
}  # fmt: skip


def example(name: str) -> dict[str, Any]:
    """One of the repository's example events."""
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return found


def last(told: Told, task: Task) -> dict[str, Any]:
    """The last event of a task, envelope and all."""
    events = [event for event in told.events if event and event["resources"] == [task.arn]]
    return events[-1]


@pytest.mark.parametrize(
    ("workload", "name"),
    [
        pytest.param(crash_on_start(), "task_stopped_nonzero_exit", id="exit 1"),
        pytest.param(image_missing(), "task_stopped_image_never_pulled", id="image missing"),
        pytest.param(out_of_memory(1), "task_stopped_out_of_memory", id="out of memory"),
    ],
)
def test_a_stopped_task_has_the_fields_of_the_example(workload: Workload, name: str) -> None:
    model, told = a_model()
    service = a_service(model, 1, settings=DeploymentSettings())
    deploy(model, service, workload)
    model.advance(75)
    task = next(one for one in model.catalogue.cluster(CLUSTER).tasks.values() if one.last_status == "STOPPED")
    event, sample = last(told, task), example(name)
    assert set(event) == set(sample)
    here, there = event["detail"], sample["detail"]
    assert (here["stopCode"], here["lastStatus"]) == (there["stopCode"], there["lastStatus"])
    assert set(here) >= TASK_FIELDS | {"stoppingAt", "stoppedAt", "stoppedReason", "startedBy"}
    assert ("exitCode" in here["containers"][0]) == ("exitCode" in there["containers"][0])
    assert ("startedAt" in here) == ("exitCode" in here["containers"][0])
    assert "essential" not in here["containers"][0]
    assert "healthStatus" not in here


@pytest.mark.parametrize(
    ("state", "name"),
    [("IN_PROGRESS", "deployment_in_progress"), ("COMPLETED", "deployment_completed"), ("FAILED", "deployment_failed")],
    ids=lambda part: str(part),
)
def test_a_deployment_event_has_the_fields_of_the_example(state: str, name: str) -> None:
    model, told = a_model()
    service = a_service(model, 1)
    deploy(model, service, crash_on_start())
    assert model.settle()
    found = [one for one in told.details("ECS Deployment State Change") if one["eventName"].endswith(state)]
    assert set(found[0]) | {"clusterArn"} == set(example(name)["detail"]) | {"clusterArn"}
    assert found[0]["eventType"] == ("ERROR" if state == "FAILED" else "INFO")


def test_both_readings_of_the_cluster_in_deployment_events_can_be_had() -> None:
    found = []
    for named in (True, False):
        model, told = a_model(readings=Readings(cluster_in_deployment_events=named))
        a_service(model, 1)
        found.append({"clusterArn" in detail for detail in told.details("ECS Deployment State Change")})
    assert found == [{True}, {False}]


def test_every_event_can_be_read_by_the_suite_and_goes_through_json() -> None:
    model, told = a_model()
    instance = model.catalogue.register_instance(CLUSTER)
    service = a_service(model, 2)
    model.run_task(CLUSTER, revise(model, None, family="job", network_mode="bridge"), launch_type="EC2")
    deploy(model, service, crash_on_start())
    assert model.settle()
    model.faults.instance_health(instance, "IMPAIRED")
    model.faults.lose_instance(instance)
    model.advance(60)
    events = [event for event in told.events if event]
    assert {event["detail-type"] for event in events} == {
        "ECS Task State Change",
        "ECS Deployment State Change",
        "ECS Service Action",
        "ECS Container Instance State Change",
        "ECS Container Instance Health Change",
    }
    assert len({event["id"] for event in events}) == len(events)
    for event in events:
        assert json.loads(json.dumps(event)) == event
        assert not isinstance(read(event), Unreadable)


def test_a_task_goes_through_its_states_once_each_and_its_version_rises_by_one() -> None:
    model, told = a_model()
    [task], _ = model.run_task(CLUSTER, revise(model))
    model.advance(60)
    model.stop_task(CLUSTER, task.id)
    model.stop_task(CLUSTER, task.id, "again")
    model.advance(60)
    assert told.statuses(task) == [
        "PROVISIONING",
        "PENDING",
        "ACTIVATING",
        "RUNNING",
        "DEACTIVATING",
        "STOPPING",
        "DEPROVISIONING",
        "STOPPED",
    ]
    versions = [one["version"] for one in told.details("ECS Task State Change")]
    assert versions == list(range(1, 9))
    assert told.final(task)["stoppedReason"] == "Task stopped by user"


def test_a_launch_takes_35_seconds_and_an_exit_15() -> None:
    model, _told = a_model()
    [task], _ = model.run_task(CLUSTER, revise(model, crash_on_start()))
    model.advance(120)
    assert task.started_at is not None
    assert task.stopped_at is not None
    assert (task.started_at - task.created_at, task.stopped_at - task.started_at) == (35_000, 15_000)


def test_a_new_target_is_healthy_with_its_first_success_and_drains_its_connections() -> None:
    model, told = a_model()
    group = model.catalogue.create_target_group("web")
    service = a_service(model, 1, behind=group)
    [target] = group.targets.values()
    assert (target.state, target.port) == ("healthy", 80)
    seen = [(one.status, one.note) for one in told.changes if one.kind == "target"]
    assert seen == [("initial", "Elb.RegistrationInProgress"), ("healthy", "")]
    model.update_service(CLUSTER, service.name, desired=0)
    model.advance(11)
    assert (target.state, target.reason) == ("draining", "Target.DeregistrationInProgress")
    assert target.task.last_status == "DEACTIVATING"
    model.advance(320)
    assert group.targets == {}
    assert target.task.last_status != "DEACTIVATING"
