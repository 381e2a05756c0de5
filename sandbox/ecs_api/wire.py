"""Answers as they would come off the wire: held against botocore's description of ECS, written, and read by botocore.

So an answer has what a real client would make of it (datetimes with a zone, no `None`, nothing shared with the model),
and one that ECS could not give is a fault of the sandbox, here and not in whoever reads it.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.parsers import create_parser

from sandbox.errors import SandboxError

_PLAIN: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
}


@cache
def service_model(service: str) -> ServiceModel:
    """How botocore describes a service."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def answered(operation: str, answer: Mapping[str, Any], service: str = "ecs") -> dict[str, Any]:
    """Write an answer of a service that speaks JSON as AWS would, and read it as botocore does."""
    model = service_model(service)
    shape = model.operation_model(operation).output_shape
    if shape is None:
        return {}
    body = json.dumps(written(shape, answer, operation)).encode()
    parser = create_parser(model.metadata["protocol"])
    parsed: dict[str, Any] = parser.parse({"body": body, "headers": {}, "status_code": 200}, shape)
    parsed.pop("ResponseMetadata", None)
    return parsed


def written(shape: Shape, value: Any, where: str) -> Any:
    """Give a value as JSON has it; whatever its shape does not allow is an error that names the place."""
    if getattr(shape, "is_document_type", False):
        return value
    if isinstance(shape, StructureShape):
        unknown = set(value) - set(shape.members)
        if unknown:
            raise SandboxError(f"{where}: AWS has no member {min(unknown)}")
        missing = set(shape.required_members) - set(value)
        if missing:
            raise SandboxError(f"{where}: the member {min(missing)} is missing")
        return {name: written(shape.members[name], each, f"{where}.{name}") for name, each in value.items()}
    if isinstance(shape, ListShape):
        return [written(shape.member, each, f"{where}[{place}]") for place, each in enumerate(value)]
    if isinstance(shape, MapShape):
        return {name: written(shape.value, each, f"{where}.{name}") for name, each in value.items()}
    return _plain(shape, value, where)


def _plain(shape: Shape, value: Any, where: str) -> Any:
    kind = shape.type_name
    if kind == "timestamp":
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise SandboxError(f"{where}: {value!r} is no instant")
        return value.timestamp()
    if not isinstance(value, _PLAIN[kind]) or (kind != "boolean" and isinstance(value, bool)):
        raise SandboxError(f"{where}: {value!r} is no {kind}")
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed:
        raise SandboxError(f"{where}: {value!r} is none of {', '.join(allowed)}")
    return value
