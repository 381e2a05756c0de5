"""The sweep: the headroom of clusters kept current and forgotten, every service its turn, and two functions at once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from breakwater import log
from breakwater.compiled import Compiled
from breakwater.desk import IncidentDesk
from breakwater.errors import BreakwaterError, ConflictError, ThrottledError
from breakwater.leases import Leases
from breakwater.model import Mode
from breakwater.policies import HeadroomPolicy, ScalingPolicy, SurgePolicy, WindowPolicy
from scaler.clusters import Alarms, Clusters, asked
from scaler.handler import respond as answer
from scaler.headroom import Alarm, Capacity, ClusterSnapshot, Reservation
from scaler.reconcile import Found
from scaler.records import Records
from scaler.scale import Claim, ClaimKind, Knob, Snapshot
from scaler.schedules import Wakers
from scaler.sweep import respond
from scaler.wiring import Settings, Work
from tests.fakes.table import FakeTable

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FULL = ClusterSnapshot("prod", [Capacity(2048, 2048)], [Reservation("app:1", 512, 512)])
ACT, OBSERVE = HeadroomPolicy("*", Mode.ACT), HeadroomPolicy("*", Mode.OBSERVE)


class FakeClusters(Clusters):
    """Clusters by name; one that is an error cannot be looked at."""

    def __init__(self, found: Mapping[str, ClusterSnapshot | BreakwaterError]) -> None:
        self.found = dict(found)

    def names(self) -> list[str]:
        return list(self.found)

    def services(self, cluster: str) -> list[str]:
        return [f"s{number}" for number in range(10)]

    def look(self, cluster: str) -> ClusterSnapshot:
        found = self.found[cluster]
        if isinstance(found, BreakwaterError):
            raise found
        return replace(found, name=cluster)


class FakeAlarms(Alarms):
    """Alarms by name, as PutMetricAlarm was asked for them; it counts what changes them."""

    def __init__(self) -> None:
        self.kept: dict[str, Mapping[str, Any]] = {}
        self.changes = 0

    def of(self, cluster: str) -> dict[str, Mapping[str, Any]]:
        return {name: self.kept[name] for name in self.kept if name.startswith(f"breakwater-headroom-{cluster}-")}

    def put(self, alarm: Alarm) -> None:
        self.changes += 1
        self.kept[alarm.name] = asked(alarm)

    def delete(self, names: Iterable[str]) -> None:
        self.changes += 1
        for name in names:
            del self.kept[name]


class FakeServices:
    """Every service has four tasks; those named are daemons."""

    def __init__(self, daemons: Iterable[str] = ()) -> None:
        self.daemons = set(daemons)
        self.looked: list[str] = []
        self.counts: dict[str, int] = {}

    def look(self, cluster: str, service: str) -> Found:
        self.looked.append(service)
        fixed = "a daemon service has no count" if service in self.daemons else None
        return Found(Snapshot(self.counts.get(service, 4), protected=0, fixed=fixed))

    def protected(self, cluster: str, service: str) -> int:
        return 0

    def set(self, cluster: str, service: str, numbers: Mapping[Knob, int]) -> None:
        self.counts[service] = numbers[Knob.DESIRED]


class Stage:
    """A sweep over fakes, and what time it is."""

    def __init__(self, scaling: ScalingPolicy, clusters: Mapping[str, ClusterSnapshot | BreakwaterError]) -> None:
        self.scaling, self.now = scaling, NOON
        self.table, self.alarms, self.services = FakeTable(), FakeAlarms(), FakeServices()
        self.clusters = FakeClusters(clusters)
        self.work = Work(
            settings=Settings("table", "topic", "group", "role", "dead", Mode.ACT),
            logger=log.logger("scaler"),
            table=self.table,
            records=Records(self.table),
            leases=Leases(self.table),
            services=self.services,
            clusters=self.clusters,
            alarms=self.alarms,
            wakers=Wakers(lambda: None, "group", "role", "dead"),
            desk=cast("IncidentDesk", None),  # nobody has to be told anything here
            in_force=lambda now: Compiled(scaling=self.scaling),
            now=lambda: self.now,
        )

    def sweep(self, after: timedelta = timedelta()) -> dict[str, Any]:
        self.now += after
        return respond(self.work)


def headroom(*policies: HeadroomPolicy) -> ScalingPolicy:
    return ScalingPolicy(headroom=policies)


def test_alarms_are_set_once_and_again_only_when_the_tasks_that_run_are_others() -> None:
    stage = Stage(headroom(ACT), {"prod": FULL})
    assert stage.sweep() == {"services": 0, "clusters": 1}
    assert {one["Threshold"] for one in stage.alarms.kept.values()} == {75.0}
    stage.sweep(HOUR)
    assert stage.alarms.changes == 2
    stage.clusters.found["prod"] = replace(FULL, reservations=[Reservation("app:2", 256, 1024)])
    stage.sweep(HOUR / 2)
    assert stage.alarms.changes == 2
    stage.sweep(HOUR)
    assert {one["Threshold"] for one in stage.alarms.kept.values()} == {50.0}


@pytest.mark.parametrize(
    ("then", "clusters"),
    [
        pytest.param(headroom(), {"prod": FULL}, id="the policy says nothing of headroom any more"),
        pytest.param(headroom(HeadroomPolicy("other", Mode.ACT)), {"prod": FULL}, id="it names other clusters"),
        pytest.param(headroom(ACT), {}, id="the cluster is gone"),
        pytest.param(headroom(ACT), {"prod": replace(FULL, managed=["group"])}, id="managed scaling has taken over"),
        pytest.param(headroom(ACT), {"prod": ClusterSnapshot("prod")}, id="it has no instances any more"),
    ],
)
def test_alarms_go_when_there_is_nothing_to_watch_any_more(
    then: ScalingPolicy, clusters: Mapping[str, ClusterSnapshot]
) -> None:
    stage = Stage(headroom(ACT), {"prod": FULL})
    stage.sweep()
    assert len(stage.alarms.kept) == 2
    stage.scaling, stage.clusters.found = then, dict(clusters)
    stage.sweep(HOUR)
    assert stage.alarms.kept == {}


def test_in_mode_observe_no_alarm_is_touched() -> None:
    stage = Stage(headroom(OBSERVE), {"prod": FULL})
    stage.sweep()
    assert stage.alarms.kept == {}
    said = [item["outcome"] for key, item in stage.table.items.items() if key[0].startswith("JOURNAL#")]
    assert said == ["2 alarms would be set in mode act"]


def test_a_cluster_that_cannot_be_looked_at_keeps_no_other_from_its_turn() -> None:
    stage = Stage(headroom(ACT), {"broken": ThrottledError("slow down"), "prod": FULL})
    with pytest.raises(BreakwaterError, match="headroom of broken: slow down"):
        stage.sweep()
    assert len(stage.alarms.kept) == 2
    stage.clusters.found["broken"] = FULL
    stage.sweep(timedelta(minutes=5))
    assert len(stage.alarms.kept) == 4


def test_a_sweep_that_runs_out_of_time_does_not_leave_out_the_same_services_each_time() -> None:
    window = WindowPolicy("w", "prod/*", tuple(range(7)), 0, 1440, mode=Mode.ACT, desired=4)
    stage = Stage(ScalingPolicy(windows=(window,)), {"prod": FULL})
    for _ in range(30):
        stage.now += timedelta(minutes=5)
        left = iter([True, True, True, True])
        with pytest.raises(BreakwaterError, match="no time for every service"):
            respond(stage.work, lambda left=left: next(left, False))  # type: ignore[misc]  # bound now
    assert len(set(stage.services.looked)) == 10


def test_a_window_leaves_a_daemon_alone_and_nobody_hears_of_it() -> None:
    window = WindowPolicy("w", "prod/s1", tuple(range(7)), 0, 1440, mode=Mode.ACT, desired=0)
    stage = Stage(ScalingPolicy(windows=(window,)), {"prod": FULL})
    stage.services.daemons.add("s1")
    for _ in range(12):
        stage.sweep(timedelta(minutes=5))
    assert stage.services.counts == {}
    assert not [key for key in stage.table.items if key[0].startswith(("SCALE#", "JOURNAL#"))]


def test_a_service_that_somebody_else_of_ours_changes_at_the_moment_is_tried_once_more() -> None:
    stage = Stage(ScalingPolicy(SurgePolicy(Mode.ACT)), {})
    record = stage.work.records.load("prod", "web")
    surge = Claim("s", ClaimKind.SURGE, NOON, NOON + HOUR, 9)
    stage.work.records.save(replace(record, claims=(surge,)), NOON)
    transact, refused = stage.table.transact, iter([True])

    def once(actions: Any) -> Any:
        if next(refused, False):
            raise ConflictError("somebody was faster")
        return transact(actions)

    stage.table.transact = once  # type: ignore[method-assign]  # the first write is refused
    assert stage.work.reconcile("prod", "web").found == Snapshot(9, protected=0)


class Context:
    """What Lambda says of the time that is left."""

    invoked_function_arn = "arn"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def test_a_window_turn_does_every_service_also_if_one_fails() -> None:
    window = WindowPolicy("w", "prod/*", tuple(range(7)), 0, 1440, mode=Mode.ACT, desired=1)
    stage = Stage(ScalingPolicy(windows=(window,)), {"prod": FULL})
    look = stage.services.look

    def failing(cluster: str, service: str) -> Found:
        if service == "s3":
            raise ThrottledError("slow down")
        return look(cluster, service)

    stage.services.look = failing  # type: ignore[method-assign]  # one of them cannot be looked at
    with pytest.raises(BreakwaterError, match=r"prod/s3: slow down"):
        answer({"schema": "breakwater/1", "action": "scale.window", "window": "w"}, Context(), stage.work)
    assert stage.services.counts == {f"s{number}": 1 for number in range(10) if number != 3}
