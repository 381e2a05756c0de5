"""What rollback_guard is made of, put together on first use and never at import."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics

from breakwater import aws, log
from breakwater.compiled import Compiled
from breakwater.ecs import TaskDefinitions
from breakwater.model import Mode
from breakwater.policies import GuardPolicy, lower
from breakwater.policy_reader import PolicyReader
from breakwater.settings import read
from breakwater.store import Table

from .memory import Memory
from .records import Records

if TYPE_CHECKING:
    from breakwater.services import EcsServices

    from .tools import Tools

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
    logger: Logger
    metrics: Metrics
    definitions: TaskDefinitions
    table: Table
    records: Records
    services: Callable[[], "EcsServices"]
    tools: Callable[[], "Tools"]
    """What only a look needs. Like `services` made at the first call: most cold starts do not get so far."""
    memory: Memory = field(default_factory=Memory)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@cache
def wiring() -> Work:
    """The parts as they run in Lambda."""
    settings = read(Settings, os.environ)
    table = Table(lambda: aws.client("dynamodb"), settings.table_name)
    logger = log.logger(AUTOMATION)

    def unread(problem: str) -> None:
        logger.warning("could not be looked up; every container counts as essential", problem=problem)

    definitions = TaskDefinitions(lambda: aws.client("ecs"), table, unread)
    reader = PolicyReader(table, lambda problem: logger.warning(problem))

    def policy() -> Compiled:
        """The policy in force."""
        return reader.current(datetime.now(UTC))

    @cache
    def services() -> "EcsServices":
        from breakwater.services import EcsServices

        return EcsServices(lambda: aws.client("ecs"))

    @cache
    def tools() -> "Tools":
        from .tools import made

        return made(AUTOMATION, settings.incident_topic_arn, table, definitions, services(), policy)

    return Work(
        settings=settings,
        policy_for=policies(settings, policy),
        logger=logger,
        metrics=log.metrics(AUTOMATION),
        definitions=definitions,
        table=table,
        records=Records(table),
        services=services,
        tools=tools,
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
