"""Every state machine is sound as a graph, before anything interprets it."""

import importlib
import itertools
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from release import check
from release.pacing import SHORTEST, next_look
from tests.statemachines import graph

MACHINES = graph.machines()
STATES = [(name, state) for name in MACHINES for state in graph.states(graph.load(name))]
TASKS = [(name, state) for name, state in STATES if graph.states(graph.load(name))[state]["Type"] == "Task"]
OURS = {"ThrottledError", "ConflictError"}
LAMBDAS = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
}
# A second state of one function: what undoes is what did, with the same rights.
SHARED = {"ReleaseReturn": "ReleaseMove"}
MOST_FUNCTIONS = 5
NOW = datetime(2026, 4, 14, 7, 30, tzinfo=UTC)


def state_of(name: str, state: str) -> dict[str, Any]:
    found: dict[str, Any] = graph.states(graph.load(name))[state]
    return found


def test_there_is_a_machine_for_releases() -> None:
    assert "release" in MACHINES


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_is_jsonata_with_a_start_a_timeout_and_a_comment(name: str) -> None:
    machine = graph.load(name)
    assert machine["QueryLanguage"] == "JSONata"
    assert machine["StartAt"] in graph.states(machine)
    assert machine["TimeoutSeconds"] <= 36 * 3600
    assert machine["Comment"]


@pytest.mark.parametrize(("name", "state"), STATES)
def test_every_target_of_a_state_is_a_state(name: str, state: str) -> None:
    known = graph.states(graph.load(name))
    missing = [(how, target) for how, target in graph.targets(known[state]) if target not in known]
    assert not missing


@pytest.mark.parametrize(("name", "state"), STATES)
def test_a_state_says_what_it_is_and_leads_somewhere_or_ends(name: str, state: str) -> None:
    body = state_of(name, state)
    assert len(body["Comment"]) > 20, "say what happens here, for a stranger"
    leads = bool(graph.targets(body))
    assert leads is (body["Type"] not in ("Succeed", "Fail"))
    assert body["Type"] != "Choice" or "Default" in body, "a choice that nothing fits ends the execution with an error"


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_can_be_reached_and_can_end(name: str) -> None:
    machine = graph.load(name)
    assert graph.reachable(machine) == set(graph.states(machine))
    assert graph.can_end(machine) == set(graph.states(machine))


@pytest.mark.parametrize(("name", "state"), TASKS)
def test_a_task_has_a_timeout_retries_what_passes_and_catches_the_rest(name: str, state: str) -> None:
    body = state_of(name, state)
    timeout = body["TimeoutSeconds"]
    assert timeout == "{% $patience %}" or 0 < timeout <= 900
    retried = {error for retry in body["Retry"] for error in retry["ErrorEquals"]}
    waits = body["Resource"].endswith("waitForTaskToken")  # its timeout is the end of its patience: then it looks
    late = set() if waits else {"States.Timeout"}
    assert retried == OURS | LAMBDAS | late, "a retry names transient errors and nothing else"
    assert waits is any(catch["ErrorEquals"] == ["States.Timeout"] for catch in body["Catch"])
    assert all(retry["MaxAttempts"] <= 6 and retry["JitterStrategy"] == "FULL" for retry in body["Retry"])
    *others, last = body["Catch"]
    assert last["ErrorEquals"] == ["States.ALL"]
    assert "failure" in last["Assign"], "the error is kept on the way out"
    assert all(catch["ErrorEquals"] == ["States.Timeout"] for catch in others)


def test_every_failure_of_a_release_leads_to_the_one_exit() -> None:
    exits = {
        state: {
            catch["Next"] for catch in state_of("release", state)["Catch"] if catch["ErrorEquals"] == ["States.ALL"]
        }
        for name, state in TASKS
        if name == "release"
    }
    assert exits.pop("ReleaseReturn") == {"ReleaseClose"}, "what cannot be undone is told"
    assert exits.pop("ReleaseClose") == {"NotReleased"}, "what cannot be told fails the execution"
    assert set().union(*exits.values()) == {"ReleaseReturn"}


