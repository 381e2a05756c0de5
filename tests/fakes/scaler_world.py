"""A service under everything that can happen to its scale.

Breakwater runs for real here: the decision, the reconciler, the records and the leases over a table in memory. The
world plays ECS, Application Auto Scaling, people, lost wake-ups, other functions of Breakwater at the same time, and
kills between any two calls. The oracle is told of all of it and of nothing that Breakwater keeps for itself.
"""

import builtins
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from breakwater.errors import BreakwaterError, NotFoundError
from breakwater.leases import Leases
from breakwater.model import Mode
from breakwater.policies import SurgePolicy
from breakwater.store import Item, Key, Refusal, Value, Write
from scaler.reconcile import Found, Outcome, Reconciler
from scaler.records import Records, loaded
from scaler.scale import Claim, ClaimKind, Knob, ScaleRecord, Snapshot
from tests.fakes.scaler_oracle import Oracle, ViolationError
from tests.fakes.table import FakeTable

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
SWEEP = timedelta(minutes=5)
POLICY = SurgePolicy(mode=Mode.ACT, maximum_factor=10, maximum_tasks=60)
CLUSTER, SERVICE = "prod", "web"
KEY = ("SCALE#prod/web", "SCALE")
BOUNDS = (Knob.MINIMUM, Knob.MAXIMUM)


class Killed(BaseException):
    """The function ended between two of its calls."""


@dataclass(slots=True)
class Meanwhile:
    """Something that happens before the n-th call of a function. Only `ours` may come between a last look and the
    write that follows it: for other people's changes in that instant nobody can be held to account."""

    before: int
    happens: Callable[[], None]
    ours: bool = False


