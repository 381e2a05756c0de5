"""The single failure exit: what has begun, and how is it undone? What has to be seen afterwards is in `expecting`.

Least force first. A deployment that waits at a hook is told ROLLBACK there; one that runs is stopped with ROLLBACK; one
that already goes back is only watched. UpdateService back is left for what went past all of that, and nothing is done
to a deployment that is not ours.
"""

from dataclasses import dataclass

from .facts import OVER, ROLLED_BACK, ROLLING_BACK, DeploymentSeen, ServiceSeen
from .record import Before, Release


@dataclass(frozen=True, slots=True)
class NothingBegun:
    """Nothing was changed, so there is nothing to undo: let go of the lease and say so."""

    reason: str


@dataclass(frozen=True, slots=True)
class RefuseAtHook:
    """ContinueServiceDeployment with action ROLLBACK, then wait for the end and verify."""

    service_deployment: str
    hook: str
    reason: str


@dataclass(frozen=True, slots=True)
class StopDeployment:
    """StopServiceDeployment with stopType ROLLBACK, then wait for the end and verify."""

    service_deployment: str
    reason: str


@dataclass(frozen=True, slots=True)
class WatchReturn:
    """It goes back by itself, or is back: wait for the end if there is one to come, and verify."""

    reason: str
    over: bool


@dataclass(frozen=True, slots=True)
class Redeploy:
    """UpdateService to the recorded revision, fenced by the PRIMARY deployment that was seen; then wait and verify."""

    task_definition: str
    fence: str
    reason: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Nothing may be done, and a person has to know: somebody else has deployed since, or nothing can be seen."""

    reason: str


ReturnDecision = NothingBegun | RefuseAtHook | StopDeployment | WatchReturn | Redeploy | HandOver


def decide_return(
    release: Release, deployment: DeploymentSeen | None, service: ServiceSeen | None, hook: str | None = None
) -> ReturnDecision:
    """Say how to undo what a release has begun.

    `deployment` and `service` are fresh reads, `None` where nothing can be read; `hook` waits for an answer.
    """
    intended = release.intended_at is not None
    if not intended and not release.attended and release.service_deployment is None and deployment is None:
        return NothingBegun("nothing was deployed")
    before = release.before
    if before is None:
        return HandOver("what stood before was not recorded, so there is nothing to go back to")
    if deployment is None:
        return _without_deployment(release, before, service)
    if deployment.status in ROLLING_BACK or (deployment.is_rollback and deployment.status not in OVER):
        return WatchReturn(f"it is on its way back already: {deployment.status}", over=False)
    if deployment.status in ROLLED_BACK:
        return WatchReturn(f"it went back by itself: {deployment.status}", over=True)
    if deployment.status == "STOPPED":
        return HandOver("the deployment was superseded: somebody has deployed since, and that is theirs")
    if deployment.status == "SUCCESSFUL":
        return _after_success(release, before, service)
    if hook is not None:
        return RefuseAtHook(deployment.arn, hook, "it waits at a hook, and is told to go back there")
    return StopDeployment(deployment.arn, f"it is {deployment.status}: stopped, and rolled back by ECS")


def _without_deployment(release: Release, before: Before, service: ServiceSeen | None) -> ReturnDecision:
    """The answer of UpdateService was lost, or its deployment not found. What the service has tells which."""
    if service is None:
        return HandOver("neither the deployment nor the service can be read: whether it was deployed is not known")
    if service.deployment == before.deployment:
        return NothingBegun("the deployment never began: the service has the deployment that it had")
    if service.task_definition == release.task_definition:
        why = "its deployment cannot be found, its revision is there"
        return Redeploy(before.task_definition, service.deployment, why)
    return HandOver(f"the service has {service.task_definition.rpartition('/')[2]}, which this release did not deploy")


def _after_success(release: Release, before: Before, service: ServiceSeen | None) -> ReturnDecision:
    """It was through when something failed: ECS has nothing to roll back any more, so the old revision is deployed."""
    if service is None:
        return HandOver("the service cannot be read, so nothing is written to it")
    if service.task_definition != release.task_definition:
        there = service.task_definition.rpartition("/")[2]
        return HandOver(f"the service has {there} by now, which this release did not deploy")
    why = "the deployment was through: the revision before it is deployed"
    return Redeploy(before.task_definition, service.deployment, why)


def is_going_on(release: Release, deployment: DeploymentSeen, hook: str | None) -> bool:
    """Whether what was told to go back is seen to go forward: then it is decided anew how to undo it.

    So it does when it is through, or waits at another hook than the one that was told ROLLBACK, which an old read still
    shows. A revision that is deployed in its place goes forward by intent.
    """
    if deployment.is_rollback or release.redeployed_at is not None:
        return False
    return deployment.status == "SUCCESSFUL" or hook not in (None, release.refused)
