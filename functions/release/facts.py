"""What a release sees of its deployment and of the service. Pure values; what it has done is in `record`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

Weights = Mapping[str, Mapping[str, int]]
"""The weight of each target group, by listener rule."""

ROLLING_BACK = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
ROLLED_BACK = frozenset({"ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})
OVER = frozenset({"SUCCESSFUL", "STOPPED", *ROLLED_BACK})


@dataclass(frozen=True, slots=True)
class HookSeen:
    """A hook of the deployment that waits.

    At `expires_at` its own time is up: ECS then does what the service declares, CONTINUE it may be.
    """

    hook_id: str
    stage: str
    service_deployment: str
    expires_at: datetime | None = None
    gate: str | None = None
    """Why it is a person's, and not Breakwater's to answer."""


@dataclass(frozen=True, slots=True)
class DeploymentSeen:
    """A service deployment as DescribeServiceDeployments has it.

    `rollback_to` is the service revision that it rolls back to, once it does. `to_known_good` says that somebody else
    deploys a revision that ran well here before the one it replaces (`decision.rolls_back`): a rollback by deployment.
    `new_tasks` and `old_tasks` run of its own revision and of those that it replaces. `held`: one of its hooks, whoever
    it belongs to, is not done yet.
    """

    arn: str
    status: str
    stage: str | None = None
    rollback_to: str | None = None
    to_known_good: bool = False
    production_weight: float | None = None
    reason: str = ""
    new_tasks: int = 0
    old_tasks: int = 0
    held: bool = False

    @property
    def is_rollback(self) -> bool:
        """Whether it goes back, by itself or as a whole."""
        return self.status in ROLLING_BACK | ROLLED_BACK or self.rollback_to is not None or self.to_known_good


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
