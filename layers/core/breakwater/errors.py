"""The errors adapters speak. A class name is an interface: Step Functions' Retry and Catch match on it."""

from dataclasses import dataclass


class BreakwaterError(Exception):
    """Anything Breakwater raises on purpose."""


class NotFoundError(BreakwaterError):
    """It is gone, or never was."""


class ConflictError(BreakwaterError):
    """Someone moved first: read again, decide again."""


class ThrottledError(BreakwaterError):
    """Later may work; the caller's retry policy decides."""


class RefusedError(BreakwaterError):
    """IAM says no; retrying will not help."""


class SettingsError(BreakwaterError):
    """Our own configuration is wrong."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a document: where it is (line and column from 1), what was found and what is allowed there."""

    line: int
    column: int
    path: str
    found: str
    allowed: str

    def __str__(self) -> str:
        """Everything but the document's name, which stands before it."""
        where = f"{self.path}: " if self.path else ""
        allowed = f"{' ' if self.found.endswith('?') else '; '}allowed: {self.allowed}" if self.allowed else ""
        return f"{self.line}: {where}{self.found}{allowed}"


class DocumentError(BreakwaterError):
    """A document that a person wrote is wrong; every problem in it, in the order of its lines."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        self.name, self.problems = name, problems
        super().__init__("\n".join(f"{name}:{problem}" for problem in problems))
