"""From what ECS, the marks and the ledger say to the picture that is decided on."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from breakwater.evidence import Kind
from breakwater.ledger import KnownGood, Ledger, Quarantined
from breakwater.model import Cause
from breakwater.services import Image, Rollout, ServiceDeployment, ServiceNow, ServiceRevision
from rollback_guard.picture import Picture
from rollback_guard.records import Mark, Note
from rollback_guard.sight import History, backfill, picture_of
from tests.unit.rollback_guard.pictures import BAD, GOOD, NOON, NOW, OLDER

PRIMARY = Rollout("ecs-svc/2", "PRIMARY", BAD, "IN_PROGRESS", desired=10, pending=4, created_at=NOON, updated_at=NOON)
COMPLETED = replace(PRIMARY, state="COMPLETED", running=10, pending=0, updated_at=NOON + timedelta(hours=5))


def a_service(primary: Rollout) -> ServiceNow:
    return ServiceNow("arn", "prod", "web", "ACTIVE", "ECS", "ROLLING", 10, 10, 0, (primary,))


def a_mark(task: int, at: datetime, deployment: str = "ecs-svc/2") -> Mark:
    return Mark(f"arn:task/{task}", deployment, BAD, Kind.EARLY, Cause.APP_ERROR, at, "it crashed", 1)


def seen(
    primary: Rollout, *ends: datetime, now: datetime = NOW, ledger: Ledger | None = None, history: History | None = None
) -> Picture:
    marks = [a_mark(number, at) for number, at in enumerate(ends)]
    return picture_of(a_service(primary), primary, marks, Note(), ledger or Ledger(), history, now)


def test_while_it_rolls_out_all_failures_count_however_long_ago() -> None:
    later = NOW + timedelta(hours=3)
    assert seen(PRIMARY, NOON, NOON, later, now=later).own.failures == 3


def test_once_it_is_completed_failures_before_a_long_quiet_count_no_more() -> None:
    later = NOW + timedelta(minutes=40)
    assert seen(COMPLETED, NOON, NOON, later, now=later).own.failures == 1


def test_what_ended_in_the_last_twenty_seconds_the_breaker_may_not_have_counted() -> None:
    ends = [NOW - timedelta(seconds=seconds) for seconds in (0, 19, 20, 21, 60)]
    assert seen(PRIMARY, *ends).recent == 3


OLD = Rollout("ecs-svc/1", "ACTIVE", GOOD, "COMPLETED", created_at=NOON - timedelta(days=1), running=10)
FIRST_TRY = Rollout("ecs-svc/0", "ACTIVE", OLDER, "IN_PROGRESS", created_at=NOON - timedelta(minutes=3), running=1)


@pytest.mark.parametrize(
    ("deployment", "ledger", "counted"),
    [
        pytest.param("ecs-svc/1", Ledger(), 2, id="the old revision"),
        pytest.param("ecs-svc/0", Ledger(), 0, id="a first attempt that never COMPLETED"),
        pytest.param("ecs-svc/9", Ledger(), 2, id="one that is not listed any more"),
        pytest.param("ecs-svc/9", Ledger(quarantined=(Quarantined(OLDER, NOON),)), 0, id="which was rolled back"),
    ],
)
def test_a_revision_that_is_bad_itself_is_no_control_group(deployment: str, ledger: Ledger, counted: int) -> None:
    service = replace(a_service(PRIMARY), rollouts=(PRIMARY, OLD, FIRST_TRY))
    revision = {"ecs-svc/1": GOOD}.get(deployment, OLDER)
    marks = [replace(a_mark(number, NOON, deployment), revision=revision) for number in range(2)]
    picture = picture_of(service, PRIMARY, marks, Note(), ledger, None, NOW)
    assert picture.control.failures == counted


def last(finished: datetime | None, status: str = "SUCCESSFUL", on: str = BAD) -> History:
    deployment = ServiceDeployment("arn:sd/2", status, "arn:rev/2", finished_at=finished)
    revision = ServiceRevision("arn:rev/2", on, (Image("app", "web:1", "sha256:1"), Image("agent", "agent:1")))
    return History((deployment,), {"arn:rev/2": revision})


@pytest.mark.parametrize(
    ("ledger", "history", "expected"),
    [
        pytest.param(Ledger(), None, COMPLETED.updated_at, id="as ECS says, which may be late"),
        pytest.param(
            Ledger((KnownGood(BAD, NOON + timedelta(minutes=11)),)), None, NOON + timedelta(minutes=11), id="the bake"
        ),
        pytest.param(
            Ledger((KnownGood(BAD, NOON - timedelta(days=1)),)),
            None,
            COMPLETED.updated_at,
            id="of an earlier deployment",
        ),
        pytest.param(
            Ledger(), last(NOON + timedelta(minutes=1)), NOON + timedelta(minutes=1), id="the service deployment"
        ),
        pytest.param(
            Ledger(), last(NOON + timedelta(minutes=1), on=GOOD), COMPLETED.updated_at, id="which is another's"
        ),
    ],
)
def test_when_a_deployment_was_completed(ledger: Ledger, history: History | None, expected: datetime) -> None:
    assert seen(COMPLETED, ledger=ledger, history=history).primary.completed_at == expected


def deployment(number: int, status: str, minutes: float) -> ServiceDeployment:
    return ServiceDeployment(
        f"arn:sd/{number}", status, f"arn:rev/{number}", finished_at=NOON + timedelta(minutes=minutes)
    )


PAST = History(
    (deployment(3, "IN_PROGRESS", 0), deployment(2, "SUCCESSFUL", -60), deployment(1, "SUCCESSFUL", -600)),
    {f"arn:rev/{number}": ServiceRevision(f"arn:rev/{number}", on) for number, on in ((1, OLDER), (2, GOOD), (3, BAD))},
)


@pytest.mark.parametrize(
    ("on", "crashed", "minutes", "expected"),
    [
        pytest.param(BAD, True, 0, [GOOD], id="the last completed one"),
        pytest.param(GOOD, False, 0, [GOOD], id="which is the one that runs"),
        pytest.param(GOOD, True, 0, [OLDER], id="which fails now: the one before it"),
        pytest.param(GOOD, False, -55, [OLDER], id="which has not run for long: the one before it"),
    ],
)
def test_a_service_that_was_there_before_starts_with_what_completed_last(
    on: str, crashed: bool, minutes: float, expected: list[str]
) -> None:
    primary = replace(COMPLETED, task_definition=on)
    now = NOON + timedelta(minutes=minutes)
    ledger = backfill(Ledger(), primary, PAST, crashed=crashed, now=now, bake=10)
    assert ([each.revision for each in ledger.known_good], ledger.backfilled) == (expected, True)
