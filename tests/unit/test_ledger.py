"""The ledger: what it keeps whatever comes, in any order and twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.ledger import (
    MOST_BAD,
    MOST_GOOD,
    MOST_ROLLBACKS,
    Bake,
    KnownGood,
    Ledger,
    Quarantined,
    Rollback,
    State,
    baked,
    unproven,
    with_completed,
    with_crash,
    with_good,
    with_intent,
    with_state,
)
from breakwater.wire import dump, load

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def a_rollback(bad: str = "web:42", to: str = "web:41", fence: str = "ecs-svc/2", minutes: float = 0) -> Rollback:
    return Rollback(at(minutes), bad, to, fence, State.INTENDED, "it crashes")


def good(*revisions: str) -> Ledger:
    return Ledger(known_good=tuple(KnownGood(revision, NOON) for revision in revisions))


# ── known good ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_newest_known_good_revision_comes_first() -> None:
    ledger = with_good(good("web:41"), KnownGood("web:42", at(1)))
    assert [each.revision for each in ledger.known_good] == ["web:42", "web:41"]


def test_a_revision_that_shows_it_again_keeps_the_time_of_the_first_and_becomes_the_newest() -> None:
    before = replace(good("web:42", "web:41"), known_good=(
        KnownGood("web:42", at(5)), KnownGood("web:41", at(1), (("app", "sha256:1"),), "ecs-svc/1"),
    ))  # fmt: skip
    ledger = with_good(before, KnownGood("web:41", at(60), (), "ecs-svc/9"))
    assert ledger.known_good[0] == KnownGood("web:41", at(1), (("app", "sha256:1"),), "ecs-svc/9")
    assert len(ledger.known_good) == 2


def test_a_revision_that_ran_well_leaves_quarantine() -> None:
    ledger = with_good(Ledger(quarantined=(Quarantined("web:42", NOON),)), KnownGood("web:42", at(1)))
    assert (ledger.refused, ledger.good("web:42")) == (frozenset(), KnownGood("web:42", at(1)))


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        pytest.param(Ledger(), True, id="nothing is known of it"),
        pytest.param(Ledger(known_good=(KnownGood("web:42", NOON, (), "ecs-svc/2"),)), False, id="it has shown it"),
        pytest.param(
            Ledger(known_good=(KnownGood("web:42", NOON, (), "ecs-svc/1"),)), True, id="in another deployment"
        ),
        pytest.param(Ledger(bake=Bake("ecs-svc/2", "web:42", NOON)), True, id="it is about to"),
    ],
)
def test_each_deployment_has_to_show_once_that_its_revision_stays_up(ledger: Ledger, expected: bool) -> None:
    assert unproven(ledger, "ecs-svc/2", "web:42") is expected


# ── the bake ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bake_begins_once_however_often_completed_is_told() -> None:
    ledger = with_completed(Ledger(), "ecs-svc/2", "web:42", NOON)
    assert with_completed(ledger, "ecs-svc/2", "web:42", at(9)) is ledger
    assert with_completed(ledger, "ecs-svc/3", "web:43", at(9)).bake == Bake("ecs-svc/3", "web:43", at(9))


def test_a_bake_ends_after_its_minutes_and_a_crash_begins_them_anew() -> None:
    ledger = with_completed(Ledger(), "ecs-svc/2", "web:42", NOON)
    assert [baked(ledger, at(minutes), 10) for minutes in (9.9, 10)] == [False, True]
    crashed = with_crash(ledger, at(4))
    assert [baked(crashed, at(minutes), 10) for minutes in (10, 13.9, 14)] == [False, False, True]
    assert not baked(Ledger(), at(99), 10)


@settings(max_examples=60, deadline=None)
@given(crashes=st.lists(st.integers(-30, 30), max_size=8), data=st.data())
def test_crashes_in_any_order_and_told_twice_leave_the_same_bake(crashes: list[int], data: st.DataObject) -> None:
    begun = with_completed(Ledger(), "ecs-svc/2", "web:42", NOON)
    told = data.draw(st.permutations(crashes + crashes[:3]))
    ledger = begun
    for minutes in told:
        ledger = with_crash(ledger, at(minutes))
    assert ledger.bake == Bake("ecs-svc/2", "web:42", at(max([0, *crashes])))


# ── rollbacks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_intent_quarantines_the_bad_revision_even_if_it_was_known_good() -> None:
    ledger = with_intent(good("web:42", "web:41"), a_rollback())
    assert (set(ledger.refused), [each.revision for each in ledger.known_good]) == ({"web:42"}, ["web:41"])
    assert ledger.open_rollback == a_rollback()


def test_a_rollback_that_was_never_carried_out_leaves_no_trace_but_a_proof_that_is_lost() -> None:
    ledger = with_intent(good("web:41"), a_rollback())
    assert with_state(ledger, a_rollback(), State.ABANDONED) == good("web:41")


@pytest.mark.parametrize("state", [State.STEADY, State.FAILED, State.SUPERSEDED])
def test_a_rollback_that_is_over_is_open_no_more_and_its_revision_stays_in_quarantine(state: State) -> None:
    ledger = with_state(with_intent(good("web:41"), a_rollback()), a_rollback(), state)
    assert (ledger.open_rollback, set(ledger.refused)) == (None, {"web:42"})


def test_what_it_holds_survives_the_table() -> None:
    full = with_intent(with_completed(good("web:41"), "ecs-svc/2", "web:42", NOON), a_rollback())
    assert load(Ledger, dump(full)) == full


def test_what_an_older_version_wrote_is_read() -> None:
    older = dump(good("web:41")).replace(',"deployment":null', "")
    assert "deployment" not in older
    assert load(Ledger, older) == good("web:41")


REVISIONS = st.sampled_from([f"web:{number}" for number in range(1, 30)])
STEPS = st.one_of(
    st.tuples(st.just("good"), REVISIONS),
    st.tuples(st.just("completed"), REVISIONS),
    st.tuples(st.just("crash"), REVISIONS),
    st.tuples(st.just("roll back"), REVISIONS),
    st.tuples(st.sampled_from(State), REVISIONS),
)


@settings(max_examples=80, deadline=None)
@given(steps=st.lists(STEPS, max_size=40))
def test_whatever_comes_it_stays_small_and_never_contradicts_itself(steps: list[tuple[str, str]]) -> None:
    ledger = Ledger()
    for minute, (step, revision) in enumerate(steps):
        if step == "good":
            ledger = with_good(ledger, KnownGood(revision, at(minute)))
        elif step == "completed":
            ledger = with_completed(ledger, f"ecs-svc/{minute}", revision, at(minute))
        elif step == "crash":
            ledger = with_crash(ledger, at(minute))
        elif step == "roll back":
            ledger = with_intent(ledger, a_rollback(revision, "web:0", f"ecs-svc/{minute}", minute))
        elif ledger.open_rollback is not None:
            ledger = with_state(ledger, ledger.open_rollback, State(step))
        names = [each.revision for each in ledger.known_good]
        bad = [each.revision for each in ledger.quarantined]
        assert len(names) == len(set(names)) <= MOST_GOOD
        assert len(bad) == len(set(bad)) <= MOST_BAD
        assert len(ledger.rollbacks) <= MOST_ROLLBACKS
        assert not set(names) & set(bad)
        assert load(Ledger, dump(ledger)) == ledger
