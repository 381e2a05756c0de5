"""The native hook in deployments of the ECS model: what it answers decides where the traffic ends up."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.attending import Direction
from breakwater.checks import Failed, Inconclusive, Passed
from breakwater.preflight import Refuse
from sandbox.ecs.hooks import NativeReadings
from sandbox.ecs.lifecycle import HOOKABLE
from sandbox.ecs.shifting import BlueGreen, Canary, Linear, Shifting
from tests.unit.deployment_hooks.house import POLICY, Context, FakeProbe, House
from tests.unit.ecs.build_native import Account, an_account, lambda_hook

EVERYWHERE = lambda_hook(*HOOKABLE)
READINGS = [
    NativeReadings(payload_wrapped=wrapped, shift_before_hooks=before, failed_hook_fails_rollback=strict)
    for wrapped in (True, False)
    for before in (True, False)
    for strict in (True, False)
]


class InTheModel:
    """A service of the model whose every stage calls the hook, with the deployment's own time and direction."""

    def __init__(self, house: House, strategy: Shifting, readings: NativeReadings) -> None:
        self.house = house
        house.policy = replace(POLICY, approval_minutes=5)
        self.account: Account = an_account(
            replace(strategy, hooks=(EVERYWHERE,)), invoke=self.invoke, native_readings=readings
        )
        self.began = self.account.model.now

    def invoke(self, function: str, event: dict[str, Any]) -> object:
        rollout = self.account.rollout
        going_back = rollout.status in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")
        self.house.direction = Direction.BACK if going_back else Direction.FORWARD
        self.house.now = self.account.model.now
        context = Context("arn:aws:lambda:us-east-1:111122223333:function:hook")
        return self.house.call(event, context)

    def release(self) -> str:
        self.account.deploy()
        return self.account.run_to_end(timedelta(hours=10))


@pytest.mark.parametrize("readings", READINGS, ids=lambda one: f"{one.payload_wrapped}-{one.shift_before_hooks}")
@pytest.mark.parametrize(
    "strategy", [BlueGreen(1), Canary(5.0, 1), Linear(50.0, 1)], ids=lambda one: type(one).__name__
)
def test_a_release_that_passes_ends_with_all_of_the_traffic(strategy: Shifting, readings: NativeReadings) -> None:
    house = House(looks=[Passed("fine")] * 20)
    there = InTheModel(house, strategy, readings)
    assert there.release() == "SUCCESSFUL"
    assert (there.account.split, there.account.broken) == ((0, 100), [])
    assert house.probe.made == 2


def aborted(house: House) -> None:
    house.probe, house.word = FakeProbe("e"), "aborted"


TROUBLES: dict[str, Callable[[House], None]] = {
    "the preflight refuses": lambda house: setattr(house, "findings", (Refuse("image", "no image"),)),
    "a check fails": lambda house: setattr(house, "probe", FakeProbe("f")),
    "the checker is down and nobody answers": lambda house: setattr(house, "probe", FakeProbe("e")),
    "the metrics are worse": lambda house: setattr(house, "looks", [Failed("worse")]),
    "too few samples and nobody answers": lambda house: setattr(house, "looks", [Inconclusive("few")] * 9),
    "aborted": aborted,
}


@pytest.mark.parametrize("readings", READINGS, ids=lambda one: f"{one.payload_wrapped}-{one.shift_before_hooks}")
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_release_that_must_not_go_on_ends_where_it_began(trouble: str, readings: NativeReadings) -> None:
    """Under both readings of a hook that fails on the way back: ours never does."""
    house = House(looks=[Passed("fine")] * 9)
    TROUBLES[trouble](house)
    there = InTheModel(house, Canary(5.0, 1), readings)
    assert there.release() == "ROLLBACK_SUCCESSFUL"
    assert (there.account.split, there.account.test_split, there.account.broken) == ((100, 0), (100, 0), [])
    assert max(green for _, green in there.account.shifts()) <= 5, "no more than the canary's share was at stake"
