"""The front door of `breakwater replay`: what it takes for a recording, and how it says what is wrong with one."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.context import WrongUsageError
from cli.main import app
from cli.recording import read_recording

HOME, ELSEWHERE = "111122223333", "999988887777"
DEFINITION = f"arn:aws:ecs:us-east-1:{HOME}:task-definition/orders-api:42"


def event(minute: int = 5, account: str = HOME, **detail: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": f"e-{minute}-{account}",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": account,
        "region": "us-east-1",
        "time": f"2026-03-02T10:{minute:02}:07Z",
        "resources": [],
        "detail": {"lastStatus": "STOPPED", "taskDefinitionArn": DEFINITION, **detail},
    }


def recorded(path: Path, *lines: object) -> Path:
    """A recording with these lines: text as it stands, anything else as JSON."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def test_events_are_taken_in_the_order_of_their_own_time_and_not_of_the_lines(tmp_path: Path) -> None:
    scenario = read_recording(recorded(tmp_path / "r.jsonl", event(9), event(2), "", event(5))).stretch

    assert [delivery.at.minute for delivery in scenario.deliveries] == [2, 5, 9]
    assert scenario.start == datetime(2026, 3, 2, 10, 2, tzinfo=UTC)
    assert (scenario.end - scenario.deliveries[-1].at).total_seconds() >= 40 * 60  # all has its quiet time


def test_account_and_region_are_those_of_most_events(tmp_path: Path) -> None:
    path = recorded(tmp_path / "r.jsonl", event(1, ELSEWHERE), event(2), event(3))

    recording = read_recording(path)

    assert (recording.stretch.account, recording.stretch.region) == (HOME, "us-east-1")
    assert any("another account or Region" in note and ": 1." in note for note in recording.notes)


def test_account_and_region_can_be_said(tmp_path: Path) -> None:
    scenario = read_recording(recorded(tmp_path / "r.jsonl", event()), account=ELSEWHERE, region="eu-west-1").stretch

    assert (scenario.account, scenario.region) == (ELSEWHERE, "eu-west-1")


def test_unknown_task_definitions_are_said(tmp_path: Path) -> None:
    recording = read_recording(recorded(tmp_path / "r.jsonl", event()))

    assert any("orders-api:42" in note and "essential" in note for note in recording.notes)


@pytest.mark.parametrize("name", ["orders-api:42", DEFINITION], ids=["by name", "by ARN"])
def test_the_context_says_which_containers_are_essential(tmp_path: Path, name: str) -> None:
    context = tmp_path / "context.json"
    context.write_text(json.dumps({"task_definitions": {name: {"app": True, "envoy": False}}}), encoding="utf-8")

    recording = read_recording(recorded(tmp_path / "r.jsonl", event()), context)

    (definition,) = recording.stretch.task_definitions
    assert definition["taskDefinitionArn"] == DEFINITION
    assert {each["name"]: each["essential"] for each in definition["containerDefinitions"]} == {
        "app": True,
        "envoy": False,
    }
    assert not any("essential" in note for note in recording.notes)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param('{"a":', "line 2: not JSON", id="cut off"),
        pytest.param("[1]", "line 2: not an event but a JSON list", id="a list"),
        pytest.param('{"detail": {}}', "line 2: not an EventBridge event, it has no source", id="no envelope"),
        pytest.param({**event(), "time": "yesterday"}, "line 2: time 'yesterday' is not a time", id="no time"),
        pytest.param({**event(), "pad": "x" * 262_144}, "line 2: larger than", id="too large"),
        pytest.param("[" * 100_000, "line 2: not JSON", id="nested too deep"),
    ],
)
def test_a_bad_line_is_one_error_that_names_file_and_line(tmp_path: Path, line: object, said: str) -> None:
    path = recorded(tmp_path / "r.jsonl", event(), line)

    result = CliRunner().invoke(app, ["replay", str(path)])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{path}, {said}" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps(event(), indent=2), id="pretty-printed"),
        pytest.param(json.dumps([event()]), id="an array"),
        pytest.param("[\n" + json.dumps(event()) + "\n]", id="an array, one event per line"),
        pytest.param(json.dumps([{**event(), "pad": "x" * 262_144}]), id="a large array"),
    ],
)
def test_a_file_of_another_shape_is_told_that_each_event_has_a_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(WrongUsageError, match=r"line 1: .*one event per line"):
        read_recording(recorded(tmp_path / "r.jsonl", text))


def test_files_that_windows_wrote_are_read(tmp_path: Path) -> None:
    path, context = tmp_path / "r.jsonl", tmp_path / "context.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(event()).encode() + b"\r\n" + json.dumps(event(6)).encode() + b"\r\n")
    context.write_bytes(b"\xef\xbb\xbf" + json.dumps({"task_definitions": {"orders-api:42": {"app": True}}}).encode())

    scenario = read_recording(path, context).stretch

    assert (len(scenario.deliveries), len(scenario.task_definitions)) == (2, 1)


def at(time: str) -> dict[str, Any]:
    return {**event(), "time": time}


@pytest.mark.parametrize("far", ["1900-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_recording_of_more_than_a_month_is_wrong_usage_that_names_its_first_and_last_line(
    tmp_path: Path, far: str
) -> None:
    path = recorded(tmp_path / "r.jsonl", event(1), at(far), event(9))

    result = CliRunner().invoke(app, ["replay", str(path)])

    assert (result.exit_code, result.stdout) == (2, "")
    first, last = (2, 3) if far < "2026" else (1, 2)
    assert re.search(rf"from line {first} \(.*\) to line {last} \(.*\): .* 31 days", result.stderr)
    assert far[:10] in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_at_which_there_was_no_ecs_is_refused_also_alone(tmp_path: Path, time: str) -> None:
    with pytest.raises(WrongUsageError, match=f"line 1: time '{time}'"):
        read_recording(recorded(tmp_path / "r.jsonl", at(time)))


def test_a_month_is_not_too_long(tmp_path: Path) -> None:
    path = recorded(tmp_path / "r.jsonl", at("2026-03-31T23:59:59Z"), at("2026-03-01T00:00:00Z"))

    assert [delivery.at.day for delivery in read_recording(path).stretch.deliveries] == [1, 31]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", "no events in it", id="empty"),
        pytest.param(b"\xff\xfe", "not UTF-8", id="not text"),
        pytest.param(None, "No such file", id="missing"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: str | bytes | None, said: str) -> None:
    path = tmp_path / "r.jsonl"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(WrongUsageError, match=said):
        read_recording(path)


@pytest.mark.parametrize(
    ("context", "said"),
    [
        pytest.param('{"task_definition": {}}', "task_definition", id="unknown key"),
        pytest.param('{"task_definitions": {"orders-api": {"app": true}}}', "not family:revision", id="no revision"),
        pytest.param('{"task_definitions": {"orders-api:42": {"app": "yes"}}}', "orders-api:42.app", id="no boolean"),
        pytest.param("{", "JSON", id="not JSON"),
    ],
)
def test_a_wrong_context_is_refused_with_the_place(tmp_path: Path, context: str, said: str) -> None:
    file = tmp_path / "context.json"
    file.write_text(context, encoding="utf-8")

    with pytest.raises(WrongUsageError, match=said):
        read_recording(recorded(tmp_path / "r.jsonl", event()), file)
