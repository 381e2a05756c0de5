"""Reading a notice from the topic with nothing but the standard library.

`breakwater.wire` writes and reads the same JSON with pydantic. Who only reads notices would pay 100 ms of a cold start
for it, half of what a client of AWS costs, so the notifier reads them here; a test holds the two together. The rules
are those of `wire`: a field that is missing takes its default, one that is unknown is ignored, and everything else has
to be of its type.
"""

import json
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from breakwater.errors import BreakwaterError
from breakwater.model import Notice


def read_notice(text: str) -> Notice:
    """Read a notice. Raises `BreakwaterError` naming the field that is wrong, never its content."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise BreakwaterError("not a notice: it is no JSON") from None
    notice: Notice = _value(Notice, raw, "")
    return notice


def _value(kind: Any, raw: Any, where: str) -> Any:
    if get_origin(kind) is UnionType:
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
        return None if raw is None else _value(kind, raw, where)
    if get_origin(kind) is tuple:
        items = raw if isinstance(raw, list) else _refuse(where, "a list")
        return tuple(_value(get_args(kind)[0], item, f"{where}[{position}]") for position, item in enumerate(items))
    if is_dataclass(kind):
        return _record(kind, raw if isinstance(raw, dict) else _refuse(where, "an object"), where)
    if kind is datetime:
        return _time(raw, where)
    if issubclass(kind, Enum):
        return next((member for member in kind if member.value == raw), None) or _refuse(where, "a word of its list")
    return raw if type(raw) is kind else _refuse(where, f"a {kind.__name__}")


def _record(kind: Any, raw: dict[str, Any], where: str) -> Any:
    values: dict[str, Any] = {}
    for field in fields(kind):
        inside = f"{where}.{field.name}".lstrip(".")
        if field.name in raw:
            values[field.name] = _value(field.type, raw[field.name], inside)
        elif field.default is MISSING and field.default_factory is MISSING:
            _refuse(inside, "there")
    return kind(**values)


def _time(raw: Any, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        _refuse(where, "a time")
    return at if at.tzinfo is not None else _refuse(where, "a time with its zone")


def _refuse(where: str, wanted: str) -> Any:
    raise BreakwaterError(f"not a notice: {where or 'the text'} is not {wanted}")
