"""What to do about the scale of one service: the same question at every wake-up, and the same answer twice.

A manual start or end, a schedule, a window and the sweep all end here, with a record, a fresh snapshot and the time.
One answer is one step; whoever asks again after it, also after having been killed halfway, gets the next.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from breakwater.model import Mode
from breakwater.policies import SurgePolicy

from .scale import Claim, ClaimKind, Held, Knob, ScaleRecord, Snapshot, Word, said
from .targets import Targets, at_work, lowers, targets

PATIENCE = timedelta(minutes=30)
"""How long a change may be held up before a person hears of it."""
MISSED = timedelta(days=1)
"""How long a service may be missing before what is held of it is forgotten."""


@dataclass(frozen=True, slots=True)
class Change:
    """Keep `record`, which has the intent, then set the numbers in this order. `gives_back` if that ends the lease."""

    record: ScaleRecord
    to: Mapping[Knob, int]
    reason: str
    gives_back: bool


@dataclass(frozen=True, slots=True)
class KeepTheirs:
    """Somebody else changed numbers that we held: theirs stay. `tell` if a person should know."""

    record: ScaleRecord
    theirs: Mapping[Knob, int]
    reason: str
    tell: bool


@dataclass(frozen=True, slots=True)
class LookForProtected:
    """Before the desired count is lowered, somebody has to count the protected tasks."""

    record: ScaleRecord
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A change is due and something stands in its way. `overdue` if a person should know."""

    record: ScaleRecord
    reason: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class Rest:
    """The service is as the claims want it."""

    record: ScaleRecord
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is held and nobody wants anything: the record can go."""

    record: ScaleRecord
    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The service is gone, and with it what was to be given back."""

    record: ScaleRecord
    reason: str


ScaleDecision = Change | KeepTheirs | LookForProtected | Wait | Rest | Done | Lost


def decide_scale(
    record: ScaleRecord, found: Snapshot | None, claims: Iterable[Claim], policy: SurgePolicy, now: datetime
) -> ScaleDecision:
    """The next step for one service. `claims` are the windows that are open; surges are in the record.

    `found` is `None` if the service does not exist any more.
    """
    record = _with_claims(record, claims, policy, now)
    if found is None:
        return _missing(record, now)
    if found.fixed:  # a window's pattern may match one: there is nothing to do, and nothing to say
        return Done(replace(record, claims=(), held={}), f"{record.key} is left alone: {found.fixed}")
    record, theirs = _assessed(replace(record, missing=None), found, now)
    if theirs:
        return _keep(record, theirs, found, now)
    record = _holding(_begun(record, found, now), found, now)
    wanted = targets(record, found, policy, now)
    moves = {knob: value for knob, value in wanted.numbers.items() if value != found.numbers()[knob]}
    if not moves:
        return _at_rest(record, found, wanted, now)
    return _move(record, found, wanted, moves, now)


def rehearse(
    record: ScaleRecord, found: Snapshot | None, claims: Iterable[Claim], policy: SurgePolicy, now: datetime
) -> ScaleDecision:
    """The same if every claim could act: what mode observe announces."""
    acting = replace(policy, mode=Mode.ACT)
    return decide_scale(record, found, [replace(claim, mode=Mode.ACT) for claim in claims], acting, now)


def _missing(record: ScaleRecord, now: datetime) -> Wait | Lost:
    """One answer without the service proves little: ECS is eventually consistent. A day of them does."""
    since = record.missing or now
    if now - since < MISSED:
        return Wait(replace(record, missing=since), f"{record.key} cannot be found at the moment", overdue=False)
    return Lost(
        replace(record, claims=(), held={}), f"{record.key} has not been there for a day: there is nothing to give back"
    )


# ── the claims, and whose the numbers are ───────────────────────────────────────────────────────────────────────────
def _with_claims(record: ScaleRecord, open_now: Iterable[Claim], policy: SurgePolicy, now: datetime) -> ScaleRecord:
    """The record with the claims of this moment: over is over, a window is what the policy says now."""
    known = {claim.id: claim for claim in record.claims}
    surges = [
        replace(claim, mode=policy.mode)
        for claim in record.claims
        if claim.kind is ClaimKind.SURGE and claim.until > now
    ]
    windows = [
        replace(claim, lost=known[claim.id].lost, begun=known[claim.id].begun) if claim.id in known else claim
        for claim in open_now
        if claim.active(now)
    ]
    return replace(record, claims=(*surges, *windows))


def _assessed(record: ScaleRecord, found: Snapshot, now: datetime) -> tuple[ScaleRecord, dict[Knob, tuple[Held, int]]]:
    """What of the held numbers still stands there; the others are somebody else's now, for as long as the claims last
    that were at work when they were changed.

    A scalable target that somebody took away took its bounds with it; one that comes later is none of their business.
    """
    there = found.numbers()
    held: dict[Knob, Held] = {}
    theirs: dict[Knob, tuple[Held, int]] = {}
    gone: set[Knob] = set()
    for knob, ours in record.held.items():
        if knob not in there:
            gone.add(knob)
        elif ours.is_ours(there[knob]):
            held[knob] = replace(ours, ours=there[knob], before=None)  # it happened, or it did not
        elif knob is Knob.DESIRED and _brought_to_a_bound(record, ours, found):
            held[knob] = replace(ours, before=there[knob])
        else:
            theirs[knob] = (ours, there[knob])
    lost = gone.union(theirs)
    claims = tuple(replace(claim, lost=claim.lost | lost) if claim.begun else claim for claim in record.claims)
    return replace(record, held=held, claims=claims), theirs


