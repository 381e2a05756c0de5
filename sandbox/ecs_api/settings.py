"""What a service or a task is started with, between the API's words and the model's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandbox.ecs.definitions import (
    CircuitBreaker,
    DeploymentAlarms,
    DeploymentSettings,
    EarlySuccess,
    LoadBalancer,
    TaskDefinition,
    Threshold,
)
from sandbox.ecs.errors import invalid
from sandbox.ecs.model import Model
from sandbox.ecs_api.kept import Json
from sandbox.ecs_api.strategies import load_balancer, load_balancer_view, shifting, shifting_view
from sandbox.errors import UnsupportedError

Params = Mapping[str, Any]
_ON_FARGATE = ("FARGATE", "FARGATE_SPOT")
_PLATFORMS = ("LATEST", "1.4.0")


@dataclass(frozen=True, slots=True)
class Where:
    """What something runs on, as the model takes it."""

    launch_type: str
    provider: str | None


def where(params: Params, operation: str) -> Where | None:
    """Read launchType or capacityProviderStrategy; None if neither is given. The model takes one provider."""
    strategy = params.get("capacityProviderStrategy")
    launch_type = params.get("launchType")
    platform = params.get("platformVersion", "LATEST")
    if platform not in _PLATFORMS:
        raise UnsupportedError(f"ecs:{operation}.platformVersion {platform} is not known to the model")
    if launch_type is not None:
        if strategy:
            raise invalid("Specifying both a launch type and capacity provider strategy is not supported.")
        if launch_type not in ("FARGATE", "EC2"):
            raise UnsupportedError(f"ecs:{operation}.launchType {launch_type} is not known to the model")
        return Where(launch_type, None)
    if strategy is None:
        return None
    used = [item for item in strategy if item.get("weight", 0) or item.get("base", 0)] or strategy
    if len(used) != 1:
        raise UnsupportedError(f"ecs:{operation}.capacityProviderStrategy of {len(used)} providers")
    name = used[0]["capacityProvider"]
    return Where("FARGATE" if name in _ON_FARGATE else "EC2", name)


def check_network(definition: TaskDefinition, on: Where, network: object, *, for_fargate: bool) -> None:
    """Refuse what ECS refuses about networks; the network itself is not modelled."""
    if on.launch_type == "FARGATE" and not for_fargate:
        raise invalid("Task definition does not support launch_type FARGATE.")
    if definition.network_mode == "awsvpc" and not network:
        raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    if definition.network_mode != "awsvpc" and network:
        raise invalid("Network Configuration is not valid for the given networkMode of this task definition.")


def load_balancers(given: Sequence[Mapping[str, Any]]) -> list[LoadBalancer]:
    """Read a service's load balancers."""
    return [load_balancer(one) for one in given]


def load_balancers_view(bindings: Sequence[LoadBalancer]) -> list[Json]:
    """The same as ECS shows them."""
    return [load_balancer_view(binding) for binding in bindings]


def deployment_settings(model: Model, given: Params, before: DeploymentSettings, operation: str) -> DeploymentSettings:
    """Read deploymentConfiguration; what it does not name stays as it was."""
    strategy = given.get("strategy", before.strategy)
    if strategy not in model.world.strategies:
        raise UnsupportedError(f"ecs:{operation}.deploymentConfiguration.strategy {strategy} is not known to the model")
    settings = replace(
        before,
        strategy=strategy,
        more=shifting(given, strategy, before, operation),
        minimum_healthy_percent=given.get("minimumHealthyPercent", before.minimum_healthy_percent),
        maximum_percent=given.get("maximumPercent", before.maximum_percent),
    )
    if "deploymentCircuitBreaker" in given:
        settings = replace(settings, circuit_breaker=_breaker(given["deploymentCircuitBreaker"]))
    if "alarms" in given:
        alarms = given["alarms"]
        settings = replace(
            settings, alarms=DeploymentAlarms(tuple(alarms["alarmNames"]), alarms["enable"], alarms["rollback"])
        )
    if "earlySuccessCriteria" in given:
        settings = replace(settings, early_success=_early(given["earlySuccessCriteria"], settings))
    return settings


def _breaker(given: Params) -> CircuitBreaker:
    threshold = given.get("thresholdConfiguration", {})
    usual = Threshold()
    return CircuitBreaker(
        given["enable"],
        given["rollback"],
        Threshold(threshold.get("type", usual.type), threshold.get("value", usual.value)),
        given.get("resetOnHealthyTask", True),
    )


def _early(given: Params, settings: DeploymentSettings) -> EarlySuccess | None:
    if not given.get("enable", False):
        return None
    percent = given.get("healthyPercent", settings.minimum_healthy_percent)
    return EarlySuccess(percent, given.get("sourceServiceRevisionCleanup", "BLOCKING"))


def deployment_settings_view(settings: DeploymentSettings) -> Json:
    """deploymentConfiguration as ECS shows it."""
    breaker, alarms, early = settings.circuit_breaker, settings.alarms, settings.early_success
    shown: Json = {
        "strategy": settings.strategy,
        **shifting_view(settings),
        "maximumPercent": settings.maximum_percent,
        "minimumHealthyPercent": settings.minimum_healthy_percent,
        "deploymentCircuitBreaker": {
            "enable": breaker.enable,
            "rollback": breaker.rollback,
            "resetOnHealthyTask": breaker.reset_on_healthy_task,
            "thresholdConfiguration": {"type": breaker.threshold.type, "value": breaker.threshold.value},
        },
        "alarms": {"alarmNames": list(alarms.names), "enable": alarms.enable, "rollback": alarms.rollback},
    }
    if early is not None:
        shown["earlySuccessCriteria"] = {
            "enable": True,
            "healthyPercent": early.healthy_percent,
            "sourceServiceRevisionCleanup": early.cleanup,
        }
    return shown
