"""`breakwater release start` through its front door: what is wrong is refused before any call, what runs is named."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError, ProfileNotFound
from typer.testing import CliRunner, Result

from breakwater.errors import BreakwaterError
from breakwater.release_claims import Claims
from cli import release
from cli.context import WrongUsageError
from cli.main import app
from cli.release_account import Account
from cli.release_image import checked_image, chosen_container, with_image
from tests.fakes.table import FakeTable

NOON = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)
STATES = "arn:aws:states:eu-central-1:111122223333:"
MACHINE = f"{STATES}stateMachine:breakwater-release"
ANN = "arn:aws:sts::111122223333:assumed-role/Admin/ann"


class FakeStates:
    """Step Functions with the rules on names: the same again while it runs is the same, after that it is refused."""

    def __init__(self) -> None:
        self.executions: dict[str, dict[str, Any]] = {}
        self.refused = ""

    def start_execution(self, **asked: str) -> dict[str, Any]:
        if self.refused:
            raise ClientError({"Error": {"Code": self.refused, "Message": "no"}}, "StartExecution")
        arn = f"{STATES}execution:breakwater-release:{asked['name']}"
        there = self.executions.setdefault(arn, {"status": "RUNNING", "startDate": NOON, "input": asked["input"]})
        if (there["status"], there["input"]) != ("RUNNING", asked["input"]):
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists", "Message": arn}}, "StartExecution")
        return {"executionArn": arn}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803  # the API's name
        if executionArn not in self.executions:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": "no"}}, "DescribeExecution")
        return self.executions[executionArn]

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": ANN}


@dataclass(frozen=True, slots=True)
class InMemory(Account):
    """An account whose table is in memory."""

    kept: FakeTable = field(default_factory=FakeTable)

    @property
    def table(self) -> FakeTable:
        return self.kept


class House:
    """The caller's account, made up, and how often it was asked for."""

    def __init__(self) -> None:
        self.states, self.table = FakeStates(), FakeTable()
        self.asked = 0

    def account(self, stack: str, region: str | None) -> Account:
        self.asked += 1
        return InMemory(lambda service: self.states, MACHINE, "table", now=lambda: NOON, kept=self.table)

    def claim(self, service: str, execution: str) -> None:
        Claims(self.table).claim(service, execution, NOON)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    made = House()
    monkeypatch.setattr(release, "make_account", made.account)
    return made


def start(*words: str) -> Result:
    return CliRunner().invoke(app, ["release", "start", *words])


GOOD = ("prod/web", "--task-definition", "web:43")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        pytest.param(("web", "--task-definition", "web:43"), "service:", id="no cluster"),
        pytest.param(("prod/we b", "--task-definition", "web:43"), "service:", id="no service's name"),
        pytest.param(("prod/web", "--task-definition", "web"), "task-definition:", id="no revision"),
        pytest.param(("prod/web", "--task-definition", "web:latest"), "task-definition:", id="a word for a revision"),
        pytest.param(("prod/web",), "--task-definition or --image", id="nothing to release"),
        pytest.param((*GOOD, "--image", "web:2"), "--task-definition or --image", id="two things to release"),
        pytest.param(("prod/web", "--image", "we b"), "image:", id="no image"),
        pytest.param((*GOOD, "--container", "app"), "container:", id="a container without an image"),
        pytest.param((*GOOD, "--mode", "perhaps"), "mode:", id="no mode"),
        pytest.param((*GOOD, "--by", "a\nb"), "by:", id="two lines"),
        pytest.param((*GOOD, "--reason", "x" * 501), "reason:", id="too long a reason"),
        pytest.param((*GOOD, "--cluster", "test"), "cluster:", id="two clusters"),
        pytest.param((*GOOD, "--id", ""), "id:", id="an empty id"),
    ],
)
def test_a_wrong_request_is_refused_before_any_call_and_names_what_is_wrong(
    words: tuple[str, ...], field: str, house: House
) -> None:
    done = start(*words)
    assert (done.exit_code, done.stdout, house.asked) == (2, "", 0)
    assert field in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_is_started_is_the_machines_own_input_and_the_callers_name(house: House) -> None:
    done = start(*GOOD, "--reason", "ticket 7")
    assert done.exit_code == 0, done.output
    [(arn, execution)] = house.states.executions.items()
    assert json.loads(execution["input"]) == {
        "service": "prod/web",
        "task_definition": "web:43",
        "requested_by": ANN,
        "mode": "act",
        "reason": "ticket 7",
    }
    name = arn.rpartition(":")[2]
    assert name.startswith("prod-web-43-")
    assert f"breakwater release watch {name}\n" in done.stdout
    assert f"breakwater release abort {name}\n" in done.stdout


