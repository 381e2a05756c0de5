"""What tests of all kinds share: whole events from `events/`, with a few fields changed, and usual facts."""

import copy
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from breakwater.diagnosis import Facts, Memory, diagnose
from breakwater.events import read
from breakwater.model import Diagnosis

EVENTS = Path(__file__).parent.parent / "events"
ACCOUNT = "111122223333"
REGION = "eu-central-1"
DEPLOYMENT = "ecs-svc/7001002003004005006"
NOW = datetime(2026, 4, 14, 7, 31, tzinfo=UTC)
ABSENT = object()

_DETAIL = {
    "task_arn": "taskArn",
    "cluster_arn": "clusterArn",
    "last_status": "lastStatus",
    "desired_status": "desiredStatus",
    "group": "group",
    "started_by": "startedBy",
    "stop_code": "stopCode",
    "stopped_reason": "stoppedReason",
    "containers": "containers",
    "overrides": "overrides",
    "task_definition_arn": "taskDefinitionArn",
    "event_name": "eventName",
    "event_type": "eventType",
    "reason": "reason",
    "deployment_id": "deploymentId",
    "status": "status",
    "overall_status": "overallStatus",
}
_CONTAINER = {"exit_code": "exitCode", "container_reason": "reason", "container_status": "lastStatus"}
_OBJECT = {"key": "key", "size": "size", "version_id": "version-id", "etag": "etag", "sequencer": "sequencer"}
_ENVELOPE = {"detail_type": "detail-type", "replay_name": "replay-name"}


@cache
def _text(name: str) -> str:
    return (EVENTS / f"{name}.json").read_text(encoding="utf-8")


def load_event(name: str, **changes: object) -> dict[str, Any]:
    """Load an event of `events/` with some fields changed; `ABSENT` takes a field away.

    Words in snake_case name fields of the detail, of the first container (`exit_code`, `container_reason`,
    `container_status`) or of the S3 object; everything else is a field of the envelope or of our own payload.
    """
    event: dict[str, Any] = json.loads(_text(name))
    for word, value in changes.items():
        if word in _CONTAINER:
            target, key = event["detail"]["containers"][0], _CONTAINER[word]
        elif word in _OBJECT:
            target, key = event["detail"]["object"], _OBJECT[word]
        elif word in _DETAIL and isinstance(event.get("detail"), dict):
            target, key = event["detail"], _DETAIL[word]
        else:
            target, key = event, _ENVELOPE.get(word, word)
        if value is ABSENT:
            target.pop(key, None)
        else:
            target[key] = copy.deepcopy(value)
    return event


def a_container(
    name: str = "app", code: object = None, status: str = "STOPPED", reason: object = None
) -> dict[str, Any]:
    """Make one entry of `containers`; without a code or reason it has no such field."""
    entry: dict[str, Any] = {"name": name, "lastStatus": status}
    if code is not None:
        entry["exitCode"] = code
    if reason is not None:
        entry["reason"] = reason
    return entry


def some_facts(**changes: Any) -> Facts:
    """Give the usual facts: our account, a minute later, `app` and `job` essential, the deployment in progress."""
    usual: dict[str, Any] = {
        "now": NOW,
        "account": ACCOUNT,
        "region": REGION,
        "essential": {"app": True, "job": True},
        "deployment_in_progress": DEPLOYMENT,
    }
    return Facts(**(usual | changes))


def judge(event: object, memory: Memory | None = None, **facts: Any) -> Diagnosis:
    """Read and diagnose one raw event under the usual facts."""
    return diagnose(read(event), some_facts(**facts), memory)
