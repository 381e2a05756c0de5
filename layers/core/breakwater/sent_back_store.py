"""What releases sent back, in the table: one item for each service.

It is written before ECS is asked and is never taken away: it names one deployment, and ends with the day.
"""

from collections.abc import Iterable
from datetime import datetime

from breakwater.sent_back import SentBack
from breakwater.store import Key, Put, Table

KEPT_SECONDS = 86_400


class SentBackStore:
    """The last one of each service, by `cluster/service`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def note(self, service: str, sent: SentBack) -> None:
        """Write one down, in place of the one before."""
        pk, sk = _key(service)
        self._table.write(
            Put(
                {
                    "pk": pk,
                    "sk": sk,
                    "service_deployment": sent.service_deployment,
                    "deployment": sent.deployment,
                    "at": sent.at.isoformat(),
                    "ttl": int(sent.at.timestamp()) + KEPT_SECONDS,
                }
            )
        )

    def load(self, services: Iterable[str]) -> dict[str, SentBack]:
        """The last one of each of these services that has one."""
        keys = {_key(service): service for service in services}
        items = self._table.get_many(keys)
        return {
            keys[key]: SentBack(
                str(item["service_deployment"]), str(item["deployment"]), datetime.fromisoformat(str(item["at"]))
            )
            for key, item in items.items()
        }


def _key(service: str) -> Key:
    return f"SENTBACK#{service}", "SENTBACK"
