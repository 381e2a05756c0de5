"""What policy_sync is made of, put together on first use and never at import."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial

from aws_lambda_powertools import Logger, Metrics

from breakwater import aws, log
from breakwater.desk import IncidentDesk
from breakwater.incident_store import IncidentStore
from breakwater.model import Mode
from breakwater.objects import StoredObject, read_object
from breakwater.policy import FILE
from breakwater.routes import Place
from breakwater.rules import BusRules
from breakwater.scheduler import ScheduleGroup
from breakwater.settings import read
from breakwater.store import Table
from breakwater.topics import IncidentTopic

from .state import PolicyState

AUTOMATION = "policy_sync"
MOST_READ = 1_000_001


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's environment."""

    table_name: str
    incident_topic_arn: str
    policy_bucket: str
    schedule_group: str
    schedule_group_arn: str
    rule_prefix: str
    schedule_role_arn: str
    jobs_target_arn: str
    uploads_target_arn: str
    routes_dead_letters_arn: str
    scaler_target_arn: str
    scaler_role_arn: str
    scaler_dead_letters_arn: str
    mode: Mode = Mode.OBSERVE


@dataclass(frozen=True, slots=True)
class Work:
    """The parts, ready to be used. A test builds its own."""

    settings: Settings
    place: Place
    state: PolicyState
    newest: Callable[[], StoredObject]
    schedules: ScheduleGroup
    rules: BusRules
    desk: IncidentDesk
    logger: Logger
    metrics: Metrics
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@cache
def wiring() -> Work:
    """The parts as they run in Lambda."""
    settings = read(Settings, os.environ)
    table = Table(partial(aws.client, "dynamodb"), settings.table_name)
    return Work(
        settings=settings,
        place=place_of(settings),
        state=PolicyState(table),
        newest=lambda: read_object(partial(aws.client, "s3"), settings.policy_bucket, FILE, MOST_READ),
        schedules=ScheduleGroup(partial(aws.client, "scheduler"), settings.schedule_group),
        rules=BusRules(partial(aws.client, "events"), settings.rule_prefix),
        desk=IncidentDesk(
            IncidentStore(table), IncidentTopic(partial(aws.client, "sns"), settings.incident_topic_arn), AUTOMATION
        ),
        logger=log.logger(AUTOMATION),
        metrics=log.metrics(AUTOMATION),
    )


def place_of(settings: Settings) -> Place:
    """Where schedules and rules go. The group's ARN says the account and the Region."""
    _, _, _, region, account, _ = settings.schedule_group_arn.split(":", 5)
    arn = settings.schedule_group_arn.replace(":schedule-group/", ":schedule/", 1)
    return Place(
        account=account,
        region=region,
        schedule_group=settings.schedule_group,
        schedule_arn=f"{arn}/{{}}",
        rule_prefix=settings.rule_prefix,
        role_arn=settings.schedule_role_arn,
        jobs_arn=settings.jobs_target_arn,
        uploads_arn=settings.uploads_target_arn,
        dead_letters_arn=settings.routes_dead_letters_arn,
        scaler_arn=settings.scaler_target_arn,
        scaler_role_arn=settings.scaler_role_arn,
        scaler_dead_letters_arn=settings.scaler_dead_letters_arn,
    )
