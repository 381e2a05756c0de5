"""The files in `events/` that travel on the bus: each takes the road meant for it, the near misses none."""

import json
from typing import Any

import pytest

from tests.template.bus_cases import (
    EXIT,
    HEALTH,
    HOOK,
    LOST,
    NO_CODE,
    ODD,
    POLICY,
    RUN,
    SCHEDULER,
    SERVICE,
    SIDECAR,
    TAKERS,
    THRESHOLD,
)
from tests.template.reading import REGION, ROOT, event_patterns, rules_that_match

FILES = sorted((ROOT / "events").glob("*.json"))
ROUTED = {
    "alarm_in_alarm": THRESHOLD,
    "alarm_of_target_tracking": None,
    "asg_instance_terminating": None,
    "container_instance_draining": None,
    "container_instance_impaired": HEALTH,
    "deployment_completed": None,
    "deployment_failed": SERVICE,
    "deployment_failed_as_service_action": SERVICE,
    "deployment_in_progress": None,
    "deployment_rolling_back": SERVICE,
    "ec2_spot_warning": None,
    "hook_awaiting_action": HOOK,
    "object_created": None,
    "object_deleted": None,
    "policy_uploaded": POLICY,
    "scheduled_event": None,
    "service_placement_failure": SERVICE,
    "service_start_impaired": SERVICE,
    "service_steady_state": None,
    "task_running": None,
    "task_running_sidecar_failed": SIDECAR,
    "task_spot_warning": None,
    "task_stopped_batch_done": None,
    "task_stopped_batch_failed": EXIT,
    "task_stopped_by_scale_in": None,
    "task_stopped_by_spot": None,
    "task_stopped_by_user": None,
    "task_stopped_check_failed": None,
    "task_stopped_command_not_found": EXIT,
    "task_stopped_exit_zero": None,
    "task_stopped_failed_container_health_check": SCHEDULER,
    "task_stopped_failed_elb_health_check": SCHEDULER,
    "task_stopped_for_maintenance": SCHEDULER,
    "task_stopped_host_terminated": None,
    "task_stopped_image_never_pulled": ODD,
    "task_stopped_init_container_failed": ODD,
    "task_stopped_no_capacity": ODD,
    "task_stopped_nonzero_exit": EXIT,
    "task_stopped_nonzero_exit_without_stop_code": NO_CODE,
    "task_stopped_out_of_memory": EXIT,
    "task_stopped_run_done": RUN,
    "task_stopped_run_failed": RUN,
    "task_stopped_secret_missing": ODD,
    "task_stopped_sidecar_failed": EXIT,
    "task_stopped_standalone_host_terminated": LOST,
    "task_stopped_unknown_stop_code": ODD,
    "task_stopped_windows_exception": EXIT,
    "task_stopped_with_collateral": EXIT,
    "task_stopped_with_secrets_in_overrides": EXIT,
    "task_stopped_without_stop_code": None,
    "task_stopping_with_exit_code": None,
}


def on_the_bus() -> dict[str, dict[str, Any]]:
    """The envelopes among the files, as if they came from our Region; batches and payloads never meet a rule."""
    events = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES}
    return {name: event | {"region": REGION} for name, event in events.items() if "detail-type" in event}


@pytest.mark.parametrize("name", sorted(on_the_bus()))
def test_a_file_takes_the_road_meant_for_it(name: str) -> None:
    assert name in ROUTED, f"say in ROUTED which rule routes {name}.json, or None"
    wanted = ROUTED[name]
    assert rules_that_match(on_the_bus()[name], TAKERS) == ([wanted] if wanted else [])


def test_no_road_is_stated_for_a_file_that_is_gone() -> None:
    assert not set(ROUTED) - set(on_the_bus())


def test_every_rule_routes_a_file() -> None:
    ours = {rule for rule in event_patterns() if rule.startswith(TAKERS)}
    assert ours <= set(ROUTED.values()), "add a file to events/ for the rule that has none"
