"""What becomes of findings: one incident per fingerprint, told at once, then by growth and time, resolved by quiet.

The facts of an incident (count, first and last seen, severity) are merged so that the order in which findings arrive,
and how late, does not show: a count of distinct facts, a minimum, two maxima. What people were told (`Told`) does
depend on when Breakwater knew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from breakwater.model import Finding, Incident, IncidentStatus, Notice, NoticeKind, Severity
from breakwater.policies import AlertPolicy

A_DAY = timedelta(days=1)


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
SweepDecision = Announce | Absorb | Leave


def fingerprint(finding: Finding) -> str:
    """The identity of the incident that a finding belongs to: subject, revision and cause, as 16 hex digits."""
    subject, diagnosis = finding.subject, finding.diagnosis
    parts = (subject.kind, subject.cluster, subject.name, subject.revision, diagnosis.category, diagnosis.cause)
    return sha256("\n".join(part or "" for part in parts).encode("utf-8", "replace")).hexdigest()[:16]


def decide_incident(
    record: Record | None, findings: Sequence[Finding], policy: AlertPolicy, now: datetime, *, untold: bool = False
) -> IncidentDecision:
    """Merge new findings of one fingerprint into its record and say whether people are told.

    `findings` is not empty and holds facts that the record does not count yet. A resolved incident is reopened only
    if a finding is younger than the quiet time: a late one belongs to what was resolved already. Good news is over from
    the first, and each of it is told. `untold` says that the newest notice may never have been published: what follows
    it is then told as the same kind of news.
    """
    ordered = sorted(findings, key=lambda finding: (finding.at, finding.identity))
    if record is None:
        incident = _opened(ordered, now)
        if incident.category.is_news:
            told = Told(1, NoticeKind.RESOLVED, now, incident.episode_count)
            return Announce(Record(_over(incident, now), told), f"good news, told once: {incident.summary}")
        told = Told(1, NoticeKind.OPENED, now, incident.episode_count)
        return Announce(Record(incident, told), f"first of its kind: {incident.summary}")
    merged = _merged(record.incident, ordered)
    if merged.category.is_news:
        again = _over(_told_by(merged, ordered[-1]), now)
        told = _told_again(record.told, NoticeKind.RESOLVED, again, now)
        return Announce(Record(again, told), f"good news, told once: {again.summary}")
    if record.incident.status is IncidentStatus.RESOLVED:
        return _after_resolution(record, merged, ordered, policy, now)
    kind = record.told.kind if untold else NoticeKind.UPDATED
    if merged.severity.rank > record.incident.severity.rank:
        worse = f"it got worse: {record.incident.severity} is now {merged.severity}"
        merged = _told_by(merged, max(ordered, key=lambda finding: finding.diagnosis.severity.rank))
        return Announce(Record(merged, _told_again(record.told, kind, merged, now)), worse)
    due = _update_due(record.told, merged.episode_count, policy, now)
    if due:
        return Announce(Record(merged, _told_again(record.told, kind, merged, now)), due)
    return Absorb(
        Record(merged, record.told), f"counted: {merged.episode_count} now, {record.told.count} when last told"
    )


def seen_again(record: Record, findings: Sequence[Finding]) -> Record | None:
    """The record after facts were told again that it counts already; `None` if that changes nothing.

    AWS tells one fact at several times (a task that runs on is sent again with its dead sidecar). Which of them was
    counted depends on the order of arrival, so all of them stretch the time in which the incident was seen.
    """
    first = min(record.incident.first_seen, *(finding.at for finding in findings))
    last = max(record.incident.last_seen, *(finding.at for finding in findings))
    if (first, last) == (record.incident.first_seen, record.incident.last_seen):
        return None
    return replace(record, incident=replace(record.incident, first_seen=first, last_seen=last))


def decide_sweep(record: Record, policy: AlertPolicy, now: datetime) -> SweepDecision:
    """Look at one open incident without any event: resolve it after the quiet time, remind if that is due.

    What Breakwater has told together with its outcome is closed in silence.
    """
    incident = record.incident
    if incident.status is IncidentStatus.RESOLVED:
        return Leave("it is resolved already")
    quiet = _quiet(incident, policy)
    if now - incident.last_seen >= quiet and not incident.category.stands:
        resolved = _over(incident, now)
        if incident.cause.says_all:
            return Absorb(Record(resolved, record.told), "it was told with its outcome, so its end is no news")
        told = replace(_told_again(record.told, NoticeKind.RESOLVED, incident, now), reminders=record.told.reminders)
        return Announce(Record(resolved, told), f"nothing more of it for {_span(quiet)}")
    due = _update_due(record.told, incident.episode_count, policy, now)
    if due:
        return Announce(Record(incident, _told_again(record.told, NoticeKind.UPDATED, incident, now)), due)
    return Leave("it goes on and nothing new is to be told")


def decide_resolution(record: Record, why: str, now: datetime) -> Announce | Leave:
    """Resolve an incident because Breakwater saw that it is over; `why` says how it knows."""
    if record.incident.status is IncidentStatus.RESOLVED:
        return Leave("it is resolved already")
    resolved = replace(_over(record.incident, now), over=why)
    told = replace(_told_again(record.told, NoticeKind.RESOLVED, resolved, now), reminders=record.told.reminders)
    return Announce(Record(resolved, told), why)


def _over(incident: Incident, now: datetime) -> Incident:
    return replace(incident, status=IncidentStatus.RESOLVED, resolved_at=now)


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
    if now - newest.at >= _quiet(merged, policy):
        return Absorb(Record(merged, record.told), "counted late: the quiet time had passed before it was delivered")
    gap = newest.at - record.incident.last_seen
    flaps = merged.flaps + 1 if gap < A_DAY else 0
    reopened = replace(
        _told_by(merged, newest),
        status=IncidentStatus.OPEN,
        opened_at=now,
        resolved_at=None,
        over=None,
        episode=merged.episode + 1,
        episode_count=len(ordered),
        flaps=flaps,
    )
    told = _told_again(record.told, NoticeKind.REOPENED, reopened, now)
    told = replace(told, reminders=record.told.reminders if flaps else 0)
    return Announce(Record(reopened, told), f"it is back, {_span(gap)} after the last")


def _told_by(incident: Incident, finding: Finding) -> Incident:
    """The incident with another of its findings speaking for it."""
    diagnosis = finding.diagnosis
    return replace(incident, summary=diagnosis.reason, container=diagnosis.container, evidence=finding.evidence)


def _told_again(told: Told, kind: NoticeKind, incident: Incident, now: datetime) -> Told:
    return Told(told.sequence + 1, kind, now, incident.episode_count, told.reminders + 1)


def _quiet(incident: Incident, policy: AlertPolicy) -> timedelta:
    """How long it has to be quiet: longer for what keeps coming back, or each return would be news."""
    return min(timedelta(minutes=policy.quiet_minutes) * (1 << min(incident.flaps, 10)), A_DAY)


def _update_due(told: Told, count: int, policy: AlertPolicy, now: datetime) -> str | None:
    """Why an update is due, or `None`."""
    if count <= told.count:
        return None
    if count >= told.count * policy.growth_factor:
        return f"it grew from {told.count} to {count}"
    gap = min(timedelta(minutes=policy.remind_minutes) * 2 ** min(told.reminders, 10), A_DAY)
    if now - told.at >= gap:
        return f"it goes on: {count} now, {told.count} when last told {_span(now - told.at)} ago"
    return None


def _worst(severities: Iterable[Severity]) -> Severity:
    return max(severities, key=lambda severity: severity.rank)


def _span(span: timedelta) -> str:
    minutes = max(0, int(span.total_seconds() // 60))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
