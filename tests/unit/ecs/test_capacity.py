"""Where tasks run, what happens when there is no room, and what happens to a task whose host goes away (ecs 7, 8)."""

import pytest

from sandbox.ecs import EcsError, Model
from sandbox.ecs.definitions import ContainerDefinition, DeploymentSettings
from sandbox.ecs.state import Service
from tests.unit.ecs.build import CLUSTER, Told, a_model, counts, deploy, guarded, revise


def on_ec2(model: Model, desired: int, *, settings: DeploymentSettings | None = None, host_port: int = 0) -> Service:
    """A service on container instances."""
    arn = revise(model, network_mode="bridge", host_port=host_port)
    settings = settings or guarded()
    return model.create_service(CLUSTER, "web", arn, desired, settings=settings, launch_type="EC2")


def reasons(told: Told) -> list[str | None]:
    """Why tasks could not be placed."""
    found = [one for one in told.details("ECS Service Action") if one["eventName"] == "SERVICE_TASK_PLACEMENT_FAILURE"]
    return [one.get("reason") for one in found]


@pytest.mark.parametrize(
    ("cpu", "memory", "host_port", "reason"),
    [
        pytest.param(300, 4096, 0, "RESOURCE:CPU", id="cpu"),
        pytest.param(4096, 600, 0, "RESOURCE:MEMORY", id="memory"),
        pytest.param(4096, 4096, 8080, "RESOURCE:PORTS", id="fixed host port"),
    ],
)
def test_a_service_says_what_it_lacks_and_goes_on_when_there_is_room(
    cpu: int, memory: int, host_port: int, reason: str
) -> None:
    model, told = a_model()
    model.catalogue.register_instance(CLUSTER, cpu=cpu, memory=memory)
    service = on_ec2(model, 2, host_port=host_port)
    model.advance(600)
    assert counts(service) == {"RUNNING": 1}
    assert reasons(told) == [reason]
    model.catalogue.register_instance(CLUSTER, cpu=cpu, memory=memory)
    assert model.settle()
    assert counts(service) == {"RUNNING": 2}


def test_without_an_instance_nothing_is_placed() -> None:
    model, told = a_model()
    on_ec2(model, 1)
    model.advance(60)
    assert reasons(told) == ["MISSING"]
    assert model.run_task(CLUSTER, "web", launch_type="EC2")[1] == ["MISSING"]


def test_tasks_of_one_instance_get_host_ports_of_their_own_and_give_them_back() -> None:
    model, told = a_model()
    instance = model.catalogue.register_instance(CLUSTER, cpu=4096)
    service = on_ec2(model, 3)
    assert model.settle()
    ports = [task.containers[0].host_ports[80] for task in service.tasks.values()]
    assert len(set(ports)) == 3
    assert all(port >= 32768 for port in ports)
    assert instance.ports == set(ports)
    model.update_service(CLUSTER, "web", desired=0)
    assert model.settle()
    assert (instance.ports, instance.cpu, instance.memory) == (set(), 4096, 7764)
    binding = told.details("ECS Task State Change")[-1]["containers"][0]["networkBindings"][0]
    assert binding["containerPort"] == 80


def test_each_placement_is_an_event_of_the_instance_with_a_higher_version() -> None:
    model, told = a_model()
    model.catalogue.register_instance(CLUSTER)
    on_ec2(model, 2)
    assert model.settle()
    events = told.details("ECS Container Instance State Change")
    assert [one["version"] for one in events] == [1, 2, 3]
    assert events[-1]["remainingResources"][0] == {"name": "CPU", "type": "INTEGER", "integerValue": 2048 - 512}


def test_where_there_is_no_room_for_more_an_old_task_goes_first() -> None:
    model, told = a_model()
    model.catalogue.register_instance(CLUSTER, cpu=512, memory=1024)
    service = on_ec2(model, 2, settings=guarded(least=50))
    assert model.settle()
    deploy(model, service, network_mode="bridge")
    assert model.settle()
    assert service.service_deployments[-1].status == "SUCCESSFUL"
    assert reasons(told) == ["RESOURCE:CPU"]


