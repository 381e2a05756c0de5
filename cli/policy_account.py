"""What the commands of the policy do with an account: look at it, and put one object there."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from breakwater.aws import translated_errors
from breakwater.compiled import Compiled, loaded
from breakwater.errors import BreakwaterError, NotFoundError
from breakwater.policy import FILE
from breakwater.policy_reader import COMPILED
from breakwater.routes import Place, Routes
from breakwater.rules import BusRules
from breakwater.scheduler import ScheduleGroup
from breakwater.store import Table
from policy_sync.state import DOCUMENT, Status, document_of

POLL_SECONDS = 2
_FUNCTION = "PolicySyncFunction"


@dataclass(frozen=True, slots=True)
class Fate:
    """What the stack made of a document."""

    outcome: str
    changes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """An account with a stack. `client` gives a client of a service, `sleep` waits for some seconds."""

    client: Callable[[str], Any]
    bucket: str
    table: str
    environment: Callable[[], dict[str, str]]
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def of_stack(cls, stack: str) -> "Account":
        """Find the stack with the caller's credentials. Raises `BreakwaterError` if there is none."""
        import boto3  # only who talks to an account pays for it

        session = boto3.Session()

        def client(service: str) -> Any:
            return session.client(service)

        with translated_errors(f"look for the stack {stack}"):
            described = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
        missing = {"PolicyBucketName", "TableName"} - outputs.keys()
        if missing:
            raise BreakwaterError(f"the stack {stack} has no output {min(missing)}: is it Breakwater's?")

        def environment() -> dict[str, str]:
            with translated_errors(f"look at {_FUNCTION}"):
                resource = client("cloudformation").describe_stack_resource(
                    StackName=stack, LogicalResourceId=_FUNCTION
                )
                name = resource["StackResourceDetail"]["PhysicalResourceId"]
                found = client("lambda").get_function_configuration(FunctionName=name)
            variables: dict[str, str] = found["Environment"]["Variables"]
            return variables

        return cls(client, outputs["PolicyBucketName"], outputs["TableName"], environment)

    def place(self) -> Place:
        """Where schedules and rules of the stack go: what its function is told."""
        from breakwater.settings import read
        from policy_sync.wiring import Settings, place_of

        return place_of(read(Settings, self.environment()))

    def found(self) -> Routes:
        """The schedules and rules that are there."""
        place = self.place()
        schedules = ScheduleGroup(lambda: self.client("scheduler"), place.schedule_group)
        rules = BusRules(lambda: self.client("events"), place.rule_prefix)
        return Routes(tuple(schedules.all()), tuple(rules.all()))

    def in_force(self) -> Compiled:
        """The policy that is in force; the defaults if there never was a document."""
        item = Table(lambda: self.client("dynamodb"), self.table).get_many([COMPILED]).get(COMPILED)
        return loaded(str(item["doc"])) if item else Compiled()

    def push(self, text: str, wait: int) -> Fate | None:
        """Put the document into its bucket and wait for what becomes of it; `None` if nothing is heard in time."""
        with translated_errors(f"put {FILE} into {self.bucket}"):
            version = self.client("s3").put_object(
                Bucket=self.bucket, Key=FILE, Body=text.encode(), ContentType="application/yaml"
            )["VersionId"]
        table = Table(lambda: self.client("dynamodb"), self.table)
        waited = 0
        while True:
            document = document_of(table.get_many([DOCUMENT]).get(DOCUMENT))
            if document.version == version and document.status is not Status.APPLYING:
                return Fate(str(document.status), document.changes, document.problems)
            if waited >= wait:
                return None
            self.sleep(POLL_SECONDS)
            waited += POLL_SECONDS

    def shortcomings(self, policy: Compiled) -> list[str]:
        """What the account lacks for this policy: buckets that tell EventBridge nothing, tasks that are not there."""
        buckets = sorted({upload.bucket for upload in policy.uploads})
        problems = [problem for bucket in buckets if (problem := self._silence(bucket))]
        named = {job.task.task_definition for job in policy.jobs}
        named |= {upload.task.task_definition for upload in policy.uploads}
        return problems + [problem for name in sorted(named) if (problem := self._absence(name))]

    def _silence(self, bucket: str) -> str | None:
        try:
            with translated_errors(f"bucket {bucket}"):
                found = self.client("s3").get_bucket_notification_configuration(Bucket=bucket)
        except BreakwaterError as error:
            return str(error)
        if "EventBridgeConfiguration" in found:
            return None
        return f"bucket {bucket}: its notifications to EventBridge are off, so no upload is ever heard of"

    def _absence(self, name: str) -> str | None:
        try:
            with translated_errors(f"task definition {name}"):
                found = self.client("ecs").describe_task_definition(taskDefinition=name)["taskDefinition"]
        except NotFoundError:
            return f"task definition {name}: there is none"
        except BreakwaterError as error:
            return str(error)
        return None if found["status"] == "ACTIVE" else f"task definition {name}: it is {found['status']}"
