"""Should this service go back to its last known good revision? Pure: the rules of the rollback guard, in their order.

Evidence first (breakwater.evidence), then whether going back would help, then whether it may be done, and by whom.
What is decided is the same in `observe` and `act`; only the shell knows the difference.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from breakwater.evidence import Question, Weighed
from breakwater.model import Mode
from breakwater.policies import GuardPolicy

from . import words
from .case import Case, case_of
from .picture import KnownGood, Picture, RolloutState, Target, Unreadable, short

FRESH = timedelta(seconds=30)
"""An action needs counts at most so old. Older ones may delay it, never cause it."""

HEAR_THE_OLD = timedelta(seconds=20)
"""From a first failure on, missing old tasks get so long to show whether they fail too."""

VERIFY_AFTER = timedelta(minutes=5)
TARGETS_AT_MOST = 3
BUDGET_WINDOW = timedelta(hours=24)
OUTSIDE_AT_LEAST = 3

_UNDER_WAY = frozenset({"PENDING", "IN_PROGRESS"})
_GOING_BACK = frozenset({"STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})


class How(StrEnum):
    """Which call brings the service back."""

    STOP_DEPLOYMENT = "stop_deployment"
    """StopServiceDeployment(ROLLBACK): in flight, and the platform's target is the ledger's."""
    UPDATE_SERVICE = "update_service"
    """A fenced UpdateService to the known good revision."""


class HoldKind(StrEnum):
    """Why nothing is done although the evidence is enough, or why nothing can be decided."""

    WOULD_NOT_HELP = "would_not_help"
    NO_TARGET = "no_target"
    BUDGET = "budget"
    QUARANTINED = "quarantined"
    ROLLBACK_OF_ROLLBACK = "rollback_of_rollback"
    CONTROLLER = "controller"
    HALTED = "halted"
    STALE = "stale"
    UNREADABLE = "unreadable"


class StandDownKind(StrEnum):
    """Who has it, or why it is none of ours."""

    NATIVE = "native"
    """ECS's own breaker or alarms see the failure and will roll back."""
    ON_ITS_WAY = "on_its_way"
    """A rollback is under way already: the platform's, a person's or ours."""
    SETTLED = "settled"
    """COMPLETED longer ago than failures count against a deployment."""
    OFF = "off"
    """The automation is off for this service, or the service is not active or wants no tasks."""


@dataclass(frozen=True, slots=True)
class RollBack:
    """Go back. `fence` is the deployment that must still be PRIMARY when the call is made.

    `service_deployment` is the ARN to stop if that is how. `caveats` are sentences for the incident: what differs,
    what could not be checked, what remains to be done by hand.
    """

    to: KnownGood
    bad: str
    how: How
    fence: str
    weighed: Weighed
    reason: str
    service_deployment: str | None = None
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Do nothing, and tell people why."""

    kind: HoldKind
    reason: str
    weighed: Weighed | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Not enough evidence. Another failure, or the sweep, brings it up again."""

    reason: str
    weighed: Weighed


@dataclass(frozen=True, slots=True)
class StandDown:
    """Somebody else has it, or it is over. `verify_at` is when its outcome is to be looked at, if it is."""

    kind: StandDownKind
    reason: str
    verify_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Inspect:
    """Everything so far says roll back: look at these known good revisions, then decide again with `targets`."""

    candidates: tuple[str, ...]
    reason: str
    weighed: Weighed


RollbackDecision = RollBack | Hold | Watch | StandDown | Inspect


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
    ledger, revision = case.picture.ledger, case.picture.primary.revision
    if revision not in ledger.quarantined and not any(past.bad == revision for past in ledger.rollbacks):
        return None
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
    """A task is STOPPED some 15 seconds after its exit. Where old ones are missing, wait for what they have to say."""
    first = case.picture.own.first_at
    certain = case.weighed.question is Question.CERTAIN
    if certain or not case.old_is_missing or first is None or case.now >= first + HEAR_THE_OLD:
        return None
    return Watch(words.old_is_missing(case), case.weighed)


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
    return StandDown(StandDownKind.ON_ITS_WAY, text, case.now + VERIFY_AFTER)


def _platform_sees_it(case: Case) -> RollbackDecision | None:
    """Rule 7: where native rollback is on and can see the failure, stand down and verify.

    The breaker sees what it counts, and counts tasks that are STOPPED, which early exits are not yet. Then, while its
    count keeps up with half of ours, it is on its way to its threshold. A count that every healthy task sets back does
    not keep up, nor does one without the crashes of healthy tasks.
    """
    picture, deployment = case.picture, case.picture.service_deployment
    if deployment is None or deployment.status not in _UNDER_WAY:
        return None
    verify_at = case.now + VERIFY_AFTER
    if picture.alarms.enable and picture.alarms.rollback and deployment.triggered_alarms:
        names = ", ".join(deployment.triggered_alarms)
        return StandDown(
            StandDownKind.NATIVE, f"{words.evidence(case)} Alarm {names} is on, so ECS rolls back by itself.", verify_at
        )
    if not (picture.breaker.enable and picture.breaker.rollback):
        return None
    counted, threshold, first = deployment.breaker_failures, deployment.breaker_threshold, picture.own.first_at
    keeps_up = (counted and 2 * counted >= picture.own.failures) or (first and case.now < first + HEAR_THE_OLD)
    if deployment.breaker_status == "TRIGGERED" or (deployment.breaker_status == "MONITORING" and keeps_up):
        text = f"{words.evidence(case)} ECS's circuit breaker has counted {counted} of {threshold} and rolls back."
        return StandDown(StandDownKind.NATIVE, text, verify_at)
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
    _cause_outside,
    _ran_well_before,
    _platform_sees_it,
    _nowhere_to_go,
    _budget,
    _halted,
    _stale,
    _inspect,
)
