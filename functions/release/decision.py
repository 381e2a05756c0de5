"""The decisions on the way of a release: may it begin, what does a hook ask for, what follows from a verdict.

Pure. What happens on the way back is in `returning`, the looks at metrics in `analysis`, the end in `outcome`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from breakwater.checks.results import Failed, Inconclusive, Passed, Verdict
from breakwater.model import Mode
from breakwater.policies import OnDoubt
from breakwater.preflight import Finding, Refuse, Warn
from breakwater.release_policy import LONGEST_RELEASE, ReleasePolicy, StageWork
from breakwater.rendezvous import Kind, Message, Word

from .facts import OVER, DeploymentSeen, HookSeen
from .record import Release, Stage

# ── may it begin? ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Begin:
    """Take the lease, record what stands, deploy. `warnings` go with the announcement."""

    reason: str
    warnings: tuple[Warn, ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearse:
    """Everything but the deployment: the mode is `observe`."""

    reason: str
    warnings: tuple[Warn, ...] = ()


@dataclass(frozen=True, slots=True)
class Turned:
    """It is not begun, and nothing was touched."""

    reason: str
    refusals: tuple[Refuse, ...] = ()


StartDecision = Begin | Rehearse | Turned


def decide_start(
    findings: Sequence[Finding], asked: Mode, policy: ReleasePolicy, *, present: str, wanted: str | None
) -> StartDecision:
    """May the release begin? The lower of the two modes holds: who starts it cannot arm what the policy has not.

    `present` is the task definition that the service has, `wanted` the one to release, `None` for a deployment that
    somebody else began and that is only attended.
    """
    mode = min(asked, policy.mode, key=list(Mode).index)
    refusals = tuple(finding for finding in findings if isinstance(finding, Refuse))
    warnings = tuple(finding for finding in findings if isinstance(finding, Warn))
    if mode is Mode.OFF:
        return Turned("releases of this service are off")
    if wanted is not None and wanted.rpartition("/")[2] == present.rpartition("/")[2]:
        return Turned(f"the service has {wanted.rpartition('/')[2]} already")
    if refusals:
        told = "; ".join(_with_remedy(refusal) for refusal in refusals[:3])
        return Turned(f"{len(refusals)} of {len(findings)} preflight checks refuse it: {told}", refusals)
    said = f"{len(findings) - len(refusals) - len(warnings)} preflight checks passed, {len(warnings)} warn"
    if mode is Mode.OBSERVE:
        return Rehearse(f"{said}; the mode is observe, so nothing is deployed", warnings)
    return Begin(said, warnings)


def _with_remedy(refusal: Refuse) -> str:
    """The reason and what to do, where that is one line; a snippet to paste is in the record and its report."""
    return f"{refusal.reason} ({refusal.remedy})" if refusal.remedy and "\n" not in refusal.remedy else refusal.reason


# ── what does a hook ask for? ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Examine:
    """Do the work, then decide by its verdict."""

    work: StageWork
    reason: str


@dataclass(frozen=True, slots=True)
class WaveThrough:
    """Continue the deployment at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class PassBy:
    """Nothing is to be done about this hook: wait for the next event."""

    reason: str


HookDecision = Examine | WaveThrough | PassBy


def decide_after_hook(
    hook: HookSeen, deployment: DeploymentSeen, policy: ReleasePolicy, *, ours: str | None = None
) -> HookDecision:
    """A hook waits. `ours` is the deployment that this release made or attends.

    A hook at which the policy has nothing to do is somebody else's, such as a person's own gate, and is never continued
    for them. A deployment on its way back is never held up and never checked: what it goes back to was judged when it
    was new, and nothing is better than back.
    """
    if ours is not None and hook.service_deployment != ours:
        return PassBy(f"the hook belongs to another deployment ({hook.service_deployment.rpartition('/')[2]})")
    if deployment.status in OVER:
        return PassBy(f"the deployment is over: {deployment.status}")
    if hook.gate is not None:
        return PassBy(hook.gate)
    work = policy.work_at(hook.stage)
    if work is None:
        return PassBy(f"the policy has nothing to check at {hook.stage}: the hook is somebody else's")
    if deployment.is_rollback:
        return WaveThrough(f"the deployment is a rollback ({deployment.status}): it goes through")
    if work is StageWork.CHECKS:
        return Examine(work, f"{len(policy.checks)} checks before any production traffic")
    if not deployment.production_weight:
        return WaveThrough("the new revision has no production traffic yet, so there is nothing to compare")
    return Examine(work, f"{deployment.production_weight:g} % of the traffic goes to the new revision")


def rolls_back(new: str, before: str, *, known_good: bool) -> bool:
    """Whether somebody deploys what ran well here before: an older revision of the family that the service has.

    The same revision once more is none: what its image's tag means may have changed, so it is checked like a new one.
    """
    family, _, number = new.rpartition(":")
    there, _, present = before.rpartition(":")
    both = number.isdecimal() and present.isdecimal()
    return known_good and family == there and both and int(number) < int(present)


# ── what follows from a verdict? ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class GoOn:
    """Continue the deployment."""

    reason: str


