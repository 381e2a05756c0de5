"""CloudWatch's GetMetricData for target groups, answered from the model's requests.

One datapoint a period, for whole minutes that are over. Where there was no request there is none, and counts of answers
have none at zero either, as load balancers publish them. Quantiles are exact; CloudWatch's are nearly so.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sandbox.aws import Answer, ServiceError
from sandbox.ecs.model import Model
from sandbox.ecs.names import milliseconds, moment
from sandbox.ecs.native import NativeStrategies
from sandbox.ecs.requests import MINUTE, Sample
from sandbox.ecs_api.wire import service_model, written
from sandbox.errors import UnsupportedError

Params = Mapping[str, Any]
_UNDERSTOOD = frozenset({"MetricDataQueries", "StartTime", "EndTime", "ScanBy"})
_QUERY = frozenset({"Id", "MetricStat", "ReturnData", "Label"})
_COUNTS: Mapping[str, Callable[[Sample], int]] = {
    "RequestCount": lambda sample: sample.requests,
    "HTTPCode_Target_2XX_Count": lambda sample: len(sample.latencies) - sample.target_5xx,
    "HTTPCode_Target_5XX_Count": lambda sample: sample.target_5xx,
}
_NEVER = frozenset(
    {
        "HTTPCode_Target_3XX_Count",  # no workload of the model redirects
        "HTTPCode_Target_4XX_Count",  # or finds a request at fault
        "TargetConnectionErrorCount",  # or refuses a connection: a target whose task is gone answers 502
        "HTTPCode_ELB_5XX_Count",  # of the load balancer alone: AWS has none by target group
    }
)
_OF_LATENCIES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Average": lambda sorted_: math.fsum(sorted_) / len(sorted_),
    "Minimum": lambda sorted_: sorted_[0],
    "Maximum": lambda sorted_: sorted_[-1],
    "SampleCount": lambda sorted_: float(len(sorted_)),
}


class TrafficMetrics:
    """The metrics of load balancers."""

    def __init__(self, native: NativeStrategies, model: Model) -> None:
        self._native, self._model = native, model

    def answers(self) -> dict[tuple[str, str], Answer]:
        """The operation for the gate."""
        return {("cloudwatch", "GetMetricData"): self.get}

    def get(self, params: Params) -> dict[str, Any]:
        """GetMetricData."""
        _known("", params, _UNDERSTOOD)
        start, end = (milliseconds(params[name]) for name in ("StartTime", "EndTime"))
        if start >= end:
            raise ServiceError("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
        backwards = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        results = []
        for query in params["MetricDataQueries"]:
            _known(".MetricDataQueries", query, _QUERY)
            if "MetricStat" not in query or not query.get("ReturnData", True):
                raise UnsupportedError("cloudwatch:GetMetricData of an expression")
            points = list(self._points(query["MetricStat"], start, end))
            if backwards:
                points.reverse()
            results.append(
                {
                    "Id": query["Id"],
                    "Label": query.get("Label", query["MetricStat"]["Metric"]["MetricName"]),
                    "Timestamps": [moment(at) for at, _ in points],
                    "Values": [value for _, value in points],
                    "StatusCode": "Complete",
                }
            )
        answer = {"MetricDataResults": results}
        shape = service_model("cloudwatch").operation_model("GetMetricData").output_shape
        if shape is not None:
            written(shape, answer, "GetMetricData")
        return answer

    def _points(self, wanted: Params, start: int, end: int) -> Iterator[tuple[int, float]]:
        metric, period = wanted["Metric"], wanted["Period"] * 1000
        if period % MINUTE or "Unit" in wanted:
            raise UnsupportedError(f"cloudwatch:GetMetricData with a period of {wanted['Period']} s or a unit")
        reduce = _reducer(metric["MetricName"], wanted["Stat"])
        over = self._model.world.now // MINUTE * MINUTE
        samples = self._native.requests.between(self._group(metric), start // period * period, min(end, over))
        for at in sorted({minute // period * period for minute, _ in samples}):
            here = [sample for minute, sample in samples if at <= minute < at + period]
            value = reduce(here)
            if value is not None:
                yield at, value

    def _group(self, metric: Params) -> str:
        dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions", [])}
        if metric["Namespace"] != "AWS/ApplicationELB" or dimensions.keys() - {"TargetGroup", "LoadBalancer"}:
            raise UnsupportedError(f"cloudwatch:GetMetricData of {metric['Namespace']} {sorted(dimensions)}")
        if "TargetGroup" not in dimensions:
            raise UnsupportedError("cloudwatch:GetMetricData of a load balancer as a whole")
        groups = [arn for arn in self._model.world.target_groups if arn.endswith(f":{dimensions['TargetGroup']}")]
        balancer = dimensions.get("LoadBalancer")
        return next(
            (
                arn
                for arn in groups
                if balancer is None or any(one.endswith(f"/{balancer}") for one in self._native.balancers.behind(arn))
            ),
            "",
        )


def _reducer(name: str, stat: str) -> Callable[[Sequence[Sample]], float | None]:
    """How the samples of a period become one value; None is no datapoint."""
    if name in _NEVER and stat == "Sum":
        return lambda samples: None
    if name in _COUNTS and stat == "Sum":
        return lambda samples: float(sum(map(_COUNTS[name], samples))) or None
    quantile = stat[1:] if stat[:1] == "p" and stat[1:].replace(".", "", 1).isdecimal() else None
    if name != "TargetResponseTime" or (quantile is None and stat not in _OF_LATENCIES):
        raise UnsupportedError(f"cloudwatch:GetMetricData of {stat} of {name}")

    def reduced(samples: Sequence[Sample]) -> float | None:
        latencies = sorted(each / 1000 for sample in samples for each in sample.latencies)
        if not latencies:
            return None
        if quantile is None:
            return _OF_LATENCIES[stat](latencies)
        return latencies[max(0, math.ceil(float(quantile) / 100 * len(latencies)) - 1)]

    return reduced


def _known(where: str, given: Params, known: frozenset[str]) -> None:
    strange = sorted(given.keys() - known)
    if strange:
        raise UnsupportedError(f"cloudwatch:GetMetricData{where}.{strange[0]} is not known to the model")
