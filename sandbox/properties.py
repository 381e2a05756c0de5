"""The properties of one resource, read strictly: whatever nobody asked for is an error that names it."""

from collections.abc import Mapping
from typing import Any

from sandbox.errors import TemplateError, UnsupportedError

_REQUIRED = object()


class Properties:
    """Reads a mapping of a template; `done` refuses what was not read."""

    def __init__(self, logical_id: str, kind: str, values: Mapping[str, Any], path: str = "") -> None:
        self.logical_id = logical_id
        self.kind = kind
        self._path = path
        self._values = dict(values)

    def text(self, name: str, default: Any = _REQUIRED) -> str:
        """Read a string; numbers count as their text, as CloudFormation converts them."""
        value = self.any(name, default)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def maybe(self, name: str) -> str | None:
        """Read a string that may be missing."""
        value = self._values.pop(name, None)
        return None if value is None else str(value)

    def number(self, name: str, default: Any = _REQUIRED) -> int:
        """Read a whole number, given as one or as text."""
        value = self.any(name, default)
        try:
            return int(value)
        except (TypeError, ValueError) as problem:
            raise TemplateError(f"{self._where(name)} is not a number: {value!r}") from problem

    def flag(self, name: str, default: bool = False) -> bool:
        """Read a Boolean, given as one or as text."""
        return str(self._values.pop(name, default)).lower() == "true"

    def items(self, name: str) -> list[Any]:
        """Read a list; a missing one is empty."""
        value = self._values.pop(name, [])
        return value if isinstance(value, list) else [value]

    def any(self, name: str, default: Any = _REQUIRED) -> Any:
        """Read whatever is there."""
        value = self._values.pop(name, default)
        if value is _REQUIRED:
            raise TemplateError(f"{self._where(name)} is missing")
        return value

    def inside(self, name: str) -> "Properties":
        """Read a nested mapping; a missing one is empty."""
        value = self._values.pop(name, {})
        if not isinstance(value, Mapping):
            raise TemplateError(f"{self._where(name)} is not a mapping")
        return Properties(self.logical_id, self.kind, value, f"{self._path}{name}.")

    def each(self, name: str) -> list["Properties"]:
        """Read a list of mappings."""
        return [
            Properties(self.logical_id, self.kind, value, f"{self._path}{name}[{index}].")
            for index, value in enumerate(self.items(name))
        ]

    def without_effect(self, *names: str) -> None:
        """Accept properties that change nothing that the sandbox shows; README lists them."""
        for name in names:
            self._values.pop(name, None)

    def done(self) -> None:
        """Refuse what was not read."""
        if self._values:
            raise UnsupportedError(f"{self._where(min(self._values))}")

    def _where(self, name: str) -> str:
        return f"{self.logical_id}: {self.kind} property {self._path}{name}"
