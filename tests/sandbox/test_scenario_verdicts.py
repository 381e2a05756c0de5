"""What a scenario expects, and what is said where it does not hold: of troubles, and of what is so in the end."""

import pytest

from cli.simulation import simulate
from sandbox.simulation.judge import judge
from sandbox.simulation.normal import draw
from sandbox.simulation.scenario import Scenario
from tests.sandbox.scenario_files import BALANCED, SMALL, scenario

LOOPING = """
title: small
warm_up: 5m
settle: 1h
images:
  web:1: {kind: healthy}
  web:2: {kind: crash_after, after: 10s, logs: [starting, "dsn=postgres://app:FAKE1234secret@db/app", "KeyError: 'X'"]}
  web:3: {kind: healthy}
task_definitions:
  web: {containers: {app: {image: "web:1", environment: {TOKEN: FAKE1234token}}}}
services:
  web: {task: web, desired: 2}
canaries:
  the log: FAKE1234secret
  the environment: FAKE1234token
"""


def looping(over: str, made: str) -> Scenario:
    """A service that crashes for five minutes, and what is expected of it."""
    return scenario(
        f"""
        troubles:
          a crash loop:
            at: 2m
            story: web:2 crashes after ten seconds, until web:3
            steps:
              - deploy: {{service: web, image: "web:2"}}
              - at: 5m
                deploy: {{service: web, image: "web:3"}}
            incidents: [{{subject: prod/web, category: task_failed, cause: app_error}}]
            over: {over}
            expect: [{{{made}}}]
        """,
        LOOPING,
    )


def test_a_trouble_says_what_has_to_come_of_it() -> None:
    simulation = simulate(looping("1h", "journal: {decision: incident opened}"))
    assert [(each.name, each.ok) for each in simulation.verdicts] == [
        ("every trouble was told", True),
        ("nothing normal was told", True),
        ("everything was resolved in the end", True),
        ("every trouble was over when its story says", True),
        ("a crash loop: journal incident opened: at least 1", True),
        ("failed runs of functions: 0", True),
        ("dead letters: 0", True),
        ("no canary came out", True),
    ]
    [incident] = simulation.run.incidents
    assert incident.evidence.log is not None
    assert incident.evidence.log.lines[0] == "starting"
    assert "[redacted]" in incident.evidence.log.lines[1]
    assert incident.evidence.log.lines[2] == "KeyError: 'X'"
    # the same run by a scenario that wants something else: a trouble that lasts, and of which nothing came
    verdicts = judge(looping("30m", "journal: {decision: rolled back}"), simulation.evidence)
    assert [(each.name, each.found) for each in verdicts if not each.ok] == [
        ("every trouble was over when its story says", "0 of 1: a crash loop was not over at 10:32"),
        ("a crash loop: journal rolled back: at least 1", "0"),
    ]


def test_the_report_begins_with_the_timeline_unless_something_was_wrong_before() -> None:
    calm = simulate(scenario("expect: [{no_other_incident: {}}]"))
    assert calm.stretch.start == calm.scenario.start
    assert {each.event["source"] for each in calm.stretch.deliveries} == {"aws.cloudwatch"}  # no task starts any more
    broken = simulate(
        scenario("expect: [{incident: {}}]", SMALL.replace("{kind: healthy}", "{kind: crash_after, after: 2m}"))
    )
    assert broken.stretch.start == broken.scenario.start - broken.scenario.warm_up
    read = [broken.stretch.deliveries[position] for position in broken.run.admitted]
    assert any(each.event["detail"].get("lastStatus") == "STOPPED" and each.at < broken.scenario.start for each in read)


@pytest.mark.parametrize(
    ("first", "next_ones"),
    [
        pytest.param("web:v9", ["web:v10", "web:v11"], id="a number"),
        pytest.param("web:2026.03-7", ["web:2026.03-8", "web:2026.03-9"], id="a number at the end"),
        pytest.param("web:latest", ["web:latest-2", "web:latest-3"], id="no number"),
    ],
)
def test_what_is_normal_deploys_the_next_versions_which_behave_as_the_first(first: str, next_ones: list[str]) -> None:
    base = SMALL.replace("web:1", first).replace("{kind: healthy}", "{kind: ignores_sigterm}")
    planned = scenario("normal: {lasts: 4h, deployments: 2}\nexpect: [{notices: {}}]", base)
    drawn = draw(planned, 3)
    assert [step.deploy.image for step in drawn.steps if step.deploy] == next_ones
    assert dict(drawn.images) == dict.fromkeys(next_ones, planned.images[first])


def test_what_is_not_so_is_said_to_be_not_so() -> None:
    crashed = simulate(
        scenario(
            """
            timeline: [{crash: {service: web}}]
            expect:
              - service: {name: web, running: 5, desired: 2}
              - incident: {category: task_failed, exactly: 0}
              - incident: {category: task_failed, failures: {at_least: 2}}
              - no_other_incident: {}
              - notices: {at_most: 1}
              - dead_letters: {at_least: 1}
              - function_errors: {}
              - events: {pattern: {detail: {lastStatus: [STOPPED]}}, exactly: 2}
              - weights: {load_balancer: front, rule: http, weights: {a: 2}}
              - reaches: {load_balancer: front, listener: http, path: /x/1.html, service: web}
              - downtime: {service: web, at_least: 1h}
              - deployments: {service: web, statuses: [SUCCESSFUL]}
              - release: {service: web}
            """,
            BALANCED,
        )
    )
    assert [each.name for each in crashed.verdicts if each.ok] == []
    assert not crashed.ok
    assert [(each.name, each.found) for each in crashed.verdicts[:2]] == [
        ("web: desired 2, running 5", "desired 1, running 1"),
        ("incident task_failed: 0", "prod/web high task_failed app_error open (1)"),
    ]
    [reached] = [each for each in crashed.verdicts if "reaches" in each.name]
    assert reached.found == "http/x/?.html → b: nothing healthy"
