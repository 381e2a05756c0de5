"""ECS calls straight to the API over a model, with both sides held against botocore's shapes."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator

from sandbox.aws import ServiceError
from sandbox.ecs import Model
from sandbox.ecs_api.api import EcsApi
from sandbox.ecs_api.wire import service_model

VPC = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}
ARN = "arn:aws:ecs:us-east-1:111122223333"


class Ecs:
    """One account's ECS."""

    def __init__(self, seed: int = 7) -> None:
        self.model = Model(seed=seed)
        self.api = EcsApi(self.model)

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        shapes = service_model("ecs").operation_model(operation)
        assert shapes.input_shape is not None
        problems = ParamValidator().validate(params, shapes.input_shape).generate_report()
        assert not problems, problems
        answer = self.api.answer(operation, params)
        if shapes.output_shape is not None:
            problems = ParamValidator().validate(answer, shapes.output_shape).generate_report()
            assert not problems, problems
            assert_enums(shapes.output_shape, answer)
        return answer

    def cluster(self) -> None:
        """Have the cluster `prod`."""
        self("CreateCluster", clusterName="prod")

    def definition(self, family: str = "web", image: str = "web:1", **container: Any) -> str:
        """Register a revision for Fargate; gives its ARN."""
        made = self(
            "RegisterTaskDefinition",
            family=family,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[
                {"name": "app", "image": image, "portMappings": [{"containerPort": 80}], **container}
            ],
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def service(self, name: str = "web", desired: int = 2, **more: Any) -> dict[str, Any]:
        """Create a service on Fargate."""
        given: dict[str, Any] = {
            "cluster": "prod", "serviceName": name, "desiredCount": desired, "launchType": "FARGATE",
            "networkConfiguration": VPC, **more,
        }  # fmt: skip
        if "taskDefinition" not in given:
            given["taskDefinition"] = self.definition(name)
        stated = {name: value for name, value in given.items() if value is not None}
        made: dict[str, Any] = self("CreateService", **stated)["service"]
        return made

    def run(self, **more: Any) -> dict[str, Any]:
        """RunTask on Fargate."""
        given: dict[str, Any] = {
            "cluster": "prod", "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": VPC, **more,
        }  # fmt: skip
        return self("RunTask", **{name: value for name, value in given.items() if value is not None})

    def described(self, name: str = "web") -> dict[str, Any]:
        """One service of DescribeServices."""
        [service] = self("DescribeServices", cluster="prod", services=[name])["services"]
        found: dict[str, Any] = service
        return found


def assert_enums(shape: Shape, value: Any) -> None:
    """botocore's validator leaves enumerations alone."""
    if isinstance(shape, StructureShape) and not shape.is_document_type:
        for name, each in value.items():
            assert_enums(shape.members[name], each)
    elif isinstance(shape, ListShape):
        for each in value:
            assert_enums(shape.member, each)
    elif isinstance(shape, MapShape | StructureShape):
        assert isinstance(value, Mapping)
    else:
        allowed = getattr(shape, "enum", None)
        assert not allowed or value in allowed, value


def refused(call: Callable[[], object], code: str, match: str | None = None) -> None:
    """Expect a refusal by its name."""
    with pytest.raises(ServiceError, match=match) as caught:
        call()
    assert caught.value.code == code