@pytest.mark.parametrize(("name", "state"), TASKS)
def test_a_task_calls_the_function_that_it_is_named_after(name: str, state: str) -> None:
    body = state_of(name, state)
    assert re.fullmatch(r"arn:\$\{Partition\}:states:::lambda:invoke(\.waitForTaskToken)?", body["Resource"])
    assert body["Arguments"]["FunctionName"] == f"${{{SHARED.get(state, state)}FunctionArn}}"
    assert body["Arguments"]["Payload"]["execution"] == "{% $states.context.Execution.Id %}"


@pytest.mark.parametrize("name", MACHINES)
def test_placeholders_are_the_functions_and_the_partition(name: str) -> None:
    used = graph.placeholders(graph.load(name))
    tasks = {SHARED.get(state, state) for machine, state in TASKS if machine == name}
    assert used == {"Partition", *(f"{task}FunctionArn" for task in tasks)}
    assert len(tasks) <= MOST_FUNCTIONS


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_that_waits_hands_out_its_token_and_numbers_its_waits(name: str) -> None:
    waiting = [
        body
        for body in graph.states(graph.load(name)).values()
        if body.get("Resource", "").endswith("waitForTaskToken")
    ]
    for body in waiting:
        payload = body["Arguments"]["Payload"]
        assert payload["token"] == "{% $states.context.Task.Token %}"
        assert payload["number"] == "{% $waits + 1 %}"
        assert all(catch["Assign"]["waits"] == "{% $waits + 1 %}" for catch in body["Catch"])
        assert body["Assign"]["waits"] == "{% $waits + 1 %}"


@pytest.mark.parametrize(("name", "state"), STATES)
def test_no_expression_reads_a_variable_that_some_way_there_has_not_assigned(name: str, state: str) -> None:
    """JSONata answers an unknown variable with nothing, and Step Functions fails at run time."""
    machine = graph.load(name)
    known = graph.assigned_before(machine)[state]
    assert graph.variables_read(state_of(name, state)) <= known


@pytest.mark.parametrize("name", MACHINES)
def test_a_string_is_one_expression_or_none(name: str) -> None:
    odd = [
        text for text in graph.strings(graph.load(name)) if "{%" in text and not re.fullmatch(r"\{% [^%]+ %\}", text)
    ]
    assert not odd


def test_nothing_polls() -> None:
    """The one wait state is at the end, where nobody can change anything by a word: else a token waits, and hears."""
    machine = graph.load("release")
    waits = {name: body["Next"] for name, body in graph.states(machine).items() if body["Type"] == "Wait"}
    assert waits == {"Settle": "ReleaseClose"}


def transitions(*path: str) -> int:
    """The transitions of an execution that enters these states; each step has to be one that the machine has."""
    machine = graph.load("release")
    for here, there in itertools.pairwise(path):
        assert there in {target for _, target in graph.targets(graph.states(machine)[here])}, f"{here} to {there}"
    return len(path) - 1


def a_hook(moved: str = "ReleaseMove") -> list[str]:
    return ["ReleaseWait", "ReleaseCheck", "Judged", moved]


PASS = ["ReleaseBegin", "Admitted", "ReleaseMove"]
LOOK = ["ReleaseWait", "ReleaseCheck", "Judged"]
"""An event, or the end of a patience: a look that says to wait on."""
END = [*LOOK, "ReleaseClose", "Closed", "Released"]
BACK = [*LOOK, "ReleaseReturn", "Returning"]
RETURNED = [*LOOK, "ReleaseClose", "Closed"]
MOST = 0.35
A_MINUTE = 4 * 3
"""Transitions of the polling design: a wait, a question and a choice every 15 seconds."""


