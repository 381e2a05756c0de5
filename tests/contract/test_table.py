"""One contract for the table: the adapter on moto and the fake in memory answer alike."""

import pytest

from breakwater.errors import ConflictError
from breakwater.store import Item, Put, Refusal, Table, Update, Write


def test_items_come_back_as_they_were_written_and_absent_ones_are_missing(table: Table) -> None:
    items: list[Item] = [{"pk": f"A#{number}", "sk": "A", "number": number, "text": "ü"} for number in range(130)]
    table.put_many(items)
    found = table.get_many([(f"A#{number}", "A") for number in range(140)])
    assert found == {(f"A#{number}", "A"): items[number] for number in range(130)}


def test_a_put_that_wants_to_be_the_first_is_refused_the_second_time(table: Table) -> None:
    table.write(Put({"pk": "A", "sk": "A", "v": 1}, only_if_new=True))
    with pytest.raises(ConflictError):
        table.write(Put({"pk": "A", "sk": "A", "v": 2}, only_if_new=True))
    assert table.get_many([("A", "A")])["A", "A"]["v"] == 1


def test_an_update_keeps_what_it_does_not_name_and_defaults_yield_to_what_stands(table: Table) -> None:
    table.write(Update(("A", "A"), set_values={"v": 1, "gone": "x"}, defaults={"sent": 0}))
    table.write(Update(("A", "A"), set_values={"v": 2, "sent": 5}))
    table.write(Update(("A", "A"), set_values={"v": 3}, defaults={"sent": 0}, remove=("gone",)))
    assert table.get_many([("A", "A")])["A", "A"] == {"pk": "A", "sk": "A", "v": 3, "sent": 5}


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param({"v": 2}, id="another value"),
        pytest.param({"v": None}, id="should be absent"),
        pytest.param({"w": 1}, id="is absent"),
    ],
)
def test_an_update_is_refused_unless_all_it_expects_is_so(table: Table, expected: dict[str, int | None]) -> None:
    table.write(Update(("A", "A"), set_values={"v": 1}, expected={"v": None}))
    with pytest.raises(ConflictError):
        table.write(Update(("A", "A"), set_values={"v": 9}, expected=expected))
    assert table.get_many([("A", "A")])["A", "A"]["v"] == 1


def test_a_transaction_with_one_refused_action_changes_nothing_and_names_it(table: Table) -> None:
    table.write(Put({"pk": "F2", "sk": "F"}))
    actions: list[Write] = [
        Update(("A", "A"), set_values={"v": 1}),
        Put({"pk": "F1", "sk": "F"}, only_if_new=True),
        Put({"pk": "F2", "sk": "F"}, only_if_new=True),
    ]
    assert table.transact(actions) == [Refusal(2, condition=True)]
    assert list(table.get_many([("A", "A"), ("F1", "F")])) == []
    assert table.transact(actions[:2]) == []
    assert len(table.get_many([("A", "A"), ("F1", "F")])) == 2


def test_every_refused_action_of_a_transaction_is_named(table: Table) -> None:
    table.put_many([{"pk": f"F{number}", "sk": "F"} for number in (1, 3)])
    puts = [Put({"pk": f"F{number}", "sk": "F"}, only_if_new=True) for number in range(4)]
    assert [refusal.position for refusal in table.transact(puts)] == [1, 3]


def test_only_items_with_the_status_are_in_its_index(table: Table) -> None:
    table.put_many([{"pk": f"A#{number}", "sk": "A", "status": "open"} for number in range(3)])
    table.put_many([{"pk": "B", "sk": "A"}, {"pk": "C", "sk": "A", "status": "other"}])
    table.write(Update(("A#1", "A"), remove=("status",)))
    assert sorted(table.with_status("open")) == ["A#0", "A#2"]


def test_a_partition_is_read_in_the_order_of_its_sort_keys(table: Table) -> None:
    table.put_many([{"pk": "J", "sk": sk} for sk in ("b2", "a", "b1")] + [{"pk": "K", "sk": "b3"}])
    assert [item["sk"] for item in table.under("J")] == ["a", "b1", "b2"]
    assert [item["sk"] for item in table.under("J", "b")] == ["b1", "b2"]


def test_deleting_is_fine_for_what_is_not_there(table: Table) -> None:
    table.put_many([{"pk": f"A#{number}", "sk": "A"} for number in range(30)])
    table.delete_many([(f"A#{number}", "A") for number in range(40)])
    assert table.get_many([(f"A#{number}", "A") for number in range(30)]) == {}
