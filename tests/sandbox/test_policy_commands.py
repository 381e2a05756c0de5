"""`breakwater policy` against the stack in the sandbox, with the caller's own credentials."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import cli.policy
from cli.main import app
from cli.policy_account import Account
from tests.sandbox.policy_stack import EMPTY, FULL, PolicyStack, deployed


def breakwater(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["policy", *map(str, words)])


@pytest.fixture
def full(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(FULL)
    return path


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[PolicyStack]:
    with deployed() as found:
        sandbox = found.sandbox
        function = sandbox.account.functions.get("PolicySyncFunction")
        assert function is not None
        account = Account(
            sandbox.client,
            found.bucket,
            sandbox.outputs["TableName"],
            lambda: dict(function.environment),
            lambda seconds: sandbox.advance(timedelta(seconds=seconds)),
        )
        monkeypatch.setattr(cli.policy, "make_account", lambda name: account)
        yield found


def test_push_waits_for_the_outcome_and_empty_leaves_nothing_behind(stack: PolicyStack, full: Path) -> None:
    before = (stack.schedules(), stack.rules())
    pushed = breakwater("push", full)
    assert pushed.exit_code == 0, pushed.output
    assert "create schedule nightly: cron(0 3 * * ? *) Europe/Berlin" in pushed.output
    assert pushed.output.endswith("The document is applied.\n")
    assert stack.ours() == (["hourly", "nightly"], ["prices"])
    emptied = breakwater("push", "--empty", "--json")
    assert emptied.exit_code == 0
    assert json.loads(emptied.output)["outcome"] == "applied"
    assert (stack.schedules(), stack.rules()) == before


def test_diff_is_what_push_then_does(stack: PolicyStack, full: Path) -> None:
    planned = breakwater("diff", full, "--json")
    assert planned.exit_code == 0, planned.output
    pushed = json.loads(breakwater("push", full, "--json").output)
    assert [
        change for change in json.loads(planned.output)["changes"] if change.split()[1] in ("schedule", "rule")
    ] == (pushed["changes"])
    again = breakwater("diff", full)
    assert (again.exit_code, again.output) == (0, "Nothing to change.\n")


def test_a_document_that_the_stack_cannot_apply_in_full_is_bad_news(stack: PolicyStack, full: Path) -> None:
    stack.sandbox.fail("events", "PutRule", "ThrottlingException")
    pushed = breakwater("push", full)
    assert pushed.exit_code == 1
    assert "ThrottlingException" in pushed.output


def test_nothing_heard_in_time_is_bad_news(stack: PolicyStack, full: Path) -> None:
    stack.sandbox.chaos(drop=1.0)
    pushed = breakwater("push", full, "--wait", "10")
    assert (pushed.exit_code, "nothing heard of it in 10 s" in pushed.output) == (1, True)


def test_a_wrong_document_is_never_handed_over(stack: PolicyStack, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("version: 1\njob: []\n")
    pushed = breakwater("push", tmp_path / "p.yaml")
    assert pushed.exit_code == 1
    assert 'p.yaml:2: job: unknown key; did you mean "jobs"?' in pushed.output
    assert stack.s3.list_objects_v2(Bucket=stack.bucket).get("KeyCount") == 0


def test_check_looks_at_buckets_and_task_definitions_if_it_is_told_to(stack: PolicyStack, full: Path) -> None:
    stack.s3.create_bucket(Bucket="shop-inbox")
    assert breakwater("check", full).exit_code == 0
    looked = breakwater("check", full, "--live")
    assert looked.exit_code == 1
    assert looked.output.splitlines() == [
        "bucket shop-inbox: its notifications to EventBridge are off, so no upload is ever heard of",
        "task definition ingest: there is none",
        "task definition report: there is none",
    ]


def test_diff_compares_two_documents_without_any_account(full: Path, tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(EMPTY + "services: [{match: prod/web}]\n")
    shown = breakwater("diff", full, "--against", tmp_path / "old.yaml")
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert "create schedule hourly: rate(1 hour) UTC: not there yet" in lines
    assert "put rule breakwater-upload-prices: not there yet" in lines
    assert "remove the rules of services prod/web" in lines
    assert "change the rules of services that no entry matches" in lines
    assert "canary" not in shown.output


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("check", "/nowhere.yaml"), id="no such file"),
        pytest.param(("push",), id="nothing to push"),
        pytest.param(("push", "x.yaml", "--empty"), id="two things to push"),
        pytest.param(("check",), id="no file"),
        pytest.param(("lint", "x.yaml"), id="no such command"),
    ],
)
def test_wrong_usage_is_two(words: tuple[str, ...]) -> None:
    assert breakwater(*words).exit_code == 2
