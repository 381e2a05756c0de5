"""What is lost on the way of a release changes nothing of how it ends: an event at any of its waits, a function in the
middle of its work, a step of the machine before its function began or after it was done.

The measure is the same release undisturbed: as many answers to its hooks, the same judgement in the ledger, the same
people told as often, and no request failed because of it (`release_endings`).
"""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.sandbox.loopback import server
from tests.sandbox.release_endings import chaos, judged
from tests.sandbox.release_losses import PATIENCE, SWEEP, Deaths, Hiccups, Trouble, dying, losing, stumbling, waits_of
from tests.sandbox.release_stage import MINUTE, Street
from tests.sandbox.release_stories import PASSES, PLAIN, RETURNED, STORIES, Story, Undisturbed, begun, kinds, left
from tests.thoroughness import EXHAUSTIVE


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
        for number in story.losable
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


if EXHAUSTIVE:

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
            told = [one["kind"] for one in json.loads(shop.under(meeting)[0]["doc"])["mail"]]
    story.ended(shop, shop.over(execution))
    wait = waits_of(execution)[1]
    assert (wait.kind, wait.swept) == ("hook", False)
    assert wait.ended - wait.began < MINUTE


# ── functions ─────────────────────────────────────────────────────────────────────────────────────────────────────────

DEATHS = (
    [(name, after) for name in PLAIN for after in (False, True)] if EXHAUSTIVE else [(PASSES, True), (RETURNED, False)]
)
DEATH_IDS = [f"a release {name}, {'after' if after else 'before'}" for name, after in DEATHS]
FUNCTIONS = ("Begin", "Move", "Wait", "Check", "Close")


def killed(
    story: Story, deaths: Deaths, street: Street, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Play a release with functions that die, and see that it ends as it would have."""
    shop = story.shop(street)
    with dying(street, deaths, monkeypatch):
        execution = shop.release()
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
            street.clear()

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
                street.clear()


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
        execution = shop.release()
    assert hiccups.had
    story.ended(shop, execution)
    assert left(shop, execution, counted) == undisturbed.left, hiccups


@pytest.mark.parametrize("name", PLAIN if EXHAUSTIVE else [RETURNED])
def test_a_release_each_of_whose_steps_fails_before_and_after_its_work_ends_as_it_would_have(
    name: str, street: Street, undisturbed: Callable[[Story], Undisturbed], monkeypatch: pytest.MonkeyPatch
) -> None:
    def troubles(state: str, number: int) -> list[Trouble]:
        short = state not in ("ReleaseWait", "ReleaseCheck")  # a check may take a quarter of an hour: `make exhaustive`
        return [one for one in EACH if short or one.error != "States.Timeout"]

    hiccups = Hiccups(troubles)
    stumbled(PLAIN[name], hiccups, street, undisturbed(PLAIN[name]), monkeypatch)
    assert set(hiccups.steps) >= {f"Release{one}" for one in FUNCTIONS}


def test_what_was_judged_bad_is_not_judged_anew_because_the_answer_was_lost(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look would find it well: only the first two requests fail."""
    shop = PLAIN[PASSES].shop(street)
    lost = Hiccups(lambda state, number: [Trouble("Lambda.Unknown", after=True)] if state == "ReleaseCheck" else [])
    with server(lambda number: (500 if number <= 2 else 200, 0.0)) as port, stumbling(street, lost, monkeypatch):
        street.account.sites.servers[f"{shop.name}:2"] = port
        execution = shop.release()
    PLAIN[RETURNED].ended(shop, execution)
    assert judged(shop)[1] == ["2"]


def only(failing: int, trouble: Trouble) -> Callable[[str, int], list[Trouble]]:
    """One step fails once."""
    return lambda state, number: [trouble] if number == failing else []


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
            shop.release()
        for failing in range(1, len(none.steps) + 1):
            stumbled(PLAIN[name], Hiccups(only(failing, trouble)), street, usual, monkeypatch)
            street.clear()
