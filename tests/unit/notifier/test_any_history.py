"""Whatever comes, however often, and wherever it dies: the limit holds and every notice is told.

A small queue brings batches, again after the visibility time where they failed or the process died, and wake-ups when
they are due; a sweep runs every five minutes. Time passes with every call. At a chosen call the process dies, or a
rival process handles the same batch from beginning to end.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from breakwater.compiled import Compiled, ServiceRules
from breakwater.errors import ThrottledError
from breakwater.model import Cause, Notice, NoticeKind, Severity
from breakwater.policies import QuietPolicy
from breakwater.wire import dump_notice
from notifier import handler, sweep
from notifier.inbox import flush_body
from tests.unit.notifier.samples import START, CrashedError, World, a_notice, an_event

VISIBILITY = timedelta(seconds=362)
SWEEP = timedelta(minutes=5)
BATCH = 10


@dataclass
class History:
    """What comes, and what goes wrong."""

    arrivals: list[tuple[float, Notice]]
    crashes: set[int] = field(default_factory=set)
    rivals: set[int] = field(default_factory=set)
    outage: tuple[float, float] = (0, 0)
    lost_wake_ups: bool = False
    call_seconds: float = 0.01
    most_lines: int = 7
    quiet_until: int = 0


@dataclass
class Run:
    """A history, running."""

    history: History
    world: World = field(default_factory=World)
    queue: list[tuple[datetime, str]] = field(default_factory=list)
    calls: int = 0
    excused: set[tuple[str, str]] = field(default_factory=set)
    batch: list[str] = field(default_factory=list)
    rival: bool = False

    def start(self) -> None:
        self.queue = [
            (START + timedelta(seconds=after), dump_notice(notice)) for after, notice in self.history.arrivals
        ]
        self.world.mail.most_lines = self.history.most_lines
        if self.history.quiet_until:
            hours = QuietPolicy(tuple(range(7)), 0, self.history.quiet_until)
            policy = Compiled(others=ServiceRules("*/*", quiet=(hours,)))
            self.world.deps = replace(self.world.deps, policy=lambda: policy)
        self.world.on_every_call(self.touch)
        next_sweep = START + SWEEP
        for _ in range(5000):
            self.take_wake_ups()
            if not self.queue and not self.waiting():
                return
            due = min((at for at, _ in self.queue), default=next_sweep)
            self.world.clock.at = max(self.world.clock.at, min(due, next_sweep))
            if self.world.clock.at >= next_sweep:
                next_sweep += SWEEP
                self.survive(lambda: sweep.respond(self.world.deps))
            else:
                self.handle_due()
        raise AssertionError("it never came to rest")

    def handle_due(self) -> None:
        due = sorted(entry for entry in self.queue if entry[0] <= self.world.clock.at)[:BATCH]
        for entry in due:
            self.queue.remove(entry)
        self.batch = [body for _, body in due]
        failed = self.survive(lambda: handler.respond(an_event(*self.batch), self.world.deps))
        if failed is None:
            again = self.batch
        else:
            again = [self.batch[int(each["itemIdentifier"][1:])] for each in failed["batchItemFailures"]]
        self.queue += [(self.world.clock.at + VISIBILITY, body) for body in again]

    def survive(
        self, call: Callable[[], dict[str, list[dict[str, str]]] | object]
    ) -> dict[str, list[dict[str, str]]] | None:
        start, end = self.history.outage
        elapsed = (self.world.clock.at - START).total_seconds()
        self.world.slack.broken = ThrottledError("an outage") if start <= elapsed < end else None
        try:
            answer = call()
        except CrashedError:
            for channel in (self.world.mail, self.world.slack):
                unmarked = {id_ for id_ in channel.told if not self.marked(channel.name, id_)}
                self.excused |= {(channel.name, id_) for id_ in unmarked}
            return None
        except Exception as error:
            too_slow = "could not be begun in time" in str(error)  # a rival took the time: the next sweep tries again
            if self.world.slack.broken is None and not too_slow:
                raise
            return None
        return answer if isinstance(answer, dict) else None

    def touch(self) -> None:
        self.world.clock.move(self.history.call_seconds)
        self.calls += 1
        if self.rival:
            return
        if self.calls in self.history.crashes:
            raise CrashedError
        if self.calls in self.history.rivals and self.batch:
            self.rival = True
            handler.respond(an_event(*self.batch), self.world.deps)
            self.rival = False

    def take_wake_ups(self) -> None:
        asked, self.world.wake_ups.asked = self.world.wake_ups.asked, []
        if not self.history.lost_wake_ups:
            self.queue += [(at, flush_body(channel)) for channel, at in asked]

    def waiting(self) -> bool:
        return any(sk.startswith("PENDING#") for _, sk in self.world.table.items)

    def marked(self, channel: str, id_: str) -> bool:
        return self.world.table.items.get((f"NOTICE#{id_}", channel), {}).get("sent") == 1


notices = st.builds(
    a_notice,
    st.integers(1, 25),
    kind=st.sampled_from(NoticeKind),
    severity=st.sampled_from([Severity.HIGH, Severity.MEDIUM, Severity.LOW]),
    cause=st.sampled_from([Cause.OOM, Cause.APP_ERROR, Cause.IMAGE_PULL]),
    count=st.integers(1, 50),
    sequence=st.integers(1, 2),
)
histories = st.builds(
    History,
    arrivals=st.lists(st.tuples(st.floats(0, 200), notices), min_size=1, max_size=60),
    crashes=st.sets(st.integers(1, 300), max_size=6),
    rivals=st.sets(st.integers(1, 300), max_size=3),
    outage=st.tuples(st.floats(0, 100), st.floats(0, 900)),
    lost_wake_ups=st.booleans(),
    call_seconds=st.sampled_from([0.0, 0.01, 0.3, 1.0]),
    most_lines=st.integers(1, 30),
    quiet_until=st.sampled_from([0, 10 * 60 - 1, 10 * 60, 10 * 60 + 15]),  # it begins two minutes before ten
)
A_STORM = [(0.5 * number, a_notice(number)) for number in range(1, 120)]
SEVERITIES = (Severity.HIGH, Severity.LOW)
A_QUIET_STORM = [(0.5 * number, a_notice(number, severity=SEVERITIES[number % 2])) for number in range(1, 90)]


@given(histories)
@example(History(A_STORM))
@example(History(A_STORM, call_seconds=0.3, most_lines=40))
@example(History(A_STORM, crashes=set(range(5, 300, 20))))
@example(History(A_QUIET_STORM, quiet_until=10 * 60 + 15, crashes=set(range(5, 300, 20))))
@hypothesis_settings(max_examples=150)
def test_the_limit_holds_every_notice_is_told_and_none_twice(history: History) -> None:
    run = Run(history)
    run.start()
    wanted = {notice.id for _, notice in history.arrivals}
    for channel in (run.world.mail, run.world.slack):
        assert channel.most_in_a_minute() <= 10
        assert set(channel.told) == wanted
        repeated = {id_ for id_, times in Counter(channel.told).items() if times > 1}
        assert {(channel.name, id_) for id_ in repeated} <= run.excused
        louder = {notice.id for _, notice in history.arrivals if notice.incident.severity is Severity.HIGH}
        quiet_end = START.replace(hour=0, minute=0, second=0) + timedelta(minutes=history.quiet_until)
        early = {id_ for at, ids in channel.sent if at < quiet_end for id_ in ids}
        assert early <= louder, "in quiet hours only what is of high severity is told"


def test_a_crash_at_any_single_call_of_a_storm_loses_nothing() -> None:
    arrivals = [(0.0, a_notice(number)) for number in range(1, 14)]
    calm = Run(History(arrivals))
    calm.start()
    for call in range(1, calm.calls + 1):
        run = Run(History(arrivals, crashes={call}))
        run.start()
        for channel in (run.world.mail, run.world.slack):
            assert set(channel.told) == {notice.id for _, notice in arrivals}, call
            assert channel.most_in_a_minute() <= 10


def test_a_rival_at_any_single_call_of_a_storm_repeats_nothing() -> None:
    arrivals = [(0.0, a_notice(number)) for number in range(1, 14)]
    calm = Run(History(arrivals))
    calm.start()
    for call in range(1, calm.calls + 1):
        run = Run(History(arrivals, rivals={call}))
        run.start()
        for channel in (run.world.mail, run.world.slack):
            assert sorted(channel.told) == sorted(notice.id for _, notice in arrivals), call
            assert channel.most_in_a_minute() <= 10
