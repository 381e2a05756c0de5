"""Each case is run once in an interpreter of its own, which also shows what a cold start imports."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from benchmarks import cold_start
from benchmarks.cold.cases import Case, cases
from benchmarks.cold_start import Sample, sample

CASES = cases()
OURS = [name for name in CASES if "Function" in name]
ROOT = Path(__file__).parents[3]

NEVER = {
    "boto3": "botocore does all that the adapters need, 13 ms cheaper",
    "s3transfer": "comes with boto3",
    "asyncio": "comes with the batch processor of Powertools",
    "aws_xray_sdk": "Lambda traces invocations without it",
    "pydantic": "a third of a cold start; who reads a policy document imports it",
    "aws_lambda_powertools.utilities.batch": "imports asyncio",
    "aws_lambda_powertools.utilities.idempotency": "imports boto3",
    "aws_lambda_powertools.utilities.parameters": "imports boto3",
    "aws_lambda_powertools.utilities.parser": "imports pydantic",
}
READERS = ("PolicySync", "ReleaseBegin")
"""Who reads what people wrote: the policy's document, the input of a release."""
ONLY_WITH_A_CLIENT = {"botocore.session", "botocore.client", "urllib3"}
FOR_A_LOOK = {"rollback_guard.guard", "rollback_guard.tools", "rollback_guard.picture", "breakwater.desk"}
NOT_YET = {
    "RollbackGuardFunction": FOR_A_LOOK | {"breakwater.services"},
    "RollbackGuardFunction_dropped": FOR_A_LOOK | {"breakwater.services"},
    "RollbackGuardSweepFunction": FOR_A_LOOK,
    "BatchRunnerFunction": {"breakwater.occurrences", "zoneinfo"},
}
"""What others of a function's events need, and the one of its row does not."""


@cache
def run(name: str) -> Sample:
    return sample(name, cases()[name], tell_modules=True)  # of now: some say what was seconds ago


@pytest.mark.parametrize("name", CASES)
def test_every_case_gives_its_answer_and_makes_its_calls(name: str) -> None:
    assert run(name).cpu > 0


def test_every_function_of_the_template_has_a_row() -> None:
    text = (ROOT / "template.yaml").read_text()
    functions = re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function$", text, re.MULTILINE)
    assert functions
    assert set(functions) <= set(OURS), "give each new function a case in benchmarks/cold/cases.py"


@pytest.mark.parametrize("name", OURS)
def test_no_cold_start_imports_what_it_has_no_use_for(name: str) -> None:
    allowed = {"pydantic"} if name.startswith(READERS) else set()
    found = (NEVER.keys() - allowed) & set(run(name).told["modules"])
    assert not found, f"{name} imports " + "; ".join(f"{module}: {NEVER[module]}" for module in sorted(found))


@pytest.mark.parametrize("name", NOT_YET)
def test_what_only_other_events_need_is_imported_when_they_come(name: str) -> None:
    assert not NOT_YET[name] & set(run(name).told["modules"])


@pytest.mark.parametrize("name", [name for name in OURS if CASES[name].calls])
def test_urllib3_is_imported_before_botocore_and_not_from_the_depth_of_it(name: str) -> None:
    modules = run(name).told["modules"]
    assert modules.index("urllib3") < modules.index("botocore.session"), "see breakwater.aws"


@pytest.mark.parametrize("name", [name for name in OURS if name.endswith("_dropped")])
def test_an_event_that_is_dropped_makes_no_client(name: str) -> None:
    told = run(name).told
    assert told["calls"] == []
    assert not ONLY_WITH_A_CLIENT & set(told["modules"])


@pytest.mark.parametrize(
    ("spoilt", "complaint"),
    [
        pytest.param({"handler": "benchmarks.cold.nowhere.handler"}, "No module named", id="a crash"),
        pytest.param({"answer": {"batchItemFailures": ["x"]}}, "something else", id="another answer"),
        pytest.param({"calls": ("dynamodb.Query",)}, "something else", id="other calls"),
    ],
)
def test_a_cold_start_that_goes_wrong_is_no_figure(spoilt: dict[str, object], complaint: str) -> None:
    case: Case = replace(CASES["TaskAlertsFunction_dropped"], **spoilt)  # type: ignore[arg-type]  # names from a table
    with pytest.raises(RuntimeError, match=complaint):
        sample("spoilt", case)


def test_figures_are_medians_of_ratios_within_a_round() -> None:
    costs = {
        "bare": [1.0, 2.0, 4.0],
        "aa": [1.0, 2.2, 4.0],
        "XFunction": [1.1, 2.0, 4.8],
        "XFunction_dropped": [0.5, 1, 2],
    }
    outcome = cold_start.outcome(costs)
    assert outcome.figures["ratio_XFunction"] == pytest.approx(1.1)
    assert outcome.figures["ratio_aa"] == pytest.approx(1.0)
    assert outcome.noise["rounds"] == 3
    assert outcome.noise["ratio_XFunction_p90"] == pytest.approx(1.2)
    assert {name: goal.limit for name, goal in outcome.goals.items()} == {
        "ratio_XFunction": 1.15,
        "ratio_XFunction_dropped": 0.60,
    }
