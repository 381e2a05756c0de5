"""The policy that is in force, as functions read it: one item of the table, kept for most of a minute.

A new policy is picked up within a minute. While the table cannot be read, or holds what this version cannot read, the
last good policy stays in force; before there ever was one, the defaults. Policy never makes a function fail.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from breakwater.compiled import Compiled, loaded
from breakwater.errors import BreakwaterError
from breakwater.store import Key, Table

COMPILED: Key = ("POLICY", "COMPILED")
FRESH = timedelta(seconds=50)
TRY_AGAIN = timedelta(seconds=10)


class PolicyReader:
    """Reads the compiled policy for one execution environment. `say` hears why it could not be read."""

    def __init__(self, table: Table, say: Callable[[str], None] = lambda problem: None) -> None:
        self._table = table
        self._say = say
        self._policy = Compiled()
        self._digest = ""
        self._due: datetime | None = None

    def current(self, now: datetime) -> Compiled:
        """The policy in force, at most `FRESH` old."""
        if self._due is None or now >= self._due:
            return self.newest(now)
        return self._policy

    def newest(self, now: datetime) -> Compiled:
        """The policy in force, read now: for who meets something that the policy it holds does not know."""
        self._due = now + FRESH
        try:
            item = self._table.get_many([COMPILED]).get(COMPILED)
            if item is None:
                self._policy, self._digest = Compiled(), ""
            elif item["digest"] != self._digest:
                self._policy, self._digest = loaded(str(item["doc"])), str(item["digest"])
        except (BreakwaterError, KeyError) as error:
            self._due = now + TRY_AGAIN
            self._say(f"the policy could not be read, the last good one is in force: {error}")
        return self._policy
