"""The service's own listeners: where they are, and how their rules share the traffic."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from breakwater.addresses import PORTS, Origin
from breakwater.aws import translated_errors
from breakwater.checks.spec import Listener
from breakwater.errors import BreakwaterError, NotFoundError
from breakwater.preflight_facts import Binding

_RULE_PARTS = 5


def listener_of(rule: str) -> str:
    """The listener that a rule belongs to. A Network Load Balancer has no rules: its listener stands there itself.

    >>> listener_of("arn:aws:elasticloadbalancing:eu-central-1:1:listener-rule/app/shop/a1/b2/c3")
    'arn:aws:elasticloadbalancing:eu-central-1:1:listener/app/shop/a1/b2'
    """
    head, _, path = rule.rpartition(":")
    parts = path.split("/")
    if parts[0] != "listener-rule" or len(parts) <= _RULE_PARTS:
        return rule
    return f"{head}:{'/'.join(['listener', *parts[1:_RULE_PARTS]])}"


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the listeners of a load balancer can be asked, by `Listener`, and which of its names resolve to private
    addresses because it is internal."""

    origins: dict[str, Origin] = field(default_factory=dict)
    internal: frozenset[str] = frozenset()


def listening(elbv2: Callable[[], Any], binding: Binding) -> Listening:
    """Where the production and the test listener of a load balancer can be asked.

    A listener that does not speak HTTP or HTTPS cannot be asked and is left out. Raises `BreakwaterError`.
    """
    rules = {Listener.PRODUCTION: binding.production_rule, Listener.TEST: binding.test_rule}
    arns = {which: listener_of(rule) for which, rule in rules.items() if rule}
    if not arns:
        return Listening()
    with translated_errors("describe the listeners of the service"):
        answer = elbv2().describe_listeners(ListenerArns=sorted(set(arns.values())))
    found = {one["ListenerArn"]: one for one in answer["Listeners"]}
    with translated_errors("describe the load balancer of the service"):
        balancers = elbv2().describe_load_balancers(
            LoadBalancerArns=sorted({one["LoadBalancerArn"] for one in found.values()})
        )["LoadBalancers"]
    names = {one["LoadBalancerArn"]: str(one["DNSName"]).lower() for one in balancers}
    origins = {}
    for which, arn in arns.items():
        listener = found.get(arn, {})
        scheme = str(listener.get("Protocol", "")).lower()
        if scheme in PORTS:
            origins[str(which)] = Origin(scheme, names[listener["LoadBalancerArn"]], int(listener["Port"]))
    internal = frozenset(names[one["LoadBalancerArn"]] for one in balancers if one.get("Scheme") == "internal")
    return Listening(origins, internal)


def rule_to(elbv2: Callable[[], Any], target_group: str) -> str | None:
    """A rule that sends traffic to this target group, of a listener that speaks HTTP or HTTPS, HTTPS first.

    A rolling service names its target group and no listener: the load balancer tells. Raises `BreakwaterError`.
    """
    found: list[tuple[bool, str]] = []
    with translated_errors("describe the listeners before a target group"):
        for group in elbv2().describe_target_groups(TargetGroupArns=[target_group])["TargetGroups"]:
            for balancer in group.get("LoadBalancerArns") or []:
                for listener in elbv2().describe_listeners(LoadBalancerArn=balancer)["Listeners"]:
                    scheme = str(listener.get("Protocol", "")).lower()
                    if scheme not in PORTS:
                        continue
                    rules = elbv2().describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
                    ours = [one["RuleArn"] for one in rules if _weights(one.get("Actions") or []).get(target_group)]
                    found += [(scheme != "https", arn) for arn in ours]
    return min(found)[1] if found else None


def weights_of(elbv2: Callable[[], Any], rules: Sequence[str]) -> dict[str, dict[str, int]]:
    """The weight of each target group by rule. Raises `NotFoundError` if a rule is gone, or shares no traffic."""
    with translated_errors("describe the rules of the service"):
        answer = elbv2().describe_rules(RuleArns=list(rules))
    weights = {one["RuleArn"]: _weights(one.get("Actions") or []) for one in answer["Rules"]}
    missing = [rule for rule in rules if not weights.get(rule)]
    if missing:
        raise NotFoundError(f"describe the rules of the service: {', '.join(missing)} forward to no target group")
    return weights


def _weights(actions: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    for action in actions:
        if action.get("Type") == "forward":
            groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
            if groups:
                return {one["TargetGroupArn"]: int(one.get("Weight", 1)) for one in groups}
            if action.get("TargetGroupArn"):
                return {action["TargetGroupArn"]: 1}
    return {}


def balancer_dimension(elbv2: Callable[[], Any], target_group: str) -> str:
    """The `LoadBalancer` dimension of a target group's metrics, `app/name/id`. Raises `BreakwaterError`."""
    with translated_errors("describe a target group"):
        answer = elbv2().describe_target_groups(TargetGroupArns=[target_group])
    arns = answer["TargetGroups"][0].get("LoadBalancerArns") or []
    if not arns:
        raise BreakwaterError("the target group belongs to no load balancer, so it has no metrics")
    return str(arns[0]).partition(":loadbalancer/")[2]
