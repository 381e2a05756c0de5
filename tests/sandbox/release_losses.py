"""What a release can lose: the events that answer its waits, its functions in the middle of their work, and the steps
of its machine, before a function began or after it was done."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from botocore.response import StreamingBody

from breakwater.events import TaskStateChange, read
from breakwater.rendezvous import Kind, Meeting, Message
from breakwater.rendezvous_events import Told, message_of
from breakwater.rendezvous_store import loaded
from release.wait import MOST_WAITS
from sandbox.aws import client_error
from sandbox.bus import Bus
from sandbox.errors import TimedOutError
from sandbox.states.machines import Execution
from tests.sandbox.release_stage import Shop, Street

READS = ("BatchGet", "Describe", "Get", "Head", "List", "Query", "Scan")
"""How operations begin that change nothing."""
PATIENCE = 1800
"""How long a release waits for an event, in seconds, before it looks for itself."""
DUE = "due"
"""What ends a wait that was for a time, and not for an event."""
SWEEP = timedelta(minutes=5)
"""How often the sweep looks."""

# ── waits ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Waited:
    """One wait of a release: what answered it, or that its time was over, and when."""

    kind: str
    answer: str
    began: datetime
    ended: datetime

    @property
    def swept(self) -> bool:
        """Whether no event answered it, and the sweep did."""
        return self.answer.startswith("sweep:")


def waits_of(execution: Execution) -> list[Waited]:
    """The waits of an execution, in order."""
    found: list[Waited] = []
    began = ""
    for event in execution.history:
        if event.get("stateEnteredEventDetails", {}).get("name") == "ReleaseWait":
            began = event["timestamp"]
        if event.get("stateExitedEventDetails", {}).get("name") == "ReleaseWait":
            told = json.loads(event["stateExitedEventDetails"]["output"])
            ended = datetime.fromisoformat(event["timestamp"])
            found.append(Waited(told.get("kind", DUE), told.get("id", ""), datetime.fromisoformat(began), ended))
    return found


def _told(event: Mapping[str, Any]) -> Told | None:
    """What an event tells a release, as the function of the hooks reads it."""
    whole = read(dict(event))
    if not isinstance(whole, TaskStateChange):
        return message_of(whole)
    kind, _, service = (whole.detail.group or "").partition(":")
    if kind != "breakwater-check" or not whole.final:
        return None
    return Told(service, Message(f"task:{whole.task_arn}", Kind.ENDED, "", whole.task_arn))


@contextmanager
def losing(shop: Shop, number: int, patch: pytest.MonkeyPatch) -> Iterator[list[datetime]]:
    """Lose every event that would answer the wait with this number, and no other; gives when each was lost.

    Which events these are, the rendezvous itself says: by the wait that is open, or by the next one if none is.
    """
    lost: list[datetime] = []
    original = Bus.put

    def put(bus: Bus, event: Mapping[str, Any]) -> None:
        whole = bus._enveloped(event)
        told = _told(whole)
        if told is not None and told.key == f"prod/{shop.name}" and _answers(_meeting(shop), told.message, number):
            lost.append(shop.account.now)
            return
        original(bus, whole)

    with patch.context() as patched:
        patched.setattr(Bus, "put", put)
        yield lost


def _meeting(shop: Shop) -> Meeting:
    kept = shop.under(f"RENDEZVOUS#prod/{shop.name}")
    return loaded(kept[0]["doc"]) if kept else Meeting()


def _answers(meeting: Meeting, message: Message, number: int) -> bool:
    last = meeting.wait.number % MOST_WAITS if meeting.wait is not None else 0
    return number == last and meeting.open.takes(message) if meeting.open is not None else number == last + 1


# ── functions that die ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Deaths:
    """Which functions are to die at which of their writes, counted from 1: right before it, or right after it.

    Each dies once, as Lambda ends a function whose time is up: nothing else of that invocation happens.
    """

    at: Mapping[str, int] = field(default_factory=dict)
    after: bool = False
    writes: Counter[str] = field(default_factory=Counter)
    """How many writes each function has tried."""
    made: list[tuple[str, str]] = field(default_factory=list)
    """The writes that were made: function and operation."""
    died: dict[str, str] = field(default_factory=dict)
    """Which functions died, and at which operation."""
    dead: set[str] = field(default_factory=set)


@contextmanager
def dying(street: Street, deaths: Deaths, patch: pytest.MonkeyPatch) -> Iterator[Deaths]:
    """Count the writes of the functions that serve a release, and let some of them die."""
    gate, functions = street.account._gate, street.account.account.functions
    original = gate._answer

    def answer(client: Any, service: str, operation: str, params: Any) -> Any:
        function = functions.current
        if function is None or not function.logical_id.startswith(("Release", "DeploymentHooks")):
            return original(client, service, operation, params)
        if function.request_id in deaths.dead:
            raise TimedOutError
        if operation.startswith(READS):
            return original(client, service, operation, params)
        name = function.logical_id
        deaths.writes[name] += 1
        due = deaths.writes[name] == deaths.at.get(name)
        if due:
            deaths.died[name] = operation
            deaths.dead.add(function.request_id)
        if due and not deaths.after:
            raise TimedOutError
        got = original(client, service, operation, params)
        deaths.made.append((name, operation))
        if due:
            raise TimedOutError
        return got

    with patch.context() as patched:
        patched.setattr(gate, "_answer", answer)
        yield deaths


# ── steps that fail ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Trouble:
    """What becomes of one attempt at a step: its error, and whether the function had done its work by then.

    `Lambda.Unknown` is Lambda's own, `Sandbox.Timedout` a function that took too long; with `States.Timeout` the
    machine has waited for the answer as long as the state allows.
    """

    error: str
    after: bool


@dataclass
class Hiccups:
    """The troubles of each step, by its number from 1: one for each attempt, until there are none left."""

    of: Callable[[str, int], list[Trouble]]
    """By the state's name and its number."""
    steps: list[str] = field(default_factory=list)
    """The states with a function that were entered."""
    left: list[Trouble] = field(default_factory=list)
    had: Counter[str] = field(default_factory=Counter)


