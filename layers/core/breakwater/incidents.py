"""What becomes of findings: one incident per fingerprint, told at once, then by growth and time, resolved by quiet.

The facts of an incident (count, first and last seen, severity) are merged so that the order in which findings arrive,
and how late, does not show: a count of distinct facts, a minimum, two maxima. What people were told (`Told`) does
depend on when Breakwater knew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from breakwater.model import AlertPolicy, Finding, Incident, IncidentStatus, Notice, NoticeKind, Severity

LONGEST_SILENCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What people were last told of an incident: the `sequence`-th notice, at what count, after how many reminders."""

    sequence: int
    kind: NoticeKind
    at: datetime
    count: int
    reminders: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """An incident and what was told of it: the unit that the table keeps and a decision replaces."""

    incident: Incident
    told: Told

    @property
    def notice(self) -> Notice:
        """The newest notice. Its id is the same each time it is built, so sending it twice is recognised."""
        return Notice(f"{self.incident.id}/{self.told.sequence}", self.told.kind, self.incident, self.told.at)


@dataclass(frozen=True, slots=True)
class Announce:
    """Keep the record and tell people: `record.notice` is the message."""

    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Absorb:
    """Keep the record and stay silent."""

    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing to keep, nothing to tell."""

    reason: str


IncidentDecision = Announce | Absorb
SweepDecision = Announce | Leave


def fingerprint(finding: Finding) -> str:
    """The identity of the incident that a finding belongs to: subject, revision and cause, as 16 hex digits."""
    subject, diagnosis = finding.subject, finding.diagnosis
    parts = (subject.kind, subject.cluster, subject.name, subject.revision, diagnosis.category, diagnosis.cause)
    return sha256("\n".join(part or "" for part in parts).encode("utf-8", "replace")).hexdigest()[:16]


def decide_incident(
    record: Record | None, findings: Sequence[Finding], policy: AlertPolicy, now: datetime
) -> IncidentDecision:
    """Merge new findings of one fingerprint into its record and say whether people are told.

    `findings` is not empty and holds facts that the record does not count yet. A resolved incident is reopened only
    if a finding is younger than the quiet time: a late one belongs to what was resolved already.
    """
    ordered = sorted(findings, key=lambda finding: (finding.at, finding.identity))
    if record is None:
        incident = _opened(ordered, now)
        told = Told(1, NoticeKind.OPENED, now, incident.episode_count)
        return Announce(Record(incident, told), f"first of its kind: {incident.summary}")
    merged = _merged(record.incident, ordered)
    if record.incident.status is IncidentStatus.RESOLVED:
        return _after_resolution(record, merged, ordered, policy, now)
    if merged.severity.rank > record.incident.severity.rank:
        worse = f"it got worse: {record.incident.severity} is now {merged.severity}"
        return Announce(Record(merged, _told_again(record.told, merged, now)), worse)
    due = _update_due(record.told, merged.episode_count, policy, now)
    if due:
        return Announce(Record(merged, _told_again(record.told, merged, now)), due)
    return Absorb(
        Record(merged, record.told), f"counted: {merged.episode_count} now, {record.told.count} when last told"
    )


def decide_sweep(record: Record, policy: AlertPolicy, now: datetime) -> SweepDecision:
    """Look at one open incident without any event: resolve it after the quiet time, remind if that is due."""
    incident = record.incident
    if incident.status is IncidentStatus.RESOLVED:
        return Leave("it is resolved already")
    quiet = timedelta(minutes=policy.quiet_minutes)
    if now - incident.last_seen >= quiet:
        resolved = replace(incident, status=IncidentStatus.RESOLVED, resolved_at=now)
        told = Told(record.told.sequence + 1, NoticeKind.RESOLVED, now, incident.episode_count)
        return Announce(Record(resolved, told), f"nothing more of it for {policy.quiet_minutes} minutes")
    due = _update_due(record.told, incident.episode_count, policy, now)
    if due:
        return Announce(Record(incident, _told_again(record.told, incident, now)), due)
    return Leave("it goes on and nothing new is to be told")


def _opened(ordered: Sequence[Finding], now: datetime) -> Incident:
    first = ordered[0]
    return Incident(
        id=fingerprint(first),
        subject=first.subject,
        category=first.diagnosis.category,
        cause=first.diagnosis.cause,
        severity=_worst(finding.diagnosis.severity for finding in ordered),
        summary=first.diagnosis.reason,
        first_seen=first.at,
        last_seen=ordered[-1].at,
        count=len(ordered),
        opened_at=now,
        container=first.diagnosis.container,
        episode_count=len(ordered),
        late=all(finding.diagnosis.late for finding in ordered),
        evidence=first.evidence,
    )


def _merged(incident: Incident, ordered: Sequence[Finding]) -> Incident:
    return replace(
        incident,
        severity=_worst((incident.severity, *(finding.diagnosis.severity for finding in ordered))),
        first_seen=min(incident.first_seen, ordered[0].at),
        last_seen=max(incident.last_seen, ordered[-1].at),
        count=incident.count + len(ordered),
        episode_count=incident.episode_count + len(ordered),
        late=incident.late and all(finding.diagnosis.late for finding in ordered),
    )


def _after_resolution(
    record: Record, merged: Incident, ordered: Sequence[Finding], policy: AlertPolicy, now: datetime
) -> IncidentDecision:
    newest = ordered[-1]
    if now - newest.at >= timedelta(minutes=policy.quiet_minutes):
        return Absorb(Record(merged, record.told), "counted late: the quiet time had passed before it was delivered")
    reopened = replace(
        merged,
        status=IncidentStatus.OPEN,
        opened_at=now,
        resolved_at=None,
        episode=merged.episode + 1,
        episode_count=len(ordered),
        summary=newest.diagnosis.reason,
        container=newest.diagnosis.container,
        evidence=newest.evidence,
    )
    told = Told(record.told.sequence + 1, NoticeKind.REOPENED, now, reopened.episode_count)
    return Announce(
        Record(reopened, told), f"it is back, {_span(newest.at - record.incident.last_seen)} after the last"
    )


def _told_again(told: Told, incident: Incident, now: datetime) -> Told:
    return Told(told.sequence + 1, NoticeKind.UPDATED, now, incident.episode_count, told.reminders + 1)


def _update_due(told: Told, count: int, policy: AlertPolicy, now: datetime) -> str | None:
    """Why an update is due, or `None`."""
    if count <= told.count:
        return None
    if count >= told.count * policy.growth_factor:
        return f"it grew from {told.count} to {count}"
    gap = min(timedelta(minutes=policy.remind_minutes) * 2 ** min(told.reminders, 10), LONGEST_SILENCE)
    if now - told.at >= gap:
        return f"it goes on: {count} now, {told.count} when last told {_span(now - told.at)} ago"
    return None


def _worst(severities: Iterable[Severity]) -> Severity:
    return max(severities, key=lambda severity: severity.rank)


def _span(span: timedelta) -> str:
    minutes = max(0, int(span.total_seconds() // 60))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
