"""A process of its own for each function, as far as one interpreter can give it.

Around each invocation the function's modules (everything below its code and layer roots, and Powertools, which keeps
state in modules), its environment, its loggers, its `sys.path`, boto3's default session, standard output and random
numbers are swapped in, and out again afterwards. So module-level caches and loggers live as long as in Lambda, and
are never shared between functions. Third-party modules other than Powertools are shared.
"""

import dataclasses
import io
import logging
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TextIO, cast

import boto3
import botocore

from sandbox.clock import apply_time_zone


@lru_cache(maxsize=8192)
def _compiled(source: str) -> CodeType:
    return compile(source, "<string>", "exec")


def _exec(source: str, variables: dict[str, Any], found: Mapping[str, object] | None = None) -> None:
    exec(_compiled(source), variables, found)  # noqa: S102  # what dataclasses does itself


# `dataclasses` writes methods as text and compiles them when a class is made. Each process imports the functions' code
# anew, thousands of equal texts: compiling them was a third of a short scenario.
vars(dataclasses)["exec"] = _exec

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
    shared: set[str] = field(default_factory=set)
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
        self.root_logger = logging.RootLogger(logging.WARNING)
        self.manager = logging.Manager(self.root_logger)
        self.entropy = random.Random(self.seed)
        self.random_state = random.Random(self.seed).getstate()

    def taken(self) -> dict[str, ModuleType]:
        """Take the modules that belong to this function alone out of the interpreter."""
        unknown = sys.modules.keys() - self.shared  # looking at thousands each time was slow
        mine = {name for name in unknown if name.partition(".")[0] in self.own}
        self.shared |= unknown - mine
        return {name: sys.modules.pop(name) for name in list(sys.modules) if name in mine} if mine else {}

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be this process."""
        with _modules(self), _environment(self.environment), _logging(self), _randomness(self), _streams(self):
            yield


def _importable(entry: Path) -> bool:
    return entry.name.isidentifier() if entry.is_dir() else entry.suffix in _PACKAGE_SUFFIXES


@contextmanager
def _modules(process: Process) -> Iterator[None]:
    outer = process.taken()
    sys.modules.update(process.modules)
    path = list(sys.path)
    sys.path[:0] = [str(root) for root in process.roots]
    session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, process.session  # type: ignore[assignment]
    initializers = vars(botocore)[_INITIALIZERS]
    vars(botocore)[_INITIALIZERS] = process.initializers
    try:
        yield
    finally:
        vars(botocore)[_INITIALIZERS] = initializers
        process.session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, session
        sys.path[:] = path
        process.modules = process.taken()
        sys.modules.update(outer)


@contextmanager
def _environment(environment: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    apply_time_zone()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        apply_time_zone()


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
