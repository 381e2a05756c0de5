"""The step that leaves a task token where events find it. The machine goes on when one of them, or a person, answers.

An event may have come before: then the token is answered at once, from in here.
"""

from datetime import timedelta
from typing import Any

from breakwater.errors import NotFoundError
from breakwater.rendezvous import Kind, Wait

from . import holding
from .wiring import Work, wiring

LONGEST = timedelta(hours=1)
MOST_WAITS = 100_000
"""More than an execution can make: its history ends after 25,000 events."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the state ReleaseWait; what it answers is read by nobody."""
    return respond(event, wiring())


def respond(event: dict[str, Any], work: Work) -> dict[str, Any]:
    """Hold on to the lease for as long as the wait may last, and keep the token."""
    now = work.now()
    kept = work.records.load(str(event["execution"]))
    if kept is None:
        raise NotFoundError("there is no record of this release")
    release = kept.release
    holding.renew(work, release, now, lasting(int(event.get("patience") or 0)))
    wait = Wait(
        # An execution counts from 1, and the item of the service outlives it. The lease's token only grows, so that of
        # two releases of a service every wait of the later one has the higher number.
        number=release.token * MOST_WAITS + int(event["number"]),
        token=str(event["token"]),
        kinds=tuple(Kind),
        deployments=(*release.names, *(task.arn for task in release.tasks if task.arn and task.end is None)),
    )
    decision = work.rendezvous.arrive(release.service, wait, now)
    work.logger.info("waits", service=release.service, number=wait.number, reason=decision.reason)
    return {"kept": True}


def lasting(patience: int) -> timedelta:
    """How long the lease has to last, by the seconds that the wait may take: a question may be open for days."""
    return max(LONGEST, timedelta(seconds=patience)) + holding.SPARE
