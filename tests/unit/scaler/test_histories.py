"""Random histories of surges, windows, people, autoscaling, deployments, lost wake-ups and kills between calls."""

import os

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from scaler.scale import Knob
from tests.fakes.scaler_lives import live
from tests.fakes.scaler_world import Meanwhile, World

SEEDS = int(os.environ.get("SCALER_HISTORIES", "150"))
EXAMPLES = int(os.environ.get("SCALER_EXAMPLES", "60"))


class Histories(RuleBasedStateMachine):
    """Hypothesis looks for the shortest history that ends badly. The world itself raises where it does."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(1)
        self.number = 0

    @initialize(desired=st.integers(0, 8), bounds=st.none() | st.tuples(st.integers(0, 3), st.integers(4, 30)))
    def begin(self, desired: int, bounds: tuple[int, int] | None) -> None:
        self.world = World(desired, bounds)

    def cut(self, fuse: int | None) -> None:
        self.world.fuse = fuse

    @rule(
        desired=st.integers(1, 30),
        minutes=st.sampled_from([10, 30, 60]),
        later=st.sampled_from([0, 0, 15]),
        fuse=st.none() | st.integers(0, 24),
    )
    def a_surge_begins(self, desired: int, minutes: int, later: int, fuse: int | None) -> None:
        self.number += 1
        self.cut(fuse)
        self.world.surge(f"s{self.number}", desired, minutes, later)

    @rule(which=st.integers(0, 3), fuse=st.none() | st.integers(0, 24))
    def a_surge_is_ended(self, which: int, fuse: int | None) -> None:
        names = sorted(self.world.claims)
        if names:
            self.cut(fuse)
            self.world.end(names[which % len(names)])

    @rule(minutes=st.sampled_from([20, 60]), low=st.integers(0, 3), span=st.none() | st.integers(0, 6))
    def a_window_opens(self, minutes: int, low: int, span: int | None) -> None:
        self.number += 1
        self.world.opens(f"w{self.number}", minutes, low, span)

    @rule(desired=st.integers(0, 25))
    def somebody_sets_the_count(self, desired: int) -> None:
        self.world.human_scales(desired)

    @rule(low=st.integers(0, 8), high=st.integers(8, 40))
    def somebody_sets_bounds(self, low: int, high: int) -> None:
        self.world.human_sets_bounds(low, high)

    @rule(wish=st.integers(0, 40))
    def autoscaling_moves(self, wish: int) -> None:
        self.world.autoscaling_moves(wish)

    @rule()
    def a_deployment_begins_or_ends(self) -> None:
        self.number += 1
        self.world.deploys(f"ecs-svc/{self.number}")

    @rule(tasks=st.sampled_from([0, 1, 3]))
    def tasks_are_protected(self, tasks: int) -> None:
        self.world.protects(tasks)

    @rule(fuse=st.none() | st.integers(0, 24))
    def something_wakes_it(self, fuse: int | None) -> None:
        self.cut(fuse)
        self.world.wake()

    @rule(before=st.integers(1, 24), desired=st.integers(0, 25))
    def something_wakes_it_while_somebody_sets_the_count(self, before: int, desired: int) -> None:
        self.world.meanwhile.append(Meanwhile(before, lambda: self.world.human_scales(desired)))
        self.world.wake()

    @rule(before=st.integers(1, 24), desired=st.integers(1, 30))
    def two_functions_run_at_the_same_time(self, before: int, desired: int) -> None:
        self.number += 1
        name = f"s{self.number}"
        ended = Meanwhile(before, lambda: self.world.another_function(lambda: self.world.end(name)), ours=True)
        self.world.meanwhile.append(ended)
        self.world.surge(name, desired, 30)

    @rule(minutes=st.sampled_from([1, 5, 10, 30]))
    def time_passes(self, minutes: int) -> None:
        self.world.pass_time(minutes)

    def teardown(self) -> None:
        self.world.settle()


def test_no_history_ends_with_a_number_that_is_ours_or_without_one_that_is_somebodys() -> None:
    run_state_machine_as_test(Histories, settings=settings(max_examples=EXAMPLES, stateful_step_count=20))


def test_seeded_histories_are_all_given_back_within_one_sweep_and_overwrite_nobody() -> None:
    """The same 150 every time; `python -m benchmarks.scaler_histories` lives 10,000 and prints what was in them."""
    for seed in range(SEEDS):
        live(seed)


def test_a_reconciler_that_finds_nothing_kept_asks_nothing() -> None:
    world = World(4)
    outcome = world.reconciler().reconcile("prod", "web", world.now)
    assert (outcome.steps, world.table.calls) == ([], 1)
    assert world.numbers == {Knob.DESIRED: 4}
