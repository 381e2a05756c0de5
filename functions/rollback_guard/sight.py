"""One look at a service: what ECS, the marks and the ledger say, put together into the picture that is decided on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from breakwater import ledger as ledgers
from breakwater.ledger import Ledger
from breakwater.policies import GuardPolicy, lowered
from breakwater.services import COMPLETED, EcsServices, ServiceNow, ServiceRevision
from breakwater.services import Rollout as RolloutNow
from breakwater.services import ServiceDeployment as DeploymentNow

from . import picture as seen
from .counted import ServiceName
from .picture import TOLD_BY, Picture, Rollout, RolloutState, control_since, no_control, own_since
from .records import Mark, Note, control_of, tally_of

TAG = "breakwater:rollback_guard"


@dataclass(frozen=True, slots=True)
class History:
    """The latest service deployments, the newest first, and the service revisions that they name."""

    deployments: tuple[DeploymentNow, ...] = ()
    revisions: Mapping[str, ServiceRevision] | None = None

    def task_definition(self, revision: str | None) -> str | None:
        """The task definition of a service revision."""
        known = (self.revisions or {}).get(revision or "")
        return known.task_definition if known else None

    def of_task_definition(self, arn: str) -> ServiceRevision | None:
        """The newest service revision of a task definition."""
        named = (each.ends_on for each in self.deployments)
        found = (revision for arn_ in named if arn_ and (revision := (self.revisions or {}).get(arn_)))
        return next((each for each in found if each.task_definition == arn), None)


def read_history(services: EcsServices, service: ServiceNow) -> History:
    """Three calls. Raises `BreakwaterError`."""
    deployments = services.deployments(service)
    named = [arn for each in deployments for arn in (each.target_revision, each.rollback_revision) if arn]
    return History(tuple(deployments), services.revisions(named))


def effective(policy: GuardPolicy, tags: Mapping[str, str]) -> GuardPolicy:
    """The policy under the service's own tag, which can only lower the mode: who may tag must not be able to arm."""
    return replace(policy, mode=lowered(policy.mode, tags.get(TAG)))


def picture_of(
    service: ServiceNow,
    primary: RolloutNow,
    marks: Iterable[Mark],
    note: Note,
    ledger: Ledger,
    history: History | None,
    now: datetime,
) -> Picture:
    """The picture. Without the history nothing is known of service deployments, which is enough for `Watch`."""
    marks = list(marks)
    under_way = _under_way(service, history)
    shown = _rollout(primary, ledger, _finished(primary, history, under_way))
    before = note.of(primary.id)
    own = tally_of(marks, primary.id, own_since(shown, now))
    others = tuple(_rollout(each, ledger) for each in service.rollouts if each.id != primary.id)
    besides = {primary.id, *(each.id for each in no_control(others, ledger))}
    return Picture(
        service=ServiceName(service.cluster, service.name),
        read_at=now,
        primary=shown,
        desired=service.desired,
        own=own,
        recent=tally_of(marks, primary.id, now - TOLD_BY).failures,
        control=control_of(marks, besides, ledger.refused, control_since(shown, own.first_at or now)),
        others=others,
        starts_seen=before.starts if before else 0,
        looks=before.looks if before else 0,
        controller=service.controller,
        strategy=service.strategy,
        active=service.status == "ACTIVE",
        breaker=seen.Breaker(service.breaker_on, service.breaker_rolls_back),
        alarms=seen.Alarms(bool(service.alarm_names), service.alarms_roll_back, service.alarm_names),
        service_deployment=_shown(under_way, history) if under_way and history else None,
        platform_target=platform_target(history, under_way) if history else None,
        ledger=ledger,
    )


def platform_target(history: History, under_way: DeploymentNow | None) -> str | None:
    """Where StopServiceDeployment would go: to what the last completed service deployment ended on."""
    arn = under_way.arn if under_way else None
    last = next((each for each in history.deployments if each.status in COMPLETED and each.arn != arn), None)
    return history.task_definition(last.ends_on) if last else None


def _under_way(service: ServiceNow, history: History | None) -> DeploymentNow | None:
    if history is None:
        return None
    current = next((each for each in history.deployments if each.arn == service.service_deployment), None)
    return current or next(iter(history.deployments), None)


def _shown(deployment: DeploymentNow, history: History) -> seen.ServiceDeployment:
    return seen.ServiceDeployment(
        arn=deployment.arn,
        status=deployment.status,
        target=history.task_definition(deployment.target_revision),
        breaker_status=deployment.breaker,
        breaker_failures=deployment.failures,
        breaker_threshold=deployment.threshold,
        alarm_status=deployment.alarms,
        triggered_alarms=deployment.triggered,
        rollback_to=history.task_definition(deployment.rollback_revision),
    )


def _finished(primary: RolloutNow, history: History | None, last: DeploymentNow | None) -> datetime | None:
    """When the PRIMARY deployment was COMPLETED, by its service deployment."""
    if history is None or last is None or last.status not in COMPLETED:
        return None
    return last.finished_at if history.task_definition(last.ends_on) == primary.task_definition else None


def _rollout(rollout: RolloutNow, ledger: Ledger, finished: datetime | None = None) -> Rollout:
    """ECS may touch `updatedAt` long after COMPLETED: then the end of the service deployment, or the bake, tells."""
    try:
        state = RolloutState(rollout.state)
    except ValueError:
        state = RolloutState.UNKNOWN
    created = rollout.created_at or rollout.updated_at
    completed = rollout.updated_at if state is RolloutState.COMPLETED else None
    good = ledger.good(rollout.task_definition)
    if completed and good and created and good.since >= created:
        completed = min(completed, good.since)
    if completed and finished:
        completed = min(completed, finished)
    assert created is not None  # noqa: S101  # ECS gives every deployment its time
    return Rollout(
        id=rollout.id,
        revision=rollout.task_definition,
        state=state,
        created_at=created,
        reason=rollout.reason,
        desired=rollout.desired,
        running=rollout.running,
        pending=rollout.pending,
        failed=rollout.failed,
        completed_at=completed,
    )


def backfill(
    ledger: Ledger, primary: RolloutNow, history: History, *, crashed: bool, now: datetime, bake: int
) -> Ledger:
    """The ledger of a service that was there before Breakwater: what its last completed deployment ended on is known
    good, if it is not the one that is failing now; the one before it then stands in."""
    for last in history.deployments:
        task_definition = history.task_definition(last.ends_on)
        if last.status not in COMPLETED or task_definition is None or last.finished_at is None:
            continue
        of_primary = task_definition == primary.task_definition
        if of_primary and (crashed or now - last.finished_at < timedelta(minutes=bake)):
            continue
        revision = (history.revisions or {}).get(last.ends_on or "")
        digests = revision.digests if revision else ()
        shown_by = primary.id if of_primary else None
        ledger = ledgers.with_good(ledger, ledgers.KnownGood(task_definition, last.finished_at, digests, shown_by))
        break
    return replace(ledger, backfilled=True)
