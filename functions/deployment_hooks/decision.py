"""What does a lifecycle hook answer? Direction first: a deployment on its way back is never held up.

The hooks of TEST_TRAFFIC_SHIFT and PRODUCTION_TRAFFIC_SHIFT run again on the way back, and a FAILED there may end the
way back itself (documents are silent; ecs 4). So at these two nothing is ever failed; the checks belong to the stages
behind them, which only the way there has.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from breakwater.attending import Direction
from breakwater.checks.results import Failed, Inconclusive, Passed, Verdict
from breakwater.model import Mode
from breakwater.policies import OnDoubt
from breakwater.release_policy import ReleasePolicy, StageWork
from breakwater.rendezvous import Word

from .memory import Memory
from .payload import HookCall, Unusable

SHIFTS = frozenset({"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"})
ADMITTED_AT = frozenset({"PRE_SCALE_UP"})
ASKING_SECONDS = 30


class Work(StrEnum):
    """What has to be done before there is an answer."""

    PREFLIGHT = "preflight"
    CHECKS = "checks"
    ANALYSIS = "analysis"


@dataclass(frozen=True, slots=True)
class Succeed:
    """The deployment goes on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fail:
    """The deployment rolls back."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not decided yet: call again after so many seconds, with what is to be remembered."""

    seconds: int
    memory: Memory
    reason: str
    ask: bool = False
    """A person is asked now, for the first time."""


@dataclass(frozen=True, slots=True)
class Do:
    """Work first."""

    work: Work
    reason: str


HookDecision = Succeed | Fail | Later | Do


def decide_hook(
    call: HookCall | Unusable, direction: Direction, policy: ReleasePolicy, *, account: str, region: str
) -> HookDecision:
    """What to do about a call before any work is done.

    What cannot be read fails: nobody could say that it is fine. A stage that is not known succeeds: ECS will have new
    ones, and there is nothing of ours to check at them.
    """
    if isinstance(call, Unusable):
        return Fail(f"this is no call of a lifecycle hook: {call.reason}")
    if (call.account, call.region) != (account, region):
        return Fail("the deployment belongs to another account or Region")
    if policy.mode is Mode.OFF:
        return Succeed("the mode is off: nothing is checked")
    if direction is Direction.BACK:
        return Succeed("the deployment is on its way back, and goes through")
    if call.stage in SHIFTS:
        return Succeed(f"nothing is checked at {call.stage}, which runs on the way back as well")
    if call.stage in ADMITTED_AT:
        return Do(Work.PREFLIGHT, "the revision is looked at before any of its tasks is started")
    work = policy.work_at(call.stage)
    if work is StageWork.CHECKS:
        return Do(Work.CHECKS, f"{len(policy.checks)} checks before any production traffic")
    if work is StageWork.ANALYSIS:
        if not call.share:
            return Succeed("the new revision has no production traffic yet, so there is nothing to compare")
        return Do(Work.ANALYSIS, f"{call.share} % of the traffic goes to the new revision")
    return Succeed(f"the policy has nothing to check at {call.stage}")


def decide_answer(
    verdict: Verdict, memory: Memory, policy: ReleasePolicy, now: datetime, word: Word | None = None
) -> Succeed | Fail | Later:
    """What follows from a verdict. In `observe` the deployment goes on, and the reason says what would have been.

    Doubt asks a person as long as the policy gives: the hook stays in progress and is called again. `word` is theirs.
    """
    if policy.mode is not Mode.ACT:
        would = {Passed: "goes on", Failed: "would have gone back", Inconclusive: "would have asked a person"}
        return Succeed(f"observed, the deployment {would[type(verdict)]}: {verdict.reason}")
    if word is not None and word.aborts:
        return Fail(f"aborted by {word.by}")
    match verdict:
        case Passed(reason=reason):
            return Succeed(reason)
        case Failed(reason=reason):
            return Fail(reason)
        case Inconclusive(reason=reason) if policy.on_doubt is not OnDoubt.ASK:
            return Fail(f"inconclusive, and the policy does not ask: {reason}")
        case Inconclusive(reason=reason):
            first = memory.asked is None
            asked = Memory(memory.stage, memory.began, memory.attempts, memory.looks, memory.asked or now, reason)
            return decide_asked(asked, policy, now, word, ask=first)


def decide_asked(
    memory: Memory, policy: ReleasePolicy, now: datetime, word: Word | None, *, ask: bool = False
) -> Succeed | Fail | Later:
    """A person has been asked: what did they say, or is their time up?"""
    asked = memory.asked or now
    until = asked + timedelta(minutes=policy.approval_minutes)
    if word is not None and word.aborts:
        return Fail(f"aborted by {word.by}: {memory.question}")
    if now >= until:
        return Fail(f"nobody answered within {policy.approval_minutes} minutes: {memory.question}")
    if word is not None and word.approves(asked):
        return Succeed(f"approved by {word.by} although inconclusive: {memory.question}")
    return Later(ASKING_SECONDS, memory, f"a person is asked until {until:%H:%M} UTC: {memory.question}", ask)
