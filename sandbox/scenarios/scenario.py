"""What a scenario is: events with their times of arrival, what the account knows, and what is expected of Breakwater.

Nothing in it was measured on an account: the shapes of the events are real, names, identifiers and secrets invented.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from breakwater.model import Category, Cause


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event as EventBridge hands it over at `at`, which may be later than the event's own time.

    `label` says in a word what it belongs to; `trouble` names the trouble that it is part of, if it is.
    """

    at: datetime
    event: Mapping[str, Any]
    label: str
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class LogOutput:
    """What one container wrote by `at`, through the awslogs driver."""

    at: datetime
    group: str
    stream: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """An incident that has to be told: the subject as people read it (`cluster/name`), category and cause."""

    subject: str
    category: Category
    cause: Cause

    def __str__(self) -> str:
        return f"{self.subject} {self.category}/{self.cause}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that went wrong in the scenario, in a sentence, and the incidents that it has to lead to."""

    name: str
    at: datetime
    story: str
    expected: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class Canary:
    """An invented secret and where the scenario hid it. It may appear in nothing that Breakwater writes."""

    where: str
    value: str


@dataclass(frozen=True, slots=True)
class ServiceAt:
    """What DescribeServices answers for one service from `at` on, in the shape of the API."""

    at: datetime
    service: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole stretch. `deliveries` are in order of arrival; `end` is when everything has had its quiet time."""

    title: str
    seed: int
    account: str
    region: str
    start: datetime
    end: datetime
    deliveries: tuple[Delivery, ...]
    logs: tuple[LogOutput, ...] = ()
    task_definitions: tuple[Mapping[str, Any], ...] = ()
    services: tuple[ServiceAt, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    canaries: tuple[Canary, ...] = ()
    cast: Mapping[str, int] = field(default_factory=dict)

    @property
    def expected(self) -> frozenset[Expected]:
        """All incidents that have to be told, and no others."""
        return frozenset(expected for trouble in self.troubles for expected in trouble.expected)
