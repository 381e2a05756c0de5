"""BLUE_GREEN, LINEAR and CANARY between the API's words and the model's: their settings, hooks and load balancers."""

from collections.abc import Mapping
from typing import Any

from sandbox.ecs.definitions import DeploymentSettings, LoadBalancer
from sandbox.ecs.errors import invalid
from sandbox.ecs.lifecycle import DEFAULT_TIMEOUT, Hook
from sandbox.ecs.native import NativeStrategies
from sandbox.ecs.shifting import BlueGreen, Canary, Linear, Shifting
from sandbox.ecs.state import ServiceDeployment
from sandbox.ecs.traffic import AdvancedLoadBalancer
from sandbox.ecs_api.kept import Json
from sandbox.errors import UnsupportedError

Params = Mapping[str, Any]
_MEMBERS = ("bakeTimeInMinutes", "linearConfiguration", "canaryConfiguration", "lifecycleHooks")


def shifting(given: Params, strategy: str, before: DeploymentSettings, operation: str) -> Shifting | None:
    """Read what belongs to one of these strategies; what is not named stays as it was with the same strategy."""
    own = {name: given[name] for name in _MEMBERS if given.get(name) not in (None, [])}
    if strategy == "ROLLING":
        if own:
            where = f"ecs:{operation}.deploymentConfiguration.{min(own)}"
            raise UnsupportedError(f"{where} is not known to the model for ROLLING")
        return None
    old = before.more if strategy == before.strategy else None
    hooks = tuple(_hook(hook) for hook in given["lifecycleHooks"]) if "lifecycleHooks" in given else _hooks(old)
    bake = given.get("bakeTimeInMinutes", getattr(old, "bake_minutes", None))
    if strategy == "BLUE_GREEN":
        _alone(own, strategy)
        if bake is None:
            raise invalid("bakeTimeInMinutes is required for the BLUE_GREEN deployment strategy.")
        return BlueGreen(bake, hooks)
    if strategy == "LINEAR":
        _alone(own, strategy, "linearConfiguration")
        linear, usual = given.get("linearConfiguration", {}), old if isinstance(old, Linear) else Linear()
        return Linear(
            linear.get("stepPercent", usual.step_percent),
            linear.get("stepBakeTimeInMinutes", usual.step_bake_minutes),
            bake or 0,
            hooks,
        )
    _alone(own, strategy, "canaryConfiguration")
    canary, ordinary = given.get("canaryConfiguration", {}), old if isinstance(old, Canary) else Canary()
    return Canary(
        canary.get("canaryPercent", ordinary.canary_percent),
        canary.get("canaryBakeTimeInMinutes", ordinary.canary_bake_minutes),
        bake or 0,
        hooks,
    )


def _alone(own: Params, strategy: str, *fitting: str) -> None:
    for name in ("linearConfiguration", "canaryConfiguration"):
        if name in own and name not in fitting:
            raise invalid(f"{name} is not for the {strategy} deployment strategy.")


def _hooks(old: object) -> tuple[Hook, ...]:
    return old.hooks if isinstance(old, BlueGreen | Linear | Canary) else ()


def _hook(given: Params) -> Hook:
    timeout = given.get("timeoutConfiguration", {})
    return Hook(
        tuple(given.get("lifecycleStages", ())),
        target_type=given.get("targetType", "AWS_LAMBDA"),
        target_arn=given.get("hookTargetArn"),
        role_arn=given.get("roleArn"),
        details=given.get("hookDetails"),
        timeout_minutes=timeout.get("timeoutInMinutes", DEFAULT_TIMEOUT),
        timeout_action=timeout.get("action", "ROLLBACK"),
    )


def shifting_view(settings: DeploymentSettings) -> Json:
    """The members of deploymentConfiguration that belong to the strategy."""
    more = settings.more
    if not isinstance(more, BlueGreen | Linear | Canary):
        return {}
    shown: Json = {"lifecycleHooks": [_hook_view(hook) for hook in more.hooks], "bakeTimeInMinutes": more.bake_minutes}
    if isinstance(more, Linear):
        linear = {"stepPercent": more.step_percent, "stepBakeTimeInMinutes": more.step_bake_minutes}
        shown["linearConfiguration"] = linear
    if isinstance(more, Canary):
        canary = {"canaryPercent": more.canary_percent, "canaryBakeTimeInMinutes": more.canary_bake_minutes}
        shown["canaryConfiguration"] = canary
    return shown


def _hook_view(hook: Hook) -> Json:
    return {
        "targetType": hook.target_type,
        **({} if hook.target_arn is None else {"hookTargetArn": hook.target_arn}),
        **({} if hook.role_arn is None else {"roleArn": hook.role_arn}),
        "lifecycleStages": list(hook.stages),
        **({} if hook.details is None else {"hookDetails": dict(hook.details)}),
        "timeoutConfiguration": {"timeoutInMinutes": hook.timeout_minutes, "action": hook.timeout_action},
    }


def load_balancer(given: Params) -> LoadBalancer:
    """Read one load balancer of a service."""
    for name in ("targetGroupArn", "containerName", "containerPort"):
        if name not in given:
            raise invalid(f"loadBalancers: {name} is missing.")
    plain = given["targetGroupArn"], given["containerName"], given["containerPort"]
    more = given.get("advancedConfiguration")
    if not more:
        return LoadBalancer(*plain)
    for name in ("alternateTargetGroupArn", "productionListenerRule"):
        if name not in more:
            raise invalid(f"advancedConfiguration: {name} is missing.")
    return AdvancedLoadBalancer(
        *plain,
        more["alternateTargetGroupArn"],
        more["productionListenerRule"],
        more.get("testListenerRule"),
        more.get("roleArn", ""),
    )


def load_balancer_view(binding: LoadBalancer) -> Json:
    """The same as ECS shows it."""
    shown: Json = {
        "targetGroupArn": binding.target_group_arn,
        "containerName": binding.container_name,
        "containerPort": binding.container_port,
    }
    if isinstance(binding, AdvancedLoadBalancer):
        shown["advancedConfiguration"] = {
            "alternateTargetGroupArn": binding.alternate_target_group_arn,
            "productionListenerRule": binding.production_rule,
            **({} if binding.test_rule is None else {"testListenerRule": binding.test_rule}),
            **({"roleArn": binding.role_arn} if binding.role_arn else {}),
        }
    return shown


def add_traffic(native: NativeStrategies, rollout: ServiceDeployment, shown: Json) -> Json:
    """Put hooks and requested weights into a service deployment as ECS shows it."""
    hooks, weights = native.hook_details(rollout), native.requested_weights(rollout)
    if hooks:
        shown["lifecycleHookDetails"] = hooks
    for revision in (*shown["sourceServiceRevisions"], shown["targetServiceRevision"]):
        if revision["arn"] in weights:
            production, test = weights[revision["arn"]]
            revision |= {"requestedProductionTrafficWeight": production, "requestedTestTrafficWeight": test}
    return shown
