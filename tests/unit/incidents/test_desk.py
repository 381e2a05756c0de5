"""The desk counts each fact once, whatever the order, the lateness, the repeats and the crashes."""

import random
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.desk import IncidentDesk
from breakwater.incident_store import IncidentStore
from breakwater.incidents import fingerprint
from breakwater.model import Category, Cause, Finding, IncidentStatus, LogTail, Notice, NoticeKind
from breakwater.policies import AlertPolicy
from breakwater.store import Key, Refusal, Value, Write
from breakwater.topics import Publication
from tests.fakes.table import FakeTable
from tests.fakes.topic import FakeTopic
from tests.samples import NOON, a_finding

POLICY = AlertPolicy()


class Died(BaseException):
    """The process was killed between two calls."""


class FragileTable(FakeTable):
    """Dies before or after the n-th call that writes, once."""

    def __init__(self) -> None:
        super().__init__()
        self.dies_at: int | None = None
        self.after = False

    def transact(self, actions: Sequence[Write]) -> list[Refusal]:
        dying = self.dies_at == 0
        if self.dies_at is not None:
            self.dies_at -= 1
        if dying and not self.after:
            raise Died
        refusals = super().transact(actions)
        if dying:
            raise Died
        return refusals


class CrowdedTable(FakeTable):
    """Loses some races: an action may find another writer at the same item, as in DynamoDB."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance

    def transact(self, actions: Sequence[Write]) -> list[Refusal]:
        if self.chance.random() < 0.5:
            return [Refusal(self.chance.randrange(len(actions)), condition=False)]
        return super().transact(actions)


@dataclass
class House:
    """A desk over a table and a topic in memory."""

    table: FragileTable
    topic: FakeTopic
    desk: IncidentDesk

    def take(self, findings: Iterable[Finding], now: datetime = NOON) -> None:
        assert self.desk.take(findings, POLICY, now).unfinished == ()

    def summary(self) -> set[tuple[object, ...]]:
        """What is true of the incidents, apart from when it was known and told."""
        store = IncidentStore(self.table)
        ids = [key.removeprefix("INCIDENT#") for key, _ in self.table.items if key.startswith("INCIDENT#")]
        return {
            (i.id, i.subject, i.category, i.cause, i.severity, i.count, i.first_seen, i.last_seen, i.status)
            for i in (kept.record.incident for kept in store.load(ids).found.values())
        }


def a_house() -> House:
    table, topic = FragileTable(), FakeTopic()
    return House(table, topic, IncidentDesk(IncidentStore(table), topic, "task_alerts", pause=lambda: None))


FINDINGS = st.builds(
    a_finding,
    identity=st.integers(0, 40).map(lambda number: f"task-{number}"),
    minutes=st.integers(0, 600),
    service=st.sampled_from(["web", "api"]),
    cause=st.sampled_from([Cause.APP_ERROR, Cause.OOM]),
)
HISTORIES = st.lists(
    st.tuples(FINDINGS, st.integers(0, 600)), min_size=1, max_size=40, unique_by=lambda pair: pair[0].identity
).map(
    lambda pairs: [a_finding(f.identity, minutes=m, service=f.subject.name, cause=f.diagnosis.cause) for f, m in pairs]
)


def deliver(house: House, deliveries: Iterable[tuple[datetime, Finding]]) -> None:
    """Bring findings at their times of arrival, with the sweep every hour between them and after."""
    arrivals = sorted(deliveries, key=lambda delivery: delivery[0])
    clock = NOON
    end = arrivals[-1][0] + timedelta(hours=26)
    while clock < end:
        clock += timedelta(hours=1)
        due = [finding for at, finding in arrivals if clock - timedelta(hours=1) <= at < clock]
        if due:
            house.take(due, clock)
        house.desk.sweep(POLICY, clock)


@settings(deadline=None, max_examples=150)
@given(history=HISTORIES, data=st.data())
def test_duplicated_reordered_and_late_delivery_give_the_same_incidents(
    history: list[Finding], data: st.DataObject
) -> None:
    punctual, chaotic = a_house(), a_house()
    deliver(punctual, [(finding.at, finding) for finding in history])
    copies = data.draw(st.lists(st.sampled_from(history), max_size=20))
    delays = data.draw(
        st.lists(st.integers(0, 25 * 60), min_size=len(history) + len(copies), max_size=len(history) + len(copies))
    )
    late = [(f.at + timedelta(minutes=delay), f) for f, delay in zip([*history, *copies], delays, strict=True)]
    deliver(chaotic, late)
    assert chaotic.summary() == punctual.summary()
    assert {row[0] for row in chaotic.summary()} == {fingerprint(finding) for finding in history}


@settings(deadline=None, max_examples=150)
@given(history=HISTORIES, dies_at=st.integers(0, 4), after=st.booleans())
def test_a_death_between_any_two_calls_is_repaired_by_redelivery(
    history: list[Finding], dies_at: int, after: bool
) -> None:
    calm, dying = a_house(), a_house()
    calm.take(history)
    dying.table.dies_at, dying.table.after = dies_at, after
    try:
        dying.take(history)
    except Died:
        dying.take(history)
    assert dying.summary() == calm.summary()
    assert {notice.id for notice in dying.topic.published} == {notice.id for notice in calm.topic.published}


def test_a_notice_that_could_not_be_published_is_published_by_the_sweep() -> None:
    house = a_house()
    house.topic.down = True
    house.take([a_finding()])
    house.topic.down = False
    house.desk.sweep(POLICY, NOON + timedelta(minutes=5))
    house.desk.sweep(POLICY, NOON + timedelta(minutes=10))
    assert [notice.kind for notice in house.topic.published] == [NoticeKind.OPENED]


def test_a_resolution_is_told_once_and_leaves_the_sweep_nothing_to_do() -> None:
    house = a_house()
    house.take([a_finding()])
    for minutes in (30, 35, 40):
        house.desk.sweep(POLICY, NOON + timedelta(minutes=minutes))
    assert [notice.kind for notice in house.topic.published] == [NoticeKind.OPENED, NoticeKind.RESOLVED]
    assert list(house.table.with_status("open")) == []


def test_a_resolution_that_could_not_be_told_stays_in_sight_until_it_is() -> None:
    house = a_house()
    house.take([a_finding()])
    house.topic.down = True
    house.desk.sweep(POLICY, NOON + timedelta(minutes=30))
    house.topic.down = False
    house.desk.sweep(POLICY, NOON + timedelta(minutes=35))
    assert [notice.kind for notice in house.topic.published] == [NoticeKind.OPENED, NoticeKind.RESOLVED]
    assert list(house.table.with_status("open")) == []


def test_a_thousand_stops_of_one_service_are_one_incident_and_four_messages() -> None:
    house = a_house()
    for second in range(1000):
        house.take([a_finding(f"task-{second}", minutes=second / 60)], NOON + timedelta(seconds=second))
    assert [notice.incident.count for notice in house.topic.published] == [1, 10, 100, 1000]
    assert len(house.summary()) == 1


def test_a_batch_larger_than_a_transaction_is_counted_whole() -> None:
    house = a_house()
    house.take([a_finding(f"task-{number}") for number in range(500)])
    ((*_, count, _, _, status),) = house.summary()
    assert (count, status) == (500, IncidentStatus.OPEN)


def test_two_workers_with_the_same_batch_count_it_once() -> None:
    house = a_house()
    batch = [a_finding(f"task-{number}") for number in range(7)]

    class Interleaved(FakeTable):
        """Lets the other worker finish between this one's reading and its writing."""

        def transact(self, actions: Sequence[Write]) -> list[Refusal]:
            if not house.topic.published:
                house.take(batch)
            return house.table.transact(actions)

    mine = Interleaved()
    mine.items = house.table.items
    topic = FakeTopic()
    taken = IncidentDesk(IncidentStore(mine), topic, "task_alerts").take(batch, POLICY, NOON)
    assert taken.unfinished == ()
    assert [notice.incident.count for notice in house.topic.published + topic.published] == [7]


