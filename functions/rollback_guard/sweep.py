"""Every five minutes: the same decision without any event, for what is watched and for what nobody told of.

All services of the account are described, ten to a call: a deployment whose events were lost and a service that wants
tasks and has none are found by that alone. Only what is new, suspected, baking or being verified is looked at closely.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from breakwater.errors import BreakwaterError
from breakwater.model import Mode
from breakwater.services import Described, ServiceNow
from breakwater.store import chunks

from .counted import ServiceName
from .records import Note
from .visit import Result, Visit, visit_of
from .wiring import Work, wiring

ENOUGH_TIME_MS = 20_000
PAGE = 50
MOST_NEW = 20
"""So many services that were never seen are looked at closely in one sweep; the others wait for the next."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look at all services."""
    return respond(wiring(), context)


def respond(work: Work, context: Any) -> dict[str, Any]:
    """Sweep once. Raises `BreakwaterError` at the end if a service could not be looked at."""
    if work.settings.mode is Mode.OFF:
        return {"looked": 0, "asked": 0}
    visit = visit_of(work, context)

    def time_left() -> bool:
        return bool(context.get_remaining_time_in_millis() > ENOUGH_TIME_MS)

    looked = asked = 0
    problems: list[str] = []
    new = MOST_NEW
    for service, read_at, note, guarded in _census(visit, problems, time_left):
        if not (guarded or _wants_a_look(service, note)):
            continue
        if note == Note():
            new -= 1
            if new < 0:
                continue
        if not time_left():
            work.logger.warning("no time for all services; the next sweep goes on")
            break
        name = ServiceName(service.cluster, service.name)
        try:
            result = _look(replace(visit, now=work.now()), name, service, read_at)
        except BreakwaterError as error:
            problems.append(f"{name}: {error}")
            continue
        looked += 1
        asked += result.asked
        work.logger.info("service looked at", service=str(name), decision=result.decision, reason=result.reason)
    work.metrics.add_metric(name="ServicesLookedAt", unit="Count", value=looked)
    work.metrics.add_metric(name="RollbacksAsked", unit="Count", value=asked)
    work.metrics.flush_metrics()
    if problems:
        raise BreakwaterError(f"not all services could be looked at: {'; '.join(problems[:5])}")
    return {"looked": looked, "asked": asked}


def _look(visit: Visit, name: ServiceName, service: ServiceNow, read_at: datetime) -> Result:
    """Look at a service as it was described, unless the looks before took so long that it may be another by now."""
    from .decision import FRESH  # most sweeps find nothing new, and need none of this
    from .guard import look

    described = service if visit.now - read_at <= FRESH else None
    return look(visit, name, visit.work.policy_for(str(name)), described)


def _wants_a_look(service: ServiceNow, note: Note) -> bool:
    """Whether anything about it is new: a deployment that no event told of, or tasks wanted and none there."""
    primary = service.primary
    if primary is None or service.status != "ACTIVE":
        return False
    silent = service.desired > 0 and service.running == 0
    return primary.id != note.primary or primary.in_progress or silent


def _census(
    visit: Visit, problems: list[str], time_left: Callable[[], bool]
) -> Iterator[tuple[ServiceNow, datetime, Note, bool]]:
    """Every service, when it was read, what is remembered of it and whether it is under watch; those first.

    One that is watched and cannot be read is said so.
    """
    work = visit.work
    guarded = set(work.records.guarded())
    names = _names(visit, problems, time_left)
    ordered = sorted(names | guarded, key=lambda name: (name not in guarded, name))
    for page in chunks(ordered, PAGE):
        if not time_left():
            return
        read_at = work.now()
        described = work.services().describe([_pair(name) for name in page], tags=True)
        notes = work.records.load(page)
        for name in page:
            pair = _pair(name)
            if pair in described.found:
                yield described.found[pair], read_at, notes[name][0].note, name in guarded
            elif name in guarded:
                _without_it(visit, ServiceName(*pair), described)


def _without_it(visit: Visit, name: ServiceName, described: Described) -> None:
    """One that is watched is gone, or could not be described."""
    from .guard import look, unreadable

    pair = (name.cluster, name.name)
    if pair in described.gone:
        look(visit, name, visit.work.policy_for(str(name)))
    elif pair in described.problems:
        unreadable(visit, name, described.problems[pair])


def _names(visit: Visit, problems: list[str], time_left: Callable[[], bool]) -> set[str]:
    names: set[str] = set()
    try:
        for cluster in visit.work.services().clusters():
            if not time_left():
                break
            names |= {f"{cluster}/{name}" for name in visit.work.services().services_of(cluster)}
    except BreakwaterError as error:
        problems.append(str(error))
    return names


def _pair(name: str) -> tuple[str, str]:
    cluster, _, service = name.partition("/")
    return cluster, service
