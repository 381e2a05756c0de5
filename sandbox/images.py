"""Modules that only define things: run once a process, and shared by all functions of all sandboxes.

A function has modules of its own because modules keep state. Most keep none, and running them anew for two dozen
functions was a fifth of a short scenario. A module is shared if nothing in it can change and nothing from outside went
into it: no cache, no object but values, no function or class of a module that is not shared, no environment read, no
clock or chance asked. What is not certain is not shared. A constant that is a dictionary, a list or a set could change;
it is compared with a copy before the module is used again, and that it changed is an error.
"""

import importlib
import os
import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

from sandbox.errors import ChangedConstantError
from sandbox.inert import ASKED, CONTAINERS, Judge
from sandbox.once import Stamp, stamp

_exec_module = SourceFileLoader.exec_module


@dataclass(frozen=True, slots=True)
class _Image:
    """A module that is shared, what it imports of the functions' own modules, and its constants that could change."""

    module: ModuleType
    needs: tuple[str, ...]
    constants: Mapping[str, object]

    @property
    def changed(self) -> str | None:
        """A constant that is not what it was."""
        return next(
            (name for name, copied in self.constants.items() if _copied(vars(self.module)[name]) != copied), None
        )


class Images:
    """The modules that are shared, by what lies on disk."""

    def __init__(self) -> None:
        self._kept: dict[Stamp, _Image] = {}
        self._shared: set[int] = set()
        self._never: set[Stamp] = set()

    def refresh(self) -> None:
        """Forget everything if a source has changed: modules know each other."""
        for kept in self._kept:
            try:
                same = stamp(kept[0]) == kept
            except OSError:
                same = False
            if not same:
                self.__init__()  # type: ignore[misc]  # as new
                return

    def load(self, loader: SourceFileLoader, module: ModuleType, own: frozenset[str]) -> None:
        """Run a module, or put the one that was run before in its place; `own` are the functions' top-level names."""
        found = stamp(loader.get_filename(module.__name__))
        image = self._kept.get(found)
        if image is not None and image.module.__name__ == module.__name__:
            changed = image.changed
            if changed is not None:
                self.__init__()  # type: ignore[misc]  # as new
                raise ChangedConstantError(f"{module.__name__}.{changed} was changed: a constant stays as it is")
            for name in image.needs:
                if name not in sys.modules:
                    importlib.import_module(name)
            sys.modules[module.__name__] = image.module  # the import system takes what stands there now
        elif module.__name__.partition(".")[0] not in own or hasattr(module, "__path__") or found in self._never:
            _exec_module(loader, module)
        else:
            before = _asked()
            _exec_module(loader, module)
            code = loader.get_code(module.__name__)
            names = frozenset(code.co_names) if code else ASKED
            if _asked() == before and not names & ASKED and Judge(module, own, self._shared).inert():
                constants = {name: _copied(value) for name, value in vars(module).items() if _is_constant(name, value)}
                self._kept[found] = _Image(module, _needs(names, own), constants)
                self._shared.add(id(module))
            else:
                self._never.add(found)


def _needs(names: frozenset[str], own: frozenset[str]) -> tuple[str, ...]:
    """The own modules that a module's code imports: `import a.b`, `from a.b import c`, `from a import b`."""
    direct = {name for name in names if name.partition(".")[0] in own}
    below = {f"{package}.{name}" for package in direct for name in names}
    return tuple(sorted(name for name in direct | below if name in sys.modules))


def _is_constant(name: str, value: object) -> bool:
    return type(value) in CONTAINERS and not name.startswith("__")


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return set(value) if isinstance(value, set) else value


IMAGES = Images()


class Variables(dict[Any, Any]):
    """The dictionary below `os.environ`, and how often somebody looked into it or changed it."""

    asked = 0

    def __getitem__(self, name: Any) -> Any:
        self.asked += 1
        return super().__getitem__(name)

    def __setitem__(self, name: Any, value: Any) -> None:
        self.asked += 1
        super().__setitem__(name, value)

    def __delitem__(self, name: Any) -> None:
        self.asked += 1
        super().__delitem__(name)

    def __iter__(self) -> Iterator[Any]:
        self.asked += 1
        return super().__iter__()


def _asked() -> tuple[object, ...]:
    """What differs if a module has looked into the environment or has drawn a number."""
    environ: Any = os.environ
    entropy = getattr(os.urandom, "__self__", None)
    drawn = entropy.getstate() if isinstance(entropy, random.Random) else None
    return getattr(environ._data, "asked", 0), random.getstate(), drawn
