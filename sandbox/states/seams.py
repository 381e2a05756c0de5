"""Where the vendored interpreter is replaced, for as long as a sandbox with a state machine is open.

Two kinds. `REPLACED`: threads, sleep, randomness, clients are found by object identity in every module of
`moto.stepfunctions` and swapped, so that none is missed when moto moves one. The rest: methods that are wrong or that
block, replaced one by one, each with its reason where it is written. moto is pinned exactly, and
`tests/sandbox/test_states_seams.py` holds a canary for each seam.
"""

import logging
import random
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

PACKAGE = "moto.stepfunctions"


class Patches:
    """What was replaced, to put it back."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any]] = []
        self.places: set[str] = set()
        """Modules and names where an object was found by identity."""
        logger = logging.getLogger(PACKAGE)
        self._logger, self._level = logger, logger.level
        logger.setLevel(logging.CRITICAL + 1)  # it logs every caught error of a state machine as an error of its own

    def put(self, owner: Any, name: str, value: Any) -> Any:
        """Replace one attribute; gives what was there."""
        before = owner.__dict__[name]
        self._undo.append((owner, name, before))
        setattr(owner, name, value)
        return before

    def everywhere(self, replacements: Mapping[int, Any]) -> None:
        """Replace objects, by their identity, in all modules of the interpreter that are loaded."""
        for module_name, module in sorted(sys.modules.items()):
            if module_name.startswith(f"{PACKAGE}."):
                for name, value in list(vars(module).items()):
                    if id(value) in replacements:
                        self.put(module, name, replacements[id(value)])
                        self.places.add(f"{module_name.removeprefix(f'{PACKAGE}.')}:{name}")

    def undo(self) -> None:
        """Put everything back."""
        while self._undo:
            owner, name, before = self._undo.pop()
            setattr(owner, name, before)
        self._logger.setLevel(self._level)


def replaced(
    threads: Any, clock: Any, client_for: Callable[..., Any], rng: random.Random, boto_client_for: Callable[..., Any]
) -> dict[int, Any]:
    """What stands for what: the interpreter's own threads, time, ids, luck and clients."""

    def seeded() -> uuid.UUID:
        return uuid.UUID(int=rng.getrandbits(128), version=4)

    return {
        id(threading): threads,
        id(threading.Thread): threads.Thread,
        id(threading.Event): threads.Event,
        id(time): clock,
        id(random): rng,
        id(uuid.uuid4): seeded,
        id(boto_client_for): client_for,
    }
