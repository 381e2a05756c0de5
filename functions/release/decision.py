"""The decisions on the way of a release: may it begin, what does a hook ask for, what follows from a verdict.

Pure. What happens on the way back is in `returning`, the looks at metrics in `analysis`, the end in `outcome`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from breakwater.checks.results import Failed, Inconclusive, Passed, Verdict
from breakwater.model import Mode
from breakwater.preflight import Finding, Refuse, Warn
from breakwater.release_policy import ANALYSED_AT, CHECKED_AT, OnDoubt, ReleasePolicy

from .facts import OVER, DeploymentSeen, HookSeen

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
    if refusals and wanted is not None:
        told = "; ".join(refusal.reason for refusal in refusals[:3])
        return Turned(f"{len(refusals)} of {len(findings)} preflight checks refuse it: {told}", refusals)
    said = f"{len(findings) - len(refusals) - len(warnings)} preflight checks passed, {len(warnings)} warn"
    if mode is Mode.OBSERVE:
        return Rehearse(f"{said}; the mode is observe, so nothing is deployed", warnings)
    return Begin(said, warnings)


# ── what does a hook ask for? ─────────────────────────────────────────────────────────────────────────────────────────


class Work(StrEnum):
    """What is done while a deployment waits at a hook."""

    CHECKS = "checks"
    ANALYSIS = "analysis"


@dataclass(frozen=True, slots=True)
class Examine:
    """Do the work, then decide by its verdict."""

    work: Work
    reason: str


@dataclass(frozen=True, slots=True)
class WaveThrough:
    """Continue the deployment at once; the action is always said, since leaving it out means CONTINUE too."""

    reason: str
    action: str = "CONTINUE"


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
    if hook.status != "AWAITING_ACTION":
        return PassBy(f"the hook does not wait any more: {hook.status}")
    checked = hook.stage in CHECKED_AT and bool(policy.checks)
    if not checked and not (hook.stage in ANALYSED_AT and policy.analysis is not None):
        return PassBy(f"the policy has nothing to check at {hook.stage}: the hook is somebody else's")
    if deployment.is_rollback:
        return WaveThrough(f"the deployment is a rollback ({deployment.status}): it goes through")
    if checked:
        return Examine(Work.CHECKS, f"{len(policy.checks)} checks before any production traffic")
    if not deployment.production_weight:
        return WaveThrough("the new revision has no production traffic yet, so there is nothing to compare")
    return Examine(Work.ANALYSIS, f"{deployment.production_weight:g} % of the traffic goes to the new revision")


# ── what follows from a verdict? ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class GoOn:
    """Continue the deployment."""

    reason: str
    action: str = "CONTINUE"


@dataclass(frozen=True, slots=True)
class AskPerson:
    """Nobody knows: wait for `breakwater release approve|abort` until then, after that go back."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class GoBack:
    """Roll the deployment back."""

    reason: str
    action: str = "ROLLBACK"


VerdictDecision = GoOn | AskPerson | GoBack


def decide_verdict(verdict: Verdict, policy: ReleasePolicy, now: datetime) -> VerdictDecision:
    """A pass goes on, a failure goes back, doubt asks a person or goes back, as the policy says."""
    match verdict:
        case Passed(reason=reason):
            return GoOn(reason)
        case Failed(reason=reason):
            return GoBack(reason)
        case Inconclusive(reason=reason) if policy.on_doubt is OnDoubt.ASK:
            return AskPerson(reason, now + timedelta(minutes=policy.approval_minutes))
        case Inconclusive(reason=reason):
            return GoBack(f"inconclusive, and the policy does not ask: {reason}")


def decide_approval(word: str | None, by: str, asked: AskPerson, now: datetime) -> VerdictDecision:
    """A person's word, `approved` or `aborted`, or `None` if none came. Once the time is up it is too late."""
    if word == "aborted":
        return GoBack(f"aborted by {by}")
    if now >= asked.until:
        return GoBack(f"nobody answered until {asked.until:%H:%M} UTC: {asked.reason}")
    if word == "approved":
        return GoOn(f"approved by {by} although inconclusive: {asked.reason}")
    return asked
