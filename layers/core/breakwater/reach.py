"""Where the checks of a service may go: its own listeners, and what the policy allows besides."""

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from breakwater.addresses import Allowed, Origin, origin_of
from breakwater.listeners import listening, rule_to
from breakwater.preflight_facts import Binding
from breakwater.release_policy import ReleasePolicy


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be asked, and where the service's own listeners are."""

    allowed: Allowed
    origins: dict[str, Origin]


def reach_of(client: Callable[[str], Any], bindings: Iterable[Binding], policy: ReleasePolicy) -> Reach:
    """Look the listeners up. A rolling service names none: the load balancer tells. Raises `BreakwaterError`."""

    def elbv2() -> Any:
        return client("elbv2")

    origins: dict[str, Origin] = {}
    inside: set[str] = set()
    for binding in bindings:
        if binding.production_rule is None:
            binding = replace(binding, production_rule=rule_to(elbv2, binding.target_group))
        found = listening(elbv2, binding)
        origins = found.origins | origins  # of several, the first
        inside |= found.internal
    hosts = [origin for text in policy.hosts if isinstance(origin := origin_of(text), Origin)]
    networks = tuple(ipaddress.ip_network(text) for text in policy.networks)
    return Reach(Allowed(frozenset([*origins.values(), *hosts]), networks, frozenset(inside)), origins)
