"""The action: lease, look again, write the intent, ask ECS, tell people, confirm. Safe to be cut off anywhere.

The intent is in the ledger before ECS is asked, and says which deployment has to be PRIMARY for it. Whoever comes next
(the retry, another event, the sweep) finds it, sees by the PRIMARY deployment how far it came, and goes on from there.
So ECS is asked once: the call changes PRIMARY, and what finds PRIMARY changed does not ask again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from breakwater.errors import BreakwaterError, ConflictError, NotFoundError, RefusedError
from breakwater.journal import Entry, written
from breakwater.leases import Busy, Lease, renewal
from breakwater.ledger import Rollback, State, with_intent, with_state
from breakwater.ledger_store import Kept
from breakwater.model import Finding, Mode, Subject, SubjectKind
from breakwater.policies import GuardPolicy
from breakwater.services import Rollout, ServiceNow, differing

from .answers import RollBack
from .decision import BUDGET_WINDOW
from .picture import short
from .records import Mark
from .reports import code_still_names, outcome, rolled_back
from .sight import History
from .wiring import AUTOMATION, Work

LEASE = timedelta(seconds=120)
INTENT_HOLDS = timedelta(minutes=15)
"""An intent that is older was decided on what may be over: it is dropped, and the next look decides anew."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it, for the log. `ledger` is the ledger afterwards.

    `asked` says that ECS was asked, `dropped` that an intent was given up, so that the service is as any other again.
    """

    ledger: Kept
    said: str
    asked: bool = False
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Hand:
    """Who acts, for which service, with what is known of its stops."""

    work: Work
    service: ServiceNow
    policy: GuardPolicy
    marks: tuple[Mark, ...]
    now: datetime
    holder: str

    @property
    def key(self) -> str:
        """`cluster/name`."""
        return self.service.key


def roll_back(hand: Hand, kept: Kept, decision: RollBack, history: History) -> Done:
    """Carry out a decision, if nobody has changed the service since."""
    lease = hand.work.tools().leases.take(hand.key, hand.holder, hand.now, LEASE)
    if isinstance(lease, Busy):
        return Done(kept, f"not done: {lease.reason}")
    try:
        return _under_lease(hand, lease, kept, decision, history)
    finally:
        hand.work.tools().leases.release(lease)


def resume(hand: Hand, kept: Kept, rollback: Rollback) -> Done:
    """Go on with a rollback that was intended and perhaps not carried out."""
    lease = hand.work.tools().leases.take(hand.key, hand.holder, hand.now, LEASE)
    if isinstance(lease, Busy):
        return Done(kept, f"a rollback is under way: {lease.reason}")
    try:
        fresh = hand.work.tools().ledgers.load([hand.key])[hand.key]
        current = fresh.ledger.open_rollback
        if current != rollback:
            return Done(fresh, "somebody else went on with the rollback")
        return _go_on(hand, lease, fresh, rollback)
    finally:
        hand.work.tools().leases.release(lease)


def _under_lease(hand: Hand, lease: Lease, kept: Kept, decision: RollBack, history: History) -> Done:
    primary, problem = _primary_now(hand)
    if primary is None:
        return Done(kept, f"not done: {problem}")
    if (primary.id, primary.task_definition) != (decision.fence, decision.bad):
        text = (
            f"Not rolled back: {short(primary.task_definition)} ({primary.id}) has been deployed since it was decided."
        )
        note(hand, f"{decision.fence}-overtaken", "stand down", text, {"fence": decision.fence}, "not done")
        return Done(kept, text)
    fresh = hand.work.tools().ledgers.load([hand.key])[hand.key]
    if fresh.version != kept.version:
        return Done(fresh, "not done: the ledger was changed since it was decided; the next look decides")
    used = sum(hand.now - each.at < BUDGET_WINDOW for each in fresh.ledger.rollbacks)
    if used >= hand.policy.budget:
        return Done(fresh, "not done: the budget is used up")
    rollback = _intended(hand, decision, history)
    entry = _entry(hand, f"{decision.fence}-intent", "roll back", rollback.reason, _evidence(rollback), "intended")
    written_down = hand.work.tools().ledgers.keep(
        fresh, with_intent(fresh.ledger, rollback), beside=[renewal(lease), written(entry)]
    )
    if written_down is None:
        return Done(fresh, "not done: somebody else changed the ledger or took the lease")
    return _go_on(hand, lease, written_down, rollback)


def _intended(hand: Hand, decision: RollBack, history: History) -> Rollback:
    bad, good = (history.of_task_definition(arn) for arn in (decision.bad, decision.to.revision))
    other = () if bad is None or good is None or decision.service_deployment else differing(bad, good)
    kept = f"Other settings of the service stay as they are now: {', '.join(other)}." if other else ""
    remains = (code_still_names(decision.bad), *decision.caveats, *((kept,) if kept else ()))
    return Rollback(
        at=hand.now,
        bad=decision.bad,
        to=decision.to.revision,
        fence=decision.fence,
        state=State.INTENDED,
        reason=decision.reason,
        stop=decision.service_deployment,
        remains=remains,
    )


def _go_on(hand: Hand, lease: Lease, kept: Kept, rollback: Rollback) -> Done:
    """From the intent onwards. The PRIMARY deployment says whether ECS was asked already."""
    primary, problem = _primary_now(hand)
    if primary is None:
        return Done(kept, f"not finished: {problem}")
    if _still_bad(primary, rollback):
        if hand.policy.halted or hand.policy.mode is not Mode.ACT:
            return _abandon(hand, kept, rollback, "the rollback guard was halted before ECS was asked")
        if hand.now - rollback.at > INTENT_HOLDS:
            minutes = (hand.now - rollback.at).total_seconds() / 60
            return _abandon(hand, kept, rollback, f"it was decided {minutes:.0f} minutes ago and never carried out")
        hand.work.tools().leases.check(lease, hand.now)
        refused = _ask(hand, rollback)
        if refused:
            return _failed(hand, kept, rollback, refused)
        primary = _primary_now(hand)[0] or primary
    elif primary.task_definition != rollback.to and not primary.is_rollback:
        return _abandon(hand, kept, rollback, f"{short(primary.task_definition)} was deployed before ECS was asked")
    _tell(hand, rolled_back(hand.key, rollback, hand.marks, rollback.at))
    deployment = primary.id if primary.task_definition == rollback.to else None
    after = _close(hand, kept, rollback, State.ASKED, "asked", rollback.reason, deployment)
    return Done(after or kept, f"rolled back from {short(rollback.bad)} to {short(rollback.to)}", asked=True)


def _still_bad(primary: Rollout, rollback: Rollback) -> bool:
    return primary.id == rollback.fence and primary.task_definition == rollback.bad


def _ask(hand: Hand, rollback: Rollback) -> str | None:
    """Ask ECS; gives ECS's answer if it refuses for good. Raises what a later try may cure."""
    services = hand.work.services()
    try:
        if rollback.stop:
            try:
                services.stop_deployment(rollback.stop)
            except (ConflictError, NotFoundError):
                # It ended in this moment. If the bad revision is still PRIMARY, it is COMPLETED: go back by an update.
                primary = _primary_now(hand)[0]
                if primary is None or not _still_bad(primary, rollback):
                    return None
                services.deploy(hand.service.cluster, hand.service.name, rollback.to)
        else:
            services.deploy(hand.service.cluster, hand.service.name, rollback.to)
    except (RefusedError, NotFoundError) as error:
        return str(error)
    return None


