"""What is lost on the way of a release changes nothing of how it ends: an event at any of its waits, a function in the
middle of its work, a step of the machine before its function began or after it was done.

The measure is the same release undisturbed: as many answers to its hooks, the same judgement in the ledger, the same
people told as often, and no request failed because of it (`release_endings`).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from sandbox.ecs import workloads
from sandbox.states.machines import Execution
from tests.sandbox.loopback import server
from tests.sandbox.release_endings import chaos, deployments, judged, passed, returned
from tests.sandbox.release_losses import (
    DUE,
    PATIENCE,
    SWEEP,
    Deaths,
    Hiccups,
    Trouble,
    dying,
    losing,
    stumbling,
    waits_of,
)
from tests.sandbox.release_stage import (
    BLUE_GREEN,
    BOTH,
    CANARY,
    CHECKED,
    LINEAR,
    MINUTE,
    SMOKE,
    STEPS,
    Shop,
    Street,
    metrics,
)
from tests.thoroughness import EXHAUSTIVE

QUICK: dict[str, Any] = {
    "strategy": "LINEAR",
    "bakeTimeInMinutes": 1,
    "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1},
}
QUICKLY = (SMOKE, ("metrics", "metrics", metrics(window_minutes=1)))
TASK = ("migrations", "task", {"command": ["migrate"], "timeout_seconds": 300})


@pytest.fixture(autouse=True)
def no_sockets(socket_enabled: None) -> None:
    """Checks reach servers on this machine's loopback; the sandbox refuses every other connection."""


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with Street() as made:
        yield made


# ── releases to be disturbed ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Story:
    """A release, how it ends undisturbed, and what answers its waits until then, in order."""

    settings: dict[str, Any]
    pauses: tuple[str, ...]
    checks: tuple[Any, ...]
    waits: tuple[str, ...]
    good: bool = True
    share: float = 0.0

    def shop(self, street: Street) -> Shop:
        """A shop whose next revision is good or bad: to its checks, or to production where that has a share of it."""
        shop = Shop(street, self.settings, pauses=self.pauses, checks=self.checks, roles=TASK in self.checks)
        if not self.good and self.share:
            shop.serves(2, error_rate=0.3)
        elif not self.good:
            shop.site(2, 500)
        if TASK in self.checks:  # the two tasks of the service stay, that of the check ends
            stays, ends = workloads.HEALTHY, workloads.exits_zero(20)
            street.account.ecs.faults.set_workload(f"{shop.name}:2", workloads.in_turn(stays, stays, ends))
        shop.traffic(per_second=2 if len(self.checks) > 1 else 0.5)
        return shop

    def ended(self, shop: Shop, execution: Execution) -> None:
        """It ended as it does undisturbed."""
        if self.good:
            passed(shop, execution)
        else:
            returned(shop, execution, share=self.share)
        assert deployments(shop) == 2, "more than one was begun"


RETURNS = ("before", "ended", "ended")
"""On the way back: an event of the deployment that stood before lies there already, FAILED is told, then COMPLETED."""
PASSES, RETURNED = "which passes", "which goes back"
PLAIN = {
    PASSES: Story(BLUE_GREEN, (CHECKED,), (SMOKE,), ("hook", "ended")),
    RETURNED: Story(BLUE_GREEN, (CHECKED,), (SMOKE,), ("hook", *RETURNS), good=False),
}
STORIES = {
    "in steps, which passes": Story(QUICK, STEPS, QUICKLY, ("hook", "hook", "hook", DUE, "ended")),
    "in steps, which goes back": Story(
        QUICK, STEPS, QUICKLY, ("hook", "hook", "hook", DUE, *RETURNS), good=False, share=0.5
    ),
    "with a task as a check": Story(BLUE_GREEN, (CHECKED,), (TASK,), ("hook", "ended", "ended")),
}
if EXHAUSTIVE:
    STORIES |= {
        "in all steps, which passes": Story(LINEAR, STEPS, BOTH, (*["hook"] * 5, "ended")),
        "as a canary, which goes back": Story(CANARY, STEPS, BOTH, (*["hook"] * 3, *RETURNS), good=False, share=0.1),
    }


