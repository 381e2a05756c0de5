"""Which notices go out on one channel now, which wait for a digest, and when the digest goes.

The rule that shapes everything: at most ten messages to one channel in any sixty seconds, firsts and digests included,
and no incident unnamed. Nine of the ten are for single messages, the tenth is kept for the digest. The minute slides:
with calendar minutes, twenty messages could fall into two seconds around the full minute. A message is begun at most
`SEND_WITHIN` after it was reserved, and a reservation counts for a minute and that time, so what is reserved by this
rule is also begun by it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from types import MappingProxyType

from breakwater.model import Category, Cause, Notice, NoticeKind, Severity

MESSAGES_A_MINUTE = 10
SINGLES_A_MINUTE = MESSAGES_A_MINUTE - 1
SEND_WITHIN = timedelta(seconds=15)
WINDOW = timedelta(minutes=1) + SEND_WITHIN
GATHER = timedelta(seconds=30)
"""How long the first overflow of a storm waits for company before a digest is due."""
SETTLE = timedelta(seconds=10)
"""A wake-up nearer than this may fire before what is deferred now can be read; another one is asked for."""
LONGEST_NAME = 256
NEVER: Mapping[str, datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known of one notice on one channel: sent, or being sent by someone until `until` (then they died)."""

    sent: bool
    until: datetime


@dataclass(frozen=True, slots=True)
class Meter:
    """What one channel has used: when singles and the last digest were reserved, and when a wake-up is on its way.

    `version` is that of the stored record this was read from; saving replaces exactly that one.
    """

    version: int = 0
    singles: tuple[datetime, ...] = ()
    digest: datetime | None = None
    wake: datetime | None = None

    def singles_left(self, now: datetime) -> int:
        """How many single messages may be reserved now."""
        return max(0, SINGLES_A_MINUTE - len(self._recent(now)))

    def digest_from(self, now: datetime) -> datetime:
        """When the next digest may be reserved: now, or once the last one is a window old."""
        return now if self.digest is None else max(now, self.digest + WINDOW)

    def reserved(self, count: int, now: datetime) -> "Meter":
        """The meter after `count` single messages were reserved."""
        return replace(self, singles=(*self._recent(now), *(now for _ in range(count)))) if count else self

    def woken(self, earliest: datetime, now: datetime) -> "Meter":
        """The meter with a wake-up on its way at `earliest` or later; unchanged if one is that will do."""
        if self.wake is not None and self.wake >= now + SETTLE:
            return self
        spaced = earliest if self.wake is None else max(earliest, self.wake + timedelta(minutes=1))
        return replace(self, wake=spaced)

    def _recent(self, now: datetime) -> tuple[datetime, ...]:
        return tuple(at for at in self.singles if at > now - WINDOW)


@dataclass(frozen=True, slots=True)
class Send:
    """Send this notice as a message of its own."""

    notice: Notice
    reason: str


@dataclass(frozen=True, slots=True)
class Defer:
    """Leave this notice to the next digest, or to the one at the end of quiet hours (`until`)."""

    notice: Notice
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody else seems to be sending this notice: let it come again, and see whether they did."""

    notice: Notice
    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """This notice was sent on this channel before."""

    notice: Notice
    reason: str


Delivery = Send | Defer | Hold | Skip


@dataclass(frozen=True, slots=True)
class Plan:
    """One delivery for each notice, and the meter to be saved before any of it is done.

    `wake` is the time to be woken for the digest, if a wake-up has to be asked for.
    """

    deliveries: tuple[Delivery, ...]
    meter: Meter
    wake: datetime | None = None


def decide_delivery(
    notices: Sequence[Notice],
    marks: Mapping[str, Mark],
    waiting: Collection[str],
    meter: Meter,
    now: datetime,
    quiet: Mapping[str, datetime] = NEVER,
) -> Plan:
    """Give each notice (of distinct ids) its delivery on one channel; `waiting` are the ids that a digest will name.

    When there are fewer free messages than notices, bad news that is new goes first: by severity, then opened and
    reopened before updates before resolutions, then by time. `quiet` has the notices that wait for the end of quiet
    hours, and until when; they use none of the channel's messages and wake nobody.
    """
    left = meter.singles_left(now)
    deliveries: list[Delivery] = []
    sent = 0
    for notice in sorted(notices, key=_urgency):
        mark = marks.get(notice.id)
        if mark is not None and mark.sent:
            deliveries.append(Skip(notice, "it was sent before"))
        elif mark is not None and mark.until > now:
            deliveries.append(Hold(notice, f"it is being sent by another; seen again after {mark.until:%H:%M:%S}"))
        elif notice.id in quiet:
            until = quiet[notice.id]
            deliveries.append(Defer(notice, f"quiet hours until {until:%Y-%m-%d %H:%M} UTC", until))
        elif notice.id in waiting:
            deliveries.append(Defer(notice, "it waits for a digest already"))
        elif sent < left:
            sent += 1
            deliveries.append(Send(notice, f"message {SINGLES_A_MINUTE - left + sent} of {SINGLES_A_MINUTE}"))
        else:
            deliveries.append(Defer(notice, f"{SINGLES_A_MINUTE} single messages within a minute: it is for a digest"))
    metered = meter.reserved(sent, now)
    if any(isinstance(delivery, Defer) and delivery.until is None for delivery in deliveries):
        metered = metered.woken(max(now + GATHER, meter.digest_from(now)), now)
    return Plan(tuple(deliveries), metered, metered.wake if metered.wake != meter.wake else None)


def defer_all(plan: Plan) -> Plan:
    """The plan for when the meter could not be had, so many others were using it: every message becomes a deferral."""
    crowded = "too many senders at once to count: it is for a digest"
    deliveries = (Defer(each.notice, crowded) if isinstance(each, Send) else each for each in plan.deliveries)
    return Plan(tuple(deliveries), plan.meter)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a digest says of one deferred notice: small, since a storm writes many. The full record is in the table."""

    notice_id: str
    kind: NoticeKind
    at: datetime
    incident_id: str
    subject: str
    severity: Severity
    category: Category
    cause: Cause
    count: int
    first_seen: datetime
    last_seen: datetime
    revision: str | None = None
    container: str | None = None
    late: bool = False
    not_before: datetime | None = None


