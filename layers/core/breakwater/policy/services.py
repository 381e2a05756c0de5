"""Services: what Breakwater may do to which, and how it judges their deployments."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from breakwater.documents import misplaced
from breakwater.model import Mode, Severity

from .parts import NOT_EMPTY, ContainerName, Flag, Glob, Host, Name, PolicyPart, Whole
from .quiet import QuietHours

Status = Annotated[int, Field(strict=True, ge=100, le=599)]
Header = Annotated[str, Field(max_length=1024, pattern=r"^[\x20-\x7e]*$")]


class Alerts(PolicyPart):
    """How loud incidents are."""

    enabled: Flag = Field(True, description="Whether anybody is told at all.")
    quiet_minutes: Whole = Field(30, ge=5, le=1440, description="Quiet for so long, an incident is resolved.")
    growth_factor: Whole = Field(10, ge=2, le=1000, description="An update is sent when the count grew so many times.")
    remind_minutes: Whole = Field(60, ge=5, le=1440, description="And when it goes on for so long; the gap doubles.")
    log_tail: Flag = Field(True, description="Whether an alert has the last lines of the container's log, redacted.")
    log_lines: Whole = Field(20, ge=1, le=50, description="How many lines.")


class Channel(PolicyPart):
    """What one channel is told."""

    minimum_severity: Literal[Severity.LOW, Severity.MEDIUM, Severity.HIGH] = Field(
        Severity.LOW, description="Incidents below it are kept in the table and not told here."
    )


class Channels(PolicyPart):
    """The channels of the stack. One that is not named is told everything."""

    mail: Channel = Channel()
    slack: Channel = Channel()


class Guard(PolicyPart):
    """The rollback guard. What is left out is that of `defaults`, and there Breakwater's own."""

    mode: Mode | None = Field(None, description="Else the mode beside it.")
    bake_minutes: Whole | None = Field(
        None, ge=1, le=1440, description="A revision is known good after so long without a crash. By default 10."
    )
    watch_minutes: Whole | None = Field(
        None, ge=1, le=10080, description="Failures count for so long after the deployment completed. By default 60."
    )
    budget: Whole | None = Field(
        None, ge=0, le=20, description="Automatic rollbacks of a service in 24 hours, or 0. By default 2."
    )
    silence_minutes: Whole | None = Field(
        None,
        ge=5,
        le=1440,
        description="Without any of its tasks for so long, a service is an incident. By default 10.",
    )
    early_evidence: Flag | None = Field(None, description="Exit codes count before STOPPED. By default true.")
    halted: Flag | None = Field(None, description="The kill switch: nothing is done. By default false.")


class Release(PolicyPart):
    """Releases of a service. What is left out is that of `defaults`, and there Breakwater's own."""

    mode: Mode | None = Field(None, description="Else the mode beside it.")
    bake_minutes: Whole | None = Field(None, ge=0, le=1440, description="Watched after the shift. By default 10.")
    approval_minutes: Whole | None = Field(
        None,
        ge=5,
        le=10080,
        description="A question to a person is answered by a rollback after so long. By default 60.",
    )
    require_digest: Flag | None = Field(
        None, description="Whether an image named by a tag without its digest is refused. By default false."
    )
    allowed_hosts: tuple[Host, ...] | None = Field(
        None,
        max_length=20,
        description="Hosts that checks may reach beside the service's own listeners. By default none.",
    )


class Sample(PolicyPart):
    """How often a check is tried, and how often it has to pass."""

    needed: Whole = Field(3, ge=1, le=100, description="Good tries that make it pass.")
    attempts: Whole = Field(5, ge=1, le=100, description="Tries at most.")
    interval_seconds: Whole = Field(2, ge=0, le=300, description="The wait between two.")

    @model_validator(mode="after")
    def _can_pass(self) -> Self:
        if self.needed > self.attempts:
            raise misplaced("Sample", [(("needed",), f"it can never pass: there are {self.attempts} attempts")])
        return self


class HttpCheck(PolicyPart):
    """A request to one of the service's own listeners and what its answer must be."""

    path: Annotated[str, Field(max_length=2048, pattern=r"^/[\x21-\x7e]*$")] = Field("/", description="With query.")
    target: Literal["test", "production"] = Field("test", description="Which of the service's listeners.")
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = Field(
        "GET", description="A check should change nothing."
    )
    host: Host | None = Field(None, description="The name that is shown to the server, if not the target's own.")
    headers: dict[Header, Header] = Field({}, max_length=20, description="In the open: no secrets.")
    expected_status: Annotated[tuple[Status, ...], NOT_EMPTY] = Field(
        (200,), max_length=20, description="The codes that pass."
    )
    latency_ms: Whole | None = Field(None, ge=1, le=60000, description="An answer that takes longer fails.")
    timeout_seconds: Whole = Field(10, ge=1, le=60, description="What one try may take.")
    sample: Sample = Sample()


class TaskCheck(PolicyPart):
    """A task of the new revision; exit code 0 passes."""

    container: ContainerName | None = Field(None, description="The one whose exit code counts, else the essential one.")
    command: tuple[Annotated[str, Field(max_length=4096)], ...] = Field(
        (), max_length=100, description="Replaces the image's command: a list of words, no shell reads them."
    )
    timeout_seconds: Whole = Field(600, ge=10, le=3600, description="A task that runs longer is stopped and fails.")


class MetricCheck(PolicyPart):
    """Error rate and latency of the new target group, compared with those of the old one."""

    minimum_requests: Whole = Field(200, ge=20, le=10000000, description="Fewer are inconclusive, never a pass.")
    window_minutes: Whole = Field(5, ge=1, le=180, description="How far back the metrics are read.")


class Check(PolicyPart):
    """One check of a new revision: exactly one of http, task and metrics."""

    name: Name
    http: HttpCheck | None = None
    task: TaskCheck | None = None
    metrics: MetricCheck | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(kind is not None for kind in (self.http, self.task, self.metrics)) != 1:
            raise misplaced("Check", [((), "a check has exactly one of http, task and metrics")])
        return self


class Defaults(PolicyPart):
    """What holds for every service, job and upload that says nothing else."""

    mode: Mode = Field(
        Mode.OBSERVE,
        description="`off` does nothing, `observe` decides and tells, `act` does. The stack's `Mode` can lower it.",
    )
    alerts: Alerts = Alerts()
    guard: Guard = Guard()
    release: Release = Release()
    quiet_hours: tuple[QuietHours, ...] = Field(
        (), max_length=20, description="When incidents below high severity wait for a digest. By default never."
    )


class Service(PolicyPart):
    """The services that `match` names. The first entry that matches a service is taken; later ones add nothing."""

    match: Glob = Field(description="`cluster/service`; `*` and `?` stand for characters within one of the two.")
    mode: Mode | None = Field(None, description="Else that of `defaults`.")
    guard: Guard = Guard()
    release: Release = Release()
    checks: tuple[Check, ...] = Field((), max_length=20, description="What a new revision has to pass.")
    quiet_hours: tuple[QuietHours, ...] | None = Field(
        None, max_length=20, description="Instead of those of `defaults`; an empty list for none."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [check.name for check in self.checks]
        problems = [
            (("checks", index, "name"), f'an earlier check is called "{name}" too')
            for index, name in enumerate(names)
            if name in names[:index]
        ]
        if problems:
            raise misplaced("Service", problems)
        return self
