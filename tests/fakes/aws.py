"""AWS as its clients show it: every client in one, which answers as told and notes what it is asked.

And a service behind a load balancer with two listeners, as the APIs describe it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

ELB = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:"
ONE, TWO = f"{ELB}targetgroup/one/1", f"{ELB}targetgroup/two/2"
PRODUCTION, TEST = (f"{ELB}listener-rule/app/shop/a/{name}" for name in ("b/c", "d/e"))

Params = dict[str, Any]


@dataclass
class Aws:
    """Operations by their names, whichever service they belong to. What no answer is given for is refused.

    An answer is what is always answered, or what makes it of the parameters. An error is its code, and comes first.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, Params]] = field(default_factory=list)

    def __call__(self, service: str) -> "Aws":
        """The client of a service."""
        return self

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**params: Any) -> Any:
            self.calls.append((operation, params))
            code = self.errors.get(operation, None if operation in self.answers else "AccessDeniedException")
            if code is not None:
                raise ClientError({"Error": {"Code": code, "Message": "on purpose"}}, operation)
            answer = self.answers[operation]
            return answer(params) if callable(answer) else answer

        return call

    def made(self, operation: str) -> list[Params]:
        """What an operation was called with, each time."""
        return [params for name, params in self.calls if name == operation]


# ── a service behind a load balancer ──────────────────────────────────────────────────────────────────────────────────

BALANCED: dict[str, Any] = {
    "serviceName": "web",
    "desiredCount": 2,
    "deploymentConfiguration": {"strategy": "CANARY"},
    "deployments": [{"id": "ecs-svc/8", "status": "PRIMARY", "rolloutState": "IN_PROGRESS"}],
    "loadBalancers": [
        {
            "targetGroupArn": ONE,
            "containerName": "web",
            "containerPort": 80,
            "advancedConfiguration": {
                "alternateTargetGroupArn": TWO,
                "productionListenerRule": PRODUCTION,
                "testListenerRule": TEST,
            },
        }
    ],
}
REVISION = {"taskDefinition": "web:8", "resolvedConfiguration": {"loadBalancers": [{"targetGroupArn": TWO}]}}


def rule(listener: str, name: str, group: str) -> dict[str, Any]:
    """A rule that gives one side everything."""
    groups = [{"TargetGroupArn": one, "Weight": 100 * (one == group)} for one in (ONE, TWO)]
    actions = [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
    return {"RuleArn": f"{ELB}listener-rule/app/shop/a/{listener}/{name}", "Priority": "1", "Actions": actions}


def rules(**changed: dict[str, Any]) -> Callable[[Params], Any]:
    """DescribeRules, by listener or by rule: production, at `b`, leads to one side and the test rule, at `d`, to the
    other, unless changed."""
    by_listener = {"b": rule("b", "c", ONE), "d": rule("d", "e", TWO)} | changed

    def answer(params: Params) -> Any:
        if "ListenerArn" in params:
            return {"Rules": [by_listener[params["ListenerArn"].rpartition("/")[2]]]}
        return {"Rules": [one for one in by_listener.values() if one["RuleArn"] in params["RuleArns"]]}

    return answer


def metrics(params: Params) -> dict[str, Any]:
    """GetMetricData: 300 requests on each side, one minute before the end of the window."""
    wanted = {"requests": 300.0, "good2": 300.0, "q0": 0.02}
    at = params["EndTime"] - timedelta(minutes=1)
    return {"MetricDataResults": [{"Id": id_, "Timestamps": [at], "Values": [value]} for id_, value in wanted.items()]}


def balanced(**answers: Any) -> Aws:
    """AWS with that service in it; with more answers, or others."""
    listeners = (("b", {"Protocol": "HTTPS", "Port": 443}), ("d", {"Protocol": "HTTP", "Port": 81}))
    return Aws(
        {
            "describe_services": {"services": [BALANCED]},
            "describe_service_revisions": {"serviceRevisions": [REVISION]},
            "describe_target_groups": {"TargetGroups": [{"LoadBalancerArns": [f"{ELB}loadbalancer/app/shop/a"]}]},
            "describe_listeners": {
                "Listeners": [
                    {"ListenerArn": f"{ELB}listener/app/shop/a/{name}", "LoadBalancerArn": "lb", **more}
                    for name, more in listeners
                ]
            },
            "describe_rules": rules(),
            "describe_load_balancers": {
                "LoadBalancers": [{"LoadBalancerArn": "lb", "DNSName": "Shop-1.elb.amazonaws.com"}]
            },
            **answers,
        }
    )
