"""Jobs and uploads: which tasks run by themselves, when, and what happens when they fail."""

import json
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from breakwater.documents import misplaced
from breakwater.model import Mode
from breakwater.policies import KeyPlace, Overlap
from breakwater.routes import LONGEST_PATTERN, pattern_of

from . import expressions
from .parts import (
    NOT_EMPTY,
    Bucket,
    CapacityProvider,
    Cluster,
    ContainerName,
    Flag,
    KeyPart,
    KeyPattern,
    Name,
    PolicyPart,
    SecurityGroup,
    Subnet,
    TaskDefinition,
    Variable,
    Whole,
    Zone,
)

OVERRIDES = 8192
ROOM_FOR_A_KEY = 3400
Expression = Annotated[str, AfterValidator(expressions.checked)]
ExitCode = Annotated[int, Field(strict=True, ge=1, le=255)]
ExitCodes = Annotated[
    Annotated[Literal["any"], Tag("any")] | Annotated[tuple[ExitCode, ...], Tag("codes")],
    Discriminator(lambda value: "any" if isinstance(value, str) else "codes"),
]
Word = Annotated[str, Field(max_length=4096)]


class Network(PolicyPart):
    """Where a task with the network mode awsvpc runs; Fargate knows no other."""

    subnets: Annotated[tuple[Subnet, ...], NOT_EMPTY] = Field(max_length=16, description="Subnets of one VPC.")
    security_groups: tuple[SecurityGroup, ...] = Field(
        (), max_length=5, description="Empty for the VPC's default group."
    )
    public_ip: Flag = Field(False, description="Whether the task gets a public address (Fargate only).")


