"""The diagnosis judges the rules: an event that would alert is never left out, and a normal stop is never let in.

The diagnosis reads whole events and looks facts up; a pattern sees one event and cannot say "all of them". So a pattern
may let in what turns out to be normal, never the other way round. Two narrowings are meant: of alarms, only those on
ECS metrics come in, and none that target tracking keeps for itself (docs/decisions/0011).
"""

from datetime import UTC, datetime
from typing import Any

from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.diagnosis import Facts, diagnose
from breakwater.events import read
from breakwater.model import Diagnosis
from tests.template.bus import (
    DROP,
    ESSENTIAL_EXITED,
    MAINTENANCE,
    SCALING,
    Event,
    a_container,
    a_deployment,
    a_service_action,
    an_alarm,
    an_event,
)
from tests.template.bus_cases import ALERTS, ELB, HOST, ROLLING_BACK, SPOT
from tests.template.reading import ACCOUNT, REGION, rules_that_match
from tests.thoroughness import so_many

NOW = datetime(2026, 3, 2, 10, 6, tzinfo=UTC)
CODES = [
    DROP,
    None,
    "",
    "EssentialContainerExited",
    "InfrastructureHealth",
    "ServiceSchedulerInitiated",
    "SomethingNewIn2027",
    "SpotInterruption",
    "TaskFailedToStart",
    "TerminationNotice",
    "UserInitiated",
]
REASONS = [
    DROP,
    None,
    "",
    ELB,
    ESSENTIAL_EXITED,
    HOST,
    MAINTENANCE,
    SCALING,
    SPOT,
    "CannotPullContainerError: x",
    "Task failed container health checks",
    "Task stopped by user",
    "Task stopped by user because it was slow",
    "A reason nobody has seen",
]
EXIT_CODES = [DROP, None, 0, 1, 127, 137, 139, 143, 255, 3221225477, "0", "1", "x", True, -1, 1.5]

containers = st.builds(
    a_container,
    exit_code=st.sampled_from(EXIT_CODES),
    status=st.sampled_from(["STOPPED", "STOPPED", "RUNNING"]),
    name=st.sampled_from(["app", "agent", "injected"]),
    reason=st.sampled_from([DROP, "OutOfMemoryError: container killed due to memory usage"]),
)
lists_of_containers = st.one_of(
    st.lists(containers, max_size=3),
    st.sampled_from([DROP, None, [None, "x"], {"exitCode": 1}]),
)
facts = st.builds(
    Facts,
    now=st.just(NOW),
    account=st.just(ACCOUNT),
    region=st.just(REGION),
    essential=st.sampled_from([None, {"app": True, "agent": False}, {"app": True, "agent": True}]),
    deployment_in_progress=st.sampled_from([None, "ecs-svc/1"]),
)
severities = st.sampled_from([DROP, None, "INFO", "WARN", "ERROR", "CRITICAL"])
reasons_of_deployments = st.sampled_from([DROP, None, ROLLING_BACK, "in progress.", "alarm(s) detected."])
names = st.sampled_from(
    [
        "CAPACITY_PROVIDER_STEADY_STATE",
        "ECS_OPERATION_THROTTLED",
        "SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED",
        "SERVICE_DEPLOYMENT_COMPLETED",
        "SERVICE_DEPLOYMENT_FAILED",
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DESIRED_COUNT_UPDATED",
        "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY",
        "SERVICE_DISCOVERY_OPERATION_THROTTLED",
        "SERVICE_HEALTH_UNKNOWN",
        "SERVICE_STEADY_STATE",
        "SERVICE_TASK_CONFIGURATION_FAILURE",
        "SERVICE_TASK_PLACEMENT_FAILURE",
        "SERVICE_TASK_START_IMPAIRED",
        "SOMETHING_NEW",
        "TASKSET_STEADY_STATE",
        "TASKS_STOPPED",
        "VPC_LATTICE_TARGET_UNHEALTHY",
    ]
)
hooks = st.sampled_from(
    ["HOOK_AWAITING_ACTION", "HOOK_FAILED", "HOOK_IN_PROGRESS", "HOOK_LOST", "HOOK_SUCCEEDED", "HOOK_TIMED_OUT"]
)


@st.composite
def tasks(draw: st.DrawFn) -> Event:
    detail: dict[str, Any] = {
        "taskArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/prod/0123456789abcdef",
        "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod",
        "lastStatus": draw(st.sampled_from(["STOPPED", "STOPPED", "STOPPED", "RUNNING", "STOPPING"])),
        "desiredStatus": draw(st.sampled_from(["STOPPED", "RUNNING"])),
        "group": draw(st.sampled_from(["service:orders-api", "family:nightly-report", "service-batch", DROP, None])),
        "stopCode": draw(st.sampled_from(CODES)),
        "stoppedReason": draw(st.sampled_from(REASONS)),
        "containers": draw(lists_of_containers),
    }
    return an_event("ECS Task State Change", {key: value for key, value in detail.items() if value is not DROP})


others = st.one_of(
    st.builds(a_service_action, names, severities, reasons_of_deployments),
    st.builds(a_deployment, names, severities, reasons_of_deployments),
    st.builds(lambda name: an_event("ECS Hook State Change", {"eventName": name}), hooks),
    st.builds(
        lambda status: an_event("ECS Container Instance Health Change", {"overallStatus": status}),
        st.sampled_from(["OK", "IMPAIRED", "INITIALIZING"]),
    ),
    st.builds(
        an_alarm,
        st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"]),
        st.just("AWS/ECS"),
        name=st.sampled_from(["cpu-high", "target-tracking", "", None, DROP]),
    ),
)


def judged(event: Event, known: Facts) -> Diagnosis:
    return diagnose(read(event), known)


@settings(max_examples=so_many(400, exhaustive=1500))
@given(event=tasks() | others, known=facts)
def test_an_event_that_alerts_is_let_through(event: Event, known: Facts) -> None:
    diagnosis = judged(event, known)
    note(f"{diagnosis.category} {diagnosis.cause}")
    if diagnosis.any_alert:
        assert rules_that_match(event, ALERTS), diagnosis.reason


@settings(max_examples=so_many(400, exhaustive=1500))
@given(event=tasks() | others)
def test_an_event_is_let_through_once(event: Event) -> None:
    assert len(rules_that_match(event, ALERTS)) <= 1


@settings(max_examples=so_many(400, exhaustive=1500))
@given(event=tasks(), known=facts)
def test_a_stop_that_was_wanted_is_left_out(event: Event, known: Facts) -> None:
    """Scale-in, replacement and a person's stop, as ECS words them; where the words are missing it may come in."""
    code, reason = event["detail"].get("stopCode"), event["detail"].get("stoppedReason")
    wanted = code == "UserInitiated" or (
        code in ("ServiceSchedulerInitiated", DROP) and reason is not None and reason.startswith(SCALING)
    )
    if event["detail"]["lastStatus"] == "STOPPED" and wanted:
        assert not rules_that_match(event, ALERTS)
        assert not judged(event, known).any_alert
