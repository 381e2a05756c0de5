"""What one running function remembers between events: the marks it has seen, so that most events cost one write.

It knows less than the table, never more: other invocations mark stops too. So it is read anew at growing gaps, and
before anything is decided.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .counted import ServiceName, Stop, Suspicion
from .records import Mark, Note, suspicion
from .suspicion import look_gap

READ_AGAIN = timedelta(seconds=1)
ENOUGH_MARKS = 300
"""So many failures of one deployment decide whatever there is to decide; more of them are not written."""
MOST_SERVICES = 200


@dataclass(slots=True)
class Remembered:
    """One service as it was last read, with what was marked since."""

    read_at: datetime
    note: Note
    marks: dict[str, Mark] = field(default_factory=dict)


@dataclass(slots=True)
class Memory:
    """By `cluster/service`, the least recently read ones forgotten."""

    services: dict[str, Remembered] = field(default_factory=dict)
    unjudged: set[str] = field(default_factory=set)
    """Task definitions that could not be read, and of which that was said."""

    def knows(self, stop: Stop) -> bool:
        """Whether this task was counted already."""
        kept = self.services.get(str(stop.service))
        return kept is not None and stop.task in kept.marks

    def full(self, stop: Stop) -> bool:
        """Whether there are enough failures of the stop's deployment."""
        kept = self.services.get(str(stop.service))
        if kept is None or len(kept.marks) < ENOUGH_MARKS:
            return False
        return sum(mark.deployment == stop.deployment for mark in kept.marks.values()) >= ENOUGH_MARKS

    def stale(self, stop: Stop, now: datetime) -> bool:
        """Whether the table has to be read again."""
        kept = self.services.get(str(stop.service))
        if kept is None:
            return True
        before = kept.note.of(stop.deployment)
        return now >= kept.read_at + max(READ_AGAIN, look_gap(before.looks) if before else READ_AGAIN)

    def take(self, service: str, note: Note, marks: list[Mark], now: datetime) -> None:
        """Remember what the table has."""
        self.services.pop(service, None)
        self.services[service] = Remembered(now, note, {mark.task: mark for mark in marks})
        while len(self.services) > MOST_SERVICES:
            del self.services[next(iter(self.services))]

    def add(self, stop: Stop) -> None:
        """Remember a stop that was just marked."""
        kept = self.services.get(str(stop.service))
        if kept is not None:
            kept.marks[stop.task] = Mark(
                stop.task, stop.deployment, stop.revision, stop.kind, stop.cause, stop.at, "", stop.code, stop.container
            )

    def suspicion(self, service: ServiceName, deployment: str) -> Suspicion:
        """The record of one deployment, as far as it is known here."""
        kept = self.services.get(str(service))
        return suspicion(service, deployment, kept.marks.values() if kept else (), kept.note if kept else Note())
