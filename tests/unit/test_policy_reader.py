"""The policy in force: read once in a while, and kept through whatever befalls the table."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from breakwater.compiled import Compiled
from breakwater.errors import ThrottledError
from breakwater.policies import AlertPolicy
from breakwater.policy_reader import COMPILED, PolicyReader
from breakwater.store import Key, Value
from tests.fakes.table import FakeTable

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LOUD = Compiled(alert=AlertPolicy(quiet_minutes=5))


class SickTable(FakeTable):
    """Answers no read while it is ill."""

    ill = False

    def get_many(self, keys: Iterable[Key]) -> dict[Key, dict[str, Value]]:
        if self.ill:
            self.calls += 1
            raise ThrottledError("read items: no")
        return super().get_many(keys)


class House:
    def __init__(self) -> None:
        self.table = SickTable()
        self.said: list[str] = []
        self.reader = PolicyReader(self.table, self.said.append)

    def force(self, policy: Compiled) -> None:
        doc = policy.dumped()
        self.table.items[COMPILED] = {"pk": COMPILED[0], "sk": COMPILED[1], "doc": doc, "digest": str(hash(doc))}

    def at(self, seconds: float) -> Compiled:
        return self.reader.current(NOW + timedelta(seconds=seconds))


def test_without_a_document_the_defaults_are_in_force_at_one_read_a_minute() -> None:
    house = House()
    assert [house.at(seconds) for seconds in range(0, 50, 5)] == [Compiled()] * 10
    assert house.table.calls == 1


def test_a_new_policy_is_picked_up_within_a_minute() -> None:
    house = House()
    house.at(0)
    house.force(LOUD)
    assert house.at(1) == Compiled()
    assert house.at(60) == LOUD
    house.force(replace(LOUD, alert=AlertPolicy()))
    assert house.at(119).alerts() == AlertPolicy()


def test_who_meets_something_unknown_reads_at_once() -> None:
    house = House()
    house.at(0)
    house.force(LOUD)
    assert house.reader.newest(NOW + timedelta(seconds=1)) == LOUD


def test_while_the_table_cannot_be_read_the_last_good_policy_is_in_force() -> None:
    house = House()
    house.force(LOUD)
    house.at(0)
    house.table.ill = True
    assert [house.at(seconds) for seconds in range(60, 90, 2)] == [LOUD] * 15
    assert house.table.calls <= 1 + 3
    assert len(house.said) == house.table.calls - 1
    house.table.ill = False
    house.force(Compiled())
    assert house.at(100) == Compiled()


def test_before_there_ever_was_one_the_defaults_are_in_force() -> None:
    house = House()
    house.table.ill = True
    assert house.at(0) == Compiled()


def test_an_item_that_cannot_be_read_changes_nothing() -> None:
    house = House()
    house.force(LOUD)
    house.at(0)
    for item in ({"doc": "{", "digest": "x"}, {"doc": '{"alert": 3}', "digest": "y"}, {"version": 1}):
        house.table.items[COMPILED] = {"pk": COMPILED[0], "sk": COMPILED[1], **item}
        assert house.reader.newest(NOW) == LOUD
    assert len(house.said) == 3
