"""The single failure exit: what has begun, how is it undone, and what has to be seen before anybody says so.

Least force first. A deployment that waits at a hook is told ROLLBACK there; one that runs is stopped with ROLLBACK; one
that already goes back is only watched. UpdateService back is left for what went past all of that, and nothing is done
to a deployment that is not ours.
"""

from dataclasses import dataclass

from .facts import OVER, ROLLED_BACK, ROLLING_BACK, Begun, DeploymentSeen, ServiceSeen
from .outcome import Expected


@dataclass(frozen=True, slots=True)
class NothingBegun:
    """Nothing was changed, so there is nothing to undo: let go of the lease and say so."""

    reason: str


@dataclass(frozen=True, slots=True)
class RefuseAtHook:
    """ContinueServiceDeployment with action ROLLBACK, then wait for the end and verify."""

    service_deployment: str
    hook: str
    verify: Expected
    reason: str
    action: str = "ROLLBACK"


@dataclass(frozen=True, slots=True)
class StopDeployment:
    """StopServiceDeployment with stopType ROLLBACK, then wait for the end and verify."""

    service_deployment: str
    verify: Expected
    reason: str


@dataclass(frozen=True, slots=True)
class WatchReturn:
    """It goes back by itself, or is back: wait for the end if there is one to come, and verify."""

    verify: Expected
    reason: str
    over: bool


@dataclass(frozen=True, slots=True)
class Redeploy:
    """UpdateService to the recorded revision, fenced by the PRIMARY deployment that was seen; then wait and verify."""

    task_definition: str
    fence: str
    verify: Expected
    reason: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Nothing may be done, and a person has to know: somebody else has deployed since, or nothing can be seen."""

    reason: str


ReturnDecision = NothingBegun | RefuseAtHook | StopDeployment | WatchReturn | Redeploy | HandOver


def decide_return(begun: Begun, deployment: DeploymentSeen | None, service: ServiceSeen | None) -> ReturnDecision:
    """Say how to undo what was begun. `deployment` and `service` are fresh reads, `None` where nothing can be read."""
    if not begun.intended and not begun.attended and begun.service_deployment is None:
        return NothingBegun("nothing was deployed")
    if begun.recorded is None:
        return HandOver("what stood before was not recorded, so there is nothing to go back to")
    verify = Expected(begun.recorded.task_definition, begun.recorded.weights)
    if deployment is None:
        return _without_deployment(begun, service, verify)
    if deployment.status in ROLLING_BACK or (deployment.is_rollback and deployment.status not in OVER):
        return WatchReturn(verify, f"it is on its way back already: {deployment.status}", over=False)
    if deployment.status in ROLLED_BACK:
        return WatchReturn(verify, f"it went back by itself: {deployment.status}", over=True)
    if deployment.status == "STOPPED":
        return HandOver("the deployment was superseded: somebody has deployed since, and that is theirs")
    if deployment.status == "SUCCESSFUL":
        return _after_success(begun, service, verify)
    if begun.hook is not None:
        return RefuseAtHook(deployment.arn, begun.hook, verify, "it waits at a hook, and is told to go back there")
    return StopDeployment(deployment.arn, verify, f"it is {deployment.status}: stopped, and rolled back by ECS")


def _without_deployment(begun: Begun, service: ServiceSeen | None, verify: Expected) -> ReturnDecision:
    """The answer of UpdateService was lost, or its deployment not found. What the service has tells which."""
    recorded = begun.recorded
    if service is None or recorded is None:
        return HandOver("neither the deployment nor the service can be read: whether it was deployed is not known")
    if service.deployment == recorded.deployment:
        return NothingBegun("the deployment never began: the service has the deployment that it had")
    if service.task_definition == begun.task_definition:
        return Redeploy(
            recorded.task_definition,
            service.deployment,
            verify,
            "its deployment cannot be found, its revision is there",
        )
    return HandOver(f"the service has {service.task_definition.rpartition('/')[2]}, which this release did not deploy")


def _after_success(begun: Begun, service: ServiceSeen | None, verify: Expected) -> ReturnDecision:
    """It was through when something failed: ECS has nothing to roll back any more, so the old revision is deployed."""
    recorded = begun.recorded
    if service is None or recorded is None:
        return HandOver("the service cannot be read, so nothing is written to it")
    if begun.task_definition is not None and service.task_definition != begun.task_definition:
        there = service.task_definition.rpartition("/")[2]
        return HandOver(f"the service has {there} by now, which this release did not deploy")
    return Redeploy(
        recorded.task_definition,
        service.deployment,
        verify,
        "the deployment was through: the revision before it is deployed",
    )
