"""Where a waiting state machine and the events of its deployment meet, in whichever order they come. Pure.

A wait has a number, which rises through an execution and from one release of a service to the next, and the token that
its answer goes to. A message is one event, one word of a person, or a finding of the rollback guard. The second of the
two completes the meeting. What is kept: the waiter, what was last answered, and messages that nobody has waited for
yet. So a message before its token is not lost, one that comes twice is answered once, a wait that is tried again with a
new token gets the answer that the old token got, and a late one changes nothing.

The answer is sent after it was kept, and confirmed after it was sent: whoever comes by in between sends it again. A
wait whose time ran out stays here until the next one comes. What answers it in between finds its token dead: then the
message was heard by nobody, and is the first that the next wait gets. So a message may be heard twice, and is heard.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

MOST_MAIL = 50
MOST_SEEN = 200


class Kind(StrEnum):
    """What a message tells."""

    HOOK = "hook"
    ENDED = "ended"
    APPROVED = "approved"
    ABORTED = "aborted"
    FAILING = "failing"
    """The rollback guard finds that the revision's tasks fail, and that going back would help."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that a waiter may want to hear. `id` is the same however often it is delivered.

    `deployment` is the service deployment's ARN or the deployment's id (`ecs-svc/...`), whichever the event names;
    without one it is meant for whatever release is under way. `at` is ISO time, so that its order is that of the text.
    """

    id: str
    kind: Kind
    at: str
    deployment: str | None = None
    body: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said on a deployment (`Kind.APPROVED` or `Kind.ABORTED`), who, and when."""

    word: str
    by: str
    at: datetime

    @property
    def aborts(self) -> bool:
        """Whether the deployment has to go back."""
        return self.word == Kind.ABORTED

    def approves(self, asked: datetime) -> bool:
        """Whether it approves of what was asked then. What is asked later is not approved beforehand."""
        return self.word == Kind.APPROVED and self.at >= asked

    def message(self, deployment: str) -> Message:
        """What tells it to a release that waits. A word that is given again is another message."""
        at = self.at.isoformat()
        return Message(f"{self.word}:{deployment}:{at}", Kind(self.word), at, deployment)


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody waits: which kinds, of which deployments (by any of their names), and where the answer goes.

    Who does not know a name yet takes nothing that has one: mail of an earlier deployment may lie there for days. What
    is its own stays there until it knows.

    `number` is higher than that of every earlier wait under the same key, those of earlier executions among them.
    """

    number: int
    token: str = field(repr=False)
    kinds: tuple[Kind, ...]
    deployments: tuple[str, ...] = ()

    def takes(self, message: Message) -> bool:
        """Whether this is what it waits for."""
        named = message.deployment is None or message.deployment in self.deployments
        return named and message.kind in self.kinds


@dataclass(frozen=True, slots=True)
class Sent:
    """The answer to this wait reached the state machine."""

    number: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The token of this wait is dead: it was answered before, or nobody heard the answer."""

    number: int


@dataclass(frozen=True, slots=True)
class Meeting:
    """All that is kept under one key."""

    wait: Wait | None = None
    answered: int = 0
    answer: Message | None = None
    sent: bool = True
    mail: tuple[Message, ...] = ()
    seen: tuple[str, ...] = ()

    @property
    def open(self) -> Wait | None:
        """Who still waits."""
        return self.wait if self.wait is not None and self.wait.number > self.answered else None


@dataclass(frozen=True, slots=True)
class Complete:
    """Both are there: keep the meeting, then send the message to the token, then confirm."""

    meeting: Meeting
    wait: Wait
    message: Message
    reason: str


@dataclass(frozen=True, slots=True)
class Keep:
    """One of the two is there, or an answer was confirmed: keep the meeting."""

    meeting: Meeting
    reason: str


@dataclass(frozen=True, slots=True)
class Ignore:
    """It changes nothing."""

    reason: str


MeetingDecision = Complete | Keep | Ignore
Arrival = Message | Wait | Sent | Lost


def decide_meeting(meeting: Meeting, arrival: Arrival) -> MeetingDecision:
    """Say what an arrival makes of a meeting."""
    match arrival:
        case Message():
            return _told(meeting, arrival)
        case Wait():
            return _waiting(meeting, arrival)
        case Sent():
            if meeting.sent or arrival.number != meeting.answered:
                return Ignore(f"the answer to wait {arrival.number} is not the one that is on its way")
            return Keep(replace(meeting, sent=True), f"wait {arrival.number} has its answer")
        case Lost():
            if meeting.sent or arrival.number != meeting.answered:
                return Ignore(f"the answer to wait {arrival.number} is not the one that is on its way")
            return Keep(_taken_back(meeting), f"wait {arrival.number} was over: its answer is for the next one")
        case _:
            assert_never(arrival)


def unfinished(meeting: Meeting) -> Complete | None:
    """What a crash left behind: an answer that was kept and not confirmed is sent again."""
    if meeting.sent or meeting.answer is None or meeting.wait is None:
        return None
    return Complete(meeting, meeting.wait, meeting.answer, f"the answer to wait {meeting.answered} was not confirmed")


def _told(meeting: Meeting, message: Message) -> MeetingDecision:
    if message.id in meeting.seen:
        again = unfinished(meeting)
        return again or Ignore("this was told before")
    seen = (*meeting.seen, message.id)[-MOST_SEEN:]
    wait = meeting.open
    if wait is not None and wait.takes(message):
        return _answered(replace(meeting, seen=seen), wait, message)
    mail = tuple(sorted((*meeting.mail, message), key=lambda one: (one.at, one.id)))[-MOST_MAIL:]
    return Keep(replace(meeting, mail=mail, seen=seen), f"nobody waits for {message.kind} yet")


def _waiting(meeting: Meeting, wait: Wait) -> MeetingDecision:
    if wait.number < meeting.answered or (meeting.wait is not None and wait.number < meeting.wait.number):
        return Ignore(f"wait {wait.number} is over: a later one has come")
    if meeting.sent and wait == meeting.wait and wait.number == meeting.answered:
        return Ignore(f"wait {wait.number} was answered before")  # the same token once more, and it is used up
    if wait.number == meeting.answered and meeting.answer is not None:
        # The same state was tried again: its first token timed out, or its answer was lost on the way.
        mail = tuple(message for message in meeting.mail if message != meeting.answer)
        again = replace(meeting, wait=wait, sent=False, mail=mail)
        return Complete(again, wait, meeting.answer, f"wait {wait.number} came again")
    if not meeting.sent:
        meeting = _taken_back(meeting)  # the machine has gone on, and nobody knows whether it had the answer
    there = next((message for message in meeting.mail if wait.takes(message)), None)
    if there is None:
        return Keep(replace(meeting, wait=wait), f"wait {wait.number} has begun")
    mail = tuple(message for message in meeting.mail if message is not there)
    return _answered(replace(meeting, mail=mail), wait, there)


def _answered(meeting: Meeting, wait: Wait, message: Message) -> Complete:
    kept = replace(meeting, wait=wait, answered=wait.number, answer=message, sent=False)
    return Complete(kept, wait, message, f"wait {wait.number} is answered with {message.kind}")


def _taken_back(meeting: Meeting) -> Meeting:
    """What may not have been heard is the first thing that the next wait gets."""
    mail = meeting.mail if meeting.answer is None else (meeting.answer, *meeting.mail)[:MOST_MAIL]
    return replace(meeting, sent=True, mail=mail)
