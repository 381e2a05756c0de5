"""One look over fakes: what was begun and never finished, counts that grow old, what ECS should never say."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from breakwater.ledger import KnownGood, Ledger, Rollback, State, with_intent
from breakwater.model import Mode
from breakwater.policies import GuardPolicy
from rollback_guard import sweep
from rollback_guard.counted import ServiceName
from rollback_guard.guard import look
from rollback_guard.visit import Result, visit_of
from tests.fakes.guarded import AT, DEPLOYMENT, START, Context, House

WEB = ServiceName("prod", "web")
BAD, GOOD = (f"{AT}:task-definition/web:{number}" for number in (2, 1))


def looked(house: House, mode: Mode = Mode.ACT) -> Result:
    return look(visit_of(house.work(), Context()), WEB, GuardPolicy(mode=mode))


def intended(house: House, minutes_ago: float) -> None:
    """A rollback was written down, and nobody knows whether ECS was asked."""
    rollback = Rollback(START - timedelta(minutes=minutes_ago), BAD, GOOD, DEPLOYMENT, State.INTENDED, "it crashes")
    before = Ledger(known_good=(KnownGood(GOOD, START - timedelta(days=1)),), backfilled=True)
    ledgers = house.work().tools().ledgers
    assert ledgers.keep(ledgers.load(["prod/web"])["prod/web"], with_intent(before, rollback)) is not None


def kept(house: House) -> Ledger:
    return house.work().tools().ledgers.load(["prod/web"])["prod/web"].ledger


@pytest.mark.parametrize(
    ("minutes_ago", "mode", "why"),
    [
        pytest.param(16, Mode.ACT, "it was decided 16 minutes ago and never carried out", id="too old"),
        pytest.param(1, Mode.OBSERVE, "the rollback guard was halted before ECS was asked", id="not allowed any more"),
    ],
)
def test_an_intent_that_does_not_hold_any_more_is_dropped(minutes_ago: float, mode: Mode, why: str) -> None:
    """`FakeEcs` knows no call that changes a service: to ask it would be an error."""
    house = House()
    intended(house, minutes_ago)
    looked(house, mode)
    assert (kept(house).rollbacks, kept(house).refused) == ((), frozenset())
    [reason] = [item["reason"] for item in house.table.items.values() if item.get("decision") == "roll back"]
    assert reason == f"Not rolled back: {why}."


def test_an_intent_that_is_young_is_carried_out() -> None:
    house = House()
    intended(house, 1)
    with pytest.raises(AttributeError, match="update_service"):
        looked(house)


def test_a_deployment_without_a_time_is_told_and_nothing_is_weighed() -> None:
    house = House()
    house.ecs.changes = {"createdAt": None, "updatedAt": None}
    assert looked(house).decision == "hold unreadable"
    [notice] = house.topic.published
    assert "one of its deployments has no time" in notice.incident.summary


@pytest.mark.parametrize(("seconds", "describes"), [pytest.param(30, 1, id="fresh"), pytest.param(31, 2, id="old")])
def test_the_sweep_describes_again_what_it_described_too_long_ago(seconds: float, describes: int) -> None:
    """So long passes between the describe and the look at the service."""
    house = House()

    def later() -> datetime:
        house.now += timedelta(seconds=seconds)
        return house.now

    sweep.respond(replace(house.work(), now=later), Context())
    assert house.ecs.calls["describe_services"] == describes
