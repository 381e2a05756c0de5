"""Whose number is it? What a fair observer knows of a service's scale, and what Breakwater must not have done.

It reads nothing of Breakwater's: it is told who asked for what, when functions ran to their end or were cut off, and
each write to each number with its author. From that follows which number is whose:

- `theirs` is the last value that somebody other than Breakwater gave a number. It has to stand there in the end.
- A claim (a surge, a window) that was at work when somebody changed a number has no more say in it. A claim counts as
  at work once a function came to its end while it was active; of one that was cut off nobody outside can tell.
- A value that Breakwater had set, or was about to set, is nobody's for sure when somebody else sets it as well. Then
  both readings are allowed. Histories that keep everybody's values apart do without that allowance.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from breakwater.policies import SurgePolicy
from scaler.scale import Claim, ClaimKind, Knob

BOUNDS = (Knob.MINIMUM, Knob.MAXIMUM)


class ViolationError(AssertionError):
    """Breakwater did what it must not do."""


class Oracle:
    """The numbers of one service and their authors."""

    def __init__(self, numbers: Mapping[Knob, int], policy: SurgePolicy) -> None:
        self.policy = policy
        self.theirs = dict(numbers)
        self.ours: set[Knob] = set()
        self.twins: defaultdict[Knob, set[int]] = defaultdict(set)
        self.lost: defaultdict[Knob, frozenset[str]] = defaultdict(frozenset)
        self.unsure: defaultdict[Knob, frozenset[str]] = defaultdict(frozenset)
        self._found: defaultdict[Knob, set[int]] = defaultdict(set)
        self._also: set[int] = set()
        self._just_now = False
        self._hand: defaultdict[Knob, set[int]] = defaultdict(set)
        self._worked: set[str] = set()
        self._touched: set[str] = set()

    # ── what happens ────────────────────────────────────────────────────────────────────────────────────────────────
    def begins(self, numbers: Mapping[Knob, int], active: Iterable[Claim], *, nested: bool = False) -> None:
        """A function runs: from now on until its end any of these may be meant, and none is seen to be at work."""
        claims = list(active)
        self._just_now &= nested
        self._touched |= {claim.id for claim in claims}
        for knob, value in numbers.items():
            self._found[knob].add(self.theirs[knob])
            self._hand[knob] |= {value, *self._may_be_meant(knob, claims)}

    def ends(self, numbers: Mapping[Knob, int], active: Iterable[Claim]) -> None:
        """A function came to its end: what was there of claims is at work, and of other people's changes known."""
        working = {claim.id for claim in active}
        self._worked |= working
        if not self._just_now:
            self._found |= {knob: {value} for knob, value in self.theirs.items() if not self.twins[knob]}
        for knob in Knob:
            there = numbers.get(knob)
            self._hand[knob] = {there} if there is not None and (working or knob in self.ours) else set()

    def somebody(self, knob: Knob, value: int, numbers: Mapping[Knob, int], active: Iterable[Claim]) -> None:
        """Somebody else changes a number, or brings one that was not there."""
        ids = frozenset(claim.id for claim in active)
        if knob is Knob.DESIRED:
            self._also.clear()
        self._just_now = True
        to_our_bound = knob is Knob.DESIRED and value in {numbers.get(bound) for bound in self.ours if bound in BOUNDS}
        if to_our_bound or value in self._hand[knob]:
            self.unsure[knob] |= ids & self._touched
            self.twins[knob] |= {value, self.theirs.get(knob, value), *self._found[knob]}
            self.theirs.setdefault(knob, value)
            return
        self.lost[knob], self.unsure[knob] = ids & self._worked, (ids & self._touched) - self._worked
        self.theirs[knob] = value
        self._found[knob] |= self.twins[knob]
        self.twins[knob].clear()
        self.ours.discard(knob)

    def takes_away(self, knob: Knob) -> None:
        """A scalable target goes, and its bounds with it."""
        self.theirs.pop(knob, None)
        self.ours.discard(knob)
        self.twins[knob].clear()

    def breakwater(self, knob: Knob, value: int, numbers: Mapping[Knob, int], active: Iterable[Claim]) -> None:
        """Breakwater writes a number. Raises `ViolationError` if it is not its to write."""
        now, say = numbers[knob], self.say(knob, active)
        if value != now and not say and knob not in self.ours and not self.twins[knob]:
            raise ViolationError(f"{knob}: {now} was somebody's later change and becomes {value}")
        if not say and knob is Knob.DESIRED and value in self._within(numbers):
            self._also.add(value)  # given back within bounds that somebody set since
        self.ours.add(knob)
        self._hand[knob].add(value)

    def follows_our_bound(self, value: int, active: Iterable[Claim]) -> None:
        """Autoscaling brings the count to a bound that Breakwater has just set."""
        say = {claim.id for claim in self.say(Knob.DESIRED, active)}
        if self.twins[Knob.DESIRED]:
            self.twins[Knob.DESIRED].add(value)
        elif Knob.DESIRED in self.ours or say:
            self.ours.add(Knob.DESIRED)
            self._hand[Knob.DESIRED].add(value)
            if self.theirs.get(Knob.MINIMUM) == value or say & self.unsure[Knob.DESIRED]:
                self.twins[Knob.DESIRED].add(value)  # it would have done so without us
        else:  # nobody of ours has a say in the count: autoscaling has it in its hand
            self.theirs[Knob.DESIRED] = value
            self._also.clear()

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────────
    def say(self, knob: Knob, active: Iterable[Claim]) -> list[Claim]:
        """The claims that may have a say in a number."""
        return [claim for claim in active if claim.id not in self.lost[knob]]

    def check(self, numbers: Mapping[Knob, int], active: Iterable[Claim], *, held_up: bool, protected: int) -> None:
        """After a function that came to its end: every number is as the claims want it, or somebody's own.

        `held_up` says that nothing may be lowered now; then a number may still be above where it should be.
        """
        claims = list(active)
        for knob, value in numbers.items():
            expected = self._expected(knob, numbers, claims)
            if expected is None or value in expected:
                continue
            if value > min(expected) and (held_up or value <= protected):
                continue
            if knob is Knob.DESIRED and self._on_the_way(value, expected, numbers):
                continue
            if knob is not Knob.DESIRED and (held_up or protected):
                continue  # bounds that would cross wait for each other
            if self.say(knob, claims):
                raise ViolationError(f"{knob} is {value}; what is wanted makes it {sorted(expected)}")
            raise ViolationError(f"{knob} is not given back: {value}; theirs is {sorted(expected)}")
        if held_up or protected:
            return
        if Knob.MINIMUM in numbers:
            self._check_bounds(numbers, claims)
        if not claims:
            self._settled(numbers)

    def _settled(self, numbers: Mapping[Knob, int]) -> None:
        """All is given back: what stands there now is what the next claim finds."""
        self.theirs = dict(numbers)
        for kept in (self._found, self.ours, self.twins, self._also, self._hand):
            kept.clear()

    def _check_bounds(self, numbers: Mapping[Knob, int], claims: list[Claim]) -> None:
        """No bound of ours stands against a count that is somebody's: autoscaling would undo it in our name."""
        count, low, high = (numbers[knob] for knob in (Knob.DESIRED, *BOUNDS))
        meant = {claim.id for claim in self.say(Knob.DESIRED, claims)} | self.unsure[Knob.DESIRED]
        if self._just_now or meant or any(self.twins.values()) or Knob.DESIRED in self.ours:
            return
        if (count < low and low != self.theirs[Knob.MINIMUM]) or (count > high and high != self.theirs[Knob.MAXIMUM]):
            raise ViolationError(f"the bounds {low} and {high} stand against somebody's {count}")

    def _expected(self, knob: Knob, numbers: Mapping[Knob, int], active: list[Claim]) -> set[int] | None:
        """The values that may stand there, `None` if too much happened at once to tell."""
        if self.unsure[knob] & {claim.id for claim in active}:
            return None
        theirs, attached = self.theirs[knob], Knob.MINIMUM in numbers
        say = self.say(knob, active)
        if not say:
            within = self._within(numbers) | self._also if knob is Knob.DESIRED else set()
            return {theirs, *within, *self.twins[knob]}
        ids = {claim.id for claim in active}
        mixed = attached and any(self.twins[other] or ids & (self.lost[other] | self.unsure[other]) for other in Knob)
        if self.twins[knob] or self._also or mixed:
            return None  # who lost a say in one of three numbers that depend on each other
        surges = [claim for claim in say if claim.kind is ClaimKind.SURGE]
        if surges:
            most = min(max(claim.desired or 0 for claim in surges), self._cap())
            most = min(most, self.theirs.get(Knob.MAXIMUM, most))
            return {theirs if knob is Knob.MAXIMUM else max(theirs, most)}
        if any(claim.kind is ClaimKind.SURGE for claim in active):
            return {theirs}
        if attached and any(claim.desired is None for claim in say):
            return None
        return {max(_held_by(claim, theirs) for claim in say)}

    def _on_the_way(self, value: int, expected: set[int], numbers: Mapping[Knob, int]) -> bool:
        """Whether a count is between what is wanted and the bounds that stand there: nobody moves it further away."""
        if Knob.MINIMUM not in numbers:
            return False
        low, high = numbers[Knob.MINIMUM], numbers[Knob.MAXIMUM]
        return any(min(each, high) <= value <= max(each, low) for each in expected)

    def _cap(self) -> int:
        return min(self.policy.maximum_tasks, self.policy.maximum_factor * max(self.theirs[Knob.DESIRED], 1))

    def _within(self, numbers: Mapping[Knob, int]) -> set[int]:
        """The count that is to be given back, brought within the bounds that stand there."""
        due = {self.theirs[Knob.DESIRED], *self.twins[Knob.DESIRED]}
        if Knob.MINIMUM not in numbers:
            return set()
        low, high = ({numbers[knob], self.theirs[knob]} for knob in BOUNDS)
        lifted = {max(each, bound) for each in due for bound in low}
        return lifted | {min(each, bound) for each in due for bound in high}

    def _may_be_meant(self, knob: Knob, claims: list[Claim]) -> set[int]:
        """Every number that a function may be about to set."""
        wants = {value for claim in claims for value in (claim.desired, claim.minimum, claim.maximum)}
        return {*(value for value in wants if value is not None), self._cap(), *self.theirs.values()}


def _held_by(claim: Claim, theirs: int) -> int:
    """What one window makes of the count of a service without autoscaling."""
    if claim.desired is not None:
        return claim.desired
    lifted = theirs if claim.minimum is None else max(theirs, claim.minimum)
    return lifted if claim.maximum is None else min(lifted, claim.maximum)