def test_lost_races_are_run_again_and_nothing_is_counted_twice() -> None:
    table, topic = CrowdedTable(random.Random(3)), FakeTopic()
    desk = IncidentDesk(IncidentStore(table), topic, "task_alerts", pause=lambda: None)
    findings = [a_finding(f"task-{number}", service=f"s{number % 7}") for number in range(300)]
    for _ in range(3):
        assert desk.take(findings, POLICY, NOON).unfinished == ()
    incidents = IncidentStore(table).load(fingerprint(finding) for finding in findings).found.values()
    assert sum(kept.record.incident.count for kept in incidents) == 300
    assert len({notice.id for notice in topic.published}) == 7


def test_five_workers_at_one_hot_incident_all_get_through() -> None:
    class LockedTable(FakeTable):
        """One transaction at a time, each on what then stands, as DynamoDB has it."""

        lock = threading.Lock()

        def transact(self, actions: Sequence[Write]) -> list[Refusal]:
            with self.lock:
                return super().transact(actions)

        def get_many(self, keys: Iterable[Key]) -> dict[Key, dict[str, Value]]:
            with self.lock:
                return super().get_many(keys)

    table, topic = LockedTable(), FakeTopic()

    def work(worker: int) -> int:
        desk = IncidentDesk(IncidentStore(table), topic, "task_alerts", pause=lambda: time.sleep(0.001))
        findings = [a_finding(f"task-{worker}-{number}") for number in range(300)]
        return len(desk.take(findings, POLICY, NOON).unfinished)

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(work, range(5))) == 0
    (kept,) = IncidentStore(table).load([fingerprint(a_finding())]).found.values()
    assert kept.record.incident.count == 1500


