"""The whole state of a model, its luck, its log, and the one place where changes are told to the outside."""

import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sandbox.ecs import shapes
from sandbox.ecs.constants import MINUTE, Limits, Readings, Timing
from sandbox.ecs.definitions import TaskDefinition
from sandbox.ecs.engine import Engine
from sandbox.ecs.log import Change
from sandbox.ecs.names import Place, uuid
from sandbox.ecs.state import (
    Cluster,
    Deployment,
    Instance,
    Service,
    ServiceDeployment,
    ServiceEvent,
    TargetGroup,
    Task,
)
from sandbox.ecs.workloads import HEALTHY, Runner, Workload

if TYPE_CHECKING:
    from sandbox.ecs.strategy import Strategy

Event = dict[str, Any]
Entry = tuple[int, str, str, int, str, str]
Listener = Callable[[Change, Event | None], None]
"""Told of each change, with the event that ECS would send of it, if it sends one."""


def _nothing(*_: Any) -> None:
    """Stands where a module of the model will hook itself in."""


class World:
    """State of one account and Region. `tick`, `healthy` and `stopped` are wired by the model."""

    def __init__(self, start: int, seed: int | str, place: Place, timing: Timing, readings: Readings) -> None:
        self.engine = Engine(start)
        self.seed = seed
        self.place = place
        self.timing = timing
        self.limits = Limits()
        self.readings = readings
        self.clusters: dict[str, Cluster] = {}
        self.families: dict[str, list[TaskDefinition]] = {}
        self.first_revision: dict[str, int] = {}
        """Where the numbers of a family begin, if not at 1."""
        self.target_groups: dict[str, TargetGroup] = {}
        self.alarms: dict[str, str] = {}
        self.images: dict[str, Workload] = {}
        self._turns: dict[str, dict[str, int]] = {}
        """Which turn each task took, by image, where an image does one thing after another."""
        self.missing_secrets: set[str] = set()
        self.registries_out: set[str] = set()
        self.short_of: dict[str, bool] = {}
        """Providers without capacity; True if tasks are placed and then fail, False if they are not placed at all."""
        self.starved: dict[str, Service] = {}
        """Services that found no capacity, by ARN, in that order."""
        self.stopped_tasks: deque[Task] = deque()
        self.next_launch = start
        self.standalone = 0
        self._log: list[Entry] = []  # plain tuples: the garbage collector leaves them alone
        self.listeners: list[Listener] = []
        self.runner: Runner | None = None
        self.strategies: dict[str, Strategy] = {}
        self.tick: Callable[[Service], None] = _nothing
        self.healthy: Callable[[Task], None] = _nothing
        self.stopped: Callable[[Task], None] = _nothing
        self._events = self.stream("events")

    @property
    def now(self) -> int:
        """The model's instant in milliseconds since 1970."""
        return self.engine.now

    @property
    def log(self) -> Iterator[Change]:
        """Every change so far."""
        return map(Change._make, self._log)

    def stream(self, *parts: object) -> random.Random:
        """Random numbers of one purpose: what happens elsewhere does not change them."""
        return random.Random(f"{self.seed}:{':'.join(map(str, parts))}")

    def workload(self, image: str) -> Workload:
        """What an image does; healthy unless the scenario says otherwise."""
        return self.images.get(image, HEALTHY)

    def workload_of(self, task: Task, image: str) -> Workload:
        """What an image does in one task: where it does one thing after another, what comes next."""
        workload = self.images.get(image, HEALTHY)
        if not workload.turns:
            return workload
        taken = self._turns.setdefault(image, {})
        turn = taken.setdefault(task.id, len(taken))
        return workload.turns[min(turn, len(workload.turns) - 1)]

    def launch_slot(self) -> int:
        """When the next task may start, by the account's launch rate."""
        slot = max(self.next_launch, self.now)
        self.next_launch = slot + MINUTE // self.timing.launches_per_minute
        return slot

    # ── the service scheduler is woken by whatever could give it something to do ────────────────────────────────────
    def wake(self, service: Service | None) -> None:
        """Have the scheduler look at a service at its next tick."""
        if service is not None:
            self.wake_at(service, self.now)

    def wake_at(self, service: Service, when: int) -> None:
        """Have the scheduler look at a service at the first tick after an instant."""
        every = self.timing.tick
        due = when + 1 + (service.tick_offset - when - 1) % every
        if service.tick_at is None or due < service.tick_at:
            service.tick_at = due
            self.engine.at(due, self._tick, service, due)

    def _tick(self, service: Service, due: int) -> None:
        if service.tick_at == due:
            service.tick_at = None
            self.tick(service)

    def capacity_freed(self) -> None:
        """Wake whoever waits for capacity."""
        for service in self.starved.values():
            self.wake(service)

    # ── changes ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def task_changed(self, task: Task) -> None:
        """A task is in a new state: its version rises, and ECS tells of it once."""
        task.version += 1
        task.updated_at = self.engine.now
        note = task.stop_code or ""
        change = (self.engine.now, "task", task.cluster_and_id, task.version, task.last_status, note)
        self._log.append(change)
        if self.listeners:
            self._tell(change, shapes.task_event(task), task.arn)

    def instance_changed(self, instance: Instance) -> None:
        """A container instance is in a new state or has other resources left."""
        instance.version += 1
        instance.updated_at = self.engine.now
        subject = f"{instance.cluster.name}/{instance.id}"
        change = (self.engine.now, "instance", subject, instance.version, instance.status, "")
        self._log.append(change)
        if self.listeners:
            self._tell(change, shapes.instance_event(instance), instance.arn)

    def instance_health_changed(self, instance: Instance, health: str) -> None:
        """The health of a container instance as ECS sees it: `ECS Container Instance Health Change`."""
        instance.health, instance.health_changed_at = health, self.engine.now
        subject = f"{instance.cluster.name}/{instance.id}"
        change = (self.engine.now, "instance_health", subject, 0, health, "")
        self._log.append(change)
        if self.listeners:
            self._tell(change, shapes.instance_health_event(instance), instance.arn)

    def deployment_changed(self, service: Service, deployment: Deployment, state: str, reason: str) -> None:
        """A rollout is IN_PROGRESS, COMPLETED or FAILED."""
        deployment.rollout_state, deployment.rollout_reason = state, reason
        deployment.updated_at = self.engine.now
        subject = f"{service.cluster.name}/{service.name}/{deployment.id}"
        change = (self.engine.now, "deployment", subject, 0, state, reason)
        self._log.append(change)
        if self.listeners:
            named = self.readings.cluster_in_deployment_events
            self._tell(change, shapes.deployment_event(service, deployment, named=named), service.arn)

    def service_deployment_changed(self, rollout: ServiceDeployment, status: str, reason: str = "") -> None:
        """A service deployment has another status; no event tells of that, DescribeServiceDeployments does."""
        rollout.status, rollout.updated_at = status, self.engine.now
        rollout.status_reason = reason or rollout.status_reason
        self.note("service_deployment", rollout.arn.partition("/")[2], status, reason)

    def stage_changed(self, rollout: ServiceDeployment, stage: str) -> None:
        """A service deployment entered another lifecycle stage; no event tells of that either."""
        if rollout.stage != stage:
            rollout.stage, rollout.updated_at = stage, self.engine.now
            self.note("stage", rollout.arn.partition("/")[2], stage)

    def service_action(
        self,
        service: Service,
        name: str,
        message: str,
        *,
        severity: str = "INFO",
        reason: str | None = None,
        again: int = 0,
    ) -> None:
        """An `ECS Service Action`, and its line in the service's list. `again`: not repeated before that time."""
        key = f"{name} {reason or ''}"
        said = service.said.get(key)
        if again and said is not None and self.now < said + again:
            return
        service.said[key] = self.now
        self.say(service, message)
        subject = f"{service.cluster.name}/{service.name}"
        change = (self.engine.now, "service_action", subject, 0, name, reason or "")
        self._log.append(change)
        if self.listeners:
            event = shapes.service_action(service, name, self.now, severity=severity, reason=reason)
            self._tell(change, event, service.arn)

    def say(self, service: Service, message: str) -> None:
        """Add a line to the list of DescribeServices; the oldest one goes."""
        number = f"{len(self._log)}:{len(service.events)}"
        service.events.append(ServiceEvent(number, self.now, f"(service {service.name}) {message}"))
        if len(service.events) > self.limits.service_events:
            service.events.popleft()

    def hook_changed(self, resource: str, detail: Event, subject: str, status: str) -> None:
        """A lifecycle hook changed: for the strategies that have hooks."""
        change = (self.engine.now, "hook", subject, 0, status, "")
        self._log.append(change)
        if self.listeners:
            self._tell(change, {"detail-type": shapes.HOOK, "detail": detail}, resource)

    def note(self, kind: str, subject: str, status: str, note: str = "") -> None:
        """A change that ECS sends no event of."""
        change = (self.engine.now, kind, subject, 0, status, note)
        self._log.append(change)
        if self.listeners:
            self._tell(change, None, "")

    def _tell(self, entry: Entry, event: Event | None, resource: str) -> None:
        change = Change._make(entry)
        whole = None if event is None else shapes.enveloped(self.place, event, resource, self.now, uuid(self._events))
        for listener in self.listeners:
            listener(change, whole)