@dataclass(frozen=True, slots=True)
class AskPerson:
    """Nobody knows: wait for `breakwater release approve|abort` until then, after that go back."""

    reason: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class GoBack:
    """Roll the deployment back. `at_fault`: the revision was seen to be bad, and is not to be tried again."""

    reason: str
    at_fault: bool = False


VerdictDecision = GoOn | AskPerson | GoBack


def decide_verdict(verdict: Verdict, policy: ReleasePolicy, now: datetime, latest: datetime) -> VerdictDecision:
    """A pass goes on, a failure goes back, doubt asks a person or goes back, as the policy says.

    A question is open until `latest` at most: what waits has a time of its own, after which ECS goes on without us.
    """
    match verdict:
        case Passed(reason=reason):
            return GoOn(reason)
        case Failed(reason=reason):
            return GoBack(reason, at_fault=True)
        case Inconclusive(reason=reason) if policy.on_doubt is OnDoubt.ASK and now < latest:
            return AskPerson(reason, now, min(latest, now + timedelta(minutes=policy.approval_minutes)))
        case Inconclusive(reason=reason) if policy.on_doubt is OnDoubt.ASK:
            return GoBack(f"inconclusive, and there is no time left to ask: {reason}")
        case Inconclusive(reason=reason):
            return GoBack(f"inconclusive, and the policy does not ask: {reason}")


def decide_approval(word: Word | None, asked: AskPerson, now: datetime) -> VerdictDecision:
    """A person's word, or `None` if none came. Once the time is up it is too late to approve; what was said before the
    question answers an earlier one."""
    if word is not None and word.aborts:
        return GoBack(f"aborted by {word.by}")
    if now >= asked.until:
        return GoBack(f"nobody answered until {asked.until:%H:%M} UTC: {asked.reason}")
    if word is not None and word.approves(asked.since):
        return GoOn(f"approved by {word.by} although inconclusive: {asked.reason}")
    return asked


def decide_inherited(revision: str, quarantined: datetime | None, began: datetime | None) -> GoBack | None:
    """Whether a deployment that is to be attended was judged before: its revision is in quarantine since it began.

    Who judged it could not send it back, and has ended; who comes after goes on with that, and checks nothing anew: a
    check that flaps would let it through. What was in quarantine before is deployed on purpose, and checked like any
    other. `began` is when the deployment was created; without it nothing says that the quarantine is an older one.
    """
    if quarantined is None or (began is not None and quarantined < began):
        return None
    when = f"{quarantined:%Y-%m-%d %H:%M} UTC"
    return GoBack(f"{revision} was found bad and quarantined at {when}, in this deployment", at_fault=True)


def speaks_of_the_revision(reason: str) -> bool:
    """Whether the reason that ECS gives for a rollback says that the revision is bad.

    Its circuit breaker counts tasks of that revision alone. A deployment alarm watches the service and whatever it
    depends on, with nothing to compare it to; one that fired before may even meet the revision that is to cure it.
    """
    return "circuit breaker" in reason.lower()


SPARE = timedelta(minutes=2)


def latest_answer(began: datetime, hook_expires: datetime | None) -> datetime:
    """Until when a question may be open: a hook whose own time is up is continued or rolled back by ECS."""
    end = began + LONGEST_RELEASE
    return end if hook_expires is None else min(end, hook_expires - SPARE)


# ── may it really go on? ──────────────────────────────────────────────────────────────────────────────────────────────


def decide_heard(release: Release, word: Word | None, mail: Iterable[Message]) -> GoBack | None:
    """Whether somebody has said of this deployment that it has to go back. `mail` is what was told lately."""
    if word is not None and word.aborts:
        return GoBack(f"aborted by {word.by}")
    for message in mail:
        if message.deployment is not None and message.deployment not in release.names:
            continue
        if message.kind is Kind.ABORTED:
            return GoBack(f"aborted by {message.body.get('by', 'a person')}")
        if message.kind is Kind.FAILING:
            return fails(message.body.get("reason"))
    return None


def fails(reason: str | None) -> GoBack:
    """What the rollback guard's finding means."""
    return GoBack(f"the rollback guard says: {reason or 'its tasks fail'}", at_fault=True)


def decide_continue(
    release: Release, deployment: DeploymentSeen, hook: str, heard: GoBack | None
) -> GoOn | GoBack | PassBy:
    """May CONTINUE be sent to this hook? The last question before it is; `heard` is what `decide_heard` answers now.

    A read may be old: a hook that was told ROLLBACK may still be seen to wait, in a deployment that is still seen to go
    forward. On the way back only what is seen to go back is continued.
    """
    if hook == release.refused:
        return PassBy("this hook was told ROLLBACK")
    if release.stage is Stage.RETURNING:
        if deployment.is_rollback or release.redeployed_at is not None:
            return GoOn("on the way back nothing is held up")
        return PassBy(f"it was told to go back, and is still seen {deployment.status}")
    if release.stage is not Stage.FORWARD:
        return PassBy(f"the release is {release.stage}")
    if release.why:
        return GoBack(release.why, at_fault=release.at_fault)
    return heard or GoOn("nothing speaks against it")
