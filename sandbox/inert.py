"""Whether nothing in a module can change, so that all functions can share it (`images.py`).

Judged once, by what stands in it right after it was run: values, definitions, constants. What is not certain counts as
something that can change.
"""

import dataclasses
import functools
import ipaddress
import re
import reprlib
import sys
import types
from collections import namedtuple
from collections.abc import Iterable
from datetime import timedelta, timezone
from enum import Enum, EnumType
from opcode import opmap
from pathlib import PosixPath, WindowsPath
from types import CodeType, FunctionType, ModuleType
from typing import Any

_NAMED_FIELD = type(vars(namedtuple("_Pair", "one"))["one"])
_VALUES = (
    type(None), type(...), type(NotImplemented), bool, int, float, complex, str, bytes, timedelta, timezone, re.Pattern,
    PosixPath, WindowsPath, ipaddress.IPv4Network, ipaddress.IPv6Network, types.BuiltinFunctionType,
    types.MemberDescriptorType, _NAMED_FIELD, types.GetSetDescriptorType, types.GenericAlias, types.UnionType,
)  # fmt: skip
CONTAINERS = (dict, list, set)
_OF_TYPING = ("typing", "types", "collections.abc", "typing_extensions", "__future__")
ASKED = frozenset({
    "environ", "getenv", "now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter", "uuid1", "uuid4",
    "random", "randint", "choice", "shuffle", "getrandbits", "randbytes", "token_hex", "urandom",
})  # fmt: skip
_GLOBALS_CHANGED = (opmap["STORE_GLOBAL"], opmap["DELETE_GLOBAL"])
_OF_CLASSES = ("_abc_impl", "_field_defaults", "_fields")
_OBJECTS_CHANGED = (opmap["STORE_ATTR"], opmap["DELETE_ATTR"])
_CHANGES_OBJECTS = frozenset({"__dict__", "__setattr__", "setattr"})
_PURE = frozenset({
    "abc", "builtins", "calendar", "collections", "collections.abc", "dataclasses", "datetime", "enum", "functools",
    "hashlib", "ipaddress", "itertools", "json", "math", "operator", "re", "types", "typing", "urllib.parse",
    "zoneinfo", "_operator", "_functools", "_json", "_hashlib", "_collections",
})  # fmt: skip
_ACTS = frozenset({"open", "input", "print", "exec", "eval", "__import__"}) | ASKED
_GUARDED = (dataclasses.__file__, reprlib.__file__)
_MAKES = ("__init__", "__new__", "__post_init__", "__set_name__")
_DEFINITIONS = (ModuleType, FunctionType, type, staticmethod, classmethod, property, functools.cached_property)


