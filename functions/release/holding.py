"""The lease of a release: taken before anything is changed, looked at before each change, given back at the end."""

import re
from datetime import datetime, timedelta

from breakwater.errors import BreakwaterError, ConflictError
from breakwater.leases import Busy, Lease

from .record import Release
from .wiring import Work

_SERVICE = re.compile(r"[A-Za-z0-9_-]{1,255}/[A-Za-z0-9_-]{1,255}")
_RELEASE = "release "
LASTING = timedelta(hours=1)
SPARE = timedelta(minutes=15)


class LeaseLostError(BreakwaterError):
    """Somebody else has the right to change the service: nothing is written to it any more."""


class SupersededError(BreakwaterError):
    """Somebody else has deployed since: that is theirs."""


def holder(execution: str) -> str:
    """How others see who holds it."""
    return f"{_RELEASE}{execution.rpartition(':')[2]}"


def by_release(busy: Busy) -> bool:
    """Whether it is another release that has the lease: for as long as that takes. Others have it for moments."""
    return busy.holder.startswith(_RELEASE)


def take(work: Work, release: Release, now: datetime) -> int | Busy:
    """Take the lease; its token, or who has it."""
    taken = work.leases.take(release.service, holder(release.execution), now, LASTING)
    return taken if isinstance(taken, Busy) else taken.token


def renew(work: Work, release: Release, now: datetime, lasting: timedelta = LASTING) -> None:
    """Hold on to it. One that ran out and that nobody took is still ours. Raises `LeaseLostError`."""
    try:
        work.leases.renew(_lease(release, now), now, lasting)
    except ConflictError as error:
        raise LeaseLostError(f"the lease of {release.service} has gone to somebody else") from error


def give_back(work: Work, release: Release, now: datetime) -> None:
    """Let others change the service."""
    if release.token:
        work.leases.release(_lease(release, now))


def service_of(request: object) -> str | None:
    """The service that an input names, as `cluster/service`, if it can be one."""
    service = request.get("service") if isinstance(request, dict) else None
    return service if isinstance(service, str) and _SERVICE.fullmatch(service) else None


def drop(work: Work, execution: str, request: object, now: datetime) -> None:
    """Let go of what an execution took that never came so far as to keep a record of it."""
    service = service_of(request)
    if service is not None:
        taken = work.leases.take(service, holder(execution), now, LASTING)
        if not isinstance(taken, Busy):
            work.leases.release(taken)


def _lease(release: Release, now: datetime) -> Lease:
    return Lease(release.service, holder(release.execution), release.token, now)
