"""The incident desk: where every automation brings its findings.

It merges them into incidents, keeps those, and tells people what is due. A crash between any two of its calls is
repaired by the next delivery of the same findings or by the sweep: the record says which notice is due, and only then
is it published, and only then confirmed.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from breakwater.errors import BreakwaterError
from breakwater.incident_store import FACTS_PER_CHANGE, Change, IncidentStore, Kept, Moved
from breakwater.incidents import Announce, Leave, decide_incident, decide_sweep, fingerprint
from breakwater.journal import Entry
from breakwater.model import AlertPolicy, Finding, Incident, LogTail, NoticeKind
from breakwater.topics import IncidentTopic

ROUNDS = 8

LogReader = Callable[[Finding], LogTail | None]


@dataclass(frozen=True, slots=True)
class Told:
    """How many notices were published, how many were due and were not, and why not."""

    published: int = 0
    unpublished: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of findings: the incidents as kept, what was told, and the findings left for another try."""

    incidents: tuple[Incident, ...]
    told: Told
    unfinished: tuple[Finding, ...] = ()


class IncidentDesk:
    """Takes findings, keeps incidents, publishes notices. `automation` names who brings them, for the journal."""

    def __init__(self, store: IncidentStore, topic: IncidentTopic, automation: str) -> None:
        self._store = store
        self._topic = topic
        self._automation = automation

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

        A finding whose identity was counted before changes nothing. Where others change the same incidents at the same
        time, it reads and decides again, up to `ROUNDS` times or until `time_left()` says no; what is then left comes
        back as `unfinished`. Raises `BreakwaterError` if the table cannot be used; what was counted stays counted.
        """
        waiting = _by_incident(findings)
        latest: dict[str, Kept] = {}
        stale = set(waiting)
        logs: dict[str, LogTail | None] = {}
        for _ in range(ROUNDS):
            if not waiting or not time_left():
                break
            latest |= self._store.load(stale)
            changes = []
            for id_, group in waiting.items():
                changes.append(self._change(latest.get(id_), group[:FACTS_PER_CHANGE], policy, now, read_log, logs))
            kept, moved = self._store.keep(changes, now)
            for record in kept:
                id_ = record.record.incident.id
                latest[id_] = record
                waiting[id_] = waiting[id_][FACTS_PER_CHANGE:]
            stale = {refusal.change.record.incident.id for refusal in moved}
            _drop_known(waiting, moved)
            waiting = {id_: group for id_, group in waiting.items() if group}
        return Taken(
            tuple(record.record.incident for record in latest.values()),
            self.tell(latest.values()),
            tuple(finding for group in waiting.values() for finding in group),
        )

    def sweep(self, policy: AlertPolicy, now: datetime) -> Taken:
        """Look at every incident that needs attention: resolve, remind, and tell what was due and never told."""
        current = self._store.load(self._store.needing_attention())
        changes = []
        for kept in current.values():
            decision = decide_sweep(kept.record, policy, now)
            match decision:
                case Announce(record=record, reason=reason):
                    changes.append(
                        Change(record, kept, (), self._entry(record.incident, record.told.kind, reason, now))
                    )
                case Leave():
                    pass
        done, moved = self._store.keep(changes, now)
        current |= {kept.record.incident.id: kept for kept in done}
        for refusal in moved:  # somebody has just counted a finding: the next sweep looks again
            del current[refusal.change.record.incident.id]
        self._store.confirm(
            kept for kept in current.values() if kept.record.told.kind is NoticeKind.RESOLVED and not kept.untold
        )
        return Taken(tuple(kept.record.incident for kept in done), self.tell(current.values()))

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

    def _change(
        self,
        base: Kept | None,
        findings: Sequence[Finding],
        policy: AlertPolicy,
        now: datetime,
        read_log: LogReader,
        logs: dict[str, LogTail | None],
    ) -> Change:
        decision = decide_incident(base.record if base else None, findings, policy, now)
        record, entry = decision.record, None
        if isinstance(decision, Announce):
            entry = self._entry(record.incident, record.told.kind, decision.reason, now)
            if record.told.kind in (NoticeKind.OPENED, NoticeKind.REOPENED):
                source = next(finding for finding in findings if finding.evidence is record.incident.evidence)
                if source.identity not in logs:
                    logs[source.identity] = read_log(source)
                evidence = replace(source.evidence, log=logs[source.identity])
                record = replace(record, incident=replace(record.incident, evidence=evidence))
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


def _by_incident(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Findings by fingerprint, each identity once: of two readings of one fact the earlier counts."""
    distinct: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda finding: finding.at):
        distinct.setdefault(finding.identity, finding)
    groups: dict[str, list[Finding]] = {}
    for finding in distinct.values():
        groups.setdefault(fingerprint(finding), []).append(finding)
    return groups


def _drop_known(waiting: dict[str, list[Finding]], moved: Iterable[Moved]) -> None:
    for refusal in moved:
        id_ = refusal.change.record.incident.id
        waiting[id_] = [finding for finding in waiting[id_] if finding.identity not in refusal.known]
