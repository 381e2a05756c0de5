"""Load balancers and listeners over the rules of `traffic`: which rule takes a request, and what it does with it.

Rules are tried by priority, the default rule last; all conditions of a rule have to hold, and of one condition any
value. A path is compared with its case, a host without. `*` stands for any characters and `?` for one (ELBv2's guide).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.ecs.errors import EcsError
from sandbox.ecs.names import hexadecimal
from sandbox.ecs.traffic import ListenerRule, Traffic
from sandbox.ecs.world import World

HIGHEST_PRIORITY = 50_000
MOST_GROUPS = 5
"""Target groups of one forward action: ELBv2's guide [known]."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request must be like; nothing named means any."""

    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def hold(self, path: str, host: str) -> bool:
        """Whether a request is like that."""
        return _any(self.paths, path) and _any(tuple(one.lower() for one in self.hosts), host.lower())


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """What a target group says of itself beside what the model lives by."""

    protocol: str = "HTTP"
    port: int = 80
    target_type: str = "ip"
    vpc: str = "vpc-1"
    health_path: str = "/"
    matcher: str = "200"


@dataclass(slots=True, eq=False)
class Placed:
    """One rule in its listener. `priority` is None for the default rule; `status` makes it a fixed response."""

    rule: ListenerRule
    listener: str
    priority: int | None
    conditions: Conditions
    status: int | None = None


@dataclass(slots=True, eq=False)
class Listener:
    """One port of a load balancer."""

    arn: str
    balancer: str
    port: int
    protocol: str
    default: Placed
    rules: list[Placed] = field(default_factory=list)

    @property
    def in_order(self) -> list[Placed]:
        """All rules, as they are tried."""
        return [*sorted(self.rules, key=lambda one: one.priority or 0), self.default]


@dataclass(slots=True, eq=False)
class Balancer:
    """An application load balancer."""

    arn: str
    name: str
    scheme: str
    created_at: int
    listeners: dict[str, Listener] = field(default_factory=dict)

    @property
    def dns(self) -> str:
        """Its name on the network, invented."""
        region = self.arn.split(":")[3]
        prefix = "internal-" if self.scheme == "internal" else ""
        return f"{prefix}{self.name}-{int(self.arn.rpartition('/')[2], 16) % 10**9}.{region}.elb.amazonaws.com"


