"""Rules 3 to 7: what one task's state change means."""

from typing import Any

import pytest

from breakwater.model import Category, Cause, Severity
from tests.support import ABSENT, a_container, judge, load_event

STOPPED = "task_stopped_nonzero_exit"

# event, changes, facts -> category, severity, cause, non-zero exit, counts
TABLE = [
    pytest.param(STOPPED, {}, {}, "task_failed high app_error", True, True, id="a crash of the deployment in progress"),
    pytest.param(STOPPED, {"exit_code": "1"}, {}, "task_failed high app_error", True, True, id="a code as a string"),
    pytest.param(STOPPED, {"exit_code": "007"}, {}, "task_failed high app_error", True, True, id="leading zeros"),
    pytest.param(STOPPED, {"exit_code": "9" * 5000}, {}, "task_failed high app_error", True, True, id="an absurd code"),
    pytest.param(STOPPED, {"exit_code": -1}, {}, "task_failed high app_error", True, True, id="a negative code"),
    pytest.param(STOPPED, {"exit_code": "000"}, {}, "none none exited_zero", False, False, id="zero as a string"),
    pytest.param(STOPPED, {"exit_code": True}, {}, "task_failed medium unknown", False, False, id="a bool is no code"),
    pytest.param(STOPPED, {"exit_code": "²"}, {}, "task_failed medium unknown", False, False, id="a superscript"),
    pytest.param(STOPPED, {"exit_code": 1.5}, {}, "task_failed medium unknown", False, False, id="a float is none"),
    pytest.param(STOPPED, {"containers": None}, {}, "task_failed medium unknown", False, False, id="no containers"),
    pytest.param(
        STOPPED,
        {"containers": ["app", 7, None, a_container(code=1)]},
        {},
        "task_failed high app_error",
        True,
        True,
        id="entries that are no objects are skipped",
    ),
    *[
        pytest.param(STOPPED, {"exit_code": code}, {}, f"task_failed {word}", True, True, id=f"exit code {code}")
        for code, word in (
            (125, "high app_error"),
            (126, "high bad_command"),
            (127, "high bad_command"),
            (128, "high app_error"),
            (129, "high crash_signal"),
            (130, "medium terminated"),
            (134, "high crash_signal"),
            (137, "high killed"),
            (139, "high crash_signal"),
            (143, "medium terminated"),
            (159, "high crash_signal"),
            (160, "high app_error"),
            (255, "high app_error"),
            (3221225471, "high app_error"),
            (3221225472, "high crash_signal"),
            (3221225786, "medium terminated"),
            (4294967295, "high crash_signal"),
            (4294967296, "high app_error"),
        )
    ],
    pytest.param("task_stopped_out_of_memory", {}, {}, "task_failed high oom", True, True, id="out of memory"),
    pytest.param(
        STOPPED,
        {"container_reason": "OUTOFMEMORYERROR: x"},
        {},
        "task_failed high oom",
        True,
        True,
        id="out of memory with code 1, in capitals",
    ),
    pytest.param(
        STOPPED,
        {"container_reason": "ran out of memory budget"},
        {},
        "task_failed high app_error",
        True,
        True,
        id="other words about memory are not ECS's",
    ),
    pytest.param(
        "task_stopped_with_collateral",
        {},
        {"essential": {"app": True, "proxy": True, "log_router": False}},
        "task_failed high app_error",
        True,
        True,
        id="collateral blames nobody",
    ),
    pytest.param("task_stopped_exit_zero", {}, {}, "none none exited_zero", False, False, id="a service's exit 0"),
    pytest.param("task_stopped_batch_done", {}, {}, "none none success", False, False, id="a batch task's exit 0"),
    pytest.param("task_stopped_batch_failed", {}, {}, "task_failed high app_error", True, False, id="a batch failure"),
    pytest.param(
        "task_stopped_sidecar_failed", {}, {}, "sidecar_failed low sidecar_error", True, False, id="only a sidecar"
    ),
    pytest.param(
        "task_stopped_windows_exception", {}, {}, "task_failed high crash_signal", True, True, id="a Windows exception"
    ),
    pytest.param("task_stopped_command_not_found", {}, {}, "task_failed high bad_command", True, True, id="no command"),
    pytest.param("task_stopped_by_scale_in", {}, {}, "none none scale_in", False, False, id="scaling in"),
    pytest.param(
        "task_stopped_by_scale_in",
        {"exit_code": 1, "stopped_reason": "words of next year"},
        {},
        "none none scale_in",
        False,
        False,
        id="any other word of the scheduler is a wanted stop",
    ),
    pytest.param("task_stopped_by_user", {}, {}, "none none user_stop", False, False, id="a person's stop"),
    pytest.param(
        "task_stopped_failed_elb_health_check",
        {},
        {},
        "health_check_failed medium health_check_elb",
        False,
        True,
        id="the load balancer's check",
    ),
    pytest.param(
        "task_stopped_failed_container_health_check",
        {},
        {},
        "health_check_failed medium health_check_container",
        False,
        True,
        id="the container's check",
    ),
    pytest.param(
        "task_stopped_for_maintenance", {}, {}, "interrupted info maintenance", False, False, id="maintenance"
    ),
    pytest.param(
        "task_stopped_for_maintenance",
        {"group": "family:x"},
        {},
        "interrupted medium maintenance",
        False,
        False,
        id="maintenance of a standalone task",
    ),
    pytest.param("task_stopped_by_spot", {}, {}, "interrupted info spot_interruption", False, False, id="Spot"),
    pytest.param(
        "task_stopped_by_spot",
        {"group": ABSENT},
        {},
        "interrupted medium spot_interruption",
        False,
        False,
        id="no group means standalone, whatever startedBy says",
    ),
    pytest.param(
        "task_stopped_host_terminated", {}, {}, "interrupted info host_terminated", False, False, id="host terminated"
    ),
    pytest.param(
        "task_stopped_host_terminated",
        {"stopped_reason": "Spot instance taken back"},
        {},
        "interrupted info spot_interruption",
        False,
        False,
        id="a termination notice about Spot",
    ),
    pytest.param(
        "task_stopped_host_terminated",
        {"stopped_reason": "hotspot host gone"},
        {},
        "interrupted info host_terminated",
        False,
        False,
        id="a hotspot is no Spot",
    ),
    pytest.param(
        STOPPED,
        {"stop_code": "InfrastructureHealth"},
        {},
        "interrupted info infrastructure",
        False,
        False,
        id="infrastructure, whatever the exit code",
    ),
    pytest.param(
        "task_stopped_unknown_stop_code", {}, {}, "task_failed medium unknown", True, False, id="an unknown stop code"
    ),
    pytest.param(
        "task_stopped_unknown_stop_code",
        {"exit_code": 0},
        {},
        "none none exited_zero",
        False,
        False,
        id="an unknown stop code without a failure",
    ),
    pytest.param(
        STOPPED,
        {"stop_code": "essentialcontainerexited"},
        {},
        "task_failed medium unknown",
        True,
        False,
        id="stop codes are exact",
    ),
    pytest.param("task_running", {}, {}, "none none not_final", False, False, id="running"),
    pytest.param("task_stopping_with_exit_code", {}, {}, "none none not_final", False, False, id="an early code"),
    pytest.param(STOPPED, {"last_status": ABSENT}, {}, "none none not_final", False, False, id="no status"),
    pytest.param(
        "task_spot_warning",
        {"group": ABSENT},
        {},
        "interrupted info spot_interruption",
        False,
        False,
        id="Spot soon",
    ),
    pytest.param(
        "task_spot_warning",
        {"stop_code": "UserInitiated"},
        {},
        "none none not_final",
        False,
        False,
        id="a person's words about Spot are no Spot warning",
    ),
    pytest.param(
        "task_running_sidecar_failed",
        {},
        {},
        "sidecar_failed low sidecar_error",
        True,
        False,
        id="a sidecar of a running task",
    ),
    pytest.param(
        "task_running_sidecar_failed",
        {"desired_status": "STOPPED"},
        {},
        "none none not_final",
        False,
        False,
        id="a sidecar of a task that is told to stop",
    ),
    pytest.param(
        "task_running_sidecar_failed",
        {},
        {"essential": None},
        "none none not_final",
        False,
        False,
        id="a sidecar that nobody knows to be one",
    ),
    pytest.param(
        "task_running_sidecar_failed",
        {"containers": [a_container(status="RUNNING"), a_container("metrics", 1, "RUNNING")]},
        {},
        "none none not_final",
        False,
        False,
        id="restarted: it still shows a code",
    ),
    pytest.param(
        STOPPED,
        {"cluster_arn": "arn:aws:ecs:eu-central-1:111122223333:cluster/AWSBatch-x"},
        {},
        "task_failed info app_error",
        False,
        False,
        id="AWS Batch retries by itself",
    ),
    pytest.param(
        "task_stopped_with_collateral",
        {},
        {"essential": None},
        "task_failed high app_error",
        True,
        True,
        id="a task definition that cannot be read",
    ),
]


