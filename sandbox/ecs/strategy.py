"""What a deployment strategy is: the one thing that differs between rolling, blue/green, linear and canary.

The scheduler asks the strategy of the PRIMARY deployment at each tick. A strategy launches and stops tasks with
`scheduler`, and ends a deployment with `rollouts`; nothing in the core knows which strategies there are.
"""

from typing import Protocol

from sandbox.ecs.state import Deployment, Service, ServiceDeployment
from sandbox.ecs.world import World


class Strategy(Protocol):
    """How a service gets from one revision to another."""

    def begin(self, world: World, service: Service, rollout: ServiceDeployment) -> None:
        """A deployment was created: set the target groups of its tasks, and what the strategy remembers."""

    def step(self, world: World, service: Service) -> None:
        """One tick while the PRIMARY deployment is IN_PROGRESS: do what can be done now."""

    def roll_back(self, world: World, service: Service, rollout: ServiceDeployment, to: Deployment, why: str) -> None:
        """The deployment failed or was stopped: begin the way back. `rollouts.revert` does the usual part."""
