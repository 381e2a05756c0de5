"""What the rollback guard can decide: a closed union, each answer with its reason for the operator. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from breakwater.evidence import Weighed
from breakwater.ledger import KnownGood


class How(StrEnum):
    """Which call brings the service back."""

    STOP_DEPLOYMENT = "stop_deployment"
    """StopServiceDeployment(ROLLBACK): in flight, and the platform's target is the ledger's."""
    UPDATE_SERVICE = "update_service"
    """A fenced UpdateService to the known good revision."""


class HoldKind(StrEnum):
    """Why nothing is done although the evidence is enough, or why nothing can be decided."""

    WOULD_NOT_HELP = "would_not_help"
    NO_TARGET = "no_target"
    BUDGET = "budget"
    QUARANTINED = "quarantined"
    TRIED = "tried"
    """This very deployment was to be rolled back already, and ECS would not."""
    ROLLBACK_OF_ROLLBACK = "rollback_of_rollback"
    CONTROLLER = "controller"
    HALTED = "halted"
    STALE = "stale"
    UNREADABLE = "unreadable"


class StandDownKind(StrEnum):
    """Who has it, or why it is none of ours."""

    NATIVE = "native"
    """ECS's own breaker or alarms see the failure and will roll back."""
    ON_ITS_WAY = "on_its_way"
    """A rollback is under way already: the platform's, a person's or ours."""
    SETTLED = "settled"
    """COMPLETED longer ago than failures count against a deployment."""
    OFF = "off"
    """The automation is off for this service, or the service is not active or wants no tasks."""


@dataclass(frozen=True, slots=True)
class RollBack:
    """Go back. `fence` is the deployment that must still be PRIMARY when the call is made.

    `service_deployment` is the ARN to stop if that is how. `caveats` are sentences for the incident: what differs,
    what could not be checked, what remains to be done by hand.
    """

    to: KnownGood
    bad: str
    how: How
    fence: str
    weighed: Weighed
    reason: str
    service_deployment: str | None = None
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Do nothing, and tell people why."""

    kind: HoldKind
    reason: str
    weighed: Weighed | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Not enough evidence. Another failure, or the sweep, brings it up again."""

    reason: str
    weighed: Weighed


@dataclass(frozen=True, slots=True)
class StandDown:
    """Somebody else has it, or it is over."""

    kind: StandDownKind
    reason: str


@dataclass(frozen=True, slots=True)
class Inspect:
    """Everything so far says roll back: look at these known good revisions, then decide again with `targets`."""

    candidates: tuple[str, ...]
    reason: str
    weighed: Weighed


RollbackDecision = RollBack | Hold | Watch | StandDown | Inspect
