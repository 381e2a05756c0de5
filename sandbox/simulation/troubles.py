"""Troubles: what goes wrong in a scenario, told as a story with its steps, and what has to come of it."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from breakwater.model import Category, Cause, Incident
from sandbox.simulation.actions import Step
from sandbox.simulation.expectations import Expectation
from sandbox.simulation.parts import Duration, Name, Part

Text = Annotated[str, Field(min_length=1, max_length=400)]
TroubleName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^\w[\w', -]*$")]


class Tells(Part):
    """An incident that a trouble has to lead to."""

    subject: Name
    """As people read it: `prod/web` for a service."""
    category: Annotated[Category, Field(strict=False)]
    cause: Annotated[Cause, Field(strict=False)]

    def is_told_by(self, incident: Incident) -> bool:
        """Whether this is that incident."""
        return (self.subject, self.category, self.cause) == (
            str(incident.subject),
            incident.category,
            incident.cause,
        )

    def __str__(self) -> str:
        return f"{self.subject} {self.category}/{self.cause}"


class Trouble(Part):
    """One thing that goes wrong: when, in a sentence, step by step, and what has to come of it."""

    story: Text
    """What happens, in one sentence without its full stop."""
    at: Duration = timedelta(0)
    """Since the beginning of the timeline."""
    steps: Annotated[tuple[Step, ...], Field(strict=False)] = ()
    """As in a timeline, but since `at`. None if a schedule of the policy lets it happen."""
    incidents: Annotated[tuple[Tells, ...], Field(strict=False)] = ()
    """All that have to be told of it; no incident is told that is none of a trouble's."""
    over: Duration | None = None
    """When, since `at`, the last of them has to be resolved or closed."""
    expect: Annotated[tuple[Expectation, ...], Field(strict=False)] = ()
    """What has to be so at the end because of it: what Breakwater did (`journal`), how the service stands."""

    @model_validator(mode="after")
    def _comes_to_something(self) -> Self:
        if not self.incidents and not self.expect:
            raise ValueError("something has to come of a trouble: incidents, or what it makes so (expect)")
        return self
