"""One contract for runs and lanes: the store over moto, over the table in memory, and the one without JSON."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from breakwater.errors import ConflictError
from breakwater.run_store import Change, KeptRun, RunStore
from breakwater.runs import Lane, Outcome, Phase, Run, RunKind
from tests.fakes.batch import NOON
from tests.fakes.moto_table import moto_table
from tests.fakes.runs import FakeRuns
from tests.fakes.table import FakeTable


@pytest.fixture(params=["moto", "table in memory", "without JSON"])
def store(request: pytest.FixtureRequest) -> Iterator[RunStore]:
    if request.param == "without JSON":
        yield FakeRuns()
    elif request.param == "table in memory":
        yield RunStore(FakeTable())
    else:
        with moto_table() as table:
            yield RunStore(table)


def a_run(number: int = 0, kind: RunKind = RunKind.UPLOAD) -> Run:
    at = NOON + timedelta(minutes=number)
    return Run(f"{at:%Y%m%dT%H%M%SZ}-0", "ingest", kind, f"é{number}", at, at, bucket="b", key="k\n🌊")


def first(store: RunStore, run: Run) -> KeptRun:
    store.keep(Change(runs=[(run, None)]), NOON)
    return KeptRun(run, 1)


def test_a_run_comes_back_as_it_was_and_its_request_is_known(store: RunStore) -> None:
    kept = first(store, a_run())
    assert store.runs("ingest", [kept.run.id, "absent"]) == {kept.run.id: kept}
    assert store.known(["é0", "é1"]) == {"é0": kept.run.id}
    assert store.latest("ingest", 5) == [kept.run]


def test_the_same_request_makes_no_second_run_even_under_another_id(store: RunStore) -> None:
    first(store, a_run())
    for again in (a_run(), replace(a_run(), id="another")):
        with pytest.raises(ConflictError):
            store.keep(Change(runs=[(again, None)]), NOON)
    assert len(store.latest("ingest", 5)) == 1


def test_all_of_a_change_is_written_or_nothing(store: RunStore) -> None:
    kept = first(store, a_run())
    lane = store.lane("ingest")
    begun = replace(kept.run, phase=Phase.STARTING)
    store.keep(Change(runs=[(begun, kept)], lane=(Lane("ingest", (begun.id,)), lane)), NOON)
    with pytest.raises(ConflictError):
        store.keep(Change(runs=[(replace(begun, attempt=9), KeptRun(begun, 2))], lane=(Lane("ingest"), lane)), NOON)
    assert store.runs("ingest", [begun.id])[begun.id] == KeptRun(begun, 2)
    assert store.lane("ingest").lane.active == (begun.id,)
    assert [lane.name for lane in store.lanes()] == ["ingest"]


def test_they_wait_in_order_of_time_and_position_until_they_are_forgotten(store: RunStore) -> None:
    runs = [a_run(number) for number in range(4)]
    for run, at, position in zip(runs, (1, 0, 0, 0), (0, 2, 0, 1), strict=True):
        store.keep(Change(runs=[(run, None)], line=[(run, NOON + timedelta(seconds=at), position)]), NOON)
    line = store.line("ingest", 10)
    assert [pointer.run_id for pointer in line] == [runs[number].id for number in (2, 3, 1, 0)]
    store.forget("ingest", line[:2])
    assert [pointer.run_id for pointer in store.line("ingest", 1)] == [runs[1].id]


@pytest.mark.parametrize(
    ("kind", "phase", "active", "untold"),
    [
        pytest.param(RunKind.UPLOAD, Phase.WAITING, 0, 0, id="an upload that waits"),
        pytest.param(RunKind.JOB, Phase.WAITING, 1, 0, id="a job that waits"),
        pytest.param(RunKind.UPLOAD, Phase.RUNNING, 1, 0, id="one that runs"),
        pytest.param(RunKind.JOB, Phase.DONE, 0, 1, id="one that is over"),
    ],
)
def test_the_sweep_finds_what_goes_on_and_what_was_not_told(
    store: RunStore, kind: RunKind, phase: Phase, active: int, untold: int
) -> None:
    kept = first(store, a_run(kind=kind))
    outcome = Outcome.FAILED if phase is Phase.DONE else None
    changed = replace(kept.run, phase=phase, outcome=outcome)
    store.keep(Change(runs=[(changed, kept)]), NOON)
    assert (len(list(store.going_on())), len(list(store.untold()))) == (active, untold)
    store.told(KeptRun(changed, 1))
    assert len(list(store.untold())) == untold, "somebody else's version is not told"
    if untold:
        store.told(KeptRun(changed, 2))
        assert list(store.untold()) == []


def test_the_newest_runs_come_first(store: RunStore) -> None:
    for number in range(5):
        first(store, a_run(number))
    assert [run.identity for run in store.latest("ingest", 3)] == ["é4", "é3", "é2"]
