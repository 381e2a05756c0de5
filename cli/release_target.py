"""What a person means by EXECUTION or SERVICE: an ARN, a name, or `cluster/service`. Pure."""

import re
from dataclasses import dataclass

from cli.context import WrongUsageError

_NAME = r"[A-Za-z0-9_-]{1,255}"
_EXECUTION = re.compile(rf"arn:[a-z-]+:states:([a-z0-9-]+):[0-9]{{12}}:execution:{_NAME}:[^:/\s]{{1,80}}")
_DEPLOYMENT = re.compile(rf"arn:[a-z-]+:ecs:([a-z0-9-]+):[0-9]{{12}}:service-deployment/({_NAME}/{_NAME})/{_NAME}")
_SERVICE_ARN = re.compile(rf"arn:[a-z-]+:ecs:([a-z0-9-]+):[0-9]{{12}}:service/({_NAME}/{_NAME})")
_SERVICE = re.compile(rf"{_NAME}/{_NAME}")
_SHORT = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")


@dataclass(frozen=True, slots=True)
class ByExecution:
    """An execution: its ARN, or only its name."""

    execution: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class ByService:
    """Whatever release the service has now."""

    service: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class ByDeployment:
    """The release of this service deployment, and of no other; notifications say it like this."""

    deployment: str
    service: str
    region: str | None = None


Target = ByExecution | ByService | ByDeployment


def target_of(text: str, cluster: str | None = None) -> Target:
    """Read it. With a `cluster`, a bare name is a service. Raises `WrongUsageError`."""
    if cluster is not None:
        return ByService(service_of(text, cluster))
    if found := _EXECUTION.fullmatch(text):
        return ByExecution(text, found[1])
    if found := _DEPLOYMENT.fullmatch(text):
        return ByDeployment(text, found[2], found[1])
    if found := _SERVICE_ARN.fullmatch(text):
        return ByService(found[2], found[1])
    if _SERVICE.fullmatch(text):
        return ByService(text)
    if _SHORT.fullmatch(text):
        return ByExecution(text)
    raise WrongUsageError(
        f"{text[:200]!r} is neither an execution (its name or ARN), nor a service as CLUSTER/SERVICE, nor the ARN of "
        "a service deployment"
    )


def service_of(service: str, cluster: str | None) -> str:
    """`cluster/service` of what was said in one word or two. Raises `WrongUsageError`."""
    if cluster is None and "/" not in service:
        raise WrongUsageError(f"service: {service[:200]!r} has no cluster: say CLUSTER/SERVICE, or give --cluster")
    whole = service if "/" in service else f"{cluster}/{service}"
    if not _SERVICE.fullmatch(whole):
        raise WrongUsageError(f"service: {whole[:200]!r} is not CLUSTER/SERVICE")
    if cluster not in (None, whole.partition("/")[0]):
        raise WrongUsageError(f"cluster: {whole!r} is not in {str(cluster)[:200]!r}")
    return whole
