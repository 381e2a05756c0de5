"""ECS is eventually consistent: a way back that is chosen by an old read is refused, and chosen anew."""

import copy
from typing import Any

import pytest

from tests.sandbox.release_endings import give, unnoticed
from tests.sandbox.release_stage import BLUE_GREEN, BOTH, CANARY, CHECKED, SMOKE, STEPS, Shop, Street

CHANGES = ("ContinueServiceDeployment", "StopServiceDeployment", "UpdateService")


class Stale:
    """What ReleaseMove is told of the deployment: once, on demand, what it was told last time."""

    def __init__(self, street: Street, patch: pytest.MonkeyPatch) -> None:
        self.functions, gate = street.account.account.functions, street.account._gate
        self._answer = gate._answer
        self._last: Any = None
        self.again = False
        self.made: list[tuple[str, str]] = []
        """What it changes."""
        patch.setattr(gate, "_answer", self.answer)

    def answer(self, client: Any, service: str, operation: str, params: dict[str, Any]) -> Any:
        at = self.functions.current
        if at is None or at.logical_id != "ReleaseMoveFunction":
            return self._answer(client, service, operation, params)
        if operation in CHANGES:
            self.made.append((operation, params.get("action") or params.get("stopType") or ""))
        if operation == "DescribeServiceDeployments":
            if self.again:
                self.again = False
                return copy.deepcopy(self._last)
            self._last = copy.deepcopy(self._answer(client, service, operation, params))
            return copy.deepcopy(self._last)
        return self._answer(client, service, operation, params)


@pytest.mark.parametrize(
    ("settings", "pauses", "checks"),
    [
        pytest.param(CANARY, STEPS, BOTH, id="with another hook to come"),
        pytest.param(BLUE_GREEN, (CHECKED,), (SMOKE,), id="with no hook to come, before or in its bake"),
    ],
)
def test_an_abort_after_a_continue_goes_back_although_the_hook_is_still_read_to_wait(
    settings: dict[str, Any],
    pauses: tuple[str, ...],
    checks: tuple[Any, ...],
    street: Street,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, stale = Shop(street, settings, pauses=pauses, checks=checks), Stale(street, monkeypatch)
    shop.traffic(per_second=2)
    shop.register()
    execution = shop.start()
    shop.until(lambda: ("ContinueServiceDeployment", "CONTINUE") in stale.made)
    stale.again = True
    give(shop, "aborted")
    shop.over(execution)
    assert not stale.again
    assert stale.made[-2:] == [("ContinueServiceDeployment", "ROLLBACK"), ("StopServiceDeployment", "ROLLBACK")]
    assert (execution.error, shop.revision, shop.weights, shop.free) == ("Returned", 1, [100, 0], True)
    unnoticed(shop)
