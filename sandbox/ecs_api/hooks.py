"""Lambda hooks of a deployment, run by the account's own functions under the hook's role."""

import json
from typing import TYPE_CHECKING, Any

from sandbox.delivery import Sender, permitted
from sandbox.ecs.blue_green import progress_of
from sandbox.ecs.hooks import LATER
from sandbox.ecs.native import NativeStrategies

if TYPE_CHECKING:
    from sandbox.account import Account


class HookCalls:
    """Calls functions for the model: not while it moves, but as the account's next timer, at the same instant."""

    def __init__(self, account: "Account", native: NativeStrategies) -> None:
        self._account, self._native = account, native

    def invoke(self, function: str, event: dict[str, Any]) -> object:
        """Take a call; the answer comes later."""
        self._account.clock.call_in(0, lambda: self._run(function, event), "lifecycle hook")
        return LATER

    def _run(self, function: str, event: dict[str, Any]) -> None:
        """Run the function. A function that fails, is not there or may not be called has no valid answer (ecs 4)."""
        rollout = self._account.ecs.model.service_deployment(event["resourceArn"])
        progress = progress_of(rollout)
        runs = [] if progress is None else progress.journal.runs
        run = next((one for one in runs if one.execution_id == event["executionId"]), None)
        if run is None or not run.is_open:
            return
        answer = self._answer(function, run.hook.role_arn, event)
        self._native.hook_answered(rollout.arn, run.hook_id, answer)

    def _answer(self, name: str, role: str | None, event: dict[str, Any]) -> object:
        function = self._account.functions.get(name)
        if function is None or not self._may(role, function.arn):
            return None
        outcome = self._account.functions.invoke(function, event, "lifecycle hook")
        return None if outcome.error is not None else json.loads(outcome.payload)

    def _may(self, role: str | None, function: str) -> bool:
        if role is None:
            return False
        sender = Sender("ecs.amazonaws.com", function, role=role)
        return permitted(self._account, sender, "lambda:InvokeFunction", function, ()) is None
