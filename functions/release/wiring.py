"""What the functions of a release are made of, put together on first use and never at import."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from breakwater import aws, log
from breakwater.approvals import Approvals
from breakwater.compiled import Compiled
from breakwater.desk import IncidentDesk
from breakwater.http_probe import Means as ProbeMeans
from breakwater.incident_store import IncidentStore
from breakwater.leases import Leases
from breakwater.ledger_store import Ledgers
from breakwater.model import Mode
from breakwater.policies import AlertPolicy
from breakwater.policy_reader import PolicyReader
from breakwater.release_claims import Claims
from breakwater.release_policy import ReleasePolicy
from breakwater.release_rules import release_policy
from breakwater.rendezvous_store import Rendezvous, send_by
from breakwater.sent_back_store import SentBackStore
from breakwater.settings import read
from breakwater.store import Table
from breakwater.topics import IncidentTopic

from .records import Records
from .sight import Sight

AUTOMATION = "release"
Client = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """The functions' environment."""

    table_name: str
    incident_topic_arn: str
    report_bucket: str
    stack_name: str
    mode: Mode = Mode.OBSERVE
    native_hook_arn: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """The parts, ready to be used. A test builds its own."""

    logger: Logger
    table: Table
    records: Records
    claims: Claims
    sent_back: SentBackStore
    leases: Leases
    ledgers: Ledgers
    sight: Sight
    client: Client
    rules: Callable[[datetime], Compiled]
    policy: Callable[[str, datetime], ReleasePolicy]
    rendezvous: Rendezvous
    approvals: Approvals
    desk: IncidentDesk
    report_bucket: str
    native_hook: str = ""
    """The ARN of Breakwater's own Lambda hook, by which it is known whose hook a service declares."""
    check_task_roles: tuple[str, ...] = ()
    """The roles that tasks of checks may have, where it matters before a release begins."""
    stack: str = ""
    """The name of the stack, for the commands that people are given."""
    mode: Mode = Mode.OBSERVE
    alerts: AlertPolicy = field(default_factory=AlertPolicy)
    probe: ProbeMeans = field(default_factory=ProbeMeans)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


@cache
def wiring() -> Work:
    """The parts as they run in Lambda."""
    return made_of(read(Settings, os.environ))


def made_of(settings: Settings) -> Work:
    """The parts by a function's settings."""
    logger = log.logger(AUTOMATION)
    table = Table(lambda: aws.client("dynamodb"), settings.table_name)
    reader = PolicyReader(table, lambda problem: logger.warning("policy unread", problem=problem))

    def policy(service: str, now: datetime) -> ReleasePolicy:
        cluster, _, name = service.partition("/")
        return release_policy(reader.current(now), cluster, name, settings.mode)

    return Work(
        logger=logger,
        table=table,
        records=Records(table),
        claims=Claims(table),
        sent_back=SentBackStore(table),
        leases=Leases(table),
        ledgers=Ledgers(table),
        sight=Sight(aws.steady, native_hook=settings.native_hook_arn),
        client=aws.steady,
        rules=reader.current,
        policy=policy,
        rendezvous=Rendezvous(table, send_by(lambda: aws.client("stepfunctions"))),
        approvals=Approvals(table),
        desk=IncidentDesk(
            IncidentStore(table), IncidentTopic(lambda: aws.client("sns"), settings.incident_topic_arn), AUTOMATION
        ),
        report_bucket=settings.report_bucket,
        native_hook=settings.native_hook_arn,
        stack=settings.stack_name,
        mode=settings.mode,
    )
