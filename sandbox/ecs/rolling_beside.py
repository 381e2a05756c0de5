"""ROLLING for services whose load balancers have two target groups: it stays where the production traffic is.

A service may change its strategy between two deployments, or in the middle of one (ecs 3). A native deployment that is
going on keeps the strategy that it began with; a rolling one that supersedes it gathers everything in one target group
before it replaces anything. Both are [inferred]: no document says what ECS does then.
"""

from collections.abc import Sequence

from sandbox.ecs import fleet, rollouts, scheduler, traffic
from sandbox.ecs.blue_green import Native, progress_of
from sandbox.ecs.definitions import LoadBalancer
from sandbox.ecs.rolling import Rolling
from sandbox.ecs.state import Deployment, Service, ServiceDeployment
from sandbox.ecs.traffic import ALL, AdvancedLoadBalancer
from sandbox.ecs.world import World


class RollingBeside(Rolling):
    """The strategy ROLLING, beside the native ones."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def begin(self, world: World, service: Service, rollout: ServiceDeployment) -> None:
        """New tasks register where the production traffic goes."""
        self._native.leave(service, rollout)
        rollout.deployment.target_groups = self._placed(rollout.deployment.target_groups)
        super().begin(world, service, rollout)

    def step(self, world: World, service: Service) -> None:
        """A native deployment that is going on or stalled keeps its own ways, whatever the settings say by now."""
        rollout = service.service_deployments[-1]
        native = progress_of(rollout) is not None
        if native and (service.primary.stalled or rollout.status in rollouts.ONGOING):
            self._native.step(world, service)
            return
        self._gather(world, service)
        super().step(world, service)

    def roll_back(self, world: World, service: Service, rollout: ServiceDeployment, to: Deployment, why: str) -> None:
        """The old revision comes back to where the traffic is now, which may be the other target group."""
        if progress_of(rollout) is not None:
            self._native.roll_back(world, service, rollout, to, why)
            return
        super().roll_back(world, service, rollout, to, why)
        back = service.primary
        placed = self._placed(back.target_groups)
        if placed != back.target_groups:
            scheduler.stop(world, service, [one for one in fleet.tasks_of(service, back) if scheduler.wanted(one)])
            back.target_groups = placed

    def _placed(self, bindings: Sequence[LoadBalancer]) -> tuple[LoadBalancer, ...]:
        carrier = self._native.traffic.carrier
        return tuple(carrier(one) if isinstance(one, AdvancedLoadBalancer) else one for one in bindings)

    def _gather(self, world: World, service: Service) -> None:
        """Tasks in the other target group get no traffic: they must not be counted on when others are stopped."""
        primary = service.primary
        if not traffic.advanced(primary.target_groups):
            return
        here = [primary]
        strays: list[Deployment] = []
        for one in service.deployments[1:]:
            same = _groups(one) == _groups(primary)
            (here if same else strays).append(one)
        if strays and any(fleet.can_take_traffic(service, one) for one in here):
            for test in (False, True):
                self._native.traffic.shift(primary.target_groups, ALL, "gathered", test=test)
            fleet.stop_all(world, service, except_for=here)


def _groups(deployment: Deployment) -> set[str]:
    return {one.target_group_arn for one in deployment.target_groups}
