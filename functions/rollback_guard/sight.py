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
from .picture import Picture, Rollout, RolloutState, ServiceName, control_since
from .records import Mark, Note, control_of, tally_of

TAG = "breakwater:rollback_guard"
_A_DAY = timedelta(days=1)


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
    shown = _rollout(primary, ledger)
    before = note.of(primary.id)
    under_way = _under_way(service, history)
    own = tally_of(marks, primary.id)
    return Picture(
        service=ServiceName(service.cluster, service.name),
        read_at=now,
        primary=shown,
        desired=service.desired,
        own=own,
        control=control_of(marks, primary.id, control_since(shown, own.first_at or now)),
        others=tuple(_rollout(each, ledger) for each in service.rollouts if each.id != primary.id),
        starts_seen=before.starts if before else 0,
        looks=before.looks if before else 0,
        controller=service.controller,
        strategy=service.strategy,
        active=service.status == "ACTIVE",
        breaker=seen.Breaker(service.breaker_on, service.breaker_rolls_back),
        alarms=seen.Alarms(bool(service.alarm_names), service.alarms_roll_back, service.alarm_names),
        service_deployment=_shown(under_way, history) if under_way and history else None,
        platform_target=platform_target(history, under_way) if history else None,
        ledger=_shown_ledger(ledger, now),
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


def _rollout(rollout: RolloutNow, ledger: Ledger) -> Rollout:
    try:
        state = RolloutState(rollout.state)
    except ValueError:
        state = RolloutState.UNKNOWN
    created = rollout.created_at or rollout.updated_at
    completed = rollout.updated_at if state is RolloutState.COMPLETED else None
    good = ledger.good(rollout.task_definition)
    if completed and good and created and good.since >= created:
        completed = min(completed, good.since)
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


def _shown_ledger(ledger: Ledger, now: datetime) -> seen.Ledger:
    return seen.Ledger(
        known_good=tuple(seen.KnownGood(good.revision, good.since, good.digests) for good in ledger.known_good),
        quarantined=frozenset(each.revision for each in ledger.quarantined),
        rollbacks=tuple(
            seen.PastRollback(each.at, each.bad, each.to, each.deployment)
            for each in ledger.rollbacks
            if each.state.open or now - each.at < _A_DAY
        ),
    )


def backfill(
    ledger: Ledger, service: ServiceNow, history: History, *, crashed: bool, now: datetime, bake: int
) -> Ledger:
    """The ledger of a service that was there before Breakwater: what its last completed deployment ended on is known
    good, if it is not the one that is failing now; the one before it then stands in."""
    primary = service.primary
    for deployment in history.deployments:
        task_definition = history.task_definition(deployment.ends_on)
        if deployment.status not in COMPLETED or task_definition is None or deployment.finished_at is None:
            continue
        of_primary = primary is not None and task_definition == primary.task_definition
        young = now - deployment.finished_at < timedelta(minutes=bake)
        if of_primary and (crashed or young):
            continue
        revision = (history.revisions or {}).get(deployment.ends_on or "")
        digests = (
            tuple((image.container, image.digest) for image in revision.images if image.digest) if revision else ()
        )
        ledger = ledgers.with_good(ledger, ledgers.KnownGood(task_definition, deployment.finished_at, digests))
        break
    return replace(ledger, backfilled=True)
