"""A finding is the same fact however it is told, and another fact when it is another."""

from typing import Any

import pytest

from breakwater.diagnosis import diagnose
from breakwater.events import Unreadable, read
from breakwater.findings import finding_of
from breakwater.model import Finding
from tests.support import NOW, load_event, some_facts


def found(event: dict[str, Any], **facts: Any) -> Finding:
    """The finding of an event that makes one."""
    known = some_facts(**facts)
    typed = read(event)
    assert not isinstance(typed, Unreadable)
    finding = finding_of(typed, diagnose(typed, known), known.now)
    assert finding is not None
    return finding


@pytest.mark.parametrize("part", ["serviceDeploymentArn", "hookId", "lifecycleStage", "updatedAt"])
def test_a_hook_of_another_deployment_stage_or_time_is_another_fact(part: str) -> None:
    event = load_event("hook_awaiting_action")
    other = load_event("hook_awaiting_action")
    other["detail"][part] = "2026-04-15T07:30:00Z"
    assert found(event).identity != found(other).identity


def test_the_same_hook_under_another_envelope_is_the_same_fact() -> None:
    event = load_event("hook_awaiting_action")
    assert found(event).identity == found(event | {"id": "other", "time": "2026-04-14T07:30:59Z"}).identity


def test_a_task_ended_when_its_detail_says_whatever_the_envelopes_time() -> None:
    event = load_event("task_stopped_nonzero_exit")
    event["detail"]["stoppedAt"] = "2026-04-14T07:01:02.345Z"
    again = event | {"time": "2026-04-14T07:30:30Z"}
    assert found(event).at == found(again).at
    assert found(event).at.isoformat() == "2026-04-14T07:01:02.345000+00:00"


def test_what_claims_to_happen_in_the_future_happened_now() -> None:
    event = load_event("task_stopped_nonzero_exit")
    event["detail"]["stoppedAt"] = "2099-01-01T00:00:00Z"
    assert found(event).at == NOW


def test_a_long_arn_stays_long_enough_to_be_looked_up() -> None:
    event = load_event("task_stopped_nonzero_exit")
    arn = f"arn:aws:ecs:eu-central-1:111122223333:task-definition/{'f' * 250}:7"
    event["detail"]["taskDefinitionArn"] = arn
    assert found(event).evidence.task_definition == arn


@pytest.mark.parametrize("family", ["password-reset", "auth-token-api", "secrets-sync", "api-key-rotator"])
def test_revisions_of_a_family_with_a_secretive_name_are_told_apart(family: str) -> None:
    revisions = set()
    for number in (12, 13):
        event = load_event("task_stopped_nonzero_exit")
        event["detail"]["taskDefinitionArn"] = (
            f"arn:aws:ecs:eu-central-1:111122223333:task-definition/{family}:{number}"
        )
        revisions.add(found(event).subject.revision)
    assert revisions == {f"{family}:12", f"{family}:13"}


def test_no_value_of_an_override_is_part_of_what_is_kept() -> None:
    finding = found(load_event("task_stopped_with_secrets_in_overrides"))
    assert finding.scrub
    assert not any(value in repr(finding) for value in finding.scrub if len(value) > 8)
