"""Meetings in the table: one item each, changed under its version, and answered through Step Functions.

Any order of waits and messages, from any number of workers, comes to the same: a write is made only over the version
that was read, so one of two who meet at the same instant reads again and completes the meeting.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError, ConflictError, ThrottledError
from breakwater.rendezvous import (
    Arrival,
    Complete,
    Ignore,
    Kind,
    Lost,
    Meeting,
    MeetingDecision,
    Message,
    Sent,
    Wait,
    decide_meeting,
    unfinished,
)
from breakwater.store import Table, Update

KEPT_DAYS = 14
TRIES = 12
UNSENT = "rendezvous-unsent"
_SK = "RENDEZVOUS"
_DEAD_TOKENS = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")

Send = Callable[[str, str], bool]
"""Token and JSON to Step Functions; `False` if the token is dead. Raises `BreakwaterError` if it may live."""


def send_by(client: Callable[[], Any]) -> Send:
    """`Send` by SendTaskSuccess. A token that timed out, or was answered before, is no error: Step Functions does not
    say which of the two it was."""

    def send(token: str, output: str) -> bool:
        try:
            with translated_errors("answer a task token"):
                client().send_task_success(taskToken=token, output=output)
        except BreakwaterError as error:
            if any(word in str(error) for word in _DEAD_TOKENS):
                return False
            raise
        return True

    return send


@dataclass(frozen=True, slots=True)
class Rendezvous:
    """Where they meet. The key names what both know: the service, as `cluster/service`."""

    table: Table
    send: Send

    def arrive(self, key: str, arrival: Arrival, now: datetime) -> MeetingDecision:
        """Take a wait or a message, and complete the meeting if the other one is there.

        Raises `BreakwaterError` if the table cannot be used or the answer not be sent: come again with the same.
        """
        decision = self._kept(key, arrival, now)
        if isinstance(decision, Complete):
            self._send(key, decision, now)
        return decision

    def repair(self, key: str, now: datetime) -> bool:
        """Send an answer that was kept and never confirmed. For the sweep."""
        meeting, _ = self._load(key)
        left = unfinished(meeting)
        if left is not None:
            self._send(key, left, now)
        return left is not None

    def waits(self, key: str) -> bool:
        """Whether somebody waits at this key."""
        meeting, _ = self._load(key)
        return meeting.open is not None

    def lately(self, key: str) -> tuple[Message, ...]:
        """What may not have been heard: the last answer, whose wait may have been over, and what no wait has taken."""
        meeting, _ = self._load(key)
        return (meeting.answer, *meeting.mail) if meeting.answer is not None else meeting.mail

    def unsent(self) -> Iterator[str]:
        """The keys whose answer is not confirmed, for the sweep."""
        return (pk.partition("#")[2] for pk in self.table.with_status(UNSENT))

    def _send(self, key: str, complete: Complete, now: datetime) -> None:
        heard = self.send(complete.wait.token, json.dumps(told(complete.message)))
        number = complete.wait.number
        self._kept(key, Sent(number) if heard else Lost(number), now)

    def _kept(self, key: str, arrival: Arrival, now: datetime) -> MeetingDecision:
        for _ in range(TRIES):
            meeting, version = self._load(key)
            decision = decide_meeting(meeting, arrival)
            if isinstance(decision, Ignore):
                return decision
            try:
                self.table.write(_update(key, decision.meeting, version, now))
            except ConflictError:
                continue
            return decision
        raise ThrottledError(f"meet at {key}: others changed it {TRIES} times")

    def _load(self, key: str) -> tuple[Meeting, int | None]:
        item = self.table.get_many([(_pk(key), _SK)]).get((_pk(key), _SK))
        return (Meeting(), None) if item is None else (loaded(str(item["doc"])), int(item["version"]))


def told(message: Message) -> dict[str, object]:
    """A message as the state machine gets it."""
    return {
        "id": message.id,
        "kind": str(message.kind),
        "at": message.at,
        "deployment": message.deployment,
        "body": dict(message.body),
    }


def dumped(meeting: Meeting) -> str:
    """A meeting as JSON."""
    wait = meeting.wait
    return json.dumps(
        {
            "wait": wait
            and {
                "number": wait.number,
                "token": wait.token,
                "kinds": [str(kind) for kind in wait.kinds],
                "deployments": list(wait.deployments),
            },
            "answered": meeting.answered,
            "answer": meeting.answer and told(meeting.answer),
            "sent": meeting.sent,
            "mail": [told(message) for message in meeting.mail],
            "seen": list(meeting.seen),
        }
    )


def loaded(text: str) -> Meeting:
    """Read what `dumped` wrote."""
    raw = json.loads(text)
    wait = raw["wait"]
    return Meeting(
        wait=wait and Wait(wait["number"], wait["token"], tuple(map(Kind, wait["kinds"])), tuple(wait["deployments"])),
        answered=raw["answered"],
        answer=raw["answer"] and _message(raw["answer"]),
        sent=raw["sent"],
        mail=tuple(_message(one) for one in raw["mail"]),
        seen=tuple(raw["seen"]),
    )


def _message(raw: dict[str, Any]) -> Message:
    return Message(raw["id"], Kind(raw["kind"]), raw["at"], raw["deployment"], raw["body"])


def _pk(key: str) -> str:
    return f"RENDEZVOUS#{key}"


def _update(key: str, meeting: Meeting, version: int | None, now: datetime) -> Update:
    values: dict[str, str | int] = {
        "doc": dumped(meeting),
        "version": (version or 0) + 1,
        "ttl": int(now.timestamp()) + KEPT_DAYS * 86400,
    }
    if not meeting.sent:
        values["status"] = UNSENT
    return Update(
        (_pk(key), _SK),
        set_values=values,
        remove=("status",) if meeting.sent else (),
        expected={"version": version},
    )
