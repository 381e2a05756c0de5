"""The embedded account: the real template, the real handlers, virtual time. See README.md for what it is not.

Names are loaded when they are first used, so that whoever wants only the pattern evaluator does not pay for moto.
"""

import importlib
from typing import TYPE_CHECKING, Any

from sandbox.errors import InvalidPatternError, SandboxError, TemplateError, UnsupportedError

if TYPE_CHECKING:
    from sandbox.containers import Container
    from sandbox.front import DeadLetter, Sandbox, Secret

__all__ = [
    "Container",
    "DeadLetter",
    "InvalidPatternError",
    "Sandbox",
    "SandboxError",
    "Secret",
    "TemplateError",
    "UnsupportedError",
]

_LAZY = {"Container": "containers", "DeadLetter": "front", "Sandbox": "front", "Secret": "front"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
