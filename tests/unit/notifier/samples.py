"""Notices that the notifier's tests start from, and the small world that its deliveries run in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from breakwater.errors import ConflictError, ThrottledError
from breakwater.model import (
    Category,
    Cause,
    ContainerOutcome,
    Evidence,
    Incident,
    IncidentStatus,
    LogTail,
    Notice,
    NoticeKind,
    Severity,
    Subject,
    SubjectKind,
)
from breakwater.store import Item, Key, Value, Write
from notifier.channel_store import ChannelStore
from notifier.decision import Line, Meter
from notifier.delivery import Means
from notifier.outcomes import Outcomes
from notifier.wiring import Deps
from notifier.words import Place
from tests.fakes.table import FakeTable

T = TypeVar("T")
START = datetime(2026, 3, 2, 9, 58, 4, tzinfo=UTC)
PLACE = Place("eu-west-1", "breakwater-table")
ARN = "arn:aws:ecs:eu-west-1:111122223333"

FULL_EVIDENCE = Evidence(
    task_arn=f"{ARN}:task/prod/0123456789abcdef0123456789abcdef",
    task_definition=f"{ARN}:task-definition/orders-api:42",
    deployment="ecs-svc/1234567890123456789",
    stop_code="EssentialContainerExited",
    stopped_reason="Essential container in task exited",
    containers=(
        ContainerOutcome(
            "app",
            137,
            "OutOfMemoryError: Container killed due to memory usage",
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com/orders-api:2026-03-02.1",
            "sha256:" + "9f86d081884c7d65" * 4,
        ),
        ContainerOutcome("envoy", 0),
        ContainerOutcome("log-router", 143),
    ),
    launch_type="FARGATE",
    started_at="2026-03-02T09:41:12.123Z",
    stopped_at="2026-03-02T09:58:04.501Z",
    log=LogTail(
        "/ecs/prod/orders-api",
        "app/app/0123456789abcdef0123456789abcdef",
        (
            "2026-03-02T09:57:58Z INFO  order 8812 accepted",
            "2026-03-02T09:57:59Z WARN  cache is at 97 % of its size",
            "2026-03-02T09:58:02Z WARN  GC overhead: 4 collections in 2 s",
            "2026-03-02T09:58:03Z INFO  loading price list, 412 MB",
        ),
    ),
)


def a_notice(
    number: int = 1,
    *,
    kind: NoticeKind = NoticeKind.OPENED,
    severity: Severity = Severity.HIGH,
    cause: Cause = Cause.OOM,
    subject: str = "orders-api",
    cluster: str | None = "prod",
    subject_kind: SubjectKind = SubjectKind.SERVICE,
    revision: str | None = "orders-api:42",
    summary: str = "Container app was killed: it used more memory than its limit (exit code 137).",
    count: int = 1,
    episode_count: int | None = None,
    evidence: Evidence = FULL_EVIDENCE,
    sequence: int = 1,
    seconds: float = 0,
    late: bool = False,
) -> Notice:
    """The `sequence`-th notice of the `number`-th incident, by default the first of an out-of-memory stop."""
    at = START + timedelta(seconds=seconds)
    over = kind is NoticeKind.RESOLVED
    incident = Incident(
        id=f"{number:016x}",
        subject=Subject(subject_kind, subject, cluster, revision),
        category=Category.TASK_FAILED,
        cause=cause,
        severity=severity,
        summary=summary,
        first_seen=START,
        last_seen=at if at > START else START,
        count=count,
        opened_at=START,
        status=IncidentStatus.RESOLVED if over else IncidentStatus.OPEN,
        container="app",
        episode_count=count if episode_count is None else episode_count,
        late=late,
        resolved_at=at if over else None,
        evidence=evidence,
    )
    return Notice(f"{incident.id}/{sequence}", kind, incident, at)


def notices_of(how_many: int, /, **details: Any) -> list[Notice]:
    """Notices of that many incidents."""
    return [a_notice(number, subject=f"service-{number}", **details) for number in range(1, how_many + 1)]


@dataclass
class FakeClock:
    """A clock that moves when it is told to."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class CrashedError(BaseException):
    """The process died here. Not an `Exception`: no code may survive it."""


@dataclass
class FakeChannel:
    """Remembers what was sent and when; fails or dies when told to."""

    name: str
    clock: Callable[[], datetime]
    most_lines: int = 1000
    sent: list[tuple[datetime, tuple[str, ...]]] = field(default_factory=list)
    digests: list[tuple[tuple[Line, ...], int]] = field(default_factory=list)
    errors: dict[str, Exception] = field(default_factory=dict)
    broken: Exception | None = None
    tried: int = 0
    touch: Callable[[], None] = lambda: None

    def send(self, notice: Notice) -> None:
        self.touch()
        self.tried += 1
        error = self.broken or self.errors.get(notice.id)
        if error:
            raise error
        self.sent.append((self.clock(), (notice.id,)))
        self.touch()

    def room(self, lines: Sequence[Line]) -> int:
        return min(len(lines), self.most_lines)

    def send_digest(self, lines: Sequence[Line], waiting: int) -> None:
        self.touch()
        self.tried += 1
        if self.broken:
            raise self.broken
        self.digests.append((tuple(lines), waiting))
        self.sent.append((self.clock(), tuple(entry.notice_id for line in lines for entry in line.entries)))
        self.touch()

    @property
    def told(self) -> list[str]:
        """The ids of all notices sent or named, in order, with repetitions."""
        return [id_ for _, ids in self.sent for id_ in ids]

    def most_in_a_minute(self) -> int:
        """The most messages begun in any sixty seconds."""
        times = sorted(at for at, _ in self.sent)
        minute = timedelta(seconds=60)
        return max((sum(start <= at < start + minute for at in times) for start in times), default=0)


