"""The events' lane over fakes: what an event costs, and what it does with what it cannot read."""

from datetime import timedelta

import pytest

from breakwater.model import Mode
from rollback_guard import handler
from tests.fakes.guarded import START, Context, House, a_stop


def test_ten_thousand_stops_cost_at_most_one_call_each_and_a_bounded_number_of_describes() -> None:
    """Nothing is known good, so the storm is not ended by a rollback. The calls are those of ECS and of the table."""
    house = House()
    work = house.work()
    for number in range(10_000):
        house.now = START + timedelta(milliseconds=6 * number)
        handler.respond(a_stop(number, house.now), Context(), work)
    assert house.table.calls + sum(house.ecs.calls.values()) <= 10_000
    assert sum(house.ecs.calls.values()) <= 30
    holds = [
        item["decision"] for item in house.table.items.values() if str(item.get("decision", "")).startswith("hold")
    ]
    assert (holds, house.topic.published) == (["hold no_target"], [])


def test_one_stop_told_many_times_is_one_mark() -> None:
    house = House()
    work = house.work()
    for _ in range(50):
        handler.respond(a_stop(1, START), Context(), work)
    assert sum(pk.startswith("STOPS#") for pk, _ in house.table.items) == 1


def test_a_counted_failure_on_its_way_to_stopped_costs_nothing_more_and_puts_no_look_off() -> None:
    """Each such event used to be a look, and the gap after the last one swallowed the STOPPED that decides."""
    house = House()
    work = house.work()
    handler.respond(a_stop(1, START, lastStatus="DEACTIVATING"), Context(), work)
    before = (house.table.calls, sum(house.ecs.calls.values()))
    for status in ("DEACTIVATING", "STOPPING", "DEPROVISIONING"):
        assert handler.respond(a_stop(1, START, lastStatus=status), Context(), work) == {"decision": "wait"}
    assert (house.table.calls, sum(house.ecs.calls.values())) == before
    house.now = START + timedelta(seconds=15)
    handler.respond(a_stop(1, START), Context(), work)
    assert house.table.calls > before[0]


def test_with_the_mode_off_nothing_is_called() -> None:
    house = House(mode=Mode.OFF)
    handler.respond(a_stop(1, START), Context(), house.work())
    assert (house.table.calls, sum(house.ecs.calls.values())) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "envelope"),
    [
        pytest.param({}, {"account": "999988887777"}, id="another account"),
        pytest.param({}, {"region": "eu-west-1"}, id="another Region"),
        pytest.param({"group": "family:web"}, {}, id="a standalone task"),
        pytest.param({"startedBy": None}, {}, id="no deployment"),
        pytest.param({"stopCode": "SomethingNewIn2027"}, {}, id="an unknown stop code"),
        pytest.param({"stopCode": "UserInitiated"}, {}, id="a person stopped it"),
        pytest.param({"containers": None}, {}, id="no containers"),
    ],
)
def test_what_is_no_evidence_costs_no_call(changes: dict[str, object], envelope: dict[str, object]) -> None:
    house = House()
    answer = handler.respond(a_stop(1, START, **changes) | envelope, Context(), house.work())
    assert answer == {"decision": "ignore"}
    assert (house.table.calls, sum(house.ecs.calls.values())) == (0, 0)


@pytest.mark.parametrize("event", [{}, {"detail": None}, {"source": "aws.ecs", "detail-type": "ECS Task State Change"}])
def test_what_cannot_be_read_is_ignored(event: dict[str, object]) -> None:
    assert handler.respond(event, Context(), House().work()) == {"decision": "ignore"}


def test_a_task_definition_that_cannot_be_read_is_told_once_and_its_stops_do_not_count() -> None:
    house = House()
    work = house.work()
    containers = [{"name": name, "lastStatus": "STOPPED", "exitCode": 1} for name in ("app", "agent")]
    for number in range(30):
        handler.respond(a_stop(number, START, containers=containers), Context(), work)
    assert not [pk for pk, _ in house.table.items if pk.startswith("STOPS#")]
    [notice] = house.topic.published
    assert "the task definition web:2 cannot be read" in notice.incident.summary
    assert any(item.get("decision") == "hold unreadable" for item in house.table.items.values())


def test_a_service_of_codedeploy_is_a_page_with_the_facts_and_no_action() -> None:
    house = House()
    house.ecs.controller = "CODE_DEPLOY"
    work = house.work()
    for number in range(20):
        house.now = START + timedelta(seconds=number)
        handler.respond(a_stop(number, house.now), Context(), work)
    [notice] = house.topic.published
    assert "The deployment controller is CODE_DEPLOY" in notice.incident.summary
    assert set(house.ecs.calls) == {"describe_services"}