@dataclass(frozen=True)
class Left:
    """What a release leaves behind, without names and times of its own."""

    said: tuple[str, ...]
    judged: tuple[list[str], list[str]]
    mails: tuple[str, ...]
    changes: Counter[tuple[str, str]]
    """How often each of its functions has changed something of ECS."""


@dataclass(frozen=True)
class Undisturbed:
    """A release that loses nothing."""

    left: Left
    waits: tuple[str, ...]
    writes: Counter[str]


def begun(shop: Shop) -> Execution:
    """A release that begins a minute after the sweep has looked: so the sweep comes at the same points of every run."""
    sweeps = [one.at for one in shop.account.invocations if one.function == "ReleaseSweepFunction"]
    shop.account.advance(sweeps[-1] + SWEEP + MINUTE)
    shop.register()
    return shop.start()


def left(shop: Shop, execution: Execution, deaths: Deaths) -> Left:
    """What is left a while later, after the sweep has come by, of what is said each thing once: a step that is tried
    again may ask or look again, and give another reason."""
    shop.account.advance(SWEEP + MINUTE)
    mails = [mail.subject for mail in shop.account.messages if shop.name in mail.subject and "release" in mail.subject]
    return Left(
        tuple(dict.fromkeys(one for one in shop.said(execution) if not one.startswith("look"))),
        judged(shop),
        tuple(subject.replace(shop.name, "NAME") for subject in mails),
        Counter(made for made in deaths.made if made[1].endswith(("Service", "ServiceDeployment"))),
    )


def kinds(execution: Execution) -> tuple[str, ...]:
    """What answered each wait: an event, one that was there before, or the sweep."""
    waits = waits_of(execution)
    return tuple("sweep" if one.swept else "before" if one.began == one.ended else one.kind for one in waits)


@pytest.fixture(scope="module")
def undisturbed(street: Street) -> Callable[[Story], Undisturbed]:
    """Each story without a loss, played once."""
    known: list[tuple[Story, Undisturbed]] = []

    def play(story: Story) -> Undisturbed:
        there = next((found for one, found in known if one is story), None)
        if there is not None:
            return there
        shop = story.shop(street)
        with pytest.MonkeyPatch.context() as patch, dying(street, Deaths(), patch) as counted:
            execution = shop.over(begun(shop))
        story.ended(shop, execution)
        found = Undisturbed(left(shop, execution, counted), kinds(execution), counted.writes)
        known.append((story, found))
        return found

    return play


