"""Rule 9: deployments, services, hooks, instances and alarms."""

from typing import Any

import pytest

from breakwater.model import Cause
from tests.support import ABSENT, judge, load_event

FAILED = "deployment_failed"
ACTION = "service_start_impaired"


@pytest.mark.parametrize(
    ("event", "changes", "facts", "expected", "counts", "action"),
    [
        pytest.param(FAILED, {}, {}, "deployment_failed high circuit_breaker", True, "none", id="failed"),
        pytest.param(
            "deployment_failed_as_service_action",
            {},
            {},
            "deployment_failed high deployment_alarm",
            True,
            "none",
            id="failed, under the other detail-type",
        ),
        pytest.param(
            FAILED, {"reason": ABSENT}, {}, "deployment_failed high unknown", True, "none", id="failed without a reason"
        ),
        pytest.param(
            FAILED,
            {},
            {"native_rollback": True},
            "deployment_failed high circuit_breaker",
            False,
            "stand_down",
            id="ECS rolls back by itself",
        ),
        pytest.param(
            FAILED,
            {},
            {"deployment_is_rollback": True},
            "deployment_failed high circuit_breaker",
            False,
            "none",
            id="the rollback failed",
        ),
        pytest.param(
            FAILED,
            {},
            {"deployment_in_progress": "ecs-svc/1", "native_rollback": True},
            "deployment_failed medium circuit_breaker",
            False,
            "none",
            id="another deployment",
        ),
        pytest.param(
            FAILED,
            {"deployment_id": ABSENT},
            {"deployment_in_progress": None},
            "deployment_failed medium circuit_breaker",
            False,
            "none",
            id="no deployment is named and none is in progress",
        ),
        pytest.param(
            FAILED, {"replay_name": "x"}, {}, "deployment_failed high circuit_breaker", False, "none", id="a replay"
        ),
        pytest.param("deployment_in_progress", {}, {}, "none none routine", False, "none", id="begun"),
        pytest.param(
            "deployment_rolling_back",
            {},
            {},
            "deployment_rolled_back medium circuit_breaker",
            False,
            "stand_down",
            id="rolling back",
        ),
        pytest.param("deployment_completed", {}, {}, "none none success", False, "record_known_good", id="completed"),
        *[
            pytest.param(ACTION, {"event_name": name}, {}, expected, False, "none", id=name)
            for name, expected in (
                ("SERVICE_TASK_START_IMPAIRED", "service_impaired high start_impaired"),
                ("SERVICE_TASK_CONFIGURATION_FAILURE", "service_impaired high configuration"),
                ("SERVICE_DISCOVERY_INSTANCE_UNHEALTHY", "service_impaired medium target_unhealthy"),
                ("VPC_LATTICE_TARGET_UNHEALTHY", "service_impaired medium target_unhealthy"),
                ("SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED", "service_impaired medium placement"),
                ("ECS_OPERATION_THROTTLED", "service_impaired medium throttled"),
                ("SERVICE_DISCOVERY_OPERATION_THROTTLED", "service_impaired medium throttled"),
                ("SERVICE_HEALTH_UNKNOWN", "service_impaired medium unknown"),
                ("SERVICE_STEADY_STATE", "none none routine"),
                ("TASKSET_STEADY_STATE", "none none routine"),
                ("CAPACITY_PROVIDER_STEADY_STATE", "none none routine"),
                ("SERVICE_DESIRED_COUNT_UPDATED", "none none routine"),
                ("TASKS_STOPPED", "none none routine"),
            )
        ],
        pytest.param(
            "service_placement_failure", {}, {}, "service_impaired high capacity", False, "none", id="no memory free"
        ),
        pytest.param(
            "service_placement_failure",
            {"reason": "resource:memory"},
            {},
            "service_impaired high placement",
            False,
            "none",
            id="RESOURCE must be in capitals",
        ),
        pytest.param(
            ACTION,
            {"event_name": "NEWS", "event_type": "INFO"},
            {},
            "none none unknown",
            False,
            "none",
            id="news that are only news",
        ),
        pytest.param(
            ACTION,
            {"event_name": "NEWS", "event_type": "ERROR"},
            {},
            "service_impaired medium unknown",
            False,
            "none",
            id="news of a problem are told",
        ),
        pytest.param(
            "hook_awaiting_action",
            {},
            {"smoke_test": True},
            "hook_attention info hook_waiting",
            False,
            "smoke_test",
            id="a hook for our smoke test",
        ),
        pytest.param(
            "hook_awaiting_action",
            {},
            {},
            "hook_attention medium hook_waiting",
            False,
            "none",
            id="a hook to answer",
        ),
        *[
            pytest.param("hook_awaiting_action", {"event_name": name}, {}, expected, False, action, id=name)
            for name, expected, action in (
                ("HOOK_FAILED", "hook_attention medium hook_failed", "stand_down"),
                ("HOOK_TIMED_OUT", "hook_attention high hook_timed_out", "stand_down"),
                ("HOOK_IN_PROGRESS", "none none routine", "none"),
                ("HOOK_SUCCEEDED", "none none success", "none"),
                ("HOOK_NEWS", "none none unknown", "none"),
            )
        ],
        *[
            pytest.param("container_instance_draining", {"status": status}, {}, expected, False, "none", id=status)
            for status, expected in (
                ("DRAINING", "interrupted info drain"),
                ("DEREGISTERING", "interrupted info drain"),
                ("INACTIVE", "interrupted info drain"),
                ("ACTIVE", "none none routine"),
                ("REGISTRATION_FAILED", "none none routine"),
            )
        ],
        *[
            pytest.param(
                "container_instance_impaired",
                {"overall_status": status},
                {},
                expected,
                False,
                "none",
                id=f"is {status}",
            )
            for status, expected in (
                ("IMPAIRED", "instance_impaired medium infrastructure"),
                ("OK", "none none routine"),
                ("INSUFFICIENT_DATA", "none none routine"),
            )
        ],
        pytest.param("asg_instance_terminating", {}, {}, "interrupted info drain", False, "none", id="scaling in"),
        pytest.param("ec2_spot_warning", {}, {}, "interrupted info spot_interruption", False, "none", id="Spot"),
    ],
)
def test_an_event_of_the_platform_is_judged_by_its_name(
    event: str, changes: dict[str, Any], facts: dict[str, Any], expected: str, counts: bool, action: str
) -> None:
    got = judge(load_event(event, **changes), **facts)
    assert f"{got.category} {got.severity} {got.cause}" == expected
    assert (got.counts_for_rollback, got.action, got.nonzero_exit_alert) == (counts, action, False)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param("OK", "ALARM", Cause.THRESHOLD, id="goes off"),
        pytest.param("INSUFFICIENT_DATA", "ALARM", Cause.THRESHOLD, id="goes off out of nothing"),
        pytest.param("ALARM", "OK", Cause.RECOVERED, id="is over"),
        pytest.param("INSUFFICIENT_DATA", "OK", Cause.ROUTINE, id="has data"),
        pytest.param("ALARM", "INSUFFICIENT_DATA", Cause.ROUTINE, id="has lost its data"),
        pytest.param(None, None, Cause.ROUTINE, id="says nothing"),
    ],
)
def test_an_alarm_is_judged_by_both_of_its_states(before: str | None, now: str | None, expected: Cause) -> None:
    event = load_event("alarm_in_alarm")
    event["detail"]["state"] = {"value": now}
    event["detail"]["previousState"] = {"value": before}
    assert judge(event).cause is expected
