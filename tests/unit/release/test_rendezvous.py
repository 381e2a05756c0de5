"""Token and event in either order, twice, late, or with a crash in between: each wait is answered once."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.errors import ThrottledError
from breakwater.rendezvous import (
    Arrival,
    Complete,
    Ignore,
    Keep,
    Kind,
    Lost,
    Meeting,
    Message,
    Sent,
    Wait,
    decide_meeting,
    unfinished,
)
from breakwater.rendezvous_store import Rendezvous, dumped, loaded
from tests.fakes.table import FakeTable

NOW = datetime(2026, 4, 14, 7, 31, tzinfo=UTC)
ARN, ID = "arn:aws:ecs:eu-central-1:1:service-deployment/prod/web/x", "ecs-svc/7"


def a_message(name: str = "m1", kind: Kind = Kind.HOOK, at: str = "10:00", deployment: str | None = ARN) -> Message:
    return Message(name, kind, at, deployment, {"hook": name})


def a_wait(number: int = 1, to: str = "t1", kinds: tuple[Kind, ...] = (Kind.HOOK, Kind.ENDED)) -> Wait:
    return Wait(number, to, kinds, (ARN, ID))


def after(*arrivals: Arrival) -> Meeting:
    meeting = Meeting()
    for arrival in arrivals:
        decision = decide_meeting(meeting, arrival)
        meeting = meeting if isinstance(decision, Ignore) else decision.meeting
    return meeting


@pytest.mark.parametrize("order", [(a_wait(), a_message()), (a_message(), a_wait())], ids=["wait first", "event first"])
def test_the_second_of_the_two_completes_the_meeting(order: tuple[Arrival, Arrival]) -> None:
    first, second = order
    assert isinstance(decide_meeting(Meeting(), first), Keep)
    decision = decide_meeting(after(first), second)
    assert isinstance(decision, Complete)
    assert (decision.wait.token, decision.message.id) == ("t1", "m1")


def test_a_message_that_comes_again_is_not_answered_again() -> None:
    assert isinstance(decide_meeting(after(a_wait(), a_message(), Sent(1)), a_message()), Ignore)
    assert isinstance(decide_meeting(after(a_message()), a_message()), Ignore)


def test_a_message_that_comes_again_before_the_answer_was_confirmed_sends_it_again() -> None:
    decision = decide_meeting(after(a_wait(), a_message()), a_message())
    assert isinstance(decision, Complete)
    assert decision.wait.token == "t1"


def test_a_wait_that_is_tried_again_gets_the_same_answer_at_its_new_token() -> None:
    decision = decide_meeting(after(a_wait(), a_message(), Sent(1)), a_wait(1, "t2"))
    assert isinstance(decision, Complete)
    assert (decision.wait.token, decision.message.id) == ("t2", "m1")


def test_a_wait_that_was_not_answered_yet_moves_to_its_new_token() -> None:
    decision = decide_meeting(after(a_wait(), a_wait(1, "t2")), a_message())
    assert isinstance(decision, Complete)
    assert decision.wait.token == "t2"


def test_an_answer_whose_token_is_dead_is_the_first_thing_that_the_next_wait_gets() -> None:
    meeting = after(a_wait(), a_message("m2", at="10:05"), a_message("m1"), Lost(1))
    assert isinstance(decide_meeting(meeting, a_message("m2", at="10:05")), Ignore)
    decision = decide_meeting(meeting, a_wait(2, "t2"))
    assert isinstance(decision, Complete)
    assert (decision.wait.token, decision.message.id) == ("t2", "m2")
    assert [message.id for message in decision.meeting.mail] == ["m1"]


def test_a_wait_that_is_tried_again_gets_what_its_dead_token_was_answered_and_no_later_wait_does() -> None:
    meeting = after(a_wait(), a_message(), Lost(1), a_wait(1, "t2"), Sent(1))
    assert (meeting.answer, meeting.mail, meeting.sent) == (a_message(), (), True)


def test_an_answer_that_nobody_confirmed_before_the_next_wait_came_is_given_to_that_one() -> None:
    decision = decide_meeting(after(a_wait(), a_message()), a_wait(2, "t2"))
    assert isinstance(decision, Complete)
    assert (decision.wait.token, decision.message.id) == ("t2", "m1")
    assert isinstance(decide_meeting(decision.meeting, Lost(1)), Ignore)


def test_a_late_wait_does_not_take_the_place_of_a_later_one() -> None:
    meeting = after(a_wait(1), a_message(), Sent(1), a_wait(2, "t2"))
    assert isinstance(decide_meeting(meeting, a_wait(1, "old")), Ignore)


@pytest.mark.parametrize(
    ("message", "taken"),
    [
        pytest.param(a_message(deployment=ARN), True, id="by its ARN"),
        pytest.param(a_message(deployment=ID, kind=Kind.ENDED), True, id="by its id"),
        pytest.param(a_message(deployment=None), True, id="meant for whoever waits"),
        pytest.param(a_message(deployment="ecs-svc/8"), False, id="another deployment"),
        pytest.param(a_message(kind=Kind.APPROVED), False, id="not what is waited for"),
    ],
)
def test_a_wait_takes_what_it_waits_for(message: Message, taken: bool) -> None:
    assert isinstance(decide_meeting(after(a_wait()), message), Complete) is taken
    assert isinstance(decide_meeting(after(message), a_wait()), Complete) is taken


@pytest.mark.parametrize(
    ("deployment", "taken"),
    [
        pytest.param("ecs-svc/3", False, id="of an earlier deployment"),
        pytest.param(ARN, False, id="its own, as it turns out"),
        pytest.param(None, True, id="meant for whoever waits"),
    ],
)
def test_who_does_not_know_its_deployment_yet_takes_nothing_that_names_one(deployment: str | None, taken: bool) -> None:
    nameless, message = replace(a_wait(), deployments=()), a_message(deployment=deployment)
    assert isinstance(decide_meeting(after(nameless), message), Complete) is taken
    assert isinstance(decide_meeting(after(message), nameless), Complete) is taken


def test_what_was_left_for_a_wait_without_a_name_is_heard_once_the_name_is_known() -> None:
    left = after(
        a_message("old", at="09:00", deployment="ecs-svc/3"), a_message("ours"), replace(a_wait(), deployments=())
    )
    decision = decide_meeting(left, a_wait(2, "t2"))
    assert isinstance(decision, Complete)
    assert decision.message.id == "ours"


def test_messages_are_taken_in_the_order_in_which_they_happened() -> None:
    meeting = after(a_message("late", at="10:09"), a_message("early", at="10:01"))
    decision = decide_meeting(meeting, a_wait())
    assert isinstance(decision, Complete)
    assert decision.message.id == "early"


def test_a_confirmation_of_another_answer_confirms_nothing() -> None:
    for other in (Sent(2), Lost(2)):
        assert isinstance(decide_meeting(after(a_wait(), a_message()), other), Ignore)
    assert unfinished(after(a_wait(), a_message())) is not None
    assert unfinished(after(a_wait(), a_message(), Sent(1))) is None


messages = [a_message(f"m{number}", at=f"10:0{number}") for number in range(3)]
waits = [a_wait(number, f"t{number}") for number in (1, 2, 3)]


def heard(meeting: Meeting, how: Sent | Lost) -> Meeting:
    """What the store writes once it knows whether an answer was heard."""
    decision = decide_meeting(meeting, how)
    return meeting if isinstance(decision, Ignore) else decision.meeting


arrivals = st.lists(st.sampled_from([*messages, *waits, *waits]), max_size=12)


@given(arrivals)
def test_whatever_comes_no_message_answers_two_waits_and_no_wait_gets_two_messages(order: list[Arrival]) -> None:
    meeting, answers = Meeting(), set()
    for arrival in order:
        decision = decide_meeting(meeting, arrival)
        meeting = meeting if isinstance(decision, Ignore) else decision.meeting
        if isinstance(decision, Complete):
            answers.add((decision.wait.number, decision.message.id))
            meeting = heard(meeting, Sent(decision.wait.number))
    assert len({number for number, _ in answers}) == len({message for _, message in answers}) == len(answers)


@given(st.permutations([*messages, *messages]), st.data())
def test_any_order_with_duplicates_answers_every_wait(told: list[Message], data: st.DataObject) -> None:
    """The waits come one after the other, as a state machine makes them; the messages whenever they like."""
    meeting, answered, wanted = Meeting(), 0, list(waits)
    queue: list[Message] = list(told)
    while queue or (wanted and answered == 3 - len(wanted)):
        ready = wanted and answered == 3 - len(wanted)
        arrival: Arrival = wanted.pop(0) if ready and (not queue or data.draw(st.booleans())) else queue.pop(0)
        decision = decide_meeting(meeting, arrival)
        meeting = meeting if isinstance(decision, Ignore) else decision.meeting
        if isinstance(decision, Complete):
            answered = max(answered, decision.wait.number)
            meeting = heard(meeting, Sent(decision.wait.number))
    assert (answered, meeting.mail) == (3, ())


@given(st.permutations([*messages, *waits]), st.sets(st.sampled_from([1, 2, 3])))
def test_whichever_tokens_are_dead_no_message_is_lost(order: list[Arrival], dead: set[int]) -> None:
    """After it all the machine waits again, as often as there is something to tell it."""
    meeting, told = Meeting(), []
    for arrival in (*order, *(a_wait(number, f"t{number}") for number in (4, 5, 6))):
        decision = decide_meeting(meeting, arrival)
        meeting = meeting if isinstance(decision, Ignore) else decision.meeting
        if isinstance(decision, Complete) and decision.wait.number in dead:
            meeting = heard(meeting, Lost(decision.wait.number))
        elif isinstance(decision, Complete):
            told.append(decision.message.id)
            meeting = heard(meeting, Sent(decision.wait.number))
    assert sorted(told) == ["m0", "m1", "m2"]


@given(arrivals)
def test_a_meeting_is_read_as_it_was_written(order: list[Arrival]) -> None:
    meeting = after(*order)
    assert loaded(dumped(meeting)) == meeting


def test_mail_that_nobody_fetches_does_not_grow_for_ever() -> None:
    meeting = after(*(a_message(f"m{number}", at=f"{number:04}") for number in range(400)))
    assert (len(meeting.mail), len(meeting.seen)) == (50, 200)
    assert len(dumped(meeting)) < 20_000


class Machine:
    """Step Functions: hears answers, and fails when told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.fails = 0

    def __call__(self, token: str, output: str) -> bool:
        if self.fails:
            self.fails -= 1
            raise ThrottledError("answer a task token: ThrottlingException")
        self.heard.append((token, json.loads(output)["id"]))
        return True


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_an_answer_that_could_not_be_sent_is_sent_by_the_next_delivery_or_the_sweep(machine: Machine) -> None:
    meeting = Rendezvous(FakeTable(), machine)
    meeting.arrive("prod/web", a_wait(), NOW)
    machine.fails = 1
    with pytest.raises(ThrottledError):
        meeting.arrive("prod/web", a_message(), NOW)
    assert list(meeting.unsent()) == ["prod/web"]
    assert meeting.repair("prod/web", NOW)
    assert machine.heard == [("t1", "m1")]
    assert list(meeting.unsent()) == []
    assert not meeting.repair("prod/web", NOW)