@pytest.mark.parametrize("late", [False, True], ids=["not placed", "placed, then failing"])
def test_a_fargate_shortage_ends_and_the_service_is_whole_again(late: bool) -> None:
    model, told = a_model()
    model.faults.shortage(after_placement=late)
    service = model.create_service(CLUSTER, "web", revise(model), 2)
    model.advance(600)
    if late:
        stopped = told.details("ECS Task State Change")[-1]
        assert stopped["stoppedReason"].startswith("Capacity is unavailable at this time")
    else:
        assert reasons(told) == ["RESOURCE:FARGATE"]
        assert model.run_task(CLUSTER, "web")[1] == ["RESOURCE:FARGATE"]
    model.faults.shortage(over=True)
    assert model.settle()
    assert counts(service) == {"RUNNING": 2}


def test_a_failed_placement_of_run_task_is_no_event() -> None:
    model, told = a_model()
    revise(model)
    model.faults.shortage()
    before = len(told.details("ECS Service Action"))
    started, failures = model.run_task(CLUSTER, "web", count=10)
    assert (started, len(failures), len(told.details("ECS Service Action"))) == ([], 10, before)


def test_a_draining_instance_keeps_its_service_whole_and_its_standalone_tasks() -> None:
    model, told = a_model()
    first = model.catalogue.register_instance(CLUSTER)
    service = on_ec2(model, 2)
    [alone], _ = model.run_task(CLUSTER, "web", launch_type="EC2")
    assert model.settle()
    model.catalogue.register_instance(CLUSTER)
    model.catalogue.set_instance_status(CLUSTER, first.arn, "DRAINING")
    least = 2
    while not model.settled:
        assert model.next_at is not None
        model.advance(model.next_at)
        least = min(least, sum(task.healthy for task in service.tasks.values()))
    assert least == 2
    assert set(first.tasks.values()) == {alone}
    assert alone.last_status == "RUNNING"
    assert told.details("ECS Container Instance State Change")[-1]["status"] in ("ACTIVE", "DRAINING")
    model.catalogue.set_instance_status(CLUSTER, first.arn, "ACTIVE")
    with pytest.raises(EcsError, match="should be one of"):
        model.catalogue.set_instance_status(CLUSTER, first.arn, "INACTIVE")


def test_tasks_of_a_lost_instance_end_without_exit_codes_and_are_replaced() -> None:
    model, told = a_model()
    instance = model.catalogue.register_instance(CLUSTER)
    service = on_ec2(model, 2)
    assert model.settle()
    [victim, _] = service.tasks.values()
    model.catalogue.register_instance(CLUSTER)
    model.faults.lose_instance(instance)
    assert model.settle()
    detail = told.final(victim)
    assert (detail["stopCode"], detail["lastStatus"]) == ("TerminationNotice", "STOPPED")
    assert detail["stoppedReason"] == f"Host EC2 (instance {instance.ec2_id}) terminated."
    assert detail["containers"][0]["lastStatus"] == "RUNNING"
    assert "exitCode" not in detail["containers"][0]
    assert counts(service) == {"RUNNING": 2}


def test_a_spot_task_is_warned_two_minutes_before_it_stops() -> None:
    model, told = a_model()
    arn = revise(model)
    service = model.create_service(CLUSTER, "web", arn, 2, capacity_provider="FARGATE_SPOT")
    assert model.settle()
    [victim, _] = service.tasks.values()
    model.faults.spot_interruption(victim)
    warning = told.final(victim)
    assert (warning["lastStatus"], warning["desiredStatus"]) == ("RUNNING", "STOPPED")
    model.advance(119)
    assert victim.last_status == "RUNNING"
    assert model.settle()
    detail = told.final(victim)
    assert (detail["stopCode"], detail["stoppedReason"]) == ("SpotInterruption", "Your Spot Task was interrupted.")
    assert detail["capacityProviderName"] == "FARGATE_SPOT"
    assert counts(service) == {"RUNNING": 2}