def test_what_a_release_is_started_in_spite_of_is_part_of_its_input(house: House) -> None:
    assert start(*GOOD, "--despite-quarantine", "--despite-alarms").exit_code == 0
    [execution] = house.states.executions.values()
    request = json.loads(execution["input"])
    assert (request["despite_quarantine"], request["despite_alarms"]) == (True, True)


def test_the_commands_that_are_shown_name_the_same_stack_and_region(house: House) -> None:
    done = start(*GOOD, "--stack", "other", "--region", "eu-west-1", "--json")
    told = json.loads(done.stdout)
    assert told["commands"]["watch"].endswith(" --stack other --region eu-west-1")
    assert told["execution"] in house.states.executions


def test_said_twice_in_a_minute_it_is_one_release(house: House) -> None:
    first = json.loads(start(*GOOD, "--json").stdout)
    house.claim("prod/web", first["execution"])
    assert json.loads(start(*GOOD, "--json").stdout) == first
    assert len(house.states.executions) == 1


def test_an_id_is_one_release_for_good(house: House) -> None:
    arn = json.loads(start(*GOOD, "--id", "build 7", "--json").stdout)["execution"]
    house.states.executions[arn]["status"] = "FAILED"
    again = start("prod/web", "--image", "web:2", "--id", "build 7")
    assert again.exit_code == 1
    assert f"the release with this id is FAILED: breakwater release watch {arn.rpartition(':')[2]}" in again.stderr


def test_a_release_under_way_is_named_and_nothing_is_started(house: House) -> None:
    other = f"{STATES}execution:breakwater-release:other"
    house.states.executions[other] = {"status": "RUNNING", "startDate": NOON, "input": "{}"}
    house.claim("prod/web", other)
    done = start(*GOOD)
    assert (done.exit_code, list(house.states.executions)) == (1, [other])
    assert "breakwater release watch other" in done.stderr


def test_a_claim_that_an_execution_left_behind_holds_nobody_up(house: House) -> None:
    house.claim("prod/web", f"{STATES}execution:breakwater-release:gone")
    assert start(*GOOD).exit_code == 0


def test_who_may_not_start_one_is_told_so(house: House) -> None:
    house.states.refused = "AccessDeniedException"
    done = start(*GOOD)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "start the execution: AccessDeniedException" in done.stderr


@pytest.mark.parametrize(
    "image",
    ["web", "web:2", "shop/web:v1.2", "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/web@sha256:" + "a" * 64],
)
def test_an_image_may_be_said_as_docker_says_it(image: str) -> None:
    assert checked_image(image) == image


@pytest.mark.parametrize("image", ["", ":2", "web:", "web:2;rm", "-v", "web web", "web@@x", "a" * 600])
def test_what_is_no_image_is_refused(image: str) -> None:
    with pytest.raises(WrongUsageError, match="image:"):
        checked_image(image)


@pytest.mark.parametrize(
    ("names", "asked", "behind", "chosen"),
    [
        pytest.param(["app"], None, [], "app", id="the only one"),
        pytest.param(["app", "envoy"], None, ["app"], "app", id="the one behind the load balancer"),
        pytest.param(["app", "envoy"], "envoy", ["app"], "envoy", id="the one asked for"),
        pytest.param(["app", "envoy"], None, [], None, id="any of two"),
        pytest.param(["app", "envoy"], None, ["app", "envoy"], None, id="two behind it"),
        pytest.param(["app"], "web", [], None, id="one that is not there"),
    ],
)
def test_the_image_goes_to_one_container_or_nowhere(
    names: list[str], asked: str | None, behind: list[str], chosen: str | None
) -> None:
    if chosen is None:
        with pytest.raises(WrongUsageError, match="container:"):
            chosen_container(names, asked, behind)
        return
    assert chosen_container(names, asked, behind) == chosen
    images = {
        one["name"]: one["image"]
        for one in with_image([{"name": name, "image": "old"} for name in names], chosen, "new")
    }
    assert images == {name: "new" if name == chosen else "old" for name in names}


