"""What a run in the sandbox left behind, before anybody judges it: plain values, no sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from breakwater.incidents import Record
from breakwater.model import Incident
from cli.releases import ReleaseStory


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a person got it: a mail with its text, or what was posted to Slack as blocks."""

    number: int
    at: datetime
    channel: str
    title: str
    body: str = ""
    blocks: tuple[Mapping[str, Any], ...] = ()
    incidents: tuple[str, ...] = ()

    @property
    def digest(self) -> bool:
        """Whether it is one of those that name several incidents at once."""
        return "DIGEST" in self.title[:9]


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One entry of the journal as the table has it."""

    at: datetime
    automation: str
    subject: str
    decision: str
    reason: str
    outcome: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def incident(self) -> str | None:
        """The incident that it speaks of."""
        return self.evidence.get("incident")


@dataclass(frozen=True, slots=True)
class Written:
    """One piece of text that Breakwater wrote somewhere, for the search for secrets."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run: what reached the code, what people got, what the table holds, and what it took.

    `admitted` holds the positions of the deliveries that a rule's pattern let through.
    """

    admitted: frozenset[int]
    messages: tuple[Message, ...]
    records: tuple[Record, ...]
    journal: tuple[JournalLine, ...]
    written: tuple[Written, ...]
    calls: Mapping[str, int]
    invocations: Mapping[str, int]
    errors: tuple[str, ...]
    dead_letters: tuple[str, ...]
    seconds: float
    releases: tuple[ReleaseStory, ...] = ()

    @property
    def incidents(self) -> list[Incident]:
        """The incidents, the first one first."""
        return sorted((record.incident for record in self.records), key=lambda each: (each.first_seen, each.id))
