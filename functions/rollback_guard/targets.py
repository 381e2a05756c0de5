"""Can a service go back to this revision? What has to be looked up before that can be said."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from breakwater.errors import BreakwaterError, NotFoundError
from breakwater.ledger import KnownGood
from breakwater.model import Cause
from breakwater.registry import image_there
from breakwater.services import EcsServices, RevisionNow

from .counted import Home
from .picture import Presence, Target


@dataclass(frozen=True, slots=True)
class Targets:
    """Looks at known good revisions: is the task definition ACTIVE, is the image there, what does it share."""

    services: EcsServices
    ecr: Callable[[], Any]

    def look(self, good: KnownGood, bad: str, home: Home) -> Target:
        """One known good revision beside the bad one. What cannot be read is UNKNOWN, and no reason to act."""
        try:
            target = self.services.task_definition(good.revision)
        except NotFoundError:
            return Target(good.revision, active=Presence.GONE)
        except BreakwaterError:
            return Target(good.revision)
        active = Presence.THERE if target.status == "ACTIVE" else Presence.GONE
        images = self._images(target, dict(good.digests), home) if active is Presence.THERE else Presence.UNKNOWN
        return Target(good.revision, active, images, self._shares(target, bad))

    def _images(self, target: RevisionNow, digests: dict[str, str], home: Home) -> Presence:
        answers: list[bool | None] = []
        for container, image in target.images.items():
            try:
                there = image_there(self.ecr, image, digests.get(container), account=home.account, region=home.region)
            except BreakwaterError:
                there = None
            answers.append(there)
        if False in answers:
            return Presence.GONE
        return Presence.THERE if answers and all(answers) else Presence.UNKNOWN

    def _shares(self, target: RevisionNow, bad: str) -> frozenset[Cause]:
        """What both lean on: a failure of that is not cured by going back. Unread, everything is taken as shared."""
        try:
            failing = self.services.task_definition(bad)
        except BreakwaterError:
            return frozenset({Cause.IMAGE_PULL, Cause.SECRETS, Cause.LOGGING, Cause.CONFIGURATION})
        same_role = failing.execution_role == target.execution_role
        shared = {
            Cause.IMAGE_PULL: set(failing.images.values()) <= set(target.images.values()),
            Cause.SECRETS: same_role and failing.secrets <= target.secrets,
            Cause.LOGGING: same_role and failing.log_groups <= target.log_groups,
            Cause.CONFIGURATION: failing.volumes <= target.volumes,
        }
        return frozenset(cause for cause, both in shared.items() if both)
