"""What the files around the template promise."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.template.reading import ROOT, resources, written

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_an_action_is_pinned_by_its_full_sha(workflow: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", workflow.read_text(encoding="utf-8"))
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), f"pin {action} by its full SHA"
        assert re.search(r"# v\d+", comment), f"say in a comment which version {action} is"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_knows_nothing_that_the_makefile_does_not(workflow: Path) -> None:
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    for command in commands:
        target = command.removeprefix("make ")
        assert command == ".ci/run" or target in TARGETS, f"make {command!r} a target and call that"


def test_ci_calls_targets_and_stops_at_the_first_failure() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in script
    assert re.findall(r"^make ([a-z-]+)$", script, re.MULTILINE) == ["test", "check"]


def test_no_recipe_leans_on_a_script_that_remembers_where_it_was_made() -> None:
    recipes = re.findall(r"^\t.*", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    scripts = [recipe for recipe in recipes if re.search(r"(?<!\$\(PY\) )\.venv\S*/bin/(?!python|uv\b)", recipe)]
    assert not scripts, "call it with the environment's python -m: after a copy of the tree the script runs elsewhere"


@pytest.mark.parametrize(
    ("words", "architecture"),
    [pytest.param([], "arm64", id="by default"), pytest.param(["ARCHITECTURE=x86_64"], "x86_64", id="the other one")],
)
def test_a_build_is_for_the_processor_that_is_deployed(words: list[str], architecture: str) -> None:
    command = ["make", "-n", "-o", ".venv-sam/.installed", "build", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603  # our own words
    assert f"build --parameter-overrides Architecture={architecture}\n" in done.stdout
    assert written()["Parameters"]["Architecture"]["Default"] == "arm64"


def test_the_readme_names_every_parameter_and_how_many_alarms_there_are() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[A-Z].*?) \|", readme, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(written()["Parameters"])
    [alarms] = re.findall(r"(\d+) CloudWatch alarms", readme)
    assert int(alarms) == len(resources("AWS::CloudWatch::Alarm"))


def test_every_waiver_of_checkov_says_why() -> None:
    waivers = re.findall(r"- (CKV\w+)(.*)", (ROOT / ".checkov.yaml").read_text(encoding="utf-8"))
    assert waivers
    for check, reason in waivers:
        assert re.match(r"  # \w.{20,}", reason), f"say behind {check} why it is waived"


def test_the_readme_counts_the_alarms_that_are_paid_for() -> None:
    alarms = sum(body["Type"] == "AWS::CloudWatch::Alarm" for body in written()["Resources"].values())
    assert f"{alarms} CloudWatch alarms" in (ROOT / "README.md").read_text(encoding="utf-8")
