"""What a hook has to look up: the deployment's direction, its listeners, both sides' metrics, the preflight."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from breakwater.addresses import Allowed, Origin, origin_of
from breakwater.aws import translated_errors
from breakwater.checks import Comparison, Verdict, compare
from breakwater.checks.spec import MetricAnalysis
from breakwater.errors import BreakwaterError, NotFoundError
from breakwater.listeners import balancer_dimension, origins_of
from breakwater.preflight import Finding, examine
from breakwater.preflight_facts import ServiceFacts
from breakwater.preflight_reads import Client, read_service, snapshot_of
from breakwater.release_policy import MOST_LOOKS, ReleasePolicy
from breakwater.target_metrics import read_sides

from .decision import Direction
from .payload import HookCall

ROLLING_BACK = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})
# These matter before a deployment begins; this one has begun.
BEFORE_ONLY = frozenset({"other-deployment", "other-release"})


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the metrics said, and how long to wait for another one."""

    verdict: Verdict
    window_minutes: int


@dataclass(frozen=True, slots=True)
class Reach:
    """Where checks of a service may go, and where its listeners are."""

    allowed: Allowed
    origins: dict[str, Origin]


def read_direction(client: Client, deployment: str) -> Direction:
    """Where a deployment goes. What cannot be read is unknown, never an error: the hook has to answer."""
    try:
        with translated_errors("describe the service deployment"):
            answer = client("ecs").describe_service_deployments(serviceDeploymentArns=[deployment])
    except BreakwaterError:
        return Direction.UNKNOWN
    found = answer.get("serviceDeployments") or []
    if not found:
        return Direction.UNKNOWN
    back = found[0].get("status") in ROLLING_BACK or bool(found[0].get("rollback"))
    return Direction.BACK if back else Direction.FORWARD


def reach_of(client: Client, call: HookCall, policy: ReleasePolicy) -> Reach:
    """The service's own listeners, and what the policy allows besides. Raises `BreakwaterError`."""
    service = read_service(client("ecs"), call.cluster, call.service)
    origins: dict[str, Origin] = {}
    for binding in service.bindings:
        origins = origins_of(lambda: client("elbv2"), binding) | origins  # of several, the first
    hosts = [origin for text in policy.hosts if isinstance(origin := origin_of(text), Origin)]
    networks = tuple(ipaddress.ip_network(text) for text in policy.networks)
    return Reach(Allowed(frozenset([*origins.values(), *hosts]), networks), origins)


def look(client: Client, call: HookCall, analysis: MetricAnalysis, start: datetime, now: datetime, number: int) -> Look:
    """Compare the new side with the old one. Raises `BreakwaterError`.

    The hook began at `start`; the traffic that it judges flowed before, in the bake of the step, so the window reaches
    back from there.
    """
    start -= timedelta(minutes=analysis.window_minutes)
    service = read_service(client("ecs"), call.cluster, call.service)
    green, blue = _sides_of(client, call, service)
    balancer = balancer_dimension(lambda: client("elbv2"), green)
    sides = read_sides(lambda: client("cloudwatch"), balancer, [green, blue], analysis.quantiles, start, now)
    comparison = Comparison(sides[green], sides[blue], number, MOST_LOOKS)
    return Look(compare(analysis, comparison).verdict, analysis.window_minutes)


def preflight(client: Client, call: HookCall, policy: ReleasePolicy) -> tuple[Finding, ...]:
    """The preflight of the revision that is being deployed, without what only matters before it began."""
    definition = str(_revision(client, call).get("taskDefinition") or "")
    snapshot = snapshot_of(client, call.cluster, call.service, definition)
    return tuple(finding for finding in examine(snapshot, policy) if finding.rule not in BEFORE_ONLY)


def _sides_of(client: Client, call: HookCall, service: ServiceFacts) -> tuple[str, str]:
    """The target groups of the new and of the old side: ECS says which one a revision got."""
    resolved = _revision(client, call).get("resolvedConfiguration") or {}
    used = {one.get("targetGroupArn") for one in resolved.get("loadBalancers") or []}
    for binding in service.bindings:
        mine = [group for group in binding.target_groups if group in used]
        others = [group for group in binding.target_groups if group not in used]
        if len(mine) == len(others) == 1:
            return mine[0], others[0]
    raise BreakwaterError("which target group belongs to the new revision is not known")


def _revision(client: Client, call: HookCall) -> dict[str, Any]:
    if call.revision is None:
        raise NotFoundError("the call names no service revision")
    with translated_errors("describe the service revision"):
        answer = client("ecs").describe_service_revisions(serviceRevisionArns=[call.revision])
    found: list[dict[str, Any]] = answer.get("serviceRevisions") or []
    if not found:
        raise NotFoundError("describe the service revision: there is none")
    return found[0]
