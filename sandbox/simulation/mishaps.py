"""What befalls an account: one class for each kind of step that nobody means to do, and how a timeline tells it.

A new kind is a class here, a field of `actions.Step`, and a function in `enact`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sandbox.simulation.images import Behaviour, ExitCode
from sandbox.simulation.parts import Duration, Line, Lines, Many, Name, Part, written


class OfTasks(Part):
    """Something that befalls running tasks of a service, or of a family and of no service, the oldest first."""

    service: Name | None = None
    task: Name | None = None
    """The family of tasks that people or schedules run."""
    count: Annotated[int, Field(ge=1)] = 1
    """How many; all of them if there are not so many."""

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.service is None) == (self.task is None):
            raise ValueError("say whose tasks: service, or task for those of no service")
        return self

    @property
    def which(self) -> str:
        """The tasks in words."""
        return f"{self.count} task{'s' if self.count > 1 else ''} of {self.service or self.task}"


class Crash(OfTasks):
    """A container exits by itself, now."""

    exit_code: ExitCode = 1
    container: Name | None = None
    reason: Line | None = None
    """What the event gives as the reason of the container; few exits have one."""
    logs: Lines = ()
    """What the container writes before."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"{self.which} crash with {self.exit_code}"


class SpotInterruption(OfTasks):
    """Fargate Spot takes tasks back after two minutes' notice."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"Fargate Spot wants {self.which} back"


class BreakHealth(OfTasks):
    """The health checks of running tasks fail from now on."""

    logs: Lines = ()
    """What their first container writes then."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"{self.which} fail their health checks from now on"


class Maintenance(OfTasks):
    """AWS retires the hosts of tasks."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"AWS retires the host of {self.which}"


class InfrastructureFailure(OfTasks):
    """The hosts of tasks are impaired."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"the infrastructure below {self.which} is impaired"


class OfInstance(Part):
    """Something that befalls one container instance, by its number in the order in which they joined, from 1."""

    cluster: Name = "prod"
    instance: Annotated[int, Field(ge=1)] = 1

    @property
    def which(self) -> str:
        """The instance in words."""
        return f"instance {self.instance} of {self.cluster}"


class LoseInstance(OfInstance):
    """An instance is terminated with everything on it."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"{self.which} is lost"


class SpotInstance(OfInstance):
    """A Spot instance gets its two minutes' notice, and ECS drains it."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"Spot wants {self.which} back"


class InstanceHealth(OfInstance):
    """The container runtime of an instance is impaired, or well again."""

    status: Literal["OK", "IMPAIRED"]

    def told(self) -> str:
        """As the timeline shows it."""
        return f"the runtime of {self.which} is {self.status}"


class Outage(Part):
    """Something that is over by itself after a while, if `lasts` is given."""

    lasts: Duration | None = None

    @property
    def span(self) -> str:
        """How long in words."""
        return f" for {written(self.lasts)}" if self.lasts else ""


class RegistryOutage(Outage):
    """Images cannot be pulled."""

    registry: str = ""
    """How their reference begins; nothing is all of them."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"the registry {self.registry} is out{self.span}".replace("  ", " ")


class SecretOutage(Outage):
    """Secrets cannot be had."""

    secrets: Annotated[Many, Field(min_length=1)]

    def told(self) -> str:
        """As the timeline shows it."""
        return f"{', '.join(self.secrets)} cannot be had{self.span}"


class Shortage(Outage):
    """Fargate has no capacity."""

    provider: Literal["FARGATE", "FARGATE_SPOT"] = "FARGATE"
    after_placement: bool = False
    """Whether tasks are placed and then fail to start, instead of not being placed."""

    def told(self) -> str:
        """As the timeline shows it."""
        return f"{self.provider} has no capacity{self.span}"


class DependencyOutage(Outage):
    """What services depend on is gone: their tasks crash, or fail their health checks, new ones too."""

    services: Annotated[Many, Field(min_length=1)]
    shows: Literal["crash", "health"] = "crash"
    exit_code: ExitCode = 1

    def told(self) -> str:
        """As the timeline shows it."""
        return f"a dependency of {', '.join(self.services)} is gone{self.span}"


class Alarm(Part):
    """A CloudWatch alarm changes its state."""

    name: Name
    state: Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

    def told(self) -> str:
        """As the timeline shows it."""
        return f"alarm {self.name} is {self.state}"


class Behave(Part):
    """From now on containers of an image behave so, from their start; those that run do not change."""

    image: Name
    behaviour: Behaviour

    def told(self) -> str:
        """As the timeline shows it."""
        return f"{self.image} is {self.behaviour.kind} from now on"
