"""One look at one service: gather, keep the ledger, decide, apply. The events' lane and the sweep both come here."""

from dataclasses import replace
from datetime import timedelta

from breakwater import ledger as ledgers
from breakwater.errors import BreakwaterError
from breakwater.ledger import Rollback, State
from breakwater.ledger_store import Kept
from breakwater.model import Finding, Mode
from breakwater.policies import GuardPolicy
from breakwater.services import ServiceNow

from .answers import Hold, HoldKind, Inspect, RollBack, RollbackDecision, StandDown, StandDownKind, Watch
from .carry_out import Done, Hand, close, note, resume, roll_back
from .counted import Seen, ServiceName
from .decision import decide_rollback
from .handing import hand_over
from .outcome import Over, decide_outcome, decide_platforms_outcome
from .picture import Picture, Unreadable
from .records import KeptNote, Mark, Note, tally_of
from .reports import held, is_news, silent, would_roll_back
from .sight import History, backfill, effective, picture_of, read_history
from .suspicion import Wait, decide_look
from .visit import Result, Visit

KEEP_LOOKING = timedelta(minutes=30)


def claim(visit: Visit, name: ServiceName, deployment: str, policy: GuardPolicy) -> Wait | None:
    """Take the right to describe a service now, so that of many invocations one does. `None`: look.

    The table is read again first: others may have looked, or marked more.
    """
    for _ in range(3):
        kept, _ledger = visit.work.records.load([str(name)])[str(name)]
        marks = visit.work.records.marks(str(name), visit.now)
        visit.work.memory.take(str(name), kept.note, marks, visit.now)
        answer = decide_look(visit.work.memory.suspicion(name, deployment), policy, visit.now)
        if isinstance(answer, Wait):
            return answer
        before = kept.note.of(deployment) or Seen(visit.now, 0)
        looked = kept.note.with_seen(deployment, replace(before, at=visit.now, looks=before.looks + 1))
        until = max(visit.now + KEEP_LOOKING, kept.note.until or visit.now)
        if visit.work.records.keep(kept, replace(looked, until=until), visit.now) is not None:
            return None
    return Wait("others are looking at the service")


def look(visit: Visit, name: ServiceName, policy: GuardPolicy, described: ServiceNow | None = None) -> Result:
    """Look at a service and do what follows. `described` is what DescribeServices has said of it at `visit.now`."""
    work, key = visit.work, str(name)
    kept_note, kept = work.records.load([key])[key]
    service, problem = (described, "") if described else _describe(visit, name)
    deleted = service is not None and service.primary is None and service.status != "ACTIVE"
    if (service is None and problem is None) or deleted:
        work.records.keep(kept_note, replace(kept_note.note, until=None, silent_since=None), visit.now)
        return Result("stand down", f"{key} is gone")
    marks = tuple(work.records.marks(key, visit.now))
    if service is None or service.primary is None:
        return _unreadable(visit, name, kept_note, marks, problem or "it has no PRIMARY deployment")
    if any((rollout.created_at or rollout.updated_at) is None for rollout in service.rollouts):
        return _unreadable(visit, name, kept_note, marks, "one of its deployments has no time")
    return _Look(visit, service, effective(policy, service.tags), marks, kept_note, kept).run()


def _describe(visit: Visit, name: ServiceName) -> tuple[ServiceNow | None, str | None]:
    """The service, or why it could not be read; `None` and `None` if it is gone."""
    pair = (name.cluster, name.name)
    described = visit.work.services().describe([pair], tags=True)
    return described.found.get(pair), described.problems.get(pair)


def unreadable(visit: Visit, name: ServiceName, problem: str) -> Result:
    """Something that decides could not be read: said once for each deployment, and nothing done."""
    kept, _ledger = visit.work.records.load([str(name)])[str(name)]
    return _unreadable(visit, name, kept, tuple(visit.work.records.marks(str(name), visit.now)), problem)


