"""Application Auto Scaling of ECS services: scalable targets, and that the bounds apply to the desired count.

moto keeps scalable targets and never touches a service. Here a count outside of its bounds is brought to the nearest
one `FOLLOWS` after the bounds were set, as far as AWS writes it; policies and scheduled actions are not there, so
nothing else moves a count. A test moves it by hand where autoscaling would (`account.ecs.update_service`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.account import Account
from sandbox.aws import Answer, ServiceError
from sandbox.ecs.errors import EcsError
from sandbox.errors import UnsupportedError

Params = Mapping[str, Any]
FOLLOWS = 30
DIMENSION = "ecs:service:DesiredCount"
_REGISTER = {"ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity"}
_SUSPENDED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


@dataclass(slots=True)
class Target:
    """The bounds of one service."""

    low: int
    high: int
    made: datetime


@dataclass(slots=True)
class ScalableTargets:
    """The scalable targets of the account by resource id."""

    account: Account
    targets: dict[str, Target] = field(default_factory=dict)

    def answers(self) -> dict[tuple[str, str], Answer]:
        """Every operation for the gate."""
        served: dict[str, Answer] = {
            "RegisterScalableTarget": self.register,
            "DescribeScalableTargets": self.describe,
            "DeregisterScalableTarget": self.deregister,
        }
        return {("application-autoscaling", name): answer for name, answer in served.items()}

    def register(self, params: Params) -> dict[str, Any]:
        """RegisterScalableTarget: a new one needs both bounds, of one that is there only what is named changes."""
        strange = params.keys() - _REGISTER
        if strange:
            raise UnsupportedError(f"application-autoscaling:RegisterScalableTarget {min(strange)}")
        name = self._named(params)
        there = self.targets.get(name)
        low = params.get("MinCapacity", there.low if there else None)
        high = params.get("MaxCapacity", there.high if there else None)
        if low is None or high is None:
            raise ServiceError("ValidationException", "Both MinCapacity and MaxCapacity are needed at first.")
        if not 0 <= low <= high:
            raise ServiceError("ValidationException", "Maximum capacity cannot be less than minimum capacity.")
        self._service(name)
        self.targets[name] = Target(low, high, there.made if there else self.account.clock.now)
        self.account.clock.call_in(FOLLOWS, lambda: self._follow(name), f"autoscaling of {name}")
        return {"ScalableTargetARN": self.account.arn("application-autoscaling", "scalable-target/sandbox")}

    def describe(self, params: Params) -> dict[str, Any]:
        """DescribeScalableTargets."""
        strange = params.keys() - {"ServiceNamespace", "ResourceIds", "ScalableDimension"}
        if strange or params["ServiceNamespace"] != "ecs":
            raise UnsupportedError(f"application-autoscaling:DescribeScalableTargets {sorted(strange)}")
        wanted = params.get("ResourceIds") or sorted(self.targets)
        found = [
            {
                "ServiceNamespace": "ecs",
                "ResourceId": name,
                "ScalableDimension": DIMENSION,
                "MinCapacity": self.targets[name].low,
                "MaxCapacity": self.targets[name].high,
                "RoleARN": f"arn:aws:iam::{self.account.id}:role/aws-service-role/ecs.application-autoscaling",
                "CreationTime": self.targets[name].made,
                "SuspendedState": dict(_SUSPENDED),
            }
            for name in wanted
            if name in self.targets
        ]
        return {"ScalableTargets": found}

    def deregister(self, params: Params) -> dict[str, Any]:
        """DeregisterScalableTarget: the count stays as it is."""
        if self.targets.pop(self._named(params), None) is None:
            raise ServiceError("ObjectNotFoundException", "No scalable target registered.")
        return {}

    def _named(self, params: Params) -> str:
        if (params["ServiceNamespace"], params["ScalableDimension"]) != ("ecs", DIMENSION):
            raise UnsupportedError(f"application-autoscaling of {params['ScalableDimension']}")
        return str(params["ResourceId"])

    def _service(self, name: str) -> tuple[str, str]:
        parts = name.split("/")
        try:
            if len(parts) != 3 or parts[0] != "service":
                raise ServiceError("ValidationException", f"Unsupported resource id {name}.")
            self.account.ecs.model.active_service(parts[1], parts[2])
        except EcsError as error:
            raise ServiceError("ValidationException", f"ECS service doesn't exist: {name}") from error
        return parts[1], parts[2]

    def _follow(self, name: str) -> None:
        target = self.targets.get(name)
        if target is None:
            return
        try:
            cluster, service = self._service(name)
        except ServiceError:
            return  # it is gone by now
        desired = self.account.ecs.model.active_service(cluster, service).desired
        to = max(min(desired, target.high), target.low)
        if to != desired:
            self.account.ecs.model.update_service(cluster, service, desired=to)
