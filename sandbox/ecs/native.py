"""The native strategies as one thing to plug into a model: `NativeStrategies(model, invoke=...)`.

What the AWS API and scenarios call on top of `Model`: settings, rules, ContinueServiceDeployment, and what
DescribeServiceDeployments shows of hooks and traffic.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sandbox.ecs import blue_green, hooks, shifting, traffic
from sandbox.ecs.balancers import Balancers
from sandbox.ecs.blue_green import Progress, progress_of
from sandbox.ecs.definitions import DeploymentSettings, LoadBalancer
from sandbox.ecs.errors import EcsError
from sandbox.ecs.hooks import Invoke, NativeReadings, no_functions
from sandbox.ecs.model import Model
from sandbox.ecs.requests import Requests
from sandbox.ecs.rolling_beside import RollingBeside
from sandbox.ecs.shifting import Shifting
from sandbox.ecs.state import ServiceDeployment
from sandbox.ecs.traffic import Traffic


class NativeStrategies:
    """BLUE_GREEN, LINEAR and CANARY of one model, with the rules and the hooks that they use."""

    def __init__(self, model: Model, invoke: Invoke = no_functions, readings: NativeReadings | None = None) -> None:
        self._model = model
        self.traffic = Traffic(model.world)
        self.balancers = Balancers(model.world, self.traffic)
        self.requests = Requests(model.world, self.balancers)
        self._native = blue_green.Native(model.world, self.traffic, invoke, readings or NativeReadings())
        for name in shifting.NAMES.values():
            model.add_strategy(name, self._native)
        model.add_strategy("ROLLING", RollingBeside(self._native))

    def set_invoke(self, invoke: Invoke) -> None:
        """From now on hooks are called through this."""
        self._native.hooks.invoke = invoke

    def check(self, settings: DeploymentSettings, load_balancers: Sequence[LoadBalancer]) -> None:
        """Refuse, before anything is changed, what CreateService and UpdateService would refuse."""
        if settings.strategy in shifting.NAMES.values():
            shifting.of(settings)
            for binding in traffic.advanced(load_balancers):
                self.traffic.check_binding(binding)
            if len(traffic.advanced(load_balancers)) != len(load_balancers):
                raise EcsError("InvalidParameterException", "advancedConfiguration is required for this strategy.")

    def continue_service_deployment(self, arn: str, hook_id: str, action: str | None = None) -> ServiceDeployment:
        """ContinueServiceDeployment: CONTINUE, also if omitted, or ROLLBACK."""
        rollout = self._model.service_deployment(arn)
        self._native.hooks.resume(rollout, _progress(rollout).journal, hook_id, action)
        return rollout

    def hook_answered(self, arn: str, hook_id: str, answer: object) -> None:
        """What a function answered that `invoke` had said `LATER` of."""
        rollout = self._model.service_deployment(arn)
        self._native.hooks.answered(rollout, _progress(rollout).journal, hook_id, answer)

    def hook_details(self, rollout: ServiceDeployment) -> list[dict[str, Any]]:
        """`lifecycleHookDetails` of DescribeServiceDeployments."""
        progress = progress_of(rollout)
        return [] if progress is None else hooks.details(rollout, progress.journal)

    def requested_weights(self, rollout: ServiceDeployment) -> dict[str, tuple[float, float]]:
        """requestedProductionTrafficWeight and requestedTestTrafficWeight of each service revision, in per cent."""
        progress = progress_of(rollout)
        if progress is None:
            return {}
        shares = {progress.green.revision.arn: (progress.production / 10, progress.test / 10)}
        if progress.blue is not None:
            shares[progress.blue.revision.arn] = ((1000 - progress.production) / 10, (1000 - progress.test) / 10)
        return shares


def settings(of: Shifting, base: DeploymentSettings | None = None) -> DeploymentSettings:
    """Deployment settings with one of the native strategies; alarms and the rest are those of `base`."""
    return replace(base or DeploymentSettings(), strategy=shifting.NAMES[type(of)], more=of)


def _progress(rollout: ServiceDeployment) -> Progress:
    progress = progress_of(rollout)
    if progress is None:
        raise EcsError("InvalidParameterException", "The service deployment has no lifecycle hooks.")
    return progress
