"""Whatever way a history is delivered (twice, out of order, a day late), the incidents are the same."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.ecs import ServiceState
from breakwater.incident_store import IncidentStore
from task_alerts import sweep
from task_alerts.handler import respond
from task_alerts.wiring import Work
from tests.fakes.alerts import NOW, Context, House, a_batch, a_failed_deployment, a_stop

RUNNING = {"lastStatus": "RUNNING", "desiredStatus": "RUNNING", "stopCode": None, "stoppedReason": None}
SIDECAR_DOWN = [{"name": "app", "lastStatus": "RUNNING"}, {"name": "agent", "lastStatus": "STOPPED", "exitCode": 2}]
OUT_OF_MEMORY = [{"name": "app", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}]

KINDS: dict[str, dict[str, Any]] = {
    "crash": {},
    "out of memory": {"containers": OUT_OF_MEMORY},
    "never started": {"stopCode": "TaskFailedToStart", "stoppedReason": "CannotPullContainerError", "containers": []},
    "unhealthy": {"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Task failed ELB health checks in (x)"},
    "scaled in": {"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Scaling activity initiated by (x)"},
    "stopped by somebody": {"stopCode": "UserInitiated"},
    "sidecar down while it runs": RUNNING | {"containers": SIDECAR_DOWN},
    "still stopping": {"lastStatus": "DEPROVISIONING"},
}


def an_event(task: int, kind: str, service: str | None, minutes: int) -> dict[str, Any]:
    """One event of one task, some minutes after the hour."""
    at = (NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if kind == "failed deployment":
        return a_failed_deployment() | {"time": at}
    return a_stop(f"task-{task}", service=service, **KINDS[kind]) | {"time": at}


EVENTS = st.builds(
    an_event,
    task=st.integers(0, 30),
    kind=st.sampled_from([*KINDS, "failed deployment"]),
    service=st.sampled_from(["web", "api", None]),
    minutes=st.integers(0, 240),
)


def fact(event: dict[str, Any]) -> str:
    """What the event tells of: AWS tells one fact in one way only, though it may tell it often."""
    detail = event["detail"]
    return f"{detail.get('taskArn')} {detail.get('lastStatus')}" if "taskArn" in detail else "deployment"


HISTORIES = st.lists(EVENTS, min_size=1, max_size=25, unique_by=fact)


def live_through(arrivals: Iterable[tuple[datetime, dict[str, Any]]]) -> set[tuple[object, ...]]:
    """Deliver events at their times of arrival, with sweeps between and after; what is then true of the incidents."""
    house = House(services={("prod", "web"): ServiceState("ecs-svc/1")})
    work = house.work()
    waiting = sorted(arrivals, key=lambda arrival: arrival[0])
    while waiting:
        house.now += timedelta(minutes=30)
        due = [event for at, event in waiting if at < house.now]
        waiting = waiting[len(due) :]
        _invoke(work, due)
    house.now += timedelta(hours=30)
    _invoke(work, [])
    ids = [pk.removeprefix("INCIDENT#") for pk, _ in house.table.items if pk.startswith("INCIDENT#")]
    incidents = [kept.record.incident for kept in IncidentStore(house.table).load(ids).values()]
    return {
        (i.id, i.subject, i.category, i.cause, i.severity, i.count, i.first_seen, i.last_seen, i.status)
        for i in incidents
    }


def _invoke(work: Work, events: list[dict[str, Any]]) -> None:
    """One batch through the handler, then one sweep."""
    if events:
        assert respond(a_batch(*events), Context(), work) == {"batchItemFailures": []}
    sweep.respond(work)


def at(event: dict[str, Any]) -> datetime:
    """When it happened."""
    return datetime.fromisoformat(event["time"])


@settings(max_examples=120)
@given(history=HISTORIES, data=st.data())
def test_duplicated_reordered_and_late_delivery_give_the_same_incidents(
    history: list[dict[str, Any]], data: st.DataObject
) -> None:
    copies = data.draw(st.lists(st.sampled_from(history), max_size=10))
    events = [*history, *copies]
    delays = data.draw(st.lists(st.integers(0, 25 * 60), min_size=len(events), max_size=len(events)))
    late = [(at(event) + timedelta(minutes=delay), event) for event, delay in zip(events, delays, strict=True)]
    assert live_through(late) == live_through((at(event), event) for event in history)
