"""Which release has a service: its events belong to it, and its hooks are its to answer."""

from datetime import datetime

from breakwater.errors import ConflictError
from breakwater.redact import redact
from breakwater.rendezvous import Kind, Message
from breakwater.rendezvous_store import Rendezvous
from breakwater.store import Key, Put, Table, Update

KEPT_DAYS = 90
NOBODY = ""


class Claims:
    """The claims in the table, one for each service, as `cluster/service`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, service: str, execution: str, now: datetime) -> None:
        """Say that this release has the service; whoever says so holds its lease."""
        pk, sk = _key(service)
        ttl = int(now.timestamp()) + KEPT_DAYS * 86400
        self._table.write(Put({"pk": pk, "sk": sk, "execution": execution, "ttl": ttl}))

    def holder(self, service: str) -> str | None:
        """The execution that has the service."""
        key = _key(service)
        found = str(self._table.get_many([key]).get(key, {}).get("execution", NOBODY))
        return found or None

    def let_go(self, service: str, execution: str) -> None:
        """Let go of a service, if it is still this execution's."""
        try:
            self._table.write(Update(_key(service), {"execution": NOBODY}, expected={"execution": execution}))
        except ConflictError:
            return


def tell_failing(
    table: Table, meeting: Rendezvous, service: str, deployment: str, reason: str, now: datetime
) -> str | None:
    """Tell the release that has a service that tasks of its deployment fail and going back would help, once.

    `deployment` is its ARN, or its id. Answers the execution that has the service, or `None` if none has.
    """
    execution = Claims(table).holder(service)
    if execution is None:
        return None
    body = {"reason": redact(reason)[:1000]}
    meeting.arrive(service, Message(f"failing:{deployment}", Kind.FAILING, now.isoformat(), deployment, body), now)
    return execution


def _key(service: str) -> Key:
    return f"RELEASING#{service}", "RELEASING"
