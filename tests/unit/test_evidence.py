"""The evidence test: its worked examples, what must hold whatever comes, and its error rate."""

import random
import re
from datetime import UTC, datetime, timedelta
from math import comb, isclose
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.evidence import (
    ALPHA,
    Background,
    Exposure,
    Kind,
    Question,
    Tally,
    control_share,
    weigh,
)
from breakwater.model import Cause

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "rollback-evidence.md"


def tally(certain: int = 0, early: int = 0, young: int = 0, late: int = 0, outside: int = 0, code: int = 1) -> Tally:
    found = Tally()
    for kind, count in (
        (Kind.CERTAIN, certain),
        (Kind.EARLY, early),
        (Kind.YOUNG, young),
        (Kind.LATE, late),
        (Kind.OUTSIDE, outside),
    ):
        for _ in range(count):
            found = found.adding(kind, NOON, cause=Cause.IMAGE_PULL, code=code)
    return found


@pytest.mark.parametrize(
    ("failures", "exposure", "enough"),
    [
        pytest.param(tally(certain=1), Exposure(1), True, id="the only task finds no image"),
        pytest.param(tally(certain=1), Exposure(10), False, id="one of ten finds no image"),
        pytest.param(tally(early=1), Exposure(1), False, id="the only task crashed once"),
        pytest.param(tally(early=2), Exposure(2), True, id="the only task crashed twice on start"),
        pytest.param(tally(early=2), Exposure(10), False, id="two of ten crashed on start"),
        pytest.param(tally(early=3), Exposure(12), True, id="three of twelve crashed on start"),
        pytest.param(tally(early=4), Exposure(100), False, id="four of a hundred crashed on start"),
        pytest.param(tally(early=6), Exposure(100), True, id="six of a hundred crashed on start"),
        pytest.param(tally(young=2), Exposure(2), False, id="two of two failed within minutes"),
        pytest.param(tally(young=3), Exposure(3), True, id="three of three failed within minutes"),
        pytest.param(tally(late=2), Exposure(1, 0.5), False, id="two crashes of one task in half an hour"),
        pytest.param(tally(late=4), Exposure(1, 0.5), True, id="four crashes of one task in half an hour"),
        pytest.param(tally(late=8), Exposure(400, 400), False, id="eight crashes of 400 tasks in an hour"),
        pytest.param(tally(late=60), Exposure(400, 400), True, id="sixty crashes of 400 tasks in an hour"),
        pytest.param(tally(outside=400), Exposure(400), False, id="nobody reaches the registry"),
        pytest.param(Tally(), Exposure(0), False, id="nothing at all"),
    ],
)
def test_it_takes_the_more_the_more_there_are(failures: Tally, exposure: Exposure, enough: bool) -> None:
    assert weigh(failures, exposure).enough is enough


def test_the_worked_examples_of_the_page_are_what_the_test_says() -> None:
    row = re.compile(r"\| `(\w+)=(\d+)` of (\d+) starts, ([\d.]+) task-hours \| ([\d,.]+) \| (yes|no) \|")
    rows = row.findall(PAGE.read_text())
    assert len(rows) >= 8
    for kind, count, starts, hours, said, enough in rows:
        weighed = weigh(tally(**{kind: int(count)}), Exposure(int(starts), float(hours)))
        assert isclose(weighed.e, float(said.replace(",", "")), rel_tol=0.006, abs_tol=0.01), (kind, count, weighed.e)
        assert weighed.enough is (enough == "yes")


def test_different_exit_codes_say_less_than_one_and_the_same() -> None:
    mixed = Tally()
    for code in (1, 2, 3):
        mixed = mixed.adding(Kind.EARLY, NOON, code=code)
    assert weigh(mixed, Exposure(12)).e < weigh(tally(early=3), Exposure(12)).e


def test_what_speaks_most_is_named() -> None:
    assert weigh(tally(certain=2), Exposure(10)).question is Question.CERTAIN
    assert weigh(tally(early=3), Exposure(10)).question is Question.EARLY
    assert weigh(tally(young=6), Exposure(10)).question is Question.START
    assert weigh(tally(late=9), Exposure(10, 1)).question is Question.RUNNING


def test_an_old_revision_that_fails_as_often_takes_the_evidence_away() -> None:
    failures, exposure = tally(early=10, late=3), Exposure(33, 1)
    assert weigh(failures, exposure).enough
    assert not weigh(failures, exposure, Background(control=control_share(12, 40))).enough


def test_an_old_revision_that_works_takes_nothing_away() -> None:
    assert control_share(0, 40) == 0
    assert weigh(tally(early=10), Exposure(20), Background(control=control_share(1, 40))).enough


def test_left_out_causes_are_left_out() -> None:
    found = tally(certain=3).adding(Kind.CERTAIN, NOON, cause=Cause.SECRETS)
    assert found.without({Cause.IMAGE_PULL}).certain == ((Cause.SECRETS, 1),)


