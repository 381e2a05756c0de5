"""BLUE_GREEN, LINEAR and CANARY: two revisions side by side, and the traffic moved between them (ecs 3, ecs 4).

All three walk a list of moves (`shifting`); the way back is another list. A stage lasts at least until the scheduler's
next tick, so that nobody can miss it [inferred]. Traffic moves only to a revision with a healthy target.
"""

from dataclasses import dataclass, field
from typing import Any

from sandbox.ecs import fleet, lifecycle, rollouts, shifting, traffic
from sandbox.ecs.hooks import Hooks, Invoke, Journal, NativeReadings
from sandbox.ecs.lifecycle import Run
from sandbox.ecs.rolling import Rolling
from sandbox.ecs.shifting import Move
from sandbox.ecs.state import Deployment, Service, ServiceDeployment
from sandbox.ecs.traffic import ALL, Traffic, Weights
from sandbox.ecs.world import World


@dataclass(slots=True, eq=False)
class Progress:
    """Where a native deployment is. Blue is what it began from, green what it brings."""

    blue: Deployment | None
    green: Deployment
    moves: tuple[Move, ...]
    journal: Journal
    index: int = -1
    hooked: bool = False
    """The hooks of this stage have been started."""
    passed_at: int | None = None
    """When the hooks and the work of this stage were done, and its bake began."""
    recorded: dict[str, Weights] | None = None
    """The weights before anything was shifted, by rule; None while the service is still being reconciled."""
    production: int = 0
    """The share of green in tenths of a per cent."""
    test: int = 0
    entered: set[str] = field(default_factory=set)
    back: Deployment | None = None
    """Where it is rolling back to, once it is."""

    @property
    def move(self) -> Move:
        """The stage that it is in."""
        return self.moves[self.index]


