"""Custom metrics: what functions write into their logs in the embedded metric format, by virtual time.

A line that carries `_aws` is read as CloudWatch would read it. One that is not valid there is an error of the sandbox:
CloudWatch would drop it in silence, and the alarm on it would never go off.
"""

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sandbox.errors import UnsupportedError

Key = tuple[str, str, frozenset[tuple[str, str]]]  # namespace, name, dimensions


class Metrics:
    """The data points of the account's custom metrics, in the order of time."""

    def __init__(self) -> None:
        self._points: defaultdict[Key, tuple[list[datetime], list[float]]] = defaultdict(lambda: ([], []))

    def take(self, line: str, at: datetime) -> None:
        """Take in the metrics of a log line, if it carries any."""
        if '"_aws"' not in line:
            return
        try:
            for key, values in _metrics_in(json.loads(line)):
                times, numbers = self._points[key]
                times.extend(at for _ in values)
                numbers.extend(values)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise UnsupportedError(f"a log line is not valid embedded metric format: {problem!r}") from problem

    def total(self, key: Key, since: datetime, until: datetime) -> float | None:
        """Add up from `since` to before `until`; None where there is no data point."""
        if key not in self._points:
            return None
        times, numbers = self._points[key]
        found = numbers[bisect_left(times, since) : bisect_left(times, until)]
        return sum(found) if found else None


def _metrics_in(line: Mapping[str, Any]) -> Iterator[tuple[Key, list[float]]]:
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, str(line[name])) for name in names)
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                values = [float(each) for each in (value if isinstance(value, list) else [value])]
                yield (directive["Namespace"], metric["Name"], dimensions), values
