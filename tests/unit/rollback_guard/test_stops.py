"""What one stopped task is worth, told by events of the model and by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from breakwater.diagnosis import Facts
from breakwater.events import read
from breakwater.evidence import Kind
from breakwater.model import Cause
from rollback_guard.counted import Stop
from rollback_guard.stops import read_stop

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FACTS = Facts(now=NOW, account="111122223333", region="us-east-1")
ARN = "arn:aws:ecs:us-east-1:111122223333"
EXITED = "Essential container in task exited"


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def task(reason: str = EXITED, code: int | None = 1, ran: float | None = 5, **changes: Any) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "app", "lastStatus": "STOPPED", "image": "registry.example.com/api/o:1"}
    detail: dict[str, Any] = {
        "taskArn": f"{ARN}:task/prod/0123456789abcdef0123456789abcdef",
        "clusterArn": f"{ARN}:cluster/prod",
        "taskDefinitionArn": f"{ARN}:task-definition/web:42",
        "group": "service:web",
        "startedBy": "ecs-svc/2",
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "version": 7,
        "stopCode": "TaskFailedToStart" if ran is None else "EssentialContainerExited",
        "stoppedReason": reason,
        "stoppingAt": ago(15),
        "stoppedAt": ago(0),
        "containers": [container],
    }
    if code is not None and ran is not None:
        container["exitCode"] = code
    if ran is not None:
        detail |= {"startedAt": ago(15 + ran), "executionStoppedAt": ago(15)}
    envelope: dict[str, Any] = changes.pop("envelope", {})
    event: dict[str, Any] = {
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": "111122223333",
        "region": "us-east-1",
        "time": ago(0),
        "resources": [detail["taskArn"]],
        "detail": detail | changes,
    }
    return event | envelope


@pytest.mark.parametrize(
    ("event", "kind", "cause"),
    [
        pytest.param(task(), Kind.EARLY, Cause.APP_ERROR, id="a crash on start"),
        pytest.param(task(ran=31), Kind.YOUNG, Cause.APP_ERROR, id="a crash after half a minute"),
        pytest.param(task(ran=301), Kind.LATE, Cause.APP_ERROR, id="a crash after five minutes"),
        pytest.param(task(code=127), Kind.CERTAIN, Cause.BAD_COMMAND, id="command not found"),
        pytest.param(task(code=127, ran=3600), Kind.LATE, Cause.BAD_COMMAND, id="127 after an hour"),
        pytest.param(
            task("CannotPullContainerError: manifest unknown: not found", ran=None),
            Kind.CERTAIN,
            Cause.IMAGE_PULL,
            id="image not found",
        ),
        pytest.param(
            task("CannotPullContainerError: dial tcp 10.0.0.1:443: i/o timeout", ran=None),
            Kind.OUTSIDE,
            Cause.IMAGE_PULL,
            id="registry out of reach",
        ),
        pytest.param(
            task("CannotPullContainerError: registry.example.com/api/o:1: not found", ran=None),
            Kind.CERTAIN,
            Cause.IMAGE_PULL,
            id="words in an image's name do not count",
        ),
        pytest.param(
            task("CannotPullContainerError: toomanyrequests: Rate exceeded", ran=None),
            Kind.OUTSIDE,
            Cause.IMAGE_PULL,
            id="rate limit",
        ),
        pytest.param(
            task("CannotPullContainerError: something new", ran=None), Kind.OUTSIDE, Cause.IMAGE_PULL, id="new words"
        ),
        pytest.param(
            task(
                "ResourceInitializationError: unable to pull secrets or registry auth: Secrets Manager can't find the "
                "specified secret.",
                ran=None,
            ),
            Kind.CERTAIN,
            Cause.SECRETS,
            id="secret not found",
        ),
        pytest.param(
            task(
                "ResourceInitializationError: unable to pull secrets: AccessDeniedException: not authorized", ran=None
            ),
            Kind.YOUNG,
            Cause.SECRETS,
            id="secret denied: perhaps IAM does not know the role yet",
        ),
        pytest.param(
            task("Capacity is unavailable at this time.", ran=None), Kind.OUTSIDE, Cause.CAPACITY, id="no capacity"
        ),
        pytest.param(
            task("Task failed ELB health checks in (target-group x)", 143, 90, stopCode="ServiceSchedulerInitiated"),
            Kind.YOUNG,
            Cause.HEALTH_CHECK_ELB,
            id="failed health checks soon",
        ),
    ],
)
def test_a_stop_is_worth_what_it_says(event: dict[str, Any], kind: Kind, cause: Cause) -> None:
    stop = read_stop(read(event), FACTS)
    assert isinstance(stop, Stop), stop
    assert (stop.kind, stop.cause, stop.deployment, str(stop.service)) == (kind, cause, "ecs-svc/2", "prod/web")
    assert stop.at == NOW - timedelta(seconds=15)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(
            task("Scaling activity initiated by (deployment x)", 143, stopCode="ServiceSchedulerInitiated"),
            id="scale-in",
        ),
        pytest.param(task("Task stopped by user", 143, stopCode="UserInitiated"), id="a person"),
        pytest.param(task("Your Spot Task was interrupted.", 143, stopCode="SpotInterruption"), id="Spot"),
        pytest.param(task(code=0), id="exit code 0"),
        pytest.param(task(stopCode="SomethingNew"), id="unknown stop code"),
        pytest.param(task(group="family:web"), id="a standalone task"),
        pytest.param(task(startedBy=None), id="no deployment"),
        pytest.param(task(taskDefinitionArn=None), id="no task definition"),
        pytest.param(task(envelope={"replay-name": "again"}), id="a replay"),
        pytest.param(task(envelope={"time": ago(31 * 60)}), id="half an hour old"),
        pytest.param(
            task("Capacity is unavailable", ran=None, envelope={"replay-name": "again"}), id="an old shortage"
        ),
        pytest.param(task(envelope={"account": "999999999999"}), id="a foreign account"),
        pytest.param(task(lastStatus="RUNNING"), id="it still runs"),
        pytest.param({"detail-type": "ECS Deployment State Change", "detail": {}}, id="another event"),
    ],
)
def test_what_is_no_failure_of_the_revision_says_why(event: dict[str, Any]) -> None:
    answer = read_stop(read(event), FACTS)
    assert isinstance(answer, str)
    assert answer


def test_an_exit_code_before_stopped_is_early_evidence_of_the_same_failure() -> None:
    early, final = (read_stop(read(task(lastStatus=status)), FACTS) for status in ("DEACTIVATING", "STOPPED"))
    assert isinstance(early, Stop)
    assert isinstance(final, Stop)
    assert early.early_read
    assert not final.early_read
    assert (early.task, early.kind, early.code, early.at) == (final.task, final.kind, final.code, final.at)


def test_a_task_that_is_ending_without_a_code_is_not_early_evidence() -> None:
    assert isinstance(read_stop(read(task(code=None, lastStatus="DEACTIVATING")), FACTS), str)
