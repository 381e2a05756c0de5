"""How fast is the model of the ECS control plane, and does its cost grow with what happens and with nothing else?

One simulated day of a hundred services of four tasks, each deployed five times over the day: every second one behind a
target group, one deployment in ten bad and rolled back by the circuit breaker, a crash now and then, a scale-up and
its end. No sandbox, no AWS API, no handlers: the pure model. It is emulation; no second of it is a claim about AWS.

Python's collector of cyclic garbage is off while it counts, as in the storm: how often it walks through what a process
keeps is not the model's doing. `collector_share` says what it would have cost with ten times the services.
"""

import gc
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta

from benchmarks._contract import Goal, Options, Outcome, main, say
from sandbox.ecs import Model
from sandbox.ecs.definitions import CircuitBreaker, ContainerDefinition, DeploymentSettings, LoadBalancer, PortMapping
from sandbox.ecs.workloads import background_crashes, crash_on_start

DAY = timedelta(days=1)
SERVICES, TASKS, DEPLOYMENTS = 100, 4, 5
BAD = 0.1
"""The share of deployments that crash on start."""
CRASHES_PER_HOUR = 1 / 48
"""Of one running task: one in two days."""
GUARDED = DeploymentSettings(circuit_breaker=CircuitBreaker(enable=True, rollback=True))


def run(options: Options) -> Outcome:
    """Simulate the day several times, and ten times the account as often as time allows."""
    rounds = 3 if options.quick else 7
    a_day(5, options.seed)  # so that nobody pays for imports
    days, told, large = [], [], []
    collected = a_day(10 * SERVICES, options.seed, collecting=True)[0]
    for turn in range(1, rounds + 1):  # in turns, because the machine is not the same machine a minute later
        days.append(sorted(a_day(SERVICES, options.seed) for _ in range(3))[1])
        told.append(a_day(SERVICES, options.seed, listening=True)[0])
        large.append(a_day(10 * SERVICES, options.seed))
        say(f"{turn} of {rounds}: {days[-1][0]:.2f} s a day, {large[-1][0]:.2f} s with ten times the services")
    seconds = statistics.median(one for one, _ in days)
    transitions, large_transitions = days[0][1], large[0][1]
    growths = [many / few for (many, _), (few, _) in zip(large, days, strict=True)]
    growth = statistics.median(growths)
    return Outcome(
        figures={
            "day_seconds": seconds,
            "transitions_per_second": transitions / seconds,
            "growth_10x": growth,
            "growth_per_transition": growth * transitions / large_transitions,
            "day_with_events_seconds": statistics.median(told),
            "collector_share": max(0.0, 1 - statistics.median(one for one, _ in large) / collected),
            "transitions": transitions,
        },
        noise={
            "day_seconds_spread": max(one for one, _ in days) - min(one for one, _ in days),
            "growth_10x_spread": max(growths) - min(growths),
        },
        meaning={
            "day_seconds": "CPU seconds of one day of 100 services x 4 tasks x 5 deployments",
            "transitions_per_second": "changes of task states in one CPU second",
            "growth_10x": "CPU seconds of 1,000 services as a multiple of those of 100",
            "growth_per_transition": "the same for one change of a task state: 1 is linear",
            "day_with_events_seconds": "the day with the EventBridge event of each change built and handed over",
            "collector_share": "of the CPU seconds of ten times the services, with the collector on",
            "transitions": "changes of task states in that day",
        },
        goals={"day_seconds": Goal(5), "growth_10x": Goal(12)},
    )


def a_day(services: int, seed: int, *, listening: bool = False, collecting: bool = False) -> tuple[float, int]:
    """Simulate one day; answers its CPU seconds and the number of changes of task states."""
    gc.collect()
    if not collecting:
        gc.disable()
    try:
        return _a_day(services, seed, listening=listening)
    finally:
        gc.enable()


def _a_day(services: int, seed: int, *, listening: bool) -> tuple[float, int]:
    began = time.process_time()
    model = Model(seed=seed)
    if listening:
        model.listen(lambda change, event: None)
    model.catalogue.create_cluster("prod")
    for number in range(services):
        _plan_service(model, f"service-{number:04}", number, random.Random(f"{seed}:{number}"))  # noqa: S311  # a day, not a secret
    model.advance(DAY)
    seconds = time.process_time() - began
    unfinished = [one.name for one in model.catalogue.cluster("prod").services.values() if not one.service_deployments]
    if unfinished:
        raise RuntimeError(f"{unfinished[0]} was never deployed: the figure would mean nothing")
    return seconds, sum(change.kind == "task" for change in model.world.log)


def _plan_service(model: Model, name: str, number: int, rng: random.Random) -> None:
    """Put one service's day onto the model's clock."""
    revisions: list[str] = []
    for serial in range(DEPLOYMENTS):
        image = f"{name}:{serial}"
        bad = serial > 0 and rng.random() < BAD
        model.faults.set_workload(image, crash_on_start() if bad else background_crashes(CRASHES_PER_HOUR))
        container = ContainerDefinition("app", image, ports=(PortMapping(8080),))
        revisions.append(model.catalogue.register(name, [container], cpu=256, memory=512).arn)
    bindings: list[LoadBalancer] = []
    if number % 2:
        bindings.append(LoadBalancer(model.catalogue.create_target_group(name).arn, "app", 8080))
    start = model.now + timedelta(minutes=rng.random() * 60)

    def create() -> None:
        model.create_service("prod", name, revisions[0], TASKS, settings=GUARDED, load_balancers=bindings)

    model.call_at(start, create)
    for revision in revisions[1:]:
        start += timedelta(hours=3 + rng.random() * 2)
        model.call_at(start, _updating(model, name, revision))
    model.call_at(start + timedelta(hours=1), _scaling(model, name, TASKS * 2))
    model.call_at(start + timedelta(hours=2), _scaling(model, name, TASKS))


def _updating(model: Model, name: str, revision: str) -> Callable[[], None]:
    def update() -> None:
        model.update_service("prod", name, task_definition=revision)

    return update


def _scaling(model: Model, name: str, desired: int) -> Callable[[], None]:
    def scale() -> None:
        model.update_service("prod", name, desired=desired)

    return scale


if __name__ == "__main__":
    sys.exit(main("The ECS model: one simulated day", run))
