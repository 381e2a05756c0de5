"""What ECS says of a rollback that Breakwater's guard asked for is no news; what anybody else did is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from breakwater.diagnosis import Facts
from breakwater.errors import ThrottledError
from breakwater.events import read
from breakwater.ledger import Ledger, Rollback, State
from breakwater.ledger_store import Ledgers
from task_alerts.decision import Ignore, Report, decide_alert
from task_alerts.handler import respond
from tests.fakes.alerts import Context, House, a_batch, a_failed_deployment

NOON = datetime(2026, 3, 2, 10, tzinfo=UTC)
STOPPED = "Service deployment rolled back because of StopServiceDeployment API."
BREAKER = "ECS deployment circuit breaker: tasks failed to start."
WAY_BACK = "rolling back to deploymentId ecs-svc/0."


def ledger(state: State = State.ASKED, stop: str | None = "arn:sd/1", deployment: str | None = None) -> Ledger:
    return Ledger(
        rollbacks=(Rollback(NOON, "web:2", "web:1", "ecs-svc/1", state, "it crashes", stop, deployment=deployment),)
    )


def told(name: str, deployment: str, reason: str) -> dict[str, Any]:
    event = a_failed_deployment()
    event["detail"] |= {"eventName": name, "deploymentId": deployment, "reason": reason}
    return event


FAILED, BEGINS = "SERVICE_DEPLOYMENT_FAILED", "SERVICE_DEPLOYMENT_IN_PROGRESS"


@pytest.mark.parametrize(
    ("event", "kept", "expected"),
    [
        pytest.param(told(FAILED, "ecs-svc/1", STOPPED), ledger(), Ignore, id="the deployment that the guard stopped"),
        pytest.param(told(FAILED, "ecs-svc/1", STOPPED), ledger(State.STEADY), Ignore, id="told late"),
        pytest.param(told(BEGINS, "ecs-svc/0", WAY_BACK), ledger(), Ignore, id="its way back"),
        pytest.param(
            told(BEGINS, "ecs-svc/0", WAY_BACK),
            ledger(State.STEADY, deployment="ecs-svc/0"),
            Ignore,
            id="its way back, told late",
        ),
        pytest.param(told(FAILED, "ecs-svc/1", STOPPED), Ledger(), Report, id="a person stopped it"),
        pytest.param(told(FAILED, "ecs-svc/1", STOPPED), None, Report, id="the ledger could not be read"),
        pytest.param(told(FAILED, "ecs-svc/7", STOPPED), ledger(), Report, id="a person stopped another one"),
        pytest.param(told(BEGINS, "ecs-svc/5", WAY_BACK), ledger(State.STEADY), Report, id="another way back"),
        pytest.param(told(BEGINS, "ecs-svc/5", WAY_BACK), ledger(stop=None), Report, id="ours was an update"),
        pytest.param(told(FAILED, "ecs-svc/1", BREAKER), ledger(), Report, id="the circuit breaker was first"),
    ],
)
def test_what_the_guard_did_is_told_once(event: dict[str, Any], kept: Ledger | None, expected: type) -> None:
    assert isinstance(decide_alert(read(event), Facts(now=NOON), kept), expected)


def test_the_ledger_is_read_once_for_a_batch_and_its_loss_is_no_loss_of_news(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    store = Ledgers(house.table)
    assert store.keep(store.load(["prod/web"])["prod/web"], ledger()) is not None
    stopped = told(FAILED, "ecs-svc/1", STOPPED)
    assert respond(a_batch(stopped, stopped), Context(), house.work()) == {"batchItemFailures": []}
    assert house.told == []

    def throttled(self: Ledgers, services: object) -> None:
        raise ThrottledError("read items: ProvisionedThroughputExceededException")

    monkeypatch.setattr(Ledgers, "load", throttled)
    respond(a_batch(stopped), Context(), house.work())
    assert len(house.told) == 1
