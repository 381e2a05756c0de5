"""What the event lane is made of, put together on first use and never at import."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from aws_lambda_powertools import Logger

from breakwater import aws, log
from breakwater.attendance import AUTOMATION, Attendance
from breakwater.attending import AttendDecision, Waiting
from breakwater.model import Mode
from breakwater.policy_reader import PolicyReader
from breakwater.release_policy import ReleasePolicy
from breakwater.release_rules import release_policy
from breakwater.rendezvous_store import Rendezvous, send_by
from breakwater.settings import read
from breakwater.store import Table


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's environment."""

    table_name: str
    state_machine_arn: str
    native_hook_arn: str
    mode: Mode = Mode.OBSERVE


@dataclass(frozen=True, slots=True)
class Means:
    """What the event lane works with. A test builds its own."""

    logger: Logger
    rendezvous: Rendezvous
    see_to: Callable[[Waiting, datetime], AttendDecision]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@cache
def wiring() -> Means:
    """The parts as they run in Lambda."""
    settings = read(Settings, os.environ)
    table = Table(lambda: aws.client("dynamodb"), settings.table_name)
    logger = log.logger(AUTOMATION)
    reader = PolicyReader(table, lambda problem: logger.warning("policy unread", problem=problem))

    def policy(service: str, now: datetime) -> ReleasePolicy:
        cluster, _, name = service.partition("/")
        return release_policy(reader.current(now), cluster, name, settings.mode)

    return Means(
        logger=logger,
        rendezvous=Rendezvous(table, send_by(lambda: aws.client("stepfunctions"))),
        see_to=Attendance(table, aws.steady, policy, settings.state_machine_arn, settings.native_hook_arn).see_to,
    )
