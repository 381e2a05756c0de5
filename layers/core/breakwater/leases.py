"""The right to change one service: one holder at a time, a fencing token that only grows, and an expiry.

ECS takes no client token for UpdateService and StopServiceDeployment, so who changes a service holds its lease, looks
at the service again under it, and only then writes. A holder that was held up past its expiry finds a higher token in
the table and is refused. The item stays when a lease is given back: its token must never begin anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from breakwater.errors import ConflictError
from breakwater.store import Key, Table, Update, Value

FREE = "nobody"


@dataclass(frozen=True, slots=True)
class Lease:
    """What the holder has in hand. `subject` is `cluster/service`; of two leases of one subject the higher token is
    the valid one."""

    subject: str
    holder: str
    token: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A lease as the table has it: the last token given out, to whom, and until when (Unix seconds)."""

    token: int = 0
    holder: str = FREE
    until: int = 0


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else holds it."""

    holder: str
    until: int
    reason: str


def decide_take(standing: Standing, holder: str, now: datetime) -> int | Busy:
    """The token of the next lease, or who holds the present one.

    A holder that asks again, as a retried invocation does, gets a higher token: what it began before is fenced off.
    """
    seconds = int(now.timestamp())
    if standing.holder in (FREE, holder) or standing.until <= seconds:
        return standing.token + 1
    left = standing.until - seconds
    return Busy(standing.holder, standing.until, f"{standing.holder} may change it for another {left} s")


class Leases:
    """The leases in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, subject: str, holder: str, now: datetime, lasting: timedelta) -> Lease | Busy:
        """Take the lease, or say who has it. Of two that take it at once, one gets it."""
        standing = self._standing(subject)
        token = decide_take(standing, holder, now)
        if isinstance(token, Busy):
            return token
        lease = Lease(subject, holder, token, now + lasting)
        try:
            self._table.write(_given(lease, standing))
        except ConflictError:
            return Busy("somebody", int(lease.until.timestamp()), "somebody took the lease at the same moment")
        return lease

    def renew(self, lease: Lease, now: datetime, lasting: timedelta) -> Lease:
        """Hold it longer. Raises `ConflictError` if it has gone to somebody else."""
        later = replace(lease, until=now + lasting)
        self._table.write(renewal(later))
        return later

    def check(self, lease: Lease, now: datetime) -> None:
        """Raise `ConflictError` unless this is still the valid lease: to be called right before each write."""
        standing = self._standing(lease.subject)
        if standing.token != lease.token:
            raise ConflictError(f"the lease of {lease.subject} has gone to {standing.holder}")
        if standing.until <= int(now.timestamp()):
            raise ConflictError(f"the lease of {lease.subject} has run out")

    def release(self, lease: Lease) -> None:
        """Give it back; if it has gone to somebody else, there is nothing to give."""
        try:
            self._table.write(
                Update(_key(lease.subject), set_values={"holder": FREE, "until": 0}, expected={"token": lease.token})
            )
        except ConflictError:
            return

    def _standing(self, subject: str) -> Standing:
        item = self._table.get_many([_key(subject)]).get(_key(subject))
        return _read(item) if item else Standing()


def renewal(lease: Lease) -> Update:
    """The write that holds on to a lease until `lease.until` and is refused if it is another's: in a transaction it
    fences the writes beside it."""
    return Update(
        _key(lease.subject), set_values={"until": int(lease.until.timestamp())}, expected={"token": lease.token}
    )


def _given(lease: Lease, before: Standing) -> Update:
    expected: dict[str, Value | None] = {"token": before.token or None}
    if before.token:
        expected |= {"holder": before.holder, "until": before.until}
    values: dict[str, Value] = {"token": lease.token, "holder": lease.holder, "until": int(lease.until.timestamp())}
    return Update(_key(lease.subject), set_values=values, expected=expected)


def _read(item: Mapping[str, Value]) -> Standing:
    return Standing(int(item["token"]), str(item["holder"]), int(item["until"]))


def _key(subject: str) -> Key:
    return f"LEASE#{subject}", "LEASE"
