"""What a release sees: its deployment with the hook that waits, the service, the weights, the targets' health."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from breakwater.attending import whose_gate
from breakwater.aws import translated_errors
from breakwater.errors import NotFoundError
from breakwater.listeners import weights_of
from breakwater.preflight_facts import ServiceFacts
from breakwater.preflight_reads import service_facts

from .facts import DeploymentSeen, HookSeen, ServiceSeen

LOOKS = 5
CLOCKS_DIFFER = timedelta(seconds=60)
NEWEST = 20
_NOT_DONE = frozenset({"AWAITING_ACTION", "IN_PROGRESS"})

Client = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Rollout:
    """A service deployment, and the hook at which it waits."""

    seen: DeploymentSeen
    revision: str
    sources: tuple[str, ...] = ()
    hook: HookSeen | None = None
    longest_bake: int = 0
    """Minutes that it may take from one stage to the next by its own settings, with nothing to be seen."""
    answered: tuple[str, ...] = ()
    """Its hooks that wait no more."""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The service at this moment: what decisions take of it, and its facts."""

    seen: ServiceSeen
    facts: ServiceFacts
    tags: Mapping[str, str] = field(default_factory=dict)


class Sight:
    """The reads, through the client of each AWS service."""

    def __init__(self, client: Client, sleep: Callable[[float], None] = time.sleep, *, native_hook: str = "") -> None:
        self._client = client
        self._sleep = sleep
        self._native_hook = native_hook

    def rollout(self, arn: str) -> Rollout | None:
        """A service deployment as it is now; `None` if there is none of that name."""
        with translated_errors("describe the service deployment"):
            answer = self._client("ecs").describe_service_deployments(serviceDeploymentArns=[arn])
        found = answer.get("serviceDeployments") or []
        return _rollout(found[0], self._native_hook) if found else None

    def standing(self, cluster: str, service: str, *, traffic: bool = False) -> Standing:
        """The service as it is now, its weights and targets only if asked for. Raises `BreakwaterError`."""
        with translated_errors(f"describe service {cluster}/{service}"):
            answer = self._client("ecs").describe_services(cluster=cluster, services=[service], include=["TAGS"])
        if not answer["services"]:
            raise NotFoundError(f"describe service {cluster}/{service}: there is no such service")
        raw = answer["services"][0]
        facts = service_facts(raw, cluster)
        entries = raw.get("deployments") or []
        primary: Mapping[str, Any] = next((one for one in entries if one.get("status") == "PRIMARY"), {})
        weights = self.weights(facts) if traffic else {}
        seen = ServiceSeen(
            task_definition=str(primary.get("taskDefinition") or facts.task_definition),
            deployment=str(primary.get("id") or ""),
            desired=facts.desired,
            running=int(primary.get("runningCount", raw.get("runningCount", 0))),
            weights=weights,
            targets=self._targets(facts, weights) if traffic else {},
            deployments=len(entries),
        )
        return Standing(seen, facts, {one["key"]: one.get("value", "") for one in raw.get("tags") or []})

    def weights(self, facts: ServiceFacts) -> dict[str, dict[str, int]]:
        """The weights at the service's own rules; only where it shifts traffic has it any."""
        rules = rules_of(facts)
        return weights_of(lambda: self._client("elbv2"), rules) if rules and facts.shifts_traffic else {}

    def find(self, cluster: str, service: str, task_definition: str, since: datetime) -> str | None:
        """The newest service deployment of this revision since then: UpdateService does not say which one it began.

        ECS is eventually consistent, so it looks `LOOKS` times, at growing gaps.
        """
        for look in range(LOOKS):
            if look:
                self._sleep(2**look)
            with translated_errors(f"list service deployments of {cluster}/{service}"):
                answer = self._client("ecs").list_service_deployments(
                    cluster=cluster, service=service, maxResults=NEWEST
                )
            recent = [one for one in answer.get("serviceDeployments", []) if one["createdAt"] >= since - CLOCKS_DIFFER]
            made = self.definitions([one["targetServiceRevisionArn"] for one in recent])
            ours = [one for one in recent if made.get(one["targetServiceRevisionArn"]) == task_definition]
            if ours:
                newest = max(ours, key=lambda one: one["createdAt"])
                return str(newest["serviceDeploymentArn"])
        return None

    def definitions(self, revisions: list[str]) -> dict[str, str]:
        """The task definition of each of these service revisions, as far as they are still there."""
        wanted = list(dict.fromkeys(revisions))
        if not wanted:
            return {}
        with translated_errors("describe service revisions"):
            answer = self._client("ecs").describe_service_revisions(serviceRevisionArns=wanted)
        return {one["serviceRevisionArn"]: one.get("taskDefinition", "") for one in answer.get("serviceRevisions", [])}

    def _targets(self, facts: ServiceFacts, weights: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
        """The health of the targets that have production traffic, by state."""
        states: dict[str, int] = {}
        for binding in facts.bindings:
            shares = weights.get(binding.production_rule or "", {})
            groups = [group for group in binding.target_groups if shares.get(group, 0 if shares else 1)]
            for group in groups if shares else [binding.target_group]:
                with translated_errors("describe the health of targets"):
                    answer = self._client("elbv2").describe_target_health(TargetGroupArn=group)
                for one in answer["TargetHealthDescriptions"]:
                    state = str(one["TargetHealth"]["State"])
                    states[state] = states.get(state, 0) + 1
        return states


def rules_of(facts: ServiceFacts) -> list[str]:
    """The production rules of a service."""
    return list(dict.fromkeys(one.production_rule for one in facts.bindings if one.production_rule))


def _rollout(raw: Mapping[str, Any], native_hook: str = "") -> Rollout:
    target: Mapping[str, Any] = raw.get("targetServiceRevision") or {}
    rollback: Mapping[str, Any] = raw.get("rollback") or {}
    arn, stage = str(raw["serviceDeploymentArn"]), raw.get("lifecycleStage")
    sides: list[Mapping[str, Any]] = raw.get("sourceServiceRevisions") or []
    hooks: list[Mapping[str, Any]] = raw.get("lifecycleHookDetails") or []
    weight = target.get("requestedProductionTrafficWeight")
    seen = DeploymentSeen(
        arn=arn,
        status=str(raw.get("status", "")),
        stage=stage,
        rollback_to=rollback.get("serviceRevisionArn"),
        production_weight=None if weight is None else float(weight),
        reason=str(rollback.get("reason") or raw.get("statusReason") or ""),
        new_tasks=int(target.get("runningTaskCount", 0)),
        old_tasks=sum(int(one.get("runningTaskCount", 0)) for one in sides),
        held=any(one.get("status") in _NOT_DONE for one in hooks),
    )
    waiting = [one for one in hooks if one.get("status") == "AWAITING_ACTION" and one.get("targetType") == "PAUSE"]
    hook = None
    if waiting:
        at = _hook_stage(raw)
        gate = whose_gate(_declared(raw), at, native_hook)
        hook = HookSeen(str(waiting[0]["hookId"]), at, arn, expires_at=waiting[0].get("expiresAt"), gate=gate)
    sources = tuple(str(one["arn"]) for one in sides)
    answered = tuple(str(one.get("hookId")) for one in hooks if one.get("status") not in _NOT_DONE)
    settings: Mapping[str, Any] = raw.get("deploymentConfiguration") or {}
    bakes = [settings.get("bakeTimeInMinutes", 0)]
    bakes.append((settings.get("canaryConfiguration") or {}).get("canaryBakeTimeInMinutes", 0))
    bakes.append((settings.get("linearConfiguration") or {}).get("stepBakeTimeInMinutes", 0))
    return Rollout(seen, str(target.get("arn") or ""), sources, hook, max(bakes), answered, raw.get("createdAt"))


def _hook_stage(raw: Mapping[str, Any]) -> str:
    """The stage of the hook that waits.

    The service model has PRE_PRODUCTION_TRAFFIC_SHIFT for hooks and not for deployments, whose stage then is the shift
    itself: which of the two it is, the declared hooks say.
    """
    stage = str(raw.get("lifecycleStage") or "")
    declared = {
        stage
        for hook in _declared(raw)
        if hook.get("targetType") == "PAUSE"
        for stage in hook.get("lifecycleStages") or []
    }
    before = f"PRE_{stage}"
    return before if stage not in declared and before in declared else stage


def _declared(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return (raw.get("deploymentConfiguration") or {}).get("lifecycleHooks") or []
