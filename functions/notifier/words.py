"""How an incident is put into words, for every channel alike. Pure: nothing here knows where the words go.

Everything that came from outside is cut before anything else, so that a megabyte costs nothing, and freed of control
and bidirectional characters, which could make a line read differently than it is. Free text (reasons, log lines) is
redacted once more, although what is stored is redacted already: a message cannot be taken back.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from breakwater.causes import Explanation, exit_code_note, explanation
from breakwater.model import Category, Cause, ContainerOutcome, Incident, Notice, NoticeKind, SubjectKind
from breakwater.redact import plain, redact

from .decision import Line

LONGEST_NAME = 256
LONGEST_REASON = 1000
LONGEST_LOG_LINE = 400
MOST_LOG_LINES = 50
MOST_CONTAINERS = 10
MOST_REMAINS = 6
_SPACES = re.compile(r"\s+")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d{1,2}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the links and keys in a message lead."""

    region: str
    table: str


def clean(text: str, limit: int) -> str:
    """Free text as one line of at most `limit` characters."""
    return shown(redact(text[: 4 * limit]), limit)


def shown(text: str, limit: int = LONGEST_NAME) -> str:
    """A name or an id as one line. It is not redacted: an image digest looks like a secret and is none."""
    return cut(_SPACES.sub(" ", plain(text[: 4 * limit])).strip(), limit)


def clean_line(text: str) -> str:
    """A line of a log, where spaces mean something and a tab becomes some."""
    return cut(redact(text[: 4 * LONGEST_LOG_LINE].expandtabs(4)).rstrip(), LONGEST_LOG_LINE)


def cut(text: str, limit: int) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def about(cause: Cause, category: Category) -> Explanation:
    """What the cause means and what to do. One that is never meant to alert still gets its name."""
    return explanation(cause, category) or Explanation(cause.value.replace("_", " ").capitalize(), "", ())


def lowered(title: str) -> str:
    """A title for the middle of a sentence: `Out of memory` is `out of memory`, `ECS said no` stays."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def subject_of(incident: Incident) -> str:
    """What it is about, on one line."""
    return shown(str(incident.subject))


def headline(incident: Incident) -> str:
    """What failed and why, in a few words: `prod/orders-api: out of memory`."""
    return f"{subject_of(incident)}: {lowered(about(incident.cause, incident.category).title)}"


def badge(notice: Notice) -> str:
    """What a reader sorts messages by: `HIGH`, `HIGH, GOES ON`, `HIGH, IS BACK`, `RESOLVED`, `QUIET` or `DONE`."""
    severity = notice.incident.severity.value.upper()
    match notice.kind:
        case NoticeKind.OPENED:
            return severity
        case NoticeKind.UPDATED:
            return f"{severity}, GOES ON"
        case NoticeKind.REOPENED:
            return f"{severity}, IS BACK"
        case NoticeKind.RESOLVED:
            if notice.incident.category.is_news:
                return "DONE"
            return "QUIET" if fell_silent(notice.incident) else "RESOLVED"


def fell_silent(incident: Incident) -> bool:
    """Whether it was closed because nothing more was heard of what is said once: then nobody knows that it is over."""
    return incident.category.said_once and incident.over is None


def standing(notice: Notice) -> str:
    """What kind of news it is, as a sentence."""
    incident = notice.incident
    match notice.kind:
        case NoticeKind.OPENED:
            return f"New incident, {incident.severity.value} severity."
        case NoticeKind.UPDATED:
            return f"It goes on, {incident.severity.value} severity."
        case NoticeKind.REOPENED:
            return f"It is back after it was resolved, {incident.severity.value} severity."
        case NoticeKind.RESOLVED:
            at = f" at {when(incident.resolved_at)}" if incident.resolved_at else ""
            if incident.category.is_news:
                return "Nothing has to be done."
            if fell_silent(incident):
                return f"Closed{at}: nothing more was heard of it. AWS says this once; whether it is over, look."
            if incident.over is not None:
                return f"Resolved{at}: {clean(incident.over, 400)}."
            if incident.category.stands:
                return f"Resolved{at}: Breakwater saw that it is over."
            return f"Resolved{at}: nothing more of it since {when(incident.last_seen)}."


def extent(incident: Incident) -> str:
    """How often it happened and when, as a sentence."""
    if incident.count == 1:
        return f"It happened once, at {when(incident.first_seen)}."
    span = f"between {between(incident.first_seen, incident.last_seen)}"
    if 0 < incident.episode_count < incident.count:
        return f"It happened {incident.count} times {span}, {incident.episode_count} of them since it is back."
    return f"It happened {incident.count} times {span}."


def lateness(incident: Incident) -> str | None:
    """A warning about old news, where it is."""
    if not incident.late:
        return None
    return "Late news: told more than 30 minutes after it happened, or without a time. Check first how it is now."


def when(at: datetime) -> str:
    """A time as people write it; all times are UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def between(start: datetime, end: datetime) -> str:
    """A span, without saying the same day twice."""
    first, last = when(start), when(end)
    return f"{first.removesuffix(' UTC')} and {last.removeprefix(first[:11])}"


