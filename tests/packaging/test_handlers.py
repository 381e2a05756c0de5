"""Every Handler of the template can be imported from the source roots, with only the runtime lock beside them."""

import re
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.packaging.importing import HANDLERS, ROOT, import_handler
from tests.packaging.test_locks import locked

SOURCES = [ROOT / "functions", ROOT / "layers/core"]
SITE = Path(sysconfig.get_paths()["purelib"])


@cache
def distributions() -> Mapping[str, list[str]]:
    """Which distributions each top-level name comes from; it takes a look at every file of the environment."""
    return packages_distributions()


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_needs_the_sources_and_the_runtime_lock_only(handler: str) -> None:
    imported = import_handler(sys.executable, handler=handler, roots=SOURCES)
    assert imported.found, f"{handler} is not a function"
    assert not imported.outside(*SOURCES, SITE)
    foreign = {
        distribution
        for name in imported.outside(*SOURCES)
        for distribution in distributions().get(name.partition(".")[0], [name])
        if re.sub(r"[-_.]+", "-", distribution).lower() not in locked("runtime")
    }
    assert not foreign, f"{handler} imports {sorted(foreign)}: add it to requirements/runtime.in or do without"
