"""Surges and windows over the real stack: schedules, sweeps, people, autoscaling, deployments, and what gets lost.

The account lives through its night once (`tests/sandbox/scaler_night.py`); the tests then look at what became of it.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import surge
from cli.main import app
from sandbox import Sandbox
from tests.sandbox.policy_stack import PolicyStack
from tests.sandbox.scaler_night import START, TEMPLATE, Account, plan


@pytest.fixture(scope="module")
def night() -> Iterator[Account]:
    parameters = {"AlertEmail": "oncall@example.com", "Mode": "act"}
    with Sandbox.deploy(TEMPLATE, parameters, start=START) as sandbox:
        account = Account(sandbox)
        arn = sandbox.ecs.active_service("prod", "tagged").arn
        tags = [{"key": "breakwater:scaler", "value": "observe"}]
        sandbox.client("ecs").tag_resource(resourceArn=arn, tags=tags)
        plan(account)
        account.live(225)
        yield account


def test_a_surge_is_given_back_when_its_schedule_fires(night: Account) -> None:
    assert night.counts["plain"] == [(0, 4), (10, 12), (40, 4)]
    assert night.answers["plain"]["now"] == {"desired": 12}
    assert night.journal("plain") == ["scaled", "given back"]
    assert night.mails("plain") == []


def test_a_surge_whose_schedules_are_lost_is_given_back_by_the_sweep(night: Account) -> None:
    begun, given_back = night.counts["lost"][1:]
    assert begun == (90, 12)
    assert (given_back[1], 108 < given_back[0] <= 113) == (4, True)


def test_overlapping_surges_compose_by_the_maximum_and_the_last_gives_back_what_the_first_found(night: Account) -> None:
    assert night.counts["overlap"] == [(0, 4), (10, 8), (12, 12), (32, 8), (70, 4)]


def test_a_change_by_hand_is_kept_and_told_once(night: Account) -> None:
    assert night.counts["human"] == [(0, 4), (10, 12), (20, 7)]
    assert night.mails("human") == ["[LOW] prod/human: somebody's change of scale is kept"]


def test_autoscaling_has_its_minimum_raised_its_maximum_respected_and_both_back(night: Account) -> None:
    assert night.counts["attached"] == [(0, 4), (10, 10), (40, 4)]
    assert night.bounds("attached") == (2, 10)
    assert any("12 is more than autoscaling's maximum of 10" in step for step in night.answers["attached"]["steps"])


def test_a_count_that_autoscaling_moved_stays_autoscalings(night: Account) -> None:
    assert (night.bounds("moved"), night.counts["moved"][-1]) == ((2, 20), (20, 13))
    assert night.mails("moved") == []


def test_a_deployment_goes_on_undisturbed_and_the_surge_is_given_back_after_it(night: Account) -> None:
    assert night.journal("deploying") == ["scaled", "withheld", "given back"]
    given_back = night.counts["deploying"][-1]
    assert (given_back[1], given_back[0] > 41) == (4, True)


@pytest.mark.parametrize("service", ["cut0", "cut1", "cut2"])
def test_a_surge_that_is_cut_off_between_two_calls_is_finished_and_given_back(night: Account, service: str) -> None:
    assert {count for _, count in night.counts[service]} == {4, 12}
    assert night.counts[service][-1][1] == 4
    assert night.mails(service) == []


def test_a_night_of_summer_time_goes_to_zero_and_back_an_hour_earlier_in_utc(night: Account) -> None:
    """To the minute, by the schedules that the document has brought; the night is an hour and a half long."""
    assert night.counts["night"] == [(0, 4), (118, 0), (208, 4)]


def test_a_surge_wins_over_the_night_and_the_night_goes_on_after_it(night: Account) -> None:
    assert [count for _, count in night.counts["night-surge"]] == [4, 0, 6, 0, 4]


def test_off_hours_leave_a_protected_task_alone_until_it_is_done(night: Account) -> None:
    before, one, none, after = night.counts["night-protected"]
    assert (before[1], one[1], none[1], after[1]) == (4, 1, 0, 4)
    assert none[0] > 172


def test_a_tag_makes_it_observe_and_all_is_said_and_nothing_done(night: Account) -> None:
    assert night.counts["tagged"] == [(0, 4)]
    assert night.answers["tagged"]["reason"].startswith("would have been done in mode act: desired from 4 to 12")
    assert night.journal("tagged") == ["would have scaled"]


def test_the_same_request_twice_is_one_surge(night: Account) -> None:
    assert night.counts["twice"] == [(0, 4), (10, 12), (40, 4)]


def test_what_cannot_be_given_back_is_an_incident(night: Account) -> None:
    assert night.counts["refused"][-1] == (100, 12)
    assert night.mails("refused")[0] == "[MEDIUM] prod/refused: a change of scale is held up"


def test_nothing_is_left_of_it_but_what_could_not_be_given_back(night: Account) -> None:
    kept = [item["pk"] for item in night.sandbox.table_items() if item["sk"] == "SCALE" and "doc" in item]
    assert kept == ["SCALE#prod/refused"]
    assert sorted(night.sandbox.account.scheduler.kept)[-2:] == [
        (PolicyStack(night.sandbox).group, f"window.night.{which}") for which in ("closes", "opens")
    ]
    assert night.surge_schedules() == []
    assert night.sandbox.lost == []


def test_the_headroom_of_a_cluster_is_watched_as_aws_names_it(night: Account) -> None:
    """Instance 2,048, largest reservation 512: 75 %, as CloudWatch has it."""
    found = night.sandbox.client("cloudwatch").describe_alarms(AlarmNamePrefix="breakwater-headroom-")["MetricAlarms"]
    said = [(one["Namespace"], one["MetricName"], one["Dimensions"], one["Threshold"]) for one in found]
    ec2 = [{"Name": "ClusterName", "Value": "ec2"}]
    assert said == [("AWS/ECS", "CPUReservation", ec2, 75.0), ("AWS/ECS", "MemoryReservation", ec2, 75.0)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param({"service": "none"}, "service: there is no active service prod/none", id="unknown service"),
        pytest.param({"desired": -3}, "desired: -3 is not a whole number", id="negative count"),
        pytest.param(
            {"minutes": None, "until": "2026-03-02T09:00:00Z"}, "is not after the start", id="end before start"
        ),
        pytest.param(
            {"minutes": None, "until": "2026-03-30T19:00", "zone": "Mars/Base"}, "zone: 'Mars/Base'", id="zone"
        ),
    ],
)
def test_a_wrong_request_is_one_clear_error_and_nothing_changes(
    night: Account, wrong: dict[str, Any], said: str
) -> None:
    before = (night.desired("plain"), night.sandbox.table_items())
    asked = {"action": "start", "cluster": "prod", "service": "plain", "desired": 12, "minutes": 60} | wrong
    request = {name: value for name, value in asked.items() if value is not None}
    assert said in str(night.sandbox.invoke("ScalerFunction", request).error)
    answer = night.ask(**request, answer_errors=True)
    assert (answer["kind"], said in answer["error"]) == ("InvalidRequestError", True)
    assert (night.desired("plain"), night.sandbox.table_items()) == before
    assert night.surge_schedules() == []


class FromOutside:
    """The account as the command line reaches it: the stack's outputs, and the function that it invokes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def describe_stacks(self, **request: str) -> dict[str, Any]:
        outputs = self.sandbox.outputs.items()
        return {"Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs]}]}

    def invoke(self, **request: Any) -> dict[str, Any]:
        assert request["FunctionName"] == self.sandbox.resource("ScalerFunction").physical_id
        outcome = self.sandbox.invoke("ScalerFunction", json.loads(request["Payload"]))
        assert outcome.error is None
        return {"Payload": io.BytesIO(outcome.payload.encode())}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(
            "prod none 12 --minutes 60", "service: there is no active service prod/none", id="unknown service"
        ),
        pytest.param("nowhere plain 12 --minutes 60", "no active service nowhere/plain", id="unknown cluster"),
        pytest.param("prod plain -3 --minutes 60", "desired: -3 is not a whole number", id="negative count"),
        pytest.param("prod plain 12 --minutes 0", "minutes: 0 is not a whole number above 0", id="no time at all"),
        pytest.param(
            "prod plain 12 --start 2030-01-01T10:00Z --until 2030-01-01T09:00Z",
            "is not after the start",
            id="end before start",
        ),
        pytest.param(
            "prod plain 12 --until 2030-01-01T09:00 --zone Mars/Base",
            "zone: 'Mars/Base' is no IANA time zone",
            id="unknown zone",
        ),
        pytest.param("prod plain 12 --minutes 60 --id a/b", "id: 'a/b' is not a name", id="an id that cannot be"),
    ],
)
def test_a_wrong_command_is_one_clear_line_and_nothing_changes(
    night: Account, words: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surge, "client", lambda service, region: FromOutside(night.sandbox))
    before = (night.desired("plain"), night.sandbox.table_items(), night.surge_schedules())
    result = CliRunner().invoke(app, ["surge", "start", *words.split()])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert said in result.stderr
    assert (night.desired("plain"), night.sandbox.table_items(), night.surge_schedules()) == before


def test_a_surge_is_listed_while_it_lasts_and_can_be_ended_early(night: Account) -> None:
    night.surge("plain", 9, minutes=60, id="launch", by="ada")
    (entry,) = night.ask(action="list", cluster="prod", service="plain")["services"]
    assert (entry["found"], entry["set"]) == ({"desired": 4}, {"desired": 9})
    assert [(claim["id"], claim["by"]) for claim in entry["claims"]] == [("launch", "ada")]
    other = {"action": "start", "cluster": "prod", "service": "plain", "desired": 10, "minutes": 60, "id": "launch"}
    assert "launch is a surge to 9" in night.ask(**other, answer_errors=True)["error"]
    longer = other | {"desired": 9, "minutes": 120}
    assert "launch is a surge to 9 until" in night.ask(**longer, answer_errors=True)["error"]
    night.surge("plain", 9, minutes=60, id="launch")
    night.ask(action="end", cluster="prod", service="plain", id="launch")
    assert night.desired("plain") == 4
    assert night.ask(action="list", cluster="prod", service="plain")["services"] == []
    assert "has no surge" in night.ask(action="end", cluster="prod", service="plain", answer_errors=True)["error"]
