"""Load balancers, listeners, rules and target groups of ELBv2 over the model: what boto3 sees is what ECS shifts.

Application load balancers with HTTP listeners; actions are `forward` and `fixed-response`, conditions
`path-pattern` and `host-header`. Everything else is refused by name.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.aws import Answer, ServiceError
from sandbox.ecs.balancers import MOST_GROUPS, Balancer, Conditions, GroupSettings, Listener, Placed
from sandbox.ecs.errors import EcsError
from sandbox.ecs.model import Model
from sandbox.ecs.names import moment
from sandbox.ecs.native import NativeStrategies
from sandbox.ecs.state import TargetGroup
from sandbox.ecs.traffic import HEAVIEST
from sandbox.ecs_api import understood
from sandbox.ecs_api.targets import target_health
from sandbox.ecs_api.understood import of
from sandbox.ecs_api.wire import service_model, written
from sandbox.errors import UnsupportedError

Params = Mapping[str, Any]
Json = dict[str, Any]
_ACTION = of(
    "Type",
    "TargetGroupArn",
    "Order",
    FixedResponseConfig=understood.WHOLE,
    ForwardConfig=of(TargetGroups=understood.WHOLE),
)
_CONDITION = of("Field", "Values", PathPatternConfig=of("Values"), HostHeaderConfig=of("Values"))
_GROUP = (
    "Protocol", "Port", "VpcId", "TargetType", "HealthCheckPath", "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher",
)  # fmt: skip
_UNDERSTOOD: Mapping[str, understood.Known] = {
    "CreateLoadBalancer": of("Name", "Subnets", "SecurityGroups", "Scheme", "Type"),
    "CreateTargetGroup": of("Name", *_GROUP),
    "CreateListener": of("LoadBalancerArn", "Protocol", "Port", DefaultActions=_ACTION),
    "CreateRule": of("ListenerArn", "Priority", Conditions=_CONDITION, Actions=_ACTION),
    "ModifyListener": of("ListenerArn", DefaultActions=_ACTION),
    "ModifyRule": of("RuleArn", Conditions=_CONDITION, Actions=_ACTION),
    "DescribeLoadBalancers": of("LoadBalancerArns", "Names"),
    "DescribeListeners": of("LoadBalancerArn", "ListenerArns"),
    "DescribeRules": of("ListenerArn", "RuleArns"),
    "DescribeTargetGroups": of("LoadBalancerArn", "TargetGroupArns", "Names"),
    "DescribeTargetHealth": of("TargetGroupArn", "Targets"),
}
_CODES = {"InvalidParameterException": "ValidationError"}
Doing = tuple[dict[str, int], int | None]
"""What an action does: weights by target group, or a fixed status."""


class Elbv2:
    """The operations of ELBv2."""

    def __init__(self, model: Model, native: NativeStrategies) -> None:
        self._model, self._balancers = model, native.balancers
        self._operations: dict[str, Callable[[Params], Json]] = {
            "CreateLoadBalancer": self.create_balancer,
            "CreateTargetGroup": self.create_group,
            "CreateListener": self.create_listener,
            "CreateRule": self.create_rule,
            "ModifyListener": self.modify_listener,
            "ModifyRule": self.modify_rule,
            "DescribeLoadBalancers": self.describe_balancers,
            "DescribeListeners": self.describe_listeners,
            "DescribeRules": self.describe_rules,
            "DescribeTargetGroups": self.describe_groups,
            "DescribeTargetHealth": lambda params: target_health(model, params),
        }

    def answers(self) -> dict[tuple[str, str], Answer]:
        """Every operation for the gate."""

        def answer(operation: str) -> Answer:
            return lambda params: self.answer(operation, params)

        return {("elbv2", operation): answer(operation) for operation in self._operations}

    def answer(self, operation: str, params: Params) -> Json:
        """Answer one call, held against botocore's shapes on both sides."""
        try:
            understood.check(operation, params, "elbv2", _UNDERSTOOD)
            given = self._operations[operation](params)
        except EcsError as error:
            raise ServiceError(_CODES.get(error.code, error.code), error.message) from error
        shape = service_model("elbv2").operation_model(operation).output_shape
        if shape is not None:
            written(shape, given, operation)
        return copy.deepcopy(given)

    # ── making ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def create_balancer(self, params: Params) -> Json:
        """CreateLoadBalancer."""
        if params.get("Type", "application") != "application":
            raise UnsupportedError(f"elbv2:CreateLoadBalancer.Type {params['Type']}")
        made = self._balancers.create(params["Name"], params.get("Scheme", "internet-facing"))
        return {"LoadBalancers": [_balancer_view(made)]}

    def create_group(self, params: Params) -> Json:
        """CreateTargetGroup."""
        if any(group.name == params["Name"] for group in self._model.world.target_groups.values()):
            raise EcsError(
                "DuplicateTargetGroupName", f"A target group with the name '{params['Name']}' exists already"
            )
        settings = GroupSettings(
            protocol=params.get("Protocol", "HTTP"),
            port=params.get("Port", 80),
            target_type=params.get("TargetType", "instance"),
            vpc=params.get("VpcId", "vpc-1"),
            health_path=params.get("HealthCheckPath", "/"),
            matcher=params.get("Matcher", {}).get("HttpCode", "200"),
        )
        if settings.protocol not in ("HTTP", "HTTPS") or settings.target_type not in ("instance", "ip"):
            raise UnsupportedError(f"elbv2:CreateTargetGroup of {settings.protocol} to {settings.target_type}")
        made = self._model.catalogue.create_target_group(
            params["Name"],
            interval_seconds=params.get("HealthCheckIntervalSeconds", 30),
            timeout_seconds=params.get("HealthCheckTimeoutSeconds", 5),
            healthy_threshold=params.get("HealthyThresholdCount", 5),
            unhealthy_threshold=params.get("UnhealthyThresholdCount", 2),
        )
        self._balancers.settings[made.arn] = settings
        return {"TargetGroups": [self._group_view(made)]}

    def create_listener(self, params: Params) -> Json:
        """CreateListener; its default actions are its default rule."""
        if params.get("Protocol", "HTTP") != "HTTP":
            raise UnsupportedError(f"elbv2:CreateListener.Protocol {params['Protocol']}")
        weights, status = self._doing(params["DefaultActions"])
        made = self._balancers.listen(params["LoadBalancerArn"], params["Port"], weights, status=status)
        return {"Listeners": [_listener_view(made)]}

    def create_rule(self, params: Params) -> Json:
        """CreateRule."""
        weights, status = self._doing(params["Actions"])
        conditions = _conditions(params["Conditions"])
        made = self._balancers.add_rule(params["ListenerArn"], params["Priority"], conditions, weights, status=status)
        return {"Rules": [_rule_view(made)]}

    def modify_listener(self, params: Params) -> Json:
        """ModifyListener: the default actions."""
        listener = self._balancers.listener(params["ListenerArn"])
        weights, status = self._doing(params["DefaultActions"]) if "DefaultActions" in params else (None, None)
        self._balancers.change(listener.default, weights=weights, status=status, conditions=None)
        return {"Listeners": [_listener_view(listener)]}

    def modify_rule(self, params: Params) -> Json:
        """ModifyRule; the default rule is changed through its listener."""
        placed = self._balancers.placed(params["RuleArn"])
        if placed.priority is None:
            raise EcsError("OperationNotPermitted", f"Default rule '{placed.rule.arn}' cannot be modified")
        weights, status = self._doing(params["Actions"]) if "Actions" in params else (None, None)
        conditions = _conditions(params["Conditions"]) if "Conditions" in params else None
        self._balancers.change(placed, weights=weights, status=status, conditions=conditions)
        return {"Rules": [_rule_view(placed)]}

    def _doing(self, actions: Sequence[Params]) -> Doing:
        if len(actions) != 1:
            raise UnsupportedError(f"elbv2: {len(actions)} actions of one rule")
        [action] = actions
        if action["Type"] == "fixed-response":
            return {}, int(action["FixedResponseConfig"]["StatusCode"])
        if action["Type"] != "forward":
            raise UnsupportedError(f"elbv2: the action {action['Type']}")
        config = action.get("ForwardConfig", {}).get("TargetGroups", [])
        alone = action.get("TargetGroupArn")
        if alone is not None and config and [one["TargetGroupArn"] for one in config] != [alone]:
            raise EcsError("ValidationError", "You cannot specify both a target group and a different ForwardConfig")
        groups = config or ([{"TargetGroupArn": alone}] if alone is not None else [])
        names = [one["TargetGroupArn"] for one in groups]
        if not groups or len(groups) > MOST_GROUPS or len(set(names)) < len(names):
            raise EcsError("ValidationError", f"A forward action has one to {MOST_GROUPS} different target groups")
        weights = {one["TargetGroupArn"]: one.get("Weight", 1) for one in groups}
        for name, weight in weights.items():
            if name not in self._model.world.target_groups:
                raise EcsError("TargetGroupNotFound", f"Target groups '{name}' not found")
            if not 0 <= weight <= HEAVIEST:
                raise EcsError("ValidationError", f"Weight '{weight}' must be between 0 and {HEAVIEST}")
        return weights, None

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def describe_balancers(self, params: Params) -> Json:
        """DescribeLoadBalancers."""
        found = list(self._balancers.all.values())
        if "LoadBalancerArns" in params:
            found = [self._balancers.balancer(arn) for arn in params["LoadBalancerArns"]]
        if "Names" in params:
            found = [one for one in found if one.name in params["Names"]]
            _missing(params["Names"], {one.name for one in found}, "LoadBalancerNotFound", "Load balancers")
        return {"LoadBalancers": [_balancer_view(one) for one in found]}

    def describe_listeners(self, params: Params) -> Json:
        """DescribeListeners."""
        if "ListenerArns" in params:
            found = [self._balancers.listener(arn) for arn in params["ListenerArns"]]
        elif "LoadBalancerArn" in params:
            found = list(self._balancers.balancer(params["LoadBalancerArn"]).listeners.values())
        else:
            raise EcsError("ValidationError", "You must specify either listener ARNs or a load balancer ARN")
        return {"Listeners": [_listener_view(one) for one in found]}

    def describe_rules(self, params: Params) -> Json:
        """DescribeRules, with the weights as they are now."""
        if "RuleArns" in params:
            found = [self._balancers.placed(arn) for arn in params["RuleArns"]]
        elif "ListenerArn" in params:
            found = self._balancers.listener(params["ListenerArn"]).in_order
        else:
            raise EcsError("ValidationError", "You must specify either listener rule ARNs or a listener ARN")
        return {"Rules": [_rule_view(one) for one in found]}

    def describe_groups(self, params: Params) -> Json:
        """DescribeTargetGroups."""
        found = list(self._model.world.target_groups.values())
        if "TargetGroupArns" in params:
            known = self._model.world.target_groups
            _missing(params["TargetGroupArns"], set(known), "TargetGroupNotFound", "Target groups")
            found = [known[arn] for arn in params["TargetGroupArns"]]
        if "Names" in params:
            found = [one for one in found if one.name in params["Names"]]
            _missing(params["Names"], {one.name for one in found}, "TargetGroupNotFound", "Target groups")
        if "LoadBalancerArn" in params:
            home = self._balancers.balancer(params["LoadBalancerArn"]).arn
            found = [one for one in found if home in self._balancers.behind(one.arn)]
        return {"TargetGroups": [self._group_view(one) for one in found]}

    def _group_view(self, group: TargetGroup) -> Json:
        settings = self._balancers.settings.get(group.arn, GroupSettings())
        return {
            "TargetGroupArn": group.arn,
            "TargetGroupName": group.name,
            "Protocol": settings.protocol,
            "Port": settings.port,
            "VpcId": settings.vpc,
            "TargetType": settings.target_type,
            "HealthCheckProtocol": settings.protocol,
            "HealthCheckPort": "traffic-port",
            "HealthCheckEnabled": True,
            "HealthCheckPath": settings.health_path,
            "HealthCheckIntervalSeconds": group.interval // 1000,
            "HealthCheckTimeoutSeconds": group.timeout // 1000,
            "HealthyThresholdCount": group.healthy_threshold,
            "UnhealthyThresholdCount": group.unhealthy_threshold,
            "Matcher": {"HttpCode": settings.matcher},
            "LoadBalancerArns": self._balancers.behind(group.arn),
        }


