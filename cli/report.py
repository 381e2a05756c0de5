"""The report of a run as data: what `report.json` holds and `report.html` shows. Its field names are the schema.

`breakwater.report/1`: times are ISO 8601 in UTC, causes and categories are the words of `breakwater.model`, a message
is named by its number. It is made from a run and its stretch alone, so the same seed gives the same report but for
`seconds` and `versions`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from breakwater.causes import exit_code_note, explanation
from breakwater.events import parse_time
from breakwater.incidents import Record
from breakwater.model import Evidence, Incident, IncidentStatus, Severity
from cli.hindsight import Reading, Silence, failures, silences
from cli.releases import ReleaseStory
from cli.run import JournalLine, Message, Run
from cli.stretch import Stretch
from cli.verdict import Check

SCHEMA = "breakwater.report/1"


@dataclass(frozen=True, slots=True)
class Funnel:
    """How two thousand become a handful: each figure is a part of the one before, `messages` counts all channels."""

    events: int
    admitted: int
    failures: int
    incidents: int
    notices: int
    messages: int
    digests: int


@dataclass(frozen=True, slots=True)
class Told:
    """One piece of news about an incident and, per channel, the number of the message that brought it."""

    at: datetime
    kind: str
    count: int
    reason: str
    channels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Story:
    """One incident: what failed, why, what is known of it, what to do, and what people were told when."""

    id: str
    incident: Incident
    title: str
    meaning: str
    next_steps: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    told: tuple[Told, ...]
    trouble: str | None = None
    seconds_to_first_message: float | None = None

    @property
    def name(self) -> str:
        """`cluster/name`, as people read it."""
        return str(self.incident.subject)

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.incident.severity

    @property
    def ends(self) -> datetime:
        """When it was over, or was last seen."""
        return self.incident.resolved_at or self.incident.last_seen

    @property
    def open(self) -> bool:
        """Whether it goes on at the end of the run."""
        return self.incident.status is IncidentStatus.OPEN


@dataclass(frozen=True, slots=True)
class TroubleLine:
    """One trouble of the scenario and the incidents that told of it."""

    name: str
    at: datetime
    story: str
    incidents: tuple[str, ...]
    seconds_to_first_message: float | None


@dataclass(frozen=True, slots=True)
class Pace:
    """How many events came in five minutes, and how many of them reached the code."""

    at: datetime
    events: int
    admitted: int


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report."""

    schema: str
    command: str
    title: str
    emulated: bool
    seed: int
    account: str
    region: str
    start: datetime
    end: datetime
    cast: Mapping[str, int]
    funnel: Funnel
    checks: tuple[Check, ...]
    troubles: tuple[TroubleLine, ...]
    incidents: tuple[Story, ...]
    messages: tuple[Message, ...]
    silence: tuple[Silence, ...]
    pace: tuple[Pace, ...]
    journal: tuple[JournalLine, ...]
    releases: tuple[ReleaseStory, ...]
    calls: Mapping[str, int]
    invocations: Mapping[str, int]
    dead_letters: tuple[str, ...]
    canaries: int
    notes: tuple[str, ...]
    seconds: float
    versions: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Whether everything is as expected."""
        return all(check.ok for check in self.checks)


def build_report(
    stretch: Stretch,
    run: Run,
    readings: list[Reading],
    checks: Iterable[Check],
    *,
    command: str,
    versions: Mapping[str, str],
    notes: Iterable[str] = (),
) -> Report:
    """Put a run into the shape of the report."""
    stories = tuple(_story(record, run, stretch) for record in _in_order(run.records))
    return Report(
        schema=SCHEMA,
        command=command,
        title=stretch.title,
        emulated=True,
        seed=stretch.seed,
        account=stretch.account,
        region=stretch.region,
        start=stretch.start,
        end=stretch.end,
        cast=stretch.cast,
        funnel=Funnel(
            events=len(stretch.deliveries),
            admitted=len(run.admitted),
            failures=failures(readings),
            incidents=sum(not story.incident.category.is_news for story in stories),
            notices=sum(len(story.told) for story in stories),
            messages=len(run.messages),
            digests=sum(message.digest for message in run.messages),
        ),
        checks=tuple(checks),
        troubles=tuple(_troubles(stretch, stories)),
        incidents=stories,
        messages=run.messages,
        silence=tuple(silences(readings)),
        pace=tuple(_pace(readings)),
        journal=run.journal,
        releases=run.releases,
        calls=run.calls,
        invocations=run.invocations,
        dead_letters=run.dead_letters,
        canaries=len(stretch.canaries),
        notes=tuple(notes),
        seconds=round(run.seconds, 2),
        versions=versions,
    )


def to_json(report: Report) -> str:
    """The report as one JSON object."""
    from pydantic import TypeAdapter

    return str(TypeAdapter(Report).dump_json(report, indent=2), "utf-8")


def _in_order(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda record: (record.incident.first_seen, record.incident.id))


def _story(record: Record, run: Run, stretch: Stretch) -> Story:
    incident = record.incident
    words = explanation(incident.cause, incident.category)
    told = tuple(_told(incident, run))
    sent = [message.at for message in run.messages if incident.id in message.incidents]
    return Story(
        id=incident.id,
        incident=incident,
        title=words.title if words else str(incident.cause),
        meaning=words.meaning if words else "",
        next_steps=words.next_steps if words else (),
        facts=tuple(evidence_facts(incident)),
        told=told,
        trouble=_trouble_of(incident, stretch),
        seconds_to_first_message=(min(sent) - incident.first_seen).total_seconds() if sent else None,
    )


def _told(incident: Incident, run: Run) -> Iterable[Told]:
    """Each piece of news with the first message on each channel that names the incident from then on."""
    channels = sorted({message.channel for message in run.messages})
    for line in sorted(run.journal, key=lambda line: line.at):
        if line.incident != incident.id or not line.decision.startswith("incident "):
            continue
        bringing = {
            channel: message.number
            for channel in reversed(channels)
            for message in reversed(run.messages)
            if message.channel == channel and message.at >= line.at and incident.id in message.incidents
        }
        kind = line.decision.removeprefix("incident ")
        reason = line.reason.removesuffix(f": {incident.summary}")  # it stands above already
        yield Told(line.at, kind, int(line.evidence.get("count", 0)), reason, bringing)


def _trouble_of(incident: Incident, stretch: Stretch) -> str | None:
    for trouble in stretch.troubles:
        for expected in trouble.expected:
            same = (str(incident.subject), incident.category, incident.cause)
            if (expected.subject, expected.category, expected.cause) == same:
                return trouble.name
    return None


def _troubles(stretch: Stretch, stories: Iterable[Story]) -> Iterable[TroubleLine]:
    by_name: dict[str | None, list[Story]] = {}
    for story in stories:
        by_name.setdefault(story.trouble, []).append(story)
    for trouble in stretch.troubles:
        its = by_name.get(trouble.name, [])
        waits = [story.seconds_to_first_message for story in its if story.seconds_to_first_message is not None]
        yield TroubleLine(
            trouble.name, trouble.at, trouble.story, tuple(story.id for story in its), max(waits, default=None)
        )


def evidence_facts(incident: Incident) -> Iterable[tuple[str, str]]:
    """What is known of what failed, as label and value."""
    evidence: Evidence = incident.evidence
    for container in evidence.containers:
        code = "no exit code" if container.exit_code is None else f"exit code {container.exit_code}"
        note = exit_code_note(container.exit_code) if container.name == incident.container else None
        blamed = "Container" if container.name == incident.container else "Beside it"
        note = note.removeprefix(f"{container.exit_code}: ") if note else None
        parts = (f"{container.name}, {code}", note, container.reason)
        yield blamed, ": ".join(part.rstrip(".") for part in parts if part)
    pairs = (
        ("Revision", incident.subject.revision),
        ("Stop code", evidence.stop_code),
        ("Stop reason", evidence.stopped_reason),
        ("Deployment", evidence.deployment),
        ("Image", _blamed(incident, "image")),
        ("Digest", _blamed(incident, "digest")),
        ("Task", evidence.task_arn),
        ("Launch type", evidence.launch_type),
        ("Started", _utc(evidence.started_at)),
        ("Stopped", _utc(evidence.stopped_at)),
    )
    yield from ((label, value) for label, value in pairs if value)


def _blamed(incident: Incident, what: str) -> str | None:
    outcomes = {outcome.name: outcome for outcome in incident.evidence.containers}
    blamed = outcomes.get(incident.container or "")
    value: str | None = getattr(blamed, what, None)
    return value


def _utc(text: str | None) -> str | None:
    """A time of an event as people write it; as it came, if it is none."""
    at = parse_time(text)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else text


def _pace(readings: Iterable[Reading]) -> Iterable[Pace]:
    slots: dict[datetime, list[Reading]] = {}
    for reading in readings:
        at = reading.delivery.at
        slots.setdefault(at.replace(minute=at.minute - at.minute % 5, second=0, microsecond=0), []).append(reading)
    for at, group in sorted(slots.items()):
        yield Pace(at, len(group), sum(reading.admitted for reading in group))
