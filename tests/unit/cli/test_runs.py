"""`breakwater runs` through its front door, against a table on moto with runs in it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from breakwater.run_store import Change, KeptLane, RunStore
from breakwater.runs import Lane, Outcome, Phase, Run, RunKind
from cli import runs
from cli.main import app
from tests.fakes.batch import NOON
from tests.fakes.moto_table import moto_table


class FakeCloudFormation:
    """One stack, `breakwater`. moto's needs packages that are not here."""

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803  # the API's name
        if StackName != "breakwater":
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
        return {"Stacks": [{"Outputs": [{"OutputKey": "TableName", "OutputValue": "table"}]}]}


class FakeSession:
    """The caller's session: DynamoDB of moto, and the one stack."""

    def client(self, service: str) -> Any:
        return FakeCloudFormation() if service == "cloudformation" else boto3.client("dynamodb")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunStore]:
    monkeypatch.setattr(runs, "session_of", lambda region: FakeSession())
    with moto_table() as table:
        yield RunStore(table)


def a_run(number: int, outcome: Outcome | None, **changes: Any) -> Run:
    due = NOON + timedelta(days=number)
    run = Run(f"{due:%Y%m%dT%H%M%SZ}-0", "nightly", RunKind.JOB, f"run {number}", due, due)
    run = replace(run, attempt=1, started_at=due, phase=Phase.RUNNING, **changes)
    if outcome is None:
        return run
    return replace(run, phase=Phase.DONE, outcome=outcome, ended_at=due + timedelta(minutes=3, seconds=7))


def kept(store: RunStore, *made: Run) -> None:
    for run in made:
        store.keep(Change(runs=[(run, None)]), NOON)


def asked(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["runs", *arguments], env={"COLUMNS": "200"})


def test_the_runs_of_a_job_are_shown_the_newest_first_with_how_they_ended(store: RunStore) -> None:
    kept(store, a_run(0, Outcome.SUCCEEDED, exit_code=0), a_run(1, Outcome.FAILED, exit_code=4, reason="bad [red]"))
    done = asked("nightly")
    lines = [line for line in done.stdout.splitlines() if "2026-" in line]
    assert [("failed" in line, "succeeded" in line) for line in lines] == [(True, False), (False, True)]
    assert all(word in lines[0] for word in ("2026-04-15 12:00:00", " 4 ", "3:07", "bad [red]"))
    assert done.exit_code == 1, "the newest run failed"


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        pytest.param([Outcome.FAILED, Outcome.SUCCEEDED], 0, id="the newest succeeded"),
        pytest.param([Outcome.SUCCEEDED, Outcome.MISSED], 1, id="the newest was missed"),
        pytest.param([Outcome.FAILED, None], 1, id="the newest that is over failed"),
        pytest.param([], 0, id="none yet"),
    ],
)
def test_the_exit_code_tells_of_the_newest_run_that_is_over(
    store: RunStore, outcomes: list[Outcome | None], code: int
) -> None:
    kept(store, *(a_run(number, outcome) for number, outcome in enumerate(outcomes)))
    assert asked("nightly").exit_code == code
    assert asked("nightly", "--json").exit_code == code


def test_programs_get_one_object_with_whole_records(store: RunStore) -> None:
    kept(store, *(a_run(number, Outcome.SUCCEEDED, exit_code=0) for number in range(3)))
    answer = json.loads(asked("nightly", "--json", "--limit", "2").stdout)
    assert [run["due"] for run in answer["runs"]] == ["2026-04-16T12:00:00Z", "2026-04-15T12:00:00Z"]
    assert answer["runs"][0]["exit_code"] == 0
    assert "identity" not in answer["runs"][0]


def test_without_a_job_the_last_of_each_is_shown(store: RunStore) -> None:
    lane = Lane("nightly", active=("a",), last_outcome=Outcome.MISSED, last_at=NOON)
    store.keep(Change(lane=(lane, KeptLane(Lane("nightly")))), NOON)
    done = asked()
    assert done.exit_code == 1
    assert all(word in done.stdout for word in ("nightly", "missed", "2026-04-14 12:00:00"))
    assert json.loads(asked("--json").stdout)["jobs"][0]["active"] == ["a"]


def test_a_stack_that_is_not_there_is_wrong_usage(store: RunStore) -> None:
    done = asked("nightly", "--stack", "nowhere")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "look for the stack nowhere" in done.stderr
