"""The reference of scenario files, written from the models; `make scenario-reference` renews the page."""

import inspect
import types
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sandbox.simulation.actions import Step
from sandbox.simulation.expectations import Expectation
from sandbox.simulation.images import Does
from sandbox.simulation.parts import written
from sandbox.simulation.scenario import Scenario

_KEYED: dict[type[BaseModel], frozenset[str]] = {model: frozenset(model.model_fields) for model in (Step, Expectation)}
"""Where a key stands for a part of its own, which says what it is."""
PAGE = Path(__file__).resolve().parents[2] / "docs" / "scenarios.md"
BEGIN, END = "<!-- from the models, renewed by `make scenario-reference` -->", "<!-- end -->"


def reference() -> str:
    """All parts of a scenario file, one table each, in the order in which they are met."""
    found = _reachable(Scenario)
    kinds = [model for model in found if _is_kind(model)]
    lines = [line for model in found if model not in kinds for line in _section(model)]
    return "\n".join([*lines, *_behaviours(kinds)])


def renewed(page: str) -> str:
    """The page with the reference of now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


def _reachable(start: type[BaseModel]) -> list[type[BaseModel]]:
    found, waiting = [], [start]
    while waiting:
        model = waiting.pop(0)
        if model not in found:
            found.append(model)
            waiting += [one for info in model.model_fields.values() for one in _models(info.annotation)]
    return found


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    else:
        for part in get_args(kind):
            yield from _models(part)


def _is_kind(model: Any) -> bool:
    """Whether it is one of those that a `kind` tells apart."""
    return isinstance(model, type) and issubclass(model, BaseModel) and "kind" in model.model_fields


def _about(model: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(model) or "").split())


def _behaviours(kinds: list[type[BaseModel]]) -> Iterator[str]:
    yield from (
        "### Behaviour",
        "",
        "What the containers of an image do. Each may have `logs`, a list of texts: what they write just before they",
        "end, however they end.",
        "",
        "| `kind` | other keys | |",
        "|---|---|---|",
    )
    for model in kinds:
        keys = [
            f"`{name}`: {_value(info)} ({_default(info)})"
            for name, info in model.model_fields.items()
            if name not in ("kind", *Does.model_fields)
        ]
        [kind] = get_args(model.model_fields["kind"].annotation)
        yield f"| `{kind}` | {'; '.join(keys)} | {_about(model)} |"
    yield ""


def _section(model: type[BaseModel]) -> Iterator[str]:
    yield f"### {model.__name__}"
    yield from ("", _about(model), "")
    if model.model_fields:
        yield "| key | value | default | |"
        yield "|---|---|---|---|"
    for name, info in model.model_fields.items():
        below = next(_models(info.annotation), None) if name in _KEYED.get(model, ()) else None
        said = _about(below) if below else " ".join((info.description or "").split())
        yield f"| `{name}` | {_value(info)} | {_default(info)} | {said} |"
    yield ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    match value:
        case None:
            return ""
        case timedelta():
            return f"`{written(value)}`"
        case datetime():
            return f"`{value.isoformat().replace('+00:00', 'Z')}`"
        case bool():
            return f"`{str(value).lower()}`"
        case str() | int() | float() if value != "":
            return f"`{value}`"
        case BaseModel():
            return "its defaults"
        case dict() if value:
            return f"`{', '.join(value)}`"
        case _ if value is PydanticUndefined:
            return "required"
        case _:
            return "none"


def _value(info: FieldInfo) -> str:
    return _kind(info.annotation) + _bounds(info.metadata)


def _bounds(metadata: list[Any]) -> str:
    words = []
    for rule in metadata:
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            limit = getattr(rule, name, None)
            if limit is not None:
                words.append(f"{sign} {limit}")
    return f", {', '.join(words)}" if words else ""


def _kind(kind: Any) -> str:
    origin, parts = get_origin(kind), [part for part in get_args(kind) if part is not type(None)]
    if origin is Annotated:
        return _kind(parts[0]) + _bounds(parts[1:])
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if parts and all(_is_kind(part) for part in parts):
        return "[Behaviour](#behaviour)"
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_kind(part) for part in parts))
    if origin is tuple:
        return f"list of {_kind(parts[0])}"
    if origin is dict:
        return f"{_kind(parts[1])} by name"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return "a " + kind.__name__.lower() + " of `breakwater.model`"
    if (isinstance(kind, type) and issubclass(kind, datetime)) or kind is AwareDatetime:
        return "time"
    plain = {timedelta: "duration", str: "text", int: "number", float: "number", bool: "true, false"}
    return plain.get(kind, "anything")


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
