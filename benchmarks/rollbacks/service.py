"""One service on the model of the ECS control plane: an old revision that works, and a new one that is deployed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random

from sandbox.ecs import Model
from sandbox.ecs.constants import Timing
from sandbox.ecs.definitions import CircuitBreaker, ContainerDefinition, DeploymentAlarms, DeploymentSettings
from sandbox.ecs.state import Service, Task
from sandbox.ecs.workloads import HEALTHY, Workload

CLUSTER, NAME = "prod", "web"
OLD, NEW = "registry.example.com/web:41", "registry.example.com/web:42"
SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/db"  # noqa: S105  # a name, not a secret


STEADY = 2 * 3600.0
"""How long the old revision has been COMPLETED, in seconds: longer than failures count against it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Size and pace of a service, and the luck of one run. The same seed is the same run for every contestant.

    `jitter` is by which share of its time a launch is shorter or longer at most.
    """

    desired: int
    maximum_percent: int
    seed: int
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    alarms: DeploymentAlarms = field(default_factory=DeploymentAlarms)
    jitter: float = Timing().launch_jitter

    @property
    def minimum_percent(self) -> int:
        """100, but 0 where maximumPercent leaves no room for a second task: ECS could not deploy at all then."""
        return 100 if self.desired * self.maximum_percent // 100 > self.desired else 0


@dataclass(slots=True)
class Rehearsal:
    """The service up and steady on its old revision; `deploy` begins what is measured."""

    setting: Setting
    model: Model
    service: Service
    luck: Random
    deployed_at: datetime = field(init=False)

    def deploy(self) -> None:
        """Deploy the new revision, now."""
        self.deployed_at = self.model.now
        self.model.update_service(CLUSTER, NAME, task_definition="web:2")

    @property
    def completed(self) -> bool:
        """Whether the new revision is deployed and COMPLETED."""
        primary = self.service.primary
        return primary.revision.definition.revision == 2 and primary.rollout_state == "COMPLETED"

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something some time from now."""
        self.model.call_at(self.model.now + timedelta(seconds=seconds), action)

    def tasks(self) -> list[Task]:
        """The tasks that run, of both revisions."""
        return [task for task in self.service.tasks.values() if task.last_status == "RUNNING"]

    def crash_all(self, within: float, *, of: str | None = None) -> None:
        """Let running tasks crash within so many seconds, those of one revision (`web:1`, `web:2`) or all."""
        for task in self.tasks():
            named = f"{task.definition.family}:{task.definition.revision}"
            if of in (None, named):
                self.after(self.luck.uniform(0, within), partial(self.model.faults.crash, task))


def rehearse(setting: Setting, new: Workload, old: Workload = HEALTHY, *, spot: bool = False) -> Rehearsal:
    """Bring up the old revision."""
    model = Model(seed=setting.seed, timing=Timing(launch_jitter=setting.jitter))
    model.catalogue.create_cluster(CLUSTER)
    for image in (OLD, NEW):
        container = ContainerDefinition("app", image, secrets=(SECRET,))
        model.catalogue.register(NAME, [container], cpu=256, memory=512)
    model.faults.set_workload(OLD, old)
    model.faults.set_workload(NEW, new)
    service = model.create_service(
        CLUSTER,
        NAME,
        "web:1",
        setting.desired,
        settings=DeploymentSettings(
            maximum_percent=setting.maximum_percent,
            minimum_healthy_percent=setting.minimum_percent,
            circuit_breaker=setting.breaker,
            alarms=setting.alarms,
        ),
        capacity_provider="FARGATE_SPOT" if spot else None,
    )
    model.settle()
    luck = Random(f"{setting.seed}:{setting.desired}:{setting.maximum_percent}")  # noqa: S311  # a run, not a secret
    model.advance(STEADY + luck.uniform(0, 10))  # deployments do not wait for the scheduler's tick
    return Rehearsal(setting, model, service, luck)
