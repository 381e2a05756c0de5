"""What the native hook is made of, put together on first use and never at import."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial

from aws_lambda_powertools import Logger

from breakwater import aws, log
from breakwater.approvals import Approvals, answering
from breakwater.attendance import AUTOMATION, read_direction
from breakwater.attending import Direction
from breakwater.checks import MetricAnalysis
from breakwater.desk import IncidentDesk
from breakwater.http_probe import Probe
from breakwater.incident_store import IncidentStore
from breakwater.incidents import fingerprint
from breakwater.journal import Entry, written
from breakwater.model import (
    Category,
    Cause,
    Diagnosis,
    Evidence,
    Finding,
    Mode,
    Severity,
    Subject,
    SubjectKind,
)
from breakwater.policies import AlertPolicy
from breakwater.policy_reader import PolicyReader
from breakwater.preflight import Finding as PreflightFinding
from breakwater.preflight_reads import read_service
from breakwater.reach import reach_of
from breakwater.redact import redact
from breakwater.release_policy import ReleasePolicy
from breakwater.release_rules import release_policy
from breakwater.rendezvous import Word
from breakwater.secret_headers import read_secret
from breakwater.settings import read
from breakwater.store import Table
from breakwater.topics import IncidentTopic

from . import gathering
from .gathering import Look
from .payload import HookCall


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's environment."""

    table_name: str
    incident_topic_arn: str
    stack_name: str
    mode: Mode = Mode.OBSERVE


@dataclass(frozen=True, slots=True)
class Means:
    """What the hook works with. A test builds its own."""

    logger: Logger
    policy: Callable[[str, str], ReleasePolicy]
    direction: Callable[[str], Direction]
    word: Callable[[str], Word | None]
    ask: Callable[[HookCall, str, datetime], None]
    answered: Callable[[HookCall, str, datetime], None]
    journal: Callable[[HookCall, str, str, datetime], None]
    preflight: Callable[[HookCall, str], tuple[PreflightFinding, ...]]
    probe: Callable[[HookCall], Probe]
    compare: Callable[[HookCall, int, datetime, datetime], Look]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@cache
def wiring() -> Means:
    """The parts as they run in Lambda."""
    settings = read(Settings, os.environ)
    table = Table(lambda: aws.client("dynamodb"), settings.table_name)
    topic = IncidentTopic(lambda: aws.client("sns"), settings.incident_topic_arn)
    desk = IncidentDesk(IncidentStore(table), topic, AUTOMATION)

    logger = log.logger(AUTOMATION)
    reader = PolicyReader(table, lambda problem: logger.warning("policy unread", problem=problem))

    def policy(cluster: str, service: str) -> ReleasePolicy:
        """Without a policy document the defaults apply: observe, and no checks."""
        return release_policy(reader.current(datetime.now(UTC)), cluster, service, settings.mode)

    def ask(call: HookCall, reason: str, now: datetime) -> None:
        desk.take([question(call, reason, now, settings.stack_name)], AlertPolicy(), now)

    def answered(call: HookCall, reason: str, now: datetime) -> None:
        desk.resolve([fingerprint(question(call, "", now))], redact(reason)[:400], now)

    def journal(call: HookCall, decision: str, reason: str, now: datetime) -> None:
        table.write(written(entry(call, decision, reason, now)))

    def probe(call: HookCall) -> Probe:
        service = read_service(aws.steady("ecs"), call.cluster, call.service)
        reach = reach_of(aws.steady, service, policy(call.cluster, call.service))
        secret = partial(read_secret, lambda: aws.steady("secretsmanager"))
        return Probe(reach.allowed, reach.origins, secret, astray=reach.astray)

    def compare(call: HookCall, number: int, start: datetime, now: datetime) -> Look:
        analysis = policy(call.cluster, call.service).analysis or MetricAnalysis()
        return gathering.look(aws.steady, call, analysis, start, now, number)

    return Means(
        logger=logger,
        policy=policy,
        direction=partial(read_direction, aws.steady),
        word=Approvals(table).read,
        ask=ask,
        answered=answered,
        journal=journal,
        preflight=lambda call, ourselves: gathering.preflight(
            aws.steady, call, policy(call.cluster, call.service), ourselves
        ),
        probe=probe,
        compare=compare,
    )


def question(call: HookCall, reason: str, now: datetime, stack: str = "") -> Finding:
    """What a person is asked, as a finding: once for each step of a deployment, however often it is called."""
    command = answering(call.deployment, stack)
    diagnosis = Diagnosis(
        Category.HOOK_ATTENTION,
        Severity.HIGH,
        Cause.RELEASE_ASKS,
        f"{reason[:600]}. Answer with `{command}`, or `abort` in place of `approve`",
    )
    subject = Subject(SubjectKind.SERVICE, call.service, call.cluster)
    return Finding(
        f"hook-question:{call.deployment}:{call.stage}:{call.share}",
        subject,
        diagnosis,
        now,
        Evidence(deployment=call.deployment),
    )


def entry(call: HookCall, decision: str, reason: str, now: datetime) -> Entry:
    """What the journal keeps of a final answer."""
    return Entry(
        id=f"{call.deployment.rpartition('/')[2]}-{call.stage}-{decision.replace(' ', '-')}",
        at=now,
        automation=AUTOMATION,
        subject=Subject(SubjectKind.SERVICE, call.service, call.cluster),
        decision=decision,
        reason=reason,
        evidence={"deployment": call.deployment, "stage": call.stage},
    )
