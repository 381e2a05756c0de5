"""What is read or worked out once a process, although each function of each sandbox asks for it anew.

Functions import their code and make their clients of their own, dozens of times in a scenario, and get the same text
compiled, the same descriptions parsed and the same names replaced each time: half of a short scenario went there. What
is kept cannot change, or nobody changes it, so functions share nothing that they could see of each other.
"""

import dataclasses
import importlib.machinery
import inspect
import pickle
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from botocore import hooks, loaders

Stamp = tuple[str, int, int]  # path, time of change and size, as in a .pyc


def stamp(path: str) -> Stamp:
    """What tells whether a file is still the same."""
    found = Path(path).stat()
    return path, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=8192)
def _compiled(source: str) -> CodeType:
    return compile(source, "<string>", "exec")


def _exec(source: str, variables: dict[str, Any], found: Mapping[str, object] | None = None) -> None:
    exec(_compiled(source), variables, found)  # noqa: S102  # what dataclasses does itself


# `dataclasses` writes methods as text and compiles them when a class is made.
vars(dataclasses)["exec"] = _exec


_codes: dict[Stamp, CodeType | None] = {}
_get_code = importlib.machinery.SourceFileLoader.get_code


def code_of(loader: importlib.machinery.SourceFileLoader, fullname: str) -> CodeType | None:
    """The code of a module: `SourceFileLoader.get_code` while a function is entered."""
    key = stamp(loader.get_filename(fullname))
    if key not in _codes:
        _codes[key] = _get_code(loader, fullname)
    return _codes[key]


_descriptions: dict[Stamp, bytes] = {}
_load_file = loaders.JSONFileLoader._load_file  # type: ignore[attr-defined]


def _description(loader: Any, full_path: str, open_method: Callable[..., Any]) -> Any:
    """A description of a service, to each who asks a copy of its own: botocore and moto write into what they read."""
    try:
        key = stamp(full_path)
    except OSError:
        return _load_file(loader, full_path, open_method)
    if key not in _descriptions:
        _descriptions[key] = pickle.dumps(_load_file(loader, full_path, open_method), pickle.HIGHEST_PROTOCOL)
    return pickle.loads(_descriptions[key])  # noqa: S301  # what was put there a moment ago


loaders.JSONFileLoader._load_file = _description  # type: ignore[attr-defined]


_aliases: dict[str, str] = {}
_alias_event_name = hooks.EventAliaser._alias_event_name  # type: ignore[attr-defined]


def _aliased(aliaser: Any, event_name: str) -> str:
    """The present name of an event: a session registers 120 handlers, and tries 90 old names for each."""
    if aliaser._event_aliases is not hooks.EVENT_ALIASES:
        return str(_alias_event_name(aliaser, event_name))
    if event_name not in _aliases:
        _aliases[event_name] = _alias_event_name(aliaser, event_name)
    return _aliases[event_name]


hooks.EventAliaser._alias_event_name = _aliased  # type: ignore[attr-defined]


_accepts_kwargs = hooks.accepts_kwargs


def _accepts(handler: Any) -> bool:
    """Whether a handler takes any keyword; its code says so, and no signature has to be made up for it."""
    plain = getattr(handler, "__func__", handler)
    if type(plain) is FunctionType and not hasattr(plain, "__signature__"):
        return bool(plain.__code__.co_flags & inspect.CO_VARKEYWORDS)
    return bool(_accepts_kwargs(handler))


vars(hooks)["accepts_kwargs"] = _accepts
