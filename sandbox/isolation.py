"""A process of its own for each function, as far as one interpreter can give it.

Around each invocation the function's modules (everything below its code and layer roots, and Powertools, which keeps
state in modules), its environment, its loggers, its `sys.path`, boto3's default session, standard output and random
numbers are swapped in, and out again afterwards. So module-level caches and loggers live as long as in Lambda, and
are never shared between functions. Third-party modules other than Powertools are shared.
"""

import importlib.machinery
import io
import itertools
import logging
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO, cast

import boto3
import botocore

from sandbox import once
from sandbox.clock import apply_time_zone
from sandbox.images import IMAGES, Variables

_STATEFUL_PACKAGES = frozenset({"aws_lambda_powertools"})
_INITIALIZERS = "_INITIALIZERS"  # what botocore calls for each new session; Powertools adds to it when imported
_PACKAGE_SUFFIXES = (".py", ".so")


class Output(io.TextIOBase):
    """Standard output of a function: whole lines go to its log."""

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._rest = ""

    def write(self, text: str) -> int:
        """Take text; whole lines are emitted."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line:
                self._emit(line)
        return len(text)

    def flush(self) -> None:
        """Emit what has no end of line yet."""
        if self._rest:
            self._emit(self._rest)
            self._rest = ""

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True


@dataclass(slots=True, eq=False)
class Process:
    """What one function keeps between its invocations."""

    roots: tuple[Path, ...]
    environment: Mapping[str, str]
    output: Output
    seed: int
    modules: dict[str, ModuleType] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    elsewhere: tuple[str, ...] = ()
    """Modules outside of it that have names of its own, as they were in `epoch`."""
    epoch: int = -1
    variables: Mapping[Any, Any] = field(init=False)
    root_logger: logging.RootLogger = field(init=False)
    manager: logging.Manager = field(init=False)
    session: object = None
    initializers: list[Any] = field(default_factory=list)
    excepthook: Callable[..., object] = sys.__excepthook__
    random_state: object = None
    entropy: random.Random = field(init=False)

    def __post_init__(self) -> None:
        names = {entry.name.split(".")[0] for root in self.roots for entry in root.iterdir() if _importable(entry)}
        self.own = frozenset(names) | _STATEFUL_PACKAGES
        self.variables = {
            os.environ.encodekey(name): os.environ.encodevalue(value) for name, value in self.environment.items()
        }
        self.root_logger = logging.RootLogger(logging.WARNING)
        self.manager = logging.Manager(self.root_logger)
        self.entropy = random.Random(self.seed)
        self.random_state = random.Random(self.seed).getstate()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be this process."""
        with _modules(self), _environment(self), _logging(self), _randomness(self), _streams(self):
            yield


def _importable(entry: Path) -> bool:
    return entry.name.isidentifier() if entry.is_dir() else entry.suffix in _PACKAGE_SUFFIXES


class _Loaded:
    """What has been imported, without a look at thousands of modules around each invocation.

    `sys.modules` keeps the order of imports. This module is put last before a process is entered, so whatever stands
    behind it at the end was imported by the process or is its own. `epoch` counts the changes outside of processes.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.seen: tuple[int, str] | None = None  # how many modules there were, and the last of them
        self.owned: set[str] = set()  # top-level names of any process

    def take_outer(self, process: Process) -> dict[str, ModuleType]:
        """Take out what has a name of the process's own."""
        if self.seen != self._state():
            self.epoch += 1
        if process.epoch != self.epoch:
            process.epoch = self.epoch
            self.owned |= process.own
            process.elsewhere = tuple(name for name in sys.modules if name.partition(".")[0] in process.own)
        outer = {name: sys.modules.pop(name) for name in process.elsewhere}
        sys.modules[__name__] = sys.modules.pop(__name__)
        return outer

    def take_inner(self, process: Process) -> dict[str, ModuleType]:
        """Take out what is the process's own; other packages that it has imported are shared from now on."""
        last = list(itertools.takewhile(lambda name: name != __name__, reversed(sys.modules)))[::-1]
        mine = [name for name in last if name.partition(".")[0] in process.own]
        if any(name.partition(".")[0] in self.owned for name in last if name.partition(".")[0] not in process.own):
            self.epoch += 1
        return {name: sys.modules.pop(name) for name in mine}

    def put_back(self, outer: Mapping[str, ModuleType]) -> None:
        """Put back what was there before."""
        sys.modules.update(outer)
        self.seen = self._state()

    @staticmethod
    def _state() -> tuple[int, str]:
        return len(sys.modules), next(reversed(sys.modules))