class Native:
    """The strategies BLUE_GREEN, LINEAR and CANARY."""

    def __init__(self, world: World, paths: Traffic, invoke: Invoke, readings: NativeReadings) -> None:
        self.traffic = paths
        self.readings = readings
        self.hooks = Hooks(world, invoke, readings, direction)
        self.rolling = Rolling()

    # ── the three calls of a strategy ───────────────────────────────────────────────────────────────────────────────
    def begin(self, world: World, service: Service, rollout: ServiceDeployment) -> None:
        """Choose blue, and put green where blue is not."""
        settings = shifting.of(rollout.settings)
        green, blue = rollout.deployment, fleet.serving(world, service)
        self.leave(service, rollout)
        strays = [one for one in fleet.others(service, green, blue) if fleet.tasks_of(service, one)]
        green.target_groups = traffic.elsewhere(green.revision.load_balancers, blue)
        moves = shifting.plan(settings, reconcile=bool(strays))
        progress = Progress(blue, green, moves, Journal(settings.hooks))
        if not strays:
            progress.recorded = self.traffic.recorded(green.target_groups)
        rollout.progress = progress

    def step(self, world: World, service: Service) -> None:
        """Keep both sides running, and go on to the next stage when this one is done."""
        rollout = service.service_deployments[-1]
        progress = progress_of(rollout)
        if progress is None:
            self.rolling.step(world, service)
            return
        if service.status == "DRAINING":
            self._give_up(world, service, rollout, progress)
            return
        self._keep_up(world, service, rollout, progress)
        if rollout.status not in rollouts.ONGOING:
            self.hooks.close(rollout, progress.journal, "the deployment is over")
            return
        if any(run.failed for run in progress.journal.current) and self._rolled_back(world, service, rollout, progress):
            return
        if progress.index < 0:
            self._enter(world, rollout, progress, 0)
        elif self._done(world, service, rollout, progress):
            if progress.index + 1 < len(progress.moves):
                self._enter(world, rollout, progress, progress.index + 1)
            else:
                rollouts.complete(world, service)

    def roll_back(self, world: World, service: Service, rollout: ServiceDeployment, to: Deployment, why: str) -> None:
        """Weights go back at once if blue can take the traffic; its stages and hooks follow at the next ticks."""
        progress = progress_of(rollout)
        rollouts.revert(world, service, rollout, to, why)
        if progress is None:
            return
        self.hooks.close(rollout, progress.journal, "the deployment rolls back")
        back = service.primary
        fleet.adopt(service, to, back)
        progress.back = back
        able = fleet.can_take_traffic(service, back)
        if progress.recorded is None or to is not progress.blue:  # the traffic may be anywhere but where it goes now
            progress.recorded, progress.production, progress.test = None, ALL, ALL
        production = progress.recorded is None or lifecycle.PRODUCTION_SHIFT in progress.entered
        test = progress.recorded is None or lifecycle.TEST_SHIFT in progress.entered
        progress.moves = shifting.way_back(scale_up=not able, production=production, test=test)
        progress.index, progress.passed_at, progress.hooked = -1, None, False
        if able and production:
            self._back(progress, test=False)
        if able and test:
            self._back(progress, test=True)

    def leave(self, service: Service, rollout: ServiceDeployment) -> None:
        """Another deployment begins: what waited at hooks of the one before waits no more."""
        for older in service.service_deployments[-2:]:
            progress = progress_of(older)
            if older is not rollout and progress is not None:
                self.hooks.close(older, progress.journal, "the deployment was superseded")

    # ── stages ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _enter(self, world: World, rollout: ServiceDeployment, progress: Progress, index: int) -> None:
        progress.index, progress.passed_at, progress.hooked = index, None, False
        progress.entered.add(progress.move.stage)
        progress.journal.current = []
        rollout.stage = None  # the way back may enter the stage again that it was in
        world.stage_changed(rollout, progress.move.stage)
        if self.readings.shift_before_hooks:
            self._shift(rollout.service, progress)
        self._call_hooks(rollout, progress)
        world.wake(rollout.service)

    def _call_hooks(self, rollout: ServiceDeployment, progress: Progress) -> None:
        """Hooks of a traffic shift wait for the shift, unless the reading has it the other way round."""
        if progress.hooked or (self.readings.shift_before_hooks and not self._shifted(progress)):
            return
        progress.hooked = True
        self.hooks.start(rollout, progress.journal, progress.move.stage)

    def _done(self, world: World, service: Service, rollout: ServiceDeployment, progress: Progress) -> bool:
        """Whether the work, the hooks and the bake of the stage are behind it."""
        if self.readings.shift_before_hooks:
            self._shift(service, progress)
        self._call_hooks(rollout, progress)
        settled = progress.back is not None and not self.readings.failed_hook_fails_rollback
        waiting = any(run.is_open or (run.failed and not settled) for run in progress.journal.current)
        if not progress.hooked or waiting:
            return False
        self._shift(service, progress)
        if not self._shifted(progress) or not self._worked(world, service, progress):
            return False
        if progress.passed_at is None:
            progress.passed_at = world.now
        due = progress.passed_at + progress.move.bake
        if world.now < due:
            world.wake_at(service, due - 1)
            return False
        return True

    def _worked(self, world: World, service: Service, progress: Progress) -> bool:
        """What a stage has to bring about besides its hooks."""
        stage, front = progress.move.stage, progress.back or progress.green
        if stage == lifecycle.RECONCILE:
            return self._reconciled(world, service, progress)
        if stage == lifecycle.SCALE_UP:
            return fleet.healthy(service, front) >= service.desired
        if stage == lifecycle.CLEAN_UP:
            gone = not any(task.deployment is not front for task in service.tasks.values())
            return gone and fleet.healthy(service, front) >= service.desired
        return True

    def _reconciled(self, world: World, service: Service, progress: Progress) -> bool:
        """Blue has all the traffic and nothing but blue is left; only now the weights are what to go back to."""
        blue = progress.blue
        if blue is None or not fleet.can_take_traffic(service, blue):
            return False
        if progress.recorded is None:
            for test in (False, True):
                self.traffic.shift(blue.target_groups, ALL, "reconciled", test=test)
            progress.recorded = self.traffic.recorded(progress.green.target_groups)
            world.wake(service)
        return all(task.deployment in (blue, progress.green) for task in service.tasks.values())

    # ── traffic ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def _shifted(self, progress: Progress) -> bool:
        move = progress.move
        return move.production in (None, progress.production) and move.test in (None, progress.test)

    def _shift(self, service: Service, progress: Progress) -> None:
        """Move the traffic that this stage moves, as soon as there is somebody to take it."""
        move, front = progress.move, progress.back or progress.green
        if self._shifted(progress) or not fleet.can_take_traffic(service, front):
            return
        groups, why = progress.green.target_groups, move.stage
        if progress.back is not None:
            self._back(progress, test=move.test is not None)
        elif move.production is not None:
            self.traffic.shift(groups, move.production, why)
            progress.production = move.production
        elif move.test is not None:
            self.traffic.shift(groups, move.test, why, test=True)
            progress.test = move.test

    def _back(self, progress: Progress, *, test: bool) -> None:
        """Write the recorded weights again; if none were recorded yet, all of it goes to where blue is."""
        if progress.recorded is not None:
            self.traffic.restore(progress.green.target_groups, progress.recorded, "rolled back", test=test)
        elif progress.back is not None:
            self.traffic.shift(progress.back.target_groups, ALL, "rolled back", test=test)
        if test:
            progress.test = 0
        else:
            progress.production = 0

    # ── tasks and ends ──────────────────────────────────────────────────────────────────────────────────────────────
    def _keep_up(self, world: World, service: Service, rollout: ServiceDeployment, progress: Progress) -> None:
        """Blue and green are both kept at the desired count, while they are needed."""
        stage = progress.move.stage if progress.index >= 0 else None
        blue, green, back = progress.blue, progress.green, progress.back
        if service.primary.stalled:
            if blue is not None and lifecycle.CLEAN_UP not in progress.entered and blue is not service.primary:
                fleet.keep(world, service, blue)
            return
        if back is not None:
            fleet.keep(world, service, back)
            if stage == lifecycle.CLEAN_UP:
                fleet.stop_all(world, service, except_for=(back,))
            return
        if stage == lifecycle.CLEAN_UP:
            fleet.stop_all(world, service, except_for=(green,))
        elif blue is not None:
            fleet.keep(world, service, blue)
        if stage == lifecycle.RECONCILE and progress.recorded is not None:
            fleet.stop_all(world, service, except_for=(green,) if blue is None else (green, blue))
        if lifecycle.SCALE_UP in progress.entered:
            fleet.keep(world, service, green)

    def _rolled_back(self, world: World, service: Service, rollout: ServiceDeployment, progress: Progress) -> bool:
        """A hook asks for a rollback; on the way back that changes nothing, unless the reading says it does."""
        if progress.back is not None and not self.readings.failed_hook_fails_rollback:
            return False
        run = next(run for run in progress.journal.current if run.failed)
        rollouts.fail(world, service, _reason(run), "ECS deployment lifecycle hook failed", roll_back=True)
        self.hooks.close(rollout, progress.journal, "the deployment is over")
        return True

    def _give_up(self, world: World, service: Service, rollout: ServiceDeployment, progress: Progress) -> None:
        """The service is being deleted."""
        self.hooks.close(rollout, progress.journal, "the service is deleted")
        if rollout.status in rollouts.ONGOING:
            rollout.stopped_at = rollout.finished_at = world.now
            world.service_deployment_changed(rollout, "STOPPED", "The service was deleted.")
        fleet.stop_all(world, service, except_for=())


