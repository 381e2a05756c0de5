"""Should this service go back to its last known good revision? Pure: the rules of the rollback guard, in their order.

Evidence first (breakwater.evidence), then whether going back would help, then whether it may be done, and by whom.
What is decided is the same in `observe` and `act`; only the shell knows the difference.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from breakwater.evidence import Question, Weighed
from breakwater.ledger import KnownGood
from breakwater.model import Mode
from breakwater.policies import GuardPolicy

from . import words
from .answers import Hold, HoldKind, How, Inspect, RollBack, RollbackDecision, StandDown, StandDownKind, Watch
from .case import Case, case_of
from .picture import TOLD_BY, Picture, RolloutState, Target, Unreadable, short

FRESH = timedelta(seconds=30)
"""An action needs counts at most so old. Older ones may delay it, never cause it."""

TARGETS_AT_MOST = 3
BUDGET_WINDOW = timedelta(hours=24)
OUTSIDE_AT_LEAST = 3

_UNDER_WAY = frozenset({"PENDING", "IN_PROGRESS"})
_GOING_BACK = frozenset({"STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})


def decide_rollback(picture: Picture | Unreadable, policy: GuardPolicy, now: datetime) -> RollbackDecision:
    """Decide what to do about a service whose tasks fail."""
    if isinstance(picture, Unreadable):
        return Hold(HoldKind.UNREADABLE, f"Nothing is decided about {picture.service}: {picture.problem}.")
    case = case_of(picture, policy, now)
    found = next((answer for check in _CHECKS if (answer := check(case)) is not None), None)
    return found if found is not None else _go_back(case)


# ── Is it ours, and is it enough? ─────────────────────────────────────────────────────────────────────────────────────


def _off(case: Case) -> RollbackDecision | None:
    picture = case.picture
    if case.policy.mode is Mode.OFF:
        return StandDown(StandDownKind.OFF, f"The rollback guard is off for {picture.service}.")
    if not picture.active or picture.desired == 0:
        return StandDown(StandDownKind.OFF, f"{picture.service} is not active, or wants no tasks.")
    return None


def _settled(case: Case) -> RollbackDecision | None:
    """Rule 3: failures count during the rollout and for a window after COMPLETED."""
    primary = case.picture.primary
    if primary.state is not RolloutState.COMPLETED:
        return None
    completed = primary.completed_at or primary.created_at
    minutes = case.policy.watch_minutes
    if case.now <= completed + timedelta(minutes=minutes):
        return None
    return StandDown(
        StandDownKind.SETTLED,
        f"{case.bad} COMPLETED at {words.clock(completed)}; failures count against it for {minutes} minutes.",
    )


def _not_enough(case: Case) -> RollbackDecision | None:
    """Rules 1, 2 and 4: what lies outside the revision never votes, but people hear of it."""
    if case.alone.enough:
        return None
    if _mostly_outside(case):
        return Hold(HoldKind.WOULD_NOT_HELP, words.outside(case), case.weighed)
    if case.going_back and case.picture.primary.state is RolloutState.IN_PROGRESS:
        return _on_its_way(case)
    return Watch(words.not_enough(case), case.weighed)


# ── Would it help? ────────────────────────────────────────────────────────────────────────────────────────────────────


def _foreign_controller(case: Case) -> RollbackDecision | None:
    controller = case.picture.controller
    if controller == "ECS":
        return None
    text = f"{words.evidence(case)} The deployment controller is {controller}: ECS refuses a rollback from outside it."
    return Hold(HoldKind.CONTROLLER, text, case.weighed)


def _rollback_itself(case: Case) -> RollbackDecision | None:
    """Rule 6: a rollback that fails is not rolled back."""
    if not case.going_back:
        return None
    text = f"{words.evidence(case)} It is itself a rollback, and those are not rolled back. It did not help."
    return Hold(HoldKind.ROLLBACK_OF_ROLLBACK, text, case.weighed)


def _quarantined(case: Case) -> RollbackDecision | None:
    """Rule 6: one automatic rollback for each bad revision; whoever deploys it again wants it."""
    ledger, primary = case.picture.ledger, case.picture.primary
    past = next((past for past in ledger.rollbacks if past.bad == primary.revision), None)
    if past is None and primary.revision not in ledger.refused:
        return None
    if past is not None and past.fence == primary.id:
        text = f"{words.evidence(case)} Its rollback was tried already, and it is {past.state}."
        return Hold(HoldKind.TRIED, text, case.weighed)
    text = f"{words.evidence(case)} It was rolled back before and was deployed again: that is not fought."
    return Hold(HoldKind.QUARANTINED, text, case.weighed)


def _old_fails_too(case: Case) -> RollbackDecision | None:
    """Rule 4: the old revision is the control group. One that fails far less only has to be outweighed."""
    if case.weighed.enough:
        return None
    if not case.old_is_comparable:
        return Watch(words.not_enough(case), case.weighed)
    return Hold(HoldKind.WOULD_NOT_HELP, words.old_fails_too(case), case.weighed)


def _old_is_missing(case: Case) -> RollbackDecision | None:
    """Where old tasks are missing, wait for what they have to say: that they failed too is told once they STOPPED."""
    first = case.picture.own.first_at
    certain = case.weighed.question is Question.CERTAIN
    if certain or not case.old_is_missing or first is None or case.now >= first + TOLD_BY:
        return None
    return Watch(words.old_is_missing(case), case.weighed)


def _old_is_unheard(case: Case) -> RollbackDecision | None:
    """Exit codes alone are too fast for a small service. The next event, STOPPED at the latest, brings it up again."""
    return Watch(words.old_is_unheard(case), case.weighed) if case.old_is_unheard else None


def _cause_outside(case: Case) -> RollbackDecision | None:
    return Hold(HoldKind.WOULD_NOT_HELP, words.outside(case), case.weighed) if _mostly_outside(case) else None


def _mostly_outside(case: Case) -> bool:
    own = case.picture.own
    return own.outside >= OUTSIDE_AT_LEAST and own.outside >= own.failures


def _ran_well_before(case: Case) -> RollbackDecision | None:
    """A revision that was good in an earlier deployment is not what has changed."""
    primary = case.picture.primary
    before = [
        good
        for good in case.picture.ledger.known_good
        if good.revision == primary.revision and good.since < primary.created_at
    ]
    if not before:
        return None
    text = (
        f"{words.evidence(case)} The same revision ran well before ({words.clock(before[0].since)}): what has changed "
        "is not the revision, so another one would not help."
    )
    return Hold(HoldKind.WOULD_NOT_HELP, text, case.weighed)


# ── Who does it? ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _platform_goes_back(case: Case) -> RollbackDecision | None:
    """A rollback whose own tasks are what fails is no longer on its way: the next check has it."""
    deployment = case.picture.service_deployment
    return _on_its_way(case) if not case.arrived and deployment and deployment.status in _GOING_BACK else None


def _on_its_way(case: Case) -> StandDown:
    deployment = case.picture.service_deployment
    to = short(deployment.rollback_to) if deployment and deployment.rollback_to else case.bad
    text = f"{case.picture.service} is on its way back to {to} already; its outcome will be verified."
    return StandDown(StandDownKind.ON_ITS_WAY, text)


def _platform_sees_it(case: Case) -> RollbackDecision | None:
    """Rule 7: where native rollback is on and can see the failure (`Case.breaker_keeps_up`), stand down and verify."""
    picture, deployment = case.picture, case.picture.service_deployment
    if deployment is None or deployment.status not in _UNDER_WAY:
        return None
    if picture.alarms.enable and picture.alarms.rollback and deployment.triggered_alarms:
        names = ", ".join(deployment.triggered_alarms)
        return StandDown(
            StandDownKind.NATIVE, f"{words.evidence(case)} Alarm {names} is on, so ECS rolls back by itself."
        )
    if not (picture.breaker.enable and picture.breaker.rollback):
        return None
    counted, threshold = deployment.breaker_failures, deployment.breaker_threshold
    keeps_up = deployment.breaker_status == "MONITORING" and case.breaker_keeps_up(counted)
    if deployment.breaker_status == "TRIGGERED" or keeps_up:
        text = f"{words.evidence(case)} ECS's circuit breaker is at {counted} of {threshold} and rolls back by itself."
        return StandDown(StandDownKind.NATIVE, text)
    return None


# ── May it be done, and where to? ─────────────────────────────────────────────────────────────────────────────────────


def _stale(case: Case) -> RollbackDecision | None:
    age = case.now - case.picture.read_at
    if age <= FRESH:
        return None
    return Hold(
        HoldKind.STALE,
        f"{words.evidence(case)} But the counts are {age.total_seconds():.0f} s old, too old to act on.",
        case.weighed,
    )


def _nowhere_to_go(case: Case) -> RollbackDecision | None:
    if case.candidates:
        return None
    text = f"{words.evidence(case)} There is no other revision that is known good, so there is nothing to go back to."
    return Hold(HoldKind.NO_TARGET, text, case.weighed)


def _budget(case: Case) -> RollbackDecision | None:
    done = sum(case.now - past.at < BUDGET_WINDOW for past in case.picture.ledger.rollbacks)
    if done < case.policy.budget:
        return None
    text = f"{words.evidence(case)} But {done} of {case.policy.budget} automatic rollbacks in 24 hours are used up."
    return Hold(HoldKind.BUDGET, text, case.weighed)


def _halted(case: Case) -> RollbackDecision | None:
    if not case.policy.halted:
        return None
    return Hold(HoldKind.HALTED, f"{words.evidence(case)} But the rollback guard is halted.", case.weighed)


def _inspect(case: Case) -> RollbackDecision | None:
    if case.picture.targets is not None:
        return None
    candidates = tuple(good.revision for good in case.candidates[:TARGETS_AT_MOST])
    return Inspect(candidates, f"{words.evidence(case)} Is {short(candidates[0])} still there?", case.weighed)


def _go_back(case: Case) -> RollbackDecision:
    picture = case.picture
    looked_at = {target.revision: target for target in picture.targets or ()}
    usable = next(
        (
            (good, target)
            for good in case.candidates
            if (target := looked_at.get(good.revision)) is not None and target.usable
        ),
        None,
    )
    if usable is None:
        text = (
            f"{words.evidence(case)} But no known good revision can be used: {words.unusable(picture.targets or ())}."
        )
        return Hold(HoldKind.NO_TARGET, text, case.weighed)
    good, target = usable
    unshared = case.weigh_without(target.shares)
    if not unshared.enough:
        return Hold(HoldKind.WOULD_NOT_HELP, words.shared(case, target), unshared)
    return _by_which_call(case, good, target, unshared)


def _by_which_call(case: Case, good: KnownGood, target: Target, weighed: Weighed) -> RollbackDecision:
    """Rule 5: StopServiceDeployment goes where the platform likes; it is used where that is the ledger's target."""
    picture, deployment = case.picture, case.picture.service_deployment
    under_way = deployment is not None and deployment.status in _UNDER_WAY
    same = picture.platform_target == good.revision
    if under_way and not same and picture.strategy != "ROLLING":
        where = short(picture.platform_target) if picture.platform_target else "an unknown revision"
        text = (
            f"{words.evidence(case)} In the middle of a {picture.strategy} deployment only ECS can go back, and it "
            f"would go to {where}, which is not the last known good ({short(good.revision)})."
        )
        return Hold(HoldKind.NO_TARGET, text, weighed)
    stop = deployment is not None and under_way and same
    return RollBack(
        to=good,
        bad=picture.primary.revision,
        how=How.STOP_DEPLOYMENT if stop else How.UPDATE_SERVICE,
        fence=picture.primary.id,
        weighed=weighed,
        reason=f"{words.evidence(case)} {short(good.revision)} is known good since {words.clock(good.since)}.",
        service_deployment=deployment.arn if stop and deployment is not None else None,
        caveats=words.caveats(case, target),
    )


_CHECKS: tuple[Callable[[Case], RollbackDecision | None], ...] = (
    _off,
    _settled,
    _not_enough,
    _foreign_controller,
    _platform_goes_back,
    _rollback_itself,
    _quarantined,
    _old_fails_too,
    _old_is_missing,
    _old_is_unheard,
    _cause_outside,
    _ran_well_before,
    _platform_sees_it,
    _nowhere_to_go,
    _budget,
    _halted,
    _stale,
    _inspect,
)
