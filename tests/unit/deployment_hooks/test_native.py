"""The native hook through its front door: both payload shapes, every direction, one answer that ECS understands."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakwater.attending import Direction
from breakwater.checks import Failed, Inconclusive, Passed, TaskCheck
from breakwater.errors import ThrottledError
from breakwater.model import Mode
from breakwater.policies import OnDoubt
from breakwater.preflight import Finding, Ok, Refuse
from deployment_hooks.memory import remembered
from deployment_hooks.native import respond
from deployment_hooks.payload import HookCall
from deployment_hooks.wiring import entry, question
from tests.unit.deployment_hooks.house import (
    BASE,
    DEPLOYMENT,
    NOW,
    POLICY,
    Context,
    FakeProbe,
    House,
    a_call,
    until_decided,
)


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize("flat", [False, True], ids=["wrapped", "flat"])
def test_checks_that_pass_let_the_deployment_go_on(house: House, flat: bool) -> None:
    assert until_decided(house, a_call(flat=flat)) == ("SUCCEEDED", 2)
    assert (house.probe.made, [decision for decision, _ in house.journal]) == (2, ["hook succeeded"])


@pytest.mark.parametrize(
    ("letters", "ended", "attempts"),
    [("ff", "FAILED", 2), ("fpp", "SUCCEEDED", 3), ("pff", "FAILED", 3)],
    ids=["fails", "flaps and passes", "flaps and fails"],
)
def test_attempts_are_remembered_from_call_to_call(house: House, letters: str, ended: str, attempts: int) -> None:
    house.probe = FakeProbe(letters)
    assert until_decided(house, a_call())[0] == ended
    assert house.probe.made == attempts


def test_two_attempts_keep_their_interval(house: House) -> None:
    assert house.call(a_call())["callBackDelay"] == 10


def test_a_call_that_comes_too_early_makes_no_further_attempt(house: House) -> None:
    first = house.call(a_call())
    again = a_call(hookDetails=first["hookDetails"])
    house.now += timedelta(seconds=3)
    assert house.call(again)["callBackDelay"] == 7
    assert house.probe.made == 1


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("stage", ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"])
def test_the_stages_that_run_again_on_the_way_back_are_never_failed(
    house: House, direction: Direction, stage: str
) -> None:
    house.direction, house.probe = direction, FakeProbe("f")
    assert house.call(a_call(stage))["hookStatus"] == "SUCCEEDED"
    assert "way back" in house.journal[0][1]


@pytest.mark.parametrize("stage", ["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT"])
def test_a_deployment_on_its_way_back_goes_through(house: House, stage: str) -> None:
    house.direction, house.probe, house.findings = Direction.BACK, FakeProbe("f"), (Refuse("a", "no"),)
    assert house.call(a_call(stage, share=50))["hookStatus"] == "SUCCEEDED"
    assert house.probe.made == 0


def test_where_the_direction_is_unknown_it_is_checked_at_a_stage_that_only_the_way_there_has(house: House) -> None:
    house.direction, house.probe = Direction.UNKNOWN, FakeProbe("f")
    assert until_decided(house, a_call())[0] == "FAILED"


def test_a_preflight_that_refuses_stops_a_deployment_before_its_first_task(house: House) -> None:
    house.findings = (Ok("a", "fine"), Refuse("image", "the image of web does not exist"))
    assert house.call(a_call("PRE_SCALE_UP"))["hookStatus"] == "FAILED"
    assert house.journal == [("hook failed", "the image of web does not exist")]
    house.findings = (Ok("a", "fine"),)
    assert house.call(a_call("PRE_SCALE_UP"))["hookStatus"] == "SUCCEEDED"


def test_before_the_first_step_there_is_nothing_to_compare(house: House) -> None:
    assert house.call(a_call("PRE_PRODUCTION_TRAFFIC_SHIFT"))["hookStatus"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("looks", "ended", "calls"),
    [
        ([Passed("fine")], "SUCCEEDED", 1),
        ([Failed("worse")], "FAILED", 1),
        ([Inconclusive("few"), Inconclusive("few"), Passed("enough")], "SUCCEEDED", 3),
    ],
)
def test_the_metrics_are_looked_at_until_they_say_something(
    house: House, looks: list[Any], ended: str, calls: int
) -> None:
    house.looks = looks
    assert until_decided(house, a_call("PRE_PRODUCTION_TRAFFIC_SHIFT", share=10)) == (ended, calls)


def test_too_few_samples_for_good_ask_a_person_once_and_then_go_back(house: House) -> None:
    house.looks = [Inconclusive("few")] * 5
    ended, _ = until_decided(house, a_call("PRE_PRODUCTION_TRAFFIC_SHIFT", share=10))
    assert (ended, len(house.asked)) == ("FAILED", 1)
    assert house.now >= NOW + timedelta(minutes=20 + 60)
    assert "nobody answered" in house.journal[-1][1]
    assert house.answered == [house.journal[-1][1]]


@pytest.mark.parametrize(("word", "ended"), [("approved", "SUCCEEDED"), ("aborted", "FAILED")])
def test_a_person_decides_what_the_checker_could_not(house: House, word: str, ended: str) -> None:
    house.probe = FakeProbe("e")
    event = a_call()
    for _ in range(3):
        answer = house.call(event)
        event = a_call(hookDetails=answer["hookDetails"])
        house.now += timedelta(seconds=answer["callBackDelay"])
    assert len(house.asked) == 1
    house.word = word
    assert house.answered == []
    assert house.call(event)["hookStatus"] == ended
    assert [reason.partition(":")[0] for reason in house.answered] == [house.journal[-1][1].partition(":")[0]]


def test_a_policy_that_does_not_ask_goes_back_at_once(house: House) -> None:
    house.probe, house.policy = FakeProbe("e"), replace(POLICY, on_doubt=OnDoubt.ROLL_BACK)
    assert until_decided(house, a_call())[0] == "FAILED"
    assert house.asked == []


def test_observing_checks_everything_and_holds_nothing_up(house: House) -> None:
    house.probe, house.policy = FakeProbe("f"), replace(POLICY, mode=Mode.OBSERVE)
    assert until_decided(house, a_call())[0] == "SUCCEEDED"
    assert "would have gone back" in house.journal[-1][1]


def test_off_checks_nothing(house: House) -> None:
    house.policy = replace(POLICY, mode=Mode.OFF)
    assert house.call(a_call())["hookStatus"] == "SUCCEEDED"
    assert house.probe.made == 0


def test_a_task_check_asks_a_person_since_a_hook_runs_no_tasks(house: House) -> None:
    house.policy = replace(POLICY, checks=(TaskCheck("migrate"),))
    assert house.call(a_call())["hookStatus"] == "IN_PROGRESS"
    assert "runs no tasks" in house.asked[0]


def test_what_cannot_be_looked_up_is_inconclusive_and_no_exception(house: House) -> None:
    def broken(call: HookCall, ourselves: str) -> tuple[Finding, ...]:
        raise ThrottledError("describe the service revision: ThrottlingException")

    answer = respond(a_call("PRE_SCALE_UP"), Context(), replace(house.means(), preflight=broken))
    assert answer["hookStatus"] == "IN_PROGRESS"


def test_a_table_that_is_away_costs_no_deployment_its_answer(house: House) -> None:
    house.trouble = True
    assert until_decided(house, a_call())[0] == "SUCCEEDED"


def test_a_question_that_could_not_be_asked_is_asked_by_the_next_call(house: House) -> None:
    house.trouble, house.policy = True, replace(POLICY, checks=(TaskCheck("migrate"),))
    answer = house.call(a_call())
    house.trouble = False
    house.call(a_call(hookDetails=answer["hookDetails"]))
    assert len(house.asked) == 1


UNUSABLE: dict[str, Any] = {
    "no object": None,
    "a list": [],
    "nothing in it": {},
    "no stage": a_call(lifecycleStage=None),
    "no deployment": a_call(resourceArn=None),
    "the ARN of a service": a_call(resourceArn=f"{BASE}service/prod/web"),
    "two services": a_call(executionDetails={"serviceArn": f"{BASE}service/prod/api"}),
    "another account": a_call(resourceArn=DEPLOYMENT.replace("111122223333", "999999999999")),
    "another Region": a_call(resourceArn=DEPLOYMENT.replace("eu-central-1", "us-east-1")),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_is_no_call_of_ours_fails_with_a_reason(house: House, what: str) -> None:
    assert house.call(UNUSABLE[what]) == {"hookStatus": "FAILED"}
    assert house.probe.made == 0


def test_a_stage_that_is_not_known_is_not_held_up(house: House) -> None:
    assert house.call(a_call("A_STAGE_OF_2028"))["hookStatus"] == "SUCCEEDED"


def test_details_of_the_service_itself_are_given_back(house: House) -> None:
    answer = house.call(a_call(hookDetails={"team": "shop"}))
    assert answer["hookDetails"]["team"] == "shop"
    assert len(json.dumps(answer["hookDetails"])) < 2_000


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda raw: raw.update(v=2), id="a later version"),
        pytest.param(lambda raw: raw.update(stage="PRE_SCALE_UP"), id="another stage"),
        pytest.param(lambda raw: raw.update(attempts=[]), id="attempts are a list"),
        pytest.param(
            lambda raw: raw["attempts"].update(health={"outcomes": "x", "at": [1], "last": {}}), id="a letter"
        ),
        pytest.param(
            lambda raw: raw["attempts"].update(health={"outcomes": "pp", "at": [1], "last": {}}), id="cut off"
        ),
        pytest.param(lambda raw: raw.pop("began"), id="no beginning"),
        pytest.param(lambda raw: raw.update(began="2026-04-14T07:31:00"), id="a time without its zone"),
    ],
)
def test_memory_that_cannot_be_read_is_forgotten(house: House, damage: Callable[[dict[str, Any]], object]) -> None:
    details = house.call(a_call())["hookDetails"]
    damage(details["breakwater"])
    assert house.call(a_call(hookDetails=details))["hookStatus"] == "IN_PROGRESS"
    assert house.probe.made == 2


def test_a_beginning_in_the_future_does_not_stretch_the_deadline() -> None:
    raw = {"v": 1, "stage": "S", "began": (NOW + timedelta(days=1)).isoformat(), "attempts": {}, "looks": 0}
    memory = remembered({"breakwater": {**raw, "asked": None, "question": ""}}, "S", NOW)
    assert memory.began == NOW


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["breakwater", "v", "stage", "began", "attempts", "looks", "asked", "question", "health"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_the_details_are_there_is_an_answer(details: object) -> None:
    house = House()
    assert house.call(a_call(hookDetails=details))["hookStatus"] in ("IN_PROGRESS", "SUCCEEDED", "FAILED")
    assert house.call(a_call(hookDetails={"breakwater": details}))["hookStatus"] in (
        "IN_PROGRESS",
        "SUCCEEDED",
        "FAILED",
    )


def test_the_question_names_the_command_and_is_one_finding_for_each_stage_and_step() -> None:
    call = HookCall("S", DEPLOYMENT, "", "1", "r", "prod", "web")
    finding = question(call, "too few requests", NOW, "breakwater-eu")
    assert f"`breakwater release approve {DEPLOYMENT} --stack breakwater-eu`" in finding.diagnosis.reason
    assert finding.identity == question(call, "other words", NOW + timedelta(minutes=1)).identity
    assert (
        finding.identity != question(replace(call, revision="r1", production={"r1": 25}), "other words", NOW).identity
    )
    assert entry(call, "hook failed", "x", NOW).id == "x1-S-hook-failed"


def test_who_aborts_need_not_wait_for_a_doubt(house: House) -> None:
    house.word = "aborted"
    assert until_decided(house, a_call())[0] == "FAILED"
    assert "aborted by ann" in house.journal[-1][1]