def progress_of(rollout: ServiceDeployment) -> Progress | None:
    """Where a deployment is, if it is a native one."""
    progress = rollout.progress
    return progress if isinstance(progress, Progress) else None


def direction(rollout: ServiceDeployment) -> dict[str, Any]:
    """What a hook is told of the traffic: `{}` until it moves (ecs 4), then whole per cents by revision."""
    progress = progress_of(rollout)
    if progress is None:
        return {}
    target = progress.back or progress.green
    production = _shares(progress, progress.production) if lifecycle.PRODUCTION_SHIFT in progress.entered else {}
    test = _shares(progress, progress.test) if lifecycle.TEST_SHIFT in progress.entered else {}
    return {
        "testTrafficWeights": test,
        "productionTrafficWeights": production,
        "targetServiceRevisionArn": target.revision.arn,
    }


def _shares(progress: Progress, green: int) -> dict[str, int]:
    shares = {progress.green.revision.arn: round(green / 10)}
    if progress.blue is not None:
        shares[progress.blue.revision.arn] = 100 - shares[progress.green.revision.arn]
    return shares


def _reason(run: Run) -> str:
    what = "timed out" if run.status == "TIMED_OUT" else "failed"
    return f"ECS deployment failed: lifecycle hook {run.hook_id} {what} at {run.stage}."
