"""The threshold of the source, for twenty clusters, and the alarms as AWS names them."""

from typing import Any

import pytest

from scaler.clusters import Clusters, asked, is_current, names_for
from scaler.headroom import (
    Advise,
    Capacity,
    ClusterSnapshot,
    Nothing,
    Reservation,
    TooBig,
    Watch,
    decide_headroom,
    threshold,
)


def a_cluster(
    instances: list[tuple[int, int]], tasks: list[tuple[int, int]], managed: tuple[str, ...] = ()
) -> ClusterSnapshot:
    """Instances and tasks, each as (CPU units, memory in MiB)."""
    reservations = [Reservation(f"app{number}:1", cpu, memory) for number, (cpu, memory) in enumerate(tasks)]
    return ClusterSnapshot("prod", [Capacity(*one) for one in instances], reservations, managed)


def test_the_example_of_the_source_is_75_percent() -> None:
    """Instance 2,048 MB, largest reservation 512 MB; CPU likewise."""
    decision = decide_headroom(a_cluster([(2048, 2048)], [(512, 512)]))
    assert isinstance(decision, Watch)
    assert {alarm.threshold for alarm in decision.alarms} == {75.0}


@pytest.mark.parametrize(
    ("instances", "tasks", "expected"),
    [
        pytest.param([(1024, 2048)], [(128, 512)], 75.0, id="memory is the lower"),
        pytest.param([(1024, 2048)], [(512, 256)], 50.0, id="CPU is the lower"),
        pytest.param([(1024, 2048)], [(256, 512)], 75.0, id="both the same"),
        pytest.param([(2048, 4096)], [(0, 512)], 87.5, id="no CPU reserved"),
        pytest.param([(2048, 4096)], [(512, 0)], 75.0, id="no memory reserved"),
        pytest.param([(2048, 4096)] * 10, [(512, 1024)], 75.0, id="how many instances there are does not count"),
        pytest.param([(2048, 4096)], [(128, 256), (1024, 512)], 50.0, id="the largest task counts"),
        pytest.param([(2048, 4096)], [(1024, 256), (128, 3072)], 25.0, id="the largest of each, not of one task"),
        pytest.param([(2048, 4096), (4096, 8192)], [(1024, 1024)], 50.0, id="the smallest instance counts"),
        pytest.param([(4096, 2048), (2048, 8192)], [(512, 512)], 75.0, id="the smallest of each"),
        pytest.param([(2048, 3768)], [(256, 1000)], 73.4, id="rounded down to one decimal"),
        pytest.param([(2048, 7764)], [(256, 512)], 87.5, id="a real instance offers less than it has"),
        pytest.param([(2048, 4096)], [(2048, 128)], 0.0, id="a task as large as an instance"),
        pytest.param([(2048, 4096)], [(2047, 128)], 0.0, id="and one almost as large"),
        pytest.param([(2048, 4096)], [(1, 1)], 99.9, id="a tiny task"),
        pytest.param([(2048, 4096)], [(4096, 128)], TooBig, id="more CPU than one instance has"),
        pytest.param([(2048, 4096)], [(128, 8192)], TooBig, id="more memory than one instance has"),
        pytest.param([], [(128, 512)], Nothing, id="no instances: Fargate"),
        pytest.param([(2048, 4096)], [], Nothing, id="nothing runs"),
        pytest.param([(2048, 4096)], [(0, 0)], Nothing, id="nothing is reserved"),
    ],
)
def test_twenty_clusters(
    instances: list[tuple[int, int]], tasks: list[tuple[int, int]], expected: float | type
) -> None:
    decision = decide_headroom(a_cluster(instances, tasks))
    if isinstance(expected, type):
        assert isinstance(decision, expected)
    else:
        assert isinstance(decision, Watch)
        assert {alarm.threshold for alarm in decision.alarms} == {expected}


def test_the_alarms_are_on_the_metrics_and_the_dimension_that_ecs_publishes() -> None:
    decision = decide_headroom(a_cluster([(2048, 2048)], [(512, 512)]))
    assert isinstance(decision, Watch)
    said = [asked(alarm) for alarm in decision.alarms]
    assert [(one["Namespace"], one["MetricName"]) for one in said] == [
        ("AWS/ECS", "CPUReservation"),
        ("AWS/ECS", "MemoryReservation"),
    ]
    assert all(one["Dimensions"] == [{"Name": "ClusterName", "Value": "prod"}] for one in said)
    assert [one["AlarmName"] for one in said] == names_for("prod")
    assert all(one["ComparisonOperator"] == "GreaterThanThreshold" for one in said)