class Balancers:
    """The load balancers of an account."""

    def __init__(self, world: World, traffic: Traffic) -> None:
        self._world, self._traffic = world, traffic
        self.all: dict[str, Balancer] = {}
        self.settings: dict[str, GroupSettings] = {}
        """Of target groups, by ARN; those that nobody set are the defaults."""

    def create(self, name: str, scheme: str = "internet-facing") -> Balancer:
        """CreateLoadBalancer."""
        if any(one.name == name for one in self.all.values()):
            raise EcsError("DuplicateLoadBalancerName", f"A load balancer with the name '{name}' exists already")
        made = Balancer(self._arn("loadbalancer", name), name, scheme, self._world.now)
        self.all[made.arn] = made
        return made

    def listen(
        self,
        balancer: str,
        port: int,
        weights: Mapping[str, int],
        *,
        protocol: str = "HTTP",
        status: int | None = None,
    ) -> Listener:
        """CreateListener, with what its default rule does."""
        home = self.balancer(balancer)
        if any(one.port == port for one in home.listeners.values()):
            raise EcsError("DuplicateListener", f"A listener with port '{port}' exists already on this load balancer")
        arn = self._arn("listener", f"{home.name}/{port}")
        rule = self._traffic.create_rule(f"{home.name}:{port}", weights, arn=self._rule_arn(arn, "default"))
        listener = Listener(arn, home.arn, port, protocol, Placed(rule, arn, None, Conditions(), status))
        home.listeners[arn] = listener
        return listener

    def add_rule(
        self,
        listener: str,
        priority: int,
        conditions: Conditions,
        weights: Mapping[str, int],
        *,
        status: int | None = None,
    ) -> Placed:
        """CreateRule."""
        home = self.listener(listener)
        if not 1 <= priority <= HIGHEST_PRIORITY:
            raise EcsError("ValidationError", f"Priority '{priority}' must be between 1 and {HIGHEST_PRIORITY}")
        if any(one.priority == priority for one in home.rules):
            raise EcsError("PriorityInUse", f"Priority '{priority}' is currently in use")
        if not (conditions.paths or conditions.hosts):
            raise EcsError("ValidationError", "A rule must have at least one condition")
        name = f"{self.balancer(home.balancer).name}:{home.port}:{priority}"
        rule = self._traffic.create_rule(name, weights, arn=self._rule_arn(home.arn, str(priority)))
        placed = Placed(rule, home.arn, priority, conditions, status)
        home.rules.append(placed)
        return placed

    def change(
        self, placed: Placed, *, weights: Mapping[str, int] | None, status: int | None, conditions: Conditions | None
    ) -> None:
        """ModifyRule, or ModifyListener for the default rule. What is None stays as it is."""
        if weights is not None:
            self._traffic.set_weights(placed.rule.arn, weights)
            placed.status = status
        if conditions is not None:
            placed.conditions = conditions

    # ── who is where ────────────────────────────────────────────────────────────────────────────────────────────────
    def balancer(self, arn: str) -> Balancer:
        """A load balancer by its ARN."""
        if arn not in self.all:
            raise EcsError("LoadBalancerNotFound", f"Load balancer '{arn}' not found")
        return self.all[arn]

    def listener(self, arn: str) -> Listener:
        """A listener by its ARN."""
        for balancer in self.all.values():
            if arn in balancer.listeners:
                return balancer.listeners[arn]
        raise EcsError("ListenerNotFound", f"Listener '{arn}' not found")

    def placed(self, rule: str) -> Placed:
        """A rule by its ARN."""
        for one in self.everything():
            if one.rule.arn == rule:
                return one
        raise EcsError("RuleNotFound", f"Rule '{rule}' not found")

    def everything(self) -> list[Placed]:
        """Every rule of every listener."""
        listeners = [one for balancer in self.all.values() for one in balancer.listeners.values()]
        return [rule for listener in listeners for rule in listener.in_order]

    def behind(self, group: str) -> list[str]:
        """The load balancers that may forward to a target group."""
        found = [self.listener(one.listener).balancer for one in self.everything() if group in one.rule.weights]
        return list(dict.fromkeys(found))

    def route(self, listener: str, path: str, host: str = "") -> Placed:
        """The rule that takes a request."""
        return next(one for one in self.listener(listener).in_order if one.conditions.hold(path, host))

    def _arn(self, kind: str, name: str) -> str:
        place = self._world.place
        first, _, rest = name.partition("/")
        number = hexadecimal(self._world.stream("load balancer", first), 16)
        tail = f"/{hexadecimal(self._world.stream('listener', name), 16)}" if rest else ""
        return f"arn:aws:elasticloadbalancing:{place.region}:{place.account}:{kind}/app/{first}/{number}{tail}"

    def _rule_arn(self, listener: str, name: str) -> str:
        number = hexadecimal(self._world.stream("rule of a listener", listener, name), 16)
        return f"{listener.replace(':listener/', ':listener-rule/')}/{number}"


def _any(patterns: Sequence[str], text: str) -> bool:
    return not patterns or any(like(text, one) for one in patterns)


def like(text: str, pattern: str) -> bool:
    """Whether a text is like a pattern with `*` and `?`; on a mismatch the last star takes one character more."""
    at, seen, star, mark = 0, 0, -1, 0
    while at < len(text):
        if seen < len(pattern) and pattern[seen] == "*":
            star, mark = seen, at
            seen += 1
        elif seen < len(pattern) and pattern[seen] in ("?", text[at]):
            at, seen = at + 1, seen + 1
        elif star >= 0:
            mark += 1
            at, seen = mark, star + 1
        else:
            return False
    return not pattern[seen:].strip("*")
