"""JSONata for the interpreter, by jsonata-python: moto ships a pointer to an evaluator and no evaluator.

`$now` and `$millis` read the frozen clock, `$random` and `$uuid` the seed. Of the functions that Step Functions adds
to JSONata, the interpreter declares `$partition` and `$range` itself; the others are added here.
"""

import hashlib
import json
import random
import uuid
from collections.abc import Callable
from typing import Any

import jsonata  # type: ignore[import-untyped]  # it has no stubs

JException = jsonata.JException


class Evaluator:
    """Evaluates expressions with randomness from a seed."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def __call__(self, expression: str) -> Any:
        """Give the value of an expression."""
        compiled = jsonata.Jsonata(expression)
        for name, function in self._functions().items():
            compiled.register_lambda(name, function)
        return compiled.evaluate(None)

    def _functions(self) -> dict[str, Callable[..., Any]]:
        return {
            "uuid": lambda: str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            "random": lambda seed=None: (self._rng if seed is None else random.Random(seed)).random(),
            "parse": json.loads,
            "hash": _hash,
        }


def _hash(value: str, algorithm: str = "SHA-256") -> str:
    """AWS's `$hash`; its algorithms are MD5, SHA-1, SHA-256, SHA-384 and SHA-512."""
    return hashlib.new(algorithm.replace("-", "").lower(), value.encode(), usedforsecurity=False).hexdigest()
