"""The scaling part of the compiled policy, as it lies in the table. Without one the defaults hold: everything observes.

Policy never makes the scaler fail: what cannot be read leaves the last good policy, or the defaults, in force.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, TypeVar

from breakwater.errors import BreakwaterError
from breakwater.model import Mode
from breakwater.policies import HeadroomPolicy, ScalingPolicy, SurgePolicy, WindowPolicy
from breakwater.store import Key, Table

COMPILED: Key = ("POLICY", "COMPILED")
FRESH = timedelta(seconds=50)

Part = TypeVar("Part", SurgePolicy, WindowPolicy, HeadroomPolicy)


class PolicyInForce:
    """Reads the policy at most every `FRESH`; `say` hears why it could not be read."""

    def __init__(self, table: Table, say: Callable[[str], None]) -> None:
        self._table, self._say = table, say
        self._policy = ScalingPolicy()
        self._due: datetime | None = None

    def current(self, now: datetime) -> ScalingPolicy:
        """The policy in force."""
        if self._due is not None and now < self._due:
            return self._policy
        self._due = now + FRESH
        try:
            item = self._table.get_many([COMPILED]).get(COMPILED)
            self._policy = scaling_of(str(item["doc"])) if item else ScalingPolicy()
        except (BreakwaterError, AttributeError, KeyError, TypeError, ValueError) as error:
            self._say(f"the policy could not be read, the last good one is in force: {error}")
        return self._policy


def scaling_of(text: str) -> ScalingPolicy:
    """The scaling part of a compiled policy. What a newer version added is ignored."""
    raw: Mapping[str, Any] = json.loads(text).get("scaling") or {}
    return ScalingPolicy(
        _part(SurgePolicy, raw.get("surge") or {}),
        tuple(_part(WindowPolicy, each) for each in raw.get("windows") or ()),
        tuple(_part(HeadroomPolicy, each) for each in raw.get("headroom") or ()),
    )


def _part(kind: type[Part], raw: Mapping[str, Any]) -> Part:
    known = {field.name for field in fields(kind)}
    values = {name: value for name, value in raw.items() if name in known}
    if "mode" in values:
        values["mode"] = Mode(values["mode"])
    if "days" in values:
        values["days"] = tuple(values["days"])
    return kind(**values)
