"""What events call the deployment of a release: of the two names that it has, ECS tells one only of the service."""

from dataclasses import replace

from breakwater.errors import BreakwaterError

from .record import Release
from .wiring import Work


def named(release: Release, work: Work) -> Release:
    """With the id (`ecs-svc/...`) of its deployment, under which events tell how that ends.

    A read may be old, and then it is looked for at each further look: until it is known each end is found by the sweep
    only. What cannot be read holds nothing up.
    """
    if release.deployment is not None or release.service_deployment is None:
        return release
    try:
        seen = work.sight.standing(release.cluster, release.name).seen
    except BreakwaterError as error:
        work.logger.warning("the deployment's id could not be read", problem=str(error))
        return release
    before = release.before if release.redeployed_at is not None else None
    ours = before.task_definition if before is not None else release.task_definition
    return replace(release, deployment=seen.deployment) if seen.task_definition == ours else release
