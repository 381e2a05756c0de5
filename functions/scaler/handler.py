"""Surges by hand and by pipeline, and what schedules wake: a surge that begins or is over, a window's turn.

Invoke it directly or as a task of Step Functions:

    {"action": "start", "cluster": "prod", "service": "web", "desired": 12, "minutes": 120}
    {"action": "end", "cluster": "prod", "service": "web"}
    {"action": "list"}

A request that is wrong raises `InvalidRequestError` with one sentence, and nothing has been done. With
`"answer_errors": true` the sentence is the answer (`{"error": …}`) instead, for a person at a command line.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, assert_never

from breakwater.errors import BreakwaterError, ConflictError
from breakwater.model import Mode

from .reconcile import Outcome
from .requests import End, InvalidRequestError, List, Request, Start, WindowTurn, Woken, read_request
from .scale import Claim, ClaimKind, ScaleRecord
from .sweep import ENOUGH_TIME_MS, services_of
from .wiring import Work, surge_mode, wiring

MOST_CLAIMS = 20
TRIES = 3


def handler(event: object, context: Any) -> dict[str, Any]:
    """Do what is asked and say what came of it."""
    return respond(event, context, wiring())


def respond(event: object, context: Any, work: Work) -> dict[str, Any]:
    """Read the request strictly, then do it."""
    now = work.now()
    try:
        return _answer(read_request(event, now, work.policy(now).surge.maximum_hours), context, work)
    except (InvalidRequestError, BreakwaterError) as error:
        if isinstance(event, Mapping) and event.get("answer_errors") is True:
            return {"error": str(error), "kind": type(error).__name__}
        raise


def _answer(request: Request, context: Any, work: Work) -> dict[str, Any]:
    match request:
        case Start():
            return _start(request, context.invoked_function_arn, work)
        case End():
            return _end(request, work)
        case List():
            return {"mode": str(surge_mode(work, work.now())), "services": _listed(request, work)}
        case Woken(cluster=cluster, service=service):
            return _woken([(cluster, service)], context, work)
        case WindowTurn(name=name):
            windows = [window for window in work.policy(work.now()).windows if window.name == name]
            return _woken(services_of(windows, work), context, work)
        case _:
            assert_never(request)


def _start(request: Start, function: str, work: Work) -> dict[str, Any]:
    """Bring the service up to date, write the surge down, have it woken at its end, and act."""
    now = work.now()
    mode = surge_mode(work, now)
    if mode is Mode.OFF:
        raise InvalidRequestError("mode: the scaler is off, by the stack or by the policy")
    found = work.services.look(request.cluster, request.service).snapshot
    if found is None:
        raise InvalidRequestError(f"service: there is no active service {request.cluster}/{request.service}")
    if found.fixed:
        raise InvalidRequestError(f"service: {request.cluster}/{request.service} has a fixed size: {found.fixed}")
    work.reconcile(request.cluster, request.service)
    claim = _written(request, mode, work)
    work.wakers.wake_for(claim, request.cluster, request.service, function, now)
    return _said(work.reconcile(request.cluster, request.service), work) | {"surge": _shown(claim)}


def _written(request: Start, mode: Mode, work: Work) -> Claim:
    """The surge in the table: new, or the one of the same id that is there already."""
    claim = Claim(request.id, ClaimKind.SURGE, request.starts, request.until, request.desired, by=request.by, mode=mode)

    def added(record: ScaleRecord) -> ScaleRecord:
        there = next((each for each in record.claims if each.id == claim.id), None)
        if there is None:
            if len(record.claims) >= MOST_CLAIMS:
                raise InvalidRequestError(f"service: {record.key} has {MOST_CLAIMS} surges and windows already")
            return replace(record, claims=(*record.claims, claim))
        as_long = there.until == claim.until or there.until - there.starts == claim.until - claim.starts
        if (there.desired, there.kind) != (claim.desired, claim.kind) or not as_long:
            raise InvalidRequestError(f"id: {claim.id} is a surge to {there.desired} until {there.until.isoformat()}")
        return record

    record = _changed(work, request.cluster, request.service, added)
    return next(each for each in record.claims if each.id == claim.id)


def _end(request: End, work: Work) -> dict[str, Any]:
    """Take the claim away, and give back."""

    def without(record: ScaleRecord) -> ScaleRecord:
        surges = [claim for claim in record.claims if claim.kind is ClaimKind.SURGE]
        over = [claim for claim in surges if request.id in (None, claim.id)]
        if not over:
            which = f"no surge {request.id}" if request.id else "no surge"
            raise InvalidRequestError(f"id: {record.key} has {which}")
        return replace(record, claims=tuple(claim for claim in record.claims if claim not in over))

    if surge_mode(work, work.now()) is Mode.OFF:
        raise InvalidRequestError("mode: the scaler is off, by the stack or by the policy")
    _changed(work, request.cluster, request.service, without)
    return _said(work.reconcile(request.cluster, request.service), work)


def _changed(work: Work, cluster: str, service: str, change: Callable[[ScaleRecord], ScaleRecord]) -> ScaleRecord:
    """Change a record; somebody who changes it at the same time goes first."""
    for attempt in range(TRIES):
        before = work.records.load(cluster, service)
        after = change(before)
        if after == before:
            return before
        try:
            return work.records.save(after, work.now())
        except ConflictError:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _woken(services: list[tuple[str, str]], context: Any, work: Work) -> dict[str, Any]:
    """One service that fails keeps none of the others from its turn; what there is no time for is the sweep's."""
    if work.settings.mode is Mode.OFF:
        return {"mode": "off", "services": []}
    said: list[dict[str, Any]] = []
    problems: list[str] = []
    for cluster, service in services:
        if context.get_remaining_time_in_millis() < ENOUGH_TIME_MS:
            work.logger.warning("no time for all", done=len(said), of=len(services))
            break
        try:
            said.append(_said(work.reconcile(cluster, service), work))
        except BreakwaterError as error:
            problems.append(f"{cluster}/{service}: {error}")
    if problems:
        raise BreakwaterError("; ".join(problems))
    return {"services": said}


def _listed(request: List, work: Work) -> list[dict[str, Any]]:
    wanted = [place for place in work.records.all() if request.cluster in (None, place[0])]
    records = [work.records.load(*place) for place in wanted if request.service in (None, place[1])]
    return [
        {
            "service": record.key,
            "found": {str(knob): held.original for knob, held in record.held.items()},
            "set": {str(knob): held.ours for knob, held in record.held.items()},
            "claims": [_shown(claim) for claim in record.claims],
        }
        for record in records
        if not record.empty
    ]


def _said(outcome: Outcome, work: Work) -> dict[str, Any]:
    return {
        "mode": str(surge_mode(work, work.now())),
        "service": outcome.record.key,
        "reason": outcome.reason,
        "steps": [step.reason for step in outcome.steps],
        "now": {str(knob): value for knob, value in outcome.found.numbers().items()} if outcome.found else None,
    }


def _shown(claim: Claim) -> dict[str, Any]:
    wants = {"desired": claim.desired, "minimum": claim.minimum, "maximum": claim.maximum}
    return {
        "id": claim.id,
        "kind": str(claim.kind),
        "starts": claim.starts.isoformat(),
        "until": claim.until.isoformat(),
        **{name: value for name, value in wants.items() if value is not None},
        "by": claim.by,
        "no_say_in": sorted(claim.lost),
    }
