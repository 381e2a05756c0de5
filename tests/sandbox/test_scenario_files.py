"""Every shipped scenario, run against the whole sandbox: it ends as it says, and always in the same way."""

from pathlib import Path
from typing import get_args

import pytest

from cli.hindsight import read_again
from cli.simulation import Onlooker, StepError, as_json, simulate
from cli.verdict import general_checks
from sandbox.simulation.actions import Action
from sandbox.simulation.enact import enact
from sandbox.simulation.expectations import Claim
from sandbox.simulation.judge import verdict
from sandbox.simulation.reference import PAGE, renewed
from sandbox.simulation.scenario import read_scenario
from tests.sandbox.scenario_files import FILES, SHIPPED, SMALL, scenario, shipped


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_scenario_ends_as_it_says(path: Path) -> None:
    simulation = shipped(path.stem)
    wrong = [f"{each.name}: found {each.found}" for each in simulation.verdicts if not each.ok]
    assert wrong == []
    assert len(simulation.scenario.expect) >= 3 or simulation.scenario.story


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_in_each_of_them_every_failure_is_told_and_counted_once(path: Path) -> None:
    simulation = shipped(path.stem)
    checks = general_checks(simulation.run, read_again(simulation.stretch, simulation.run))
    assert [f"{check.name}: {check.found}" for check in checks if not check.ok] == []


def test_the_promised_scenarios_are_there() -> None:
    names = {path.stem for path in FILES}
    assert len(names) >= 12
    assert {"two_services_behind_one_load_balancer", "two_services_on_fargate", "healthy_day"} <= names


@pytest.mark.parametrize("name", ["events_twice_and_late", "blue_green_paused"])
def test_the_same_scenario_and_seed_are_the_same_log_and_result_byte_for_byte(name: str) -> None:
    first, again = shipped(name), simulate(read_scenario(SHIPPED / f"{name}.yaml"))
    assert first.log == again.log
    assert as_json(first) == as_json(again)


def test_another_seed_is_another_run() -> None:
    assert shipped("events_twice_and_late", 6).log != shipped("events_twice_and_late").log


def test_whoever_watches_sees_everything_in_the_order_of_time() -> None:
    seen: list[str] = []

    onlooker = Onlooker(
        told=lambda messages: seen.extend(f"{message.at:%H:%M:%S.%f}" for message in messages),
        happened=lambda happening: seen.append(f"{happening.at:%H:%M:%S.%f}"),
    )
    simulate(read_scenario(SHIPPED / "crash_loop_with_breaker.yaml"), onlooker=onlooker)
    assert len(seen) >= 8
    assert seen == sorted(seen)


def test_there_is_one_place_for_each_kind_of_step_and_expectation() -> None:
    assert [kind for kind in get_args(Action) if enact.dispatch(kind) is enact.dispatch(object)] == []
    assert [kind for kind in get_args(Claim) if verdict.dispatch(kind) is verdict.dispatch(object)] == []


def test_the_reference_is_that_of_the_models() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page) == page, "run `make scenario-reference`"


def test_the_example_of_the_page_is_the_shipped_one() -> None:
    example = (SHIPPED / "two_services_behind_one_load_balancer.yaml").read_text(encoding="utf-8")
    assert f"```yaml\n{example}```" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param(
            "timeline: [{continue_deployment: {service: web}}]\nexpect: [{notices: {}}]",
            r"timeline\[0\]\.continue_deployment: the deployment of web waits at no hook: it is SUCCESSFUL",
            id="no hook",
        ),
        pytest.param(
            "timeline: [{lose_instance: {}}]\nexpect: [{notices: {}}]",
            r"timeline\[0\]\.lose_instance: prod has had 0 instances, there is no instance 1 of prod",
            id="no instance",
        ),
        pytest.param(
            "account: {clusters: {prod: {instances: [{}]}}}\ntimeline: [{spot_instance: {}}]\nexpect: [{notices: {}}]",
            r"timeline\[0\]\.spot_instance: instance 1 of prod is no Spot instance",
            id="no Spot instance",
        ),
        pytest.param(
            "timeline: [{deploy: {service: web, revision: 7}}]\nexpect: [{notices: {}}]",
            r"timeline\[0\]\.deploy: UpdateService was refused: ClientException: Unable to describe task definition",
            id="what ECS refuses",
        ),
        pytest.param(
            "timeline: [{put_event: {file: sqs_batch_with_poison}}]\nexpect: [{notices: {}}]",
            r"timeline\[0\]\.put_event: events/sqs_batch_with_poison\.json is what a function gets",
            id="no event of the bus",
        ),
    ],
)
def test_a_step_that_cannot_be_carried_out_is_named(more: str, said: str) -> None:
    with pytest.raises(StepError, match=said):
        simulate(scenario(more))


def test_a_service_that_is_not_deployed_when_the_timeline_begins_is_named() -> None:
    broken = SMALL.replace("{kind: healthy}", "{kind: crash_on_start}")
    with pytest.raises(StepError, match=r"services\.web: not deployed 5m after it was created"):
        simulate(scenario("expect: [{notices: {}}]", broken))