class Judge:
    """Whether nothing in a module that was just run can change."""

    def __init__(self, module: ModuleType, own: frozenset[str], shared: set[int]) -> None:
        self._module, self._own, self._shared = module, own, shared
        self._seen: dict[int, object] = {}

    def inert(self) -> bool:
        return all(self._named(name, value) for name, value in vars(self._module).items() if not name.startswith("__"))

    def _named(self, name: str, value: object) -> bool:
        """A container counts as constant if it is written so and is not empty, as a cache would be."""
        if type(value) in CONTAINERS:
            return (name.isupper() and self._container(value)) or (value == {} and self._declared_constant(name))
        return self._value(value)

    def _declared_constant(self, name: str) -> bool:
        said = str(vars(self._module).get("__annotations__", {}).get(name, ""))
        return "Mapping[" in said and "MutableMapping[" not in said

    def _container(self, value: object) -> bool:
        if isinstance(value, dict):
            return bool(value) and all(self._value(key) and self._inside(each) for key, each in value.items())
        return isinstance(value, (list, set)) and bool(value) and all(self._inside(each) for each in value)

    def _inside(self, value: object) -> bool:
        return self._container(value) if type(value) in CONTAINERS else self._value(value)

    def _value(self, value: object) -> bool:
        kind = type(value)
        if kind in _VALUES or kind.__module__ in _OF_TYPING or id(value) in self._seen:
            return True
        self._seen[id(value)] = value  # kept, so that no other gets its id
        if isinstance(value, (tuple, frozenset)):
            return self._of_shared(kind.__module__) and all(self._value(each) for each in value)
        if isinstance(value, types.MappingProxyType):
            return all(self._value(each) for each in value.values())
        if isinstance(value, functools._lru_cache_wrapper):
            return self._cache(value.__wrapped__)
        return self._definition(value) if isinstance(value, _DEFINITIONS) else self._object(value)

    def _definition(self, value: object) -> bool:
        match value:
            case ModuleType():
                return value.__name__.partition(".")[0] not in self._own or id(value) in self._shared
            case FunctionType():
                return self._function(value)
            case type():
                return self._class(value)
            case staticmethod() | classmethod():
                return self._value(value.__func__)
            case property():
                return all(self._value(each) for each in (value.fget, value.fset, value.fdel))
            case functools.cached_property():
                return self._value(value.func)
        return False

    def _function(self, value: FunctionType) -> bool:
        if not self._of_shared(value.__module__):
            return False
        if value.__module__ != self._module.__name__:
            return True
        try:
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
        except ValueError:  # a cell that is still empty will be filled
            return False
        inside = (*cells, *(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values(), *vars(value).values())
        if value.__code__.co_filename in _GUARDED:  # their guard against recursion holds a set
            inside = tuple(each for each in inside if type(each) is not set)
        return not _does(value.__code__, _GLOBALS_CHANGED) and all(self._value(each) for each in inside)

    def _cache(self, function: Any) -> bool:
        """A cache is no state if the same always comes out: of what its function names, nothing looks outside."""
        if function.__module__.partition(".")[0] not in self._own:
            return True
        if not isinstance(function, FunctionType) or not self._value(function):
            return False
        if _does(function.__code__, (opmap["IMPORT_NAME"],)):
            return False
        names = _names(function.__code__)
        found = [function.__globals__[name] for name in names if name in function.__globals__]
        return not names & _ACTS and all(self._pure(each) for each in found)

    def _pure(self, value: object) -> bool:
        name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        return not isinstance(name, str) or name in _PURE or name.partition(".")[0] in self._own

    def _class(self, value: type) -> bool:
        if not self._of_shared(value.__module__):
            return False
        if value.__module__ != self._module.__name__ or isinstance(value, EnumType):
            return True
        if type(value).__module__.partition(".")[0] == "pydantic":
            return True
        return all(
            self._named(name, each)
            for name, each in vars(value).items()
            if not (name.startswith("__") and not isinstance(each, FunctionType)) and name not in _OF_CLASSES
        )

    def _object(self, value: object) -> bool:
        """A member of an enumeration, a frozen dataclass, or an object of a class whose methods change nothing."""
        kind = type(value)
        if not self._of_shared(kind.__module__):
            return False
        if isinstance(value, Enum) or kind.__module__ == dataclasses.__name__:
            return True
        if dataclasses.is_dataclass(kind):
            frozen: bool = kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
            return frozen and all(self._value(getattr(value, each.name)) for each in dataclasses.fields(kind))
        if kind.__module__.partition(".")[0] not in self._own or any(map(_changes_itself, kind.__mro__[:-1])):
            return False
        slots = [name for each in kind.__mro__ for name in vars(each).get("__slots__", ()) if hasattr(value, name)]
        state = (*getattr(value, "__dict__", {}).values(), *(getattr(value, name) for name in slots))
        return all(self._value(each) for each in state)

    def _of_shared(self, name: str | None) -> bool:
        if name is None:
            return False
        if name == self._module.__name__ or name.partition(".")[0] not in self._own:
            return True
        return id(sys.modules.get(name)) in self._shared


def _changes_itself(kind: type) -> bool:
    """Whether objects of a class may change once they are made."""
    codes = [
        each.__code__ for name, each in vars(kind).items() if isinstance(each, FunctionType) and name not in _MAKES
    ]
    return any(_does(code, _OBJECTS_CHANGED) or _CHANGES_OBJECTS.intersection(code.co_names) for code in codes)


def _does(code: CodeType, operations: Iterable[int]) -> bool:
    """Whether one of these operations is in a function or in those inside of it."""
    done = code.co_code[::2]
    if any(each in done for each in operations):
        return True
    return any(_does(each, operations) for each in code.co_consts if isinstance(each, CodeType))


def _names(code: CodeType) -> frozenset[str]:
    """What a function names, and those inside of it."""
    inside = (each for each in code.co_consts if isinstance(each, CodeType))
    return frozenset(code.co_names).union(*(_names(each) for each in inside))
