"""Listener rules with a weight for each target group, and who moves the weights (ecs 4, ecs 10).

ECS rewrites the weights of the production and the test listener rule itself. A weight is a whole number from 0 to 999;
a rule whose weights add up to less than 100 is written anew with 100 in all, so that a per cent can be told, and one
with more than 999 with 999; that is [inferred]. Everything else keeps its sum. A change is an entry of kind `rule` in
the model's log.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.ecs.definitions import LoadBalancer
from sandbox.ecs.errors import invalid
from sandbox.ecs.names import hexadecimal
from sandbox.ecs.state import Deployment
from sandbox.ecs.world import World

LEAST_TOTAL = 100
HEAVIEST = 999
"""ecs 10 [known]."""
ALL = 1000
"""All of the traffic, in tenths of a per cent: the finest step that ECS takes."""

Weights = dict[str, int]


@dataclass(frozen=True, slots=True)
class AdvancedLoadBalancer(LoadBalancer):
    """A load balancer with `advancedConfiguration`: two target groups, and the rules that choose between them."""

    alternate_target_group_arn: str
    production_rule: str
    test_rule: str | None = None
    role_arn: str = ""

    @property
    def other(self) -> "AdvancedLoadBalancer":
        """The same with the roles of the two target groups swapped."""
        swapped = self.alternate_target_group_arn, self.target_group_arn
        return replace(self, target_group_arn=swapped[0], alternate_target_group_arn=swapped[1])


@dataclass(slots=True, eq=False)
class ListenerRule:
    """A rule of an Application Load Balancer, or a listener of a Network Load Balancer, that forwards by weight."""

    arn: str
    name: str
    weights: Weights
    """By target group."""


class Traffic:
    """All rules of an account, and their weights."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.rules: dict[str, ListenerRule] = {}

    def create_rule(self, name: str, weights: Mapping[str, int], *, arn: str | None = None) -> ListenerRule:
        """CreateRule with a forward action; `arn` if ELBv2 has given one."""
        place = self._world.place
        number = hexadecimal(self._world.stream("rule", name), 16)
        where = f"arn:aws:elasticloadbalancing:{place.region}:{place.account}:listener-rule/app/{name}/{number}"
        self._check(weights)
        rule = ListenerRule(arn or where, name, dict(weights))
        self.rules[rule.arn] = rule
        self._note(rule, "created")
        return rule

    def set_weights(self, rule: str, weights: Mapping[str, int], why: str = "changed by hand") -> None:
        """ModifyRule: a person or a pipeline writes the weights."""
        self._check(weights)
        self._write(self.rule(rule), dict(weights), why)

    def rule(self, arn: str) -> ListenerRule:
        """A rule by its ARN."""
        found = self.rules.get(arn)
        if found is None:
            raise invalid(f"The listener rule {arn} does not exist.")
        return found

    def check_binding(self, binding: AdvancedLoadBalancer) -> None:
        """Refuse what ECS could not shift."""
        groups = {binding.target_group_arn, binding.alternate_target_group_arn}
        if len(groups) != 2:
            raise invalid("alternateTargetGroupArn must be another target group.")
        if binding.alternate_target_group_arn not in self._world.target_groups:
            raise invalid(f"The specified target group {binding.alternate_target_group_arn} does not exist.")
        rules = [binding.production_rule] if binding.test_rule is None else [binding.production_rule, binding.test_rule]
        if len(set(rules)) != len(rules):
            raise invalid("productionListenerRule and testListenerRule must be different.")
        for arn in rules:
            if not groups & self.rule(arn).weights.keys():
                raise invalid(f"The listener rule {arn} does not forward to the target groups of the service.")

    # ── what a deployment does ──────────────────────────────────────────────────────────────────────────────────────
    def recorded(self, bindings: Sequence[LoadBalancer]) -> dict[str, Weights]:
        """The weights as they are, by rule, for the way back."""
        return {
            rule: {group: self.rule(rule).weights.get(group, 0) for group in groups(binding)}
            for binding in advanced(bindings)
            for rule in (binding.production_rule, binding.test_rule)
            if rule is not None
        }

    def shift(self, bindings: Sequence[LoadBalancer], share: int, why: str, *, test: bool = False) -> None:
        """Give the first target group of each binding a share in tenths of a per cent, and its alternate the rest."""
        for binding in advanced(bindings):
            arn = binding.test_rule if test else binding.production_rule
            if arn is None:
                continue
            rule = self.rule(arn)
            mine, theirs = groups(binding)
            total = rule.weights.get(mine, 0) + rule.weights.get(theirs, 0)
            total = min(HEAVIEST, max(LEAST_TOTAL, total))
            part = parts(total, share)
            self._write(rule, {**rule.weights, mine: part, theirs: total - part}, why)

    def restore(
        self, bindings: Sequence[LoadBalancer], recorded: Mapping[str, Weights], why: str, *, test: bool = False
    ) -> None:
        """Write back what was recorded; other target groups of the rule keep what they have."""
        for binding in advanced(bindings):
            arn = binding.test_rule if test else binding.production_rule
            if arn is not None and arn in recorded:
                rule = self.rule(arn)
                self._write(rule, {**rule.weights, **recorded[arn]}, why)

    def carrier(self, binding: AdvancedLoadBalancer) -> AdvancedLoadBalancer:
        """The binding, turned so that its first target group is the one with most of the production traffic."""
        weights = self.rule(binding.production_rule).weights
        mine, theirs = groups(binding)
        return binding if weights.get(mine, 0) >= weights.get(theirs, 0) else binding.other

    def _check(self, weights: Mapping[str, int]) -> None:
        for group, weight in weights.items():
            if group not in self._world.target_groups:
                raise invalid(f"The specified target group {group} does not exist.")
            if not 0 <= weight <= HEAVIEST:
                raise invalid(f"The weight of a target group must be between 0 and {HEAVIEST}.")

    def _write(self, rule: ListenerRule, weights: Weights, why: str) -> None:
        if rule.weights != weights:
            rule.weights = weights
            self._note(rule, why)

    def _note(self, rule: ListenerRule, why: str) -> None:
        named = {self._world.target_groups[group].name: weight for group, weight in rule.weights.items()}
        self._world.note("rule", rule.arn, json.dumps(named, sort_keys=True), why)


def advanced(bindings: Sequence[LoadBalancer]) -> list[AdvancedLoadBalancer]:
    """The load balancers whose traffic ECS can shift."""
    return [one for one in bindings if isinstance(one, AdvancedLoadBalancer)]


def groups(binding: AdvancedLoadBalancer) -> tuple[str, str]:
    """Both target groups of a load balancer, its own first."""
    return binding.target_group_arn, binding.alternate_target_group_arn


def parts(total: int, share: int) -> int:
    """A share of a total in whole weights. What is neither nothing nor all stays so, however small the share."""
    if share <= 0:
        return 0
    if share >= ALL:
        return total
    return min(total - 1, max(1, (total * share + ALL // 2) // ALL))


def elsewhere(bindings: Sequence[LoadBalancer], source: Deployment | None) -> tuple[LoadBalancer, ...]:
    """Where new tasks register: at each load balancer the target group that the running revision does not use."""
    used = set() if source is None else {one.target_group_arn for one in source.target_groups}
    return tuple(
        one.other if isinstance(one, AdvancedLoadBalancer) and one.target_group_arn in used else one for one in bindings
    )
