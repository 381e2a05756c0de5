"""Two surges in the sandbox: one is given back at its end, in the other one somebody changes the count and keeps it.

For a stack in mode act. `surges` puts a policy into force that lets surges act, and takes an hour and a half of the
stack's time.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.front import Sandbox

MINUTE = timedelta(minutes=1)
CLUSTER = "shop"
GIVEN_BACK, KEPT = "checkout", "search"
FOUND, SURGED, BY_HAND = 4, 12, 7


@dataclass(frozen=True, slots=True)
class Turn:
    """What stood where at one moment, and what had happened just before."""

    at: datetime
    service: str
    desired: int
    what: str


def surges(stack: Sandbox) -> list[Turn]:
    """Live through it; one turn for each change of a count, in order."""
    _services(stack)
    turns: list[Turn] = []

    def note(service: str, what: str) -> None:
        desired = stack.ecs.active_service(CLUSTER, service).desired
        turns.append(Turn(stack.now, service, desired, what))

    for service in (GIVEN_BACK, KEPT):
        note(service, "as found")
        answer = stack.invoke("ScalerFunction", _start(service))
        note(service, str(json.loads(answer.payload)["reason"]))
    stack.advance(20 * MINUTE)
    stack.client("ecs").update_service(cluster=CLUSTER, service=KEPT, desiredCount=BY_HAND)
    note(KEPT, f"somebody sets {BY_HAND}")
    stack.advance(70 * MINUTE)
    for service in (GIVEN_BACK, KEPT):
        note(service, _last_word(stack, service))
    return turns


def _start(service: str) -> dict[str, Any]:
    return {"action": "start", "cluster": CLUSTER, "service": service, "desired": SURGED, "minutes": 60, "by": "sale"}


def _last_word(stack: Sandbox, service: str) -> str:
    entries = [item for item in stack.table_items() if item["pk"] == f"JOURNAL#{CLUSTER}/{service}"]
    said = [entry for entry in entries if entry["automation"] == "scaler" and "incident" not in entry["decision"]]
    return f"{said[-1]['decision']}: {said[-1]['reason']}"


def _services(stack: Sandbox) -> None:
    ecs = stack.client("ecs")
    ecs.create_cluster(clusterName=CLUSTER)
    for service in (GIVEN_BACK, KEPT):
        ecs.register_task_definition(
            family=service,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": "app", "image": f"{service}:1"}],
        )
        ecs.create_service(
            cluster=CLUSTER,
            serviceName=service,
            taskDefinition=service,
            desiredCount=FOUND,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
        )
    stack.client("dynamodb").put_item(
        TableName=stack.resource("Table").physical_id,
        Item={
            "pk": {"S": "POLICY"},
            "sk": {"S": "COMPILED"},
            "digest": {"S": "surges"},
            "doc": {"S": json.dumps({"scaling": {"surge": {"mode": "act"}}})},
        },
    )
    stack.advance(5 * MINUTE)
