"""The oracle of the histories can fail: each way to be wrong here is found in a few hundred of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from scaler import decision, reconcile, targets
from scaler.decision import Change, Done, LookForProtected, Wait
from scaler.scale import Held, Knob
from tests.fakes.scaler_lives import live
from tests.fakes.scaler_oracle import ViolationError

ENOUGH = 1_500
Wrong = Callable[[Callable[..., Any]], Callable[..., Any]]


def it_never_compares(real: Callable[..., Any]) -> Callable[..., Any]:
    """It takes whatever stands there for its own."""

    def wrong(record: Any, found: Any, now: Any) -> Any:
        there = found.numbers()
        held = {knob: replace(ours, ours=there[knob]) for knob, ours in record.held.items() if knob in there}
        return replace(record, held=held), {}

    return wrong


def it_never_gives_back(real: Callable[..., Any]) -> Callable[..., Any]:
    """It only ever raises."""

    def wrong(record: Any, found: Any, policy: Any, now: Any) -> Any:
        wanted, there = real(record, found, policy, now), found.numbers()
        return replace(wanted, numbers={knob: max(value, there[knob]) for knob, value in wanted.numbers.items()})

    return wrong


def a_claim_never_begins(real: Callable[..., Any]) -> Callable[..., Any]:
    """So it never loses its say, and raises again what somebody lowered."""
    return lambda record, found, now: record


def it_forgets_what_it_meant(real: Callable[..., Any]) -> Callable[..., Any]:
    """After a kill between the intent and the call, what stands there counts as somebody's."""

    def wrong(self: Held, observed: int) -> bool:
        return observed == self.ours

    return wrong


def it_holds_what_it_set_itself(real: Callable[..., Any]) -> Callable[..., Any]:
    """The second of two surges takes the first one's number for what was found."""

    def wrong(record: Any, found: Any, now: Any) -> Any:
        held = real(record, found, now)
        busy = len([claim for claim in held.claims if claim.active(now)]) > 1
        there = found.numbers()
        return replace(held, held={k: replace(h, original=there[k]) for k, h in held.held.items()}) if busy else held

    return wrong