@pytest.mark.parametrize(("event", "changes", "facts", "expected", "nonzero", "counts"), TABLE)
def test_a_task_event_is_judged_by_the_rules(
    event: str, changes: dict[str, Any], facts: dict[str, Any], expected: str, nonzero: bool, counts: bool
) -> None:
    got = judge(load_event(event, **changes), **facts)
    assert f"{got.category} {got.severity} {got.cause}" == expected
    assert (got.nonzero_exit_alert, got.counts_for_rollback, got.action) == (nonzero, counts, "none")


OOM = "OutOfMemoryError: x"


@pytest.mark.parametrize(
    ("containers", "essential", "blamed", "cause"),
    [
        pytest.param([("app", 0, None), ("web", 143, None)], "app web", None, None, id="stopped after a success"),
        pytest.param([("app", 1, None), ("web", 137, None)], "app web", "app", "app_error", id="stopped after a crash"),
        pytest.param([("app", 1, None), ("web", 137, "x")], "app web", "app", "app_error", id="a reason clears nobody"),
        pytest.param([("web", 143, "x"), ("app", 9, None)], "app web", "app", "app_error", id="the worst first"),
        pytest.param([("app", 143, None), ("web", 137, None)], "app web", "web", "killed", id="nobody else to blame"),
        pytest.param([("app", 137, None), ("web", 137, OOM)], "app web", "web", "oom", id="memory names the culprit"),
        pytest.param([("app", 137, None), ("cache", 137, OOM)], "app", "app", "oom", id="killed with its sidecar"),
        pytest.param([("app", 0, None), ("cache", 137, None)], "app", None, None, id="a sidecar stopped at the end"),
        pytest.param([("app", 0, None), ("cache", 137, "x")], "app", "cache", "sidecar_error", id="a reason"),
        pytest.param([("app", 0, None), ("cache", 137, OOM)], "app", "cache", "oom", id="a sidecar out of memory"),
        pytest.param([("app", 0, None), ("web", 5, None)], "app web", "web", "app_error", id="both essential"),
        pytest.param([("agent", 1, None), ("app", 0, None)], "app", "agent", "sidecar_error", id="an injected agent"),
    ],
)
def test_the_container_that_failed_on_its_own_is_blamed(
    containers: list[tuple[str, int, str | None]], essential: str, blamed: str | None, cause: str | None
) -> None:
    entries = [a_container(name, code, reason=reason) for name, code, reason in containers]
    got = judge(
        load_event("task_stopped_nonzero_exit", containers=entries), essential=dict.fromkeys(essential.split(), True)
    )
    assert (got.container, got.cause if blamed else None) == (blamed, cause)
    assert got.any_alert is (blamed is not None)


