"""A function that dies at one of its AWS calls, before it or after it was done."""

from collections.abc import Mapping
from typing import Any

import pytest

from sandbox import Sandbox


class Killer:
    """Kills the functions of one automation at their n-th call: that call and all later ones of the same run raise."""

    def __init__(self, sandbox: Sandbox, automation: str, patch: pytest.MonkeyPatch) -> None:
        self.countdown: int | None = None
        self.after = False
        self.killed = ""
        self.dead: str | None = None
        self.calls = 0
        functions, gate = sandbox.account.functions, sandbox._gate
        answer = gate._answer

        def through(client: Any, service: str, operation: str, params: Mapping[str, Any]) -> Any:
            current = functions.current
            if current is None or not current.logical_id.startswith(automation):
                return answer(client, service, operation, params)
            if self.dead == current.request_id:
                raise SystemExit(137)
            self.calls += 1
            if self.countdown is None:
                return answer(client, service, operation, params)
            self.countdown -= 1
            if self.countdown >= 0:
                return answer(client, service, operation, params)
            self.countdown, self.dead, self.killed = None, current.request_id, f"{service}:{operation}"
            if self.after:
                answer(client, service, operation, params)
            raise SystemExit(137)

        patch.setattr(gate, "_answer", through)

    def arm(self, number: int, after: bool) -> None:
        """Kill at the call with this number, counted from 0."""
        self.countdown, self.after, self.killed, self.dead = number, after, "", None

    def disarm(self) -> str:
        """Kill nothing more; gives the call at which it was, or "" if there was no such call."""
        self.countdown = None
        return self.killed
