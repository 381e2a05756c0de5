"""Which numbers the active claims make of those that were found.

Surges compose by the maximum, on top of what was found, and while one is active no window applies. Windows that are
open together compose by the maximum as well: none of them stops what another keeps running. Without a claim the target
is what was found.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from breakwater.model import Mode
from breakwater.policies import SurgePolicy

from .scale import Claim, ClaimKind, Knob, ScaleRecord, Snapshot


@dataclass(frozen=True, slots=True)
class Targets:
    """The numbers as they should be, the ones that a claim wants, and what there is to say about them.

    `short_of` says why a number cannot be what it should be yet, although it is what it can be.
    """

    numbers: Mapping[Knob, int]
    claimed: frozenset[Knob]
    notes: tuple[str, ...] = ()
    short_of: str = ""


def at_work(claim: Claim, now: datetime) -> bool:
    """Whether a claim has a say now: it is its time, and it is not only rehearsed."""
    return claim.active(now) and claim.mode is Mode.ACT


def lowers(knob: Knob, now: int, then: int) -> bool:
    """Whether a change could take tasks away. A lower minimum alone takes none, yet it waits with the others."""
    return then < now


def targets(record: ScaleRecord, found: Snapshot, policy: SurgePolicy, now: datetime) -> Targets:
    """What each number should be now. A number that nobody holds or claims is as it is."""
    there = found.numbers()
    base = {knob: record.held[knob].original if knob in record.held else value for knob, value in there.items()}
    active = [claim for claim in record.claims if at_work(claim, now)]
    surges = [claim for claim in active if claim.kind is ClaimKind.SURGE]
    wanting = [_beside(claim, found.desired) for claim in surges or active]
    numbers, claimed, notes = _surged(base, wanting, policy) if surges else _windowed(base, wanting)
    ours = claimed | frozenset(record.held)
    if found.attached:
        _reconcile(numbers, claimed, ours, found.desired)
    return _spared(numbers, claimed, notes, found, ours)


def _beside(claim: Claim, count: int) -> Claim:
    """A claim whose bounds do not stand against the count, if that is not its own to set any more.

    Otherwise autoscaling would bring the count of whoever changed it to our bound, and undo the change in our name.
    """
    if Knob.DESIRED not in claim.lost:
        return claim
    low = claim.minimum if claim.desired is None else claim.desired
    high = claim.maximum if claim.desired is None else claim.desired
    return replace(
        claim,
        desired=None,
        minimum=None if low is None else min(low, count),
        maximum=None if high is None else max(high, count),
    )


def _reconcile(numbers: dict[Knob, int], claimed: frozenset[Knob], ours: frozenset[Knob], now: int) -> None:
    """Make the three numbers fit each other by moving only those that are ours.

    What was found is given back as it was, also where the count lay outside of its bounds; only bounds that are not
    ours to give back are somebody's later word, and the count keeps to them.
    """
    low, high = numbers[Knob.MINIMUM], numbers[Knob.MAXIMUM]
    if low > high:  # a claim gives way to what was found, and that to what somebody set since
        yields = {knob: (knob in ours) + (knob in claimed) for knob in (Knob.MINIMUM, Knob.MAXIMUM)}
        low, high = (low, low) if yields[Knob.MINIMUM] < yields[Knob.MAXIMUM] else (high, high)
    desired = numbers[Knob.DESIRED]
    if Knob.DESIRED in claimed:  # never beyond the bounds, yet what is outside of them is not brought in
        desired = min(desired, max(high, now)) if desired > now else max(desired, min(low, now))
    elif Knob.DESIRED in ours and desired != now:
        desired = desired if Knob.MAXIMUM in ours else min(desired, high)
        desired = desired if Knob.MINIMUM in ours else max(desired, low)
    numbers |= {Knob.MINIMUM: low, Knob.MAXIMUM: high, Knob.DESIRED: desired}


Composed = tuple[dict[Knob, int], frozenset[Knob], tuple[str, ...]]


def _surged(base: Mapping[Knob, int], surges: Sequence[Claim], policy: SurgePolicy) -> Composed:
    """At least as many tasks as the largest surge wants, within what the policy and the autoscaling maximum allow.

    The minimum is raised with it, or autoscaling would take the tasks away again. The maximum is never raised: it is
    somebody's limit on cost or on a database, and a surge that runs into it says so.
    """
    numbers, claimed, notes = dict(base), set[Knob](), list[str]()
    for knob in (Knob.MINIMUM, Knob.DESIRED):
        counts = [claim.desired or claim.minimum or 0 for claim in surges if knob not in claim.lost]
        if knob not in base or not counts:
            continue
        claimed.add(knob)
        most = max(counts)
        cap = min(policy.maximum_tasks, policy.maximum_factor * max(base[Knob.DESIRED], 1))
        if most > cap:
            notes.append(f"{most} is more than the policy allows: {cap}")
        if Knob.MAXIMUM in base and min(most, cap) > base[Knob.MAXIMUM]:
            cap = base[Knob.MAXIMUM]
            notes.append(f"{most} is more than autoscaling's maximum of {cap}")
        numbers[knob] = max(base[knob], min(most, cap))
    return numbers, frozenset(claimed), tuple(dict.fromkeys(notes))


def _windowed(base: Mapping[Knob, int], windows: Iterable[Claim]) -> Composed:
    """A count is exact: with autoscaling attached both bounds become it. Bounds are bounds, also of the count."""
    numbers, claimed = dict(base), set[Knob]()
    for knob, value in base.items():
        wants = [_wanted(claim, knob, value) for claim in windows if knob not in claim.lost]
        if wants:
            numbers[knob] = max(wants)
            claimed.add(knob)
    return numbers, frozenset(claimed), ()


def _wanted(claim: Claim, knob: Knob, value: int) -> int:
    """What one window makes of one number."""
    if claim.desired is not None:
        return claim.desired
    low, high = claim.minimum, claim.maximum
    if knob is Knob.MINIMUM and low is not None:
        return low
    if knob is Knob.MAXIMUM and high is not None:
        return high
    lifted = value if low is None else max(value, low)
    return lifted if high is None else min(lifted, high)


def _spared(
    numbers: dict[Knob, int], claimed: frozenset[Knob], notes: tuple[str, ...], found: Snapshot, ours: frozenset[Knob]
) -> Targets:
    """Never fewer tasks than are protected: whether ECS itself would spare them in a change by hand is not written."""
    wanted = numbers[Knob.DESIRED]
    floor = min(found.protected or 0, found.desired)
    if wanted >= floor:
        return Targets(numbers, claimed, notes)
    numbers[Knob.DESIRED] = floor
    if Knob.MAXIMUM in ours and Knob.MAXIMUM in numbers:
        numbers[Knob.MAXIMUM] = max(numbers[Knob.MAXIMUM], floor)
    text = f"{floor} tasks are protected from scale-in, so {wanted} has to wait"
    return Targets(numbers, claimed, (*notes, text), text)
