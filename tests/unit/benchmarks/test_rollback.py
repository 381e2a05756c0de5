"""A small round of the benchmark: every figure is there, nothing is called back wrongly, a seed is a run."""

from collections import Counter
from math import isinf
from pathlib import Path

import pytest

from benchmarks import rollback
from benchmarks._contract import Outcome
from benchmarks.rollback import DESIRED, Size, measure, start, upper95
from benchmarks.rollbacks import report, scatter
from benchmarks.rollbacks.guard import Guard
from benchmarks.rollbacks.peers import COUNT3, DEFAULT, EARLY, ENTRIES, FIRST_STOP, OURS
from benchmarks.rollbacks.scenarios import AFTER_HEALTHY, BAD, COMMON, CRASH, common_cause, seconds_to_call
from benchmarks.rollbacks.service import Setting, rehearse
from rollback_guard.answers import RollBack, StandDown, StandDownKind, Watch

SMALL = Size({1: 1, 10: 1}, {1: 8, 10: 4}, {4: 1})
STEMS = (
    "ratio_default",
    "ratio_count3",
    "ratio_default_certain",
    "early_ratio_default",
    "early_ratio_count3",
    "seconds_crash_after_healthy",
    "seconds_after_completed",
)
WHOLE = ("healthy_runs", "false_rollbacks", "false_rollback_upper95", "common_cause_runs", "common_cause_rollbacks")


def invented() -> Outcome:
    """Figures of times that nobody measured: one second for each cell, and nothing wrong."""
    cells = [
        (bad, percent, desired, who) for bad in BAD for percent in (125, 200) for desired in DESIRED for who in ENTRIES
    ]
    runs = Counter({f"healthy: healthy: {OURS}": 100})
    return rollback.outcome({cell: [1.0, 1.0, float("inf")] for cell in cells}, runs, Counter())


def test_the_figures_are_those_that_were_promised() -> None:
    outcome = invented()
    assert {f"{stem}_d{desired}" for stem in STEMS for desired in DESIRED} | set(WHOLE) <= outcome.figures.keys()
    assert all(outcome.meaning[name] for name in outcome.figures)
    assert outcome.goals.keys() <= outcome.figures.keys()
    assert outcome.figures["ratio_default_d50"] == 1


def test_a_small_round_finds_everything_in_time_and_nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollback, "DESIRED", (1, 10))
    outcome = measure(SMALL, seed=7)
    assert not any(isinf(value) for value in outcome.figures.values())
    assert outcome.figures["healthy_runs"] == 12
    assert outcome.figures["false_rollbacks"] == outcome.figures["common_cause_rollbacks"] == 0
    table = report.markdown(rollback.KEPT)
    assert table.count("\n") == 2 + len(BAD) * 2 * 2
    assert "never" in table


@pytest.mark.parametrize("contestant", [OURS, EARLY, DEFAULT, COUNT3])
def test_the_same_seed_is_the_same_run(contestant: str) -> None:
    first, second = (seconds_to_call(BAD[CRASH], Setting(10, 125, 3), contestant) for _ in range(2))
    assert first == second < 1800


def test_nobody_is_faster_than_the_first_evidence() -> None:
    setting = Setting(50, 125, 3)
    assert seconds_to_call(BAD[CRASH], setting, OURS) > seconds_to_call(BAD[CRASH], setting, FIRST_STOP)


def test_the_native_breaker_never_sees_a_crash_of_what_was_healthy() -> None:
    assert isinf(seconds_to_call(BAD[AFTER_HEALTHY], Setting(4, 125, 3), DEFAULT))


@pytest.mark.parametrize("name", COMMON)
def test_trouble_that_a_rollback_does_not_cure_is_left_alone(name: str) -> None:
    assert not any(common_cause(name, Setting(10, 125, seed), EARLY) for seed in range(2))


@pytest.mark.parametrize("desired", [1, 10, 50])
def test_early_evidence_never_overtakes_a_breaker_that_is_on_its_way(desired: int) -> None:
    rehearsal = rehearse(ENTRIES[DEFAULT].set_up(Setting(desired, 125, 3)), BAD[CRASH].new)
    guard, native = Guard(rehearsal, early=True), ENTRIES[DEFAULT].watch(rehearsal)
    rehearsal.deploy()
    rehearsal.model.advance(600)
    assert native.called_at is not None
    assert guard.called_at is None
    assert StandDownKind.NATIVE in {one.kind for one in guard.decisions if isinstance(one, StandDown)}


@pytest.mark.parametrize(("desired", "maximum"), [(1, 125), (4, 125), (4, 200), (10, 200), (50, 125)])
def test_exit_codes_never_make_it_later_than_stopped_tasks_alone(desired: int, maximum: int) -> None:
    for seed in range(3):
        setting = Setting(desired, maximum, seed)
        assert seconds_to_call(BAD[CRASH], setting, EARLY) <= seconds_to_call(BAD[CRASH], setting, OURS)


def test_early_evidence_acts_where_the_breaker_is_on_and_blind() -> None:
    rehearsal = rehearse(ENTRIES[DEFAULT].set_up(Setting(10, 125, 3)), BAD[AFTER_HEALTHY].new)
    guard, native = Guard(rehearsal, early=True), ENTRIES[DEFAULT].watch(rehearsal)
    rehearsal.deploy()
    rehearsal.model.advance(1800)
    assert (guard.called_at is not None, native.called_at) == (True, None)


def test_a_look_at_too_little_watches_and_the_looks_are_few() -> None:
    rehearsal = rehearse(Setting(400, 125, 4), BAD[CRASH].new)
    guard = Guard(rehearsal)
    rehearsal.deploy()
    rehearsal.model.advance(120)
    assert [type(decision) for decision in guard.decisions[-1:]] == [RollBack]
    assert all(isinstance(decision, Watch) for decision in guard.decisions[:-1])
    assert 1 < guard.looks <= 4


def test_the_table_of_scatter_has_a_row_for_each_evidence_peer_and_jitter() -> None:
    rows = scatter.table({1: 2, 4: 1}, (0.0, 0.5)).splitlines()
    assert rows[0] == "| deciding on | jitter | 1 | 4 |"
    shares = [float(cell) for row in rows[2:] for cell in row.split(" | ")[2:3]]
    assert (len(rows), all(0.4 < share < 0.9 for share in shares)) == (2 + 2 * 2 * 2, True)


@pytest.mark.parametrize(
    ("events", "runs", "expected"),
    [
        pytest.param(0, 10_000, 0.0003, id="the rule of three"),
        pytest.param(0, 0, 1.0, id="nothing was run"),
        pytest.param(5, 100, 0.1022, id="five of a hundred"),
    ],
)
def test_the_upper_bound_is_that_of_clopper_and_pearson(events: int, runs: int, expected: float) -> None:
    assert upper95(events, runs) == pytest.approx(expected, rel=0.01)


def test_table_and_picture_are_written_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rollback, "run", lambda options: invented())
    start(["--json", "--picture", str(tmp_path / "a.svg"), "--markdown", str(tmp_path / "a.md")])
    assert (tmp_path / "a.svg").read_text().endswith("</svg>\n")
    assert (tmp_path / "a.md").read_text().startswith("| scenario |")
    assert capsys.readouterr().out.count("\n") == 1
