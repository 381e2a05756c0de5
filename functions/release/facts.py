"""What a release knows: what stood before it, what it has begun, and what is seen of its deployment. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Weights = Mapping[str, Mapping[str, int]]
"""The weight of each target group, by listener rule."""

ROLLING_BACK = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
ROLLED_BACK = frozenset({"ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})
OVER = frozenset({"SUCCESSFUL", "STOPPED", *ROLLED_BACK})


@dataclass(frozen=True, slots=True)
class Recorded:
    """What stood before: where a failed release has to come back to. `deployment` is the PRIMARY deployment's id."""

    task_definition: str
    deployment: str
    desired: int
    weights: Weights = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HookSeen:
    """A hook of the deployment that waits, by its event. `status` is what DescribeServiceDeployments says of it now."""

    hook_id: str
    stage: str
    service_deployment: str
    status: str = "AWAITING_ACTION"


@dataclass(frozen=True, slots=True)
class DeploymentSeen:
    """A service deployment as DescribeServiceDeployments has it.

    `rollback_to` is the service revision that it rolls back to, once it does. `revision_known_good` says that somebody
    else deployed a revision of the ledger that stood before the one it replaces: a rollback by deployment.
    """

    arn: str
    status: str
    stage: str | None = None
    rollback_to: str | None = None
    revision_known_good: bool = False
    production_weight: float | None = None
    reason: str = ""

    @property
    def is_rollback(self) -> bool:
        """Whether it goes back, by itself or as a whole."""
        return self.status in ROLLING_BACK | ROLLED_BACK or self.rollback_to is not None or self.revision_known_good


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """The service as it is now: its PRIMARY deployment, tasks, weights, and the health of its targets by state."""

    task_definition: str
    deployment: str
    desired: int
    running: int
    weights: Weights = field(default_factory=dict)
    targets: Mapping[str, int] = field(default_factory=dict)
    deployments: int = 1


@dataclass(frozen=True, slots=True)
class Begun:
    """How far a release has come when it fails: what there is to undo.

    `intended` says that UpdateService was about to be called, so its answer may be lost; `service_deployment` is what
    it began, once that was found. `hook` waits for an answer. `attended`: somebody else's deployment.
    """

    lease: bool = False
    intended: bool = False
    service_deployment: str | None = None
    hook: str | None = None
    attended: bool = False
    recorded: Recorded | None = None
    task_definition: str | None = None