def test_a_container_that_runs_again_is_not_blamed_for_its_old_code() -> None:
    entries = [a_container("app", 0), a_container("metrics", 1, "RUNNING")]
    assert judge(load_event("task_stopped_batch_done", containers=entries)).cause is Cause.SUCCESS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Essential container in task exited", "task_failed app_error", id="a container ended it"),
        pytest.param("Scaling activity initiated by (deployment x)", "none scale_in", id="scaling"),
        pytest.param("Task failed ELB health checks in (x)", "health_check_failed health_check_elb", id="health"),
        pytest.param("Task failed container health checks", "health_check_failed health_check_container", id="own"),
        pytest.param("ECS is performing maintenance on x", "interrupted maintenance", id="maintenance"),
        pytest.param("Your Spot Task was interrupted.", "interrupted spot_interruption", id="Spot"),
        pytest.param("Host EC2 (instance i-1) terminated.", "interrupted host_terminated", id="host"),
        pytest.param("Task stopped by user", "none user_stop", id="a person"),
        pytest.param("Task stopped by user.", "task_failed app_error", id="not exactly a person"),
        pytest.param("CannotPullContainerError: x", "task_start_failed image_pull", id="it never started"),
        pytest.param("words of next year", "task_failed app_error", id="no text that tells"),
        pytest.param(ABSENT, "task_failed app_error", id="no text"),
        pytest.param(["a", "list"], "task_failed app_error", id="not a text"),
    ],
)
def test_the_text_stands_in_for_an_absent_stop_code(text: object, expected: str) -> None:
    got = judge(load_event("task_stopped_without_stop_code", stopped_reason=text))
    assert f"{got.category} {got.cause}" == expected


