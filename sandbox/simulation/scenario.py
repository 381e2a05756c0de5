"""A whole scenario file, what in it has to fit together, and how it is read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, model_validator

from breakwater.documents import load, misplaced
from sandbox.simulation import references
from sandbox.simulation.account import Account, Service, TaskDefinition
from sandbox.simulation.actions import Step
from sandbox.simulation.expectations import Expectation, PatternOf
from sandbox.simulation.images import Answers, Behaviour
from sandbox.simulation.normal import Normal
from sandbox.simulation.parts import Duration, Name, Part
from sandbox.simulation.troubles import Trouble, TroubleName

Share = Annotated[float, Field(ge=0, le=1)]
Secret = Annotated[str, Field(min_length=12, max_length=100)]
Hidden = Annotated[str, Field(min_length=1, max_length=120)]


class Faults(Part):
    """How badly the bus delivers, by the seed."""

    drop: Share = 0.0
    """The probability of each event being lost."""
    duplicate: Share = 0.0
    """The probability of each event coming twice."""
    again: Duration = timedelta(0)
    """The longest time until it comes again."""
    renamed: Share = 0.0
    """How many of those that come again have another id: ECS sends one state twice now and then."""
    delay: Duration = timedelta(0)
    """The longest delay of each event; they overtake each other within it."""
    late: Share = 0.0
    """The probability of an event being much later than that."""
    late_by: Duration = timedelta(0)
    """The longest delay of those."""
    only: PatternOf | None = None
    """A pattern of EventBridge: what does not fit it has its delay and no other fault."""


class Scenario(Part):
    """One account, what happens in it, and what has to be so at the end."""

    title: Annotated[str, Field(min_length=1, max_length=120)]
    story: str = ""
    """What it shows, in a few sentences."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Another seed, other luck; the same one, the same run, byte for byte."""
    start: Annotated[AwareDatetime, Field(strict=False)] = datetime(2026, 3, 2, 10, tzinfo=UTC)
    """When the timeline begins."""
    warm_up: Duration = timedelta(minutes=15)
    """How long the services have to settle before that."""
    settle: Duration = timedelta(minutes=30)
    """How long it goes on after the last step."""
    parameters: dict[Name, str] = Field(default_factory=dict)
    """Parameters of Breakwater's stack, such as `Mode: act`."""
    policy: dict[str, Any] | None = None
    """The policy document, uploaded before anything happens; the template has to have a `PolicyBucket`."""
    account: Account = Account()
    images: dict[Name, Behaviour]
    """How containers behave, by image. Every image that anything names is here."""
    answers: dict[Name, Answers] = Field(default_factory=dict)
    """How they answer requests, by image; what is not here answers well."""
    task_definitions: dict[Name, TaskDefinition] = Field(default_factory=dict)
    """By family."""
    services: dict[Name, Service] = Field(default_factory=dict)
    """By name."""
    timeline: Annotated[tuple[Step, ...], Field(strict=False)] = ()
    troubles: dict[TroubleName, Trouble] = Field(default_factory=dict)
    """What goes wrong besides, by name."""
    normal: Normal = Normal()
    canaries: dict[Hidden, Secret] = Field(default_factory=dict)
    """Invented secrets by where they are hidden. Nothing that Breakwater writes may have them."""
    faults: Faults = Faults()
    expect: Annotated[tuple[Expectation, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = [*references.problems(self)]
        if problems:
            raise misplaced("Scenario", problems)
        return self

    def planned(self) -> Iterator[tuple[timedelta, references.Where, Step]]:
        """All steps that the file says, those of troubles too: when since the beginning, where in the file, what."""
        for number, step in enumerate(self.timeline):
            yield step.at, ("timeline", number), step
        for name, trouble in self.troubles.items():
            for number, step in enumerate(trouble.steps):
                yield trouble.at + step.at, ("troubles", name, "steps", number), step

    def expected(self) -> Iterator[tuple[str, references.Where, Expectation]]:
        """All expectations of the file: the trouble that has it or nothing, where in the file, what."""
        for name, trouble in self.troubles.items():
            for number, expectation in enumerate(trouble.expect):
                yield name, ("troubles", name, "expect", number), expectation
        for number, expectation in enumerate(self.expect):
            yield "", ("expect", number), expectation

    @property
    def lasts(self) -> timedelta:
        """From the beginning of the timeline to the end."""
        return max((*(at for at, _, _ in self.planned()), self.normal.until)) + self.settle

    @property
    def secrets(self) -> frozenset[str]:
        """All secrets that containers are given."""
        defined = self.task_definitions.values()
        return frozenset(secret for one in defined for box in one.containers.values() for secret in box.secrets)


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file; DocumentError says all that is wrong with it."""
    return load(path.read_text(encoding="utf-8"), Scenario, path.name)