def _failed(hand: Hand, kept: Kept, rollback: Rollback, refused: str) -> Done:
    _tell(hand, outcome(hand.key, rollback, False, f"ECS refused it ({refused})", hand.marks, rollback.at))
    after = _close(hand, kept, rollback, State.FAILED, "refused", f"ECS refused the rollback: {refused}")
    return Done(after or kept, f"ECS refused the rollback: {refused}")


def _abandon(hand: Hand, kept: Kept, rollback: Rollback, why: str) -> Done:
    after = _close(hand, kept, rollback, State.ABANDONED, "not done", f"Not rolled back: {why}.")
    return Done(after or kept, f"not rolled back: {why}", dropped=after is not None)


def _close(
    hand: Hand, kept: Kept, rollback: Rollback, state: State, result: str, why: str, deployment: str | None = None
) -> Kept | None:
    entry = _entry(hand, f"{rollback.fence}-{state}", "roll back", why, _evidence(rollback), result)
    return hand.work.tools().ledgers.keep(
        kept, with_state(kept.ledger, rollback, state, deployment), beside=[written(entry)]
    )


def close(hand: Hand, kept: Kept, rollback: Rollback, state: State, what: str) -> Kept:
    """Note the outcome of a rollback, after people were told of it if they have to be."""
    if state in (State.STEADY, State.FAILED):
        _tell(hand, outcome(hand.key, rollback, state is State.STEADY, what, hand.marks, hand.now))
    return _close(hand, kept, rollback, state, str(state), what) or kept


def _primary_now(hand: Hand) -> tuple[Rollout | None, str]:
    name = (hand.service.cluster, hand.service.name)
    described = hand.work.services().describe([name])
    service = described.found.get(name)
    if service is None:
        return None, described.problems.get(name, "the service is gone")
    return service.primary, "the service has no PRIMARY deployment"


def _tell(hand: Hand, finding: Finding) -> None:
    tools = hand.work.tools()
    taken = tools.desk.take([finding], tools.alerts(), hand.now, read_log=tools.read_log)
    if taken.unfinished:
        raise BreakwaterError("the incident could not be kept")


def note(hand: Hand, id_: str, decision: str, reason: str, evidence: dict[str, str | int], result: str) -> None:
    """One line of the journal."""
    hand.work.table.write(written(_entry(hand, id_, decision, reason, evidence, result)))


def _entry(hand: Hand, id_: str, decision: str, reason: str, evidence: dict[str, str | int], result: str) -> Entry:
    subject = Subject(SubjectKind.SERVICE, hand.service.name, hand.service.cluster)
    return Entry(id_.replace("/", "-"), hand.now, AUTOMATION, subject, decision, reason, evidence, result)


def _evidence(rollback: Rollback) -> dict[str, str | int]:
    return {
        "bad": short(rollback.bad),
        "to": short(rollback.to),
        "fence": rollback.fence,
        "call": "StopServiceDeployment" if rollback.stop else "UpdateService",
    }
