"""A service under everything that can happen to its scale, and an oracle that knows who wrote which number.

Breakwater runs for real here: the decision, the reconciler, the records and the leases over a table in memory. The
world plays ECS, Application Auto Scaling, people, lost wake-ups and kills between any two calls. The oracle keeps, for
each number, the last value that somebody other than Breakwater gave it: that has to stand there in the end.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from breakwater.leases import Leases
from breakwater.model import Mode
from breakwater.policies import SurgePolicy
from breakwater.store import Item, Key, Refusal, Value, Write
from scaler.reconcile import Found, Outcome, Reconciler
from scaler.records import Records, loaded
from scaler.scale import Claim, ClaimKind, Held, Knob, ScaleRecord, Snapshot
from tests.fakes.table import FakeTable

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
SWEEP = timedelta(minutes=5)
POLICY = SurgePolicy(mode=Mode.ACT, maximum_factor=10, maximum_tasks=60)
CLUSTER, SERVICE = "prod", "web"
KEY = ("SCALE#prod/web", "SCALE")


class Killed(BaseException):
    """The function ended between two of its calls."""


class ViolationError(AssertionError):
    """Breakwater did what it must not do."""


class TickingTable(FakeTable):
    """A table each of whose calls may be the last one of the function."""

    def __init__(self, tick: Callable[[], None]) -> None:
        super().__init__()
        self._tick = tick

    def get_many(self, keys: Iterable[Key]) -> dict[Key, dict[str, Value]]:
        self._tick()
        return super().get_many(keys)

    def put_many(self, items: Iterable[Item]) -> None:
        self._tick()
        super().put_many(items)
        self._tick()

    def write(self, action: Write) -> None:
        self._tick()
        super().write(action)
        self._tick()

    def transact(self, actions: Sequence[Write]) -> list[Refusal]:
        self._tick()
        refusals = super().transact(actions)
        self._tick()
        return refusals


class World:
    """One service `prod/web` and its time."""

    def __init__(self, desired: int, bounds: tuple[int, int] | None = None) -> None:
        self.now = START
        self.numbers: dict[Knob, int] = {Knob.DESIRED: desired}
        if bounds:
            self.numbers |= {Knob.MINIMUM: bounds[0], Knob.MAXIMUM: bounds[1]}
        self.base = dict(self.numbers)
        self.foreign: dict[Knob, frozenset[str]] = {}
        self.applied: set[str] = set()
        self.claims: dict[str, Claim] = {}
        self.windows: list[Claim] = []
        self.deployment: str | None = None
        self.protected_tasks = 0
        self.gone = False
        self.follows: set[int] = set()
        self.either: dict[Knob, frozenset[int]] = {}
        self.fuse: int | None = None
        self.meanwhile: list[Callable[[], None]] = []
        self.figures: Counter[str] = Counter()
        self.table = TickingTable(self._tick)
        self.records = Records(self.table)
        self._between = False

    # ── what Breakwater asks ────────────────────────────────────────────────────────────────────────────────────────
    def look(self, cluster: str, service: str) -> Found:
        self._tick()
        if self.gone:
            return Found(None)
        return Found(
            Snapshot(
                self.numbers[Knob.DESIRED],
                self.numbers.get(Knob.MINIMUM),
                self.numbers.get(Knob.MAXIMUM),
                self.deployment,
            )
        )

    def protected(self, cluster: str, service: str) -> int:
        self._tick()
        return min(self.protected_tasks, self.numbers[Knob.DESIRED])

    def set(self, cluster: str, service: str, numbers: Mapping[Knob, int]) -> None:
        self._tick(quietly=True)
        for knob, value in numbers.items():
            self._ours(knob, value)
        bounds = [self.numbers.get(knob, 0) for knob in (Knob.MINIMUM, Knob.MAXIMUM)]
        if Knob.MINIMUM in self.numbers and bounds[0] > bounds[1]:
            raise ViolationError(f"minimum {bounds[0]} above maximum {bounds[1]}")
        self.figures["changes"] += 1
        self._have_worked()
        if self.figures["changes"] % 2 and Knob.MINIMUM in numbers and self.numbers[Knob.DESIRED] < bounds[0]:
            self.foreign.pop(Knob.DESIRED, None)
            held = self.kept().held.get(Knob.DESIRED)
            if held is None or held.before is None:
                self.base[Knob.DESIRED] = bounds[0]  # autoscaling has it in its hand, we have not
            elif bounds[0] == self.base[Knob.MINIMUM]:
                self.follows.add(bounds[0])  # it would have done so without us
            self.numbers[Knob.DESIRED] = bounds[0]  # autoscaling follows a raised minimum, sometimes before we do
        self._tick()

    def _ours(self, knob: Knob, value: int) -> None:
        if knob not in self.numbers:
            raise ViolationError(f"{knob} is set where there is no scalable target")
        self._learn_claims()
        now = self.numbers[knob]
        active = {claim.id for claim in self.active()}
        if knob in self.foreign and not active - self.foreign[knob]:
            raise ViolationError(f"{knob}: {now} was somebody's later change and becomes {value}")
        if value < now and self.deployment:
            raise ViolationError(f"{knob} is lowered from {now} to {value} during a deployment")
        if knob is Knob.DESIRED and value < min(self.protected_tasks, now):
            raise ViolationError(f"{value} tasks are fewer than the {self.protected_tasks} protected ones")
        self.foreign.pop(knob, None)
        self.numbers[knob] = value
        later = Knob.MINIMUM in self.foreign
        if knob is Knob.DESIRED and Knob.MINIMUM in self.base and (later or not self._wanted(knob)):
            low, high = self.base[Knob.MINIMUM], self.base[Knob.MAXIMUM]
            due = {self.base[knob], *self.either.get(knob, ())}
            within = {max(each, low) for each in due} | {min(each, high) for each in due}
            self.follows |= {value} & within  # given back within bounds that somebody set since

    def _wanted(self, knob: Knob) -> bool:
        """Whether an active claim has a say in a number."""
        return any(claim.active(self.now) and claim.begun and knob not in claim.lost for claim in self.kept().claims)

    def _tick(self, *, quietly: bool = False) -> None:
        """Between two calls of the function: others may act, or it ends here."""
        if not quietly and not self._between and self.meanwhile and self.fuse is not None and self.fuse % 3 == 0:
            self._between = True
            self.meanwhile.pop()()
            self._between = False
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.fuse = None
                self.figures["kills"] += 1
                raise Killed

    # ── what others do ──────────────────────────────────────────────────────────────────────────────────────────────
    def somebody_sets(self, who: str, numbers: Mapping[Knob, int]) -> None:
        """A person or autoscaling writes numbers; writing what stands there is nothing."""
        for knob, value in numbers.items():
            if self.numbers.get(knob) == value or (knob not in self.numbers and knob is not Knob.DESIRED):
                continue
            self.numbers[knob] = value
            held = self.kept().held.get(knob)
            bounds = (self.numbers.get(Knob.MINIMUM), self.numbers.get(Knob.MAXIMUM))
            to_a_bound = knob is Knob.DESIRED and value in bounds
            if held is not None and (held.is_ours(value) or (held.before is not None and to_a_bound)):
                self._nobody_can_tell(knob, held)
                continue
            self.base[knob] = value
            self.either.pop(knob, None)
            if knob is Knob.DESIRED:
                self.follows.clear()
            self.foreign[knob] = frozenset(claim.id for claim in self.active() if claim.id in self.applied)
            self.figures[f"changes by {who}"] += 1

    def _nobody_can_tell(self, knob: Knob, held: Held) -> None:
        """Somebody set just the number that Breakwater set or was about to set: then it counts as Breakwater's."""
        self.figures["changes to a number of ours"] += 1
        self.foreign.pop(knob, None)
        self.either[knob] = frozenset({held.original, self.numbers[knob]})
        self.base[knob] = held.original

    def human_scales(self, desired: int) -> None:
        self.somebody_sets("people", {Knob.DESIRED: desired})

    def human_sets_bounds(self, low: int, high: int) -> None:
        if Knob.MINIMUM in self.numbers:
            low, high = min(low, high), max(low, high)
            self.somebody_sets("people", {Knob.MINIMUM: low, Knob.MAXIMUM: high})

    def autoscaling_moves(self, wish: int) -> None:
        if Knob.MINIMUM not in self.numbers:
            return
        low, high = self.numbers[Knob.MINIMUM], self.numbers[Knob.MAXIMUM]
        to = max(min(wish, high), low)
        if self.deployment and to < self.numbers[Knob.DESIRED]:
            return
        self.somebody_sets("autoscaling", {Knob.DESIRED: to})

    def human_detaches(self) -> None:
        for knob in (Knob.MINIMUM, Knob.MAXIMUM):
            for kept in (self.numbers, self.base, self.foreign):
                kept.pop(knob, None)

    def human_attaches_or_detaches(self, low: int, high: int) -> None:
        """Somebody takes the scalable target away, or registers one."""
        if Knob.MINIMUM in self.numbers:
            self.human_detaches()
        else:
            self.human_attaches(low, high)

    def opens(self, name: str, minutes: int, low: int, span: int | None) -> None:
        """A window opens: for a count, for at least so many (`span` below 0), or for bounds."""
        claim = Claim(f"window:{name}", ClaimKind.WINDOW, self.now, self.now + timedelta(minutes=minutes))
        if span is None:
            self.windows.append(replace(claim, desired=low))
        else:
            self.windows.append(replace(claim, minimum=low, maximum=low + span if span >= 0 else None))

    def deploys(self, id_: str) -> None:
        """A deployment begins, or the one in progress ends."""
        self.deployment = None if self.deployment else id_

    def protects(self, tasks: int) -> None:
        """Some tasks are protected from scale-in."""
        self.protected_tasks = tasks

    def human_attaches(self, low: int, high: int) -> None:
        if Knob.MINIMUM not in self.numbers:
            bounds = {Knob.MINIMUM: min(low, high), Knob.MAXIMUM: max(low, high)}
            self.numbers |= bounds
            self.base |= bounds
            for knob, held in self.kept().held.items():  # the very numbers that were ours before it was detached
                if knob in bounds and held.is_ours(bounds[knob]):
                    self._nobody_can_tell(knob, held)

    # ── claims and wake-ups ─────────────────────────────────────────────────────────────────────────────────────────
    def active(self) -> list[Claim]:
        claims = [*self.claims.values(), *self.windows]
        return [claim for claim in claims if claim.active(self.now)]

    def reconciler(self) -> Reconciler:
        def windows(cluster: str, service: str, now: datetime) -> Iterator[Claim]:
            return (claim for claim in self.windows if claim.active(now))

        return Reconciler(self.records, self, Leases(self.table), POLICY, Mode.ACT, windows)

    def surge(self, id_: str, desired: int, minutes: int, later: int = 0) -> None:
        """What the handler does for `start`: bring the record up to date, add the claim, act."""

        def work() -> None:
            self.reconciler().reconcile(CLUSTER, SERVICE, self.now)
            record = self.records.load(CLUSTER, SERVICE)
            starts = self.now + timedelta(minutes=later)
            claim = Claim(id_, ClaimKind.SURGE, starts, starts + timedelta(minutes=minutes), desired)
            self.records.save(replace(record, claims=(*record.claims, claim)), self.now)
            self._reconciled()

        self._run(work)

    def end(self, id_: str) -> None:
        """What the handler does for `end`."""

        def work() -> None:
            record = self.records.load(CLUSTER, SERVICE)
            left = tuple(claim for claim in record.claims if claim.id != id_)
            if left != record.claims:
                self.records.save(replace(record, claims=left), self.now)
            self._reconciled()

        self._run(work)
        if id_ not in {claim.id for claim in self.kept().claims}:
            self.claims.pop(id_, None)

    def wake(self) -> bool:
        """A schedule or the sweep; whether it came to its end."""
        if not self._run(self._reconciled):
            return False
        self.check_surged()
        return True

    def loses_a_wake_up(self) -> None:
        """A schedule that does not fire, an event that is dropped: nothing happens."""
        self.figures["wake-ups lost"] += 1

    def wake_while_missing(self) -> None:
        """DescribeServices lags behind and does not know the service for once."""
        self.gone = True
        self.wake()
        self.gone = False

    def _reconciled(self) -> Outcome:
        outcome = self.reconciler().reconcile(CLUSTER, SERVICE, self.now)
        self.reconciler().told(outcome.record, outcome.words, self.now)
        self._have_worked()
        if outcome.problem is not None:
            raise outcome.problem
        if outcome.words:
            self.figures["words for a person"] += len(outcome.words)
        return outcome

    def _run(self, work: Callable[[], object]) -> bool:
        from breakwater.errors import BreakwaterError

        try:
            work()
        except Killed:
            return False
        except BreakwaterError:
            self.figures["conflicts"] += 1
            return False
        finally:
            self.fuse = None
            self.meanwhile.clear()
            self._learn_claims()
            for knob, held in self.kept().held.items():
                if knob in self.foreign and held.before is not None and self.numbers.get(knob) == held.ours:
                    self._nobody_can_tell(knob, held)  # it came while the intent to set it was being written
        return True

    def kept(self) -> ScaleRecord:
        """What the table has of the service."""
        return loaded(CLUSTER, SERVICE, str(self.table.items.get(KEY, {}).get("doc", "{}")))

    def _have_worked(self) -> None:
        """From now on what somebody changes is later than these claims."""
        self.applied |= {claim.id for claim in self.kept().claims if claim.begun}

    def _learn_claims(self) -> None:
        """A surge is there from the moment that it is in the table."""
        claims = self.kept().claims
        self.claims |= {claim.id: claim for claim in claims if claim.kind is ClaimKind.SURGE}

    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────────
    def settle(self) -> None:
        """After the last deadline, with nothing in the way, one sweep: everything is given back or somebody's own."""
        self.deployment, self.protected_tasks = None, 0
        ends = [claim.until for claim in (*self.claims.values(), *self.windows)]
        self.now = max([self.now, *ends]) + SWEEP
        if not self.wake():
            raise ViolationError("the sweep did not come to its end")
        self.check_given_back()

    def check_given_back(self) -> None:
        if self.gone:
            return
        wrong = {k: (v, self.base[k]) for k, v in self.numbers.items() if v != self._expected(k)}
        if wrong:
            raise ViolationError(f"not given back (is, should be): {wrong}")
        if "doc" in self.table.items.get(KEY, {}):
            raise ViolationError(f"something is still kept: {self.table.items[KEY]['doc']}")

    def _expected(self, knob: Knob) -> int:
        """What was there before us, within bounds that somebody set since."""
        value = self.base[knob]
        if self.numbers[knob] in self.either.get(knob, ()):
            return self.numbers[knob]
        if knob is not Knob.DESIRED:
            return value
        now = self.numbers[knob]
        if now in self.follows or Knob.MINIMUM not in self.numbers:
            return now if now in self.follows else value
        return now if now in (max(value, self.base[Knob.MINIMUM]), min(value, self.base[Knob.MAXIMUM])) else value

    def check_surged(self) -> None:
        """After a wake-up that came to its end: what a surge wants is there, unless somebody else changed it."""
        surges = [claim for claim in self.active() if claim.kind is ClaimKind.SURGE and claim.desired is not None]
        if not surges or self.gone or Knob.DESIRED in self.foreign or Knob.MINIMUM in self.numbers:
            return
        told = {claim.id: claim for claim in self.kept().claims}
        wants = [s.desired or 0 for s in surges if s.id in told and not told[s.id].lost]
        most = min(max(wants, default=0), POLICY.maximum_tasks, POLICY.maximum_factor * max(self.base[Knob.DESIRED], 1))
        if self.numbers[Knob.DESIRED] < most:
            raise ViolationError(f"a surge wants {most} tasks and there are {self.numbers[Knob.DESIRED]}")