# ── events ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", STORIES)
def test_these_are_all_the_waits_of_a_release(name: str, undisturbed: Callable[[Story], Undisturbed]) -> None:
    assert undisturbed(STORIES[name]).waits == STORIES[name].waits


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param(name, number, id=f"{name}, wait {number}")
        for name, story in STORIES.items()
        for number, kind in enumerate(story.waits, 1)
        if kind in ("hook", "ended")
    ],
)
def test_an_event_that_is_lost_at_any_wait_is_found_by_the_sweep(
    name: str, number: int, street: Street, undisturbed: Callable[[Story], Undisturbed], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = STORIES[name]
    shop = story.shop(street)
    with losing(shop, number, monkeypatch) as lost, dying(street, Deaths(), monkeypatch) as counted:
        execution = shop.over(begun(shop))
    wait = waits_of(execution)[number - 1]
    assert (bool(lost), wait.swept) == (True, True)
    assert wait.ended - lost[-1] <= SWEEP + timedelta(seconds=5)
    assert wait.ended - wait.began < timedelta(seconds=PATIENCE), "its patience found it, not the sweep"
    story.ended(shop, execution)
    assert left(shop, execution, counted) == undisturbed(story).left


@pytest.mark.parametrize("name", PLAIN)
def test_the_sweep_finds_everything_if_no_event_comes_at_all(
    name: str, street: Street, undisturbed: Callable[[Story], Undisturbed], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = PLAIN[name]
    shop = story.shop(street)
    with chaos(street, drop=1.0), dying(street, Deaths(), monkeypatch) as counted:
        execution = shop.over(begun(shop))
    assert set(kinds(execution)) <= {"sweep", "before"}
    assert all(one.ended - one.began < timedelta(seconds=PATIENCE) for one in waits_of(execution))
    story.ended(shop, execution)
    assert left(shop, execution, counted) == undisturbed(story).left


def test_events_that_come_twice_change_nothing(
    street: Street, undisturbed: Callable[[Story], Undisturbed], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = STORIES["in steps, which passes"]
    shop = story.shop(street)
    with chaos(street, duplicate=1.0), dying(street, Deaths(), monkeypatch) as counted:
        execution = shop.over(begun(shop))
    story.ended(shop, execution)
    assert kinds(execution) == story.waits
    assert left(shop, execution, counted) == undisturbed(story).left


def test_an_event_before_the_token_answers_it_at_once(street: Street) -> None:
    story = STORIES["in steps, which passes"]
    shop = story.shop(street)
    execution = begun(shop)
    shop.waits_at(execution, "ReleaseWait")
    street.account.fail("dynamodb", "BatchGetItem", "ThrottlingException", times=4, function="ReleaseWaitFunction")
    meeting = f"RENDEZVOUS#prod/{shop.name}"
    told: list[str] = []
    while "hook" not in told:  # what earlier deployments of the shop told lies there, too
        assert execution.entered.count("ReleaseCheck") <= 1, "the token came first"
        street.account.advance(timedelta(seconds=2))
        if execution.entered.count("ReleaseMove") == 2:
            told = [one["kind"] for one in json.loads(shop.items(meeting)[0]["doc"])["mail"]]
    story.ended(shop, shop.over(execution))
    wait = waits_of(execution)[1]
    assert (wait.kind, wait.swept) == ("hook", False)
    assert wait.ended - wait.began < MINUTE


# ── functions ─────────────────────────────────────────────────────────────────────────────────────────────────────────

DEATHS = [(name, after) for name in PLAIN for after in (False, True)]
DEATH_IDS = [f"a release {name}, {'after' if after else 'before'}" for name, after in DEATHS]
FUNCTIONS = ("Begin", "Move", "Wait", "Check", "Close")


def killed(
    story: Story, deaths: Deaths, street: Street, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Play a release with functions that die, and see that it ends as it would have."""
    shop = story.shop(street)
    with dying(street, deaths, monkeypatch):
        execution = shop.over(begun(shop))
    assert set(deaths.died) == set(deaths.at)
    story.ended(shop, execution)
    assert left(shop, execution, deaths) == undisturbed.left, deaths


@pytest.mark.parametrize(("name", "after"), DEATHS, ids=DEATH_IDS)
def test_a_release_whose_functions_each_die_once_at_a_write_ends_as_it_would_have(
    name: str, after: bool, street: Street, undisturbed: Callable[[Story], Undisturbed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its first write most of a function's work is still to be done, before its last one nearly all would be
    done again."""
    usual = undisturbed(PLAIN[name])
    served = {function: count for function, count in usual.writes.items() if function != "ReleaseSweepFunction"}
    assert set(served) == {*(f"Release{one}Function" for one in FUNCTIONS), "DeploymentHooksEventsFunction"}
    at = {function: 1 if after else count for function, count in served.items()}
    killed(PLAIN[name], Deaths(at, after), street, usual, monkeypatch)


if EXHAUSTIVE:

    @pytest.mark.parametrize("function", [*FUNCTIONS, "DeploymentHooksEvents"])
    @pytest.mark.parametrize(("name", "after"), DEATHS, ids=DEATH_IDS)
    def test_a_release_of_which_one_function_dies_at_any_write_ends_as_it_would_have(
        name: str,
        after: bool,
        function: str,
        street: Street,
        undisturbed: Callable[[Story], Undisturbed],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        usual = undisturbed(PLAIN[name])
        logical_id = f"Release{function}Function" if function in FUNCTIONS else f"{function}Function"
        assert usual.writes[logical_id] > 0
        for number in range(1, usual.writes[logical_id] + 1):
            killed(PLAIN[name], Deaths({logical_id: number}, after), street, usual, monkeypatch)

    @pytest.mark.parametrize(("name", "after"), DEATHS, ids=DEATH_IDS)
    def test_a_sweep_that_dies_at_any_write_tells_at_its_next_try_what_no_event_has_told(
        name: str,
        after: bool,
        street: Street,
        undisturbed: Callable[[Story], Undisturbed],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        usual, alive = undisturbed(PLAIN[name]), Deaths()
        with chaos(street, drop=1.0):
            killed(PLAIN[name], alive, street, usual, monkeypatch)
            for number in range(1, alive.writes["ReleaseSweepFunction"] + 1):
                killed(PLAIN[name], Deaths({"ReleaseSweepFunction": number}, after), street, usual, monkeypatch)


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

ERRORS = ("Lambda.Unknown", "Sandbox.Timedout", "States.Timeout")
EACH = (
    Trouble("Lambda.Unknown", after=False),
    Trouble("Sandbox.Timedout", after=True),
    Trouble("States.Timeout", after=False),
    Trouble("States.Timeout", after=True),
)
"""As many as a step is tried again for. That a wait took too long is no trouble: it ends its patience."""


def stumbled(
    story: Story, hiccups: Hiccups, street: Street, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Play a release whose steps fail, and see that it ends as it would have."""
    shop = story.shop(street)
    with stumbling(street, hiccups, monkeypatch), dying(street, Deaths(), monkeypatch) as counted:
        execution = shop.over(begun(shop))
    assert hiccups.had
    story.ended(shop, execution)
    assert left(shop, execution, counted) == undisturbed.left, hiccups


@pytest.mark.parametrize("name", PLAIN)
def test_a_release_each_of_whose_steps_fails_before_and_after_its_work_ends_as_it_would_have(
    name: str, street: Street, undisturbed: Callable[[Story], Undisturbed], monkeypatch: pytest.MonkeyPatch
) -> None:
    def troubles(state: str, number: int) -> list[Trouble]:
        return [one for one in EACH if one.error != "States.Timeout" or state != "ReleaseWait"]

    hiccups = Hiccups(troubles)
    stumbled(PLAIN[name], hiccups, street, undisturbed(PLAIN[name]), monkeypatch)
    assert set(hiccups.steps) >= {f"Release{one}" for one in FUNCTIONS}


def test_what_was_judged_bad_is_not_judged_anew_because_the_answer_was_lost(
    street: Street, undisturbed: Callable[[Story], Undisturbed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look would find it well: only the first two requests fail."""
    story = PLAIN[PASSES]
    shop = story.shop(street)
    lost = Hiccups(lambda state, number: [Trouble("Lambda.Unknown", after=True)] if state == "ReleaseCheck" else [])
    with server(lambda number: (500 if number <= 2 else 200, 0.0)) as port, stumbling(street, lost, monkeypatch):
        street.account.sites.servers[f"{shop.name}:2"] = port
        execution = shop.over(begun(shop))
    PLAIN[RETURNED].ended(shop, execution)
    assert judged(shop) == undisturbed(PLAIN[RETURNED]).left.judged


if EXHAUSTIVE:

    @pytest.mark.parametrize("trouble", [Trouble(error, after) for error in ERRORS for after in (False, True)], ids=str)
    @pytest.mark.parametrize("name", PLAIN)
    def test_a_release_one_of_whose_steps_fails_once_ends_as_it_would_have(
        name: str,
        trouble: Trouble,
        street: Street,
        undisturbed: Callable[[Story], Undisturbed],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        usual, none = undisturbed(PLAIN[name]), Hiccups(lambda state, number: [])
        shop = PLAIN[name].shop(street)
        with stumbling(street, none, monkeypatch):
            shop.over(begun(shop))
        for failing in range(1, len(none.steps) + 1):
            one = Hiccups(lambda state, number, failing=failing: [trouble] if number == failing else [])
            stumbled(PLAIN[name], one, street, usual, monkeypatch)
