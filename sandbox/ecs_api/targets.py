"""DescribeTargetHealth of ELBv2 for the model's target groups."""

from collections.abc import Mapping
from typing import Any

from sandbox.ecs.errors import EcsError
from sandbox.ecs.model import Model
from sandbox.errors import UnsupportedError

DESCRIPTIONS = {
    "Elb.RegistrationInProgress": "Target registration is in progress",
    "Elb.InitialHealthChecking": "Initial health checks in progress",
    "Target.FailedHealthChecks": "Health checks failed",
    "Target.DeregistrationInProgress": "Target deregistration is in progress",
    "Target.NotRegistered": "Target is not registered to the target group",
}


def target_health(model: Model, params: Mapping[str, Any]) -> dict[str, Any]:
    """Say what each target's health is, of all or of those that are asked for."""
    if params.get("Include"):
        raise UnsupportedError("elbv2:DescribeTargetHealth.Include is not known to the model")
    group = model.world.target_groups.get(params["TargetGroupArn"])
    if group is None:
        raise EcsError("TargetGroupNotFound", f"Target groups '{params['TargetGroupArn']}' not found")
    found = {(target.id, target.port): target for target in group.targets.values()}
    asked = [(one["Id"], one["Port"]) for one in params["Targets"]] if params.get("Targets") else list(found)
    described = []
    for key in asked:
        target = found.get(key)
        state, reason = (target.state, target.reason) if target is not None else ("unused", "Target.NotRegistered")
        health = {"State": state}
        if reason is not None:
            health |= {"Reason": reason, "Description": DESCRIPTIONS[reason]}
        one: dict[str, Any] = {"Target": {"Id": key[0], "Port": key[1]}, "TargetHealth": health}
        if target is not None:
            one["HealthCheckPort"] = str(key[1])
        described.append(one)
    return {"TargetHealthDescriptions": described}
