"""What the commands of releases do with an account: read a release, start one, keep a person's word."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from breakwater.approvals import Approvals
from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError, NotFoundError, RefusedError
from breakwater.redact import redact
from breakwater.release_claims import Claims
from breakwater.rendezvous import Message, Word
from breakwater.rendezvous_store import Rendezvous, send_by
from breakwater.store import Table
from cli.release_target import ByDeployment, ByExecution, ByService, Target
from cli.release_view import RUNNING, Now, Seen
from release.record import Release
from release.records import Records

_NEEDED = ("ReleaseStateMachineArn", "TableName")
LONGEST_NAME = 255
_SIGNABLE = timedelta(minutes=15)


class AbsentError(BreakwaterError):
    """There is no such release, execution or deployment."""


def _nobody_was_asked(error: BreakwaterError) -> bool:
    """Whether there is no such stack, or the caller has no Region, profile or credentials: the request is wrong."""
    from botocore import exceptions

    absent = "ValidationError" in str(error) and "does not exist" in str(error)
    return absent or isinstance(
        error.__cause__,
        exceptions.NoCredentialsError
        | exceptions.NoRegionError
        | exceptions.PartialCredentialsError
        | exceptions.ProfileNotFound,
    )


@dataclass(frozen=True, slots=True)
class Account:
    """An account with a stack: its state machine, table and report bucket. `client` gives a client of a service."""

    client: Callable[[str], Any]
    machine: str
    table_name: str
    reports: str = ""
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def of_stack(cls, stack: str, region: str | None) -> "Account":
        """Find the stack with the caller's credentials. Raises `AbsentError` if there is none, or nobody to look."""
        import boto3  # only who talks to an account pays for it

        try:
            with translated_errors(f"look for the stack {stack}"):
                session = boto3.Session(region_name=region)
                described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        except BreakwaterError as error:
            if _nobody_was_asked(error):
                raise AbsentError(str(error)) from error
            raise
        outputs = {output["OutputKey"]: str(output["OutputValue"]) for output in described.get("Outputs", [])}
        missing = [name for name in _NEEDED if name not in outputs]
        if missing:
            raise AbsentError(f"the stack {stack} has no output {missing[0]}: is it Breakwater's, and new enough?")
        return cls(
            lambda service: session.client(service),
            outputs["ReleaseStateMachineArn"],
            outputs["TableName"],
            outputs.get("ReportBucketName", ""),
        )

    @property
    def table(self) -> Table:
        """The stack's table."""
        return Table(lambda: self.client("dynamodb"), self.table_name, self.sleep)

    @property
    def approvals(self) -> Approvals:
        """The words of people."""
        return Approvals(self.table)

    def caller(self) -> str:
        """Who the caller is: the ARN of their identity."""
        with translated_errors("ask who you are"):
            return redact(str(self.client("sts").get_caller_identity()["Arn"]))[:LONGEST_NAME]

    def moment(self) -> datetime:
        """Now, by AWS's own clock: a word counts from when it was given, and is read against that clock.

        A clock that is further off than what could have signed the call is not AWS's.
        """
        with translated_errors("ask AWS for the time"):
            answer = self.client("sts").get_caller_identity()
        said = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        try:
            there = parsedate_to_datetime(said)
        except (TypeError, ValueError):
            return self.now()
        return there if abs(there - self.now()) < _SIGNABLE else self.now()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def execution_arn(self, name: str) -> str:
        """The ARN of an execution of the stack's machine, by name or ARN. Raises `AbsentError` for another's."""
        prefix = self.machine.replace(":stateMachine:", ":execution:") + ":"
        if name.startswith("arn:") and not name.startswith(prefix):
            raise AbsentError(f"{name} is no release of this stack: its releases begin with {prefix}")
        return name if name.startswith("arn:") else prefix + name

    def holder(self, service: str) -> str | None:
        """The execution that has the service."""
        return Claims(self.table).holder(service)

    def execution_of(self, target: Target) -> str:
        """The execution that is meant. Raises `AbsentError` if the service has no release now."""
        match target:
            case ByExecution(execution=name):
                return self.execution_arn(name)
            case ByService(service=service) | ByDeployment(service=service):
                holder = self.holder(service)
        if holder is None:
            raise AbsentError(
                f"no release of {service} is under way; one that is over is shown by the name of its execution"
            )
        return holder

    def record(self, execution: str) -> Release | None:
        """What is kept of a release; `None` before it is admitted."""
        kept = Records(self.table).load(execution)
        return None if kept is None else kept.release

    def seen(self, execution: str, *, live: bool = True) -> Seen:
        """A release as it is now. Raises `AbsentError` if there is no such execution.

        The record is read after the execution: an execution that is over has written its last line.
        """
        found = self.described(execution)
        if found is None:
            raise AbsentError(f"there is no release {execution.rpartition(':')[2]}")
        release = self.record(execution)
        arn = release.service_deployment if release is not None else None
        return Seen(
            execution=execution,
            status=str(found["status"]),
            started_at=found["startDate"],
            service=_service_in(found.get("input")),
            stopped_at=found.get("stopDate"),
            error=str(found.get("error") or ""),
            cause=str(found.get("cause") or ""),
            release=release,
            now=self.deployment(arn) if live and arn is not None and found["status"] == RUNNING else None,
        )

    def described(self, execution: str) -> Mapping[str, Any] | None:
        """The execution as Step Functions has it, if there is one."""
        try:
            with translated_errors("describe the execution"):
                found: Mapping[str, Any] = self.client("stepfunctions").describe_execution(executionArn=execution)
        except BreakwaterError as error:
            if "ExecutionDoesNotExist" in str(error):
                return None
            raise
        return found

    def deployment(self, arn: str) -> Now | None:
        """The deployment as ECS has it now; `None` if it is gone, or if the caller may not look at it."""
        raw = self.raw_deployment(arn)
        if raw is None:
            return None
        target: Mapping[str, Any] = raw.get("targetServiceRevision") or {}
        weight = target.get("requestedProductionTrafficWeight")
        return Now(
            status=str(raw.get("status", "")),
            stage=raw.get("lifecycleStage"),
            weight=None if weight is None else float(weight),
            running=int(target.get("runningTaskCount", 0)),
            requested=int(target.get("requestedTaskCount", 0)),
        )

    def raw_deployment(self, arn: str) -> Mapping[str, Any] | None:
        """What DescribeServiceDeployments answers, or `None`."""
        try:
            with translated_errors("describe the service deployment"):
                answer = self.client("ecs").describe_service_deployments(serviceDeploymentArns=[arn])
        except (RefusedError, NotFoundError):
            return None
        found = answer.get("serviceDeployments") or []
        return found[0] if found else None

    # ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, name: str, request: Mapping[str, Any]) -> str:
        """StartExecution; the same again while it runs gives the same. Raises `BreakwaterError`."""
        with translated_errors("start the execution"):
            answer = self.client("stepfunctions").start_execution(
                stateMachineArn=self.machine, name=name, input=json.dumps(request)
            )
        return str(answer["executionArn"])

    def give(self, deployment: str, word: Word, asked: datetime | None = None) -> Word | None:
        """Keep a word; `None`, or the one that was given before, since something was asked."""
        if self.approvals.give(deployment, word.word, word.by, word.at, asked=asked):
            return None
        return self.approvals.read(deployment) or word

    def tell(self, service: str, message: Message) -> None:
        """Tell whoever waits. Raises `BreakwaterError`: then the sweep tells it within five minutes."""
        meeting = Rendezvous(self.table, send_by(lambda: self.client("stepfunctions")))
        meeting.arrive(service, message, self.now())


def _service_in(text: object) -> str:
    try:
        found = json.loads(str(text)).get("service")
    except (ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""
