"""The last step: is the service as it should be? Then the ledger, the report, the people, the lease, in this order.

The order is that of what a crash may cost: who comes by after one finds the ending kept and does the rest.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from breakwater.attending import Waiting
from breakwater.errors import BreakwaterError, ConflictError, ThrottledError
from breakwater.ledger import Ledger, Quarantined, unproven, with_completed

from . import holding, news, telling, watching
from .endings import blamed, ending_by_outcome, ending_by_stage
from .expecting import expected
from .failure import told
from .outcome import NotYet, decide_outcome
from .pacing import next_look
from .record import Ending, Release, Stage
from .records import Kept
from .reporting import publish
from .wiring import Work, wiring

TRIES = 5
MOST_BAD = 20


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the state ReleaseClose."""
    return respond(event, wiring())


def respond(event: dict[str, Any], work: Work) -> dict[str, Any]:
    """Verify, write down, tell, let go."""
    now = work.now()
    kept = work.records.load(str(event["execution"]))
    if kept is None:
        return _unbegun(event, work, now)
    release = kept.release
    if release.ending is None:
        ending = _ending(release, told(event.get("failure")), work, now)
        if isinstance(ending, NotYet):
            patience = _patience(release, work, now)
            until = release.settle_until or now + patience
            work.records.keep(kept, replace(release, settle_until=until), now)
            return {"next": "pause", "pause": next_look(until - patience, until, now), "outcome": None}
        ending = blamed(ending, release)
        said = watching.closed(release, work, now).told(now, ending.error.lower(), ending.cause)
        kept = work.records.keep(kept, replace(said, ending=ending, settle_until=None), now)
    return _finished(kept, event, work, now)


def _unbegun(event: dict[str, Any], work: Work, now: datetime) -> dict[str, Any]:
    """Without a record nothing was begun. A deployment that it was to attend still waits at its hook: the sweep begins
    another release of it, and tells a person if none can begin (`breakwater.attendance`)."""
    holding.drop(work, str(event["execution"]), event.get("request"), now)
    return _ended("failed", "Refused", told(event.get("failure")) or "it never began")


def _patience(release: Release, work: Work, now: datetime) -> timedelta:
    return timedelta(minutes=work.policy(release.service, now).settle_minutes)


def _ending(release: Release, failure: str, work: Work, now: datetime) -> Ending | NotYet:
    """How it ended. `failure` is the error that led to the way back, or kept that from being begun."""
    over = ending_by_stage(release, failure)
    if over is not None:
        return over
    try:
        standing = work.sight.standing(release.cluster, release.name, traffic=True)
    except ThrottledError:
        raise  # later may work: the machine tries this step again
    except BreakwaterError as error:
        return Ending("failed", "NotVerified", f"the service cannot be read: {error}")
    until = release.settle_until or now + _patience(release, work, now)
    outcome = decide_outcome(expected(release), standing.seen, now, until)
    return outcome if isinstance(outcome, NotYet) else ending_by_outcome(release, outcome)


def _finished(kept: Kept, event: dict[str, Any], work: Work, now: datetime) -> dict[str, Any]:
    """What is still to be done about an ending that is kept; each part may be done twice."""
    release, ending = kept.release, kept.release.ending
    if ending is None:
        raise BreakwaterError("there is no ending")
    if release.stage is not Stage.OVER and release.service:
        write_down(release, ending, work, now)
        telling.journal(work, release, f"release {ending.error}", ending.cause, now)
        _tell(release, ending, publish(work, release, now), work, now)
        if ending.error in ("Refused", "Rehearsed") and release.attended:
            waiting = _waiting(release, event.get("request"))
            telling.waits(work, waiting, release.task_definition, ending.cause, now)
        if release.stage not in (Stage.TURNED, Stage.REHEARSED):
            work.claims.let_go(release.service, release.execution)
            holding.give_back(work, release, now)
            kept = work.records.keep(kept, replace(release, stage=Stage.OVER), now)
    return _ended(ending.next, ending.error, ending.cause, release)


def _tell(release: Release, ending: Ending, report: str | None, work: Work, now: datetime) -> None:
    """Who started it reads the execution's result. Others hear how it ended, once, with where the report is."""
    if news.was_asked(release):
        telling.answered(work, release, f"the release ended: {ending.cause}", now)
    if ending.error == "Released":
        telling.settled(work, release, now)
        ledger = work.ledgers.load([release.service])[release.service].ledger if release.attended else Ledger()
        if not news.is_the_guards(release, ledger):
            telling.released(work, release, now, report)
    elif ending.error == "Returned":
        telling.returned(work, release, ending.cause, now, person=False, report=report)
    elif ending.error in ("HandedOver", "NotReturned", "NotVerified"):
        telling.returned(work, release, ending.cause, now, person=True, report=report)


def _waiting(release: Release, request: Any) -> Waiting:
    """The hook at which the deployment waits that it was to attend: what it was asked for has its name."""
    attend = request.get("attend") if isinstance(request, dict) else None
    hook = attend if isinstance(attend, dict) else {}
    hook_id, stage = str(hook.get("hook_id", "")), str(hook.get("stage", ""))
    return Waiting(release.cluster, release.name, release.service_deployment or "", hook_id, stage)


def write_down(release: Release, ending: Ending, work: Work, now: datetime) -> None:
    """The ledger: the bake of what was released begins; a revision that was seen to be bad is not tried again.

    Before the service is let go: who comes after finds there what was judged. Raises `ConflictError`.
    """
    if ending.error != "Released" and not release.at_fault:
        return
    for _ in range(TRIES):
        kept = work.ledgers.load([release.service])[release.service]
        ledger = (
            _released(kept.ledger, release, now)
            if ending.error == "Released"
            else _sent_back(kept.ledger, release, now)
        )
        if ledger == kept.ledger or work.ledgers.keep(kept, ledger) is not None:
            return
    raise ConflictError(f"the ledger of {release.service} is changed by others")


def _released(ledger: Ledger, release: Release, now: datetime) -> Ledger:
    """Its bake, if it has not begun yet, or is over: the guard may have seen the deployment COMPLETED long before."""
    deployment, revision = release.deployment or release.service_deployment or "", release.task_definition
    if ledger.bake is not None and ledger.bake.revision == revision:
        return ledger
    return with_completed(ledger, deployment, revision, now) if unproven(ledger, deployment, revision) else ledger


def _sent_back(ledger: Ledger, release: Release, now: datetime) -> Ledger:
    """One that was in quarantine before is so from now: by that time it is known which deployment was judged."""
    bad = Quarantined(release.task_definition, now)
    others = tuple(one for one in ledger.quarantined if one.revision != release.task_definition)
    return replace(
        ledger,
        quarantined=(bad, *others)[:MOST_BAD],
        known_good=tuple(one for one in ledger.known_good if one.revision != release.task_definition),
    )


def _ended(way: str, error: str, cause: str, release: Release | None = None) -> dict[str, Any]:
    more = {"service": release.service, "task_definition": release.task_definition} if release else {}
    return {"next": way, "pause": 0, "outcome": {"error": error, "cause": cause[:2000], **more}}