@pytest.mark.parametrize(
    ("hooks", "minutes", "expected"),
    [
        pytest.param(2, 5 + 10, 16, id="blue/green: checks, analysis, ten minutes of bake"),
        pytest.param(3, 5 + 10 + 10, 20, id="canary: checks, two steps"),
        pytest.param(11, 5 + 9 * 6, 52, id="linear: checks, ten steps of 10 %"),
    ],
)
def test_a_release_takes_at_most_a_third_of_the_transitions_of_a_polling_one(
    hooks: int, minutes: int, expected: int
) -> None:
    ours = transitions(*PASS, *(state for _ in range(hooks) for state in a_hook()), *END)
    assert ours == expected
    assert ours <= MOST * minutes * A_MINUTE


def settling(minutes: int, patience: int) -> list[int]:
    """The seconds between the looks at a service that is as it should be after so many minutes, or in vain."""
    gaps: list[int] = []
    until, now = NOW + timedelta(minutes=patience), NOW
    while now < min(until, NOW + timedelta(minutes=minutes)):
        gaps.append(next_look(NOW, until, now))
        now += timedelta(seconds=gaps[-1])
    return gaps


@pytest.mark.parametrize("hooks", [0, 1, 2])
@pytest.mark.parametrize("minutes", [2, 5, 9, 60])
def test_a_service_that_takes_long_to_settle_is_not_polled(hooks: int, minutes: int) -> None:
    """However long it takes, on the way there and on the way back; a deployment takes two minutes by its tasks' start
    alone, and each hook comes a minute or more after the last."""
    minutes = max(minutes, 2 + hooks)
    begun = [*PASS, *(state for _ in range(hooks) for state in a_hook())]
    for patience in (1, 15, 240):
        for needed in range(patience + 1):
            gaps = settling(needed, patience)
            ours = transitions(*begun, *LOOK * len(gaps), *END)
            assert ours <= MOST * (minutes + sum(gaps) / 60) * A_MINUTE, (patience, needed)
            again = ["Settle", "ReleaseClose", "Closed"]
            back = transitions(*begun, *BACK, *LOOK * 2, *RETURNED, *again * len(gaps), "NotReleased")
            assert back <= MOST * (minutes + 5 + sum(gaps) / 60) * A_MINUTE, (patience, needed)


def test_a_settle_time_of_fifteen_minutes_is_seven_looks() -> None:
    assert settling(15, 15) == [45, 45, 90, 180, 300, 240]
    assert max(settling(240, 240)) == 300, "nobody learns of it later than five minutes after"


@pytest.mark.parametrize("window", [1, 5, 180])
@pytest.mark.parametrize("events", [0, 2])
def test_looks_at_more_traffic_are_not_polling(window: int, events: int) -> None:
    """Five looks at each of three hooks, then the answer; and events meanwhile that are of no use."""
    gathered = [*LOOK * 4, *LOOK * events, *a_hook()]
    ours = transitions(*PASS, *gathered * 3, *END)
    assert ours <= MOST * (5 + 3 * 4 * window + 5 * events) * A_MINUTE


def test_what_waits_without_an_event_is_looked_at_every_half_hour() -> None:
    for hours in range(1, 37):
        assert transitions(*PASS, *LOOK * (2 * hours), *END) <= 0.02 * (hours * 60) * A_MINUTE + 9


def test_a_wait_for_a_task_is_not_polling() -> None:
    """A check's task is looked at when its time is up; the shortest such wait costs as much as the shortest gap."""
    shortest = SHORTEST.total_seconds()
    assert shortest <= check.LEAST
    assert len(LOOK) <= MOST * shortest / 60 * A_MINUTE


def test_the_machine_is_not_known_to_the_repository_by_another_name() -> None:
    assert [path.name for path in Path(graph.FOLDER).glob("*.json")] == [f"{name}.asl.json" for name in MACHINES]


def test_the_diagram_in_the_documentation_is_the_machine() -> None:
    drawn = importlib.import_module("docs.draw_states").diagram(graph.load("release"))
    page = (graph.ROOT / "docs" / "releases.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{drawn}\n```" in page, "run `python docs/draw_states.py statemachines/release.asl.json`"