class FakeCloudFormation:
    """One stack, `breakwater`, with these outputs."""

    def __init__(self, *outputs: str) -> None:
        self.outputs = outputs

    def describe_stacks(self, **asked: str) -> dict[str, Any]:
        if asked["StackName"] != "breakwater":
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
        return {"Stacks": [{"Outputs": [{"OutputKey": name, "OutputValue": f"the {name}"} for name in self.outputs]}]}


@pytest.mark.parametrize(
    ("outputs", "stack", "problem"),
    [
        pytest.param(("ReleaseStateMachineArn", "TableName"), "breakwater", "", id="it is there"),
        pytest.param(("ReleaseStateMachineArn", "TableName"), "other", "look for the stack other", id="no such stack"),
        pytest.param(("TableName",), "breakwater", "no output ReleaseStateMachineArn", id="an old stack"),
    ],
)
def test_the_stack_is_found_by_its_outputs(
    outputs: tuple[str, ...], stack: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    class Session:
        def __init__(self, region_name: str | None) -> None:
            assert region_name == "eu-west-1"

        def client(self, service: str) -> FakeCloudFormation:
            return FakeCloudFormation(*outputs)

    monkeypatch.setattr(boto3, "Session", Session)
    if problem:
        with pytest.raises(BreakwaterError, match=problem):
            Account.of_stack(stack, "eu-west-1")
        return
    found = Account.of_stack(stack, "eu-west-1")
    assert (found.machine, found.table_name, found.reports) == ("the ReleaseStateMachineArn", "the TableName", "")


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        pytest.param(
            ClientError({"Error": {"Code": "ValidationError", "Message": "Stack with id typo does not exist"}}, "D"),
            2,
            "Stack with id typo does not exist",
            id="no such stack",
        ),
        pytest.param(NoRegionError(), 2, "region", id="no Region"),
        pytest.param(NoCredentialsError(), 2, "credentials", id="no credentials"),
        pytest.param(ProfileNotFound(profile="me"), 2, "profile", id="no such profile"),
        pytest.param(
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "D"), 1, "AccessDenied", id="not allowed"
        ),
        pytest.param(
            ClientError({"Error": {"Code": "ValidationError", "Message": "too long"}}, "D"), 1, "too long", id="other"
        ),
    ],
)
def test_a_request_that_names_no_stack_or_nobody_is_wrong_usage(
    problem: Exception, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    def session(region_name: str | None) -> None:
        raise problem

    monkeypatch.setattr(boto3, "Session", session)
    done = CliRunner().invoke(app, ["release", "watch", "prod/web", "--stack", "typo"])
    assert done.exit_code == code
    assert "look for the stack typo" in done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("Tue, 14 Apr 2026 12:02:00 GMT", timedelta(minutes=2), id="ours is behind"),
        pytest.param("Tue, 14 Apr 2026 11:58:00 GMT", timedelta(minutes=-2), id="ours is ahead"),
        pytest.param("Wed, 15 Apr 2026 12:00:00 GMT", timedelta(0), id="a clock that cannot be AWS's"),
        pytest.param("", timedelta(0), id="none is told"),
    ],
)
def test_a_word_is_dated_by_the_clock_that_it_is_read_against(header: str, expected: timedelta) -> None:
    class Sts:
        def get_caller_identity(self) -> dict[str, Any]:
            return {"Arn": ANN, "ResponseMetadata": {"HTTPHeaders": {"date": header} if header else {}}}

    account = Account(lambda service: Sts(), MACHINE, "table", now=lambda: NOON)
    assert account.moment() == NOON + expected