@contextmanager
def stumbling(street: Street, hiccups: Hiccups, patch: pytest.MonkeyPatch) -> Iterator[Hiccups]:
    """Let steps of the machine fail."""
    gate, account = street.account._gate, street.account.account
    original = gate._answer

    def answer(client: Any, service: str, operation: str, params: Any) -> Any:
        if account.functions.current is not None or (service, operation) != ("lambda", "Invoke"):
            return original(client, service, operation, params)
        execution = account.states.get(json.loads(params["Payload"])["execution"])
        assert execution is not None
        states = json.loads(execution.machine.definition)["States"]
        entered = [name for name in execution.entered if states[name]["Type"] == "Task"]
        if len(entered) > len(hiccups.steps):
            hiccups.steps.append(entered[-1])
            hiccups.left = list(hiccups.of(entered[-1], len(entered)))
        if not hiccups.left:
            return original(client, service, operation, params)
        trouble = hiccups.left.pop(0)
        hiccups.had[trouble.error] += 1
        if trouble.after:
            original(client, service, operation, params)
        if trouble.error == "States.Timeout":
            limit = states[entered[-1]]["TimeoutSeconds"]
            account.clock.sleep(1 + (limit if isinstance(limit, int) else PATIENCE))
        if trouble.error.startswith("Lambda."):
            raise client_error(client, operation, trouble.error.removeprefix("Lambda."), "on purpose", 500)
        said = json.dumps({"errorType": trouble.error, "errorMessage": "on purpose"}).encode()
        body = StreamingBody(BytesIO(said), len(said))
        return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": body}

    with patch.context() as patched:
        patched.setattr(gate, "_answer", answer)
        yield hiccups
