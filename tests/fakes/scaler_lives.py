"""Random histories of one service's scale, each from one seed."""

import random
from collections import Counter
from collections.abc import Callable

from tests.fakes.scaler_world import Meanwhile, World

MOST = 60
"""Numbers are drawn from below this. Apart, each kind of author has a remainder modulo 4 of its own."""
PEOPLE, BOUNDS = 1, 3


class Pool:
    """Numbers for other people. `apart`, none of them twice and none that Breakwater could have set."""

    def __init__(self, rng: random.Random, *, apart: bool) -> None:
        self._rng, self._apart = rng, apart
        self._used: set[int] = set()

    def draw(self, kind: int, low: int, high: int) -> int:
        """One number. If there is none left of its own kind, it is one that stands out above all the others."""
        if not self._apart:
            return self._rng.randint(low, high)
        left = [n for n in range(low, high + 1) if n % 4 == kind and n not in self._used]
        number = self._rng.choice(left) if left else max([MOST, *self._used]) // 4 * 4 + 4 + kind
        self._used.add(number)
        return number


def live(seed: int, events: int = 24) -> Counter[str]:
    """One random history, to its end. Raises `ViolationError`; gives what happened in it.

    In two of three everybody's numbers are kept apart, so that the oracle has nothing to allow for; in the third
    people also set what Breakwater has set, and zero.
    """
    rng = random.Random(seed)
    pool = Pool(rng, apart=seed % 3 < 2)
    bounds = (pool.draw(BOUNDS, 0, 8), pool.draw(BOUNDS, 9, 40)) if rng.random() < 0.45 else None
    world = World(pool.draw(PEOPLE, 0, 12), bounds)
    for number in range(events):
        _happen(world, rng, pool, number)
    world.settle()
    world.figures["histories"] += 1
    world.figures["histories with everybody's numbers apart"] += seed % 3 < 2
    return world.figures


def _happen(world: World, rng: random.Random, pool: Pool, number: int) -> None:
    """One thing happens, and with luck another one in the middle of it, or it is cut off."""
    people: list[Callable[[], None]] = [
        lambda: world.human_scales(pool.draw(PEOPLE, 0, 25)),
        lambda: world.human_sets_bounds(pool.draw(BOUNDS, 0, 11), pool.draw(BOUNDS, 12, 40)),
        lambda: world.autoscaling_moves(pool.draw(PEOPLE, 0, 40)),
    ]
    things: list[tuple[int, Callable[[], object]]] = [
        (
            14,
            lambda: world.surge(f"s{number}", rng.randint(0, 15) * 2, rng.choice([10, 30, 60]), rng.choice([0, 0, 15])),
        ),
        (4, lambda: world.end(rng.choice(sorted(world.claims) or ["none"]))),
        (8, lambda: _a_window(world, rng, number)),
        (10, people[0]),
        (6, people[1]),
        (5, people[2]),
        (5, lambda: world.deploys(f"ecs-svc/{number}")),
        (3, lambda: world.protects(rng.choice([0, 1, 3]))),
        (2, lambda: world.human_attaches_or_detaches(pool.draw(BOUNDS, 0, 4), pool.draw(BOUNDS, 5, 20))),
        (22, world.wake),
        (8, world.loses_a_wake_up),
        (1, world.wake_while_missing),
    ]
    if rng.random() < 0.25:
        world.fuse = rng.randint(0, 24)
    if rng.random() < 0.2:
        world.meanwhile.append(Meanwhile(rng.randint(1, 24), rng.choice(people)))
    if rng.random() < 0.1:
        another = rng.choice([world.wake, lambda: world.end(rng.choice(sorted(world.claims) or ["none"]))])
        world.meanwhile.append(Meanwhile(rng.randint(1, 24), lambda: world.another_function(another), ours=True))
    rng.choices([thing for _, thing in things], weights=[weight for weight, _ in things])[0]()
    world.fuse = None
    world.meanwhile.clear()
    world.pass_time(rng.choice([0, 1, 5, 5, 10, 30]))


def _a_window(world: World, rng: random.Random, number: int) -> None:
    low = rng.randint(0, 3) * 2
    minutes, span = rng.choice([20, 60, 120]), rng.choice([None, -1, rng.randint(0, 3) * 2])
    world.opens(f"w{number}", minutes, low, span)
