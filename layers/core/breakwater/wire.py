"""How notices and records of incidents look as JSON: on the topic, in the table, in a report.

The field names are those of `breakwater.model`. A reader takes what an older version wrote: fields it lacks have
defaults there, fields that are unknown are ignored.
"""

from functools import cache
from typing import Any

from breakwater.errors import BreakwaterError
from breakwater.incidents import Record
from breakwater.model import Notice


def dump_notice(notice: Notice) -> str:
    """A notice as one JSON object."""
    return str(_adapter(Notice).dump_json(notice), "utf-8")


def load_notice(text: str) -> Notice:
    """Read a notice. Raises `BreakwaterError` naming what is wrong with the text."""
    loaded: Notice = _load(Notice, text)
    return loaded


def dump_record(record: Record) -> str:
    """An incident with what was told of it, as one JSON object."""
    return str(_adapter(Record).dump_json(record), "utf-8")


def load_record(text: str) -> Record:
    """Read a record. Raises `BreakwaterError` naming what is wrong with the text."""
    loaded: Record = _load(Record, text)
    return loaded


def _load(kind: type, text: str) -> Any:
    from pydantic import ValidationError

    try:
        return _adapter(kind).validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the text"
        raise BreakwaterError(f"not a {kind.__name__.lower()}: {where}: {first['msg']}") from None


@cache
def _adapter(kind: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
