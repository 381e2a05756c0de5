"""Where the checks of a service may go: its own listeners, and what the policy allows besides."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from breakwater.addresses import Allowed, Origin, origin_of
from breakwater.checks.spec import HttpCheck, Listener
from breakwater.listener_rules import Astray, Road, decide_way
from breakwater.listeners import Listening, listening
from breakwater.preflight_facts import Binding, ServiceFacts
from breakwater.release_policy import ReleasePolicy


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be asked, where the service's own listeners are, and the roads there.

    `closed` says why the test listener leads to no new revision now; `None` if it does, or nothing is known.
    """

    allowed: Allowed
    origins: dict[str, Origin]
    roads: Mapping[str, Road] = field(default_factory=dict)
    closed: str | None = None

    def astray(self, check: HttpCheck) -> str | None:
        """Why the request of a check would be answered by somebody else, if that is known."""
        if check.target == Listener.TEST and self.closed is not None:
            return self.closed
        road = self.roads.get(check.target)
        way = decide_way(check, road) if road is not None else None
        return way.reason if isinstance(way, Astray) else None


def roads_of(elbv2: Callable[[], Any], bindings: Iterable[Binding]) -> Listening:
    """The listeners of a service at all its load balancers; of several for one purpose, the first. Raises
    `BreakwaterError`."""
    roads: dict[str, Road] = {}
    inside: set[str] = set()
    for binding in bindings:
        found = listening(elbv2, binding)
        roads = found.roads | roads
        inside |= found.internal
    return Listening(roads, frozenset(inside))


def reach_of(client: Callable[[str], Any], service: ServiceFacts, policy: ReleasePolicy) -> Reach:
    """Look the listeners up, with their rules as they are now. Raises `BreakwaterError`."""
    found = roads_of(lambda: client("elbv2"), service.bindings)
    hosts = [origin for text in policy.hosts if isinstance(origin := origin_of(text), Origin)]
    networks = tuple(ipaddress.ip_network(text) for text in policy.networks)
    allowed = Allowed(frozenset([*found.origins.values(), *hosts]), networks, found.internal)
    # Once it is through, both listeners lead to the new revision.
    closed = decide_closed(found.roads) if service.deployment_in_progress else None
    return Reach(allowed, found.origins, found.roads, closed)


def decide_closed(roads: Mapping[str, Road]) -> str | None:
    """Why the test listener does not lead to the new revision while a deployment waits for its checks: the side that
    has production traffic then is the old one."""
    shares = {which: _shares(road) for which, road in roads.items()}
    both = shares.get(Listener.TEST, set()) & shares.get(Listener.PRODUCTION, set())
    if not both:
        return None
    return f"the test rule leads to {_named(min(both))}, which has production traffic"


def _shares(road: Road) -> set[str]:
    """The target groups that its own rules give traffic to."""
    return {group for rule in road.rules if rule.arn in road.own for group, weight in rule.weights.items() if weight}


def _named(group: str) -> str:
    return group.partition("targetgroup/")[2].partition("/")[0] or group