def test_what_a_person_wrote_is_neither_read_nor_shown() -> None:
    event = load_event("task_stopped_by_user", containers=[a_container(code=137, reason="OutOfMemoryError: canary")])
    got = judge(event)
    assert (got.category, got.cause) == (Category.NONE, Cause.USER_STOP)
    assert "canary" not in got.reason


@pytest.mark.parametrize(
    "word", ["FAKE-canary-4711", "FAKE-license-0815", "--license", "migrate"], ids=lambda word: word
)
def test_values_and_commands_of_overrides_are_never_shown(word: str) -> None:
    event = load_event(
        "task_stopped_with_secrets_in_overrides",
        container_reason=f"a FAKE-canary-4711 b https://shop:FAKE-pw-99@db/x c {word} d",
    )
    got = judge(event)
    assert got.severity is Severity.HIGH
    assert word not in got.reason
    assert "FAKE-pw-99" not in got.reason
    assert "[redacted]" in got.reason


def test_a_reason_is_one_bounded_line() -> None:
    got = judge(load_event(STOPPED, container_reason="a\r\n\x1b[31mb\x00\u2028\u202ec " + "long " * 2000))
    assert got.reason.isprintable()
    assert len(got.reason) <= 400


@pytest.mark.parametrize("revision", ["password-reset:12", "auth-token-api:17", "webhook-keys:4"])
def test_a_family_that_speaks_of_secrets_keeps_its_number(revision: str) -> None:
    arn = f"arn:aws:ecs:eu-central-1:111122223333:task-definition/{revision}"
    assert f" of {revision} ended" in judge(load_event("task_stopped_nonzero_exit", task_definition_arn=arn)).reason


@pytest.mark.parametrize("value", ["red", "q1", "prod", "task", "true", "8080"])
def test_a_short_value_of_an_override_is_not_shown(value: str) -> None:
    overrides = {"containerOverrides": [{"name": "app", "environment": [{"name": "COLOUR", "value": value}]}]}
    said = f"bad colour '{value}' ({value})"
    got = judge(load_event("task_stopped_nonzero_exit", overrides=overrides, container_reason=said))
    assert "bad colour '[redacted]' ([redacted])" in got.reason
