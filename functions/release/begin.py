"""The first step: read the input, look whether the release may begin, take the lease, record what stands.

Arrives: the execution's id and input. Decided: `decide_start` over the preflight; `decide_inherited`, for a deployment
that was judged before. Nothing of the service is changed here. Answered: where the machine goes. A call that is
repeated answers as the first one did.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from breakwater.errors import ThrottledError
from breakwater.leases import Busy
from breakwater.model import Mode
from breakwater.policies import lowered
from breakwater.preflight import Finding, Warn, examine
from breakwater.preflight_facts import Snapshot
from breakwater.preflight_reads import snapshot_of
from breakwater.preflight_roads import listeners
from breakwater.preflight_tasks import task_checks
from breakwater.release_policy import ReleasePolicy

from . import holding, telling
from .begin_wiring import wiring
from .decision import Begin, Rehearse, StartDecision, Turned, decide_inherited, decide_start
from .facts import Weights
from .record import Before, Release, Share, Stage
from .records import Kept
from .request import ReleaseRequest, RequestError, read_request
from .sight import Rollout, Standing, rules_of
from .wiring import Work

PATIENCE = 1800
TAG = "breakwater:release"


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the state ReleaseBegin."""
    return respond(event, wiring())


def respond(event: dict[str, Any], work: Work) -> dict[str, Any]:
    """Begin, or say why not."""
    execution, now = str(event["execution"]), work.now()
    kept = work.records.load(execution)
    if kept is None:
        try:
            kept = _begun(execution, read_request(event["request"]), work, now)
        except RequestError as error:
            wrong = Release(execution, "", Stage.TURNED, Mode.OFF, now, why=str(error))
            kept = work.records.begin(wrong.told(now, "refused", str(error)), now)
    if kept.release.token and kept.release.ending is None:
        # After the record, which the sweep finds should this execution come no further: a claim without a record would
        # hold the service for ever.
        work.claims.claim(kept.release.service, execution, now)
        if kept.release.stage is Stage.ADMITTED and event["request"].get("despite_quarantine"):
            _lift_quarantine(kept.release, work, now)
    return _next(kept.release)


def _next(release: Release) -> dict[str, Any]:
    if release.stage in (Stage.TURNED, Stage.REHEARSED):
        return {"next": "close", "todo": None, "patience": PATIENCE}
    if release.attended:
        return {"next": "check", "todo": {"verb": "look"}, "patience": PATIENCE}
    return {"next": "move", "todo": {"verb": "deploy"}, "patience": PATIENCE}


def _begun(execution: str, request: ReleaseRequest, work: Work, now: datetime) -> Kept:
    policy = work.policy(request.service, now)
    standing = work.sight.standing(request.cluster, request.service_name, traffic=True)
    policy = replace(policy, mode=lowered(policy.mode, standing.tags.get(TAG)))
    base = Release(
        execution=execution,
        service=request.service,
        stage=Stage.ADMITTED,
        mode=min(request.mode, policy.mode, key=list(Mode).index),
        began_at=now,
        strategy=standing.facts.strategy,
        requested_by=request.requested_by,
        requested_for=request.reason,
        rules=tuple(rules_of(standing.facts)),
    )
    if request.attend is not None:
        release, decision = _attended(base, request, policy, standing, work)
    else:
        release, decision = _asked(base, request, policy, standing, work)
    return _admitted(release, decision, work, now)


def _lift_quarantine(release: Release, work: Work, now: datetime) -> None:
    """Who says that a revision is not at fault wants it guarded like any other, and the rollback guard does not fight
    one in quarantine. What cannot be changed is only logged: the release has its own checks."""
    kept = work.ledgers.load([release.service])[release.service]
    others = tuple(one for one in kept.ledger.quarantined if one.revision != release.task_definition)
    if others == kept.ledger.quarantined:
        return
    if work.ledgers.keep(kept, replace(kept.ledger, quarantined=others)) is None:
        work.logger.warning("the quarantine was not lifted: the ledger was changed meanwhile", service=release.service)
        return
    reason = f"{release.task_definition.rpartition('/')[2]} is released despite its quarantine"
    telling.journal(work, release, "quarantine lifted", reason, now)


def _admitted(release: Release, decision: StartDecision, work: Work, now: datetime) -> Kept:
    match decision:
        case Turned(reason=reason, refusals=refusals):
            release = replace(release, stage=Stage.TURNED, why=reason).told(now, "refused", reason)
            for refusal in refusals:
                release = release.told(now, f"remedy: {refusal.rule}", refusal.remedy) if refusal.remedy else release
        case Rehearse(reason=reason, warnings=warnings):
            release = replace(release, stage=Stage.REHEARSED, why=reason).told(now, "rehearsed", reason)
            release = _warned(release, warnings, now)
        case Begin(reason=reason, warnings=warnings):
            token = holding.take(work, release, now)
            if isinstance(token, Busy) and not holding.by_release(token):
                raise ThrottledError(f"{release.service}: {token.reason}")  # the machine tries it again
            if isinstance(token, Busy):
                turned = replace(release, stage=Stage.TURNED, why=token.reason, at_fault=False)
                release = turned.told(now, "refused", token.reason)
            else:
                stage = Stage.FORWARD if release.attended else Stage.ADMITTED
                release = replace(release, stage=stage, token=token).told(now, "begun", reason)
                release = release.told(now, "failed", release.why) if release.why else release
                release = _warned(release, warnings, now)
        case _:
            assert_never(decision)
    kept = work.records.begin(release, now)
    telling.journal(work, release, f"release {release.lines[0].what}", release.lines[0].reason, now)
    return kept


