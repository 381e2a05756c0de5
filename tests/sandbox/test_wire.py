"""Answers are what botocore's own parser makes of the JSON that AWS would send."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import create_parser

from sandbox.clock import Clock
from sandbox.ecs_api.wire import answered, service_model, written
from sandbox.errors import SandboxError

AT = datetime(2026, 3, 2, 10, 0, 0, 123_000, tzinfo=UTC)
PLAIN: dict[str, Any] = {"string": "text", "boolean": True, "integer": 7, "long": 2**40, "double": 1.5, "float": 2}
OPERATIONS = [
    (service, operation)
    for service, operations in (
        ("ecs", ("DescribeServices", "DescribeServiceDeployments", "DescribeTasks", "RegisterTaskDefinition")),
        ("ecs", ("DescribeServiceRevisions", "DescribeContainerInstances", "DescribeClusters", "ListTasks", "RunTask")),
        ("stepfunctions", ("DescribeExecution", "ListExecutions", "StartExecution", "GetExecutionHistory")),
    )
    for operation in operations
]


def sample(shape: Shape, depth: int = 0) -> Any:
    """A value of a shape with everything in it."""
    if isinstance(shape, StructureShape):
        members = list(shape.members.items())[: 1 if shape.is_tagged_union else None]
        return {name: sample(member, depth + 1) for name, member in members if depth < 20}
    if isinstance(shape, ListShape):
        return [sample(shape.member, depth + 1) for _ in range(2)]
    if isinstance(shape, MapShape):
        return {name: sample(shape.value, depth + 1) for name in "ab"}
    if shape.type_name == "timestamp":
        return AT
    return (getattr(shape, "enum", None) or [PLAIN[shape.type_name]])[0]


@pytest.mark.parametrize(("service", "operation"), OPERATIONS, ids=[":".join(each) for each in OPERATIONS])
def test_an_answer_is_what_botocore_reads(service: str, operation: str) -> None:
    model = service_model(service)
    shape = model.operation_model(operation).output_shape
    assert shape is not None
    answer = sample(shape)
    with Clock(AT).frozen():
        body = json.dumps(written(shape, answer, operation)).encode()
        parser = create_parser(model.metadata["protocol"])
        read: dict[str, Any] = parser.parse({"body": body, "headers": {}, "status_code": 200}, shape)
        read.pop("ResponseMetadata", None)
        quick = answered(operation, answer, service)
    assert quick == read
    assert repr(quick) == repr(read)  # the order of members, and the kind of each value


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        pytest.param({"name": "prod"}, r"DescribeClusters\.clusters\[\]: AWS has no member name", id="no member"),
        pytest.param({"clusterName": 5}, r"DescribeClusters\.clusters\[\]\.clusterName: 5 is no string", id="no text"),
        pytest.param({"runningTasksCount": True}, r"runningTasksCount: True is no integer", id="no number"),
        pytest.param({"clusterName": None}, r"clusterName: None is no string", id="nothing"),
    ],
)
def test_what_ecs_could_not_answer_is_an_error_that_names_the_place(cluster: dict[str, Any], said: str) -> None:
    with pytest.raises(SandboxError, match=said):
        answered("DescribeClusters", {"clusters": [cluster]})


def test_an_instant_needs_a_zone_and_an_enumeration_one_of_its_words() -> None:
    with pytest.raises(SandboxError, match=r"DescribeTasks\.tasks\[\]\.createdAt: .* is no instant"):
        answered("DescribeTasks", {"tasks": [{"createdAt": datetime(2026, 3, 2)}]})
    with pytest.raises(SandboxError, match=r"tasks\[\]\.launchType: 'MOON' is none of EC2, FARGATE"):
        answered("DescribeTasks", {"tasks": [{"launchType": "MOON"}]})
