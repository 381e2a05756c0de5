"""`breakwater surge` asks the scaler of the stack, and says what it answers."""

import io
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import surge
from cli.main import app

ANSWER = {
    "mode": "act",
    "service": "prod/web",
    "reason": "prod/web is as surge launch wants it: desired 12",
    "steps": [],
    "now": {"desired": 12},
    "surge": {"id": "launch", "until": "2026-03-02T11:00:00+00:00"},
}
ENTRY = {
    "service": "prod/web",
    "found": {"desired": 4},
    "set": {"desired": 12},
    "claims": [{"id": "launch", "desired": 12, "until": "2026-03-02T11:00:00+00:00", "by": "ada"}],
}


class FakeAccount:
    """A stack with a scaler that answers what it is told to."""

    def __init__(self, answer: dict[str, Any], failed: bool = False, outputs: bool = True) -> None:
        self.answer, self.failed, self.outputs = answer, failed, outputs
        self.asked: list[dict[str, Any]] = []

    def describe_stacks(self, **request: str) -> dict[str, Any]:
        output = {"OutputKey": "ScalerFunctionName", "OutputValue": "the-scaler"}
        return {"Stacks": [{"Outputs": [output] if self.outputs else []}]}

    def invoke(self, **request: Any) -> dict[str, Any]:
        assert request["FunctionName"] == "the-scaler"
        self.asked.append(json.loads(request["Payload"]))
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode())} | (
            {"FunctionError": "Unhandled"} if self.failed else {}
        )


def run(account: FakeAccount, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    monkeypatch.setattr(surge, "client", lambda service, region: account)
    return CliRunner().invoke(app, ["surge", *words])


def test_a_surge_is_started_with_what_was_said_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    account = FakeAccount(ANSWER)
    result = run(account, monkeypatch, "start", "prod", "web", "12", "--minutes", "60", "--id", "launch")
    assert account.asked == [
        {
            "action": "start",
            "cluster": "prod",
            "service": "web",
            "desired": 12,
            "minutes": 60,
            "id": "launch",
            "answer_errors": True,
        }
    ]
    assert result.exit_code == 0
    assert "prod/web (act): prod/web is as surge launch wants it" in result.stdout


def test_it_is_ended_and_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    account = FakeAccount(ANSWER)
    assert run(account, monkeypatch, "end", "prod", "web").exit_code == 0
    account.answer = {"mode": "act", "services": [ENTRY]}
    result = run(account, monkeypatch, "list")
    assert [each["action"] for each in account.asked] == ["end", "list"]
    assert "launch" in result.stdout
    assert json.loads(run(account, monkeypatch, "list", "--json").stdout)["services"] == [ENTRY]
    account.answer = {"mode": "act", "services": []}
    assert "No surge and no window is kept" in run(account, monkeypatch, "list").stdout


@pytest.mark.parametrize(
    ("account", "code", "said"),
    [
        pytest.param(
            FakeAccount({"error": "desired: -1 is not a whole number", "kind": "InvalidRequestError"}),
            2,
            "desired: -1 is not a whole number",
            id="a wrong request",
        ),
        pytest.param(
            FakeAccount({"error": "update prod/web: no", "kind": "RefusedError"}), 1, "no", id="refused by IAM"
        ),
        pytest.param(FakeAccount({"errorMessage": "timed out"}, failed=True), 1, "timed out", id="it broke"),
        pytest.param(FakeAccount({}, outputs=False), 1, "no output ScalerFunctionName", id="another stack"),
    ],
)
def test_what_goes_wrong_is_one_line_and_an_exit_code(
    account: FakeAccount, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(account, monkeypatch, "start", "prod", "web", "12", "--minutes", "60")
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
