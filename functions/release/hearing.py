"""What was said of a deployment that the machine has not heard yet: it may be at work while somebody speaks.

Read right before a deployment is let go on, because what it is continued into cannot be taken back.
"""

from .decision import GoBack, decide_heard
from .record import Release, Stage
from .wiring import Work


def heard(work: Work, release: Release) -> GoBack | None:
    """Whether a person, or the rollback guard, has said meanwhile that it has to go back."""
    if release.stage is not Stage.FORWARD:
        return None
    word = work.approvals.read(release.service_deployment) if release.service_deployment else None
    return decide_heard(release, word, work.rendezvous.lately(release.service))
