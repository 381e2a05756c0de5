"""What starts a release: one JSON object, refused whole if anything in it is unknown or wrong.

We own this shape, so a key that nobody reads is a typing error. pydantic is imported here and nowhere on a fast lane.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from breakwater.errors import BreakwaterError
from breakwater.model import Mode
from breakwater.redact import redact

_NAME = r"[A-Za-z0-9_-]+"
_ARN = r"arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:"
Service = Annotated[str, StringConstraints(pattern=rf"^{_NAME}/{_NAME}$", max_length=512)]
TaskDefinition = Annotated[
    str, StringConstraints(pattern=rf"^({_ARN}task-definition/)?{_NAME}:[1-9][0-9]{{0,9}}$", max_length=512)
]
ServiceDeployment = Annotated[
    str, StringConstraints(pattern=rf"^{_ARN}service-deployment/{_NAME}/{_NAME}/[A-Za-z0-9_-]+$", max_length=1024)
]
Who = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]


class RequestError(BreakwaterError):
    """The input is not a release that could be started; nothing was touched."""


class OwnInput(BaseModel):
    """A shape of ours: unknown keys are errors, and so is a number where text is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Attended(OwnInput):
    """A deployment that somebody else started and that waits at a hook: the release enters at the checks."""

    service_deployment: ServiceDeployment
    hook_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,255}$")]
    stage: Annotated[str, StringConstraints(pattern=r"^[A-Z_]{1,64}$")]


class ReleaseRequest(OwnInput):
    """`service` is `cluster/service`. Either a `task_definition` to deploy, or a deployment to attend.

    `mode` can only lower what the policy says. `despite_alarms`: this release is meant to cure an alarm that is firing.
    `despite_quarantine`: the revision was sent back before, and not because of itself.
    """

    version: Literal["breakwater.release/1"] = Field("breakwater.release/1", alias="schema")
    service: Service
    task_definition: TaskDefinition | None = None
    attend: Attended | None = None
    mode: Annotated[Mode, Field(strict=False)] = Mode.ACT
    despite_alarms: bool = False
    despite_quarantine: bool = False
    requested_by: Who = ""
    reason: Annotated[str, StringConstraints(max_length=500)] = ""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.task_definition is None) == (self.attend is None):
            raise ValueError("give either task_definition or attend")
        if self.attend is not None and f"/{self.service}/" not in self.attend.service_deployment:
            raise ValueError("attend.service_deployment is not a deployment of service")
        return self

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.service.partition("/")[0]

    @property
    def service_name(self) -> str:
        """The service's name."""
        return self.service.partition("/")[2]


def read_request(raw: object) -> ReleaseRequest:
    """Read the input of an execution. Raises `RequestError`, which names every field that is wrong, and why."""
    if not isinstance(raw, dict):
        raise RequestError("the input is not a JSON object")
    try:
        return ReleaseRequest.model_validate(raw)
    except ValidationError as error:
        problems = [_problem(one) for one in error.errors(include_url=False, include_input=False)]
    raise RequestError(f"the input is not a release: {'; '.join(problems[:10])}")


def _problem(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "the input"
    what = {
        "extra_forbidden": "is not known",
        "missing": "is missing",
        "string_pattern_mismatch": "has not the form that is asked for",
    }.get(error["type"], re.sub(r"^Value error, ", "", error["msg"]))
    return redact(f"{where[:100]}: {what}")
