"""What a look at a service needs, and what may follow from it. The events that lead to none never import this."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from os import environ

from breakwater import aws
from breakwater.compiled import Compiled
from breakwater.desk import IncidentDesk
from breakwater.ecs import TaskDefinitions
from breakwater.incident_store import IncidentStore
from breakwater.leases import Leases
from breakwater.ledger_store import Ledgers
from breakwater.logs import log_reader
from breakwater.model import Finding, LogTail
from breakwater.policies import AlertPolicy
from breakwater.services import EcsServices
from breakwater.store import Table
from breakwater.topics import IncidentTopic

from .targets import Targets


@dataclass(frozen=True, slots=True)
class Tools:
    """The parts, ready to be used."""

    alerts: Callable[[], AlertPolicy]
    targets: Targets
    ledgers: Ledgers
    leases: Leases
    desk: IncidentDesk
    read_log: Callable[[Finding], LogTail | None]
    tell_release: Callable[[str, str, str, datetime], str | None] = lambda *_: None
    """Service, deployment, why it fails, when: to the release that has the service; its execution, if one has."""


def made(
    automation: str,
    topic_arn: str,
    table: Table,
    definitions: TaskDefinitions,
    services: EcsServices,
    policy: Callable[[], Compiled],
) -> Tools:
    """The parts as they run in Lambda."""

    def tell_release(service: str, deployment: str, reason: str, now: datetime) -> str | None:
        from breakwater.release_failing import tell_failing  # only who rolls back pays for it
        from breakwater.rendezvous_store import Rendezvous, send_by

        meeting = Rendezvous(table, send_by(lambda: aws.client("stepfunctions")))
        return tell_failing(table, meeting, service, deployment, reason, now)

    def alerts() -> AlertPolicy:
        return policy().alerts()

    return Tools(
        alerts=alerts,
        targets=Targets(services, lambda: aws.client("ecr")),
        ledgers=Ledgers(table),
        leases=Leases(table),
        desk=IncidentDesk(IncidentStore(table), IncidentTopic(lambda: aws.client("sns"), topic_arn), automation),
        read_log=log_reader(lambda: aws.client("logs"), definitions, alerts, environ.get("AWS_REGION", "")),
        tell_release=tell_release,
    )
