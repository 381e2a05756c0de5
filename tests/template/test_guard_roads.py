"""The roads to the rollback guard: what may count against a revision comes in, what never does stays out."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from breakwater.diagnosis import Facts
from breakwater.events import read
from rollback_guard.counted import Stop
from rollback_guard.stops import read_stop
from tests.template.bus import (
    DROP,
    MAINTENANCE,
    SCALING,
    Event,
    a_deployment,
    a_running_task,
    a_service_action,
    a_stop,
    an_exit,
)
from tests.template.bus_cases import ELB, HOST, ROLLING_BACK, SPOT
from tests.template.reading import ACCOUNT, REGION, rules_that_match
from tests.template.test_recall import NOW, tasks
from tests.thoroughness import so_many

GUARD = "RollbackGuard"
STOP, EARLY, DEPLOYMENT = (f"{GUARD}{which}Rule" for which in ("Stop", "Early", "Deployment"))
COMPLETED, BEGUN = "SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_IN_PROGRESS"

CASES: list[tuple[str, Event, str | None]] = [
    ("a crash", an_exit(1), STOP),
    ("a crash beside a container that ended well", an_exit(0, 1), STOP),
    ("every container ended with 0", an_exit(0), None),
    ("a crash of a standalone task", an_exit(1, group="family:nightly"), None),
    ("a crash without a group", an_exit(1, group=DROP), None),
    ("a task that did not start", a_stop("TaskFailedToStart", "CannotPullContainerError: x"), STOP),
    ("no stop code", a_stop(DROP, "Essential container in task exited", 1), STOP),
    ("a failed health check at the load balancer", a_stop("ServiceSchedulerInitiated", ELB, 0), STOP),
    ("a failed container check", a_stop("ServiceSchedulerInitiated", "Task failed container health checks", 0), STOP),
    ("a scale-in", a_stop("ServiceSchedulerInitiated", SCALING, 143), None),
    ("maintenance", a_stop("ServiceSchedulerInitiated", MAINTENANCE, 137), None),
    ("spot", a_stop("SpotInterruption", SPOT, 137), None),
    ("the host is gone", a_stop("TerminationNotice", HOST, DROP), None),
    ("a person stopped it", a_stop("UserInitiated", "x", 1), None),
    ("a crash that is not STOPPED yet", an_exit(1, lastStatus="DEACTIVATING"), EARLY),
    ("a crash that is STOPPING", an_exit(1, lastStatus="STOPPING"), EARLY),
    ("an end with 0 that is STOPPING", an_exit(0, lastStatus="STOPPING"), None),
    ("a running task", a_running_task(), None),
    ("a scale-in that is STOPPING", a_stop("ServiceSchedulerInitiated", SCALING, 1, lastStatus="STOPPING"), None),
    ("a deployment", a_deployment(BEGUN), DEPLOYMENT),
    ("a rollback", a_deployment(BEGUN, "INFO", ROLLING_BACK), DEPLOYMENT),
    ("a completed deployment", a_deployment(COMPLETED), DEPLOYMENT),
    ("a failed deployment", a_deployment("SERVICE_DEPLOYMENT_FAILED", "ERROR"), DEPLOYMENT),
    ("a deployment event of another name", a_deployment("SOMETHING_NEW"), None),
    ("a deployment as a service action, which names no deployment", a_service_action(COMPLETED, "INFO"), None),
    ("another account", an_exit(1) | {"account": "999988887777"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("event", "rule"), [pytest.param(event, rule, id=name) for name, event, rule in CASES])
def test_an_event_takes_the_road_to_the_guard_that_is_meant_for_it(event: Event, rule: str | None) -> None:
    assert rules_that_match(event, GUARD) == ([rule] if rule else [])


@settings(max_examples=so_many(300, exhaustive=1500))
@given(event=tasks())
def test_what_counts_against_a_revision_is_let_through(event: Event) -> None:
    detail: dict[str, Any] = event["detail"] | {
        "startedBy": "ecs-svc/1",
        "taskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:1",
        "stoppedAt": "2026-03-02T10:05:00Z",
    }
    whole = event | {"detail": detail}
    stop = read_stop(read(whole), replace(Facts(now=NOW), account=ACCOUNT, region=REGION))
    if isinstance(stop, Stop):
        assert rules_that_match(whole, GUARD), stop.reason
