"""Where a scenario is put together: tasks are born, run and end here, and each step leaves its event.

One seeded source of chance feeds it all, so the order of calls is part of the scenario.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sandbox.scenarios.account import JOBS, SERVICES, Workload, arn
from sandbox.scenarios.scenario import Canary, Delivery, LogOutput, ServiceAt, Trouble
from sandbox.scenarios.shapes import Stop, Task, deployment_event, service_action, task_event

_STARTING = {"FARGATE": ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"), "EC2": ("PENDING", "RUNNING")}
_STOPPING = {
    "FARGATE": ("DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"),
    "EC2": ("DEACTIVATING", "STOPPING", "STOPPED"),
}


class Stage:
    """The account while the scenario is written: what runs, which revision, which deployment."""

    def __init__(self, seed: int, start: datetime) -> None:
        self.rng = random.Random(seed)
        self.deliveries: list[Delivery] = []
        self.logs: list[LogOutput] = []
        self.services: list[ServiceAt] = []
        self.troubles: list[Trouble] = []
        self.canaries: list[Canary] = []
        self.revisions: dict[str, set[int]] = {work.label: {work.revision} for work in (*SERVICES, *JOBS)}
        self._revision = {work.label: work.revision for work in (*SERVICES, *JOBS)}
        self._deployment = {work.label: self._new_deployment() for work in SERVICES}
        self._versions: dict[str, int] = {}
        self._running: dict[str, list[Task]] = {}
        for work in SERVICES:
            ages = [timedelta(hours=self.rng.randrange(3, 90)) for _ in range(work.desired)]
            self._running[work.label] = [self.task(work, start - age) for age in ages]

    def emit(
        self,
        event: Mapping[str, Any],
        at: datetime,
        label: str,
        trouble: str | None = None,
        delay: timedelta | None = None,
    ) -> Delivery:
        """Have an event delivered shortly after it happened, or after `delay`. Small delays alone change the order."""
        late = delay if delay is not None else timedelta(milliseconds=self.rng.randrange(200, 2600))
        delivery = Delivery(at + late, event, label, trouble)
        self.deliveries.append(delivery)
        return delivery

    def canary(self, where: str, prefix: str = "FAKE", digits: int = 20) -> str:
        """Invent a secret, and remember where it is hidden."""
        value = prefix + "".join(self.rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(digits))
        self.canaries.append(Canary(where, value))
        return value

    def task(
        self, work: Workload, at: datetime, overrides: Sequence[Mapping[str, Any]] = (), started_by: str | None = None
    ) -> Task:
        """A new task of the revision that is being deployed now. It has not left any event yet."""
        owner = started_by or (work.started_by if work.job else self._deployment[work.label])
        return Task(f"{self.rng.getrandbits(128):032x}", work, self._revision[work.label], at, owner, tuple(overrides))

    def start(self, task: Task, label: str, trouble: str | None = None, *, joins: bool = True) -> datetime:
        """Bring a task to RUNNING; says when that was. `joins` makes it one of its service's tasks."""
        at = task.born
        for status in _STARTING[task.workload.launch_type]:
            self.step(task, status, at, label, trouble)
            at += timedelta(milliseconds=self.rng.randrange(2500, 9000))
        if joins and not task.workload.job:
            self._running[task.workload.label].append(task)
        return at

    def stop(self, task: Task, at: datetime, stop: Stop, label: str, trouble: str | None = None) -> datetime:
        """Bring a task from RUNNING to STOPPED; says when that was."""
        if task in self._running.get(task.workload.label, []):
            self._running[task.workload.label].remove(task)
        steps = _STOPPING[task.workload.launch_type]
        for status in steps:
            self.step(task, status, at, label, trouble, stop)
            if status != steps[-1]:
                at += timedelta(milliseconds=self.rng.randrange(1800, 7000))
        return at

    def never_start(self, task: Task, stop: Stop, label: str, trouble: str) -> datetime:
        """Let a task end before it ran; says when."""
        at = task.born
        for status in ("PROVISIONING", "PENDING", "DEPROVISIONING", "STOPPED"):
            over = status in ("DEPROVISIONING", "STOPPED")
            self.step(task, status, at, label, trouble, stop if over else None)
            at += timedelta(milliseconds=self.rng.randrange(3000, 12000))
        return at

    def step(
        self,
        task: Task,
        status: str,
        at: datetime,
        label: str,
        trouble: str | None = None,
        stop: Stop | None = None,
        ended: Mapping[str, int] | None = None,
    ) -> Delivery:
        """One state change of a task, with the next version."""
        self._versions[task.id] = version = self._versions.get(task.id, 0) + 1
        event = task_event(self.rng, task, status, at, version, stop=stop, ended=ended)
        return self.emit(event, at, label, trouble)

    def write(self, task: Task, container: str, at: datetime, *lines: str) -> None:
        """Let a container write to its log, a little before `at`."""
        before = at - timedelta(seconds=2)
        self.logs.append(LogOutput(before, task.workload.log_group, task.stream(container), lines))

    def begin_deployment(self, work: Workload, at: datetime, label: str, *, revision: int | None = None) -> str:
        """Start rolling out a revision (the next one, unless given): later tasks belong to it."""
        self._revision[work.label] = revision or self._revision[work.label] + 1
        self.revisions[work.label].add(self._revision[work.label])
        self._deployment[work.label] = deployment = self._new_deployment()
        self.describe(work, at, "IN_PROGRESS")
        self.emit(deployment_event(self.rng, work, deployment, "IN_PROGRESS", at), at, label)
        return deployment

    def complete_deployment(self, work: Workload, at: datetime, label: str) -> None:
        """The rollout is done: COMPLETED, and a steady service."""
        self.describe(work, at, "COMPLETED")
        self.emit(deployment_event(self.rng, work, self._deployment[work.label], "COMPLETED", at), at, label)
        self.emit(service_action(self.rng, work, "SERVICE_STEADY_STATE", at), at + timedelta(seconds=8), label)

    def describe(self, work: Workload, at: datetime, rollout: str) -> None:
        """From now on DescribeServices answers with this rollout of the current deployment."""
        self.services.append(ServiceAt(at, self._description(work, rollout)))

    def running(self, work: Workload) -> tuple[Task, ...]:
        """What the service runs now, the oldest first."""
        return tuple(sorted(self._running[work.label], key=lambda task: task.born))

    def deployment(self, work: Workload) -> str:
        """The id of the service's current deployment."""
        return self._deployment[work.label]

    def revision(self, work: Workload) -> int:
        """The number of the revision that is deployed now."""
        return self._revision[work.label]

    def _new_deployment(self) -> str:
        return f"ecs-svc/{self.rng.randrange(10**18, 10**19)}"

    def _description(self, work: Workload, rollout: str) -> dict[str, Any]:
        definition = arn("task-definition", f"{work.name}:{self._revision[work.label]}")
        primary = {
            "id": self._deployment[work.label],
            "status": "PRIMARY",
            "rolloutState": rollout,
            "taskDefinition": definition,
        }
        breaker = {"enable": work.cluster == "staging", "rollback": work.cluster == "staging"}
        return {
            "serviceName": work.name,
            "serviceArn": arn("service", work.label),
            "clusterArn": arn("cluster", work.cluster),
            "status": "ACTIVE",
            "desiredCount": work.desired,
            "taskDefinition": definition,
            "deploymentController": {"type": "ECS"},
            "deploymentConfiguration": {"deploymentCircuitBreaker": breaker},
            "deployments": [primary],
        }
