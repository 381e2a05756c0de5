"""CloudWatch alarms on the metrics of SQS and Lambda and on those that functions log, evaluated each virtual minute.

Enough to hear of dead letters, errors, failures that are only counted, and silence. Queue metrics are sampled when they
are evaluated. An alarm goes off when all of its periods are beyond the threshold, and is first evaluated when they have
passed since deployment. Other metrics are refused at deployment, and so are dimensions that AWS's metric does not have.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import ge, gt, le, lt

from sandbox.account import Account
from sandbox.delivery import Sender, deliver
from sandbox.errors import TemplateError, UnsupportedError
from sandbox.functions import Invocation
from sandbox.queues import Queue
from sandbox.schedules import fire, instants

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": gt,
    "GreaterThanOrEqualToThreshold": ge,
    "LessThanThreshold": lt,
    "LessThanOrEqualToThreshold": le,
}
_MISSING = ("breaching", "notBreaching", "ignore", "missing")
_DIMENSIONS = {"AWS/SQS": "QueueName", "AWS/States": "StateMachineArn", "AWS/Lambda": "FunctionName"}

Measure = Callable[[datetime, datetime], float | None]  # of the time from the first to before the second


@dataclass(slots=True, eq=False)
class Alarm:
    """One alarm and its state."""

    account: Account
    logical_id: str
    name: str
    arn: str
    description: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    period: int
    periods: int
    threshold: float
    comparison: str
    missing: str
    actions: Mapping[str, tuple[str, ...]]
    state: str = "INSUFFICIENT_DATA"
    measure: Measure = field(init=False)
    span: timedelta = field(init=False)

    def watch(self) -> None:
        """Begin to evaluate, or say what about this alarm cannot be."""
        if self.comparison not in _COMPARISONS or self.missing not in _MISSING or self.periods < 1:
            raise UnsupportedError(
                f"{self.logical_id}: an alarm {self.comparison}, {self.missing}, {self.periods} periods"
            )
        if self.periods > 1 and (self.namespace == "AWS/SQS" or self.missing in ("ignore", "missing")):
            raise UnsupportedError(f"{self.logical_id}: {self.periods} periods of {self.namespace}, {self.missing}")
        self.measure, self.span = self._metric(), timedelta(seconds=self.period)
        first = self.account.clock.now + timedelta(seconds=max(0, self.period * self.periods - 60))
        fire(self.account, f"alarm {self.name}", instants("rate(1 minute)", first), lambda at: self._evaluate())

    def _metric(self) -> Measure:
        kind = (self.namespace, self.metric, self.statistic)
        match kind:
            case ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum"):
                queue = self._queue()
                return lambda since, until: float(len(queue.ready))
            case ("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum"):
                aged = self._queue()
                return lambda since, until: max(
                    ((self.account.clock.now - message.sent_at).total_seconds() for message in aged.messages()),
                    default=0.0,
                )
            case ("AWS/Lambda", "Errors" | "Invocations" | "Throttles", "Sum"):
                function = self.account.functions.get(self._dimension())
                if function is None:
                    raise TemplateError(f"{self.logical_id}: no function {self._dimension()}")
                logical_id = function.logical_id
                return lambda since, until: self._count(logical_id, since, until)
            case ("AWS/States", "ExecutionsTimedOut", "Sum"):
                machine = self._dimension()
                return lambda since, until: float(
                    sum(
                        one.machine.arn == machine and one.status == "TIMED_OUT" and since <= one.stopped_at < until
                        for one in self.account.states.all
                        if one.stopped_at is not None
                    )
                )
            case (namespace, name, "Sum") if not namespace.startswith("AWS/"):
                key = (namespace, name, frozenset(self.dimensions.items()))
                return lambda since, until: self.account.metrics.total(key, since, until)
        raise UnsupportedError(f"{self.logical_id}: alarm on {' '.join(kind)}")

    def _dimension(self) -> str:
        """The one dimension that a metric of AWS has here; under any other name the alarm would never see a point."""
        wanted = _DIMENSIONS[self.namespace]
        if self.dimensions.keys() != {wanted}:
            given = ", ".join(sorted(self.dimensions)) or "none"
            raise TemplateError(f"{self.logical_id}: {self.namespace} has the dimension {wanted}, not {given}")
        return self.dimensions[wanted]

    def _queue(self) -> Queue:
        queue = self.account.queues.get(self.account.arn("sqs", self._dimension()))
        if queue is None:
            raise TemplateError(f"{self.logical_id}: no queue {self._dimension()}")
        return queue

    def _count(self, function: str, since: datetime, until: datetime) -> float | None:
        """Count the invocations of a while; there is no datapoint where there was none."""
        recent: list[Invocation] = []
        for invocation in reversed(self.account.functions.invocations):
            if invocation.at < since:
                break
            if invocation.function == function and invocation.at < until:
                recent.append(invocation)
        if not recent:
            return None
        if self.metric == "Errors":
            return float(sum(invocation.outcome != "ok" for invocation in recent))
        return float(len(recent)) if self.metric == "Invocations" else 0.0

    def _evaluate(self) -> None:
        now, values = self.account.clock.now, []
        for _ in range(self.periods):
            since = now - self.span
            values.append(self.measure(since, now))
            now = since
        if values == [None] and self.missing in ("ignore", "missing"):
            state = self.state if self.missing == "ignore" else "INSUFFICIENT_DATA"
        else:
            state = "ALARM" if all(self._beyond(value) for value in values) else "OK"
        if state != self.state:
            before, self.state = self.state, state
            said = ", ".join("none" if value is None else str(value) for value in values)
            self._tell(before, f"Threshold {self.comparison} {self.threshold}: datapoints, the latest first: {said}")

    def _beyond(self, value: float | None) -> bool:
        if value is None:
            return self.missing == "breaching"
        return _COMPARISONS[self.comparison](value, self.threshold)

    def _tell(self, before: str, reason: str) -> None:
        at = self.account.clock.now.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        body = {
            "AlarmName": self.name,
            "AlarmDescription": self.description,
            "AWSAccountId": self.account.id,
            "NewStateValue": self.state,
            "NewStateReason": reason,
            "StateChangeTime": at,
            "Region": self.account.region,
            "AlarmArn": self.arn,
            "OldStateValue": before,
            "Trigger": {"MetricName": self.metric, "Namespace": self.namespace, "Period": self.period},
        }
        sender = Sender("cloudwatch.amazonaws.com", self.arn)
        subject = f'{self.state}: "{self.name}" in {self.account.region}'[:100]
        for action in self.actions[self.state]:
            refusal = deliver(self.account, sender, action, json.dumps(body), subject=subject)
            if refusal is not None:
                self.account.lose(self.arn, action, f"{refusal.code}: {refusal.message}", json.dumps(body))
        self.account.bus.put(self._event(before, reason, at))

    def _event(self, before: str, reason: str, at: str) -> dict[str, object]:
        metric = {"namespace": self.namespace, "name": self.metric, "dimensions": dict(self.dimensions)}
        statistic = {"metric": metric, "period": self.period, "stat": self.statistic}
        return {
            "source": "aws.cloudwatch",
            "detail-type": "CloudWatch Alarm State Change",
            "resources": [self.arn],
            "detail": {
                "alarmName": self.name,
                "state": {"value": self.state, "reason": reason, "timestamp": at},
                "previousState": {"value": before},
                "configuration": {"metrics": [{"id": "m1", "metricStat": statistic, "returnData": True}]},
            },
        }
