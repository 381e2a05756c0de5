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
from breakwater.services import ServiceNow
from breakwater.store import chunks

from .decision import FRESH
from .guard import Visit, look, unreadable
from .handler import visit_of
from .picture import ServiceName
from .records import Note
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
            now = work.now()
            described = service if now - read_at <= FRESH else None  # a look takes time, and there may be many
            result = look(replace(visit, now=now), name, work.policy_for(str(name)), described)
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
        described = work.services.describe([_pair(name) for name in page], tags=True)
        notes = work.records.load(page)
        for name in page:
            pair = _pair(name)
            if pair in described.found:
                yield described.found[pair], read_at, notes[name][0].note, name in guarded
            elif pair in described.gone and name in guarded:
                look(visit, ServiceName(*pair), work.policy_for(name))
            elif pair in described.problems and name in guarded:
                unreadable(visit, ServiceName(*pair), described.problems[pair])


def _names(visit: Visit, problems: list[str], time_left: Callable[[], bool]) -> set[str]:
    names: set[str] = set()
    try:
        for cluster in visit.work.services.clusters():
            if not time_left():
                break
            names |= {f"{cluster}/{name}" for name in visit.work.services.services_of(cluster)}
    except BreakwaterError as error:
        problems.append(str(error))
    return names


def _pair(name: str) -> tuple[str, str]:
    cluster, _, service = name.partition("/")
    return cluster, service
