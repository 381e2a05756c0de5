"""The environment, typed and read in one place.

A function declares a frozen dataclass; each field is a variable of the same name in capitals. `wiring()` alone passes
`os.environ`. What is missing, blank or malformed is listed by name in one `SettingsError`, all of it at once.
"""

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, get_type_hints

from breakwater.errors import SettingsError

Settings = TypeVar("Settings")


def read(kind: type[Settings], env: Mapping[str, str]) -> Settings:
    """Build `kind` from `env`.

    A field without a default has to be there and not be blank; one with a default takes it when the variable is missing
    or blank. Field types are `str`, `int` or an `Enum` of strings. Raises `SettingsError`.
    """
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]  # the bound of a dataclass cannot be spelled
        variable = field.name.upper()
        raw = env.get(variable, "").strip()
        if not raw:
            if field.default is dataclasses.MISSING:
                problems.append(f"{variable} is {'blank' if variable in env else 'missing'}")
            continue
        try:
            values[field.name] = hints[field.name](raw)
        except ValueError:
            problems.append(f"{variable} is {raw!r}, which is not {_expected(hints[field.name])}")
    if problems:
        raise SettingsError(f"{kind.__name__}: " + "; ".join(problems))
    return kind(**values)


def _expected(hint: type) -> str:
    if issubclass(hint, Enum):
        return "one of " + ", ".join(str(member.value) for member in hint)
    return "a whole number" if hint is int else f"a {hint.__name__}"