def facts(incident: Incident) -> list[tuple[str, str]]:
    """What is known of what failed, as label and value, the telling ones first."""
    evidence, subject = incident.evidence, incident.subject
    labels = {
        SubjectKind.SERVICE: "Service",
        SubjectKind.FAMILY: "Task family",
        SubjectKind.INSTANCE: "Instance",
        SubjectKind.ALARM: "Alarm",
        SubjectKind.POLICY: "Policy",
        SubjectKind.JOB: "Job",
        SubjectKind.UPLOAD: "Upload",
    }
    blamed, others = _containers(incident)
    reason = evidence.stopped_reason
    pairs: list[tuple[str, str | None]] = [
        (labels[subject.kind], subject.name),
        ("Cluster", subject.cluster),
        ("Revision", subject.revision),
        ("Container", incident.container),
        ("Exit code", _exit_code(blamed) if blamed else None),
        ("Reason", clean(blamed.reason, LONGEST_REASON) if blamed and blamed.reason else None),
        *(("Beside it", _outcome(other)) for other in others),
        ("Stop code", evidence.stop_code),
        ("Stop reason", clean(reason, LONGEST_REASON) if reason else None),
        ("Image", blamed.image if blamed else None),
        ("Digest", blamed.digest if blamed else None),
        ("Deployment", evidence.deployment),
        ("Task", evidence.task_arn),
        ("Launch type", evidence.launch_type),
        ("Started", _utc(evidence.started_at)),
        ("Stopped", _utc(evidence.stopped_at)),
    ]
    return [(label, shown(value, LONGEST_REASON)) for label, value in pairs if value]


def done(incident: Incident) -> str | None:
    """What Breakwater did about it, or why it did nothing, where it decides about that."""
    text = incident.evidence.done
    return clean(text, LONGEST_REASON) if text else None


def remains(incident: Incident) -> list[str]:
    """What is left for people, point by point."""
    return [clean(text, 400) for text in incident.evidence.remains[:MOST_REMAINS]]


def record_key(incident: Incident) -> str:
    """The key of the full record in the table."""
    return f"pk INCIDENT#{shown(incident.id, 64)}, sk INCIDENT"


def console_url(incident: Incident, place: Place) -> str:
    """The page of the AWS console to open first."""
    subject = incident.subject
    region = _region(incident.evidence.task_arn) or place.region
    name, cluster = (quote(part[:LONGEST_NAME], safe="-_.~") for part in (subject.name, subject.cluster or "default"))
    ecs = f"https://{region}.console.aws.amazon.com/ecs/v2"
    match subject.kind:
        case SubjectKind.SERVICE:
            return f"{ecs}/clusters/{cluster}/services/{name}?region={region}"
        case SubjectKind.JOB | SubjectKind.UPLOAD:
            return f"{ecs}/clusters/{cluster}/tasks?region={region}"
        case SubjectKind.FAMILY:
            return f"{ecs}/task-definitions/{name}?region={region}"
        case SubjectKind.INSTANCE:
            return f"{ecs}/clusters/{cluster}/infrastructure?region={region}"
        case SubjectKind.ALARM:
            return f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#alarmsV2:alarm/{name}"
        case SubjectKind.POLICY:
            return f"https://{region}.console.aws.amazon.com/s3/home?region={region}"


def log_lines(incident: Incident) -> list[str]:
    """The log tail, line by line; empty where there is none."""
    log = incident.evidence.log
    return [clean_line(line) for line in log.lines[-MOST_LOG_LINES:]] if log else []


def log_place(incident: Incident) -> str:
    """Where the log lines come from, or why there are none."""
    log = incident.evidence.log
    if log is None:
        return "not read"
    if not log.lines:
        return clean(log.missing or "no lines", LONGEST_REASON)
    return shown(" ".join(part for part in (log.group, log.stream) if part), 2 * LONGEST_NAME)


def news(line: Line) -> str:
    """What a digest says of one incident."""
    if line.newest.category.is_news:
        return "done"
    if line.is_over:
        return "new and resolved already" if line.is_new else "resolved"
    if any(entry.kind is NoticeKind.REOPENED for entry in line.entries):
        return "is back"
    return "new" if line.is_new else "goes on"


def sort_of(line: Line) -> str:
    """What a digest counts a line as: its severity, `resolved`, or `done` where it went well."""
    if line.newest.category.is_news:
        return "done"
    return "resolved" if line.is_over else line.newest.severity.value


def tally(lines: Sequence[Line]) -> str:
    """How many incidents of which severity a digest names: `11 incidents: 5 high, 5 medium, 1 resolved`."""
    severities = Counter(sort_of(line) for line in lines)
    parts = ", ".join(f"{count} {severity}" for severity, count in severities.items())
    return f"{len(lines)} incident{'s' if len(lines) != 1 else ''}: {parts}"


def _containers(incident: Incident) -> tuple[ContainerOutcome | None, list[ContainerOutcome]]:
    """The container to blame, and the others that did not end well or never ran."""
    outcomes = incident.evidence.containers
    blamed = next((each for each in outcomes if each.name == incident.container), None)
    others = [each for each in outcomes if each is not blamed and (each.exit_code != 0 or each.reason)]
    return blamed, others[:MOST_CONTAINERS]


def _exit_code(container: ContainerOutcome) -> str:
    """The exit code with what it usually means."""
    if container.exit_code is None:
        return "none: the container never ran, or ECS does not know"
    note = exit_code_note(container.exit_code)
    code = str(container.exit_code)
    return code if note is None else note if note.startswith(code) else f"{code}: {note}"


def _outcome(container: ContainerOutcome) -> str:
    """How a container ended, in one line."""
    code = "no exit code" if container.exit_code is None else f"exit code {container.exit_code}"
    why = f": {clean(container.reason, LONGEST_REASON)}" if container.reason else ""
    return f"{container.name[:LONGEST_NAME]}, {code}{why}"


def _region(arn: str | None) -> str | None:
    part = arn.split(":")[3] if arn and arn.count(":") >= 5 else ""
    return part if _REGION.fullmatch(part) else None


def _utc(text: str | None) -> str | None:
    """An event's time in our notation; as it came, if it is none."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return when(at) if at.tzinfo is not None else text
    except (ValueError, OverflowError):
        return text
