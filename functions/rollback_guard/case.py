"""One picture with what follows from it: weighed with and without the control group, and where one could go. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import comb

from breakwater.evidence import Background, Exposure, Question, Weighed, control_share, weigh
from breakwater.ledger import KnownGood
from breakwater.model import Cause
from breakwater.policies import GuardPolicy

from .picture import UNTIL_STOPPED, Picture, no_control, short

COMPARABLE = 3
OURS_FOR = timedelta(hours=24)
"""So long a deployment of what we went back to is taken for our rollback, if its own id is not known."""

CHANCE_OF_ORDER = 0.001
"""If both revisions fail alike, failures hit only new tasks this rarely: then exit codes need not wait for the old."""


@dataclass(frozen=True, slots=True)
class Case:
    """What the checks of the decision look at.

    `alone` is the evidence against the background, `weighed` the evidence against what the old revision does at the
    same time. `going_back` says that the PRIMARY deployment is a rollback, whoever made it.
    """

    picture: Picture
    policy: GuardPolicy
    now: datetime
    alone: Weighed
    weighed: Weighed
    going_back: bool
    candidates: tuple[KnownGood, ...]

    @property
    def bad(self) -> str:
        """The revision under suspicion, as people write it."""
        return short(self.picture.primary.revision)

    @property
    def arrived(self) -> bool:
        """Whether the PRIMARY deployment is already the one that the platform's rollback goes back to."""
        deployment = self.picture.service_deployment
        return deployment is not None and deployment.rollback_to == self.picture.primary.revision

    @property
    def old_is_comparable(self) -> bool:
        """Whether the old revision fails at least a third as often as the new one."""
        failures = self.picture.own.failures - self.picture.own.certain_count
        return COMPARABLE * self.weighed.background.control * max(1, self.weighed.starts) >= failures

    @property
    def old_is_missing(self) -> bool:
        """Whether fewer tasks run than are wanted although old ones should: they may be failing, unheard of as yet."""
        picture = self.picture
        old = sum(rollout.running + rollout.pending for rollout in picture.others)
        return bool(picture.others) and picture.primary.running + old < picture.desired

    @property
    def old_is_unheard(self) -> bool:
        """Whether early evidence comes before the old revision had the chance to show the same.

        What hits both may hit a few new tasks first. So exit codes wait until the first failure is STOPPED, which also
        brings it up again, unless it would be a rare coincidence that so many tasks, drawn from all that run, include
        no old one.
        """
        picture, first = self.picture, self.picture.own.first_at
        old = sum(rollout.running for rollout in picture.others)
        certain = self.weighed.question is Question.CERTAIN
        if not self.policy.early_evidence or certain or not old or first is None or self.now >= first + UNTIL_STOPPED:
            return False
        failed, new = picture.own.failures, self.weighed.starts
        return comb(new, failed) > CHANCE_OF_ORDER * comb(new + old, failed)

    def breaker_keeps_up(self, counted: int) -> bool:
        """Whether ECS's breaker sees the failure: a count of at least half of ours is on its way to the threshold.

        A count that every healthy task sets back does not keep up, nor does one without the crashes of healthy tasks.
        What it may not have counted yet (`Picture.recent`) is not held against it.
        """
        return 2 * counted >= self.picture.own.failures - self.picture.recent

    def weigh_without(self, causes: Iterable[Cause]) -> Weighed:
        """The evidence without the certain failures of these causes."""
        exposure = Exposure(self.weighed.starts, self.weighed.task_hours)
        return weigh(self.picture.own.without(causes), exposure, self.weighed.background)


def case_of(picture: Picture, policy: GuardPolicy, now: datetime) -> Case:
    """Weigh a picture."""
    exposure = exposure_of(picture, now)
    background = Background()
    against_old = replace(background, control=control_of(picture))
    return Case(
        picture,
        policy,
        now,
        weigh(picture.own, exposure, background),
        weigh(picture.own, exposure, against_old),
        _going_back(picture, now),
        _candidates(picture),
    )


def exposure_of(picture: Picture, now: datetime) -> Exposure:
    """The denominators, on the high side: a task that failed after the Describe is counted in both its lives."""
    primary = picture.primary
    starts = max(picture.starts_seen, primary.running + primary.pending + picture.own.failures)
    tasks = max(picture.desired, primary.desired, primary.running + primary.pending)
    hours = max(0.0, (now - primary.created_at).total_seconds()) / 3600
    return Exposure(starts, tasks * hours)


def control_of(picture: Picture) -> float:
    """The share of the old revision's tasks that failed. Certain failures of starts are left out: they have a cause."""
    failed = picture.control.failures - picture.control.certain_count
    bad = no_control(picture.others, picture.ledger)
    tasks = sum(rollout.running + rollout.pending for rollout in picture.others if rollout not in bad) + failed
    return control_share(failed, tasks)


def _going_back(picture: Picture, now: datetime) -> bool:
    primary, deployment = picture.primary, picture.service_deployment
    ours = any(
        past.deployment == primary.id
        or (past.to == primary.revision and past.at <= primary.created_at and now - past.at < OURS_FOR)
        for past in picture.ledger.rollbacks
    )
    said = "rolling back to" in primary.reason.lower()
    platforms = deployment is not None and deployment.status.startswith("ROLLBACK")
    return ours or said or platforms


def _candidates(picture: Picture) -> tuple[KnownGood, ...]:
    """Where one could go: what is known good, is not the revision under suspicion and is not in quarantine."""
    refused = picture.ledger.refused | {picture.primary.revision}
    return tuple(good for good in picture.ledger.known_good if good.revision not in refused)
