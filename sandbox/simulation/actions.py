"""What people do, one class for each kind of step, and the steps of a timeline.

A new kind is a class here, a field of `Step`, and a function in `enact`.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sandbox.simulation.account import Deployment, Instances, Weight
from sandbox.simulation.mishaps import (
    Alarm,
    Behave,
    BreakHealth,
    Crash,
    DependencyOutage,
    InfrastructureFailure,
    InstanceHealth,
    LoseInstance,
    Maintenance,
    OfInstance,
    OfTasks,
    RegistryOutage,
    SecretOutage,
    Shortage,
    SpotInstance,
    SpotInterruption,
)
from sandbox.simulation.parts import Count, Duration, Name, Part, RuleName, written

EVENTS = Path(__file__).resolve().parents[2] / "events"


class Deploy(Part):
    """Somebody deploys: a new revision with another image, an older revision, the same once more, other settings."""

    service: Name
    image: Name | None = None
    """A new revision of the service's family, with this image in one container."""
    container: Name | None = None
    """Which container; the first one unless given."""
    revision: Annotated[int, Field(ge=1)] | None = None
    """A revision of the family that is there already."""
    force: bool = False
    """A deployment of what runs now."""
    desired: Count | None = None
    deployment: Deployment | None = None
    """Other settings from now on."""

    def told(self) -> str:
        """As the timeline shows it."""
        what = self.image or (f"revision {self.revision}" if self.revision else "the same again")
        return f"deploys {what} to {self.service}"


class Release(Part):
    """Somebody releases a new revision, as `breakwater release start` does."""

    service: Name
    image: Name | None = None
    """A new revision of the service's family, with this image in one container."""
    container: Name | None = None
    """Which container; the first one unless given."""
    revision: Annotated[int, Field(ge=1)] | None = None
    """A revision of the family that is there already."""
    by: Name | None = None
    """Who or what wants it."""

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.image is None) == (self.revision is None):
            raise ValueError("say what to release: image, or revision")
        return self

    def told(self) -> str:
        """As the timeline shows it."""
        return f"releases {self.image or f'revision {self.revision}'} to {self.service}"


class AnswerRelease(Part):
    """Somebody answers what a service's release asks, as `breakwater release approve` and `abort` do."""

    service: Name
    answer: Literal["approve", "abort"]
    by: Name = "somebody"

    def told(self) -> str:
        """As the timeline shows it."""
        return f"{self.by} {self.answer}s the release of {self.service}"


class Scale(Part):
    """Somebody changes the desired count."""

    service: Name
    desired: Count

    def told(self) -> str:
        """As the timeline shows it."""
        return f"scales {self.service} to {self.desired}"


class DeleteService(Part):
    """Somebody deletes a service, with force."""

    service: Name

    def told(self) -> str:
        """As the timeline shows it."""
        return f"deletes {self.service}"


class RunTask(Part):
    """Somebody runs tasks of their own, outside of any service."""

    task: Name
    cluster: Name = "prod"
    count: Annotated[int, Field(ge=1, le=10)] = 1
    launch_type: Literal["FARGATE", "EC2"] = "FARGATE"
    capacity_provider: Name | None = None
    """`FARGATE_SPOT`, or that of instances; instead of the launch type."""
    started_by: Name | None = None
    command: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """For the first container, instead of its image's."""
    environment: dict[Name, str] = Field(default_factory=dict)
    """For the first container."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"runs {self.count} of {self.task}"


class StopTask(OfTasks):
    """Somebody stops tasks."""

    reason: str | None = None

    def told(self) -> str:
        """As the timeline shows it."""
        return f"stops {self.which}"


class Drain(OfInstance):
    """Somebody drains an instance, or takes that back."""

    undo: bool = False

    def told(self) -> str:
        """As the timeline shows it."""
        return f"{'stops draining' if self.undo else 'drains'} {self.which}"


class AddInstances(Instances):
    """Instances join a cluster."""

    cluster: Name = "prod"

    def told(self) -> str:
        """As the timeline shows it."""
        return f"{self.count} instances join {self.cluster}"


class Continue(Part):
    """Somebody answers the PAUSE hook at which a service's deployment waits."""

    service: Name
    action: Literal["CONTINUE", "ROLLBACK"] = "CONTINUE"

    def told(self) -> str:
        """As the timeline shows it."""
        verb = "lets the deployment of" if self.action == "CONTINUE" else "rolls back at the hook of"
        return f"{verb} {self.service}{' go on' if self.action == 'CONTINUE' else ''}"


class StopDeployment(Part):
    """Somebody stops a service's deployment: StopServiceDeployment with ROLLBACK."""

    service: Name

    def told(self) -> str:
        """As the timeline shows it."""
        return f"stops the deployment of {self.service}"


