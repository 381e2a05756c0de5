import json
from collections.abc import Mapping
from typing import Any

import pytest

from benchmarks import _contract
from benchmarks._contract import Goal, Options, Outcome


def outcome_of(value: float) -> Outcome:
    return Outcome({"ratio": value}, {"ratio_p90": 1.23456}, {"ratio": "of this to that"}, {"ratio": Goal(1.15)})


def test_json_is_one_object_with_figures_noise_and_versions(capsys: pytest.CaptureFixture[str]) -> None:
    assert _contract.main("A benchmark", lambda options: outcome_of(1.0), ["--json"]) == 0
    found: Mapping[str, Any] = json.loads(capsys.readouterr().out)
    assert found.keys() == {"figures", "noise", "versions"}
    assert (found["figures"], found["noise"]) == ({"ratio": 1.0}, {"ratio_p90": 1.2346})
    assert {"python", "botocore", "pydantic"} <= found["versions"].keys()


def test_people_get_a_table_with_the_goal_and_what_a_figure_is(capsys: pytest.CaptureFixture[str]) -> None:
    _contract.main("A benchmark", lambda options: outcome_of(1.0), [])
    out = capsys.readouterr().out
    assert all(words in out for words in ("A benchmark", "ratio", "≤ 1.15", "of this to that", "ratio_p90"))


def test_a_missed_goal_is_bad_news_and_exit_code_1() -> None:
    assert _contract.main("A benchmark", lambda options: outcome_of(1.16), ["--json"]) == 1


def test_progress_stays_out_of_the_way_of_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    _contract.say("half way")
    assert capsys.readouterr() == ("", "half way\n")


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        pytest.param([], Options(quick=False, seed=7), id="nothing"),
        pytest.param(["--quick", "--seed", "3"], Options(quick=True, seed=3), id="both"),
    ],
)
def test_the_options_reach_the_benchmark(arguments: list[str], options: Options) -> None:
    seen: list[Options] = []

    def run(given: Options) -> Outcome:
        seen.append(given)
        return Outcome({})

    assert _contract.main("A benchmark", run, arguments) == 0
    assert seen == [options]


@pytest.mark.parametrize(
    ("goal", "figure", "met"),
    [
        pytest.param(Goal(0.35), 0.35, True, id="at the limit"),
        pytest.param(Goal(0.35), 0.351, False, id="above the limit"),
        pytest.param(Goal(500, exactly=True), 500, True, id="exactly"),
        pytest.param(Goal(500, exactly=True), 499, False, id="fewer than exactly"),
    ],
)
def test_a_goal_knows_whether_it_is_met(goal: Goal, figure: float, met: bool) -> None:
    assert goal.met(figure) is met