# ── whatever comes ────────────────────────────────────────────────────────────────────────────────────────────────────

KINDS = st.sampled_from(list(Kind))
STOPS = st.lists(st.tuples(KINDS, st.integers(0, 600), st.sampled_from([1, 2, 137])), max_size=30)
ROOM = st.integers(0, 400)


def counted(stops: list[tuple[Kind, int, int]]) -> Tally:
    found = Tally()
    for kind, seconds, code in stops:
        found = found.adding(kind, NOON + timedelta(seconds=seconds), cause=Cause.SECRETS, code=code)
    return found


@settings(max_examples=150, deadline=None)
@given(stops=STOPS, shuffled=st.randoms(use_true_random=False))
def test_the_order_of_arrival_leaves_no_trace(stops: list[tuple[Kind, int, int]], shuffled: random.Random) -> None:
    other = list(stops)
    shuffled.shuffle(other)
    assert counted(other) == counted(stops)


@settings(max_examples=200, deadline=None)
@given(stops=STOPS, more=KINDS, fine=ROOM, hours=st.floats(0, 500), control=st.floats(0, 1))
def test_one_more_failure_never_weighs_less(
    stops: list[tuple[Kind, int, int]], more: Kind, fine: int, hours: float, control: float
) -> None:
    background = Background(control=control)
    exposure = Exposure(len(stops) + 1 + fine, hours)
    before = weigh(counted(stops), exposure, background).e
    after = weigh(counted([*stops, (more, 0, 1)]), exposure, background).e
    assert after >= before * (1 - 1e-9)


@settings(max_examples=200, deadline=None)
@given(stops=STOPS, fine=ROOM, hours=st.floats(0, 500), starts=st.integers(1, 50), longer=st.floats(0, 50))
def test_larger_denominators_never_weigh_more(
    stops: list[tuple[Kind, int, int]], fine: int, hours: float, starts: int, longer: float
) -> None:
    found, exposure = counted(stops), Exposure(len(stops) + fine, hours)
    larger = Exposure(exposure.starts + starts, hours + longer)
    assert weigh(found, larger).e <= weigh(found, exposure).e * (1 + 1e-9)


@settings(max_examples=100, deadline=None)
@given(stops=STOPS, fine=ROOM, hours=st.floats(0, 500), control=st.floats(0, 1))
def test_a_control_group_that_fails_never_adds_evidence(
    stops: list[tuple[Kind, int, int]], fine: int, hours: float, control: float
) -> None:
    found, exposure = counted(stops), Exposure(len(stops) + fine, hours)
    if weigh(found, exposure, Background(control=control)).enough:
        assert weigh(found, exposure).enough


# ── the error rate ────────────────────────────────────────────────────────────────────────────────────────────────────


def most_evidence(luck: random.Random, background: Background, starts: int, step: float) -> float:
    """The most evidence ever seen in one stream at exactly the null's rates, looked at after every failure."""
    found, best = Tally(), 0.0
    for number in range(1, starts + 1):
        drawn = luck.random()
        if drawn < background.certain:
            found = found.adding(Kind.CERTAIN, NOON, cause=Cause.IMAGE_PULL)
        elif drawn < background.early:
            found = found.adding(Kind.EARLY, NOON, code=1)
        elif drawn < background.start:
            found = found.adding(Kind.YOUNG, NOON)
        crashed = luck.random() < background.per_hour * step
        if crashed:
            found = found.adding(Kind.LATE, NOON)
        if drawn < background.start or crashed:
            best = max(best, weigh(found, Exposure(number, number * step)).e)
    return best


def test_the_evidence_of_a_revision_that_works_is_seldom_large_however_often_one_looks() -> None:
    luck = random.Random(20260302)
    streams = 10_000
    best = sorted((most_evidence(luck, Background(), 60, 0.1) for _ in range(streams)), reverse=True)
    for level in (10, 100, 1000):
        assert sum(e >= level for e in best) / streams <= 1 / level, f"Ville's bound at {level}"
    assert sum(e >= 1 / ALPHA for e in best) <= 3, "at alpha = 1e-4 one in 10,000 is expected at most"


def test_the_mixture_is_a_fair_bet_against_the_null() -> None:
    """The expectation of the evidence after any fixed number of starts is at most 1: what an e-value is."""
    null = Background()
    for starts in (1, 5, 40):
        for share, kind in ((null.certain, Kind.CERTAIN), (null.early, Kind.EARLY), (null.start, Kind.YOUNG)):
            expected = sum(
                comb(starts, failed)
                * share**failed
                * (1 - share) ** (starts - failed)
                * weigh(counted([(kind, 0, 1)] * failed), Exposure(starts)).e
                for failed in range(starts + 1)
            )
            assert expected <= 1 + 1e-9, (starts, kind, expected)
