"""What CloudWatch has on one target group over one window: requests, errors, latency quantiles.

An error is a request that no target answered well. The load balancer's own 502 and 504, for a target that breaks off or
hangs, have no dimension of the target group (`HTTPCode_ELB_5XX_Count` is of the load balancer alone), but the request
is in the group's RequestCount, which has every request that a target was chosen for: so what is in there and in none of
the 2XX, 3XX and 4XX answers of targets failed. (AWS, "CloudWatch metrics for your Application Load Balancer".)

Counts are asked by the minute and added up here, so that no minute from before the window is among them: which data a
period takes that begins at no multiple of itself is not documented. Percentiles of minutes cannot be put together, so a
quantile is asked with the whole window as its period. A window ends a minute before now, because datapoints come late
and a half-filled minute would look like few errors.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from breakwater.aws import translated_errors
from breakwater.checks.metrics import Side
from breakwater.checks.spec import QuantileBound
from breakwater.errors import BreakwaterError

NAMESPACE = "AWS/ApplicationELB"
LATE = timedelta(minutes=1)
MINUTE = 60
_SUMS = {
    "requests": "RequestCount",
    "good2": "HTTPCode_Target_2XX_Count",
    "good3": "HTTPCode_Target_3XX_Count",
    "good4": "HTTPCode_Target_4XX_Count",
    "bad": "HTTPCode_Target_5XX_Count",
    "refused": "TargetConnectionErrorCount",
}
_GOOD = ("good2", "good3", "good4")

Points = Mapping[str, Mapping[datetime, float]]
"""The datapoints of each query, by the time that they begin at."""


def read_sides(
    cloudwatch: Callable[[], Any],
    balancer: str,
    starts: Mapping[str, datetime],
    quantiles: Sequence[QuantileBound],
    now: datetime,
) -> dict[str, Side]:
    """The sides by target group ARN, each over whole minutes from its start to a minute before `now`.

    Raises `BreakwaterError` if CloudWatch cannot be asked, or has not all of the answer. A window of no whole minute
    gives a side without any data.
    """
    return {group: _read(cloudwatch, balancer, group, start, quantiles, now) for group, start in starts.items()}


def _read(
    cloudwatch: Callable[[], Any],
    balancer: str,
    group: str,
    start: datetime,
    quantiles: Sequence[QuantileBound],
    now: datetime,
) -> Side:
    begin = start.replace(second=0, microsecond=0)
    end = (now - LATE).replace(second=0, microsecond=0)
    window = int((end - begin).total_seconds())
    if window < MINUTE:
        return Side(None)
    dimensions = [
        {"Name": "LoadBalancer", "Value": balancer},
        {"Name": "TargetGroup", "Value": group.rpartition(":")[2]},
    ]
    wanted = {name: (metric, "Sum", MINUTE) for name, metric in _SUMS.items()}
    wanted |= {f"q{at}": ("TargetResponseTime", bound.statistic, window) for at, bound in enumerate(quantiles)}
    queries = [
        {
            "Id": id_,
            "MetricStat": {
                "Metric": {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions},
                "Period": period,
                "Stat": statistic,
            },
        }
        for id_, (metric, statistic, period) in wanted.items()
    ]
    return _side(_points(cloudwatch, queries, begin, end), begin, end, quantiles)


def _points(cloudwatch: Callable[[], Any], queries: list[dict[str, Any]], start: datetime, end: datetime) -> Points:
    points: dict[str, dict[datetime, float]] = {}
    states: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        with translated_errors("get metric data"):
            answer = cloudwatch().get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end, **token)
        for result in answer["MetricDataResults"]:
            found = zip(result.get("Timestamps", []), result.get("Values", []), strict=True)
            points.setdefault(result["Id"], {}).update(found)
            states[result["Id"]] = str(result.get("StatusCode", "Complete"))
        if not answer.get("NextToken"):
            break
        token = {"NextToken": answer["NextToken"]}
    # A count of good answers that is only half there would make the other half of the requests errors.
    partly = sorted(id_ for id_, state in states.items() if state != "Complete")
    if partly:
        raise BreakwaterError(f"get metric data: CloudWatch answers {states[partly[0]]} for {', '.join(partly)}")
    return points


def _side(points: Points, begin: datetime, end: datetime, quantiles: Sequence[QuantileBound]) -> Side:
    minutes = {name: {at: count for at, count in points.get(name, {}).items() if begin <= at < end} for name in _SUMS}
    last = max(minutes["requests"], default=None)
    # RequestCount is reported where targets are registered, also as 0.
    asked = last is not None and minutes["requests"][last] > 0
    late = asked and not any(last in minutes[name] for name in _SUMS if name != "requests")
    if last is not None and late:
        # Requests and no answer of any kind: the answers' datapoints may still be on their way. Only the newest can be.
        del minutes["requests"][last]
    latency: dict[float, float | None] = {}
    for at, bound in enumerate(quantiles):
        # The period may straddle two of CloudWatch's own: two percentiles are no percentile, the worse one is safe.
        found = points.get(f"q{at}", {}).values()
        latency[bound.quantile] = max(found) * 1000 if found else None
    if not minutes["requests"]:
        return Side(None, None, latency, late)

    def total(*names: str) -> int:
        return round(sum(sum(minutes[name].values()) for name in names))

    requests = total("requests")
    return Side(requests, max(requests - total(*_GOOD), total("bad", "refused")), latency, late)