def entry_of(notice: Notice, not_before: datetime | None = None) -> Entry:
    """What is kept of a deferred notice. No digest names it before its time."""
    incident = notice.incident
    return Entry(
        notice_id=notice.id,
        kind=notice.kind,
        at=notice.at,
        incident_id=incident.id,
        subject=str(incident.subject)[:LONGEST_NAME],
        severity=incident.severity,
        category=incident.category,
        cause=incident.cause,
        count=incident.count,
        first_seen=incident.first_seen,
        last_seen=incident.last_seen,
        revision=incident.subject.revision[:LONGEST_NAME] if incident.subject.revision else None,
        container=incident.container[:LONGEST_NAME] if incident.container else None,
        late=incident.late,
        not_before=not_before,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One incident in a digest: its newest entry, and all entries that are told by naming it."""

    newest: Entry
    entries: tuple[Entry, ...]

    @property
    def is_new(self) -> bool:
        """Whether people have not heard of this incident, or not since it was resolved."""
        return any(entry.kind in (NoticeKind.OPENED, NoticeKind.REOPENED) for entry in self.entries)

    @property
    def is_over(self) -> bool:
        """Whether it is resolved."""
        return self.newest.kind is NoticeKind.RESOLVED

    @property
    def group(self) -> tuple[bool, int, str, str]:
        """What it stands beside: what goes on before what is over, bad before less bad, one cause together."""
        return self.is_over, -self.newest.severity.rank, self.newest.cause.value, self.newest.category.value


@dataclass(frozen=True, slots=True)
class Digest:
    """Send one message that names these incidents; `waiting` more did not fit and are for the next one.

    `told` entries were sent singly after all, and are only to be forgotten.
    """

    lines: tuple[Line, ...]
    waiting: int
    told: tuple[Entry, ...]
    meter: Meter
    reason: str
    wake: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """There is something to say, but not yet."""

    meter: Meter
    reason: str
    wake: datetime | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing waits; `told` is to be forgotten."""

    told: tuple[Entry, ...]
    reason: str


DigestDecision = Digest | Wait | Nothing


def decide_digest(
    entries: Iterable[Entry],
    marks: Mapping[str, Mark],
    meter: Meter,
    now: datetime,
    room: Callable[[Sequence[Line]], int],
) -> DigestDecision:
    """Say whether a digest goes out on one channel now, and what it names.

    `room` says how many of the lines, from the front, fit into one message of the channel: at least one.
    """
    pending = list(entries)
    told = tuple(entry for entry in pending if entry.notice_id in marks and marks[entry.notice_id].sent)
    quiet = [entry for entry in pending if entry.not_before is not None and entry.not_before > now]
    held = [entry for entry in pending if entry.notice_id in marks and _claimed(marks[entry.notice_id], now)]
    settled = {entry.notice_id for entry in (*told, *quiet, *held)}
    lines = merged(entry for entry in pending if entry.notice_id not in settled)
    if not lines and not held:
        return Nothing(told, "what waits is for the end of quiet hours" if quiet else "nothing waits for a digest")
    due = meter.digest_from(now)
    if due > now or not lines:
        woken = meter.woken(max(due, now + SETTLE), now)
        reason = f"the next digest may go at {due:%H:%M:%S}" if due > now else "what waits is being sent singly"
        return Wait(woken, reason, woken.wake if woken.wake != meter.wake else None)
    named = lines[: max(1, room(lines))]
    waiting = len(lines) - len(named)
    # The wake-up that brought us here is spent, whatever the meter says of it.
    after = replace(meter, digest=now, wake=now + WINDOW if waiting or held else None)
    reason = f"{len(named)} incidents named, {waiting} left for the next digest"
    return Digest(named, waiting, told, after, reason, after.wake)


def merged(entries: Iterable[Entry]) -> tuple[Line, ...]:
    """One line for each incident, its newest entry speaking for it, in the order of the digest."""
    by_incident = sorted(entries, key=lambda entry: (entry.incident_id, entry.at, entry.count, entry.notice_id))
    groups = (tuple(group) for _, group in groupby(by_incident, key=lambda entry: entry.incident_id))
    lines = (Line(replace(group[-1], count=max(entry.count for entry in group)), group) for group in groups)
    return tuple(sorted(lines, key=lambda line: (line.group, -line.newest.count, line.newest.subject)))


def _claimed(mark: Mark, now: datetime) -> bool:
    return not mark.sent and mark.until > now


_ORDER = (NoticeKind.OPENED, NoticeKind.REOPENED, NoticeKind.UPDATED, NoticeKind.RESOLVED)


def _urgency(notice: Notice) -> tuple[bool, int, int, datetime, str]:
    over = notice.kind is NoticeKind.RESOLVED
    return over, -notice.incident.severity.rank, _ORDER.index(notice.kind), notice.at, notice.id
