"""What a hook has to look up: both sides' metrics, the preflight."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from breakwater.aws import translated_errors
from breakwater.checks import Comparison, Verdict, compare
from breakwater.checks.spec import MetricAnalysis
from breakwater.errors import BreakwaterError, NotFoundError
from breakwater.listeners import balancer_dimension
from breakwater.preflight import Finding, Refuse, Warn, examine
from breakwater.preflight_facts import ServiceFacts
from breakwater.preflight_reads import Client, read_service, snapshot_of
from breakwater.release_policy import ReleasePolicy, looks_planned
from breakwater.sample_windows import starts_of
from breakwater.target_metrics import read_sides

from .payload import HookCall

# These matter before a deployment begins; this one has begun, and the time of a release is none of its own.
BEFORE_ONLY = frozenset({"other-deployment", "other-release", "duration"})
# A deployment cannot say that it is the cure of an alarm, or that nobody needs the service at night. And a check that
# cannot be made is a doubt when its turn comes, which asks a person: it is no reason to roll everything back.
MILDER = frozenset({"alarms", "desired", "certificate", "check-route"})


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the metrics said, and how long to wait for another one."""

    verdict: Verdict
    window_minutes: int


def look(client: Client, call: HookCall, analysis: MetricAnalysis, start: datetime, now: datetime, number: int) -> Look:
    """Compare the new side with the old one. Raises `BreakwaterError`.

    The hook began at `start`; the traffic that it judges flowed before, in the bake of the step, so the window reaches
    back from there (`starts_of`).
    """
    service = read_service(client("ecs"), call.cluster, call.service)
    green, blue = _sides_of(client, call, service)
    balancer = balancer_dimension(lambda: client("elbv2"), green)
    starts = starts_of(service, start, timedelta(minutes=analysis.window_minutes))
    windows = {green: starts.green, blue: starts.blue}
    sides = read_sides(lambda: client("cloudwatch"), balancer, windows, analysis.quantiles, now)
    comparison = Comparison(sides[green], sides[blue], number, looks_planned(service.steps))
    return Look(compare(analysis, comparison).verdict, analysis.window_minutes)


def preflight(client: Client, call: HookCall, policy: ReleasePolicy, ourselves: str) -> tuple[Finding, ...]:
    """The preflight of the revision that is being deployed: what only matters before it began is left out, or warns.
    `ourselves` is the ARN of the hook's function."""
    definition = str(_revision(client, call).get("taskDefinition") or "")
    snapshot = replace(snapshot_of(client, call.cluster, call.service, definition), native_hook=ourselves)
    findings = (finding for finding in examine(snapshot, policy) if finding.rule not in BEFORE_ONLY)
    return tuple(_milder(finding) for finding in findings)


def _milder(finding: Finding) -> Finding:
    """A refusal by which the hook would roll back every deployment that mends what it complains of is a warning."""
    if isinstance(finding, Refuse) and finding.rule in MILDER:
        return Warn(finding.rule, finding.reason, finding.remedy)
    return finding


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
