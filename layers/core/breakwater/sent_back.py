"""Which deployment of a service a release sends back: what ECS then says of it is no news of its own.

It is written before ECS is asked and is never taken away: it names one deployment, and ends with the day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from breakwater.store import Key, Put, Table

KEPT_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class SentBack:
    """A deployment on its way back by the word of a release.

    `service_deployment` is its ARN, `deployment` its id (`ecs-svc/…`, "" if it is not known), `at` when ECS was asked.
    """

    service_deployment: str
    deployment: str
    at: datetime


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