def live(seed: int, events: int = 24) -> Counter[str]:
    """One random history, to its end. Raises `ViolationError`; gives what happened in it."""
    rng = random.Random(seed)
    world = World(rng.choice([0, 1, 2, 4, 8]), (rng.randint(0, 3), rng.randint(4, 30)) if rng.random() < 0.45 else None)
    for number in range(events):
        _happen(world, rng, number)
    world.settle()
    world.figures["histories"] += 1
    return world.figures


def _happen(world: World, rng: random.Random, number: int) -> None:
    """One thing happens, and with luck another one in the middle of it, or it is cut off."""
    people: list[Callable[[], None]] = [
        lambda: world.human_scales(rng.randint(0, 25)),
        lambda: world.human_sets_bounds(rng.randint(0, 8), rng.randint(8, 40)),
        lambda: world.autoscaling_moves(rng.randint(0, 40)),
    ]
    things: list[tuple[int, Callable[[], object]]] = [
        (
            14,
            lambda: world.surge(f"s{number}", rng.randint(0, 30), rng.choice([10, 30, 60]), rng.choice([0, 0, 0, 15])),
        ),
        (4, lambda: world.end(rng.choice(sorted(world.claims) or ["none"]))),
        (8, lambda: _a_window(world, rng, number)),
        (10, people[0]),
        (6, people[1]),
        (5, people[2]),
        (5, lambda: world.deploys(f"ecs-svc/{number}")),
        (3, lambda: world.protects(rng.choice([0, 1, 3]))),
        (2, lambda: world.human_attaches_or_detaches(rng.randint(0, 4), rng.randint(5, 20))),
        (22, world.wake),
        (8, world.loses_a_wake_up),
        (1, world.wake_while_missing),
    ]
    if rng.random() < 0.35:
        world.fuse = rng.randint(0, 24)
        world.meanwhile = [rng.choice(people)] if rng.random() < 0.5 else []
    rng.choices([thing for _, thing in things], weights=[weight for weight, _ in things])[0]()
    world.fuse = None
    world.meanwhile.clear()
    world.pass_time(rng.choice([0, 1, 5, 5, 10, 30]))


def _a_window(world: World, rng: random.Random, number: int) -> None:
    low = rng.randint(0, 3)
    minutes, span = rng.choice([20, 60, 120]), rng.choice([None, -1, rng.randint(0, 6)])
    world.opens(f"w{number}", minutes, low, span)
