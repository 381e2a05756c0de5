"""The rollback guard on the model: the decisions of production, over pictures made as its shell makes them.

The shell's work is copied here in small (one record for each deployment, each task once, a Describe only when
`decide_look` says so); what is decided is not: `read_stop`, `decide_vote`, `decide_look` and `decide_rollback` are the
functions that run in Lambda. Events arrive
`DELIVERY` after they happen, and from the Describe to the call for the way back it takes `CALLS`.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from benchmarks.rollbacks.service import CLUSTER, NAME, Rehearsal
from breakwater.diagnosis import Facts
from breakwater.events import read
from breakwater.evidence import Tally
from breakwater.ledger import KnownGood, Ledger
from breakwater.model import Cause, Mode
from breakwater.policies import GuardPolicy
from rollback_guard.answers import Inspect, RollBack, RollbackDecision, StandDown, StandDownKind
from rollback_guard.counted import Seen, ServiceName, Stop, Suspicion
from rollback_guard.decision import decide_rollback
from rollback_guard.picture import (
    TOLD_BY,
    Breaker,
    Picture,
    Presence,
    Rollout,
    RolloutState,
    ServiceDeployment,
    Target,
    control_since,
    own_since,
)
from rollback_guard.stops import read_stop
from rollback_guard.suspicion import Count, Look, decide_look, decide_vote
from sandbox.ecs import shapes
from sandbox.ecs.names import moment, uuid
from sandbox.ecs.state import Deployment, Task

DELIVERY = timedelta(seconds=0.7)
"""From a change to the decision: EventBridge (p99 0.13 s by performance 3) and a cold start (0.5 s, rounded up)."""
CALLS = timedelta(seconds=0.3)
"""From the decision to look until ECS has been asked to go back: at most seven calls of 40 ms (performance 2)."""
SWEEP = timedelta(minutes=5)

WHO = ServiceName(CLUSTER, NAME)


class Guard:
    """Breakwater, watching one service. `called_at` is when it asked ECS to go back, if it did."""

    def __init__(self, rehearsal: Rehearsal, *, early: bool = False) -> None:
        self.called_at: datetime | None = None
        self.decisions: list[RollbackDecision] = []
        self.looks = 0
        self._model = rehearsal.model
        self._service = rehearsal.service
        self._policy = GuardPolicy(mode=Mode.ACT, early_evidence=early)
        self._facts = Facts(now=self._model.now, account="111122223333", region="us-east-1")
        self._stops: dict[str, Stop] = {}
        self._tallies: dict[str, Tally] = {}
        self._seen: dict[str, Seen] = {}
        old = rehearsal.service.primary.revision.definition.arn
        self._ledger = Ledger(known_good=(KnownGood(old, self._model.now),))
        self._hear(early)
        self._model.call_at(self._model.now + SWEEP * rehearsal.luck.random(), self._sweep)

    # ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _hear(self, early: bool) -> None:
        """Be told of stops; with early evidence of tasks that are on their way to STOPPED too."""
        if early:
            self._model.listen(lambda change, event: self._told(event) if change.kind == "task" else None)
            return
        world, stopped = self._model.world, self._model.world.stopped

        def stopped_and_told(task: Task) -> None:
            self._told(_event_of(self, task))
            stopped(task)

        world.stopped = stopped_and_told

    def _told(self, event: dict[str, object] | None) -> None:
        if self.called_at is None:
            self._model.call_at(self._model.now + DELIVERY, lambda: self._receive(event))

    def _receive(self, event: object) -> None:
        now = self._model.now
        vote = decide_vote(read_stop(read(event), replace(self._facts, now=now)), self._policy, now)
        if not isinstance(vote, Count):
            return
        stop = vote.stop
        if stop.task not in self._stops:
            self._stops[stop.task] = stop
            self._tallies[stop.deployment] = _plus(self._tallies.get(stop.deployment, Tally()), stop)
        elif stop.early_read:
            return
        self._consider(stop.deployment)

    def _consider(self, deployment: str) -> None:
        record = Suspicion(WHO, deployment, self._tallies[deployment], self._seen.get(deployment))
        if self.called_at is None and isinstance(decide_look(record, self._policy, self._model.now), Look):
            self._look()

    def _sweep(self) -> None:
        self._model.world.engine.background_at(self._model.world.now + SWEEP // timedelta(milliseconds=1), self._sweep)
        for deployment in list(self._tallies):
            self._consider(deployment)

    # ── a look ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _look(self) -> None:
        now = self._model.now
        self.looks += 1
        picture = self._picture(now)
        decision = decide_rollback(picture, self._policy, now)
        if isinstance(decision, Inspect):
            picture = replace(picture, targets=tuple(self._target(name) for name in decision.candidates))
            decision = decide_rollback(picture, self._policy, now)
        self.decisions.append(decision)
        primary = picture.primary
        settled = isinstance(decision, StandDown) and decision.kind is StandDownKind.SETTLED
        starts = max(picture.starts_seen, primary.running + primary.pending + picture.own.failures)
        self._seen[primary.id] = Seen(
            now, self._looks(primary.id) + 1, starts, picture.desired, primary.created_at, settled
        )
        for other in picture.others:
            self._seen[other.id] = Seen(now, self._looks(other.id) + 1, settled=True)
        if isinstance(decision, RollBack):
            self.called_at = now + CALLS

    def _looks(self, deployment: str) -> int:
        seen = self._seen.get(deployment)
        return seen.looks if seen else 0

    def _picture(self, now: datetime) -> Picture:
        """What DescribeServices, DescribeServiceDeployments and the table say."""
        service = self._service
        primary = self._rollout(service.primary)
        rollout, seen = service.service_deployments[-1], self._seen.get(primary.id)
        own = _tally(self._stops_of(primary.id, own_since(primary, now)))
        since = control_since(primary, own.first_at or now)
        return Picture(
            service=WHO,
            read_at=now,
            primary=primary,
            desired=service.desired,
            own=own,
            recent=_tally(self._stops_of(primary.id, now - TOLD_BY)).failures,
            control=_tally(stop for stop in self._stops.values() if stop.deployment != primary.id and stop.at >= since),
            others=tuple(self._rollout(one) for one in service.deployments[1:]),
            starts_seen=seen.starts if seen else 0,
            looks=seen.looks if seen else 0,
            breaker=Breaker(service.settings.circuit_breaker.enable, service.settings.circuit_breaker.rollback),
            service_deployment=ServiceDeployment(
                rollout.arn,
                rollout.status,
                rollout.target.definition.arn,
                rollout.breaker_status,
                rollout.breaker_failures,
                rollout.breaker_threshold,
                rollout.alarm_status,
                rollout.triggered_alarms,
            ),
            platform_target=next(
                (
                    one.target.definition.arn
                    for one in reversed(service.service_deployments)
                    if one.status == "SUCCESSFUL"
                ),
                None,
            ),
            ledger=self._ledger,
        )

    def _stops_of(self, deployment: str, since: datetime | None) -> list[Stop]:
        return [
            stop
            for stop in self._stops.values()
            if stop.deployment == deployment and (since is None or stop.at >= since)
        ]

    def _rollout(self, deployment: Deployment) -> Rollout:
        own = [task for task in self._service.tasks.values() if task.deployment is deployment]
        running = sum(task.last_status == "RUNNING" for task in own)
        completed = deployment.rollout_state == "COMPLETED"
        return Rollout(
            id=deployment.id,
            revision=deployment.revision.definition.arn,
            state=RolloutState(deployment.rollout_state),
            created_at=moment(deployment.created_at),
            reason=deployment.rollout_reason,
            desired=self._service.desired,
            running=running,
            pending=sum(task.live for task in own) - running,
            failed=deployment.failed_tasks,
            completed_at=moment(deployment.updated_at) if completed else None,
        )

    def _target(self, revision: str) -> Target:
        """What DescribeTaskDefinition of both revisions and the registry say."""
        known = self._model.catalogue.known
        target, bad = known(revision), self._service.primary.revision.definition
        images = [container.image for container in target.containers]
        shares = set()
        if {container.image for container in bad.containers} <= set(images):
            shares.add(Cause.IMAGE_PULL)
        asked = {secret for container in bad.containers for secret in container.secrets}
        if asked <= {secret for container in target.containers for secret in container.secrets}:
            shares.add(Cause.SECRETS)
        gone = any(self._model.world.workload(image).pull_error for image in images)
        return Target(
            revision,
            Presence.THERE if target.status == "ACTIVE" else Presence.GONE,
            Presence.GONE if gone else Presence.THERE,
            frozenset(shares),
        )


def _event_of(guard: Guard, task: Task) -> dict[str, object]:
    world = guard._model.world  # a function of this module
    return shapes.enveloped(
        world.place, shapes.task_event(task), task.arn, world.now, uuid(world.stream("told", task.id))
    )


def _plus(tally: Tally, stop: Stop) -> Tally:
    return tally.adding(stop.kind, stop.at, cause=stop.cause, code=stop.code)


def _tally(stops: Iterable[Stop]) -> Tally:
    tally = Tally()
    for stop in stops:
        tally = _plus(tally, stop)
    return tally
