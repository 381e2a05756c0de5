"""What Breakwater has looked up before it judges. The defaults are what is known without looking anything up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that starts a job. `allowed_key` is a regular expression for the whole key, or `None`.

    What lies under one of `outputs`, where tasks write, starts nothing: a task would start itself.
    """

    bucket: str
    run: str
    prefix: str = ""
    suffix: str = ""
    allowed_key: str | None = None
    allow_empty: bool = False
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A job and the ARN of the schedule or rule that may start it."""

    job: str
    schedule: str


@dataclass(frozen=True, slots=True)
class Surge:
    """A temporary scale-up: the count it found, the count it set and the count now."""

    id: str
    set_to: int
    desired_now: int | None = None
    previous: int | None = None
    cluster: str | None = None
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot of what surrounds an event.

    `now` is the receiver's clock. Without `account` or `region` that part of the envelope is not compared.
    `essential` says of each container of the task definition whether it is essential; `None` means that the task
    definition could not be read, so that every container is taken as essential. `deployment_in_progress` is the id of
    the service's PRIMARY deployment while its rollout has not completed.
    """

    now: datetime
    account: str | None = None
    region: str | None = None
    essential: Mapping[str, bool] | None = None
    deployment_in_progress: str | None = None
    deployment_is_rollback: bool = False
    deployment_controller: str = "ECS"
    native_rollback: bool = False
    smoke_test: bool = False
    uploads: tuple[Upload, ...] = ()
    jobs: tuple[Job, ...] = ()
    surge: Surge | None = None

    def is_essential(self, container: str | None) -> bool:
        """Whether the task ends with this container. One that the task definition does not name was injected."""
        return True if self.essential is None else bool(container and self.essential.get(container, False))
