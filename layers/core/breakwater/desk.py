"""The incident desk: where every automation brings its findings.

It merges them into incidents, keeps those, and tells people what is due. A crash between any two of its calls is
repaired by the next delivery of the same findings or by the sweep: the record says which notice is due, and only then
is it published, and only then confirmed.
"""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from breakwater.errors import BreakwaterError
from breakwater.incident_store import FACTS_PER_CHANGE, Change, IncidentStore, Kept
from breakwater.incidents import (
    Absorb,
    Announce,
    Leave,
    Record,
    decide_incident,
    decide_resolution,
    decide_sweep,
    fingerprint,
    seen_again,
)
from breakwater.journal import Entry
from breakwater.model import Cause, Finding, Incident, LogTail, NoticeKind, Subject
from breakwater.policies import AlertPolicy
from breakwater.store import chunks
from breakwater.topics import IncidentTopic

LOST_RACES = 25
PAGE = 200

LogReader = Callable[[Finding], LogTail | None]


def _jitter() -> None:
    """Wait a little, each worker another while, so that those who want the same incident do not meet again."""
    import random  # costs a cold start more than it is worth there: a race is rarely lost

    time.sleep(random.uniform(0.02, 0.2))  # noqa: S311  # spread, not a secret


@dataclass(frozen=True, slots=True)
class Told:
    """How many notices were published, how many were due and were not, and why not."""

    published: int = 0
    unpublished: int = 0
    problem: str | None = None

    def __add__(self, other: "Told") -> "Told":
        return Told(
            self.published + other.published, self.unpublished + other.unpublished, self.problem or other.problem
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of findings: the incidents as kept, what was told, and the findings left for another try.

    `unreadable` are incidents whose record this version cannot read; nothing was done about them.
    """

    incidents: tuple[Incident, ...]
    told: Told
    unfinished: tuple[Finding, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(slots=True)
class _Group:
    """The findings of one incident: those still to be counted, and those that turned out to be counted before."""

    fresh: list[Finding]
    repeated: list[Finding] = field(default_factory=list)


class IncidentDesk:
    """Takes findings, keeps incidents, publishes notices. `automation` names who brings them, for the journal."""

    def __init__(
        self, store: IncidentStore, topic: IncidentTopic, automation: str, pause: Callable[[], None] = _jitter
    ) -> None:
        self._store = store
        self._topic = topic
        self._automation = automation
        self._pause = pause

    def take(
        self,
        findings: Iterable[Finding],
        policy: AlertPolicy,
        now: datetime,
        *,
        read_log: LogReader = lambda finding: None,
        time_left: Callable[[], bool] = lambda: True,
    ) -> Taken:
        """Count findings into their incidents and tell what is due.

        A finding whose identity was counted before adds nothing to the count. Where others change the same incidents at
        the same time it waits a little, reads and decides again, until `time_left()` says no or `LOST_RACES` rounds in
        a row brought nothing; what is then left comes back as `unfinished`, and so does what belongs to an incident
        that cannot be read. Raises `BreakwaterError` if the table cannot be used; what was counted stays counted.
        """
        waiting = _by_incident(findings)
        latest: dict[str, Kept] = {}
        stale = set(waiting)
        logs: dict[str, LogTail | None] = {}
        unreadable: dict[str, _Group] = {}
        lost = 0
        while waiting and lost < LOST_RACES and time_left():
            loaded = self._store.load(stale)
            latest |= loaded.found
            unreadable |= {id_: waiting.pop(id_) for id_ in loaded.unreadable}
            changes = []
            for id_, group in list(waiting.items()):
                change = self._change(latest.get(id_), group, policy, now, read_log, logs)
                if change is None:
                    del waiting[id_]
                else:
                    changes.append(change)
            kept, moved = self._store.keep(changes, now)
            for record in kept:
                id_ = record.record.incident.id
                latest[id_] = record
                group = waiting.pop(id_)
                if len(group.fresh) > FACTS_PER_CHANGE:
                    waiting[id_] = _Group(group.fresh[FACTS_PER_CHANGE:], group.repeated)
                elif group.fresh and group.repeated:
                    waiting[id_] = _Group([], group.repeated)
            for refusal in moved:
                group = waiting[refusal.change.record.incident.id]
                group.repeated += [finding for finding in group.fresh if finding.identity in refusal.known]
                group.fresh = [finding for finding in group.fresh if finding.identity not in refusal.known]
            stale = {refusal.change.record.incident.id for refusal in moved}
            progress = bool(kept) or not changes or any(refusal.known for refusal in moved)
            lost = 0 if progress else lost + 1
            if lost:
                self._pause()
        left = [*unreadable.values(), *waiting.values()]
        return Taken(
            tuple(record.record.incident for record in latest.values()),
            self.tell(latest.values()),
            tuple(finding for group in left for finding in group.fresh),
            tuple(unreadable),
        )

    def resolve(self, ids: Iterable[str], why: str, now: datetime) -> Taken:
        """Resolve incidents, named by their fingerprints, and tell people: Breakwater saw that they are over.

        What is not there or not open is left alone. Where somebody else changes an incident at the same time it is read
        and judged again, up to `LOST_RACES` times; what is then still open is for the next call.
        """
        waiting = set(ids)
        done: list[Kept] = []
        untold: list[Kept] = []
        for _ in range(LOST_RACES):
            changes = []
            for kept in self._store.load(waiting).found.values():
                decision = decide_resolution(kept.record, why, now)
                match decision:
                    case Announce(record=record, reason=reason):
                        entry = self._entry(record.incident, record.told.kind, reason, now)
                        changes.append(Change(record, kept, (), entry))
                    case Leave():
                        untold.append(kept)
            kept_now, moved = self._store.keep(changes, now)
            done += kept_now
            waiting = {refusal.change.record.incident.id for refusal in moved}
            if not waiting:
                break
            self._pause()
        return Taken(tuple(kept.record.incident for kept in done), self.tell([*done, *untold]))

    def open_about(self, subject: Subject, causes: Collection[Cause]) -> list[str]:
        """The fingerprints of what is open about a subject, whatever its revision, and has one of these causes.

        All open incidents are read for it: it is for what is rare. One that was opened this second may be missed.
        """
        whose = (subject.kind, subject.cluster, subject.name)
        found: list[str] = []
        for page in chunks(self._store.needing_attention(), PAGE):
            incidents = [kept.record.incident for kept in self._store.load(page).found.values()]
            found += [
                one.id
                for one in incidents
                if (one.subject.kind, one.subject.cluster, one.subject.name) == whose and one.cause in causes
            ]
        return found

    def sweep(self, policy: AlertPolicy, now: datetime, time_left: Callable[[], bool] = lambda: True) -> Taken:
        """Look at every incident that needs attention: resolve, remind, and tell what was due and never told.

        It goes page by page, so that a sweep that runs out of time has finished what it began; the next one goes on.
        """
        incidents: list[Incident] = []
        unreadable: list[str] = []
        told = Told()
        for page in chunks(self._store.needing_attention(), PAGE):
            if not time_left():
                break
            loaded = self._store.load(page)
            unreadable += loaded.unreadable
            done = self._sweep_page(loaded.found, policy, now)
            incidents += [kept.record.incident for kept in done]
            told += self.tell((loaded.found | {kept.record.incident.id: kept for kept in done}).values())
        return Taken(tuple(incidents), told, unreadable=tuple(unreadable))

    def tell(self, records: Iterable[Kept]) -> Told:
        """Publish the notices that are due, then confirm them.

        A failure is no error here: the record still says that the notice is due, and the sweep publishes it.
        """
        due = [kept for kept in records if kept.untold]
        if not due:
            return Told()
        publication = self._topic.publish(kept.record.notice for kept in due)
        told = [kept for kept in due if kept.record.notice.id in publication.taken]
        with suppress(BreakwaterError):  # a repeated publication is recognised by the notifier
            self._store.confirm(told)
        return Told(len(told), len(due) - len(told), publication.problem)

    def _sweep_page(self, current: dict[str, Kept], policy: AlertPolicy, now: datetime) -> list[Kept]:
        """Decide on each incident of a page and keep what changes. Takes out of `current` what others just changed.

        What was decided before and may not be told yet is told first, or its resolution would be the first that people
        hear of it.
        """
        changes = []
        for kept in current.values():
            decision = decide_sweep(kept.record, policy, now)
            match decision:
                case Announce(record=record, reason=reason) if not kept.untold:
                    entry = self._entry(record.incident, record.told.kind, reason, now)
                    changes.append(Change(record, kept, (), entry))
                case Absorb(record=record, reason=reason) if not kept.untold:
                    entry = self._entry(record.incident, NoticeKind.RESOLVED, reason, now)
                    changes.append(Change(record, kept, (), entry))
                case Announce() | Absorb() | Leave():
                    pass
        done, moved = self._store.keep(changes, now)
        for refusal in moved:
            del current[refusal.change.record.incident.id]
        self._store.confirm(
            kept for kept in current.values() if kept.record.told.kind is NoticeKind.RESOLVED and not kept.untold
        )
        return done

    def _change(
        self,
        base: Kept | None,
        group: _Group,
        policy: AlertPolicy,
        now: datetime,
        read_log: LogReader,
        logs: dict[str, LogTail | None],
    ) -> Change | None:
        """The next change that a group makes to its incident, or `None` if it makes none any more."""
        if not group.fresh:
            stretched = seen_again(base.record, group.repeated) if base and group.repeated else None
            return Change(stretched, base, ()) if stretched else None
        findings = group.fresh[:FACTS_PER_CHANGE]
        untold = base is not None and base.untold
        decision = decide_incident(base.record if base else None, findings, policy, now, untold=untold)
        record, entry = decision.record, None
        if isinstance(decision, Announce):
            entry = self._entry(record.incident, record.told.kind, decision.reason, now)
            speaker = next((each for each in findings if each.evidence is record.incident.evidence), None)
            if speaker is not None:
                record = _with_log(record, speaker, read_log, logs)
        return Change(record, base, tuple(finding.identity for finding in findings), entry)

    def _entry(self, incident: Incident, kind: NoticeKind, reason: str, now: datetime) -> Entry:
        return Entry(
            id=f"{incident.id}-{incident.episode}-{kind}-{incident.episode_count}",
            at=now,
            automation=self._automation,
            subject=incident.subject,
            decision=f"incident {kind}",
            reason=reason,
            evidence={
                "incident": incident.id,
                "category": incident.category,
                "cause": incident.cause,
                "severity": incident.severity,
                "count": incident.count,
            },
        )


def _with_log(record: Record, speaker: Finding, read_log: LogReader, logs: dict[str, LogTail | None]) -> Record:
    """The record with the log tail of the finding that speaks for it, which is read once."""
    if speaker.identity not in logs:
        logs[speaker.identity] = read_log(speaker)
    evidence = replace(speaker.evidence, log=logs[speaker.identity])
    return replace(record, incident=replace(record.incident, evidence=evidence))


def _by_incident(findings: Iterable[Finding]) -> dict[str, _Group]:
    """Findings by fingerprint, each identity to be counted once: of several readings of one fact the earliest."""
    groups: dict[str, _Group] = {}
    seen: set[str] = set()
    for finding in sorted(findings, key=lambda finding: finding.at):
        group = groups.setdefault(fingerprint(finding), _Group([]))
        (group.repeated if finding.identity in seen else group.fresh).append(finding)
        seen.add(finding.identity)
    return {id_: group for id_, group in groups.items() if group.fresh}
