"""What is read of both sides: a request that no target answered well is an error, and no minute is from before."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from breakwater.checks import (
    Comparison,
    Failed,
    Inconclusive,
    MetricAnalysis,
    Passed,
    QuantileBound,
    Side,
    Verdict,
    compare,
)
from breakwater.errors import BreakwaterError
from breakwater.preflight_facts import ServiceFacts
from breakwater.sample_windows import Starts, starts_of
from breakwater.target_metrics import read_sides

NOW = datetime(2026, 4, 14, 7, 31, 30, tzinfo=UTC)
BEGIN = datetime(2026, 4, 14, 7, 20, tzinfo=UTC)
ELB = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:"
GREEN, BLUE = f"{ELB}targetgroup/green/1", f"{ELB}targetgroup/blue/1"

Counts = Mapping[str, float]


class Watch:
    """CloudWatch with the same counts in each minute from a first to a last one, on one side or the other."""

    def __init__(self, green: Counts, blue: Counts, *, until: datetime = NOW, status: str = "Complete") -> None:
        self.made = {"green": green, "blue": blue}
        self.until, self.status = until, status
        self.late: frozenset[tuple[str, datetime]] = frozenset()
        self.asked: list[dict[str, Any]] = []

    def get_metric_data(self, **params: Any) -> dict[str, Any]:
        self.asked.append(params)
        return {"MetricDataResults": [self._result(query, params) for query in params["MetricDataQueries"]]}

    def _result(self, query: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        stat = query["MetricStat"]
        side = stat["Metric"]["Dimensions"][1]["Value"].split("/")[1]
        value = self.made[side].get(stat["Metric"]["MetricName"])
        times = []
        at = params["StartTime"] - timedelta(minutes=3)  # more than was asked for, which must not count
        while at < self.until:
            if value is not None and (stat["Metric"]["MetricName"], at) not in self.late:
                times.append(at)
            at += timedelta(seconds=stat["Period"])
        return {"Id": query["Id"], "Timestamps": times, "Values": [value] * len(times), "StatusCode": self.status}


FINE = {"RequestCount": 900, "HTTPCode_Target_2XX_Count": 900, "TargetResponseTime": 0.02}


def sides(watch: Watch, start: datetime = BEGIN) -> tuple[Side, Side]:
    read = read_sides(lambda: watch, "app/shop/1", {GREEN: start, BLUE: start}, MetricAnalysis().quantiles, NOW)
    return read[GREEN], read[BLUE]


def verdict(watch: Watch) -> Verdict:
    green, blue = sides(watch)
    return compare(MetricAnalysis(), Comparison(green, blue)).verdict


SEEN: dict[str, tuple[Counts, int]] = {
    "all answered": ({"RequestCount": 100, "HTTPCode_Target_2XX_Count": 100}, 0),
    "a redirect and a client's mistake are answers": (
        {
            "RequestCount": 100,
            "HTTPCode_Target_2XX_Count": 60,
            "HTTPCode_Target_3XX_Count": 30,
            "HTTPCode_Target_4XX_Count": 10,
        },
        0,
    ),
    "5XX of a target": (
        {"RequestCount": 100, "HTTPCode_Target_2XX_Count": 97, "HTTPCode_Target_5XX_Count": 3},
        3,
    ),
    "answered by the balancer with 502 or 504": ({"RequestCount": 100, "HTTPCode_Target_2XX_Count": 70}, 30),
    "nothing answered": ({"RequestCount": 100, "TargetConnectionErrorCount": 100}, 100),
    "a connection that was refused and tried elsewhere": (
        {"RequestCount": 100, "HTTPCode_Target_2XX_Count": 100, "TargetConnectionErrorCount": 2},
        2,
    ),
    "an answer counted later than its request": ({"RequestCount": 100, "HTTPCode_Target_2XX_Count": 101}, 0),
}


@pytest.mark.parametrize("what", SEEN)
def test_an_error_is_a_request_that_no_target_answered_well(what: str) -> None:
    counts, errors = SEEN[what]
    green, blue = sides(Watch(counts, FINE))
    assert (green.requests, green.errors) == (1000, errors * 10)  # ten whole minutes, 07:20 to 07:30
    assert (blue.requests, blue.errors) == (9000, 0)


def test_a_canary_whose_targets_break_off_fails_though_none_of_them_answers_5xx() -> None:
    broken = {"RequestCount": 100, "HTTPCode_Target_2XX_Count": 70, "TargetResponseTime": 0.02}
    found = verdict(Watch(broken, FINE))
    assert isinstance(found, Failed)
    assert "300 of 1000 requests failed on the new side" in found.reason
    whole = {"RequestCount": 100, "HTTPCode_Target_2XX_Count": 100, "TargetResponseTime": 0.02}
    assert isinstance(verdict(Watch(whole, FINE)), Passed)


def test_the_newest_minute_whose_answers_are_still_on_their_way_is_no_minute_of_errors_and_no_pass() -> None:
    watch = Watch({"RequestCount": 100, "HTTPCode_Target_2XX_Count": 100, "TargetResponseTime": 0.02}, FINE)
    last, before = (NOW.replace(minute=minute, second=0) for minute in (29, 28))
    watch.late = frozenset({("HTTPCode_Target_2XX_Count", last)})
    assert (sides(watch)[0].requests, sides(watch)[0].errors) == (900, 0)
    doubt = verdict(watch)
    assert isinstance(doubt, Inconclusive)
    assert doubt.reason == "the newest minute of the new and old side has requests and no answers yet"
    watch.late = frozenset({("HTTPCode_Target_2XX_Count", before)})
    assert (sides(watch)[0].requests, sides(watch)[0].errors) == (1000, 100), "an older one is what it says"


def test_a_minute_in_which_nobody_asked_lacks_no_answers() -> None:
    assert sides(Watch({"RequestCount": 0}, FINE))[0] == Side(0, 0, {0.5: None, 0.95: None})


def test_a_side_that_answers_nothing_at_all_fails_by_the_minutes_before_the_newest() -> None:
    watch = Watch({"RequestCount": 100}, FINE)
    assert sides(watch)[0] == Side(900, 900, {0.5: None, 0.95: None}, late=True)
    assert isinstance(verdict(watch), Failed)


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_an_answer_that_is_not_whole_is_none(status: str) -> None:
    with pytest.raises(BreakwaterError, match=status):
        sides(Watch(FINE, FINE, status=status))


def test_no_datapoint_of_requests_is_nothing_known() -> None:
    assert sides(Watch({}, FINE))[0].requests is None
    assert isinstance(verdict(Watch({}, FINE)), Inconclusive)


def test_counts_are_asked_by_the_minute_and_quantiles_over_the_whole_window() -> None:
    watch = Watch(FINE, FINE)
    sides(watch)
    asked = watch.asked[0]
    assert (asked["StartTime"], asked["EndTime"]) == (BEGIN, NOW.replace(minute=30, second=0))
    periods = {
        query["MetricStat"]["Metric"]["MetricName"]: query["MetricStat"]["Period"]
        for query in asked["MetricDataQueries"]
    }
    assert periods.pop("TargetResponseTime") == 600
    assert set(periods.values()) == {60}
    assert "HTTPCode_ELB_5XX_Count" not in periods, "AWS has none by target group"


SINCE = datetime(2026, 4, 14, 7, 30, 20, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
AT = SINCE.replace(second=0)


@pytest.mark.parametrize(
    ("strategy", "bake", "green", "blue"),
    [
        pytest.param("CANARY", 10, SINCE - WINDOW, SINCE - WINDOW, id="a bake longer than the window"),
        pytest.param("LINEAR", 5, SINCE - WINDOW, SINCE - WINDOW, id="a bake as long as the window"),
        pytest.param("CANARY", 2, AT - timedelta(minutes=1), AT - timedelta(minutes=1), id="a bake that is shorter"),
        pytest.param("LINEAR", 0, AT + timedelta(minutes=1), AT + timedelta(minutes=1), id="no bake"),
        pytest.param("BLUE_GREEN", 0, AT + timedelta(minutes=1), SINCE - WINDOW, id="all at once: after and before"),
    ],
)
def test_no_window_reaches_back_before_the_traffic_of_its_step(
    strategy: str, bake: int, green: datetime, blue: datetime
) -> None:
    service = ServiceFacts("prod", "web", strategy=strategy, step_bake_minutes=bake)
    assert starts_of(service, SINCE, WINDOW) == Starts(green, blue)


def test_a_quantile_of_a_window_is_the_worse_of_two_that_cloudwatch_has_of_it() -> None:
    watch = Watch({**FINE, "TargetResponseTime": 0.08}, FINE)
    read = read_sides(lambda: watch, "app/shop/1", {GREEN: BEGIN}, [QuantileBound(0.95)], NOW)
    assert read[GREEN].latency_ms[0.95] == pytest.approx(80)