@dataclass
class FakeWakeUps:
    """Remembers for when wake-ups were asked."""

    clock: Callable[[], datetime]
    asked: list[tuple[str, datetime]] = field(default_factory=list)
    touch: Callable[[], None] = lambda: None

    def ask(self, channel: str, delay: timedelta) -> None:
        self.touch()
        self.asked.append((channel, self.clock() + delay))
        self.touch()


@dataclass
class FakeLog:
    """Remembers its lines."""

    lines: list[tuple[str, str, Mapping[str, object]]] = field(default_factory=list)

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        self.lines.append(("info", str(msg), extra))

    def error(self, msg: object, *, extra: Mapping[str, object]) -> None:
        self.lines.append(("error", str(msg), extra))


@dataclass
class FakeCounts:
    """Adds up."""

    metric_set: dict[str, float] = field(default_factory=dict)
    written: list[dict[str, float]] = field(default_factory=list)

    def add_metric(self, name: str, unit: str, value: float) -> None:
        self.metric_set[name] = self.metric_set.get(name, 0) + value

    def flush_metrics(self) -> None:
        self.written.append(dict(self.metric_set))
        self.metric_set.clear()


class TouchedTable(FakeTable):
    """Calls `touch` before and after whatever it does."""

    def __init__(self) -> None:
        super().__init__()
        self.touch: Callable[[], None] = lambda: None

    def get_many(self, keys: Iterable[Key]) -> dict[Key, dict[str, Value]]:
        return self._touched(lambda: FakeTable.get_many(self, list(keys)))

    def put_many(self, items: Iterable[Item]) -> None:
        self._touched(lambda: FakeTable.put_many(self, list(items)))

    def delete_many(self, keys: Iterable[Key]) -> None:
        self._touched(lambda: FakeTable.delete_many(self, list(keys)))

    def write(self, action: Write) -> None:
        self._touched(lambda: FakeTable.write(self, action))

    def under(
        self, pk: str, prefix: str = "", *, newest_first: bool = False, page: int | None = None
    ) -> Iterator[dict[str, Value]]:
        return self._touched(lambda: FakeTable.under(self, pk, prefix, newest_first=newest_first, page=page))

    def _touched(self, call: Callable[[], T]) -> T:
        self.touch()
        answer = call()
        self.touch()
        return answer


class World:
    """A table, a clock, wake-ups and two channels, and the means to deliver with them."""

    def __init__(self, store: Callable[[FakeTable], ChannelStore] = ChannelStore) -> None:
        self.clock = FakeClock()
        self.table = TouchedTable()
        self.wake_ups = FakeWakeUps(self.clock)
        self.mail = FakeChannel("mail", self.clock)
        self.slack = FakeChannel("slack", self.clock)
        self.log = FakeLog()
        self.counts = FakeCounts()
        self.store = store(self.table)
        self.means = Means(self.store, self.wake_ups, self.clock, Outcomes(self.log, self.counts))
        self.deps = Deps({"mail": self.mail, "slack": self.slack}, self.means)

    def on_every_call(self, touch: Callable[[], None]) -> None:
        """Have `touch` called before and after each call to the table, the channels and the queue."""
        self.table.touch = self.wake_ups.touch = self.mail.touch = self.slack.touch = touch


def an_event(*bodies: str) -> dict[str, Any]:
    """An SQS event with these bodies in messages `m0`, `m1`, …"""
    return {"Records": [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]}


class RacingStore(ChannelStore):
    """Loses the race for the meter `races` times."""

    def __init__(self, table: FakeTable, races: int) -> None:
        super().__init__(table)
        self._races = races

    def save(self, channel: str, meter: Meter, now: datetime) -> None:
        self._races -= 1
        if self._races >= 0:
            raise ConflictError("somebody saved first")
        super().save(channel, meter, now)


class ForgetfulStore(ChannelStore):
    """Cannot write that something was sent."""

    def mark_sent(self, channel: str, notice_ids: Iterable[str], now: datetime) -> None:
        raise ThrottledError("the table is busy")


def a_hostile_notice(size: int = 1_000_000) -> Notice:
    """An incident whose every text is far too long and means harm."""
    bad = ("<!channel> <@U123> ```\n\r\x00\u202e&amp; " * (size // 30 + 1))[:size]
    containers = tuple(ContainerOutcome(bad, 1, bad, bad, bad) for _ in range(40))
    log = LogTail(bad, bad, (bad,) * 60)
    evidence = replace(
        FULL_EVIDENCE,
        task_arn=bad,
        deployment=bad,
        stop_code=bad,
        stopped_reason=bad,
        containers=containers,
        started_at=bad,
        log=log,
    )
    return a_notice(subject=bad, cluster=bad, revision=bad, summary=bad, evidence=evidence)
