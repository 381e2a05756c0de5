"""The append-only log: one entry for every change of anything, and its line of JSON."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from sandbox.ecs.names import iso


class Change(NamedTuple):
    """One change. `status` is what the subject is now; `note` says why, if there is more to say."""

    at: int
    kind: str
    """task, container, service, service_action, deployment, service_deployment, hook, instance, target, alarm or
    task_definition."""
    subject: str
    version: int
    """Of a task or a container instance; 0 where ECS keeps none."""
    status: str
    note: str


def line(change: Change) -> str:
    """One line of JSON, the same for the same change everywhere."""
    entry = {
        "at": iso(change.at),
        "kind": change.kind,
        "subject": change.subject,
        "version": change.version,
        "status": change.status,
        "note": change.note,
    }
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=False)


def lines(changes: Iterable[Change]) -> str:
    """The whole log as text."""
    return "".join(f"{line(change)}\n" for change in changes)