def test_an_incident_that_cannot_be_read_holds_up_no_other() -> None:
    house = a_house()
    house.take([a_finding("old")])
    broken = fingerprint(a_finding())
    house.table.items[f"INCIDENT#{broken}", "INCIDENT"]["doc"] = '{"incident": {"cause": "of a later version"}}'
    taken = house.desk.take([a_finding("new"), a_finding("other", service="api")], POLICY, NOON)
    assert [finding.identity for finding in taken.unfinished] == ["new"]
    assert taken.unreadable == (broken,)
    swept = house.desk.sweep(POLICY, NOON + timedelta(hours=1))
    assert swept.unreadable == (broken,)
    assert [str(incident.subject) for incident in swept.incidents] == ["prod/api"]


def test_what_comes_back_every_half_hour_does_not_make_a_message_each_time() -> None:
    house = a_house()
    for number in range(20):
        at = NOON + timedelta(minutes=31 * number)
        house.take([a_finding(f"task-{number}", minutes=31 * number)], at)
        for minutes in range(5, 31, 5):
            house.desk.sweep(POLICY, at + timedelta(minutes=minutes))
    kinds = [str(notice.kind) for notice in house.topic.published]
    assert kinds[:3] == ["opened", "resolved", "reopened"]
    assert len(kinds) <= 10


def test_the_first_that_people_hear_of_an_incident_is_that_it_opened() -> None:
    house = a_house()
    house.topic.down = True
    house.take([a_finding()])
    house.topic.down = False
    house.take([a_finding(f"task-{number}", minutes=1) for number in range(1, 20)])
    assert [(notice.kind, notice.incident.count) for notice in house.topic.published] == [(NoticeKind.OPENED, 20)]


def test_an_incident_is_not_resolved_before_its_opening_was_told() -> None:
    house = a_house()
    house.topic.down = True
    house.take([a_finding()])
    house.topic.down = False
    for minutes in (30, 35):
        house.desk.sweep(POLICY, NOON + timedelta(minutes=minutes))
    assert [notice.kind for notice in house.topic.published] == [NoticeKind.OPENED, NoticeKind.RESOLVED]


def test_a_death_between_publishing_and_confirming_repeats_the_same_notice() -> None:
    class MortalTopic(FakeTopic):
        """Takes the notices; then the process is killed, once."""

        def publish(self, notices: Iterable[Notice]) -> Publication:
            publication = super().publish(notices)
            if len(self.published) == 1:
                raise Died
            return publication

    table, topic = FakeTable(), MortalTopic()
    desk = IncidentDesk(IncidentStore(table), topic, "task_alerts", pause=lambda: None)
    with pytest.raises(Died):
        desk.take([a_finding()], POLICY, NOON)
    desk.take([a_finding()], POLICY, NOON)
    assert len(topic.published) == 2
    assert len({notice.id for notice in topic.published}) == 1