def _missing(asked: Sequence[str], found: set[str], code: str, what: str) -> None:
    lost = [name for name in asked if name not in found]
    if lost:
        raise EcsError(code, f"{what} '[{', '.join(lost)}]' not found")


def _conditions(given: Sequence[Params]) -> Conditions:
    found: dict[str, tuple[str, ...]] = {}
    for condition in given:
        name = condition.get("Field", "")
        config = {"path-pattern": "PathPatternConfig", "host-header": "HostHeaderConfig"}.get(name)
        if config is None:
            raise UnsupportedError(f"elbv2: the condition {name or 'without a Field'}")
        values = tuple(condition.get(config, {}).get("Values", condition.get("Values", ())))
        if not values or name in found:
            raise EcsError("ValidationError", f"A {name} condition needs values, and stands once")
        found[name] = values
    return Conditions(found.get("path-pattern", ()), found.get("host-header", ()))


def _balancer_view(balancer: Balancer) -> Json:
    return {
        "LoadBalancerArn": balancer.arn,
        "LoadBalancerName": balancer.name,
        "DNSName": balancer.dns,
        "Scheme": balancer.scheme,
        "Type": "application",
        "State": {"Code": "active"},
        "CreatedTime": moment(balancer.created_at),
    }


def _listener_view(listener: Listener) -> Json:
    return {
        "ListenerArn": listener.arn,
        "LoadBalancerArn": listener.balancer,
        "Port": listener.port,
        "Protocol": listener.protocol,
        "DefaultActions": _actions_view(listener.default),
    }


def _rule_view(placed: Placed) -> Json:
    conditions = [
        {"Field": field, "Values": list(values), config: {"Values": list(values)}}
        for field, config, values in (
            ("path-pattern", "PathPatternConfig", placed.conditions.paths),
            ("host-header", "HostHeaderConfig", placed.conditions.hosts),
        )
        if values
    ]
    return {
        "RuleArn": placed.rule.arn,
        "Priority": "default" if placed.priority is None else str(placed.priority),
        "Conditions": conditions,
        "Actions": _actions_view(placed),
        "IsDefault": placed.priority is None,
    }


def _actions_view(placed: Placed) -> list[Json]:
    if placed.status is not None:
        return [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": str(placed.status)}}]
    weights = placed.rule.weights
    groups = [{"TargetGroupArn": group, "Weight": weight} for group, weight in weights.items()]
    alone = {"TargetGroupArn": next(iter(weights))} if len(weights) == 1 else {}
    stickiness = {"Enabled": False}
    return [
        {
            "Type": "forward",
            **alone,
            "ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": stickiness},
        }
    ]
