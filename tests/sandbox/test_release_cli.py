"""`breakwater release` as a person uses it, against the stack in the sandbox: the machine, its events, its mails."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from breakwater.errors import RefusedError
from breakwater.store import Put
from cli import release
from cli.main import app
from cli.release_account import Account
from sandbox import iam
from sandbox.account import Account as SandboxAccount
from sandbox.roles import Role
from sandbox.states.machines import Execution
from tests.sandbox.release_stage import BEFORE_STEPS, BLUE_GREEN, CANARY, CHECKED, MINUTE, Shop, Street, metrics, smoke

DOCUMENT = Path(__file__).parents[2] / "docs" / "releases.md"
BOTH = (("smoke", "http", smoke()), ("metrics", "metrics", metrics()))


@pytest.fixture(autouse=True)
def no_sockets(socket_enabled: None) -> None:
    """Checks reach servers on this machine's loopback; the sandbox refuses every other connection."""


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with Street() as made:
        yield made


@pytest.fixture(autouse=True)
def account(street: Street, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The caller's account; while the command line waits, time passes in the sandbox."""
    outputs = street.account.outputs
    found = Account(
        street.account.client,
        outputs["ReleaseStateMachineArn"],
        outputs["TableName"],
        outputs["ReportBucketName"],
        sleep=lambda seconds: street.account.advance(timedelta(seconds=seconds)),
        now=lambda: street.account.now,
    )
    monkeypatch.setattr(release, "make_account", lambda stack, region: found)
    return found


@dataclass(frozen=True)
class Caller:
    """Somebody with a role of their own: what they call is allowed by it, and noted by the gate."""

    role: Role
    logical_id: str = "Caller"


@dataclass(frozen=True)
class Speaking:
    """A client whose calls are made by somebody."""

    client: Any
    account: SandboxAccount
    caller: Caller

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if name == "meta":
            return found

        def call(**asked: Any) -> Any:
            before = self.account.acting
            self.account.acting = self.caller  # type: ignore[assignment]  # who calls: all that the gate wants is a role
            try:
                return found(**asked)
            finally:
                self.account.acting = before

        return call


def documented(street: Street) -> list[dict[str, Any]]:
    """The policy of docs/releases.md for this account."""
    [text] = re.findall(r"```json\n(\{\n  \"Version\".*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    there = street.account.account
    for name, value in (
        ("REGION", there.region),
        ("ACCOUNT", there.id),
        ("TABLE", street.account.outputs["TableName"]),
    ):
        text = re.sub(rf"\b{name}\b", value, text)
    found: list[dict[str, Any]] = json.loads(text.replace("role/ROLE", "role/task"))["Statement"]
    return found


def limited(street: Street, account: Account, without: str = "") -> Account:
    """The account as one sees it who has the documented rights, but for the statement that is left out."""
    statements = [one for one in documented(street) if one["Sid"] != without]
    role = Role("person", "arn:aws:iam::111122223333:role/person", (), iam.parse({"Statement": statements}, "docs"))
    caller = Caller(role)
    return replace(account, client=lambda name: Speaking(account.client(name), street.account.account, caller))


def breakwater(*words: str) -> Result:
    return CliRunner().invoke(app, ["release", *words], catch_exceptions=False)


def begun(street: Street, shop: Shop) -> Execution:
    """The execution that the command line has started, once it is admitted."""
    execution = street.account.executions[-1]
    shop.until(lambda: shop.items(f"RELEASE#{execution.arn}"))
    return execution


def in_doubt(street: Street, settings: dict[str, Any] = BLUE_GREEN, **more: Any) -> tuple[Shop, Execution]:
    """A release that asks a person, because the checker itself is in trouble."""
    shop = Shop(street, settings, **more)
    street.account.sites.resolving = False
    shop.register()
    execution = shop.start()
    shop.until(lambda: shop.items(f"RELEASE#{execution.arn}") and shop.record(execution)["question"])
    street.account.sites.resolving = True
    return shop, execution


def told_command(street: Street, shop: Shop) -> list[str]:
    """The words of the command in the mail that asks, as a shell would read the line."""
    street.account.advance(2 * MINUTE)
    [mail] = [mail for mail in shop.mails() if "breakwater release" in mail]
    [command] = re.findall(r"`(breakwater release approve [^`\n]+)`", mail)
    words = shlex.split(command)
    assert words[:2] == ["breakwater", "release"]
    return words[2:]


def test_an_image_is_registered_released_and_watched_to_its_end(street: Street, account: Account) -> None:
    shop = Shop(street)
    what = ("start", f"prod/{shop.name}", "--image", f"{shop.name}:2", "--reason", "ticket 7")
    done = breakwater(*what, "--watch", "--interval", "60")
    assert done.exit_code == 0, done.output
    execution = street.account.executions[-1]
    assert (execution.status, shop.revision) == ("SUCCEEDED", 2)
    assert shop.record(execution)["requested_by"] == account.caller()
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{shop.name}:2 is registered and on its way to prod/{shop.name} as prod-{shop.name}-2-")
    told = [line.partition("  ")[2].partition(":")[0] for line in lines if re.match(r"\d\d:\d\d:\d\d  ", line)]
    assert [what for what in dict.fromkeys(told) if what in {*shop.said(execution)}] == shop.said(execution)
    assert lines[-2].startswith("Released after ")
    bucket, _, key = lines[-1].removeprefix("s3://").partition("/")
    assert street.account.client("s3").head_object(Bucket=bucket, Key=key)
    before, after = (
        shop.ecs.describe_task_definition(taskDefinition=f"{shop.name}:{number}")["taskDefinition"] for number in (1, 2)
    )
    other = {"taskDefinitionArn", "revision", "registeredAt", "containerDefinitions"}
    assert {key: value for key, value in before.items() if key not in other} == {
        key: value for key, value in after.items() if key not in other
    }


def test_the_command_in_the_notification_answers_it(street: Street, account: Account) -> None:
    shop, execution = in_doubt(street)
    words = told_command(street, shop)
    done = breakwater(*words, "--reason", "seen by hand")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"Approved: prod/{shop.name} goes on although")
    again = breakwater(*words)
    assert again.exit_code == 1
    assert "already by" in again.stderr or "nothing to approve" in again.stderr
    shop.over(execution)
    assert (execution.status, shop.revision) == ("SUCCEEDED", 2)
    reasons = [line["reason"] for line in shop.record(execution)["lines"]]
    assert any(f"approved by {account.caller()} (seen by hand)" in reason for reason in reasons)
    late = breakwater(*words)
    assert (late.exit_code, late.stdout) == (1, "")
    assert "too late" in late.stderr


def test_abort_in_place_of_approve_sends_it_back(street: Street, account: Account) -> None:
    shop, execution = in_doubt(street)
    _, *deployment = told_command(street, shop)
    done = breakwater("abort", *deployment, "--watch", "--interval", "60", "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.exit_code, told[0]["kept"], told[-1]["kind"]) == (1, True, "end")
    assert (told[-1]["outcome"], told[-1]["good"], shop.revision) == ("Returned", False, 1)
    assert f"aborted by {account.caller()}" in str(execution.cause)
    late = breakwater("abort", *deployment)
    assert (late.exit_code, "too late" in late.stderr) == (1, True)


def test_what_is_asked_later_is_not_approved_by_an_earlier_word_and_an_abort_is_good_after_it(street: Street) -> None:
    shop, execution = in_doubt(street, CANARY, pauses=(CHECKED, BEFORE_STEPS), checks=BOTH)
    first = shop.record(execution)["question"]["at"]
    assert breakwater("approve", f"prod/{shop.name}").exit_code == 0
    shop.until(lambda: (shop.record(execution)["question"] or {}).get("at", first) != first)  # no traffic, no metrics
    street.account.advance(11 * MINUTE)  # two sweeps
    assert (shop.record(execution)["question"] is not None, shop.weights) == (True, [90, 10])
    done = breakwater("abort", f"prod/{shop.name}", "--watch", "--interval", "60")
    assert (done.exit_code, execution.error, shop.weights) == (1, "Returned", [100, 0]), done.output


def test_a_release_is_aborted_in_its_shift_by_the_name_of_its_service(street: Street) -> None:
    shop = Shop(street, CANARY, pauses=(CHECKED, BEFORE_STEPS), checks=BOTH)
    shop.traffic(per_second=4, hours=1)
    shop.register()
    assert breakwater("start", shop.name, "--cluster", "prod", "--task-definition", f"{shop.name}:2").exit_code == 0
    begun(street, shop)
    shop.until(lambda: shop.weights == [90, 10])
    early = breakwater("approve", f"prod/{shop.name}")
    assert (early.exit_code, "asks nobody: there is nothing to approve" in early.stderr) == (1, True)
    second = breakwater("start", f"prod/{shop.name}", "--image", f"{shop.name}:3")
    assert (second.exit_code, "is under way: breakwater release watch" in second.stderr) == (1, True)
    done = breakwater("abort", f"prod/{shop.name}", "--watch", "--interval", "60")
    assert done.exit_code == 1, done.output
    assert "Returned after " in done.stdout
    assert shop.weights == [100, 0]
    assert len(shop.ecs.list_task_definitions(familyPrefix=shop.name)["taskDefinitionArns"]) == 2
    over = breakwater("watch", street.account.executions[-1].name, "--jsonl")
    assert (over.exit_code, json.loads(over.stdout.splitlines()[-1])["outcome"]) == (1, "Returned")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(("watch", "prod/nothing"), 2, "no release of prod/nothing is under way", id="no release"),
        pytest.param(("abort", "prod/nothing"), 2, "no release of prod/nothing is under way", id="none to abort"),
        pytest.param(("approve", "no-such-execution"), 2, "no release no-such-execution", id="no such execution"),
        pytest.param(("watch", "no-such-execution"), 2, "there is no release no-such-execution", id="none to watch"),
        pytest.param(
            ("watch", "arn:aws:states:us-east-1:111122223333:execution:other:x"),
            2,
            "is no release of this stack",
            id="another machine's execution",
        ),
        pytest.param(
            ("approve", "arn:aws:ecs:us-east-1:111122223333:service-deployment/prod/s1/gone"),
            1,
            "too late: the deployment gone cannot be seen",
            id="a deployment that is not there",
        ),
        pytest.param(("approve", "a/b/c"), 2, "is neither an execution", id="nothing that could be meant"),
    ],
)
def test_whom_nobody_hears_is_told_so(words: tuple[str, ...], code: int, said: str) -> None:
    done = breakwater(*words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr


def test_who_stops_watching_leaves_the_release_alone(
    street: Street, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(street)
    shop.register()
    execution = shop.start()

    def pressed(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(release, "make_account", lambda stack, region: replace(account, sleep=pressed))
    done = breakwater("watch", execution.name)
    assert done.exit_code == 130
    assert "the release goes on" in done.stderr
    assert f"breakwater release abort {execution.name}" in done.stderr
    assert execution.status == "RUNNING"


def test_the_documented_rights_are_enough_and_each_of_them_is_used(
    street: Street, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "make_account", lambda stack, region: limited(street, account))
    shop = Shop(street, roles=True)
    done = breakwater("start", f"prod/{shop.name}", "--image", f"{shop.name}:2")
    assert done.exit_code == 0, done.output
    begun(street, shop)
    done = breakwater("abort", f"prod/{shop.name}", "--watch", "--interval", "60")
    assert (done.exit_code, shop.revision) == (1, 1), done.output
    assert "Returned after" in done.output
    used = {(call.service, call.operation) for call in street.account.calls.log if call.function == "Caller"}
    actions = {action for one in documented(street) for action in as_list(one["Action"])}
    prefix = {"stepfunctions": "states"}
    elsewhere = {"cloudformation:DescribeStacks", "iam:PassRole", "sts:GetCallerIdentity"}
    assert {f"{prefix.get(service, service)}:{name}" for service, name in used} - elsewhere == actions - elsewhere


def test_who_lacks_a_right_is_told_so_or_gets_less(
    street: Street, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(street)
    shop.register()

    def without(right: str, *words: str) -> tuple[int, str]:
        monkeypatch.setattr(release, "make_account", lambda stack, region: limited(street, account, right))
        done = breakwater(*words)
        return done.exit_code, done.output

    asked = ("start", f"prod/{shop.name}", "--task-definition", f"{shop.name}:2")
    code, said = without("Start", *asked)
    assert (code, "start the execution: AccessDenied" in said) == (1, True), said
    code, said = without("WatchAndFind", *asked)
    assert (code, "is on its way" in said) == (0, True), said
    execution = begun(street, shop)
    shop.until(lambda: shop.record(execution)["service_deployment"])
    code, said = without("WatchLive", "watch", execution.name, "--minutes", "1", "--interval", "60")
    assert (code, "begun: " in said, "tasks of the new revision" in said) == (1, True, False), said
    code, said = without("Answer", "abort", execution.name)
    assert (code, "AccessDenied" in said) == (1, True), said
    code, said = without("AnswerAtOnce", "abort", execution.name)
    assert (code, "the sweep does so within five minutes" in said) == (0, True), said
    shop.over(execution)
    assert (execution.error, shop.revision) == ("Returned", 1)


def test_the_documented_rights_reach_nothing_else_in_the_table(street: Street, account: Account) -> None:
    table = limited(street, account).table
    with pytest.raises(RefusedError):
        table.get_many([("POLICY", "COMPILED")])
    with pytest.raises(RefusedError):
        table.write(Put({"pk": "POLICY", "sk": "COMPILED", "doc": "{}"}))


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_command_of_the_native_hook_answers_it_though_no_release_is_there(street: Street, account: Account) -> None:
    outputs = street.account.outputs
    hook = {
        "hookTargetArn": outputs["DeploymentHookFunctionArn"],
        "roleArn": outputs["DeploymentHookRoleArn"],
        "lifecycleStages": [CHECKED],
    }
    shop = Shop(street, pauses=(), hooks=(hook,))
    street.account.sites.resolving = False
    shop.update(taskDefinition=shop.register())
    shop.until(lambda: any("breakwater release" in mail for mail in shop.mails()))
    street.account.sites.resolving = True
    words = told_command(street, shop)
    done = breakwater(*words)
    assert (done.exit_code, "hears of it" in done.stdout) == (0, True), done.output
    shop.settle()
    assert shop.revision == 2
    late = breakwater(*words)
    assert (late.exit_code, "too late" in late.stderr) == (1, True), late.output
