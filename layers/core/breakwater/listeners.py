"""The service's own listeners: where they are, and how their rules share the traffic."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from breakwater.addresses import PORTS, Origin
from breakwater.aws import translated_errors
from breakwater.checks.spec import Listener
from breakwater.errors import BreakwaterError, NotFoundError
from breakwater.listener_rules import Condition, ListenerRule, Road
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
    """The roads to the listeners of a load balancer, by `Listener`, and which of its names resolve to private addresses
    because it is internal."""

    roads: dict[str, Road] = field(default_factory=dict)
    internal: frozenset[str] = frozenset()

    @property
    def origins(self) -> dict[str, Origin]:
        """Where the listeners can be asked."""
        return {which: road.origin for which, road in self.roads.items()}


def listening(elbv2: Callable[[], Any], binding: Binding) -> Listening:
    """Where the production and the test listener of a load balancer can be asked, and by which rules.

    A rolling service names no rule: the load balancer tells, and each rule that leads to the service is its own. A
    listener that does not speak HTTP or HTTPS cannot be asked and is left out. Raises `BreakwaterError`.
    """
    production = binding.production_rule or rule_to(elbv2, binding.target_group)
    rules = {Listener.PRODUCTION: production, Listener.TEST: binding.test_rule}
    declared = {which: rule for which, rule in rules.items() if rule}
    arns = {which: listener_of(rule) for which, rule in declared.items()}
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
    read: dict[str, tuple[ListenerRule, ...]] = {}
    roads = {}
    for which, arn in arns.items():
        listener = found.get(arn, {})
        scheme = str(listener.get("Protocol", "")).lower()
        if scheme in PORTS:
            if arn not in read:
                read[arn] = rules_in_order(elbv2, arn)
            own = {declared[which]}
            if binding.production_rule is None:
                own |= {rule.arn for rule in read[arn] if rule.weights.get(binding.target_group)}
            origin = Origin(scheme, names[listener["LoadBalancerArn"]], int(listener["Port"]))
            roads[str(which)] = Road(origin, frozenset(own), read[arn])
    internal = frozenset(names[one["LoadBalancerArn"]] for one in balancers if one.get("Scheme") == "internal")
    return Listening(roads, internal)


def rules_in_order(elbv2: Callable[[], Any], listener: str) -> tuple[ListenerRule, ...]:
    """The rules of a listener as they are tried. Raises `BreakwaterError`."""
    raw: list[Mapping[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        with translated_errors("describe the rules of the listener"):
            page = elbv2().describe_rules(ListenerArn=listener, **token)
        raw += page["Rules"]
        if not page.get("NextMarker"):
            break
        token = {"Marker": page["NextMarker"]}
    rules = [
        ListenerRule(
            one["RuleArn"],
            str(one.get("Priority", "default")),
            tuple(_condition(condition) for condition in one.get("Conditions") or []),
            _weights(one.get("Actions") or []),
        )
        for one in raw
    ]
    last = float("inf")  # the default rule has no number
    return tuple(sorted(rules, key=lambda rule: int(rule.priority) if rule.priority.isdecimal() else last))


_CONFIGURED = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}


def _condition(raw: Mapping[str, Any]) -> Condition:
    kind = str(raw.get("Field", ""))
    config: Mapping[str, Any] = raw.get(_CONFIGURED.get(kind, "")) or {}
    values = config.get("Values") or raw.get("Values") or []
    return Condition(
        kind,
        tuple(
            f"{one.get('Key') or '*'}={one.get('Value', '')}" if isinstance(one, Mapping) else str(one)
            for one in values
        ),
        str(config.get("HttpHeaderName", "")),
        judged=not (config.get("RegexValues") or raw.get("RegexValues")),
    )


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
    """The weight of each target group by rule. Raises `NotFoundError` if a rule is gone, or shares no traffic.

    A Network Load Balancer has listeners in place of rules, and no weights: they are left out.
    """
    rules = [rule for rule in rules if ":listener/" not in rule]
    if not rules:
        return {}
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
