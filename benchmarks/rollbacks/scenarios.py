"""What befalls the service: bad revisions, and trouble in which going back would be wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from benchmarks.rollbacks.peers import ENTRIES, Contestant
from benchmarks.rollbacks.service import NEW, OLD, SECRET, Rehearsal, Setting, rehearse
from sandbox.ecs.workloads import (
    HEALTHY,
    Workload,
    background_crashes,
    crash_on_start,
    crash_once_healthy,
    flaky,
    image_missing,
)

STEP = 5.0
WATCH = timedelta(minutes=60)
"""As long as failures count after COMPLETED."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A revision that should be undone. `limit` is when nobody waits any longer; `once_completed` happens then."""

    name: str
    new: Workload
    limit: timedelta = timedelta(minutes=30)
    once_completed: Callable[[Rehearsal], None] | None = None
    """Happens five minutes after COMPLETED, and the clock starts with it."""


def _loops(rehearsal: Rehearsal) -> None:
    """Every task crashes within half a minute, and each one that replaces it crashes on start."""
    rehearsal.model.faults.set_workload(NEW, crash_on_start())
    rehearsal.crash_all(30)


CRASH, NOT_FOUND, NO_COMMAND = "crash on start", "image not found", "command not found"
AFTER_HEALTHY, AFTER_COMPLETED, FLAKY = "crash 60 s after healthy", "crash loop after COMPLETED", "20 % flaky start"
BAD: Mapping[str, Bad] = {
    bad.name: bad
    for bad in (
        Bad(CRASH, crash_on_start()),
        Bad(NOT_FOUND, image_missing()),
        Bad(NO_COMMAND, crash_on_start(127)),
        Bad(AFTER_HEALTHY, crash_once_healthy(60)),
        Bad(AFTER_COMPLETED, HEALTHY, once_completed=_loops),
        Bad(FLAKY, flaky(0.2)),
    )
}


def seconds_to_call(bad: Bad, setting: Setting, contestant: str) -> float:
    """How long until the contestant calls for the way back: from the start of the deployment, or of the crash loop."""
    entry = ENTRIES[contestant]
    rehearsal = rehearse(entry.set_up(setting), bad.new)
    watching = entry.watch(rehearsal)
    rehearsal.deploy()
    since = rehearsal.deployed_at
    if bad.once_completed is not None:
        _until(rehearsal, watching, since + timedelta(hours=2), completed=True)
        rehearsal.model.advance(300)
        since = rehearsal.model.now
        bad.once_completed(rehearsal)
    _until(rehearsal, watching, since + bad.limit)
    called = watching.called_at
    return float("inf") if called is None or called > since + bad.limit else (called - since).total_seconds()


def _until(rehearsal: Rehearsal, watching: Contestant, end: datetime, *, completed: bool = False) -> None:
    """Let time pass until the call, or the end; with `completed` until the deployment is COMPLETED."""
    while rehearsal.model.now < end and watching.called_at is None and not (completed and rehearsal.completed):
        rehearsal.model.advance(STEP)


# ── trouble that a rollback does not cure ───────────────────────────────────────────────────────────────────────────


def healthy(setting: Setting, crashes_per_hour: float, contestant: str) -> bool:
    """Deploy a revision that works, both with a few crashes in an hour; whether it was called back all the same."""
    entry = ENTRIES[contestant]
    usual = background_crashes(crashes_per_hour)
    rehearsal = rehearse(entry.set_up(setting), usual, usual)
    watching = entry.watch(rehearsal)
    rehearsal.deploy()
    _until(rehearsal, watching, rehearsal.deployed_at + timedelta(hours=3), completed=True)
    rehearsal.model.advance(WATCH + timedelta(minutes=10))
    return watching.called_at is not None


def _registry(rehearsal: Rehearsal) -> None:
    faults = rehearsal.model.faults
    rehearsal.after(rehearsal.luck.uniform(0, 360), faults.registry_outage)


def _secret_store(rehearsal: Rehearsal) -> None:
    rehearsal.after(rehearsal.luck.uniform(0, 360), lambda: rehearsal.model.faults.miss_secret(SECRET))


def _capacity(rehearsal: Rehearsal) -> None:
    faults, placed = rehearsal.model.faults, rehearsal.luck.random() < 0.5
    rehearsal.after(rehearsal.luck.uniform(0, 360), lambda: faults.shortage(after_placement=placed))


def _dependency(rehearsal: Rehearsal) -> None:
    """What both revisions need is down: what runs crashes within seconds, what starts crashes on start."""

    def down() -> None:
        for image in (OLD, NEW):
            rehearsal.model.faults.set_workload(image, crash_on_start())
        rehearsal.crash_all(rehearsal.luck.choice((0, 5, 20)))

    rehearsal.after(rehearsal.luck.uniform(0, 360), down)


def _scale_in(rehearsal: Rehearsal) -> None:
    """The desired count goes up and down, again and again."""
    desired = rehearsal.setting.desired
    for turn in range(20):
        count = rehearsal.luck.choice((1, max(1, desired // 2), desired, 2 * desired))
        rehearsal.after(turn * 60.0, partial(_scale, rehearsal, count))


def _scale(rehearsal: Rehearsal, count: int) -> None:
    rehearsal.model.update_service("prod", "web", desired=count)


def _spot(rehearsal: Rehearsal) -> None:
    """Spot takes tasks back in waves."""
    for turn in range(15):
        rehearsal.after(turn * 60.0, lambda: _wave(rehearsal))


def _wave(rehearsal: Rehearsal) -> None:
    for task in rehearsal.tasks():
        if rehearsal.luck.random() < 0.4:
            rehearsal.model.faults.spot_interruption(task)


def _migration(rehearsal: Rehearsal) -> None:
    """The new revision changes the database as it starts, and the old one cannot live with that."""
    rehearsal.after(300 + 40 + rehearsal.luck.uniform(0, 60), lambda: rehearsal.crash_all(10, of="web:1"))


COMMON: Mapping[str, Callable[[Rehearsal], None]] = {
    "registry out": _registry,
    "secret store out": _secret_store,
    "no capacity": _capacity,
    "dependency down": _dependency,
    "scale-in storm": _scale_in,
    "spot storm": _spot,
    "migration kills old tasks": _migration,
}


def common_cause(name: str, setting: Setting, contestant: str) -> bool:
    """Let something befall a service from five minutes before a deployment to one after; whether it was called back."""
    entry = ENTRIES[contestant]
    rehearsal = rehearse(entry.set_up(setting), HEALTHY, spot=name == "spot storm")
    watching = entry.watch(rehearsal)
    COMMON[name](rehearsal)
    rehearsal.model.advance(300)
    rehearsal.deploy()
    _until(rehearsal, watching, rehearsal.deployed_at + timedelta(minutes=20))
    return watching.called_at is not None