def test_an_alarm_is_set_again_only_if_it_says_something_else() -> None:
    decision = decide_headroom(a_cluster([(2048, 2048)], [(512, 512)]))
    assert isinstance(decision, Watch)
    alarm = decision.alarms[0]
    there = asked(alarm) | {"AlarmArn": "arn:aws:cloudwatch:…", "StateValue": "OK"}
    assert is_current(alarm, there)
    assert not is_current(alarm, there | {"Threshold": 80.0})
    assert not is_current(alarm, None)


def test_where_managed_scaling_runs_the_instances_it_only_advises_and_says_so() -> None:
    decision = decide_headroom(a_cluster([(2048, 2048)], [(512, 512)], managed=("group",)))
    assert isinstance(decision, Advise)
    assert "75 %" in decision.reason
    assert "Managed scaling of group" in decision.reason


@pytest.mark.parametrize(
    ("count", "left", "said"),
    [
        pytest.param(2, 2048, "none of the 2 is spare", id="two empty ones"),
        pytest.param(4, 2048, "one instance is spare", id="four empty ones"),
        pytest.param(4, 1024, "keep the 4 instances", id="four half full ones would be two thirds full"),
    ],
)
def test_advice_to_scale_in_is_careful(count: int, left: int, said: str) -> None:
    instances = [Capacity(2048, 2048, left, left) for _ in range(count)]
    decision = decide_headroom(ClusterSnapshot("prod", instances, [Reservation("app:1", 512, 512)]))
    assert isinstance(decision, Watch)
    assert said in decision.advice


def test_the_threshold_is_the_published_formula() -> None:
    assert [threshold(largest, 2048) for largest in (0, 256, 512, 1024, 2048)] == [100.0, 87.5, 75.0, 50.0, 0.0]


class FakeEcs:
    """A cluster with one instance and one task of two containers, as ECS describes them."""

    def __init__(self, provider: dict[str, Any]) -> None:
        self.provider = provider

    def list_container_instances(self, **request: Any) -> dict[str, Any]:
        return {"containerInstanceArns": ["arn/instance"]}

    def describe_container_instances(self, **request: Any) -> dict[str, Any]:
        whole = [{"name": "CPU", "integerValue": 2048}, {"name": "MEMORY", "integerValue": 2048}]
        return {"containerInstances": [{"registeredResources": whole, "remainingResources": whole}]}

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        return {"taskArns": ["arn/task"]}

    def describe_tasks(self, **request: Any) -> dict[str, Any]:
        return {"tasks": [{"taskDefinitionArn": "arn/app:1"}]}

    def describe_task_definition(self, **request: Any) -> dict[str, Any]:
        reserving = {"cpu": 128, "memory": 1024, "memoryReservation": 256}
        return {"taskDefinition": {"containerDefinitions": [reserving, {"cpu": 128, "memory": 256}]}}

    def describe_clusters(self, **request: Any) -> dict[str, Any]:
        return {"clusters": [{"capacityProviders": ["FARGATE", "group"]}]}

    def describe_capacity_providers(self, **request: Any) -> dict[str, Any]:
        assert request["capacityProviders"] == ["group"]
        return {"capacityProviders": [{"name": "group"} | self.provider]}


@pytest.mark.parametrize(
    ("provider", "managed"),
    [
        pytest.param(
            {"autoScalingGroupProvider": {"managedScaling": {"status": "ENABLED"}}}, True, id="managed scaling"
        ),
        pytest.param(
            {"autoScalingGroupProvider": {"managedScaling": {"status": "DISABLED"}}}, False, id="switched off"
        ),
        pytest.param({"autoScalingGroupProvider": {}}, False, id="a group alone"),
        pytest.param({"managedInstancesProvider": {"infrastructureRoleArn": "arn"}}, True, id="managed instances"),
    ],
)
def test_a_cluster_is_read_as_ecs_describes_it(provider: dict[str, Any], managed: bool) -> None:
    """A container reserves its memoryReservation, or without one its memory; a task all of its containers."""
    found = Clusters(lambda: FakeEcs(provider)).look("prod")
    assert found.instances == [Capacity(2048, 2048, 2048, 2048)]
    assert found.reservations == [Reservation("app:1", 256, 512)]
    assert list(found.managed) == (["group"] if managed else [])
    assert isinstance(decide_headroom(found), Advise if managed else Watch)
