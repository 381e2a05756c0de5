"""Rule 6: tasks that never started."""

from typing import Any

import pytest

from breakwater.diagnosis import needs_essential
from breakwater.events import TaskStateChange, read
from tests.support import ABSENT, a_container, judge, load_event

NEVER = "task_stopped_image_never_pulled"
STOPPED = "task_stopped_nonzero_exit"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("CannotPullContainerError: not found", "high image_pull", id="image"),
        pytest.param("cannotpullcontainererror", "high image_pull", id="capitals do not matter"),
        pytest.param("TaskFailedToStart: RESOURCE:GPU", "medium capacity", id="no GPU"),
        pytest.param("resource:gpu", "high unknown", id="but RESOURCE must be in capitals"),
        pytest.param("CAPACITY IS UNAVAILABLE at this time", "medium capacity", id="no Fargate"),
        pytest.param("RESOURCE:MEMORY and CannotPull", "medium capacity", id="capacity is asked first"),
        pytest.param("CannotPull: dial tcp: i/o timeout", "high image_pull", id="image before network"),
        pytest.param("failed to mount EFS: i/o timeout", "high configuration", id="file system before network"),
        pytest.param("failed to validate logger args", "high logging", id="logger"),
        pytest.param("failed to initialize logging driver: dial tcp", "high logging", id="logging before network"),
        pytest.param("could not find log stream", "high logging", id="log stream"),
        pytest.param("unable to pull secrets: connection issue", "high network", id="network before secrets"),
        pytest.param("Timeout waiting for network interface", "high network", id="network interface"),
        pytest.param("unable to retrieve secret from asm", "high secrets", id="secret"),
        pytest.param("invalid parameters from ssm", "high secrets", id="parameter"),
        pytest.param("DockerTimeoutError: secret", "high secrets", id="secrets before time-out"),
        pytest.param("ContainerRuntimeTimeoutError: x", "high start_timeout", id="slow runtime"),
        pytest.param("CannotStartContainerError: OCI runtime", "high container_create", id="runtime"),
        pytest.param("words of next year", "high unknown", id="unknown words"),
    ],
)
def test_the_first_text_that_matches_names_the_cause(text: str, expected: str) -> None:
    got = judge(load_event(NEVER, stopped_reason=text))
    assert f"{got.severity} {got.cause}" == expected
    assert (got.category, got.nonzero_exit_alert) == ("task_start_failed", False)
    assert got.counts_for_rollback is ("capacity" not in expected)


@pytest.mark.parametrize(
    ("containers", "facts", "cause"),
    [
        pytest.param([a_container(reason="CannotPullX")], {}, "image_pull", id="the container tells"),
        pytest.param([a_container("migrate", 1), a_container()], {}, "init_failed", id="the init container failed"),
        pytest.param([a_container("migrate", 0), a_container()], {}, "unknown", id="the init container did not"),
        pytest.param([a_container("app", 1)], {}, "unknown", id="an essential one is no init container"),
        pytest.param([a_container("migrate", 1)], {"essential": None}, "unknown", id="nobody knows which is which"),
        pytest.param([a_container("migrate", 1, reason="OCI runtime")], {}, "container_create", id="texts come first"),
        pytest.param([], {}, "unknown", id="no containers"),
    ],
)
def test_the_containers_tell_when_the_text_is_generic(
    containers: list[dict[str, Any]], facts: dict[str, Any], cause: str
) -> None:
    got = judge(load_event(NEVER, stopped_reason="Task failed to start", containers=containers), **facts)
    assert (got.category, got.cause, got.any_alert) == ("task_start_failed", cause, True)


def test_a_registry_limit_alerts_without_blaming_the_revision() -> None:
    got = judge(load_event(NEVER, stopped_reason="CannotPullContainerError: 429 - toomanyrequests: limit"))
    assert (got.cause, got.any_alert, got.counts_for_rollback) == ("image_pull", True, False)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param("task_stopped_nonzero_exit", False, id="a single container is the essential one"),
        pytest.param("task_stopped_with_collateral", True, id="several containers"),
        pytest.param("task_stopped_init_container_failed", True, id="an init container failed"),
        pytest.param("task_running_sidecar_failed", True, id="a sidecar failed"),
        pytest.param("task_stopped_by_scale_in", False, id="the stop was wanted"),
    ],
)
def test_the_task_definition_is_only_worth_a_look_where_it_decides(event: str, expected: bool) -> None:
    task = read(load_event(event))
    assert isinstance(task, TaskStateChange)
    assert needs_essential(task) is expected


@pytest.mark.parametrize(
    ("event", "changes", "expected"),
    [
        pytest.param(NEVER, {"stopped_reason": "Task failed to start"}, True, id="one that never started"),
        pytest.param(STOPPED, {"stop_code": "SomethingNew"}, True, id="an unknown stop code"),
        pytest.param(STOPPED, {"stop_code": ABSENT, "stopped_reason": ABSENT}, True, id="no stop code"),
        pytest.param(STOPPED, {"last_status": "RUNNING", "desired_status": "RUNNING"}, True, id="before the end"),
        pytest.param(STOPPED, {}, False, id="ECS says that an essential container ended it"),
    ],
)
def test_a_container_that_is_listed_alone_need_not_be_essential(
    event: str, changes: dict[str, Any], expected: bool
) -> None:
    alone = [{"name": "init", "lastStatus": "STOPPED", "exitCode": 1}]
    task = read(load_event(event, containers=alone, **changes))
    assert isinstance(task, TaskStateChange)
    assert needs_essential(task) is expected
