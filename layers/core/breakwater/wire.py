"""How frozen values look as JSON: notices and records of incidents, the compiled policy; on a topic, in the table.

The field names are those of the classes. A reader takes what an older version wrote: fields it lacks have
defaults there, fields that are unknown are ignored. The standard library alone does it, since every cold start that
has something to tell comes by here (`docs/decisions/0020-cold-start.md`).
"""

import json
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

from breakwater.errors import BreakwaterError
from breakwater.incidents import Record
from breakwater.model import Notice

_Kind = TypeVar("_Kind")


def dump_notice(notice: Notice) -> str:
    """A notice as one JSON object."""
    return _dump(notice)


def load_notice(text: str) -> Notice:
    """Read a notice. Raises `BreakwaterError` naming what is wrong with the text."""
    loaded: Notice = _load(Notice, text)
    return loaded


def dump_record(record: Record) -> str:
    """An incident with what was told of it, as one JSON object."""
    return _dump(record)


def load_record(text: str) -> Record:
    """Read a record. Raises `BreakwaterError` naming what is wrong with the text."""
    loaded: Record = _load(Record, text)
    return loaded


def dump(value: object) -> str:
    """Any frozen dataclass of strings, whole numbers, times, words and tuples of them, as one JSON object."""
    return _dump(value)


def load(kind: type[_Kind], text: str) -> _Kind:
    """Read what `dump` wrote. Raises `BreakwaterError` naming what is wrong with the text."""
    loaded: _Kind = _load(kind, text)
    return loaded


def _dump(value: object) -> str:
    return json.dumps(_plain(value), separators=(",", ":"))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _load(kind: type, text: str) -> Any:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise BreakwaterError(f"not a {kind.__name__.lower()}: it is no JSON") from None
    try:
        return _value(kind, raw, "")
    except _WrongError as error:
        raise BreakwaterError(f"not a {kind.__name__.lower()}: {error}") from None


class _WrongError(Exception):
    """Which value is not what it should be. It names the place and never repeats the content."""


def _value(kind: Any, raw: Any, where: str) -> Any:
    if get_origin(kind) is UnionType:
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
        return None if raw is None else _value(kind, raw, where)
    if get_origin(kind) is tuple:
        items = raw if isinstance(raw, list) else _refuse(where, "a list")
        return tuple(_value(get_args(kind)[0], item, f"{where}[{position}]") for position, item in enumerate(items))
    if is_dataclass(kind):
        return _object(kind, raw if isinstance(raw, dict) else _refuse(where, "an object"), where)
    if kind is datetime:
        return _time(raw, where)
    if issubclass(kind, Enum):
        return next((member for member in kind if member.value == raw), None) or _refuse(where, "a word of its list")
    return raw if type(raw) is kind else _refuse(where, f"a {kind.__name__}")


def _object(kind: Any, raw: dict[str, Any], where: str) -> Any:
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
    raise _WrongError(f"{where or 'the text'} is not {wanted}")