class TickingTable(FakeTable):
    """A table each of whose calls may be the last one of the function."""

    def __init__(self, tick: Callable[[], None], read: Callable[[], None]) -> None:
        super().__init__()
        self._tick, self._read = tick, read

    def get_many(self, keys: Iterable[Key]) -> dict[Key, dict[str, Value]]:
        self._tick()
        self._read()
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
        self.oracle = Oracle(self.numbers, POLICY)
        self.claims: dict[str, Claim] = {}
        self.asked: dict[str, Claim] = {}
        self.ending: builtins.set[str] = builtins.set()
        self.windows: list[Claim] = []
        self.deployment: str | None = None
        self.protected_tasks = 0
        self.gone = False
        self.busy = False
        self.fuse: int | None = None
        self.meanwhile: list[Meanwhile] = []
        self.figures: Counter[str] = Counter()
        self.table = TickingTable(self._tick, self._reads)
        self.records = Records(self.table)
        self._calls = 0
        self._between = False
        self._meant: list[Claim] = []
        self._crossed = False

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

    def _reads(self) -> None:
        """What a function knows it acts on, until it reads again."""
        self._meant = self.active()
        self._crossed &= self._between

    def protected(self, cluster: str, service: str) -> int:
        self._tick()
        return min(self.protected_tasks, self.numbers[Knob.DESIRED])

    def set(self, cluster: str, service: str, numbers: Mapping[Knob, int]) -> None:
        self._tick(right_before_a_write=True)
        for knob, value in numbers.items():
            self._ours(knob, value)
        if Knob.MINIMUM in self.numbers and self.numbers[Knob.MINIMUM] > self.numbers[Knob.MAXIMUM]:
            raise ViolationError(f"the minimum is above the maximum: {self.numbers}")
        self.figures["changes"] += 1
        low = self.numbers.get(Knob.MINIMUM, 0)
        if self.figures["changes"] % 2 and Knob.MINIMUM in numbers and self.numbers[Knob.DESIRED] < low:
            self.figures["times that autoscaling was faster"] += 1
            self.oracle.follows_our_bound(low, self.active())
            self.numbers[Knob.DESIRED] = low
        self._tick()

    def _ours(self, knob: Knob, value: int) -> None:
        if knob not in self.numbers:
            raise ViolationError(f"{knob} is set where there is no scalable target")
        now = self.numbers[knob]
        if value < now and self.deployment:
            raise ViolationError(f"{knob} is lowered from {now} to {value} during a deployment")
        if knob is Knob.DESIRED and value < min(self.protected_tasks, now):
            raise ViolationError(f"{value} tasks are fewer than the {self.protected_tasks} protected ones")
        self.oracle.breakwater(knob, value, self.numbers, [*self.active(), *self._meant])
        self.numbers[knob] = value

    def _tick(self, *, right_before_a_write: bool = False) -> None:
        """Between two calls of the function: others may act, or it ends here."""
        if self._between:
            return
        self._calls += 1
        due = [one for one in self.meanwhile if one.before <= self._calls and (one.ours or not right_before_a_write)]
        for one in due:
            self.meanwhile.remove(one)
            self._between, self._crossed = True, self._crossed or one.ours
            one.happens()
            self._between = False
        if right_before_a_write and self._crossed:
            self.fuse = None  # two functions in the same instant, and one of them killed in it, are one thing too many
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
            self.oracle.somebody(knob, value, self.numbers, self.active())
            self.numbers[knob] = value
            self.figures[f"changes by {who}"] += 1

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

    def human_attaches_or_detaches(self, low: int, high: int) -> None:
        """Somebody takes the scalable target away, or registers one."""
        if Knob.MINIMUM in self.numbers:
            for knob in BOUNDS:
                del self.numbers[knob]
                self.oracle.takes_away(knob)
            return
        for knob, value in zip(BOUNDS, (min(low, high), max(low, high)), strict=True):
            self.oracle.somebody(knob, value, self.numbers, self.active())
            self.numbers[knob] = value

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

    # ── claims and wake-ups ─────────────────────────────────────────────────────────────────────────────────────────
    def active(self) -> list[Claim]:
        self._hear()
        claims = [*self.claims.values(), *self.windows]
        return [claim for claim in claims if claim.active(self.now)]

    def _hear(self) -> None:
        """A surge that was asked for is one from the moment that it is in the table, and one that was ended is over."""
        for id_ in self.ending - self.listed():
            self.claims.pop(id_, None)
        for id_ in self.listed().intersection(self.asked):
            self.claims[id_] = self.asked.pop(id_)

    def reconciler(self) -> Reconciler:
        def windows(cluster: str, service: str, now: datetime) -> Iterator[Claim]:
            return (claim for claim in self.windows if claim.active(now))

        return Reconciler(self.records, self, Leases(self.table), POLICY, Mode.ACT, windows)

    def surge(self, id_: str, desired: int, minutes: int, later: int = 0) -> None:
        """What the handler does for `start`: bring the record up to date, add the claim, act."""
        starts = self.now + timedelta(minutes=later)
        claim = Claim(id_, ClaimKind.SURGE, starts, starts + timedelta(minutes=minutes), desired)

        def work() -> None:
            self.reconciler().reconcile(CLUSTER, SERVICE, self.now)
            record = self.records.load(CLUSTER, SERVICE)
            self.records.save(replace(record, claims=(*record.claims, claim)), self.now)
            if id_ in self.asked:  # else another function has heard of it already, and it may be over again
                self.claims[id_] = self.asked.pop(id_)
            self._reconciled()

        self.asked[id_] = claim
        self._run(work, claim)
        self._hear()
        self.asked.clear()

    def end(self, id_: str) -> None:
        """What the handler does for `end`."""

        def work() -> None:
            record = self.records.load(CLUSTER, SERVICE)
            left = tuple(claim for claim in record.claims if claim.id != id_)
            if left == record.claims:
                raise NotFoundError("refused: there is no such surge, or not yet")
            self.ending.add(id_)
            self.records.save(replace(record, claims=left), self.now)
            self._reconciled()

        self._run(work)
        self._hear()
        self.ending.discard(id_)

    def wake(self) -> bool:
        """A schedule or the sweep; whether it came to its end."""
        return self._run(self._reconciled)

    def another_function(self, work: Callable[[], object]) -> None:
        """Another function of Breakwater runs in the middle of this one, and is not cut off."""
        fuse, meant, self.fuse = self.fuse, self._meant, None
        self.figures["functions at the same time"] += 1
        work()
        self.oracle.begins(self.numbers, self.active(), nested=True)
        self.fuse, self._meant = fuse, meant

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
        if outcome.problem is not None:
            raise outcome.problem
        self.figures["words for a person"] += len(outcome.words)
        return outcome

    def _run(self, work: Callable[[], object], *asked: Claim) -> bool:
        self.oracle.begins(self.numbers, [*self.active(), *asked], nested=self._between)
        if not self._between:
            self._calls = 0
        try:
            work()
        except Killed:
            return False
        except BreakwaterError:
            self.figures["runs refused or overtaken"] += 1
            return False
        finally:
            if not self._between:
                self.fuse = None
                self.meanwhile.clear()
        if not self.gone and not self.busy:
            self._check()
        return True

    def kept(self) -> ScaleRecord:
        """What the table has of the service, for tests that look."""
        return loaded(CLUSTER, SERVICE, str(self.table.items.get(KEY, {}).get("doc", "{}")))

    def listed(self) -> frozenset[str]:
        """The surges that `breakwater surge list` would show: whether a request that was cut off was heard."""
        return frozenset(claim.id for claim in self.kept().claims if claim.kind is ClaimKind.SURGE)

    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────────
    def _check(self) -> None:
        active = self.active()
        self.oracle.ends(self.numbers, active)
        protected = min(self.protected_tasks, self.numbers[Knob.DESIRED])
        self.oracle.check(self.numbers, active, held_up=bool(self.deployment), protected=protected)

    def settle(self) -> None:
        """After the last deadline, with nothing in the way, one sweep: everything is given back or somebody's own."""
        self.deployment, self.protected_tasks = None, 0
        ends = [claim.until for claim in (*self.claims.values(), *self.windows)]
        self.now = max([self.now, *ends]) + SWEEP
        if not self.wake():
            raise ViolationError("the sweep did not come to its end")
        if "doc" in self.table.items.get(KEY, {}):
            raise ViolationError(f"something is still kept: {self.table.items[KEY]['doc']}")
