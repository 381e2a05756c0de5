"""The steps of `decide_scale`, one by one, and what keeps and carries them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from breakwater.errors import BreakwaterError, ConflictError
from breakwater.leases import Leases
from breakwater.model import Mode
from breakwater.policies import SurgePolicy
from scaler.decision import Change, Done, KeepTheirs, LookForProtected, Lost, Rest, Wait, decide_scale, rehearse
from scaler.records import Records, dumped, loaded
from scaler.scale import Claim, ClaimKind, Held, Knob, ScaleRecord, Snapshot, Word
from tests.fakes.scaler_world import Meanwhile, World
from tests.fakes.table import FakeTable

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
POLICY = SurgePolicy(mode=Mode.ACT, maximum_factor=5, maximum_tasks=20)
HOUR = timedelta(hours=1)
SURGE = Claim("s", ClaimKind.SURGE, NOW, NOW + HOUR, 12)
WINDOW = Claim("window:w", ClaimKind.WINDOW, NOW, NOW + HOUR, 0)


def a_record(*claims: Claim, **held: tuple[int, int]) -> ScaleRecord:
    kept = {Knob(name): Held(*numbers) for name, numbers in held.items()}
    return ScaleRecord("prod", "web", tuple(replace(claim, begun=bool(held)) for claim in claims), kept)


def decide(record: ScaleRecord, found: Snapshot | None, *windows: Claim, now: datetime = NOW) -> object:
    return decide_scale(record, found, windows, POLICY, now)


@pytest.mark.parametrize(
    ("record", "found", "to"),
    [
        pytest.param(a_record(SURGE), Snapshot(4), {Knob.DESIRED: 12}, id="a surge raises the count"),
        pytest.param(
            a_record(SURGE), Snapshot(4, 2, 20), {Knob.MINIMUM: 12, Knob.DESIRED: 12}, id="and the minimum before it"
        ),
        pytest.param(a_record(SURGE), Snapshot(4, 2, 10), {Knob.MINIMUM: 10, Knob.DESIRED: 10}, id="up to the maximum"),
        pytest.param(a_record(replace(SURGE, desired=50)), Snapshot(8), {Knob.DESIRED: 20}, id="up to maximum_tasks"),
        pytest.param(a_record(replace(SURGE, desired=50)), Snapshot(2), {Knob.DESIRED: 10}, id="up to maximum_factor"),
        pytest.param(
            a_record(SURGE, replace(SURGE, id="t", desired=15)), Snapshot(4), {Knob.DESIRED: 15}, id="the larger of two"
        ),
        pytest.param(a_record(desired=(4, 12)), Snapshot(12), {Knob.DESIRED: 4}, id="nobody wants it any more"),
        pytest.param(
            a_record(minimum=(2, 12), desired=(4, 12)),
            Snapshot(12, 12, 20),
            {Knob.MINIMUM: 2, Knob.DESIRED: 4},
            id="both are given back, the bound first",
        ),
    ],
)
def test_what_is_changed(record: ScaleRecord, found: Snapshot, to: dict[Knob, int]) -> None:
    decision = decide(record, replace(found, protected=0))
    assert isinstance(decision, Change)
    assert decision.to == to
    assert list(decision.to) == list(to)


@pytest.mark.parametrize(
    ("record", "found", "kind", "said"),
    [
        pytest.param(a_record(SURGE), Snapshot(15), Rest, "as surge s wants it", id="a surge never lowers"),
        pytest.param(a_record(SURGE, desired=(4, 12)), Snapshot(7), KeepTheirs, "desired is 7, not 12", id="somebody"),
        pytest.param(
            a_record(SURGE, minimum=(2, 12), desired=(4, 12)),
            Snapshot(15, 12, 20),
            KeepTheirs,
            "autoscaling or somebody changed it",
            id="autoscaling",
        ),
        pytest.param(a_record(desired=(4, 12)), Snapshot(12), LookForProtected, "from 12 to 4 tasks", id="look first"),
        pytest.param(
            a_record(desired=(4, 12)),
            Snapshot(12, deployment="ecs-svc/1"),
            Wait,
            "deployment ecs-svc/1",
            id="deploying",
        ),
        pytest.param(
            a_record(desired=(4, 4)), Snapshot(4, protected=0), Done, "is as it was found", id="all is given back"
        ),
        pytest.param(a_record(desired=(4, 12)), None, Wait, "cannot be found at the moment", id="missing once"),
        pytest.param(
            replace(a_record(desired=(4, 12)), missing=NOW - timedelta(days=2)), None, Lost, "for a day", id="gone"
        ),
        pytest.param(
            a_record(SURGE),
            Snapshot(4, unchangeable="rollback_guard may change it for another 60 s"),
            Wait,
            "60 s",
            id="busy",
        ),
    ],
)
def test_what_is_not_changed_says_why(record: ScaleRecord, found: Snapshot | None, kind: type, said: str) -> None:
    decision = decide(record, found)
    assert isinstance(decision, kind)
    assert said in decision.reason  # type: ignore[attr-defined]  # every variant has one


def test_a_window_takes_to_zero_with_both_bounds_and_back() -> None:
    down = decide(a_record(), Snapshot(4, 2, 10, protected=0), WINDOW)
    assert isinstance(down, Change)
    assert down.to == {Knob.MINIMUM: 0, Knob.MAXIMUM: 0, Knob.DESIRED: 0}
    back = decide(down.record, Snapshot(0, 0, 0), now=NOW + HOUR)
    assert isinstance(back, Change)
    assert back.to == {Knob.MINIMUM: 2, Knob.MAXIMUM: 10, Knob.DESIRED: 4}


def test_protected_tasks_are_the_floor_and_the_rest_waits() -> None:
    partly = decide(a_record(), Snapshot(4, protected=1), WINDOW)
    assert isinstance(partly, Change)
    assert partly.to == {Knob.DESIRED: 1}
    waiting = decide(partly.record, Snapshot(1, protected=1), WINDOW)
    assert isinstance(waiting, Wait)
    assert "1 tasks are protected" in waiting.reason


def test_a_change_that_waits_too_long_is_for_a_person() -> None:
    first = decide(a_record(desired=(4, 12)), Snapshot(12, deployment="d"))
    assert isinstance(first, Wait)
    assert not first.overdue
    later = decide(first.record, Snapshot(12, deployment="d"), now=NOW + timedelta(minutes=30))
    assert isinstance(later, Wait)
    assert later.overdue


def test_mode_observe_rehearses_and_holds_nothing() -> None:
    observing = replace(POLICY, mode=Mode.OBSERVE)
    decision = decide_scale(a_record(SURGE), Snapshot(4), (), observing, NOW)
    assert isinstance(decision, Rest)
    assert decision.record.held == {}
    rehearsal = rehearse(decision.record, Snapshot(4), (), observing, NOW)
    assert isinstance(rehearsal, Change)
    assert rehearsal.to == {Knob.DESIRED: 12}


def test_a_window_that_only_observes_holds_nothing_and_is_rehearsed() -> None:
    window = replace(WINDOW, mode=Mode.OBSERVE)
    decision = decide(a_record(), Snapshot(4), window)
    assert isinstance(decision, Rest)
    assert decision.record.held == {}
    rehearsal = rehearse(decision.record, Snapshot(4, protected=0), [window], POLICY, NOW)
    assert isinstance(rehearsal, Change)
    assert rehearsal.to == {Knob.DESIRED: 0}


def test_a_window_that_only_observes_is_announced_once_and_nothing_is_done() -> None:
    world = World(4)
    world.windows.append(replace(WINDOW, starts=world.now, until=world.now + HOUR, mode=Mode.OBSERVE))
    for _ in range(3):
        outcome = world.reconciler().reconcile("prod", "web", world.now)
        assert outcome.reason.startswith("would have been done in mode act: desired from 4 to 0")
        world.pass_time(5)
    assert world.numbers == {Knob.DESIRED: 4}
    said = [item["decision"] for key, item in world.table.items.items() if key[0].startswith("JOURNAL#")]
    assert said == ["would have scaled"]


def test_a_surge_that_the_policy_stops_is_given_back() -> None:
    observing = replace(POLICY, mode=Mode.OBSERVE)
    decision = decide_scale(a_record(SURGE, desired=(4, 12)), Snapshot(12, protected=0), (), observing, NOW)
    assert isinstance(decision, Change)
    assert (decision.to, decision.gives_back) == ({Knob.DESIRED: 4}, True)


def test_another_holder_of_the_lease_is_waited_for() -> None:
    world = World(4)
    Leases(world.table).take("prod/web", "release", world.now, HOUR)
    world.busy = True
    world.surge("s", 12, 60)
    assert world.numbers[Knob.DESIRED] == 4
    assert world.kept().withheld == world.now
    world.pass_time(61)
    assert world.wake()
    assert world.numbers[Knob.DESIRED] == 4


@pytest.mark.parametrize("call", range(1, 16))
def test_another_function_that_was_faster_is_not_taken_for_somebody_else(call: int) -> None:
    """It changed the number and the record while this one had looked and was asking for the lease."""
    world = World(3)
    world.surge("s", 6, 30, later=5)
    world.pass_time(5)
    world.meanwhile = [Meanwhile(call, lambda: world.another_function(world.wake), ours=True)]
    world.wake()
    assert (world.numbers, Knob.DESIRED in world.kept().claims[0].lost) == ({Knob.DESIRED: 6}, False)
    world.pass_time(30)
    assert world.wake()
    assert world.numbers == {Knob.DESIRED: 3}


@pytest.mark.parametrize("call", range(1, 20))
def test_a_surge_that_is_ended_in_the_moment_of_its_start_leaves_nothing_behind(call: int) -> None:
    world = World(3)
    world.meanwhile = [Meanwhile(call, lambda: world.another_function(lambda: world.end("s")), ours=True)]
    world.surge("s", 6, 30)
    world.end("s")
    world.wake()
    assert (world.numbers, world.kept()) == ({Knob.DESIRED: 3}, ScaleRecord("prod", "web"))


@pytest.mark.parametrize(
    ("count", "bounds"),
    [
        pytest.param(7, (7, 20), id="below the raised minimum, which follows it down"),
        pytest.param(1, (2, 20), id="and not below what was found"),
        pytest.param(15, (12, 20), id="above it: the minimum stays"),
    ],
)
def test_a_minimum_of_ours_does_not_stand_against_a_count_that_somebody_set(
    count: int, bounds: tuple[int, int]
) -> None:
    """Autoscaling would bring it back to our minimum, and undo the change in our name."""
    world = World(4, (2, 20))
    world.surge("s", 12, 60)
    assert world.numbers[Knob.MINIMUM] == 12
    world.human_scales(count)
    assert world.wake()
    assert world.numbers == {Knob.MINIMUM: bounds[0], Knob.MAXIMUM: bounds[1], Knob.DESIRED: count}
    assert [word.id[:4] for word in world.kept().untold] == []


def test_a_count_beyond_the_bounds_is_a_persons_and_one_within_is_autoscalings() -> None:
    surge = a_record(SURGE, minimum=(2, 12), desired=(4, 12))
    by_hand, by_itself = decide(surge, Snapshot(7, 12, 20)), decide(surge, Snapshot(15, 12, 20))
    assert isinstance(by_hand, KeepTheirs)
    assert isinstance(by_itself, KeepTheirs)
    assert (by_hand.tell, by_itself.tell) == (True, False)


def test_a_window_that_lost_the_minimum_gives_way_to_it() -> None:
    """Somebody raised the minimum above the window's maximum: it is the window's number that yields."""
    lost = frozenset({Knob.MINIMUM, Knob.DESIRED})
    window = replace(WINDOW, desired=None, minimum=6, maximum=8, begun=True, lost=lost)
    later = replace(SURGE, until=NOW)
    record = replace(a_record(window, later, minimum=(11, 11), maximum=(27, 27)), claims=(window, later))
    decision = decide(record, Snapshot(17, 11, 27, protected=0), window)
    assert not isinstance(decision, Change) or Knob.MINIMUM not in decision.to


def test_a_record_comes_back_as_it_was_kept_and_an_old_version_is_refused() -> None:
    records = Records(FakeTable())
    full = replace(
        a_record(replace(SURGE, lost=frozenset({Knob.DESIRED}), by="ada"), minimum=(2, 12)),
        withheld=NOW,
        missing=NOW,
        said="would",
        untold=(Word("kept-1", "somebody", NOW),),
    )
    saved = records.save(full, NOW)
    assert records.load("prod", "web") == saved
    assert loaded("prod", "web", dumped(full)) == full
    with pytest.raises(ConflictError):
        records.save(full, NOW)
    assert list(records.all()) == [("prod", "web")]
    emptied = records.save(replace(saved, claims=(), held={}, untold=()), NOW)
    assert list(records.all()) == []
    assert records.load("prod", "web") == ScaleRecord("prod", "web", version=emptied.version)


@pytest.mark.parametrize("text", ["no JSON", '{"claims": [{}]}', '{"held": {"desired": 4}}', "[]"])
def test_a_record_that_cannot_be_read_is_an_error_and_nothing_is_guessed(text: str) -> None:
    with pytest.raises(BreakwaterError, match="prod/web cannot be read"):
        loaded("prod", "web", text)
