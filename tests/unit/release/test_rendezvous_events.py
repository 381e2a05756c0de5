"""Which events a waiting release hears of, and under whose name."""

from typing import Any

import pytest

from breakwater.events import read
from breakwater.rendezvous import Kind, Wait
from breakwater.rendezvous_events import message_of
from tests.support import ABSENT, load_event


@pytest.mark.parametrize(
    ("name", "changes", "kind"),
    [
        ("hook_awaiting_action", {}, Kind.HOOK),
        ("hook_awaiting_action", {"resources": []}, Kind.HOOK),
        ("hook_awaiting_action", {"event_name": "HOOK_SUCCEEDED"}, None),
        ("deployment_completed", {}, Kind.ENDED),
        ("deployment_failed", {}, Kind.ENDED),
        ("deployment_failed_as_service_action", {}, Kind.ENDED),
        ("deployment_in_progress", {}, None),
        ("deployment_failed", {"deployment_id": ABSENT}, None),
        ("deployment_failed", {"resources": []}, None),
        ("task_stopped_nonzero_exit", {}, None),
        ("object_created", {}, None),
    ],
)
def test_hooks_that_wait_and_deployments_that_end_are_messages(
    name: str, changes: dict[str, Any], kind: Kind | None
) -> None:
    told = message_of(read(load_event(name, **changes)))
    assert (told.message.kind if told else None) is kind
    if told is not None:
        assert told.key.count("/") == 1
        assert told.message.at


def test_a_hook_says_where_it_waits_and_for_what_deployment() -> None:
    told = message_of(read(load_event("hook_awaiting_action")))
    assert told is not None
    assert told.key == "shop/checkout"
    assert told.message.body["hook_id"] == "ecs-pause-5b1d0c2e"
    assert Wait(1, "t", (Kind.HOOK,), (str(told.message.deployment),)).takes(told.message)


def test_the_same_event_is_the_same_message_and_a_later_one_is_another() -> None:
    first, again, later = (
        message_of(read(load_event("deployment_completed", id=str(number), **changes)))
        for number, changes in enumerate([{}, {}, {"time": "2026-04-15T00:00:00Z"}])
    )
    assert first == again
    again_later = load_event("deployment_completed")
    again_later["detail"]["updatedAt"] = "2026-04-15T00:00:00Z"
    other = message_of(read(again_later))
    assert first is not None
    assert other is not None
    assert later == first, "the envelope's time is that of the delivery"
    assert other.message.id != first.message.id


def test_secrets_in_a_reason_do_not_travel() -> None:
    told = message_of(read(load_event("deployment_failed", reason="failed: password=hunter2hunter2")))
    assert told is not None
    assert "hunter2" not in told.message.body["reason"]