class Task(PolicyPart):
    """The task that is run. What is said here is no place for secrets: the task definition has `secrets` for them."""

    cluster: Cluster = Field(description="The cluster, by name.")
    task_definition: TaskDefinition = Field(
        description="A family (its newest revision), family:revision or an ARN. The family is what may be run."
    )
    container: ContainerName | None = Field(
        None,
        description="The container that gets command, environment and key, and whose exit code is the result. "
        "Not needed where the task definition has only one.",
    )
    command: tuple[Word, ...] = Field(
        (), max_length=100, description="Replaces the image's command: a list of words, no shell reads them."
    )
    environment: dict[Variable, Word] = Field({}, max_length=100, description="Added to the container's environment.")
    capacity_providers: tuple[CapacityProvider, ...] = Field(
        (),
        max_length=6,
        description="Tried in order: [FARGATE_SPOT, FARGATE] is Spot with a fall-back to on-demand.",
    )
    launch_type: Literal["FARGATE", "EC2", "EXTERNAL"] | None = Field(
        None, description="Instead of capacity providers. With neither, the cluster's default strategy decides."
    )
    network: Network | None = Field(None, description="Needed on Fargate.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        problems: list[tuple[tuple[str | int, ...], str]] = []
        fargate = self.launch_type == "FARGATE" or any(name.startswith("FARGATE") for name in self.capacity_providers)
        if self.launch_type and self.capacity_providers:
            problems.append((("launch_type",), "there are capacity_providers too; allowed is one of both"))
        if fargate and self.network is None:
            problems.append(((), "a task on Fargate needs a network with subnets"))
        if len(set(self.capacity_providers)) < len(self.capacity_providers):
            problems.append((("capacity_providers",), "a capacity provider is named twice"))
        overrides = json.dumps([list(self.command), self.environment])
        if len(overrides) > OVERRIDES - ROOM_FOR_A_KEY:
            long = f"command and environment have {len(overrides)} characters; ECS takes {OVERRIDES} of overrides"
            problems.append((("command",), f"{long}, of which {ROOM_FOR_A_KEY} are kept for names and the key"))
        if problems:
            raise misplaced("Task", problems)
        return self


class Retries(PolicyPart):
    """When a failed run is tried again. Capacity, Spot and infrastructure failures always are; exit codes by choice."""

    attempts: Whole = Field(3, ge=1, le=10, description="Tasks in all, the first included.")
    exit_codes: ExitCodes = Field(
        (), description="The exit codes that are worth another try, or `any`. None by default."
    )
    backoff_seconds: Whole = Field(
        60, ge=1, le=900, description="The wait before the second try; it doubles with each, to 15 minutes."
    )


class Job(PolicyPart):
    """One job. Each scheduled time is one run: it succeeds once, or an incident says why not."""

    name: Name = Field(description="What the job is called everywhere; unique among jobs and uploads.")
    schedule: Expression = Field(
        description="`cron(…)` with six fields, `rate(VALUE UNIT)` or `at(LOCAL TIME)`, as EventBridge Scheduler has "
        "them."
    )
    time_zone: Zone = Field(
        "UTC",
        description="The IANA zone of cron and at. An hour that summer time skips does not run, one that it repeats "
        "runs once: the platform does it so.",
    )
    task: Task
    mode: Mode | None = Field(None, description="Else that of `defaults`. The stack's `Mode` bounds it.")
    overlap: Overlap = Field(
        Overlap.SKIP, description="What happens while an earlier run still goes on: run beside it, skip, or stop it."
    )
    grace_minutes: Whole = Field(15, ge=1, le=1440, description="A run that has not begun by then was missed.")
    timeout_minutes: Whole = Field(60, ge=1, le=10080, description="A task that runs longer is stopped.")
    deadline_minutes: Whole | None = Field(
        None, ge=1, le=20160, description="How long after its time a run must have succeeded, or there is an incident."
    )
    retries: Retries = Retries()

    @model_validator(mode="after")
    def _comes_in_order(self) -> Self:
        if self.deadline_minutes is not None and self.deadline_minutes <= self.grace_minutes:
            late = f"a run may begin {self.grace_minutes} minutes late (grace_minutes), when this deadline has passed"
            raise misplaced("Job", [(("deadline_minutes",), late)])
        return self


class Upload(PolicyPart):
    """New objects of one bucket, each a run. The bucket has to send its events to EventBridge."""

    name: Name = Field(description="What the upload is called everywhere; unique among jobs and uploads.")
    bucket: Bucket = Field(description="One bucket of this account and Region, by name.")
    prefix: KeyPart = Field("", description="How keys begin.")
    suffix: KeyPart = Field("", description="How keys end.")
    allowed_key: KeyPattern | None = Field(
        None,
        description="A regular expression (Python) for the whole key; other keys start nothing. At most 256 characters "
        "and four repeats, no repeats within repeats.",
    )
    allow_empty: Flag = Field(False, description="Whether objects without content start a run.")
    task: Task
    key_place: KeyPlace = Field(
        KeyPlace.ENVIRONMENT, description="The key travels as one environment value, or as one word after the command."
    )
    key_name: Variable = Field("OBJECT_KEY", description="The variable, where it travels in the environment.")
    bucket_name: Variable = Field("OBJECT_BUCKET", description="The variable that gets the bucket's name.")
    mode: Mode | None = Field(None, description="Else that of `defaults`. The stack's `Mode` bounds it.")
    concurrency: Whole = Field(5, ge=1, le=100, description="Runs at a time; the others wait in order of arrival.")
    timeout_minutes: Whole = Field(60, ge=1, le=10080, description="A task that runs longer is stopped.")
    deadline_minutes: Whole | None = Field(
        None, ge=1, le=20160, description="How long after the upload a run must have succeeded."
    )
    retries: Retries = Field(
        Retries(), description="An object whose last try failed is quarantined: it starts nothing more and is reported."
    )
    output_prefixes: tuple[KeyPart, ...] = Field(
        (), max_length=20, description="Where the task writes in this bucket: nothing below starts a run."
    )

    @model_validator(mode="after")
    def _can_start(self) -> Self:
        problems: list[tuple[tuple[str | int, ...], str]] = []
        for index, output in enumerate(self.output_prefixes):
            if self.prefix.startswith(output):
                problems.append((("output_prefixes", index), "every key of this upload lies below it"))
        pattern = pattern_of(self.bucket, self.prefix, self.suffix, "1" * 12, "ap-northeast-1")
        if len(pattern) > LONGEST_PATTERN:
            long = f"prefix and suffix make a pattern of {len(pattern)} characters; EventBridge takes {LONGEST_PATTERN}"
            problems.append((("prefix",), long))
        if self.suffix.endswith("/"):
            problems.append((("suffix",), "keys that end with a slash are folder markers and start nothing"))
        if self.key_place is KeyPlace.ARGUMENT and not self.task.command:
            problems.append((("key_place",), "the key goes after the command, and the task has none"))
        taken = {self.key_name, self.bucket_name} & self.task.environment.keys()
        problems += [(("task", "environment", name), "the upload sets this variable itself") for name in sorted(taken)]
        if self.key_name == self.bucket_name:
            problems.append((("bucket_name",), "key_name is the same variable"))
        if problems:
            raise misplaced("Upload", problems)
        return self
