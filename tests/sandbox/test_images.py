"""Modules in which nothing can change are run once and shared; all others belong to one function."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sandbox.errors import ChangedConstantError
from sandbox.images import IMAGES
from sandbox.inert import Judge
from sandbox.isolation import Output, Process

INERT = {
    "values": "A = 1; B = 'b'; C = (1, frozenset({2})); D = None",
    "a pattern": "import re; HOST = re.compile('[a-z]+')",
    "a function": "def double(x, by=2): return x * by",
    "a frozen dataclass and one of it": (
        "from dataclasses import dataclass, field\n@dataclass(frozen=True, slots=True)\nclass A:\n  x: int = 1\n"
        "  more: tuple = field(default=())\nDEFAULT = A()"
    ),
    "an enumeration": "from enum import StrEnum\nclass Mode(StrEnum):\n  ACT = 'act'\nUSUAL = Mode.ACT",
    "a named tuple": "from typing import NamedTuple\nclass Arn(NamedTuple):\n  service: str\n  name: str = ''",
    "a table": "TABLE = {'a': [1, 2], 'b': [3]}; BOTH = ['a', 'b']",
    "an empty mapping, said to be one": "from collections.abc import Mapping\nNONE: Mapping[str, int] = {}",
    "a cache of what is always the same": (
        "import re\nfrom functools import cache\n@cache\ndef read(text): return re.split(',', text)"
    ),
    "a context manager": "from contextlib import contextmanager\n@contextmanager\ndef held():\n  yield 1",
    "an object whose methods change nothing": (
        "class Key:\n  def __init__(self, name): self.name = name\n"
        "  def __str__(self): return self.name\nWEB = Key('web')"
    ),
}
CAN_CHANGE = {
    "a cache by hand": "_cache = {}",
    "an empty table": "CACHE = {}",
    "an empty list": "SEEN = []",
    "a list in a tuple": "BOTH = ([], [])",
    "a global that is set": "count = 0\ndef more():\n  global count\n  count += 1",
    "a cached client": "from functools import cache\n@cache\ndef client():\n  import botocore.session\n  return 1",
    "a cached file": "from functools import cache\n@cache\ndef read(name):\n  return open(name).read()",
    "a cached clock": (
        "from datetime import datetime\nfrom functools import cache\n@cache\ndef today():\n  return datetime.now()"
    ),
    "a cached method": "from functools import cache\nclass A:\n  @cache\n  def read(self): return open('x')",
    "an object that counts": "class Breaker:\n  n = 0\n  def trip(self): self.n += 1\nBREAKER = Breaker()",
    "an object with a list": "class Log:\n  def __init__(self): self.lines = []\nLOG = Log()",
    "a list of a class": "class Registry:\n  known = []",
    "a closure over a list": "def made():\n  seen = []\n  def add(x): seen.append(x)\n  return add\nadd = made()",
    "a default that keeps": "def add(x, to=[]): to.append(x)",
    "a logger": "import logging\nlogger = logging.getLogger('x')",
    "a lock": "import threading\nLOCK = threading.Lock()",
    "a variable of the context": "from contextvars import ContextVar\nNOW = ContextVar('now')",
    "a generic function": "from functools import singledispatch\n@singledispatch\ndef shown(x): return 1",
    "an instant": "from datetime import datetime\nAT = datetime(2026, 3, 2)",
    "an iterator": "import itertools\nNUMBERS = itertools.count()",
    "a dictionary in a frozen dataclass": (
        "from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass A:\n"
        "  more: dict = field(default_factory=dict)\nONE = A()"
    ),
    "a dataclass that can be changed": "from dataclasses import dataclass\n@dataclass\nclass A:\n  x: int\nONE = A(1)",
}  # fmt: skip


def judged(source: str) -> bool:
    module = ModuleType("inert_one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "inert_one", module)
        exec(compile(source, "inert_one.py", "exec"), vars(module))  # noqa: S102  # the words above
    return Judge(module, frozenset({"inert_one"}), set()).inert()


@pytest.mark.parametrize("source", INERT.values(), ids=INERT)
def test_a_module_in_which_nothing_can_change_is_known_as_such(source: str) -> None:
    assert judged(source)


@pytest.mark.parametrize("source", CAN_CHANGE.values(), ids=CAN_CHANGE)
def test_a_module_in_which_something_could_change_is_not_shared(source: str) -> None:
    assert not judged(source)


@pytest.fixture
def code(tmp_path: Path) -> Iterator[Path]:
    sources = {
        "ours_plain": "TABLE = {'a': 1}\nclass Thing: pass",
        "ours_above": "from ours_plain import Thing\nfrom ours_state import remember\ndef made(): return Thing()",
        "ours_state": "seen = []\ndef remember(x):\n  seen.append(x)\n  return len(seen)",
        "ours_place": "import os\nPLACE = os.environ['PLACE']",
        "ours_luck": "import random\nLUCK = random.random()",
        "ours_helped": "from ours_helper import drawn\nDRAWN = drawn()",
        "ours_helper": "import uuid\ndef drawn(): return str(uuid.uuid4())",
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    yield tmp_path
    assert not [name for name in sys.modules if name.startswith("ours_")]


def process(code: Path, place: str = "here") -> Process:
    return Process((code,), {"PLACE": place}, Output(lambda text: None), 7)


def imported(name: str, of: Process) -> ModuleType:
    with of.entered():
        return importlib.import_module(name)


def test_what_cannot_change_is_shared_and_nothing_else(code: Path) -> None:
    first, second = process(code), process(code)
    assert imported("ours_plain", first) is imported("ours_plain", second)
    for name in ("ours_state", "ours_place", "ours_luck", "ours_helped"):
        assert imported(name, first) is not imported(name, second)


def test_what_belongs_to_a_module_with_a_state_is_not_shared_either(code: Path) -> None:
    first, second = process(code), process(code)
    above, other = (imported("ours_above", each) for each in (first, second))
    assert above is not other
    assert [above.remember(1), above.remember(2), other.remember(3)] == [1, 2, 1]
    assert type(above.made()) is type(other.made())  # the class is of a module that is shared
    assert imported("ours_state", second).seen == [3]


def test_an_environment_is_a_functions_own(code: Path) -> None:
    found = [imported("ours_place", process(code, place)).PLACE for place in ("here", "there")]
    assert found == ["here", "there"]


def test_a_constant_that_a_function_changes_is_an_error_and_no_secret_way_to_another(code: Path) -> None:
    imported("ours_plain", process(code)).TABLE["b"] = 2
    with pytest.raises(ChangedConstantError, match=r"ours_plain\.TABLE was changed"):
        imported("ours_plain", process(code))
    assert imported("ours_plain", process(code)).TABLE == {"a": 1}


def test_a_source_that_has_changed_is_read_again(code: Path) -> None:
    before = imported("ours_plain", process(code))
    (code / "ours_plain.py").write_text("TABLE = {'a': 1, 'c': 3}\n", encoding="utf-8")
    IMAGES.refresh()
    after = imported("ours_plain", process(code))
    assert (before.TABLE, after.TABLE) == ({"a": 1}, {"a": 1, "c": 3})
