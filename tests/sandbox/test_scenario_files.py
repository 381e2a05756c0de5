"""Every shipped scenario, run against the whole sandbox: it ends as it says, and always in the same way."""

from pathlib import Path
from typing import get_args

import pytest

from cli.hindsight import read_again
from cli.simulation import Onlooker, Simulation, StepError, as_json, simulate
from cli.verdict import general_checks
from sandbox.simulation.actions import Action
from sandbox.simulation.enact import enact
from sandbox.simulation.expectations import Claim
from sandbox.simulation.judge import verdict
from sandbox.simulation.reference import PAGE, renewed
from sandbox.simulation.scenario import read_scenario
from tests.sandbox.scenario_files import FILES, SHIPPED, SMALL, scenario

TWICE = ("events_twice_and_late",)
"""Those that are run again: the same log and the same result, byte for byte. A release is in the demo's half hour."""


def returned(simulation: Simulation) -> None:
    """What the report tells of the two releases that did not stay."""
    basket, shop = sorted(simulation.run.releases, key=lambda one: one.service)
    assert [(one.service, one.result, one.how) for one in (basket, shop)] == [
        ("prod/basket", "Returned", "bad"),
        ("prod/shop", "Returned", "bad"),
    ]
    assert [point.share for point in basket.weights] == [0.0]
    assert [point.share for point in shop.weights] == [0.0, 10.0, 0.0]
    assert (basket.to_new, basket.failed) == (0, 0)
    assert 0 < shop.failed <= shop.to_new <= 0.11 * shop.sent
    assert [(step.title, step.mark) for step in basket.steps if step.mark] == [
        ("check smoke", ("failed", "bad")),
        ("ended", ("returned", "bad")),
    ]
    assert "answers: 500, 500" in basket.steps[2].reason
    assert "28 of 96 requests failed on the new side" in " ".join(step.reason for step in shop.steps)
    told = [happening.what for happening in simulation.happenings if happening.who == "release"]
    assert any(each.startswith("prod/shop: check smoke passed: 2 of 2") for each in told)


def asked(simulation: Simulation) -> None:
    """Who approved is in the report."""
    [shop] = simulation.run.releases
    assert [step.title for step in shop.steps[-3:]] == ["a person", "goes on", "ended"]
    assert "approved by ann although inconclusive" in shop.steps[-2].reason
    assert [point.share for point in shop.weights] == [0.0, 10.0, 100.0]


SEEN = {"crash_loop_with_breaker": 8}
LOOKED_AT = {"release_returned": returned, "release_asks_a_person": asked}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_scenario_ends_as_it_says_and_every_failure_in_it_is_told_and_counted_once(path: Path) -> None:
    seen: list[str] = []
    onlooker = Onlooker(
        told=lambda messages: seen.extend(f"{message.at:%F %H:%M:%S.%f}" for message in messages),
        happened=lambda happening: seen.append(f"{happening.at:%F %H:%M:%S.%f}"),
    )
    # One run for all that is asked of it: runs are what takes time here.
    simulation = simulate(read_scenario(path), onlooker=onlooker)
    wrong = [f"{each.name}: found {each.found}" for each in simulation.verdicts if not each.ok]
    assert wrong == []
    assert len(simulation.scenario.expect) >= 3 or simulation.scenario.story
    checks = general_checks(simulation.run, read_again(simulation.stretch, simulation.run))
    assert [f"{check.name}: {check.found}" for check in checks if not check.ok] == []
    assert seen == sorted(seen), "whoever watches sees everything in the order of time"
    assert len(seen) >= SEEN.get(path.stem, 0)
    if path.stem in TWICE:
        again = simulate(read_scenario(path))
        assert simulation.log == again.log
        assert as_json(simulation) == as_json(again)
    if path.stem in LOOKED_AT:
        LOOKED_AT[path.stem](simulation)


def test_the_promised_scenarios_are_there() -> None:
    names = {path.stem for path in FILES}
    assert len(names) >= 12
    assert {"two_services_behind_one_load_balancer", "two_services_on_fargate", "healthy_day"} <= names
    assert {"release_passes", "release_returned", "release_asks_a_person"} <= names


def test_another_seed_is_another_run() -> None:
    planned = scenario("timeline: [{crash: {service: web}}]\nexpect: [{notices: {}}]\nfaults: {delay: 20s}")
    assert simulate(planned, 6).log != simulate(planned, 7).log


def test_what_is_no_step_and_what_is_no_expectation_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="str is no step of a timeline: nothing enacts it"):
        enact("deploy", None)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match="str is no expectation: nothing judges it"):
        verdict("service", None)  # type: ignore[arg-type]  # that is the point


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
            "timeline: [{answer_release: {service: web, answer: abort}}]\nexpect: [{notices: {}}]",
            r"timeline\[0\]\.answer_release: web has no release that deployed anything",
            id="no release",
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