def test_a_crash_between_any_two_calls_is_repaired_by_coming_again(machine: Machine) -> None:
    for stop in range(1, 9):
        table = Stopping(stop)
        meeting, heard = Rendezvous(table, machine), len(machine.heard)
        for arrival in (a_wait(), a_message(), a_wait(), a_message()):
            try:
                meeting.arrive("prod/web", arrival, NOW)
            except ThrottledError:
                meeting.arrive("prod/web", arrival, NOW)
        answers = machine.heard[heard:]
        assert set(answers) == {("t1", "m1")}, f"stopped at call {stop}"


class Stopping(FakeTable):
    """Dies once, at the n-th call, after the call took effect."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def write(self, action: object) -> None:
        super().write(action)  # type: ignore[arg-type]  # the same argument is handed on
        self._die()

    def get_many(self, keys: object) -> object:  # type: ignore[override]  # the same answer is handed on
        found = super().get_many(keys)  # type: ignore[arg-type]  # the same argument is handed on
        self._die()
        return found

    def _die(self) -> None:
        if self.calls == self._at:
            raise ThrottledError("the worker died")


@given(st.permutations([("A", a_wait()), ("B", a_message()), ("A", a_message("m2", at="10:05")), ("B", a_wait())]))
@settings(max_examples=24)
def test_two_workers_who_meet_at_the_same_instant_answer_once(order: list[tuple[str, Arrival]]) -> None:
    """Each read of the table lets the next worker go first: the write that lost reads and decides again."""
    machine, table = Machine(), Meanwhile()
    meeting = Rendezvous(table, machine)
    for _, arrival in order[1:]:
        table.meanwhile.append(lambda arrival=arrival: meeting.arrive("prod/web", arrival, NOW))  # type: ignore[misc]  # bound now
    meeting.arrive("prod/web", order[0][1], NOW)
    while table.meanwhile:
        table.meanwhile.pop(0)()
    assert {token for token, _ in machine.heard} == {"t1"}
    assert len({message for _, message in machine.heard}) == 1


class Meanwhile(FakeTable):
    """Between a read and what follows it somebody else works."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], object]] = []

    def get_many(self, keys: object) -> object:  # type: ignore[override]  # the same answer is handed on
        found = super().get_many(keys)  # type: ignore[arg-type]  # the same argument is handed on
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return found


def test_the_keys_of_two_services_do_not_meet(machine: Machine) -> None:
    meeting = Rendezvous(FakeTable(), machine)
    meeting.arrive("prod/web", a_wait(), NOW)
    meeting.arrive("prod/api", replace(a_message(), id="other"), NOW)
    assert machine.heard == []