def test_a_fact_told_again_at_another_time_stretches_the_incident_without_counting() -> None:
    house = a_house()
    house.take([a_finding("sidecar", minutes=5)])
    house.take([a_finding("sidecar", minutes=9), a_finding("sidecar", minutes=1)])
    ((*_, count, first, last, _),) = house.summary()
    assert (count, first, last) == (1, a_finding(minutes=1).at, a_finding(minutes=9).at)


def test_the_log_is_read_once_for_each_incident_that_opens() -> None:
    house = a_house()
    asked: list[str] = []

    def read_log(finding: Finding) -> LogTail:
        asked.append(finding.identity)
        return LogTail(lines=("boom",))

    findings = [a_finding(f"task-{number}", minutes=number) for number in range(200)]
    house.desk.take(findings, POLICY, NOON, read_log=read_log)
    assert asked == ["task-0"]
    (notice,) = house.topic.published
    assert notice.incident.evidence.log == LogTail(lines=("boom",))


def test_what_there_is_no_time_for_is_handed_back() -> None:
    house = a_house()
    taken = house.desk.take([a_finding()], POLICY, NOON, time_left=lambda: False)
    assert [finding.identity for finding in taken.unfinished] == ["task-0"]
    assert house.topic.published == []


def test_every_change_of_state_is_journalled_with_its_reason() -> None:
    house = a_house()
    for number in range(12):
        house.take([a_finding(f"task-{number}")])
    house.desk.sweep(POLICY, NOON + timedelta(minutes=30))
    entries = list(house.table.under("JOURNAL#prod/web"))
    assert sorted(str(entry["decision"]) for entry in entries) == [
        "incident opened",
        "incident resolved",
        "incident updated",
    ]
    assert all(entry["reason"] for entry in entries)


def test_what_breakwater_saw_to_be_over_is_resolved_and_told_once() -> None:
    house = a_house()
    finding = a_finding()
    house.take([finding])
    house.desk.resolve([fingerprint(finding), "never-was"], "it works again", NOON + timedelta(minutes=1))
    house.desk.resolve([fingerprint(finding)], "it works again", NOON + timedelta(minutes=2))
    assert [notice.kind for notice in house.topic.published] == [NoticeKind.OPENED, NoticeKind.RESOLVED]
    house.take([a_finding("task-1", minutes=3)])
    assert house.topic.published[-1].kind is NoticeKind.REOPENED


@pytest.mark.parametrize("down", [False, True], ids=["told at once", "told late, since the topic was down"])
def test_what_breakwater_told_with_its_outcome_is_closed_in_silence_once_it_was_told(down: bool) -> None:
    house = a_house()
    house.topic.down = down
    house.take([a_finding(cause=Cause.RELEASE_RETURNED)])
    house.topic.down = False
    for minutes in (30, 35, 40):
        house.desk.sweep(POLICY, NOON + timedelta(minutes=minutes))
    assert [notice.kind for notice in house.topic.published] == [NoticeKind.OPENED]
    assert list(house.table.with_status("open")) == []
    assert {status for *_, status in house.summary()} == {IncidentStatus.RESOLVED}
    house.take([a_finding("another", minutes=90, cause=Cause.RELEASE_RETURNED)], NOON + timedelta(minutes=90))
    assert [notice.kind for notice in house.topic.published][1:] == [NoticeKind.REOPENED]


def test_what_stands_is_not_resolved_by_quiet() -> None:
    house = a_house()
    finding = a_finding()
    standing = replace(finding, diagnosis=replace(finding.diagnosis, category=Category.POLICY_REJECTED))
    house.take([standing])
    house.desk.sweep(POLICY, NOON + timedelta(days=3))
    assert [notice.kind for notice in house.topic.published] == [NoticeKind.OPENED]