class SetWeights(Part):
    """Somebody writes the weights of a listener rule."""

    load_balancer: Name
    rule: RuleName
    """The listener and the path (`https/random/*`), or the listener alone for its default."""
    weights: Annotated[dict[Name, Weight], Field(min_length=1)]

    def told(self) -> str:
        """As the timeline shows it."""
        shares = ", ".join(f"{group} {weight}" for group, weight in self.weights.items())
        return f"sets the weights of {self.load_balancer}/{self.rule}: {shares}"


class OfListener(Part):
    """Requests to one listener of a load balancer."""

    load_balancer: Name
    listener: Name
    path: Annotated[str, Field(pattern=r"^/")] = "/"
    host: str = ""

    @property
    def where(self) -> tuple[str, str, str, str]:
        """What the requests have in common."""
        return self.load_balancer, self.listener, self.path, self.host


class SendRequests(OfListener):
    """Somebody sends requests, evenly spaced."""

    per_second: Annotated[float, Field(gt=0, le=1000)] = 1.0
    lasts: Duration

    def told(self) -> str:
        """As the timeline shows it."""
        where = f"{self.path} to {self.load_balancer}/{self.listener}"
        return f"sends requests for {where}, {self.per_second:g} a second for {written(self.lasts)}"


class Upload(Part):
    """Somebody puts an object into a bucket."""

    bucket: Name
    key: Annotated[str, Field(min_length=1, max_length=1024)]
    content: str = ""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"uploads {self.key} to {self.bucket}"


class Surge(Part):
    """Somebody scales a service up for a time, as `breakwater surge start` does."""

    service: Name
    desired: Annotated[int, Field(ge=1)]
    lasts: Duration
    """In whole minutes."""
    id: Name | None = None
    """A name for it."""
    by: Name | None = None
    """Who or what wants it."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"scales {self.service} up to {self.desired} for {written(self.lasts)}"


class EndSurge(Part):
    """Somebody ends a surge before its time, as `breakwater surge end` does."""

    service: Name
    id: Name | None = None
    """Which one; else all of the service."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"ends the surge of {self.service}"


class PutEvent(Part):
    """An event reaches the bus as it is: one of `events/`, at the time and in the account of the scenario."""

    file: Name
    """Its name in `events/`, without `.json`."""
    changes: dict[str, Any] = Field(default_factory=dict)
    """What is different in it; structures are merged."""
    account: Annotated[str, Field(pattern=r"^\d{12}$")] | None = None
    """Whose event it is, if it is not this account's."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"the event {self.file} arrives"


Action = (
    Deploy
    | Release
    | AnswerRelease
    | Scale
    | DeleteService
    | RunTask
    | StopTask
    | Crash
    | SpotInterruption
    | BreakHealth
    | Maintenance
    | InfrastructureFailure
    | LoseInstance
    | SpotInstance
    | Drain
    | InstanceHealth
    | AddInstances
    | RegistryOutage
    | SecretOutage
    | Shortage
    | DependencyOutage
    | Alarm
    | Behave
    | Continue
    | StopDeployment
    | SetWeights
    | SendRequests
    | Upload
    | Surge
    | EndSurge
    | PutEvent
)


class Step(Part):
    """One step: when, and exactly one thing that happens."""

    at: Duration = timedelta(0)
    """Since the beginning of the timeline."""
    deploy: Deploy | None = None
    release: Release | None = None
    answer_release: AnswerRelease | None = None
    scale: Scale | None = None
    delete_service: DeleteService | None = None
    run_task: RunTask | None = None
    stop_task: StopTask | None = None
    crash: Crash | None = None
    spot_interruption: SpotInterruption | None = None
    break_health: BreakHealth | None = None
    maintenance: Maintenance | None = None
    infrastructure_failure: InfrastructureFailure | None = None
    lose_instance: LoseInstance | None = None
    spot_instance: SpotInstance | None = None
    drain: Drain | None = None
    instance_health: InstanceHealth | None = None
    add_instances: AddInstances | None = None
    registry_outage: RegistryOutage | None = None
    secret_outage: SecretOutage | None = None
    shortage: Shortage | None = None
    dependency_outage: DependencyOutage | None = None
    alarm: Alarm | None = None
    behave: Behave | None = None
    continue_deployment: Continue | None = None
    stop_deployment: StopDeployment | None = None
    set_weights: SetWeights | None = None
    send_requests: SendRequests | None = None
    upload: Upload | None = None
    surge: Surge | None = None
    end_surge: EndSurge | None = None
    put_event: PutEvent | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        named = sorted(self.model_fields_set - {"at"})
        if len(named) != 1:
            raise ValueError(f"a step says one thing that happens, this one says {', '.join(named) or 'none'}")
        if getattr(self, named[0]) is None:
            raise ValueError(f"{named[0]} says nothing")
        return self

    @property
    def name(self) -> str:
        """The key of what happens."""
        return next(iter(self.model_fields_set - {"at"}))

    @property
    def action(self) -> Action:
        """What happens."""
        found: Action = getattr(self, self.name)
        return found
