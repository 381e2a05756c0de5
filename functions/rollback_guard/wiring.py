"""What rollback_guard is made of, put together on first use and never at import."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache

from aws_lambda_powertools import Logger, Metrics

from breakwater import aws, log
from breakwater.compiled import Compiled
from breakwater.desk import IncidentDesk
from breakwater.ecs import TaskDefinitions
from breakwater.incident_store import IncidentStore
from breakwater.leases import Leases
from breakwater.ledger_store import Ledgers
from breakwater.logs import log_reader
from breakwater.model import Finding, LogTail, Mode
from breakwater.policies import AlertPolicy, GuardPolicy, lower
from breakwater.policy_reader import PolicyReader
from breakwater.services import EcsServices
from breakwater.settings import read
from breakwater.store import Table
from breakwater.topics import IncidentTopic

from .memory import Memory
from .records import Records
from .targets import Targets

AUTOMATION = "rollback_guard"


class Switch(StrEnum):
    """The kill switch."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's environment."""

    table_name: str
    incident_topic_arn: str
    mode: Mode = Mode.OBSERVE
    kill_switch: Switch = Switch.OFF


@dataclass(frozen=True, slots=True)
class Work:
    """The parts, ready to be used. A test builds its own."""

    settings: Settings
    policy_for: Callable[[str], GuardPolicy]
    alerts: Callable[[], AlertPolicy]
    logger: Logger
    metrics: Metrics
    definitions: TaskDefinitions
    table: Table
    services: EcsServices
    targets: Targets
    records: Records
    ledgers: Ledgers
    leases: Leases
    desk: IncidentDesk
    read_log: Callable[[Finding], LogTail | None]
    tell_release: Callable[[str, str, str, datetime], str | None] = lambda *_: None
    """Service, deployment, why it fails, when: to the release that has the service; its execution, if one has."""
    memory: Memory = field(default_factory=Memory)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@cache
def wiring() -> Work:
    """The parts as they run in Lambda."""
    settings = read(Settings, os.environ)
    table = Table(lambda: aws.client("dynamodb"), settings.table_name)
    logger = log.logger(AUTOMATION)
    region = os.environ.get("AWS_REGION", "")

    def unread(problem: str) -> None:
        logger.warning("could not be looked up; every container counts as essential", problem=problem)

    definitions = TaskDefinitions(lambda: aws.client("ecs"), table, unread)
    services = EcsServices(lambda: aws.client("ecs"))
    reader = PolicyReader(table, lambda problem: logger.warning(problem))

    def policy() -> Compiled:
        """The policy in force."""
        return reader.current(datetime.now(UTC))

    def tell_release(service: str, deployment: str, reason: str, now: datetime) -> str | None:
        from breakwater.release_failing import tell_failing  # only who rolls back pays for it
        from breakwater.rendezvous_store import Rendezvous, send_by

        meeting = Rendezvous(table, send_by(lambda: aws.client("stepfunctions")))
        return tell_failing(table, meeting, service, deployment, reason, now)

    return Work(
        settings=settings,
        policy_for=policies(settings, policy),
        alerts=lambda: policy().alerts(),
        logger=logger,
        metrics=log.metrics(AUTOMATION),
        definitions=definitions,
        table=table,
        services=services,
        targets=Targets(services, lambda: aws.client("ecr")),
        records=Records(table),
        ledgers=Ledgers(table),
        leases=Leases(table),
        desk=IncidentDesk(
            IncidentStore(table), IncidentTopic(lambda: aws.client("sns"), settings.incident_topic_arn), AUTOMATION
        ),
        read_log=log_reader(lambda: aws.client("logs"), definitions, lambda: policy().alerts(), region),
        tell_release=tell_release,
    )


def policies(settings: Settings, policy: Callable[[], Compiled]) -> Callable[[str], GuardPolicy]:
    """How far the guard may go for a service (`cluster/name`): what the policy in force says, bounded by the stack.

    The stack's mode lowers it and never raises it, so without a document every service is observed. Either kill switch
    halts: the stack's all services, the policy's those that it names.
    """
    switched = settings.kill_switch is Switch.ON

    def policy_for(service: str) -> GuardPolicy:
        """The policy of one service."""
        cluster, _, name = service.partition("/")
        said = policy().guard_for(cluster, name)
        return replace(said, mode=lower(settings.mode, said.mode), halted=said.halted or switched)

    return policy_for
