"""Task stops of services and changes of deployments arrive one by one, straight from the bus.

Most events end after one conditional write, or none; a look at the service follows only if the evidence could be
enough. Whatever is raised here makes Lambda deliver the event again; what comes twice is counted once.

What a look needs is imported when the first one comes: most cold starts see one failure and wait.
"""

from dataclasses import replace
from typing import Any

from breakwater.diagnosis import Facts, needs_essential
from breakwater.events import Event, ServiceEvent, TaskStateChange, Unreadable, read
from breakwater.model import Mode
from breakwater.policies import GuardPolicy

from .counted import ServiceName, Stop
from .stops import read_stop
from .suspicion import Ignore, Wait, decide_look, decide_vote
from .visit import Result, Visit, visit_of
from .wiring import Work, wiring

_DEPLOYMENTS = ("SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take one event of the bus."""
    return respond(event, context, wiring())


def respond(event: dict[str, Any], context: Any, work: Work) -> dict[str, Any]:
    """Judge one event and say what it came to."""
    if work.settings.mode is Mode.OFF:
        return {"decision": "off"}
    visit = visit_of(work, context)
    result = _judged(read(event), visit)
    work.logger.info("event judged", decision=result.decision, reason=result.reason)
    if result.asked:
        work.metrics.add_metric(name="RollbacksAsked", unit="Count", value=1)
        work.metrics.flush_metrics()
    return {"decision": result.decision}


def _judged(event: Event | Unreadable, visit: Visit) -> Result:
    if isinstance(event, ServiceEvent):
        return _deployment(event, visit)
    if isinstance(event, TaskStateChange):
        return _task(event, visit)
    return Result("ignore", "it is neither a task nor a deployment")


# ── a task ended ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _task(event: TaskStateChange, visit: Visit) -> Result:
    facts = Facts(now=visit.now, account=visit.home.account, region=visit.home.region)
    stop = read_stop(event, facts)
    if isinstance(stop, Stop) and visit.work.memory.knows(stop):
        return _again(stop, visit)
    if isinstance(stop, Stop) and _essential_matters(event, stop):
        definition = visit.work.definitions.read([stop.revision], visit.now).get(stop.revision)
        if definition is None:
            return _no_definition(stop, visit)
        stop = read_stop(event, replace(facts, essential=definition.essential))
    policy = visit.work.policy_for(str(stop.service)) if isinstance(stop, Stop) else GuardPolicy()
    vote = decide_vote(stop, policy, visit.now)
    if isinstance(vote, Ignore):
        return Result("ignore", vote.reason)
    if not visit.work.memory.full(vote.stop):
        visit.work.records.mark(vote.stop, visit.now)
        visit.work.memory.add(vote.stop)
    return _weigh(vote.stop, visit)


def _again(stop: Stop, visit: Visit) -> Result:
    """The same failure once more. On its way to STOPPED it is no news: a look at it would only put off the next one."""
    if stop.early_read:
        return Result("wait", "this failure is counted; its STOPPED brings it up again")
    return _weigh(stop, visit)


def _essential_matters(event: TaskStateChange, stop: Stop) -> bool:
    return needs_essential(event) or (stop.early_read and len(event.detail.containers) > 1)


def _no_definition(stop: Stop, visit: Visit) -> Result:
    memory = visit.work.memory
    if stop.revision in memory.unjudged:
        return Result("ignore", "the task definition could not be read, so it is not known what is essential")
    from .guard import unreadable

    result = unreadable(visit, stop.service, f"the task definition {stop.revision.rpartition('/')[2]} cannot be read")
    memory.unjudged.add(stop.revision)
    return result


def _weigh(stop: Stop, visit: Visit) -> Result:
    """Look at the service if that could lead to anything; also for a stop that comes again: its first try may have
    died."""
    work, name = visit.work, stop.service
    policy = work.policy_for(str(name))
    stale = work.memory.stale(stop, visit.now)
    if not stale and work.memory.full(stop):
        return Result("wait", "there are enough failures of this deployment; the next look is due later")
    if stale:
        kept, _ledger = work.records.load([str(name)])[str(name)]
        work.memory.take(str(name), kept.note, work.records.marks(str(name), visit.now), visit.now)
    answer = decide_look(work.memory.suspicion(name, stop.deployment), policy, visit.now)
    if isinstance(answer, Wait):
        return Result("wait", answer.reason)
    from .guard import claim, look

    wait = claim(visit, name, stop.deployment, policy)
    return Result("wait", wait.reason) if wait else look(visit, name, policy)


# ── a deployment changed ──────────────────────────────────────────────────────────────────────────────────────────────


def _deployment(event: ServiceEvent, visit: Visit) -> Result:
    detail = event.detail
    if (event.account, event.region) != (visit.home.account, visit.home.region):
        return Result("ignore", "the event comes from another account or Region")
    if detail.event_name not in _DEPLOYMENTS:
        return Result("ignore", "it is no change of a deployment")
    if not event.service or not event.cluster:
        return Result("ignore", "the event does not name its cluster; the sweep finds the service")
    name = ServiceName(event.cluster, event.service)
    identity = f"event:{detail.deployment_id}:{detail.event_name}"
    kept, _ledger = visit.work.records.load([str(name)])[str(name)]
    if identity in kept.note.told and detail.deployment_id == kept.note.primary:
        return Result("ignore", "this change of the deployment was seen before")
    from .guard import look

    result = look(visit, name, visit.work.policy_for(str(name)))
    kept, _ledger = visit.work.records.load([str(name)])[str(name)]
    visit.work.records.keep(kept, kept.note.with_told(identity), visit.now)
    return result
