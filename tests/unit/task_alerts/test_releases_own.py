"""What ECS says of a deployment that a release sent back is no news; what happens to any other one is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from breakwater.diagnosis import Facts
from breakwater.errors import ThrottledError
from breakwater.events import read
from breakwater.sent_back import SentBack
from breakwater.sent_back_store import SentBackStore
from task_alerts.decision import Ignore, Report, decide_alert
from task_alerts.handler import respond
from tests.fakes.alerts import ACCOUNT, REGION, Context, House, a_batch, a_failed_deployment
from tests.fakes.table import FakeTable

EVENT_TIME = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)
ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service-deployment/prod/web/1"
OTHER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service-deployment/prod/web/2"
FAILED, BEGINS = "SERVICE_DEPLOYMENT_FAILED", "SERVICE_DEPLOYMENT_IN_PROGRESS"
WAY_BACK = "rolling back to deploymentId ecs-svc/0."
SENT = SentBack(ARN, "ecs-svc/1", EVENT_TIME - timedelta(seconds=10))


def deployment(name: str, id_: str, reason: str = "stopped") -> dict[str, Any]:
    event = a_failed_deployment()
    event["detail"] |= {"eventName": name, "deploymentId": id_, "reason": reason}
    return event


def hook(arn: str, name: str = "HOOK_FAILED") -> dict[str, Any]:
    event = a_failed_deployment()
    event |= {"detail-type": "ECS Hook State Change", "resources": [arn]}
    event["detail"] = {
        "eventType": "ERROR",
        "eventName": name,
        "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod",
        "serviceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/prod/web",
        "serviceDeploymentArn": arn,
    }
    return event


@pytest.mark.parametrize(
    ("event", "sent", "expected"),
    [
        pytest.param(hook(ARN), SENT, Ignore, id="its hook was told to go back"),
        pytest.param(deployment(FAILED, "ecs-svc/1"), SENT, Ignore, id="its deployment failed"),
        pytest.param(deployment(BEGINS, "ecs-svc/0", WAY_BACK), SENT, Ignore, id="the way back begins"),
        pytest.param(hook(OTHER), SENT, Report, id="the hook of another deployment"),
        pytest.param(hook(ARN, "HOOK_TIMED_OUT"), SENT, Report, id="its hook ran out of time"),
        pytest.param(deployment(FAILED, "ecs-svc/7"), SENT, Report, id="another deployment failed"),
        pytest.param(deployment(FAILED, "ecs-svc/1"), SentBack(ARN, "", SENT.at), Report, id="its id was not known"),
        pytest.param(
            deployment(BEGINS, "ecs-svc/0", WAY_BACK),
            SentBack(ARN, "ecs-svc/1", EVENT_TIME - timedelta(minutes=11)),
            Report,
            id="another way back, later",
        ),
        pytest.param(
            deployment(FAILED, "ecs-svc/1", "ECS deployment circuit breaker: tasks failed to start."),
            SENT,
            Report,
            id="the circuit breaker was first",
        ),
        pytest.param(hook(ARN), None, Report, id="nothing was sent back, or it could not be read"),
    ],
)
def test_what_a_release_sends_back_is_told_once(event: dict[str, Any], sent: SentBack | None, expected: type) -> None:
    assert isinstance(decide_alert(read(event), Facts(now=EVENT_TIME), None, sent), expected)


def test_it_is_read_once_for_a_batch_and_its_loss_is_no_loss_of_news(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    SentBackStore(house.table).note("prod/web", SENT)
    events = (hook(ARN), deployment(FAILED, "ecs-svc/1"), deployment(BEGINS, "ecs-svc/0", WAY_BACK))
    before = house.table.calls
    assert respond(a_batch(*events), Context(), house.work()) == {"batchItemFailures": []}
    assert (house.told, house.table.calls - before) == ([], 2)  # this, and the ledger

    def throttled(self: SentBackStore, services: object) -> None:
        raise ThrottledError("read items: ProvisionedThroughputExceededException")

    monkeypatch.setattr(SentBackStore, "load", throttled)
    respond(a_batch(*events), Context(), house.work())
    assert len(house.told) == 3


def test_the_newest_of_each_service_is_kept_and_ends_with_the_day() -> None:
    table = FakeTable()
    store = SentBackStore(table)
    newer = SentBack(OTHER, "", EVENT_TIME)
    for sent in (SENT, newer):
        store.note("prod/web", sent)
    store.note("prod/api", SENT)
    assert store.load(["prod/web", "prod/api", "prod/new"]) == {"prod/web": newer, "prod/api": SENT}
    [ttl] = {item["ttl"] for key, item in table.items.items() if key[0] == "SENTBACK#prod/web"}
    assert ttl == int((EVENT_TIME + timedelta(days=1)).timestamp())
