"""What the scaler is made of, put together on first use and never at import."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from aws_lambda_powertools import Logger

from breakwater import aws, log
from breakwater.compiled import Compiled
from breakwater.desk import IncidentDesk
from breakwater.errors import ConflictError
from breakwater.incident_store import IncidentStore
from breakwater.leases import Leases
from breakwater.model import Category, Cause, Diagnosis, Finding, Mode, Severity, Subject, SubjectKind
from breakwater.policies import ScalingPolicy, WindowPolicy, lower, matches
from breakwater.policy_reader import PolicyReader
from breakwater.settings import read
from breakwater.store import Table
from breakwater.topics import IncidentTopic

from .clusters import Alarms, Clusters
from .reconcile import AUTOMATION, Outcome, Reconciler, Services
from .records import Records
from .scale import Claim, Word
from .schedules import Wakers
from .services import AwsServices
from .windows import open_claim


@dataclass(frozen=True, slots=True)
class Settings:
    """The functions' environment."""

    table_name: str
    incident_topic_arn: str
    schedule_group: str
    schedule_role_arn: str
    schedule_dead_letters_arn: str
    mode: Mode = Mode.OBSERVE


@dataclass(frozen=True, slots=True)
class Work:
    """The parts, ready to be used. A test builds its own."""

    settings: Settings
    logger: Logger
    table: Table
    records: Records
    leases: Leases
    services: Services
    clusters: Clusters
    alarms: Alarms
    wakers: Wakers
    desk: IncidentDesk
    in_force: Callable[[datetime], Compiled]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def policy(self, now: datetime) -> ScalingPolicy:
        """What the policy in force says of scaling."""
        return self.in_force(now).scaling

    def reconcile(self, cluster: str, service: str) -> Outcome:
        """Bring one service to where it should be, and what a person has to hear of it to the incident desk.

        Raises `BreakwaterError` if that cannot be done now.
        """
        now = self.now()
        policy = self.policy(now)

        def windows(cluster: str, service: str, now: datetime) -> Iterable[Claim]:
            return open_windows(policy.windows, f"{cluster}/{service}", now)

        reconciler = Reconciler(self.records, self.services, self.leases, policy.surge, self.settings.mode, windows)
        outcome = _once_more(lambda: reconciler.reconcile(cluster, service, now))
        for step in outcome.steps:
            self.logger.info(
                "scale decided", service_name=f"{cluster}/{service}", step=type(step).__name__, reason=step.reason
            )
        if outcome.words:
            findings = [finding_of(outcome, word) for word in outcome.words]
            taken = self.desk.take(findings, self.in_force(now).alerts(), now)
            if not taken.unfinished:
                reconciler.told(outcome.record, outcome.words, now)
        if outcome.problem is not None:
            raise outcome.problem
        return outcome


def _once_more(work: Callable[[], Outcome]) -> Outcome:
    """Do it, and once more if another function was faster with the same service: then there is something new to see."""
    try:
        outcome = work()
    except ConflictError:
        return work()
    return work() if isinstance(outcome.problem, ConflictError) else outcome


def open_windows(windows: Iterable[WindowPolicy], place: str, now: datetime) -> list[Claim]:
    """The windows that are open for a service (`cluster/service`) now, as claims. One that is off is none."""
    return [
        claim
        for window in windows
        if window.mode is not Mode.OFF and matches(window.match, place) and (claim := open_claim(window, now))
    ]


def finding_of(outcome: Outcome, word: Word) -> Finding:
    """What a person has to hear of one service's scale."""
    record = outcome.record
    kept = word.id.startswith("kept")
    diagnosis = Diagnosis(
        Category.SCALE_ATTENTION,
        Severity.LOW if kept else Severity.MEDIUM,
        Cause.CHANGE_KEPT if kept else Cause.CHANGE_WITHHELD,
        word.text[:1000],
    )
    subject = Subject(SubjectKind.SERVICE, record.service, record.cluster)
    return Finding(f"scale:{record.key}:{word.id}", subject, diagnosis, word.at)


def surge_mode(work: Work, now: datetime) -> Mode:
    """What a surge may do by the stack and the policy; the service's tag may lower it further."""
    return lower(work.settings.mode, work.policy(now).surge.mode)


@cache
def wiring() -> Work:
    """The parts as they run in Lambda."""
    settings = read(Settings, os.environ)
    table = Table(lambda: aws.client("dynamodb"), settings.table_name)
    logger = log.logger(AUTOMATION)
    reader = PolicyReader(table, lambda problem: logger.warning(problem))
    return Work(
        settings=settings,
        logger=logger,
        table=table,
        records=Records(table),
        leases=Leases(table),
        services=AwsServices(lambda: aws.client("ecs"), lambda: aws.client("application-autoscaling")),
        clusters=Clusters(lambda: aws.client("ecs")),
        alarms=Alarms(lambda: aws.client("cloudwatch")),
        wakers=Wakers(
            lambda: aws.client("scheduler"),
            settings.schedule_group,
            settings.schedule_role_arn,
            settings.schedule_dead_letters_arn,
        ),
        desk=IncidentDesk(
            IncidentStore(table),
            IncidentTopic(lambda: aws.client("sns"), settings.incident_topic_arn),
            AUTOMATION,
        ),
        in_force=reader.current,
    )