def _unreadable(visit: Visit, name: ServiceName, kept: KeptNote, marks: tuple[Mark, ...], problem: str) -> Result:
    """People hear that nothing could be decided: an unreadable service is no healthy one."""
    hold = decide_rollback(Unreadable(name, problem), GuardPolicy(), visit.now)
    if not isinstance(hold, Hold):
        raise BreakwaterError(f"{name}: {problem}")
    newest = max(marks, key=lambda mark: mark.at, default=None)
    finding = held(
        str(name), newest.revision if newest else "", newest.deployment if newest else "", hold, marks, visit.now
    )
    stand_in = ServiceNow("", name.cluster, name.name, "ACTIVE", "ECS", "ROLLING", 0, 0, 0)
    hand = Hand(visit.work, stand_in, GuardPolicy(), marks, visit.now, visit.holder)
    if finding.identity not in kept.note.told:
        _say(hand, finding, f"hold {hold.kind}", "not done")
        visit.work.records.keep(kept, kept.note.with_told(finding.identity), visit.now)
    return Result(f"hold {hold.kind}", hold.reason)


def _say(hand: Hand, finding: Finding, decision: str, result: str, *, tell: bool = True) -> None:
    deployment = finding.evidence.deployment or ""
    evidence: dict[str, str | int] = {"deployment": deployment, "stops": len(hand.marks)}
    note(
        hand,
        finding.identity.rpartition(":")[2] + f"-{deployment}",
        decision,
        finding.diagnosis.reason,
        evidence,
        result,
    )
    if not tell:
        return
    tools = hand.work.tools()
    taken = tools.desk.take([finding], tools.alerts(), hand.now, read_log=tools.read_log)
    if taken.unfinished:
        raise BreakwaterError("the incident could not be kept")


