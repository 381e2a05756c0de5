"""`breakwater explain` through its front door: the contract for programs, and the answer for people."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.support import EVENTS, load_event

CONTEXT = {
    "now": "2026-04-14T07:31:00Z",
    "account": "111122223333",
    "region": "eu-central-1",
    "essential": {"app": True},
    "deployment_in_progress": "ecs-svc/7001002003004005006",
}
FIELDS = {
    "file": str,
    "category": str,
    "nonzero_exit_alert": bool,
    "any_alert": bool,
    "severity": str,
    "cause": str,
    "counts_for_rollback": bool,
    "action": str,
    "reason": str,
}


def _run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["explain", *map(str, arguments)])


def _explain(folder: Path, contexts: dict[str, object], *arguments: object) -> list[dict[str, Any]]:
    file = folder / "context.json"
    file.write_text(json.dumps(contexts), encoding="utf-8")
    done = _run("--context", file, "--jsonl", *arguments)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def _write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_each_file_gets_one_line_in_the_order_given(tmp_path: Path) -> None:
    files = sorted(EVENTS.glob("*.json"))
    lines = _explain(tmp_path, {file.name: CONTEXT for file in files}, *files)
    assert [line["file"] for line in lines] == [file.name for file in files]
    for line in lines:
        assert {name: type(line[name]) for name in FIELDS} == FIELDS
        assert line["reason"].isprintable()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half"),
        pytest.param(b"\xff\xfe\x00\x01", id="bytes"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param(b"[1, 2]", id="a list"),
    ],
)
def test_a_malformed_file_gets_its_line(tmp_path: Path, content: bytes) -> None:
    bad = _write(tmp_path, "bad.json", content)
    good = EVENTS / "task_stopped_nonzero_exit.json"
    lines = _explain(tmp_path, {good.name: CONTEXT}, bad, good)
    assert [(line["category"], line["cause"]) for line in lines] == [
        ("none", "malformed"),
        ("task_failed", "app_error"),
    ]


def test_files_that_cannot_be_read_get_their_lines(tmp_path: Path) -> None:
    lines = _explain(tmp_path, {}, tmp_path / "absent.json", tmp_path)
    assert [(line["file"], line["cause"]) for line in lines] == [
        ("absent.json", "malformed"),
        (tmp_path.name, "malformed"),
    ]


@pytest.mark.parametrize(
    ("options", "second"),
    [pytest.param((), "app_error", id="alone"), pytest.param(("--sequence",), "duplicate", id="in sequence")],
)
def test_only_a_sequence_remembers(tmp_path: Path, options: tuple[str, ...], second: str) -> None:
    file = EVENTS / "task_stopped_nonzero_exit.json"
    lines = _explain(tmp_path, {file.name: CONTEXT}, *options, file, file)
    assert [line["cause"] for line in lines] == ["app_error", second]


def test_a_batch_gets_one_line_with_its_counts(tmp_path: Path) -> None:
    file = EVENTS / "sqs_batch_with_poison.json"
    (line,) = _explain(tmp_path, {file.name: CONTEXT}, file)
    assert (line["records"], line["alerts"], line["counts_for_rollback"]) == (3, 1, True)
    assert line["batch_item_failures"] == ["00000000-0000-4000-8000-000000000001"]


def test_a_batch_shares_the_memory_of_the_sequence(tmp_path: Path) -> None:
    single, batch = EVENTS / "task_stopped_nonzero_exit.json", EVENTS / "sqs_batch_with_poison.json"
    lines = _explain(tmp_path, {single.name: CONTEXT, batch.name: CONTEXT}, "--sequence", single, batch)
    assert (lines[1]["cause"], lines[1]["alerts"]) == ("duplicate", 0)


def test_every_key_of_the_context_is_used(tmp_path: Path) -> None:
    files = {
        "upload.json": load_event("object_created"),
        "run.json": load_event("scheduled_batch_run"),
        "revert.json": load_event("scheduled_scale_revert"),
        "hook.json": load_event("hook_awaiting_action"),
        "failed.json": load_event("deployment_failed"),
    }
    context = CONTEXT | {
        "uploads": [{"bucket": "shop-inbox", "prefix": "incoming/", "suffix": ".csv", "allowed_key": None, "run": "x"}],
        "jobs": [{"job": "invoice-run", "schedule": files["run.json"]["scheduleArn"]}],
        "surge": {"id": "s-17", "cluster": "shop", "service": "c", "previous": 2, "set_to": 6, "desired_now": 6},
        "smoke_test": True,
        "native_rollback": True,
        "deployment_is_rollback": None,
        "standalone": True,
        "a key of next year": 1,
    }
    paths = [_write(tmp_path, name, event) for name, event in files.items()]
    lines = _explain(tmp_path, dict.fromkeys(files, context), *paths)
    assert [line["action"] for line in lines] == ["run_task", "run_task", "scale_revert", "smoke_test", "stand_down"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{", "line 1, column 2", id="not JSON"),
        pytest.param("[]", "one object", id="not an object"),
        pytest.param('{"a.json": {"now": "soon"}}', "a.json.now: is not a time", id="no time"),
        pytest.param('{"a.json": {"essential": ["app"]}}', "a.json.essential", id="no map"),
        pytest.param('{"a.json": null}', "a.json", id="no context"),
        pytest.param(
            '{"a.json": {"uploads": [{"bucket": "b", "allowed_key": "("}]}}', "uploads.0.allowed_key", id="no pattern"
        ),
    ],
)
def test_a_context_that_cannot_be_used_is_wrong_usage(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "context.json"
    file.write_text(text, encoding="utf-8")
    done = _run("--context", file, "--jsonl", tmp_path / "a.json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--context", "absent.json", "x.json"], id="no context file"),
        pytest.param(["--jsonl"], id="no files"),
        pytest.param(["--unknown", "x.json"], id="an unknown option"),
        pytest.param(["--json", "--jsonl", "x.json"], id="both kinds of JSON"),
    ],
)
def test_wrong_usage_exits_with_two(arguments: list[str]) -> None:
    done = _run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")


def test_a_person_is_told_what_it_means_and_what_to_do() -> None:
    done = _run(EVENTS / "task_stopped_out_of_memory.json")
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    assert "Container app of checkout:118 ended with exit code 137" in text
    assert "1. Look at MemoryUtilization" in text
    assert "task_failed, high, cause oom" in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "No such file or directory", id="a mistyped name"),
        pytest.param("folder", "Is a directory", id="a directory"),
        pytest.param(b'{"a": 1,\n  b}', "line 2, column 3: not JSON: Expecting property name", id="bad JSON"),
        pytest.param(b'{"a": NaN}', "not JSON: NaN\n", id="a number that JSON has not"),
        pytest.param(b"", "line 1, column 1: not JSON", id="nothing in it"),
        pytest.param(b"[" * 100_000, "not JSON: nested too deep", id="nested too deep"),
        pytest.param(b'{"a": "\xff"}', "not UTF-8 text at byte 7", id="not text"),
    ],
)
def test_a_person_is_told_which_file_cannot_be_read_and_why_and_still_gets_the_others(
    tmp_path: Path, content: bytes | str | None, said: str
) -> None:
    bad = tmp_path / "bad.json"
    if isinstance(content, bytes):
        bad.write_bytes(content)
    elif content:
        bad.mkdir()

    done = _run(bad, EVENTS / "task_stopped_out_of_memory.json")

    assert done.exit_code == 2
    assert f"breakwater explain: {bad}: {said}" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "bad.json" not in done.stdout
    assert "task_failed, high, cause oom" in " ".join(done.stdout.split())


def test_json_is_one_object_with_the_answers_of_the_lines(tmp_path: Path) -> None:
    files = [EVENTS / "task_stopped_out_of_memory.json", EVENTS / "sqs_batch_with_poison.json"]

    done = _run("--json", *files)

    assert done.exit_code == 0
    answers = json.loads(done.stdout)["answers"]
    assert [answer.pop("error") for answer in answers] == [None, None]
    lines = [json.loads(line) for line in _run("--jsonl", *files).stdout.splitlines()]
    assert answers == lines


def test_json_says_for_each_file_why_it_cannot_be_read(tmp_path: Path) -> None:
    done = _run("--json", tmp_path / "absent.json", EVENTS / "task_stopped_out_of_memory.json")

    assert done.exit_code == 2
    absent, read = json.loads(done.stdout)["answers"]
    assert (absent["cause"], absent["error"]) == ("malformed", "No such file or directory")
    assert (read["cause"], read["error"]) == ("oom", None)
    assert "absent.json: No such file" in done.stderr


def test_an_event_that_windows_wrote_is_read(tmp_path: Path) -> None:
    event = b"\xef\xbb\xbf" + (EVENTS / "task_stopped_out_of_memory.json").read_bytes()
    (line,) = _explain(tmp_path, {}, _write(tmp_path, "a.json", event))
    assert line["cause"] == "oom"


def test_square_brackets_of_an_event_are_no_markup(tmp_path: Path) -> None:
    file = _write(tmp_path, "a.json", load_event("task_stopped_nonzero_exit", container_reason="[bold]x[/nope]"))
    assert "[bold]x[/nope]" in _run(file).stdout


def test_the_command_is_listed() -> None:
    done = CliRunner().invoke(app, ["--help"])
    assert done.exit_code == 0
    assert "explain" in done.stdout
