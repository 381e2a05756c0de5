"""What the event lane is made of, put together on first use and never at import."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from aws_lambda_powertools import Logger

from breakwater import aws, log
from breakwater.journal import Entry, written
from breakwater.model import Subject, SubjectKind
from breakwater.policy_reader import PolicyReader
from breakwater.release_claims import Claims
from breakwater.release_policy import ReleasePolicy
from breakwater.release_rules import release_policy
from breakwater.rendezvous_store import Rendezvous, send_by
from breakwater.settings import read
from breakwater.store import Table

from . import gathering
from .attending import Waiting
from .decision import Direction
from .wiring import AUTOMATION, Settings


@dataclass(frozen=True, slots=True)
class Means:
    """What the event lane works with. A test builds its own."""

    logger: Logger
    client: Callable[[str], Any]
    rendezvous: Rendezvous
    claimed: Callable[[str], str | None]
    policy: Callable[[str, datetime], ReleasePolicy]
    direction: Callable[[str], Direction]
    journal: Callable[[Waiting, str, str, datetime], None]
    state_machine: str
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

    def journal(waiting: Waiting, decision: str, reason: str, now: datetime) -> None:
        table.write(written(entry(waiting, decision, reason, now)))

    return Means(
        logger=logger,
        client=aws.steady,
        rendezvous=Rendezvous(table, send_by(lambda: aws.client("stepfunctions"))),
        claimed=Claims(table).holder,
        policy=policy,
        direction=partial(gathering.read_direction, aws.steady),
        journal=journal,
        state_machine=settings.state_machine_arn,
    )


def entry(waiting: Waiting, decision: str, reason: str, now: datetime) -> Entry:
    """What the journal keeps of a hook that was answered or attended."""
    return Entry(
        id=f"{waiting.deployment.rpartition('/')[2]}-{waiting.hook_id[-12:]}-{decision.split(' ')[0]}",
        at=now,
        automation=AUTOMATION,
        subject=Subject(SubjectKind.SERVICE, waiting.service, waiting.cluster),
        decision=decision,
        reason=reason,
        evidence={"deployment": waiting.deployment, "stage": waiting.stage},
    )
