"""The input of a release is taken whole or refused whole, with every wrong field named."""

import json
from typing import Any

import pytest

from breakwater.model import Mode
from release.request import RequestError, read_request
from tests.support import EVENTS

ARN = "arn:aws:ecs:eu-central-1:111122223333:"
GOOD: dict[str, Any] = {"schema": "breakwater.release/1", "service": "shop/checkout", "task_definition": "checkout:43"}
WAITS = {
    "service_deployment": f"{ARN}service-deployment/shop/checkout/0EYSiB0qap8xf0N76FsbE",
    "hook_id": "ecs-pause-5b1d0c2e",
    "stage": "POST_TEST_TRAFFIC_SHIFT",
}


@pytest.mark.parametrize("name", ["release_start", "release_attend"])
def test_the_examples_in_events_are_releases(name: str) -> None:
    request = read_request(json.loads((EVENTS / f"{name}.json").read_text()))
    assert (request.cluster, request.service_name) == ("shop", "checkout")


def test_what_is_left_out_has_a_safe_meaning() -> None:
    request = read_request({"service": "shop/checkout", "task_definition": f"{ARN}task-definition/checkout:43"})
    assert (request.mode, request.despite_alarms, request.attend) == (Mode.ACT, False, None)
    assert not request.despite_quarantine


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"taskDefinition": "checkout:43"}, "taskDefinition: is not known", id="a key in another case"),
        pytest.param({"service": "checkout"}, "service: has not the form", id="no cluster"),
        pytest.param({"service": "shop/checkout; rm -rf /"}, "service: has not the form", id="a command"),
        pytest.param({"service": None}, "service", id="null"),
        pytest.param({"task_definition": "checkout"}, "task_definition", id="no revision"),
        pytest.param({"task_definition": "checkout:0"}, "task_definition", id="revision 0"),
        pytest.param({"task_definition": 43}, "task_definition", id="a number"),
        pytest.param({"task_definition": None}, "either task_definition or attend", id="neither"),
        pytest.param({"attend": WAITS}, "either task_definition or attend", id="both"),
        pytest.param({"mode": "force"}, "mode", id="a mode that is none"),
        pytest.param({"despite_alarms": "yes"}, "despite_alarms", id="text for a truth"),
        pytest.param({"despite_quarantine": 1}, "despite_quarantine", id="a number for a truth"),
        pytest.param({"schema": "breakwater.release/2"}, "schema", id="a later schema"),
        pytest.param({"requested_by": "a\nb"}, "requested_by", id="two lines"),
        pytest.param({"reason": "x" * 501}, "reason", id="too long"),
        pytest.param(
            {"task_definition": None, "attend": {**WAITS, "hook": 1}}, "attend.hook: is not known", id="inside"
        ),
        pytest.param(
            {"service": "shop/cart", "task_definition": None, "attend": WAITS}, "not a deployment", id="another"
        ),
    ],
)
def test_a_wrong_field_is_named_with_the_reason(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(RequestError, match=named):
        read_request(GOOD | changes)


def test_all_wrong_fields_are_named_at_once_and_values_are_not_repeated() -> None:
    with pytest.raises(RequestError) as caught:
        read_request({"service": "hunter2 hunter2", "extra": 1, "mode": "loud"})
    assert all(word in str(caught.value) for word in ("service:", "extra: is not known", "mode:"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("raw", [None, [], "text", 1])
def test_what_is_no_object_is_refused(raw: object) -> None:
    with pytest.raises(RequestError, match="not a JSON object"):
        read_request(raw)
