"""Services: what Breakwater may do to which, and how it judges their deployments."""

from typing import Literal, Self

from pydantic import Field, model_validator

from breakwater.documents import misplaced
from breakwater.model import Mode, Severity
from breakwater.policies import OnDoubt

from .checks import Check
from .parts import Flag, Glob, HostOrOrigin, PolicyPart, PrivateNetwork, Whole
from .quiet import QuietHours


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
    approval_minutes: Whole | None = Field(
        None,
        ge=5,
        le=1440,
        description="A question to a person is answered by a rollback after so long, and earlier where the hook's own "
        "time is up. By default 60.",
    )
    on_doubt: OnDoubt | None = Field(
        None, description="What an inconclusive check leads to: `ask` a person, or `roll_back` at once. By default ask."
    )
    settle_minutes: Whole | None = Field(
        None,
        ge=1,
        le=240,
        description="So long the service may take to look as it should once its deployment is over. By default 15.",
    )
    require_digest: Flag | None = Field(
        None, description="Whether an image named by a tag without its digest is refused. By default false."
    )
    allowed_hosts: tuple[HostOrOrigin, ...] | None = Field(
        None,
        max_length=20,
        description="Hosts that checks may reach beside the service's own listeners: a name (https), or `http://` or "
        "`https://` with the name and perhaps a port. By default none.",
    )
    allowed_networks: tuple[PrivateNetwork, ...] | None = Field(
        None,
        max_length=20,
        description="Private networks that these hosts may resolve to. The service's own internal load balancer needs "
        "none. By default none.",
    )


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
