"""Answers as they would come off the wire: held against botocore's description of ECS, and as botocore reads them.

So an answer has what a real client would make of it (datetimes with a zone, no `None`, nothing shared with the model),
and one that ECS could not give is a fault of the sandbox, here and not in whoever reads it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from dateutil.tz import tzlocal  # type: ignore[import-untyped]

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
    """Give an answer of a service that speaks JSON as botocore gives it, but neither written nor read: that is slow.

    `tests/sandbox/test_wire.py` holds it against botocore's own parser.
    """
    read = _reader(service, operation)
    try:
        return {} if read is None else dict(read(answer))
    except _MisfitError as misfit:
        raise SandboxError(f"{operation}{misfit.where}: {misfit.said}") from None


_Read = Callable[[Any], Any]


class _MisfitError(Exception):
    """What a shape does not allow; `where` grows on the way out."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.where, self.said = "", said


@cache
def _reader(service: str, operation: str) -> _Read | None:
    model = service_model(service)
    if model.metadata["protocol"] != "json":
        raise SandboxError(f"{service} does not speak JSON")
    shape = model.operation_model(operation).output_shape
    return None if shape is None else _read(shape)


def _read(shape: Shape) -> _Read:
    if getattr(shape, "is_document_type", False):
        return lambda value: json.loads(json.dumps(value))
    if isinstance(shape, StructureShape):
        return _structure(shape)
    if isinstance(shape, ListShape):
        return _listed(_read(shape.member))
    if isinstance(shape, MapShape):
        return _mapped(_read(shape.value))
    return _moment if shape.type_name == "timestamp" else lambda value: _plain(shape, value)


def _structure(shape: StructureShape) -> _Read:
    members, required, union = shape.members, frozenset(shape.required_members), shape.is_tagged_union
    readers: dict[str, _Read] = {}  # made when they are first needed: shapes may hold themselves

    def read(value: Mapping[str, Any]) -> dict[str, Any]:
        if not required <= value.keys():
            raise _MisfitError(f"the member {min(required - value.keys())} is missing")
        found = {}
        for name in members:
            if name in value:
                if name not in readers:
                    readers[name] = _read(members[name])
                try:
                    found[name] = readers[name](value[name])
                except _MisfitError as misfit:
                    misfit.where = f".{name}{misfit.where}"
                    raise
        if len(found) < len(value):
            raise _MisfitError(f"AWS has no member {min(value.keys() - members.keys())}")
        if union and len(found) != 1:
            raise _MisfitError(f"{len(found)} members of a union")
        return found

    return read


def _listed(member: _Read) -> _Read:
    def read(value: Sequence[Any]) -> list[Any]:
        try:
            return [member(each) for each in value]
        except _MisfitError as misfit:
            misfit.where = f"[]{misfit.where}"
            raise

    return read


def _mapped(member: _Read) -> _Read:
    def read(value: Mapping[str, Any]) -> dict[str, Any]:
        return {name: member(each) for name, each in value.items()}

    return read


def _moment(value: object) -> datetime:
    """An instant in the local zone of the process, as botocore makes it."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _MisfitError(f"{value!r} is no instant")
    return datetime.fromtimestamp(value.timestamp(), tzlocal())


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
    try:
        return _moment(value).timestamp() if shape.type_name == "timestamp" else _plain(shape, value)
    except _MisfitError as misfit:
        raise SandboxError(f"{where}: {misfit.said}") from None


def _plain(shape: Shape, value: Any) -> Any:
    kind = shape.type_name
    if not isinstance(value, _PLAIN[kind]) or (kind != "boolean" and isinstance(value, bool)):
        raise _MisfitError(f"{value!r} is no {kind}")
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed:
        raise _MisfitError(f"{value!r} is none of {', '.join(allowed)}")
    return value
