"""What task_alerts is made of, put together on first use and never at import."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from aws_lambda_powertools import Logger, Metrics

from breakwater import aws, log
from breakwater.desk import IncidentDesk
from breakwater.ecs import ServiceState, TaskDefinitions, service_states
from breakwater.incident_store import IncidentStore
from breakwater.ledger_store import Ledgers
from breakwater.logs import log_reader
from breakwater.model import Finding, LogTail, Mode
from breakwater.policies import AlertPolicy
from breakwater.policy_reader import PolicyReader
from breakwater.sent_back_store import SentBackStore
from breakwater.settings import read
from breakwater.store import Table
from breakwater.topics import IncidentTopic

AUTOMATION = "task_alerts"


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's environment."""

    table_name: str
    incident_topic_arn: str
    mode: Mode = Mode.OBSERVE


@dataclass(frozen=True, slots=True)
class Work:
    """The parts, ready to be used. A test builds its own."""

    settings: Settings
    policy: Callable[[], AlertPolicy]
    logger: Logger
    metrics: Metrics
    definitions: TaskDefinitions
    services: Callable[[list[tuple[str | None, str]]], Mapping[tuple[str | None, str], ServiceState]]
    ledgers: Ledgers
    sent_back: SentBackStore
    desk: IncidentDesk
    read_log: Callable[[Finding], LogTail | None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    attends: Callable[[str | None, str, str], bool] = lambda cluster, service, stage: False
    """Whether a release answers a hook of a service (cluster, name, stage), so that no person has to."""


@cache
def wiring() -> Work:
    """The parts as they run in Lambda."""
    settings = read(Settings, os.environ)
    table = Table(lambda: aws.client("dynamodb"), settings.table_name)
    logger = log.logger(AUTOMATION)

    def unread(problem: str) -> None:
        logger.warning("could not be looked up; the alert goes out without it", problem=problem)

    definitions = TaskDefinitions(lambda: aws.client("ecs"), table, unread)
    reader = PolicyReader(table, lambda problem: logger.warning(problem))

    def policy() -> AlertPolicy:
        return reader.current(datetime.now(UTC)).alerts()

    def attends(cluster: str | None, service: str, stage: str) -> bool:
        said = reader.current(datetime.now(UTC))
        return settings.mode is Mode.ACT and said.attends(cluster, service, stage)

    return Work(
        settings=settings,
        policy=policy,
        logger=logger,
        metrics=log.metrics(AUTOMATION),
        definitions=definitions,
        services=lambda wanted: service_states(lambda: aws.client("ecs"), wanted, unread),
        ledgers=Ledgers(table),
        sent_back=SentBackStore(table),
        desk=IncidentDesk(
            IncidentStore(table),
            IncidentTopic(lambda: aws.client("sns"), settings.incident_topic_arn),
            AUTOMATION,
        ),
        read_log=log_reader(lambda: aws.client("logs"), definitions, policy, os.environ.get("AWS_REGION", "")),
        attends=attends,
    )
