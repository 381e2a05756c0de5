"""Which release has a service: its events belong to it, and its hooks are its to answer."""

from datetime import datetime

from breakwater.errors import ConflictError
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


def _key(service: str) -> Key:
    return f"RELEASING#{service}", "RELEASING"
