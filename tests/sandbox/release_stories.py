"""Releases to be disturbed: how each ends undisturbed, what answers its waits until then, and what it leaves behind."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sandbox.ecs import workloads
from sandbox.states.machines import Execution
from tests.sandbox.release_endings import deployments, judged, passed, returned
from tests.sandbox.release_losses import DUE, SWEEP, Deaths, waits_of
from tests.sandbox.release_stage import (
    BOTH,
    CANARY,
    CHECKED,
    LINEAR,
    MINUTE,
    SMOKE,
    STEPS,
    Shop,
    Street,
    metrics,
)
from tests.thoroughness import EXHAUSTIVE

QUICK: dict[str, Any] = {
    "strategy": "LINEAR",
    "bakeTimeInMinutes": 1,
    "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1},
}
AT_ONCE: dict[str, Any] = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1}
QUICKLY = (SMOKE, ("metrics", "metrics", metrics(window_minutes=1)))
TASK = ("migrations", "task", {"command": ["migrate"], "timeout_seconds": 300})


@dataclass(frozen=True)
class Story:
    """A release, how it ends undisturbed, and what answers its waits until then, in order."""

    settings: dict[str, Any]
    pauses: tuple[str, ...]
    checks: tuple[Any, ...]
    waits: tuple[str, ...] = ()
    good: bool = True
    share: float = 0.0
    sample: tuple[int, ...] = ()
    """Which of its waits to lose the event of in every run: of waits that differ in nothing but their place, one."""

    @property
    def losable(self) -> list[int]:
        """The waits that an event answers, by their numbers."""
        numbers = [number for number, kind in enumerate(self.waits, 1) if kind in ("hook", "ended")]
        assert set(self.sample) <= set(numbers)
        return numbers if EXHAUSTIVE else list(self.sample)

    def shop(self, street: Street) -> Shop:
        """A shop whose next revision is good or bad: to its checks, or to production where that has a share of it."""
        shop = Shop(street, self.settings, pauses=self.pauses, checks=self.checks, roles=TASK in self.checks)
        if not self.good and self.share:
            shop.serves(2, error_rate=0.3)
        elif not self.good:
            shop.site(2, 500)
        if TASK in self.checks:  # the two tasks of the service stay, that of the check ends
            stays, ends = workloads.HEALTHY, workloads.exits_zero(20)
            street.account.ecs.faults.set_workload(f"{shop.name}:2", workloads.in_turn(stays, stays, ends))
        shop.traffic(per_second=2 if len(self.checks) > 1 else 0.5)
        return shop

    def ended(self, shop: Shop, execution: Execution) -> None:
        """It ended as it does undisturbed."""
        if self.good:
            passed(shop, execution)
        else:
            returned(shop, execution, share=self.share)
        assert deployments(shop) == 2, "more than one was begun"


RETURNS = ("before", "ended", "ended")
"""On the way back: an event of the deployment that stood before lies there already, FAILED is told, then COMPLETED."""
PASSES, RETURNED = "which passes", "which goes back"
PLAIN = {
    PASSES: Story(AT_ONCE, (CHECKED,), (SMOKE,)),
    RETURNED: Story(AT_ONCE, (CHECKED,), (SMOKE,), good=False),
}
STORIES = {
    "in steps, which passes": Story(QUICK, STEPS, QUICKLY, ("hook", "hook", "hook", DUE, "ended"), sample=(1, 3, 5)),
    "in steps, which goes back": Story(
        QUICK, STEPS, QUICKLY, ("hook", "hook", "hook", DUE, *RETURNS), good=False, share=0.5, sample=(6, 7)
    ),
    "with a task as a check": Story(AT_ONCE, (CHECKED,), (TASK,), ("hook", "ended", "ended"), sample=(2,)),
}
if EXHAUSTIVE:
    STORIES |= {
        "in all steps, which passes": Story(LINEAR, STEPS, BOTH, (*["hook"] * 5, "ended")),
        "as a canary, which goes back": Story(CANARY, STEPS, BOTH, (*["hook"] * 3, *RETURNS), good=False, share=0.1),
    }


@dataclass(frozen=True)
class Left:
    """What a release leaves behind, without names and times of its own."""

    said: tuple[str, ...]
    judged: tuple[int, ...]
    """How often the ledger says of the new revision that it bakes or is good, and that it is bad."""
    mails: tuple[str, ...]
    changes: Counter[tuple[str, str]]
    """How often each of its functions has changed something of ECS."""


@dataclass(frozen=True)
class Undisturbed:
    """A release that loses nothing."""

    left: Left
    waits: tuple[str, ...]
    writes: Counter[str]


def begun(shop: Shop) -> Execution:
    """A release that begins a minute after the sweep has looked: so the sweep comes at the same points of every run."""
    sweeps = [one.at for one in shop.account.invocations if one.function == "ReleaseSweepFunction"]
    shop.account.advance(sweeps[-1] + SWEEP + MINUTE)
    shop.register()
    return shop.start()


def left(shop: Shop, execution: Execution, deaths: Deaths) -> Left:
    """What is left a while later, after the sweep has come by. Of what is said each thing once: a step that is tried
    again may ask or look again, and give another reason."""
    shop.account.advance(SWEEP + MINUTE)
    mails = [mail.subject for mail in shop.account.messages if shop.name in mail.subject and "release" in mail.subject]
    return Left(
        tuple(dict.fromkeys(one for one in shop.said(execution) if not one.startswith("look"))),
        tuple(each.count("2") for each in judged(shop)),
        tuple(subject.replace(shop.name, "NAME") for subject in mails),
        Counter(made for made in deaths.made if made[1].endswith(("Service", "ServiceDeployment"))),
    )


def kinds(execution: Execution) -> tuple[str, ...]:
    """What answered each wait: an event, one that was there before, or the sweep."""
    waits = waits_of(execution)
    return tuple("sweep" if one.swept else "before" if one.began == one.ended else one.kind for one in waits)
