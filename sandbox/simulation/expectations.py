"""What has to be so at the end: one class for each kind of expectation.

A new kind is a class here, a field of `Expectation`, and a function in `judge`.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from breakwater.model import Category, Cause, Severity
from sandbox.errors import InvalidPatternError
from sandbox.patterns import compile_pattern
from sandbox.simulation.account import Weight
from sandbox.simulation.actions import OfListener
from sandbox.simulation.images import ExitCode
from sandbox.simulation.parts import Count, Duration, Many, Name, Part, RuleName

Deploying = Literal[
    "PENDING",
    "IN_PROGRESS",
    "SUCCESSFUL",
    "STOPPED",
    "STOP_REQUESTED",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
]


def _compiles(pattern: dict[str, Any]) -> dict[str, Any]:
    try:
        compile_pattern(pattern)
    except InvalidPatternError as error:
        raise ValueError(str(error)) from error
    return pattern


PatternOf = Annotated[dict[str, Any], Field(min_length=1), AfterValidator(_compiles)]
"""A pattern of EventBridge."""


class Bounds(Part):
    """A number: exactly, or between bounds; without any of them, at least one."""

    exactly: Count | None = None
    at_least: Count | None = None
    at_most: Count | None = None

    @model_validator(mode="after")
    def _they_agree(self) -> Self:
        if self.exactly is not None and (self.at_least is not None or self.at_most is not None):
            raise ValueError("exactly goes with neither at_least nor at_most")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is more than at_most")
        return self

    def hold(self, number: int) -> bool:
        """Whether a number is as wanted."""
        if self.exactly is not None:
            return number == self.exactly
        if self.at_least is None and self.at_most is None:
            return number >= 1
        return (self.at_least or 0) <= number and (self.at_most is None or number <= self.at_most)

    def wanted(self) -> str:
        """The bounds in words."""
        if self.exactly is not None:
            return str(self.exactly)
        if self.at_least is None and self.at_most is None:
            return "at least 1"
        words = [] if self.at_least is None else [f"at least {self.at_least}"]
        return " and ".join([*words, *([] if self.at_most is None else [f"at most {self.at_most}"])])


class ServiceIs(Part):
    """A service as DescribeServices and its latest service deployment show it; only what is given is compared."""

    name: Name
    status: Literal["ACTIVE", "DRAINING", "INACTIVE"] | None = None
    desired: Count | None = None
    running: Count | None = None
    revision: Annotated[int, Field(ge=1)] | None = None
    """Of the task definition of its PRIMARY deployment."""
    image: Name | None = None
    """The image of the first container of that revision."""
    rollout: Literal["IN_PROGRESS", "COMPLETED", "FAILED"] | None = None
    """rolloutState of its PRIMARY deployment."""
    deployment: Deploying | None = None
    """The status of its latest service deployment."""
    healthy_targets: Count | None = None
    """Targets of its tasks that are healthy, all its target groups together."""


class IncidentIs(Bounds):
    """Incidents of this kind that Breakwater opened; what is not given may be anything."""

    subject: Name | None = None
    """As people read it: `prod/web` for a service."""
    category: Annotated[Category, Field(strict=False)] | None = None
    cause: Annotated[Cause, Field(strict=False)] | None = None
    severity: Annotated[Severity, Field(strict=False)] | None = None
    status: Literal["open", "resolved", "closed"] | None = None
    failures: Bounds | None = None
    """How many failures one of them counts."""


class JournalIs(Bounds):
    """Entries of Breakwater's journal of this kind; what is not given may be anything."""

    automation: Name | None = None
    subject: Name | None = None
    """As people read it: `prod/web` for a service."""
    decision: Annotated[str, Field(min_length=1)] | None = None
    """In the words of the journal, or how they begin."""
    outcome: Annotated[str, Field(min_length=1)] | None = None


class RunIs(Bounds):
    """Runs of a job or an upload of the policy; what is not given may be anything."""

    name: Name
    """That of the job or upload."""
    outcome: (
        Literal["succeeded", "failed", "quarantined", "skipped", "replaced", "missed", "refused", "observed"] | None
    ) = None
    attempts: Count | None = None
    """How many tasks it took."""
    exit_code: ExitCode | None = None
    """Of the last of them."""