def _brought_to_a_bound(record: ScaleRecord, count: Held, found: Snapshot) -> bool:
    """Whether autoscaling followed a bound that we set on our way to the count, which is still to be set."""
    low, high = record.held.get(Knob.MINIMUM), record.held.get(Knob.MAXIMUM)
    if count.before is None:
        return False
    up = low is not None and low.ours == found.minimum and count.before < found.desired == found.minimum
    down = high is not None and high.ours == found.maximum and count.before > found.desired == found.maximum
    return up or down


def _keep(record: ScaleRecord, theirs: Mapping[Knob, tuple[Held, int]], found: Snapshot, now: datetime) -> KeepTheirs:
    """Whose change it was is not known: a count within the bounds of autoscaling is autoscaling's business."""
    changed = {knob: pair for knob, pair in theirs.items() if pair[0].ours != pair[0].original}
    within = found.minimum is not None and found.maximum is not None and found.minimum <= found.desired <= found.maximum
    by_hand = {knob for knob in changed if not (within and knob is Knob.DESIRED)}
    parts = [
        f"{knob} is {there}, not {ours.ours} as it was set (found: {ours.original})"
        for knob, (ours, there) in theirs.items()
    ]
    who = "somebody" if by_hand or not within else "autoscaling or somebody"
    reason = f"{'; '.join(parts)}: {who} changed it, so it is kept and will not be given back"
    if by_hand:
        record = replace(record, untold=(*record.untold, Word(f"kept-{record.version}", reason, now)))
    return KeepTheirs(
        record,
        {knob: there for knob, (_, there) in theirs.items()},
        reason,
        tell=bool(by_hand),
    )


# ── the next step ───────────────────────────────────────────────────────────────────────────────────────────────────
def _begun(record: ScaleRecord, found: Snapshot, now: datetime) -> ScaleRecord:
    """The record with the claims that begin to work now. Bounds that come later than a claim are not its business."""
    none = frozenset[Knob]() if found.attached else frozenset({Knob.MINIMUM, Knob.MAXIMUM})
    claims = tuple(
        replace(claim, begun=True, lost=claim.lost | none) if at_work(claim, now) and not claim.begun else claim
        for claim in record.claims
    )
    return replace(record, claims=claims)


def _holding(record: ScaleRecord, found: Snapshot, now: datetime) -> ScaleRecord:
    """Hold every number that an active claim has a say in, also one that is as it should be.

    Otherwise somebody who changes it later would be overruled in the name of the claim.
    """
    fresh = {
        knob: Held(value, value)
        for knob, value in found.numbers().items()
        if knob not in record.held and any(at_work(claim, now) and knob not in claim.lost for claim in record.claims)
    }
    return replace(record, held={**record.held, **fresh}) if fresh else record


def _at_rest(record: ScaleRecord, found: Snapshot, wanted: Targets, now: datetime) -> Wait | Rest | Done:
    if wanted.short_of:
        return _wait(record, wanted.short_of, now)
    record = replace(record, withheld=None)
    if any(at_work(claim, now) for claim in record.claims):
        return Rest(record, f"{record.key} is as {_who(record, now)} wants it: {said(found.numbers().items())}")
    record = replace(record, held={})
    if record.empty:
        return Done(record, f"{record.key} is as it was found: {said(found.numbers().items())}")
    return Rest(record, "nothing is held, and what is planned has not begun")


def _move(
    record: ScaleRecord, found: Snapshot, wanted: Targets, moves: Mapping[Knob, int], now: datetime
) -> ScaleDecision:
    """Raise at once, lower when nothing stands in the way: as Application Auto Scaling does in a deployment."""
    there = found.numbers()
    if found.unchangeable:
        return _wait(record, found.unchangeable, now)
    down = {knob for knob, value in moves.items() if lowers(knob, there[knob], value)}
    if down and found.deployment:
        up = {knob: value for knob, value in moves.items() if knob not in down}
        if not up or not _fits(up, there):
            reason = f"{said(moves.items())} has to wait: deployment {found.deployment} is in progress"
            return _wait(record, reason, now)
        moves = up
    elif Knob.DESIRED in down and found.protected is None:
        return LookForProtected(record, f"{record.key} is to go from {found.desired} to {moves[Knob.DESIRED]} tasks")
    held = {
        knob: replace(record.held[knob], ours=moves[knob], before=there[knob]) if knob in moves else record.held[knob]
        for knob in record.held
    }
    ordered = {knob: moves[knob] for knob in Knob if knob in moves}
    gives_back = not wanted.claimed
    why = "nobody wants it otherwise any more" if gives_back else f"{_who(record, now)} wants it"
    change = ", ".join(f"{knob} from {there[knob]} to {value}" for knob, value in ordered.items())
    notes = "".join(f"; {note}" for note in wanted.notes)
    return Change(replace(record, held=held), ordered, f"{change}: {why}{notes}", gives_back)


def _fits(up: Mapping[Knob, int], there: Mapping[Knob, int]) -> bool:
    """Whether bounds would still be bounds if only this part were set."""
    after = {**there, **up}
    return Knob.MINIMUM not in after or after[Knob.MINIMUM] <= after[Knob.MAXIMUM]


def _wait(record: ScaleRecord, reason: str, now: datetime) -> Wait:
    since = record.withheld or now
    return Wait(replace(record, withheld=since), reason, overdue=now - since >= PATIENCE)


def _who(record: ScaleRecord, now: datetime) -> str:
    active = [claim for claim in record.claims if at_work(claim, now)]
    return " and ".join(f"{claim.kind} {claim.id.removeprefix('window:')}" for claim in active) or "nobody"
