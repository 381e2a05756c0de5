"""Releases of a scenario: begun and answered as `breakwater release` does it, and what is left of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from breakwater.approvals import ABORTED, APPROVED, Approvals
from breakwater.rendezvous import Word
from breakwater.rendezvous_store import Rendezvous, send_by
from breakwater.store import Table
from sandbox.errors import SandboxError
from sandbox.simulation.actions import AnswerRelease, Release
from sandbox.simulation.build import ScenarioError, Stage
from sandbox.simulation.finding import cluster_of, next_revision

_WORDS = {"approve": APPROVED, "abort": ABORTED}


@dataclass(frozen=True, slots=True)
class Released:
    """One release as its record has it. `result` is empty while it goes on; `service` is `cluster/name`."""

    service: str
    revision: str
    attended: bool
    result: str
    reason: str


def start(stage: Stage, action: Release) -> None:
    """Register the revision on the caller's side, and start the execution that releases it."""
    scenario = stage.scenario
    family = scenario.services[action.service].task
    if action.image is not None:
        wanted = next_revision(stage, action.service, action.image, action.container)
    else:
        wanted = f"{family}:{action.revision}"
    given = {"service": f"{cluster_of(stage, action.service)}/{action.service}", "task_definition": wanted}
    try:
        machine = stage.sandbox.resource("ReleaseStateMachine").physical_id
    except SandboxError:
        raise ScenarioError("the template has no ReleaseStateMachine that would release anything") from None
    number = sum(one.name.startswith(f"{action.service}-") for one in stage.sandbox.executions) + 1
    stage.aws("stepfunctions").start_execution(
        stateMachineArn=machine,
        name=f"{action.service}-{number}",
        input=json.dumps({**given, **({"requested_by": action.by} if action.by else {})}),
    )


def answer(stage: Stage, action: AnswerRelease) -> None:
    """Keep a person's word on the deployment of a release, and tell it to who waits."""
    subject, sandbox = f"{cluster_of(stage, action.service)}/{action.service}", stage.sandbox
    latest = next((one for one in _records(stage) if one["service"] == subject and one["service_deployment"]), None)
    if latest is None:
        raise ScenarioError(f"{action.service} has no release that deployed anything")
    if action.answer == "approve" and not latest["question"]:
        raise ScenarioError(f"the release of {action.service} asks nothing")
    table = Table(lambda: stage.aws("dynamodb"), sandbox.resource("Table").physical_id)
    asked = datetime.fromisoformat(latest["question"]["since"]) if latest["question"] else None
    word = Word(_WORDS[action.answer], action.by, sandbox.now)
    Approvals(table).give(latest["service_deployment"], word.word, word.by, word.at, asked=asked)
    meetings = Rendezvous(table, send_by(lambda: stage.aws("stepfunctions")))
    meetings.arrive(subject, word.message(latest["service_deployment"]), sandbox.now)


def released(stage: Stage) -> Iterator[Released]:
    """All releases that have begun, the first one first."""
    for record in reversed([*_records(stage)]):
        ending = record["ending"] or {"error": "", "cause": record["why"]}
        revision = str(record["task_definition"]).rpartition("/")[2]
        yield Released(record["service"], revision, record["attended"], ending["error"], ending["cause"])


def _records(stage: Stage) -> Iterator[dict[str, Any]]:
    """The records of releases, the latest one first."""
    items = (item for item in stage.sandbox.table_items() if str(item["pk"]).startswith("RELEASE#"))
    records: list[dict[str, Any]] = [json.loads(str(item["doc"])) for item in items]
    yield from sorted(records, key=lambda record: (record["began_at"], record["execution"]), reverse=True)
