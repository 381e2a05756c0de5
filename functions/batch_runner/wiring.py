"""What batch_runner is made of, put together on first use and never at import."""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

from aws_lambda_powertools import Logger, Metrics

from breakwater import aws, log
from breakwater.aws import translated_errors
from breakwater.compiled import Compiled
from breakwater.desk import IncidentDesk
from breakwater.ecs import TaskDefinitions
from breakwater.errors import BreakwaterError
from breakwater.incident_store import IncidentStore
from breakwater.logs import read_tail
from breakwater.model import Finding, LogTail, Mode
from breakwater.policies import AlertPolicy
from breakwater.policy_reader import PolicyReader
from breakwater.run_store import RunStore
from breakwater.settings import read
from breakwater.store import Table
from breakwater.topics import IncidentTopic

from .engine import AUTOMATION, Engine
from .intake import wake_body
from .specs import Specs
from .tasks import Tasks

LONGEST_DELAY = 240
"""Below the age at which BatchRunnerBacklogAlarm goes off: the documents of SQS do not say whether the age of the
oldest message counts one that is still delayed. A later wake-up is sent on when it arrives."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of both functions."""

    table_name: str
    incident_topic_arn: str
    batch_queue_url: str
    mode: Mode = Mode.OBSERVE


@dataclass(frozen=True, slots=True)
class Work:
    """The parts, ready to be used. A test builds its own."""

    settings: Settings
    policy: Callable[[], Compiled]
    logger: Logger
    metrics: Metrics
    store: RunStore
    tasks: Tasks
    desk: IncidentDesk
    wake: Callable[[str, timedelta], None]
    read_log: Callable[[Finding], LogTail | None] = lambda finding: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    pause: Callable[[], None] = lambda: None

    def engine(self, specs: Specs, alerts: AlertPolicy, time_left: Callable[[], bool]) -> Engine:
        """The engine of one invocation."""
        return Engine(
            store=self.store,
            tasks=self.tasks,
            desk=self.desk,
            alerts=alerts,
            specs=specs,
            wake=self.wake,
            now=self.now,
            pause=self.pause,
            read_log=self.read_log,
            time_left=time_left,
        )

    def count(self, figures: Mapping[str, int]) -> None:
        """Figures as metrics."""
        for name, value in figures.items():
            self.metrics.add_metric(name=name, unit="Count", value=value)
        self.metrics.flush_metrics()


@cache
def wiring() -> Work:
    """The parts as they run in Lambda."""
    settings = read(Settings, os.environ)
    table = Table(partial(aws.client, "dynamodb"), settings.table_name)
    logger = log.logger(AUTOMATION)
    now = partial(datetime.now, UTC)
    reader = PolicyReader(table, lambda problem: logger.warning(problem))
    definitions = TaskDefinitions(partial(aws.client, "ecs"), table)
    return Work(
        settings=settings,
        policy=lambda: reader.newest(now()),  # a schedule may fire right after the push that made it
        logger=logger,
        metrics=log.metrics(AUTOMATION),
        store=RunStore(table),
        tasks=Tasks(partial(aws.client, "ecs")),
        desk=IncidentDesk(
            IncidentStore(table), IncidentTopic(partial(aws.client, "sns"), settings.incident_topic_arn), AUTOMATION
        ),
        wake=wake_ups(partial(aws.client, "sqs"), settings.batch_queue_url, logger, now),
        read_log=partial(_log_tail, definitions=definitions, reader=reader),
        now=now,
        pause=_jitter,
    )


def wake_ups(
    client: Callable[[], Any], queue_url: str, logger: Logger, now: Callable[[], datetime]
) -> Callable[[str, timedelta], None]:
    """Ask our own queue to bring a look at a lane back after a while. A failure costs time: the sweep looks too."""

    def ask(name: str, delay: timedelta) -> None:
        seconds = min(LONGEST_DELAY, max(0, math.ceil(delay.total_seconds())))
        body = json.dumps(wake_body(name, now() + delay))
        try:
            with translated_errors(f"ask for a look at {name}"):
                client().send_message(QueueUrl=queue_url, MessageBody=body, DelaySeconds=seconds)
        except BreakwaterError as error:
            logger.warning("no wake-up; the sweep looks instead", job=name, problem=str(error))

    return ask


def _log_tail(finding: Finding, *, definitions: TaskDefinitions, reader: PolicyReader) -> LogTail | None:
    """The last lines of the container of a run."""
    now = datetime.now(UTC)
    policy = reader.current(now).alerts()
    container, evidence = finding.diagnosis.container, finding.evidence
    if not (policy.log_tail and container and evidence.task_arn and evidence.task_definition):
        return None
    definition = definitions.read([evidence.task_definition], now).get(evidence.task_definition)
    if definition is None:
        return LogTail(missing="the task definition could not be read, so the log group is not known")
    region = os.environ.get("AWS_REGION", "")
    return read_tail(
        partial(aws.client, "logs"),
        definition.logs.get(container),
        container,
        evidence.task_arn,
        region=region,
        lines=policy.log_lines,
        scrub=finding.scrub,
    )


def _jitter() -> None:
    """Wait a little, each worker another while, so that those who want the same lane do not meet again."""
    import random  # costs a cold start more than it is worth there: a race is rarely lost

    time.sleep(random.uniform(0.02, 0.2))  # noqa: S311  # spread, not a secret