def surges_add_up(real: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(base: Any, surges: Any, policy: Any) -> Any:
        numbers, claimed, notes = real(base, surges, policy)
        more = 2 if len(surges) > 1 else 0
        return {k: v + more if k is Knob.DESIRED else v for k, v in numbers.items()}, claimed, notes

    return wrong


def the_last_surge_wins(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda base, surges, policy: real(base, surges[-1:], policy)


def a_surge_does_not_know_its_limits(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda base, surges, policy: real(base, surges, replace(policy, maximum_tasks=999, maximum_factor=99))


def the_minimum_is_not_raised(real: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(base: Any, surges: Any, policy: Any) -> Any:
        numbers, claimed, notes = real(base, surges, policy)
        kept = {Knob.MINIMUM: base[Knob.MINIMUM]} if Knob.MINIMUM in base else {}
        return {**numbers, **kept}, claimed, notes

    return wrong


def the_maximum_is_raised(real: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(base: Any, surges: Any, policy: Any) -> Any:
        numbers, claimed, notes = real(base, surges, policy)
        if Knob.MAXIMUM in numbers:
            numbers[Knob.MAXIMUM] += 2
        return numbers, claimed, notes

    return wrong


def a_window_is_a_surge(real: Callable[..., Any]) -> Callable[..., Any]:
    """It never makes a service smaller."""

    def wrong(claim: Any, knob: Any, value: int) -> int:
        return max(int(real(claim, knob, value)), value)

    return wrong


def bounds_stand_against_people(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda claim, count: claim


def deployments_are_not_seen(real: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(record: Any, found: Any, *rest: Any) -> Any:
        return real(record, replace(found, deployment=None), *rest)

    return wrong


def nobody_is_protected(real: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(record: Any, found: Any, *rest: Any) -> Any:
        return real(record, found and replace(found, protected=0), *rest)

    return wrong


def what_is_over_goes_on(real: Callable[..., Any]) -> Callable[..., Any]:
    """A surge lasts ten minutes longer than it was asked for."""

    def wrong(record: Any, open_now: Any, policy: Any, now: datetime) -> Any:
        kept = real(record, open_now, policy, now - timedelta(minutes=10))
        on = tuple(replace(claim, until=max(claim.until, now + timedelta(seconds=1))) for claim in kept.claims)
        return replace(kept, claims=on)

    return wrong


def it_waits_for_ever(real: Callable[..., Any]) -> Callable[..., Any]:
    """It does not lower a service that is large."""

    def wrong(*given: Any) -> Any:
        step = real(*given)
        if isinstance(step, Change) and step.gives_back and step.to.get(Knob.DESIRED, 9) < 3:
            return Wait(step.record, "later", overdue=False)
        return step

    return wrong


def it_is_done_too_early(real: Callable[..., Any]) -> Callable[..., Any]:
    """A change that has to wait is forgotten."""

    def wrong(*given: Any) -> Any:
        step = real(*given)
        over = isinstance(step, Wait | LookForProtected) and not step.record.claims
        return Done(replace(step.record, held={}), "enough") if over else step

    return wrong


def once_missing_is_gone(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda record, now: real(replace(record, missing=record.missing and now), now) and _gone(record)


def _gone(record: Any) -> Any:
    return decision.Lost(replace(record, claims=(), held={}), "gone")


def it_does_not_look_again(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda fresh, before: False


def it_does_not_hold_on(real: Callable[..., Any]) -> Callable[..., Any]:
    """A surge that was ended elsewhere in the instant of a write leaves the number behind."""
    return lambda self, intent, done, now: None


def it_writes_before_it_says_so(real: Callable[..., Any]) -> Callable[..., Any]:
    """The intent comes after the deed."""

    def wrong(self: Any, record: Any, change: Any, found: Any, now: Any) -> Any:
        self._services.set(record.cluster, record.service, change.to)
        self._records.save(change.record, now)

    return wrong


MUTANTS: list[tuple[Any, str, Wrong]] = [
    (decision, "_assessed", it_never_compares),
    (decision, "targets", it_never_gives_back),
    (decision, "_begun", a_claim_never_begins),
    (Held, "is_ours", it_forgets_what_it_meant),
    (decision, "_holding", it_holds_what_it_set_itself),
    (targets, "_surged", surges_add_up),
    (targets, "_surged", the_last_surge_wins),
    (targets, "_surged", a_surge_does_not_know_its_limits),
    (targets, "_surged", the_minimum_is_not_raised),
    (targets, "_surged", the_maximum_is_raised),
    (targets, "_wanted", a_window_is_a_surge),
    (targets, "_beside", bounds_stand_against_people),
    (decision, "_move", deployments_are_not_seen),
    (reconcile, "decide_scale", nobody_is_protected),
    (decision, "_with_claims", what_is_over_goes_on),
    (reconcile, "decide_scale", it_waits_for_ever),
    (reconcile, "decide_scale", it_is_done_too_early),
    (decision, "_missing", once_missing_is_gone),
    (reconcile, "_differ", it_does_not_look_again),
    (reconcile.Reconciler, "_hold_on", it_does_not_hold_on),
    (reconcile.Reconciler, "_act", it_writes_before_it_says_so),
]


def _live_many() -> None:
    for seed in range(ENOUGH):
        live(seed)


@pytest.mark.parametrize(
    ("place", "name", "wrong"), [pytest.param(*mutant, id=mutant[2].__name__) for mutant in MUTANTS]
)
def test_the_oracle_finds_a_scaler_that_is_wrong(
    place: Any, name: str, wrong: Wrong, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, wrong(getattr(place, name)))
    with pytest.raises(ViolationError):
        _live_many()
