"""A stretch of an account's life as events in order of arrival: a recording, or what a run of a scenario sent.

Plain values. Nothing in a scenario's stretch was measured on an account: the shapes of the events are real, names,
identifiers and secrets invented.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from breakwater.compiled import Compiled
from breakwater.model import Category, Cause


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event as EventBridge hands it over at `at`, which may be later than the event's own time."""

    at: datetime
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expected:
    """An incident that has to be told: the subject as people read it (`cluster/name`), category and cause."""

    subject: str
    category: Category
    cause: Cause


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that went wrong, in a sentence, and the incidents that it has to lead to."""

    name: str
    at: datetime
    story: str
    expected: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class Canary:
    """An invented secret and where it is hidden. It may appear in nothing that Breakwater writes."""

    where: str
    value: str


@dataclass(frozen=True, slots=True)
class ServiceAt:
    """What DescribeServices answers for one service from `at` on, in the shape of the API."""

    at: datetime
    service: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A whole stretch. `deliveries` are in order of arrival; `end` is when everything has had its quiet time."""

    title: str
    seed: int
    account: str
    region: str
    start: datetime
    end: datetime
    deliveries: tuple[Delivery, ...]
    task_definitions: tuple[Mapping[str, Any], ...] = ()
    services: tuple[ServiceAt, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    canaries: tuple[Canary, ...] = ()
    cast: Mapping[str, int] = field(default_factory=dict)
    policy: Compiled | None = None
    """What was in force, where releases act."""
