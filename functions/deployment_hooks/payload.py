"""What ECS sends to a Lambda lifecycle hook, read once. Pure.

CONFLICT in the documentation: a real payload wraps four fields in `executionDetails`, the guide prints them flat. Both
are read. `hookDetails` is what the service declares, and after an answer of IN_PROGRESS what that answer said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from breakwater.events import parse_arn

_SERVICE_PARTS = 3
_DEPLOYMENT_PARTS = 4


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call of a hook. Weights are whole per cents by service revision ARN, often none at all."""

    stage: str
    deployment: str
    service_arn: str
    account: str
    region: str
    cluster: str
    service: str
    revision: str | None = None
    production: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def share(self) -> int | None:
        """The new revision's per cent of production traffic, if the call says so."""
        return self.production.get(self.revision) if self.revision else None


@dataclass(frozen=True, slots=True)
class Unusable:
    """It is no call of a lifecycle hook that could be answered for; `reason` repeats nothing of it."""

    reason: str


def read_call(event: object) -> HookCall | Unusable:
    """Read the event of a hook, in either shape."""
    if not isinstance(event, Mapping):
        return Unusable("the event is not an object")
    wrapped = event.get("executionDetails")
    facts = wrapped if isinstance(wrapped, Mapping) else event
    stage, deployment = event.get("lifecycleStage"), parse_arn(_text(event.get("resourceArn")))
    if not isinstance(stage, str) or not stage:
        return Unusable("lifecycleStage is missing")
    parts = deployment.resource.split("/") if deployment else []
    if deployment is None or len(parts) != _DEPLOYMENT_PARTS or parts[0] != "service-deployment" or not all(parts):
        return Unusable("resourceArn is not the ARN of a service deployment")
    service_arn = _text(facts.get("serviceArn"))
    service = parse_arn(service_arn)
    named = service.resource.split("/") if service else []
    if service is not None and len(named) == _SERVICE_PARTS and named[1:] != parts[1:3]:
        return Unusable("serviceArn and resourceArn name two services")
    details = event.get("hookDetails")
    return HookCall(
        stage=stage,
        deployment=str(event["resourceArn"]),
        service_arn=service_arn or "",
        account=deployment.account,
        region=deployment.region,
        cluster=parts[1],
        service=parts[2],
        revision=_text(facts.get("targetServiceRevisionArn")),
        production=_weights(facts.get("productionTrafficWeights")),
        details=details if isinstance(details, Mapping) else {},
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _weights(value: object) -> dict[str, int]:
    if not isinstance(value, Mapping):
        return {}
    numbers = {name: weight for name, weight in value.items() if isinstance(weight, int | float)}
    return {str(name): round(weight) for name, weight in numbers.items() if not isinstance(weight, bool)}
