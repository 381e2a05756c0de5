"""What CloudWatch has on one target group over one window: requests, errors, latency quantiles.

One call for both sides. The window is one period, since percentiles of shorter ones cannot be put together; it ends a
minute before now, because a load balancer's datapoints come late and a half-filled minute would look like few errors.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from breakwater.aws import translated_errors
from breakwater.checks.metrics import Side
from breakwater.checks.spec import QuantileBound

NAMESPACE = "AWS/ApplicationELB"
LATE = timedelta(minutes=1)
_SUMS = {"requests": "RequestCount", "answered": "HTTPCode_Target_5XX_Count", "refused": "TargetConnectionErrorCount"}


def read_sides(
    cloudwatch: Callable[[], Any],
    balancer: str,
    target_groups: Sequence[str],
    quantiles: Sequence[QuantileBound],
    start: datetime,
    now: datetime,
) -> dict[str, Side]:
    """The sides by target group ARN, over whole minutes from `start` to a minute before `now`.

    Raises `BreakwaterError` if CloudWatch cannot be asked. A window of no whole minute gives sides without any data.
    """
    begin = start.replace(second=0, microsecond=0)
    end = (now - LATE).replace(second=0, microsecond=0)
    period = int((end - begin).total_seconds())
    if period < 60:
        return {group: Side(None) for group in target_groups}
    queries: list[dict[str, Any]] = []
    for number, group in enumerate(target_groups):
        dimensions = [
            {"Name": "LoadBalancer", "Value": balancer},
            {"Name": "TargetGroup", "Value": group.rpartition(":")[2]},
        ]
        wanted = {f"{name}{number}": (metric, "Sum") for name, metric in _SUMS.items()}
        wanted |= {f"q{at}_{number}": ("TargetResponseTime", bound.statistic) for at, bound in enumerate(quantiles)}
        for id_, (metric, statistic) in wanted.items():
            named = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
            queries.append({"Id": id_, "MetricStat": {"Metric": named, "Period": period, "Stat": statistic}})
    values = _values(cloudwatch, queries, begin, end)
    return {group: _side(values, number, quantiles) for number, group in enumerate(target_groups)}


def _values(
    cloudwatch: Callable[[], Any], queries: list[dict[str, Any]], start: datetime, end: datetime
) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    token: dict[str, str] = {}
    while True:
        with translated_errors("get metric data"):
            answer = cloudwatch().get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end, **token)
        for result in answer["MetricDataResults"]:
            values.setdefault(result["Id"], []).extend(result.get("Values", []))
        if not answer.get("NextToken"):
            return values
        token = {"NextToken": answer["NextToken"]}


def _side(values: Mapping[str, list[float]], number: int, quantiles: Sequence[QuantileBound]) -> Side:
    def total(name: str) -> int | None:
        found = values.get(f"{name}{number}")
        return round(sum(found)) if found else None

    answered, refused = total("answered"), total("refused")
    errors = None if answered is None and refused is None else (answered or 0) + (refused or 0)
    latency: dict[float, float | None] = {}
    for at, bound in enumerate(quantiles):
        found = values.get(f"q{at}_{number}") or []
        # The period may straddle two of CloudWatch's own: two percentiles are no percentile, the worse one is safe.
        latency[bound.quantile] = max(found) * 1000 if found else None
    return Side(total("requests"), errors, latency)