_loaded = _Loaded()


@contextmanager
def _modules(process: Process) -> Iterator[None]:
    outer = _loaded.take_outer(process)
    sys.modules.update(process.modules)
    path = list(sys.path)
    sys.path[:0] = [str(root) for root in process.roots]
    session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, process.session  # type: ignore[assignment]
    initializers = vars(botocore)[_INITIALIZERS]
    vars(botocore)[_INITIALIZERS] = process.initializers
    loader = importlib.machinery.SourceFileLoader
    get_code, exec_module = loader.get_code, loader.exec_module
    loader.get_code = once.code_of  # type: ignore[method-assign, assignment]
    loader.exec_module = lambda self, module: IMAGES.load(cast(Any, self), module, process.own)  # type: ignore[method-assign]
    try:
        yield
    finally:
        loader.exec_module = exec_module  # type: ignore[method-assign]
        loader.get_code = get_code  # type: ignore[method-assign]
        vars(botocore)[_INITIALIZERS] = initializers
        process.session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, session
        sys.path[:] = path
        process.modules = _loaded.take_inner(process)
        _loaded.put_back(outer)


@contextmanager
def _environment(process: Process) -> Iterator[None]:
    """Put a dictionary in place of the one below `os.environ`. To tell libc of each variable was slow.

    libc is told of the time zone, and hears again what was true outside of what a handler has changed.
    """
    environ: Any = os.environ
    outer, inner = environ._data, Variables(process.variables)
    zone = os.environ.encodekey("TZ")
    moved = _zone(outer.get(zone)) != _zone(inner.get(zone))
    environ._data = inner
    if moved:
        _tell_libc([zone], inner)
        apply_time_zone()
    try:
        yield
    finally:
        environ._data = outer
        names = set() if inner == process.variables else {name for name, _ in inner.items() ^ process.variables.items()}
        _tell_libc(names | ({zone} if moved else set()), outer)
        if moved or zone in names:
            apply_time_zone()


def _tell_libc(names: Iterable[Any], environment: Mapping[Any, Any]) -> None:
    for name in names:
        if name in environment:
            os.putenv(name, environment[name])
        else:
            os.unsetenv(name)


def _zone(value: Any) -> Any:
    """A zone without the colon that may stand before its name."""
    return os.environ.decodevalue(value).removeprefix(":") if value is not None else None


@contextmanager
def _logging(process: Process) -> Iterator[None]:
    outer = logging.root, logging.Logger.manager
    logging.root = logging.Logger.root = process.root_logger
    logging.Logger.manager = process.manager
    try:
        yield
    finally:
        logging.root = logging.Logger.root = outer[0]
        logging.Logger.manager = outer[1]


@contextmanager
def _randomness(process: Process) -> Iterator[None]:
    """Draw `random`, `uuid4` and `os.urandom` from the seed, so that no id differs between two runs."""
    state, urandom = random.getstate(), os.urandom
    random.setstate(process.random_state)  # type: ignore[arg-type]
    os.urandom = process.entropy.randbytes
    try:
        yield
    finally:
        process.random_state = random.getstate()
        os.urandom = urandom
        random.setstate(state)


@contextmanager
def _streams(process: Process) -> Iterator[None]:
    """A fresh interpreter's warnings, streams and last resort: a warning is a log line, never an error of a test."""
    outer = sys.stdout, sys.stderr, sys.excepthook
    sys.stdout = sys.stderr = cast(TextIO, process.output)
    sys.excepthook = process.excepthook  # Powertools sets its own
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            yield
        finally:
            process.output.flush()
            process.excepthook = sys.excepthook
            sys.stdout, sys.stderr, sys.excepthook = outer
