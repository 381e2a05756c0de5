"""Deployments of others that wait at a hook while no event has told of it: without us the hook's time would run out.

Only services that the policy has checks for are looked at, `MOST` of them at a time and the next ones five minutes
later; of these only a deployment that is under way and shifts traffic is looked at closely.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice

from breakwater.attending import Attend, CallPerson, Waiting
from breakwater.policies import matches
from breakwater.services import EcsServices, ServiceNow

from . import telling
from .sweep_wiring import Sweeping

MOST = 300
SECONDS = 300
_WILD = frozenset("*?")


def attend(sweeping: Sweeping, now: datetime, time_left: Callable[[], bool]) -> int:
    """Start a release for every deployment that waits unattended; says how many. Raises `BreakwaterError`."""
    work = sweeping.work
    globs = sweeping.attends(now)
    services = EcsServices(lambda: work.client("ecs"))
    names = turn(named(globs, services), now)
    answered = 0
    for service in services.describe(names).found.values():
        arn = service.service_deployment
        if not may_wait(service) or arn is None:
            continue
        if not time_left():
            break
        rollout = work.sight.rollout(arn)
        if rollout is None or rollout.hook is None or rollout.seen.is_rollback:
            continue  # a way back has no hook that pauses (ecs 4)
        waiting = Waiting(service.cluster, service.name, arn, rollout.hook.hook_id, rollout.hook.stage)
        decision = sweeping.attendance.see_to(waiting, now)
        if isinstance(decision, Attend):
            work.logger.info("hook found", service=service.key, stage=waiting.stage, reason=decision.reason)
            answered += 1
        elif isinstance(decision, CallPerson):
            primary = service.primary
            telling.waits(work, waiting, primary.task_definition if primary else "", decision.reason, now)
    return answered


def may_wait(service: ServiceNow) -> bool:
    """Whether its deployment could wait at a hook that pauses: only while one is under way that shifts traffic."""
    primary = service.primary
    return (
        service.status == "ACTIVE"
        and service.controller == "ECS"
        and service.strategy != "ROLLING"
        and primary is not None
        and primary.in_progress
    )


def named(globs: Sequence[str], services: EcsServices) -> list[tuple[str | None, str]]:
    """The services that the globs name, in order. What has no wildcard in it is not looked for."""
    whole = [glob for glob in globs if not _WILD & set(glob)]
    found = {(glob.partition("/")[0], glob.partition("/")[2]) for glob in whole}
    wild = [glob for glob in globs if glob not in whole]
    for cluster in services.clusters() if wild else []:
        if any(matches(glob.partition("/")[0], cluster) for glob in wild):
            mine = services.services_of(cluster)
            found |= {(cluster, name) for name in mine if any(matches(glob, f"{cluster}/{name}") for glob in wild)}
    return [*sorted(found)]


def turn(names: Sequence[tuple[str | None, str]], now: datetime, most: int = MOST) -> list[tuple[str | None, str]]:
    """Those whose turn it is: `most` of them, and the next ones at the next sweep."""
    if len(names) <= most:
        return list(names)
    start = int(now.timestamp()) // SECONDS * most % len(names)
    return [*islice((*names[start:], *names), most)]