def _warned(release: Release, warnings: tuple[Warn, ...], now: datetime) -> Release:
    for warning in warnings:
        release = release.told(now, f"warning: {warning.rule}", warning.reason)
    return release


def _asked(
    base: Release, request: ReleaseRequest, policy: ReleasePolicy, standing: Standing, work: Work
) -> tuple[Release, StartDecision]:
    """A revision to be deployed: the whole preflight."""
    snapshot = snapshot_of(work.client, request.cluster, request.service_name, str(request.task_definition))
    definition = getattr(snapshot.definition, "arn", str(request.task_definition))
    snapshot = replace(_with_ours(snapshot, base, str(definition), work), native_hook=work.native_hook)
    despite = {"despite_alarms": request.despite_alarms, "despite_quarantine": request.despite_quarantine}
    findings = (
        *examine(snapshot, policy, **despite),
        *task_checks(snapshot.definition, policy, work.check_task_roles),
        *_ours(policy, standing),
    )
    seen = standing.seen
    before = Before(seen.task_definition, seen.deployment, seen.desired, shares_of(seen.weights))
    release = replace(base, task_definition=str(definition), before=before)
    decision = decide_start(findings, request.mode, policy, present=seen.task_definition, wanted=str(definition))
    return release, decision


def _ours(policy: ReleasePolicy, standing: Standing) -> tuple[Finding, ...]:
    """What only a release asks for."""
    analysed = policy.analysis is not None and not standing.facts.shifts_traffic
    reason = "a ROLLING service has one side at a time: metrics have nothing to be compared with"
    return (Warn("analysis", reason, "use BLUE_GREEN, CANARY or LINEAR"),) if analysed else ()


def _with_ours(snapshot: Snapshot, release: Release, definition: str, work: Work) -> Snapshot:
    """What only Breakwater knows: the quarantine, and who else changes the service. A call that was cut off before it
    kept its record finds its own claim."""
    ledger = work.ledgers.load([release.service])[release.service].ledger
    bad = next((one for one in ledger.quarantined if one.revision == definition), None)
    claimed = work.claims.holder(release.service)
    return replace(
        snapshot,
        quarantined=f"it was taken back at {bad.at:%Y-%m-%d %H:%M} UTC" if bad else None,
        other_release=None if claimed in (None, release.execution) else str(claimed).rpartition(":")[2],
    )


def _attended(
    base: Release, request: ReleaseRequest, policy: ReleasePolicy, standing: Standing, work: Work
) -> tuple[Release, StartDecision]:
    """Somebody else's deployment, which waits: what stood before it is what ECS replaces by it."""
    attend = request.attend
    rollout = work.sight.rollout(attend.service_deployment) if attend else None
    if attend is None:
        raise RequestError("attend: is missing")
    if rollout is None:  # it may be too new to be seen
        raise ThrottledError(f"attend.service_deployment: there is no deployment {attend.service_deployment}")
    made = work.sight.definitions([rollout.revision, *rollout.sources])
    old = next((made[source] for source in rollout.sources if source in made), "")
    new = made.get(rollout.revision, "")
    shares = shares_of(weights_before(rollout, standing.seen.weights))
    before = Before(old, "", standing.seen.desired, shares) if old else None  # the first deployment of a service
    release = replace(
        base,
        attended=True,
        task_definition=new,
        service_deployment=attend.service_deployment,
        deployment=standing.seen.deployment if standing.seen.task_definition == new else None,
        before=before,
    )
    unknown = () if old else (Warn("before", "nothing stood before that it could go back to"),)
    findings = (*unknown, *listeners(standing.facts))
    decision = decide_start(findings, request.mode, policy, present="", wanted=None)
    if isinstance(decision, Begin):
        decision = replace(decision, reason=f"attends the deployment of {new.rpartition('/')[2]}, begun by another")
        release = _inherited(release, rollout, work)
    return release, decision


def _inherited(release: Release, rollout: Rollout, work: Work) -> Release:
    """With what was found of this deployment before: then it goes back at the first look."""
    ledger = work.ledgers.load([release.service])[release.service].ledger
    bad = next((one.at for one in ledger.quarantined if one.revision == release.task_definition), None)
    back = decide_inherited(release.task_definition.rpartition("/")[2], bad, rollout.created_at)
    return release if back is None else replace(release, why=back.reason, at_fault=back.at_fault)


def weights_before(rollout: Rollout, weights: Weights) -> Weights:
    """The weights before a deployment shifted any; while it has some traffic they are not known any more."""
    return weights if not rollout.seen.production_weight else {}


def shares_of(weights: Weights) -> tuple[Share, ...]:
    """Weights as they are kept."""
    return tuple(Share(rule, group, weight) for rule, shares in weights.items() for group, weight in shares.items())
