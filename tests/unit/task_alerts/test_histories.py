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

Event = dict[str, Any]

OUT_OF_MEMORY = [{"name": "app", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}]
SIDECARS = [
    {"name": "agent", "lastStatus": "STOPPED", "exitCode": 2},
    {"name": "proxy", "lastStatus": "STOPPED", "exitCode": 137, "reason": "OutOfMemoryError: x"},
]

ENDS: dict[str, dict[str, Any]] = {
    "crash": {},
    "out of memory": {"containers": OUT_OF_MEMORY},
    "never started": {"stopCode": "TaskFailedToStart", "stoppedReason": "CannotPullContainerError", "containers": []},
    "unhealthy": {"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Task failed ELB health checks in (x)"},
    "scaled in": {"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Scaling activity initiated by (x)"},
    "stopped by somebody": {"stopCode": "UserInitiated"},
    "still stopping": {"lastStatus": "DEPROVISIONING"},
}


def stamp(minutes: int) -> str:
    """Some minutes after the hour, as AWS writes it."""
    return (NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def a_life(task: int, end: str, service: str | None, minutes: int, running: list[tuple[int, int]]) -> list[Event]:
    """The events of one task: it runs on with ever more dead sidecars, is sent again and again, and ends."""
    name, life, dead = f"task-{task}", [], 0
    for later, more in sorted(running):
        dead = min(len(SIDECARS), dead + more)
        states = [{"name": "app", "lastStatus": "RUNNING"}, *SIDECARS[:dead]]
        words = {"lastStatus": "RUNNING", "desiredStatus": "RUNNING", "stopCode": None, "stoppedReason": None}
        life.append(a_stop(name, service=service, containers=states, **words) | {"time": stamp(minutes + later)})
    ended = a_stop(name, service=service, stoppedAt=stamp(minutes + 60), **ENDS[end])
    return [*life, ended | {"time": stamp(minutes + 60)}, ended | {"time": stamp(minutes + 61)}]


def a_deployment(number: int, minutes: int) -> list[Event]:
    """A failed deployment, told under both detail-types, a minute apart."""
    event = a_failed_deployment()
    event["detail"] |= {"deploymentId": f"ecs-svc/{number}", "updatedAt": stamp(minutes)}
    twin = event | {"detail-type": "ECS Service Action", "time": stamp(minutes + 1)}
    return [event | {"time": stamp(minutes)}, twin]


def other_news(kind: str, number: int, minutes: int) -> list[Event]:
    """A hook that waits, an impaired instance, an alarm or a service action, each told twice."""
    envelope = a_stop() | {"time": stamp(minutes), "resources": ["arn:aws:ecs:us-east-1:111122223333:service/prod/web"]}
    details: dict[str, tuple[str, str, dict[str, Any]]] = {
        "hook": ("aws.ecs", "ECS Hook State Change", {
            "eventName": "HOOK_AWAITING_ACTION", "hookId": "h", "serviceDeploymentArn": f"arn:{number}",
            "serviceArn": "arn:aws:ecs:us-east-1:111122223333:service/prod/web", "updatedAt": stamp(minutes),
        }),
        "instance": ("aws.ecs", "ECS Container Instance Health Change", {
            "ec2InstanceId": f"i-{number}", "overallStatus": "IMPAIRED",
            "healthChecks": [{"status": "IMPAIRED", "lastStatusChange": stamp(minutes)}],
        }),
        "alarm": ("aws.cloudwatch", "CloudWatch Alarm State Change", {
            "alarmName": f"a-{number}", "state": {"value": "ALARM", "timestamp": stamp(minutes)},
        }),
        "service action": ("aws.ecs", "ECS Service Action", {
            "eventType": "WARN", "eventName": "SERVICE_TASK_START_IMPAIRED", "createdAt": stamp(minutes),
        }),
    }  # fmt: skip
    source, detail_type, detail = details[kind]
    event = envelope | {"source": source, "detail-type": detail_type, "detail": detail}
    return [event, event | {"time": stamp(minutes + 2)}]


MINUTES = st.integers(0, 240)
LIVES = st.lists(
    st.builds(
        a_life,
        task=st.integers(0, 30),
        end=st.sampled_from(sorted(ENDS)),
        service=st.sampled_from(["web", "api", None]),
        minutes=MINUTES,
        running=st.lists(st.tuples(st.integers(0, 59), st.integers(0, 2)), max_size=3, unique_by=lambda pair: pair[0]),
    ),
    max_size=8,
    unique_by=lambda life: life[-1]["detail"]["taskArn"],
)
DEPLOYMENTS = st.lists(st.builds(a_deployment, number=st.integers(0, 3), minutes=MINUTES), max_size=2)
OTHERS = st.lists(
    st.builds(
        other_news,
        kind=st.sampled_from(["hook", "instance", "alarm", "service action"]),
        number=st.integers(0, 2),
        minutes=MINUTES,
    ),
    max_size=4,
)
HISTORIES = (
    st.tuples(LIVES, DEPLOYMENTS, OTHERS)
    .map(lambda parts: [event for part in parts for group in part for event in group])
    .filter(bool)
)


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
    incidents = [kept.record.incident for kept in IncidentStore(house.table).load(ids).found.values()]
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
