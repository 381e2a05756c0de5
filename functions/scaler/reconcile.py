"""The one way in which the scale of a service is changed: look, decide, write the intent, look again, act, and again.

Each round is one step of `decide_scale`. A function that is killed between any two calls leaves a record from which the
next wake-up goes on; one that is woken twice finds nothing to do the second time.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from breakwater.errors import BreakwaterError, ConflictError, ThrottledError
from breakwater.journal import Entry
from breakwater.leases import Busy, Leases
from breakwater.model import Mode, Subject, SubjectKind
from breakwater.policies import SurgePolicy
from breakwater.redact import redact

from .decision import (
    PATIENCE,
    Change,
    Done,
    KeepTheirs,
    LookForProtected,
    Lost,
    Rest,
    ScaleDecision,
    Wait,
    decide_scale,
    rehearse,
)
from .records import Records
from .scale import Claim, Held, Knob, ScaleRecord, Snapshot, Word

AUTOMATION = "scaler"
ROUNDS = 12
TRIES = 5
LEASE = timedelta(minutes=3)
BOUNDS = (Knob.MINIMUM, Knob.MAXIMUM)


@dataclass(frozen=True, slots=True)
class Found:
    """A service as it was found, `None` if it is gone, and what its tag lowers the mode to."""

    snapshot: Snapshot | None
    mode: Mode = Mode.ACT


class Services(Protocol):
    """What is asked of ECS and of Application Auto Scaling. Errors are those of `breakwater.errors`."""

    def look(self, cluster: str, service: str) -> Found:
        """The service as it is now."""

    def protected(self, cluster: str, service: str) -> int:
        """How many of its tasks are protected from scale-in."""

    def set(self, cluster: str, service: str, numbers: Mapping[Knob, int]) -> None:
        """Set the desired count, or one or both bounds."""


@dataclass(slots=True)
class Outcome:
    """What came of one service: its record, what was decided on the way, and what a person has to hear."""

    record: ScaleRecord
    found: Snapshot | None = None
    steps: list[ScaleDecision] = field(default_factory=list)
    rehearsed: Change | None = None
    words: list[Word] = field(default_factory=list)
    problem: BreakwaterError | None = None
    off: bool = False

    @property
    def reason(self) -> str:
        """The last word on it."""
        if self.off:
            return "mode off, by the stack or the service's tag: nothing is done"
        if self.rehearsed:
            return f"would have been done in mode act: {self.rehearsed.reason}"
        return self.steps[-1].reason if self.steps else "nothing is kept of it"


class Reconciler:
    """Brings services to where their claims want them, and back."""

    def __init__(
        self,
        records: Records,
        services: Services,
        leases: Leases,
        policy: SurgePolicy,
        mode: Mode,
        windows: Callable[[str, str, datetime], Iterable[Claim]] = lambda cluster, service, now: (),
    ) -> None:
        self._records, self._services, self._leases = records, services, leases
        self._policy, self._mode, self._windows = policy, mode, windows

    def reconcile(self, cluster: str, service: str, now: datetime) -> Outcome:
        """Take as many steps as there are. A call that fails is the outcome's `problem`; the next wake-up goes on.

        Raises `BreakwaterError` if the service or its record cannot be read or written. Whatever a person has to hear
        is in `words`; it stays in the record until `told`.
        """
        record = self._records.load(cluster, service)
        windows = list(self._windows(cluster, service, now))
        outcome = Outcome(record)
        if record.empty and not windows:
            return outcome
        found = self._services.look(cluster, service)
        if self._allowed(found) is Mode.OFF:
            outcome.off = True
            return outcome
        for _ in range(ROUNDS):
            outcome.record, outcome.found = record, found.snapshot
            decision = decide_scale(record, found.snapshot, windows, self._policy, now)
            outcome.steps.append(decision)
            match decision:
                case Change():
                    if self._allowed(found) is not Mode.ACT:
                        return self._withheld(outcome, decision, found, now)
                    try:
                        busy = self._act(record, decision, found, now)
                    except BreakwaterError as error:
                        return self._failed(outcome, error, now)
                    record = self._records.load(cluster, service)  # first, or a number would be newer than its record
                    found = _busy(self._services.look(cluster, service), busy)
                case KeepTheirs():
                    record = self._kept(
                        record, decision.record, now, self._entry(decision, "kept", decision.reason, now)
                    )
                case LookForProtected() if found.snapshot:
                    protected = self._services.protected(cluster, service)
                    found = replace(found, snapshot=replace(found.snapshot, protected=protected))
                case Wait() | Rest() | Done() | Lost() | LookForProtected():
                    return self._finish(outcome, decision, found, windows, now)
                case _:
                    assert_never(decision)
        raise ThrottledError(f"{record.key} changes faster than it can be followed; the sweep tries again")

    def told(self, record: ScaleRecord, words: Iterable[Word], now: datetime) -> None:
        """Strike out what has reached the incident desk."""
        done = {word.id for word in words}
        left = tuple(word for word in record.untold if word.id not in done)
        if left != record.untold:
            self._records.save(replace(record, untold=left), now)

    def _allowed(self, found: Found) -> Mode:
        """The mode of the stack, lowered by the service's own tag."""
        return min(self._mode, found.mode, key=list(Mode).index)

    def _act(self, record: ScaleRecord, change: Change, found: Found, now: datetime) -> str | None:
        """Intent, a last look under the lease, and one call; whether it happened is seen in the next round.

        Answers who else has the lease, if so.
        """
        cluster, service = record.cluster, record.service
        lease = self._leases.take(record.key, AUTOMATION, now, LEASE)
        if isinstance(lease, Busy):
            return lease.reason
        try:
            entry = self._entry(change, "given back" if change.gives_back else "scaled", change.reason, now)
            intent = self._records.save(change.record, now, replace(entry, outcome="begun"))
            self._leases.check(lease, now)
            if self._records.load(cluster, service).version != intent.version:
                return None  # another function is ahead, and what was meant may not be wanted any more
            fresh = self._services.look(cluster, service)
            if _differ(fresh, found):  # nothing was done, so what stands there now is not ours, whatever it is
                self._records.save(replace(record, version=intent.version), now, replace(entry, outcome="overtaken"))
                return None
            part = {knob: value for knob, value in change.to.items() if knob in BOUNDS} or dict(change.to)
            try:
                self._services.set(cluster, service, part)
            except BreakwaterError as error:
                self._records.note(replace(entry, outcome=f"failed: {error}"))
                raise
            self._records.note(entry)
            self._hold_on(intent, part, now)
            return None
        finally:
            self._leases.release(lease)

    def _hold_on(self, intent: ScaleRecord, done: Mapping[Knob, int], now: datetime) -> None:
        """Keep what was just set in the record, also if another function took that further in the same instant.

        Between the last look and the write a surge may have been ended elsewhere, and the record with it: then what
        stands there is ours and nobody would know.
        """
        for _ in range(TRIES):
            kept = self._records.load(intent.cluster, intent.service)
            if kept.version == intent.version:
                return
            now_held = {
                knob: replace(kept.held.get(knob, Held(intent.held[knob].original, value)), before=value)
                for knob, value in done.items()
            }
            with suppress(ConflictError):
                self._records.save(replace(kept, held={**kept.held, **now_held}), now)
                return
        raise ThrottledError(f"{intent.key} changes faster than it can be followed; the sweep tries again")

    def _kept(self, before: ScaleRecord, after: ScaleRecord, now: datetime, entry: Entry | None = None) -> ScaleRecord:
        """Save a record if it changed."""
        return self._records.save(after, now, entry) if after != before or entry else before

    def _finish(
        self, outcome: Outcome, decision: Wait | Rest | Done | Lost | LookForProtected, found: Found,
        windows: list[Claim], now: datetime,
    ) -> Outcome:  # fmt: skip
        before, after = outcome.record, decision.record
        entry = None
        if isinstance(decision, Lost) and before.held:
            entry = self._entry(decision, "forgotten", decision.reason, now)
        elif isinstance(decision, Wait) and before.withheld is None:
            entry = self._entry(decision, "withheld", decision.reason, now)
        looked = found.snapshot  # nobody counts protected tasks for a rehearsal
        if looked is not None and looked.protected is None:
            looked = replace(looked, protected=0)
        rehearsal = rehearse(after, looked, windows, self._policy, now)
        if isinstance(rehearsal, Change) and not isinstance(decision, Wait):
            outcome.rehearsed = rehearsal
            if after.said != rehearsal.reason:
                after = replace(after, said=rehearsal.reason)
                entry = self._entry(rehearsal, "would have scaled", rehearsal.reason, now)
        outcome.record = self._kept(before, after, now, entry)
        outcome.words = list(outcome.record.untold)
        if isinstance(decision, Wait) and decision.overdue:
            outcome.words.append(Word(f"stuck-{after.withheld:%Y-%m-%dT%H:%M:%SZ}", decision.reason, now))
        return outcome

    def _failed(self, outcome: Outcome, error: BreakwaterError, now: datetime) -> Outcome:
        """A call did not work. The next wake-up tries again; after a while a person hears of it."""
        record = self._records.load(outcome.record.cluster, outcome.record.service)
        since = record.withheld or now
        outcome.record = self._kept(record, replace(record, withheld=since), now)
        outcome.words = list(outcome.record.untold)
        outcome.problem = error
        if now - since >= PATIENCE:
            outcome.words.append(Word(f"stuck-{since:%Y-%m-%dT%H:%M:%SZ}", redact(str(error)), now))
        return outcome

    def _withheld(self, outcome: Outcome, change: Change, found: Found, now: datetime) -> Outcome:
        """Mode observe: say once what would be done. What is out of its place because of us is for a person then."""
        before = outcome.record
        owed = any(held.ours != held.original for held in before.held.values())
        after = replace(before, claims=change.record.claims, said=change.reason)
        entry = None
        if before.said != change.reason:
            entry = self._entry(change, "would have scaled", change.reason, now)
        outcome.record = self._kept(before, after, now, entry)
        outcome.words = list(outcome.record.untold)
        outcome.rehearsed = change
        if owed and change.gives_back:
            reason = f"mode {self._allowed(found)} keeps Breakwater from giving back what it took: {change.reason}"
            outcome.words.append(Word(f"mode-{before.version}", reason, now))
        return outcome

    def _entry(self, decision: ScaleDecision, what: str, reason: str, now: datetime) -> Entry:
        record = decision.record
        evidence: dict[str, str | int] = {f"found_{knob}": held.original for knob, held in record.held.items()}
        if isinstance(decision, Change):
            evidence |= {f"set_{knob}": value for knob, value in decision.to.items()}
        return Entry(
            id=f"scale-{record.version}-{what.replace(' ', '-')}",
            at=now,
            automation=AUTOMATION,
            subject=Subject(SubjectKind.SERVICE, record.service, record.cluster),
            decision=what,
            reason=reason,
            evidence=evidence,
        )


def _busy(found: Found, reason: str | None) -> Found:
    """What was found, not to be changed now for this reason, if there is one."""
    if reason is None or found.snapshot is None:
        return found
    return replace(found, snapshot=replace(found.snapshot, unchangeable=reason))


def _differ(fresh: Found, before: Found) -> bool:
    """Whether the service is another than the one that was decided about."""
    if fresh.snapshot is None or before.snapshot is None or fresh.mode is not before.mode:
        return True
    return (fresh.snapshot.numbers(), fresh.snapshot.deployment) != (
        before.snapshot.numbers(),
        before.snapshot.deployment,
    )
