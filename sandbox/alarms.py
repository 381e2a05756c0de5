"""CloudWatch alarms on the metrics that SQS and Lambda publish about themselves, evaluated each virtual minute.

Enough to hear of dead letters, errors and silence in the sandbox. Queue metrics are sampled when they are evaluated.
An alarm is first evaluated when a whole period has passed since deployment. Other metrics are refused at deployment.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from operator import ge, gt, le, lt

from sandbox.account import Account
from sandbox.delivery import Sender, deliver
from sandbox.errors import TemplateError, UnsupportedError
from sandbox.functions import Invocation
from sandbox.schedules import fire, instants

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": gt,
    "GreaterThanOrEqualToThreshold": ge,
    "LessThanThreshold": lt,
    "LessThanOrEqualToThreshold": le,
}
_MISSING = ("breaching", "notBreaching", "ignore", "missing")


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
    measure: Callable[[], float | None] = field(init=False)

    def watch(self) -> None:
        """Begin to evaluate, or say what about this alarm cannot be."""
        if self.comparison not in _COMPARISONS or self.missing not in _MISSING or self.periods != 1:
            raise UnsupportedError(
                f"{self.logical_id}: an alarm {self.comparison}, {self.missing}, {self.periods} periods"
            )
        self.measure = self._metric()
        first = self.account.clock.now + timedelta(seconds=max(0, self.period - 60))
        fire(self.account, f"alarm {self.name}", instants("rate(1 minute)", first), lambda at: self._evaluate())

    def _metric(self) -> Callable[[], float | None]:
        kind = (self.namespace, self.metric, self.statistic)
        match kind:
            case ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum"):
                queue = self.account.queues.by_arn(self.account.arn("sqs", self.dimensions["QueueName"]))
                return lambda: float(len(queue.ready))
            case ("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum"):
                aged = self.account.queues.by_arn(self.account.arn("sqs", self.dimensions["QueueName"]))
                return lambda: max(
                    ((self.account.clock.now - message.sent_at).total_seconds() for message in aged.messages()),
                    default=0.0,
                )
            case ("AWS/Lambda", "Errors" | "Invocations" | "Throttles", "Sum"):
                function = self.account.functions.get(self.dimensions["FunctionName"])
                if function is None:
                    raise TemplateError(f"{self.logical_id}: no function {self.dimensions['FunctionName']}")
                return lambda: self._count(function.logical_id)
        raise UnsupportedError(f"{self.logical_id}: alarm on {' '.join(kind)}")

    def _count(self, function: str) -> float | None:
        """Count in the period that ends now; there is no datapoint where nothing was invoked."""
        now = self.account.clock.now
        since = now - timedelta(seconds=self.period)
        recent: list[Invocation] = []
        for invocation in reversed(self.account.functions.invocations):
            if invocation.at < since:
                break
            if invocation.function == function and invocation.at < now:
                recent.append(invocation)
        if not recent:
            return None
        if self.metric == "Errors":
            return float(sum(invocation.outcome != "ok" for invocation in recent))
        return float(len(recent)) if self.metric == "Invocations" else 0.0

    def _evaluate(self) -> None:
        value = self.measure()
        if value is not None:
            state = "ALARM" if _COMPARISONS[self.comparison](value, self.threshold) else "OK"
        elif self.missing == "ignore":
            return
        else:
            state = {"breaching": "ALARM", "notBreaching": "OK", "missing": "INSUFFICIENT_DATA"}[self.missing]
        if state != self.state:
            before, self.state = self.state, state
            said = "no datapoint" if value is None else f"datapoint {value}"
            self._tell(before, f"Threshold {self.comparison} {self.threshold}: {said}")

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
