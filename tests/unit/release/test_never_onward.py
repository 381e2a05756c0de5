"""Whatever is read, told, lost and repeated, in whatever order: nothing goes on that is known to have to go back."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.checks import CheckResult, MetricAnalysis, Passed
from breakwater.model import Mode
from breakwater.release_policy import ReleasePolicy
from breakwater.rendezvous import Word
from release import check, examining, move, wait
from release.facts import HookSeen
from release.record import Stage
from release.sight import Rollout
from tests.fakes.release_sight import ARN, EXECUTION, HOOK, SERVICE, STEP, Shown, a_rollout
from tests.fakes.release_work import SMOKE, Bench, abort, fail

BOTH = ReleasePolicy(Mode.ACT, SMOKE.checks, MetricAnalysis(window_minutes=5))
SECOND = replace(STEP, hook_id="h2")
READS: list[Rollout | None] = [
    a_rollout(hook=None),
    a_rollout(),
    a_rollout(hook=SECOND, production_weight=10.0),
    a_rollout(hook=SECOND, production_weight=0.0),
    a_rollout("ROLLBACK_IN_PROGRESS", None),
    a_rollout("ROLLBACK_IN_PROGRESS", HOOK),
    a_rollout("ROLLBACK_REQUESTED", HookSeen("h3", "PRE_SCALE_UP", ARN)),
    None,
]


class Machine:
    """The steps as the machine takes them, one at a time, each with whatever is read: truth, or something older."""

    def __init__(self) -> None:
        self.bench = Bench(Shown([READS[0]]), BOTH)
        self.bench.keep()
        self.next: dict[str, Any] = {"next": "wait", "todo": {"verb": "watch"}, "patience": 60}
        self.event: dict[str, Any] | None = None
        self.waits = 0
        self.has_to_go_back = False
        self.over = False

    def step(self, read: Rollout | None, *, twice: bool) -> None:
        """The next step; its answer may be lost, and it is tried again."""
        if self.over:
            return
        self.bench.sight.rollouts = [read]
        before = len(self.bench.changes)
        for _ in range(2 if twice else 1):
            self._step()
        for hook, action in self.bench.changes[before:]:
            if action == "CONTINUE" and (self.has_to_go_back or hook == self.bench.release.refused):
                assert read is not None
                assert read.seen.is_rollback or self.bench.release.redeployed_at, "it was let go on"
                assert hook != self.bench.release.refused, "it was told both"
            self.has_to_go_back |= action == "ROLLBACK"

    def _step(self) -> None:
        way, work, given = self.next["next"], self.bench.work, {"execution": EXECUTION}
        if self.event is None and way == "wait":
            self._wait()
            self.next = {**self.next, "next": "check"}
            return
        if way in ("check", "wait"):
            self.next = check.respond({**given, "event": self.event}, work)
            self.event = None
        elif way == "move":
            self.next = move.respond({**given, "todo": self.next["todo"]}, work)
        elif way == "return":
            self.next = move.respond({**given, "todo": {"verb": "return"}}, work)
        self.over = self.next["next"] == "close" or self.bench.release.stage is Stage.HANDED_OVER

    def _wait(self) -> None:
        """It waits, and is answered by what lies there, or its patience ends."""
        self.waits += 1
        sent, token, patience = len(self.bench.sent), f"t{self.waits}", self.next["patience"]
        given = {"execution": EXECUTION, "token": token, "number": self.waits, "patience": patience}
        wait.respond(given, self.bench.work)
        if len(self.bench.sent) > sent:
            self.event = self.bench.heard[-1]
        else:
            self.bench.clock.on(seconds=patience)
        self.bench.dead.add(token)

    def abort(self, *, told: bool) -> None:
        """A person's word; the message of it may be lost."""
        abort(self.bench)
        if told:
            now = self.bench.clock()
            self.bench.work.rendezvous.arrive(SERVICE, Word("aborted", "ann", now).message(ARN), now)
        self.has_to_go_back = True

    def fail(self) -> None:
        """The guard's finding, while the machine does not wait."""
        fail(self.bench)
        self.has_to_go_back = True


STEPS = st.tuples(st.just("step"), st.integers(0, len(READS) - 1), st.booleans())
SPEAKS = st.sampled_from([("abort", 0, False), ("abort", 0, True), ("fail", 0, False)])


@pytest.fixture(autouse=True, scope="module")
def everything_passes() -> Any:
    with pytest.MonkeyPatch.context() as patched:
        passed = Passed("ok")
        patched.setattr(check, "checked", lambda *_: examining.Done((), (CheckResult("smoke", passed),), passed))
        patched.setattr(examining, "_compared", lambda *_: passed)
        yield


def played(ops: list[tuple[str, int, bool]]) -> Machine:
    machine = Machine()
    for op, read, flag in ops:
        does: dict[str, Callable[[], None]] = {
            "step": lambda read=read, flag=flag: machine.step(READS[read], twice=flag),  # type: ignore[misc]  # bound now
            "abort": lambda flag=flag: machine.abort(told=flag),  # type: ignore[misc]  # bound now
            "fail": machine.fail,
        }
        does[op]()
    return machine


@settings(max_examples=100)
@given(st.lists(STEPS, max_size=8), SPEAKS, st.lists(st.one_of(STEPS, SPEAKS), max_size=16))
def test_what_has_to_go_back_is_never_let_go_on(
    before: list[tuple[str, int, bool]], speaks: tuple[str, int, bool], after: list[tuple[str, int, bool]]
) -> None:
    played([*before, speaks, *after])


def test_at_every_point_of_a_release_a_word_is_enough() -> None:
    """Every step of the way through two hooks, with a word before it; each read is true."""
    truth = [1, 1, 1, 1, 2, 2, 2, 2]
    for speaks, at in itertools.product(
        [("abort", 0, True), ("abort", 0, False), ("fail", 0, False)], range(len(truth))
    ):
        steps: list[tuple[str, int, bool]] = [("step", read, False) for read in truth]
        machine = played([*steps[:at], speaks, *steps[at:], *steps[-1:] * 6])
        assert machine.bench.release.stage in (Stage.RETURNING, Stage.HANDED_OVER), (speaks, at)
        assert machine.bench.changes[-1][1] == "ROLLBACK"


def test_without_a_word_it_goes_through_both_hooks() -> None:
    machine = played([("step", read, False) for read in (1, 1, 1, 2, 2, 2)])
    assert machine.bench.changes == [("h1", "CONTINUE"), ("h2", "CONTINUE")]
