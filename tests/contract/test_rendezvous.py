"""The rendezvous over the real table adapter on moto and over the fake: the same meetings, the same answers."""

import json
from datetime import UTC, datetime

import pytest

from breakwater.errors import BreakwaterError
from breakwater.rendezvous import Complete, Ignore, Keep, Kind, Message, Wait
from breakwater.rendezvous_store import Rendezvous, send_by
from breakwater.store import Table

NOW = datetime(2026, 4, 14, 7, 31, tzinfo=UTC)
HOOK = Message("m1", Kind.HOOK, "2026-04-14T07:30:00Z", "arn:deployment", {"hook": "h1", "stage": "POST_TEST"})
WAIT = Wait(1, "t1", (Kind.HOOK, Kind.ENDED), ("arn:deployment", "ecs-svc/7"))


class Machine:
    """Step Functions: knows its tokens, hears each once."""

    def __init__(self) -> None:
        self.heard: dict[str, dict[str, object]] = {}
        self.away = False

    def __call__(self, token: str, output: str) -> bool:
        if self.away:
            raise BreakwaterError("answer a task token: it is away")
        dead = token in self.heard
        self.heard.setdefault(token, json.loads(output))
        return not dead


@pytest.mark.parametrize("event_first", [True, False])
def test_the_second_to_arrive_completes_the_meeting(table: Table, event_first: bool) -> None:
    machine = Machine()
    meeting = Rendezvous(table, machine)
    first, second = (HOOK, WAIT) if event_first else (WAIT, HOOK)
    assert isinstance(meeting.arrive("prod/web", first, NOW), Keep)
    assert machine.heard == {}
    assert isinstance(meeting.arrive("prod/web", second, NOW), Complete)
    assert machine.heard["t1"]["body"] == {"hook": "h1", "stage": "POST_TEST"}
    assert list(meeting.unsent()) == []
    assert isinstance(meeting.arrive("prod/web", HOOK, NOW), Ignore)


def test_what_could_not_be_sent_is_found_and_sent_by_the_sweep(table: Table) -> None:
    machine = Machine()
    meeting = Rendezvous(table, machine)
    meeting.arrive("prod/web", WAIT, NOW)
    machine.away = True
    with pytest.raises(BreakwaterError):
        meeting.arrive("prod/web", HOOK, NOW)
    machine.away = False
    assert list(meeting.unsent()) == ["prod/web"]
    assert [meeting.repair(key, NOW) for key in meeting.unsent()] == [True]
    assert list(machine.heard) == ["t1"]
    assert list(meeting.unsent()) == []


def test_what_a_dead_token_was_told_is_told_to_the_next_one(table: Table) -> None:
    machine = Machine()
    meeting = Rendezvous(table, machine)
    machine.heard["t1"] = {"kind": "nothing"}  # answered, or timed out: it is dead
    meeting.arrive("prod/web", WAIT, NOW)
    assert isinstance(meeting.arrive("prod/web", HOOK, NOW), Complete)
    assert list(meeting.unsent()) == []
    for _ in range(2):
        meeting.arrive("prod/web", Wait(2, "t2", WAIT.kinds, WAIT.deployments), NOW)
    assert machine.heard["t2"]["id"] == "m1"
    assert isinstance(meeting.arrive("prod/web", Wait(3, "t3", WAIT.kinds, WAIT.deployments), NOW), Keep)


def test_a_whole_release_meets_event_after_event(table: Table) -> None:
    machine = Machine()
    meeting = Rendezvous(table, machine)
    kinds = [Kind.HOOK, Kind.HOOK, Kind.APPROVED, Kind.ENDED]
    for number, kind in enumerate(kinds, start=1):
        message = Message(f"m{number}", kind, f"2026-04-14T07:3{number}:00Z", "ecs-svc/7")
        wait = Wait(number, f"t{number}", (kind,), ("ecs-svc/7",))
        for arrival in (message, wait, message) if number % 2 else (wait, message, wait):
            meeting.arrive("prod/web", arrival, NOW)
    assert [(token, answer["kind"]) for token, answer in machine.heard.items()] == [
        (f"t{number}", str(kind)) for number, kind in enumerate(kinds, start=1)
    ]


@pytest.mark.parametrize("code", ["TaskTimedOut", "InvalidToken", "TaskDoesNotExist"])
def test_a_dead_token_is_no_error(code: str) -> None:
    from botocore.exceptions import ClientError

    class Client:
        def send_task_success(self, **params: str) -> None:
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "SendTaskSuccess")

    assert send_by(Client)("token", "{}") is False


def test_a_token_that_may_live_is_tried_again() -> None:
    from botocore.exceptions import ClientError

    class Client:
        def send_task_success(self, **params: str) -> None:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "SendTaskSuccess")

    with pytest.raises(BreakwaterError):
        send_by(Client)("token", "{}")
