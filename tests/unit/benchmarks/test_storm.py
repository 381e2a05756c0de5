from datetime import timedelta

import pytest

from benchmarks.storm import START, Storm, measure, most_in_a_minute

SMALL = Storm(events=60, services=14, duplicates=0.05)


def test_a_small_storm_loses_nothing_and_floods_nobody() -> None:
    outcome = measure(SMALL, seed=3)
    figures = outcome.figures
    assert {name for name, goal in outcome.goals.items() if not goal.met(figures[name])} <= {"aws_calls_per_event"}
    assert (figures["events"], figures["incidents"], figures["stops_counted"]) == (60, 14, 57)
    assert figures["ecs_reads"] == 14
    assert figures["messages"] > 2
    assert {"write_units_per_event", "aws_calls_NotifierFunction"} <= figures.keys()


@pytest.mark.parametrize(
    ("seconds", "most"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([0, 59, 60], 2, id="sixty seconds are over at the sixtieth"),
        pytest.param([0, 50, 61, 70, 100], 4, id="a minute may begin anywhere"),
    ],
)
def test_the_busiest_minute_is_found_wherever_it_begins(seconds: list[int], most: int) -> None:
    assert most_in_a_minute([START + timedelta(seconds=second) for second in seconds]) == most