def test_a_spot_instance_drains_at_the_notice_and_is_gone_after_it() -> None:
    model, _told = a_model()
    spot = model.catalogue.register_instance(CLUSTER, spot=True)
    service = on_ec2(model, 1)
    assert model.settle()
    model.catalogue.register_instance(CLUSTER)
    model.faults.spot_instance_interruption(spot)
    assert spot.status == "DRAINING"
    assert model.settle()
    model.advance(121)
    assert spot.status == "INACTIVE"
    assert counts(service) == {"RUNNING": 1}


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        pytest.param("maintenance", "ServiceSchedulerInitiated", "performing maintenance", id="maintenance"),
        pytest.param("infrastructure_failure", "InfrastructureHealth", "impaired", id="infrastructure"),
    ],
)
def test_a_task_that_its_host_ends_is_replaced_with_the_wording(fault: str, code: str, words: str) -> None:
    model, told = a_model()
    service = model.create_service(CLUSTER, "web", revise(model), 1)
    assert model.settle()
    [victim] = service.tasks.values()
    getattr(model.faults, fault)(victim)
    assert model.settle()
    assert told.final(victim)["stopCode"] == code
    assert words in told.final(victim)["stoppedReason"]
    assert counts(service) == {"RUNNING": 1}


def test_the_health_of_an_instance_is_an_event_of_its_own() -> None:
    model, told = a_model()
    instance = model.catalogue.register_instance(CLUSTER)
    model.faults.instance_health(instance, "IMPAIRED")
    model.faults.instance_health(instance, "IMPAIRED")
    [detail] = told.details("ECS Container Instance Health Change")
    assert (detail["overallStatus"], detail["ec2InstanceId"]) == ("IMPAIRED", instance.ec2_id)


def test_launches_keep_to_the_rate_of_the_account() -> None:
    model, told = a_model()
    model.create_service(CLUSTER, "web", revise(model), 600)
    model.advance(300)
    pending = [one.at for one in told.changes if one.kind == "task" and one.status == "PENDING"]
    assert (pending[500] - pending[0]) / 1000 == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        pytest.param(lambda model: model.run_task("other", "web"), "ClusterNotFoundException", id="cluster"),
        pytest.param(lambda model: model.run_task(CLUSTER, "web", count=11), "InvalidParameterException", id="count"),
        pytest.param(lambda model: model.run_task(CLUSTER, "web:9"), "ClientException", id="revision"),
        pytest.param(lambda model: model.stop_task(CLUSTER, "none"), "InvalidParameterException", id="task"),
        pytest.param(lambda model: model.update_service(CLUSTER, "none"), "ServiceNotFoundException", id="service"),
        pytest.param(
            lambda model: model.create_service(CLUSTER, "x", "web", 1, settings=guarded(least=100, most=100)),
            "InvalidParameterException",
            id="percentages that block",
        ),
        pytest.param(
            lambda model: model.create_service(CLUSTER, "x", "web", 1, settings=DeploymentSettings(strategy="OTHER")),
            "UnsupportedFeatureException",
            id="strategy",
        ),
        pytest.param(
            lambda model: model.catalogue.register("y", [ContainerDefinition("a", "i", essential=False)]),
            "ClientException",
            id="nothing essential",
        ),
    ],
)
def test_what_ecs_refuses_is_refused_by_its_name(call: object, code: str) -> None:
    model, _told = a_model()
    revise(model)
    assert callable(call)
    with pytest.raises(EcsError) as refusal:
        call(model)
    assert refusal.value.code == code


def test_a_stopped_task_is_known_for_an_hour() -> None:
    model, _told = a_model()
    [task], _ = model.run_task(CLUSTER, revise(model))
    model.stop_task(CLUSTER, task.arn)
    model.advance(3600)
    assert model.task(CLUSTER, task.id) is task
    model.advance(60)
    with pytest.raises(EcsError, match="was not found"):
        model.task(CLUSTER, task.id)