class RowIs(Bounds):
    """Rows of a DynamoDB table of the account."""

    table: Name
    item: dict[Name, str] = Field(default_factory=dict)
    """Attributes and their values, as text; others may be there."""


class SurgesKept(Bounds):
    """Surges that last at the end, as `breakwater surge list` shows them."""

    service: Name | None = None


class ReleaseIs(Bounds):
    """Releases of a service, also those of deployments that somebody else began."""

    service: Name
    result: (
        Literal["Released", "Rehearsed", "Refused", "NotBegun", "Returned", "NotReturned", "NotVerified", "HandedOver"]
        | None
    ) = None
    revision: Annotated[int, Field(ge=1)] | None = None
    """Of the task definition that was to be released."""
    reason: Annotated[str, Field(min_length=1)] | None = None
    """A text that its reason has."""


class NothingElse(Part):
    """No incident but those that the other expectations name; with none of them, no incident at all."""


class Notices(Bounds):
    """Messages that people got, all channels together."""


class DeadLetters(Bounds):
    """Events that lie in dead-letter queues or were lost. Without this expectation there may be none."""


class FunctionErrors(Bounds):
    """Runs of functions that failed. Without this expectation there may be none."""


class Events(Bounds):
    """Events on the bus since the timeline began that fit a pattern of EventBridge."""

    pattern: PatternOf


class Weights(Part):
    """The weights of a listener rule."""

    load_balancer: Name
    rule: RuleName
    """The listener and the path (`https/random/*`), or the listener alone for its default."""
    weights: Annotated[dict[Name, Weight], Field(min_length=1)]


class Reaches(OfListener):
    """Where a request would go: every target group with weight has healthy targets, all of this service."""

    service: Name


class Requests(OfListener):
    """What became of the requests of `send_requests` steps to the same listener, path and host."""

    failed: Bounds = Bounds(exactly=0)
    """Those with an answer of 500 or more."""
    answered_by: Name | None = None
    """The service that answered every one that did not fail."""
    revisions: dict[Name, Bounds] = Field(default_factory=dict)
    """How many went to a revision, as `family:number`."""


class Downtime(Part):
    """How long a service had no healthy task since the beginning of the timeline, in all."""

    service: Name
    at_most: Duration | None = None
    at_least: Duration = timedelta(0)


class InOrder(Part):
    """Statuses of a service's deployments since the timeline began, in this order; others may lie between."""

    service: Name
    statuses: Annotated[Many, Field(min_length=1)]


Claim = (
    ServiceIs
    | IncidentIs
    | JournalIs
    | RunIs
    | RowIs
    | SurgesKept
    | ReleaseIs
    | NothingElse
    | Notices
    | DeadLetters
    | FunctionErrors
    | Events
    | Weights
    | Reaches
    | Requests
    | Downtime
    | InOrder
)


class Expectation(Part):
    """One expectation: exactly one thing that has to be so."""

    service: ServiceIs | None = None
    incident: IncidentIs | None = None
    journal: JournalIs | None = None
    run: RunIs | None = None
    row: RowIs | None = None
    surges: SurgesKept | None = None
    release: ReleaseIs | None = None
    no_other_incident: NothingElse | None = None
    notices: Notices | None = None
    dead_letters: DeadLetters | None = None
    function_errors: FunctionErrors | None = None
    events: Events | None = None
    weights: Weights | None = None
    reaches: Reaches | None = None
    requests: Requests | None = None
    downtime: Downtime | None = None
    deployments: InOrder | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        named = sorted(self.model_fields_set)
        if len(named) != 1:
            raise ValueError(f"an expectation says one thing, this one says {', '.join(named) or 'none'}")
        if getattr(self, named[0]) is None:
            raise ValueError(f"{named[0]} says nothing; write {named[0]}: {{}}")
        return self

    @property
    def name(self) -> str:
        """The key of what has to be so."""
        return next(iter(self.model_fields_set))

    @property
    def claim(self) -> Claim:
        """What has to be so."""
        found: Claim = getattr(self, self.name)
        return found