class _Look:
    """One look, step by step. Each step leaves the note and the ledger as they are then."""

    def __init__(
        self,
        visit: Visit,
        service: ServiceNow,
        policy: GuardPolicy,
        marks: tuple[Mark, ...],
        note_: KeptNote,
        kept: Kept,
    ) -> None:
        primary = service.primary
        assert primary is not None  # noqa: S101  # `look` has asked
        self._visit, self._service, self._policy, self._marks = visit, service, policy, marks
        self._note, self._kept, self._primary = note_, kept, primary
        self._fresh: Note = note_.note
        self._history: History | None = None

    @property
    def _hand(self) -> Hand:
        visit = self._visit
        return Hand(visit.work, self._service, self._policy, self._marks, visit.now, visit.holder)

    def run(self) -> Result:
        if self._policy.mode is Mode.OFF:
            self._fresh = replace(self._fresh, until=None)
            self._keep_note()
            return Result("stand down", "the rollback guard is off for this service")
        pending = self._kept.ledger.open_rollback
        done: Done | None = None
        if pending is not None and pending.state is State.INTENDED:
            done = resume(self._hand, self._kept, pending)
            self._kept = done.ledger
            self._again()
            done = None if done.dropped else done
        self._bookkeeping()
        decision = self._decide()
        pending = self._kept.ledger.open_rollback
        if pending is not None and pending.state is State.ASKED and (done is None or not done.asked):
            self._verify(pending, decision)
        self._verify_the_platforms()
        result = self._apply(decision) if done is None else Result("roll back", done.said, done.asked)
        self._silence()
        self._remember(decision, result)
        self._keep_note()
        return result

    def _again(self) -> None:
        """After a change the service is another."""
        service, _ = _describe(self._visit, ServiceName(self._service.cluster, self._service.name))
        if service is not None and service.primary is not None:
            self._service, self._primary = service, service.primary

    # ── the ledger ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _bookkeeping(self) -> None:
        """Backfill, begin or end a bake; all of it in one write, and only if something changed."""
        now, minutes = self._visit.now, self._policy.bake_minutes
        before = ledger = self._kept.ledger
        crashes = [mark for mark in self._marks if mark.deployment == self._primary.id]
        if not ledger.backfilled:
            history = self._read_history()
            if history is not None:
                ledger = backfill(ledger, self._primary, history, crashed=bool(crashes), now=now, bake=minutes)
        id_, revision = self._primary.id, self._primary.task_definition
        earns = self._primary.state == "COMPLETED" and self._service.controller == "ECS"
        if earns and ledgers.unproven(ledger, id_, revision):
            ledger = ledgers.with_completed(ledger, id_, revision, self._primary.updated_at or now)
            for crash in crashes:
                ledger = ledgers.with_crash(ledger, crash.at)
            if ledgers.baked(ledger, now, minutes) and self._service.running > 0:
                ledger = self._good(ledger)
        elif ledger.bake is not None and ledger.bake.deployment != id_:
            ledger = replace(ledger, bake=None)
        if ledger != before:
            self._kept = self._visit.work.tools().ledgers.keep(self._kept, ledger) or self._kept

    def _good(self, ledger: ledgers.Ledger) -> ledgers.Ledger:
        bake = ledger.bake
        if bake is None:
            return ledger
        history = self._read_history()
        revision = history.of_task_definition(bake.revision) if history else None
        digests = revision.digests if revision else ()
        good = ledgers.KnownGood(bake.revision, self._visit.now, digests, bake.deployment)
        return replace(ledgers.with_good(ledger, good), bake=None)

    def _read_history(self) -> History | None:
        """Read once for a look. Unread, nothing is assumed of service deployments, so nothing is done either."""
        if self._history is None and self._service.controller == "ECS":
            try:
                self._history = read_history(self._visit.work.services(), self._service)
            except BreakwaterError as error:
                self._visit.work.logger.warning("the service's deployments could not be read", problem=str(error))
        return self._history

    # ── the decision ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _picture(self) -> Picture:
        return picture_of(
            self._service, self._primary, self._marks, self._fresh, self._kept.ledger, self._history, self._visit.now
        )

    def _decide(self) -> RollbackDecision:
        """Decide on the cheap picture, and only where that is not the end of it on the whole one."""
        now = self._visit.now
        decision = decide_rollback(self._picture(), self._policy, now)
        if isinstance(decision, Watch | StandDown) or self._service.controller != "ECS":
            return decision
        if self._read_history() is None:
            name = ServiceName(self._service.cluster, self._service.name)
            return decide_rollback(Unreadable(name, "its service deployments could not be read"), self._policy, now)
        decision = decide_rollback(self._picture(), self._policy, now)
        if isinstance(decision, Inspect):
            picture = self._picture()
            good = {each.revision: each for each in picture.ledger.known_good}
            looked = tuple(
                self._visit.work.tools().targets.look(good[revision], self._primary.task_definition, self._visit.home)
                for revision in decision.candidates
            )
            decision = decide_rollback(replace(picture, targets=looked), self._policy, now)
        return decision

    def _apply(self, decision: RollbackDecision) -> Result:
        told = hand_over(self._hand, self._service, self._primary.id, decision)
        if told is not None:
            return Result("hand over", told)
        match decision:
            case RollBack() if self._policy.mode is Mode.ACT:
                done = roll_back(self._hand, self._kept, decision, self._history or History())
                self._kept = done.ledger
                return Result("roll back", done.said, done.asked)
            case RollBack():
                self._once(
                    would_roll_back(self._picture(), decision, self._marks, self._visit.now), "roll back", "observed"
                )
                return Result("roll back", f"observed only: {decision.reason}")
            case Hold(kind=kind):
                if kind is not HoldKind.STALE:
                    finding = held(
                        self._service.key, self._primary.task_definition, self._primary.id, decision, self._marks,
                        self._visit.now,
                    )  # fmt: skip
                    news = is_news(kind, self._kept.ledger, self._primary.task_definition)
                    self._once(finding, f"hold {kind}", "not done", tell=news)
                return Result(f"hold {kind}", decision.reason)
            case StandDown(kind=kind):
                if kind in (StandDownKind.NATIVE, StandDownKind.ON_ITS_WAY):
                    identity = f"stand-down:{self._primary.id}:{kind}"
                    if identity not in self._fresh.told:
                        note(
                            self._hand,
                            f"{self._primary.id}-{kind}",
                            f"stand down {kind}",
                            decision.reason,
                            {},
                            "not done",
                        )
                        self._fresh = self._fresh.with_told(identity)
                return Result(f"stand down {kind}", decision.reason)
            case Watch() | Inspect():
                return Result("watch", decision.reason)

    def _once(self, finding: Finding, decision: str, result: str, *, tell: bool = True) -> None:
        """Journal it and, if it is news, tell people; once for each deployment and kind."""
        if finding.identity in self._fresh.told:
            return
        _say(self._hand, finding, decision, result, tell=tell)
        self._fresh = self._fresh.with_told(finding.identity)

    # ── the outcome ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _verify(self, rollback: Rollback, decision: RollbackDecision) -> None:
        outcome = decide_outcome(rollback, self._picture(), decision, self._visit.now)
        if isinstance(outcome, Over):
            self._kept = close(self._hand, self._kept, rollback, outcome.state, outcome.reason)

    def _verify_the_platforms(self) -> None:
        """Rule 7: what was left to the platform is followed to its end; the journal has it, ECS's events tell it."""
        ours = {id_ for past in self._kept.ledger.rollbacks for id_ in (past.fence, past.deployment)}
        left = [fence for fence in self._fresh.left_to_the_platform if fence not in ours]
        if not left or self._read_history() is None:
            return
        outcome = decide_platforms_outcome(left[0], self._picture(), self._visit.now)
        if isinstance(outcome, Over):
            said = f"What was left to the platform: {outcome.reason}."
            note(self._hand, f"{left[0]}-verified", "stand down verified", said, {"fence": left[0]}, outcome.state)
            for fence in left:
                self._fresh = self._fresh.with_told(f"verified:{fence}")

    # ── what is remembered ────────────────────────────────────────────────────────────────────────────────────────────
    def _silence(self) -> None:
        service, now = self._service, self._visit.now
        quiet = service.desired > 0 and service.running == 0 and service.status == "ACTIVE"
        since = (self._fresh.silent_since or now) if quiet else None
        self._fresh = replace(self._fresh, silent_since=since)
        if since is not None and now - since >= timedelta(minutes=self._policy.silence_minutes):
            revision = self._primary.task_definition
            finding = silent(service.key, revision, service.desired, self._policy.silence_minutes, since, now)
            self._once(finding, "silence", "told")

    def _remember(self, decision: RollbackDecision, result: Result) -> None:
        now, primary, service = self._visit.now, self._primary, self._service
        own = tally_of(self._marks, primary.id)
        before = self._fresh.of(primary.id)
        acted = isinstance(decision, RollBack) and (result.asked or self._policy.mode is not Mode.ACT)
        settled = acted or (isinstance(decision, StandDown) and decision.kind is StandDownKind.SETTLED)
        self._fresh = self._fresh.with_seen(
            primary.id,
            Seen(
                at=now,
                looks=before.looks if before else 1,
                starts=max(before.starts if before else 0, primary.running + primary.pending + own.failures),
                desired=max(before.desired if before else 0, service.desired),
                created_at=primary.created_at,
                settled=settled,
            ),
        )
        for each in self._fresh.seen:
            if each.deployment != primary.id and not each.seen.settled:
                self._fresh = self._fresh.with_seen(each.deployment, replace(each.seen, settled=True))
        ledger = self._kept.ledger
        busy = (
            primary.in_progress
            or ledger.bake is not None
            or ledger.open_rollback is not None
            or self._fresh.silent_since is not None
        )
        completed = primary.updated_at if primary.state == "COMPLETED" else None
        watched = completed is not None and now - completed < timedelta(minutes=self._policy.watch_minutes)
        until = now + KEEP_LOOKING if busy or watched else self._fresh.until
        self._fresh = replace(self._fresh, primary=primary.id, until=until)

    def _keep_note(self) -> None:
        """A note that somebody else changed meanwhile is theirs; the next look makes up for it."""
        work = self._visit.work
        if self._fresh != self._note.note:
            work.records.keep(self._note, self._fresh, self._visit.now)
        work.memory.take(self._service.key, self._fresh, list(self._marks), self._visit.now)
