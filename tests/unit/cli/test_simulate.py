"""The front door of `breakwater simulate`: exit codes, what is shown, and how it says what is wrong with a file."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from sandbox.simulation.actions import Step
from sandbox.simulation.expectations import Bounds
from sandbox.simulation.parts import read_duration, written

GOOD = """
title: a small one
story: One service, and it crashes once.
warm_up: 3m
settle: 3m
images:
  web:1: {kind: healthy}
task_definitions:
  web: {containers: {app: {image: "web:1"}}}
services:
  web: {task: web}
timeline:
  - crash: {service: web, exit_code: 3}
expect:
  - incident: {subject: prod/web, cause: app_error}
"""


def simulate(path: Path, text: str, *more: str) -> tuple[int, str, str]:
    """Run the command over a file with this text: exit code, output, errors."""
    file = path / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["simulate", str(file), *more])
    return result.exit_code, result.stdout, result.stderr


def test_a_run_as_expected_is_shown_and_ends_with_0(tmp_path: Path) -> None:
    code, shown, errors = simulate(tmp_path, GOOD, "--out", str(tmp_path / "out"))
    assert (code, errors) == (0, "")
    assert "10:00:00  ▸ 1 task of web crash with 3" in shown
    assert "HIGH" in shown
    assert "✓ incident prod/web app_error: at least 1" in shown
    assert "✓ dead letters: 0" in shown
    assert "emulation" in shown
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["checks"][0] == {
        "name": "incident prod/web app_error: at least 1",
        "ok": True,
        "found": "prod/web high task_failed app_error open (1)",
    }
    assert all(check["ok"] for check in report["checks"])
    assert report["funnel"]["incidents"] == 1


def test_a_run_that_ends_otherwise_is_told_and_ends_with_1(tmp_path: Path) -> None:
    text = GOOD + "  - no_other_incident: {}\n  - service: {name: web, running: 7}\n"
    code, shown, _ = simulate(tmp_path, text, "--json", "--seed", "4")
    result = json.loads(shown)
    assert (code, result["ok"], result["seed"], result["emulated"]) == (1, False, 4, True)
    assert [each["ok"] for each in result["expectations"]] == [True, True, False, True, True]
    assert result["services"]["web"]["running"] == 1
    assert result["incidents"][0]["cause"] == "app_error"
    assert {"at": "2026-03-02T10:00:00+00:00", "who": "people", "what": "1 task of web crash with 3"} in result[
        "timeline"
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param(
            "service: web, exit_code",
            "service: web, exitcode",
            'plan.yaml:13: timeline[0].crash.exitcode: unknown key; did you mean "exit_code"? '
            "allowed: container, count, exit_code, logs, reason, service, task",
            id="an unknown key",
        ),
        pytest.param(
            "- crash: {service: web, exit_code: 3}",
            "- crash: {service: wep}",
            'plan.yaml:13: timeline[0].crash.service: no service is called "wep"; there is web',
            id="an unknown service",
        ),
        pytest.param(
            "- crash: {service: web, exit_code: 3}",
            "- {crash: {service: web}, scale: {service: web, desired: 1}}",
            "plan.yaml:13: timeline[0]: a mapping: a step says one thing that happens, this one says crash, scale",
            id="two things in one step",
        ),
        pytest.param(
            "- crash: {service: web, exit_code: 3}",
            "- {at: 2m}",
            "plan.yaml:13: timeline[0]: a mapping: a step says one thing that happens, this one says none",
            id="nothing in a step",
        ),
        pytest.param(
            "- crash: {service: web, exit_code: 3}",
            "- {at: 2m, crash: {service: web}}\n  - {at: 1m, crash: {service: web}}",
            "plan.yaml:14: timeline[1].at: earlier than the step before it",
            id="backwards",
        ),
        pytest.param(
            "{kind: healthy}",
            "{kind: helthy}",
            'plan.yaml:7: images.web:1: "helthy"; did you mean "healthy"? allowed: healthy, slow_start, '
            "crash_on_start, crash_after, crash_once_healthy, flaky, background_crashes, out_of_memory, "
            "image_missing, secret_missing, never_healthy, never_healthy_at_target_group, ignores_sigterm, "
            "exits_zero, real_process, in_turn",
            id="an unknown behaviour",
        ),
        pytest.param(
            "{kind: healthy}",
            "{kind: healthy}\n  web:2: {kind: healthy}",
            "plan.yaml:8: images.web:2: nothing uses this image",
            id="an image that nothing uses",
        ),
        pytest.param(
            "- incident: {subject: prod/web, cause: app_error}",
            "- run: {name: nightly}\n  - row: {table: prices}",
            'plan.yaml:15: expect[0].run.name: no job or upload is called "nightly"; there is none\n'
            'plan.yaml:16: expect[1].row.table: no table is called "prices"; there is none',
            id="a run and a row of what is not there",
        ),
        pytest.param(
            'image: "web:1"',
            'image: "web:9"',
            'plan.yaml:7: images.web:1: nothing uses this image\n'
            'plan.yaml:9: task_definitions.web.containers.app.image: no image is called "web:9"; there is web:1',
            id="an image that is not there",
        ),
        pytest.param(
            "cause: app_error",
            "cause: app_eror",
            'plan.yaml:15: expect[0].incident.cause: "app_eror"; did you mean "app_error"?',
            id="an unknown cause",
        ),
        pytest.param(
            "settle: 3m",
            "settle: 180",
            "plan.yaml:5: settle: 180: not a duration; write it as 90s, 10m, 1h30m or 2d",
            id="a number without a unit",
        ),
        pytest.param(
            "- crash: {service: web, exit_code: 3}",
            "- spot_interruption: {service: web}",
            "plan.yaml:13: timeline[0].spot_interruption.service: web is not on FARGATE_SPOT",
            id="Spot without Spot",
        ),
        pytest.param(
            "settle: 3m",
            "settle: 40d",
            "plan.yaml:13: timeline: it lasts 40d in all, and 31d is the most",
            id="more than a month",
        ),
        pytest.param(
            "\n  - incident: {subject: prod/web, cause: app_error}",
            " []",
            "plan.yaml:14: expect: a scenario expects something",
            id="nothing expected",
        ),
        pytest.param(
            "incident: {subject: prod/web, cause: app_error}",
            "events: {pattern: {source: aws.ecs}}",
            "plan.yaml:15: expect[0].events.pattern: a mapping:",
            id="a pattern that is none",
        ),
        pytest.param(
            "incident: {subject: prod/web, cause: app_error}",
            "notices: {exactly: 1, at_least: 2}",
            "plan.yaml:15: expect[0].notices: a mapping: exactly goes with neither at_least nor at_most",
            id="bounds that do not agree",
        ),
        pytest.param(
            "web: {task: web}",
            "web: {task: wob, cluster: stage, load_balancers: [{load_balancer: front, target_group: a}]}",
            'plan.yaml:11: services.web.task: no task definition is called "wob"; there is web\n'
            'plan.yaml:11: services.web.cluster: no cluster is called "stage"; there is prod\n'
            'plan.yaml:11: services.web.load_balancers[0].load_balancer: no load balancer is called "front"; '
            "there is none",
            id="all of them at once",
        ),
        pytest.param(
            "{service: web, exit_code: 3}",
            "{service: web, task: web}",
            "plan.yaml:13: timeline[0].crash: a mapping: say whose tasks: service, or task for those of no service",
            id="tasks of two",
        ),
        pytest.param(
            "expect:",
            "troubles:\n  loop: {story: It crashes, steps: [{crash: {service: web}}]}\nexpect:",
            "plan.yaml:15: troubles.loop: a mapping: something has to come of a trouble: incidents, or what it makes "
            "so (expect)",
            id="a trouble of which nothing comes",
        ),
        pytest.param(
            "expect:",
            "troubles:\n  loop:\n    story: It crashes\n    steps: [{at: 2m, crash: {service: wep}}, {at: 1m, "
            'deploy: {service: web, image: "web:2"}}]\n'
            "    incidents: [{subject: prod/web, category: task_failed, cause: app_error}]\nexpect:",
            'plan.yaml:17: troubles.loop.steps[0].crash.service: no service is called "wep"; there is web\n'
            "plan.yaml:17: troubles.loop.steps[1].at: earlier than the step before it\n"
            'plan.yaml:17: troubles.loop.steps[1].deploy.image: no image is called "web:2"; there is web:1',
            id="the steps of a trouble",
        ),
        pytest.param(
            "- crash: {service: web, exit_code: 3}",
            "- release: {service: web, by: ann}",
            "plan.yaml:13: timeline[0].release: a mapping: say what to release: image, or revision",
            id="a release of nothing",
        ),
        pytest.param(
            "- incident: {subject: prod/web, cause: app_error}",
            "- release: {service: wob, result: Released}",
            'plan.yaml:15: expect[0].release.service: no service is called "wob"; there is web',
            id="a release of what is not there",
        ),
        pytest.param(
            "expect:",
            "canaries: {the log: FAKE1234567890}\nexpect:",
            "plan.yaml:14: canaries.the log: the scenario has this text nowhere",
            id="a canary that is hidden nowhere",
        ),
        pytest.param(
            "expect:",
            "normal: {jobs: 2, spared: [wep], runs: []}\nexpect:",
            "plan.yaml:14: normal.jobs: runs says which, and is empty\n"
            'plan.yaml:14: normal.spared[0]: no service is called "wep"; there is web',
            id="what is normal",
        ),
        pytest.param(
            "- crash: {service: web, exit_code: 3}",
            "- put_event: {file: nonsense}",
            'plan.yaml:13: timeline[0].put_event.file: no event is called "nonsense"; there is alarm_in_alarm',
            id="an unknown event",
        ),
    ],
)  # fmt: skip
def test_a_bad_scenario_is_named_by_line_and_path_and_ends_with_2(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert before in GOOD
    code, shown, errors = simulate(tmp_path, GOOD.replace(before, after))
    assert (code, shown) == (2, "")
    assert errors.startswith(said)


def test_a_step_that_cannot_be_carried_out_ends_with_2(tmp_path: Path) -> None:
    text = GOOD.replace("crash: {service: web, exit_code: 3}", "lose_instance: {}")
    code, _, errors = simulate(tmp_path, text)
    assert code == 2
    expected = "plan.yaml: timeline[0].lose_instance: prod has had 0 instances, there is no instance 1 of prod\n"
    assert errors == expected


def test_a_process_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    text = GOOD.replace("{kind: healthy}", "{kind: real_process, command: [/no/such/program]}").replace("3m", "0s", 1)
    code, _, errors = simulate(
        tmp_path, text.replace("crash: {service: web, exit_code: 3}", "scale: {service: web, desired: 2}")
    )
    assert code == 2
    assert "plan.yaml: the real process /no/such/program cannot be run: " in errors


def test_a_file_that_cannot_be_read_ends_with_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["simulate", str(tmp_path / "none.yaml")])
    assert (result.exit_code, result.stderr) == (
        2,
        f"breakwater simulate: {tmp_path / 'none.yaml'}: No such file or directory\n",
    )
    (tmp_path / "latin.yaml").write_bytes(b"title: \xe9\n")
    result = CliRunner().invoke(app, ["simulate", str(tmp_path / "latin.yaml")])
    assert result.exit_code == 2
    assert "is not text in UTF-8" in result.stderr


@pytest.mark.parametrize("text", ["0s", "90s", "1m30s", "1h30m", "2d", "1d2h3m4s"])
def test_a_duration_is_written_as_it_is_read(text: str) -> None:
    span = read_duration(text)
    assert read_duration(written(span)) == span


@pytest.mark.parametrize("given", ["", "5", 5, "m", "1.5h", "-1m", "1m2h", "1 m", None, True])
def test_what_is_no_duration_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="write it as"):
        read_duration(given)


@pytest.mark.parametrize(
    ("bounds", "holds", "words"),
    [
        (Bounds(), [False, True, True], "at least 1"),
        (Bounds(exactly=1), [False, True, False], "1"),
        (Bounds(at_least=2), [False, False, True], "at least 2"),
        (Bounds(at_most=1), [True, True, False], "at most 1"),
        (Bounds(at_least=1, at_most=1), [False, True, False], "at least 1 and at most 1"),
    ],
)
def test_bounds_hold_for_these_numbers(bounds: Bounds, holds: list[bool], words: str) -> None:
    assert [bounds.hold(number) for number in range(3)] == holds
    assert bounds.wanted() == words


def test_every_kind_of_step_tells_itself() -> None:
    untold = [
        name
        for name, info in Step.model_fields.items()
        if name != "at" and not callable(getattr(next(iter(_classes(info.annotation))), "told", None))
    ]
    assert untold == []


def _classes(annotation: object) -> list[object]:
    return [kind for kind in getattr(annotation, "__args__", ()) if kind is not type(None)]
