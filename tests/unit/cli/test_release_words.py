"""Whom a person means, and whether their word still reaches a release."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from breakwater.approvals import Approvals
from breakwater.model import Mode
from breakwater.rendezvous import Kind, Word
from breakwater.store import Table
from cli.context import WrongUsageError
from cli.release_target import ByDeployment, ByExecution, ByService, Target, target_of
from cli.release_words import Decline, Give, TooEarly, decide_word, said_before, word_of
from release.record import Ending, Question, Release, Stage
from tests.fakes.table import FakeTable

NOON = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ECS = "arn:aws:ecs:eu-central-1:111122223333:"
DEPLOYMENT = f"{ECS}service-deployment/prod/web/x1"
EXECUTION = "arn:aws:states:eu-central-1:111122223333:execution:breakwater-release:web-1"
RELEASE = Release(EXECUTION, "prod/web", Stage.FORWARD, Mode.ACT, NOON, service_deployment=DEPLOYMENT)
ASKED = replace(RELEASE, question=Question("hook-1", "too few requests", NOON, NOON + HOUR))
OVER = replace(RELEASE, stage=Stage.OVER, ending=Ending("failed", "Returned", "it is back"))


@pytest.mark.parametrize(
    ("text", "cluster", "meant"),
    [
        pytest.param("prod/web", None, ByService("prod/web"), id="cluster and service"),
        pytest.param("web", "prod", ByService("prod/web"), id="a service with its cluster beside it"),
        pytest.param("prod/web", "prod", ByService("prod/web"), id="the cluster twice"),
        pytest.param("prod-web-43-1f", None, ByExecution("prod-web-43-1f"), id="an execution's name"),
        pytest.param(EXECUTION, None, ByExecution(EXECUTION, "eu-central-1"), id="an execution's ARN"),
        pytest.param(DEPLOYMENT, None, ByDeployment(DEPLOYMENT, "prod/web", "eu-central-1"), id="a deployment's ARN"),
        pytest.param(f"{ECS}service/prod/web", None, ByService("prod/web", "eu-central-1"), id="a service's ARN"),
    ],
)
def test_a_release_is_named_in_any_of_these_ways(text: str, cluster: str | None, meant: Target) -> None:
    assert target_of(text, cluster) == meant


@pytest.mark.parametrize(
    ("text", "cluster"),
    [("", None), ("a/b/c", None), ("arn:aws:s3:::bucket", None), ("web", ""), ("prod/web", "test"), ("x y", None)],
)
def test_what_names_no_release_is_refused(text: str, cluster: str | None) -> None:
    with pytest.raises(WrongUsageError):
        target_of(text, cluster)


@pytest.mark.parametrize(
    ("kind", "release", "now", "expected", "said"),
    [
        pytest.param(Kind.APPROVED, ASKED, NOON, Give, "goes on although too few", id="asked and approved"),
        pytest.param(Kind.ABORTED, ASKED, NOON, Give, "goes back", id="asked and aborted"),
        pytest.param(Kind.ABORTED, RELEASE, NOON, Give, "goes back", id="aborted although nobody asked"),
        pytest.param(Kind.APPROVED, RELEASE, NOON, Decline, "nothing to approve", id="approved and nobody asked"),
        pytest.param(Kind.APPROVED, ASKED, NOON + HOUR, Decline, "until 13:00 UTC", id="approved too late"),
        pytest.param(Kind.ABORTED, ASKED, NOON + HOUR, Give, "goes back", id="aborted as late as that"),
        pytest.param(Kind.APPROVED, OVER, NOON, Decline, "over (Returned)", id="approved when it is over"),
        pytest.param(Kind.ABORTED, OVER, NOON, Decline, "over (Returned)", id="aborted when it is over"),
        pytest.param(
            Kind.ABORTED,
            replace(RELEASE, stage=Stage.RETURNING, why="smoke"),
            NOON,
            Decline,
            "on its way back already (smoke)",
            id="aborted when it goes back",
        ),
        pytest.param(
            Kind.ABORTED,
            replace(RELEASE, service_deployment=None),
            NOON,
            TooEarly,
            "no deployment yet",
            id="aborted before anything was deployed",
        ),
        pytest.param(
            Kind.ABORTED, replace(RELEASE, stage=Stage.TURNED), NOON, Decline, "over (turned)", id="it was refused"
        ),
    ],
)
def test_a_word_reaches_a_release_only_while_it_can_change_something(
    kind: Kind, release: Release, now: datetime, expected: type, said: str
) -> None:
    decision = decide_word(kind, release, now)
    assert isinstance(decision, expected)
    assert said in decision.reason


def test_a_word_on_another_deployment_than_the_one_under_way_is_declined() -> None:
    decision = decide_word(Kind.APPROVED, ASKED, NOON, deployment=f"{ECS}service-deployment/prod/web/old")
    assert isinstance(decision, Decline)
    assert "old is not the deployment" in decision.reason


def test_a_clock_that_is_behind_gives_no_approval_before_its_question() -> None:
    given = decide_word(Kind.APPROVED, ASKED, NOON - timedelta(minutes=2), deployment=DEPLOYMENT)
    assert isinstance(given, Give)
    assert word_of(Kind.APPROVED, given, "ann", "seen by hand") == Word("approved", "ann (seen by hand)", NOON)


@pytest.mark.parametrize("off", [-4, 0, 4])
def test_an_approval_answers_its_question_and_no_later_one_whatever_the_clock_says(off: int) -> None:
    """AWS still signs the calls of a clock that is minutes off."""
    given = decide_word(Kind.APPROVED, ASKED, NOON + timedelta(minutes=1 + off))
    assert isinstance(given, Give)
    word = word_of(Kind.APPROVED, given, "ann", "")
    assert word.approves(NOON)
    assert not word.approves(NOON + timedelta(minutes=2))


def test_who_comes_second_hears_who_was_first() -> None:
    prior = Word("approved", "ann (it is fine)", NOON)
    said = said_before(Kind.APPROVED, prior)
    assert said.startswith("it was approved already by ann (it is fine) on what was asked at 12:00 UTC")
    assert said_before(Kind.ABORTED, prior).startswith("it was approved by ann")


@pytest.fixture(params=["fake", "moto"])
def approvals(request: pytest.FixtureRequest) -> Iterator[Approvals]:
    if request.param == "fake":
        yield Approvals(FakeTable())
        return
    with mock_aws():
        keys: dict[str, Any] = {
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        }
        boto3.client("dynamodb").create_table(TableName="table", BillingMode="PAY_PER_REQUEST", **keys)
        yield Approvals(Table(lambda: boto3.client("dynamodb"), "table"))


def test_an_approval_answers_one_question_and_no_later_one(approvals: Approvals) -> None:
    later = NOON + HOUR
    assert approvals.give(DEPLOYMENT, "approved", "ann", NOON, asked=NOON)
    assert not approvals.give(DEPLOYMENT, "approved", "bob", NOON + timedelta(minutes=1), asked=NOON)
    word = approvals.read(DEPLOYMENT)
    assert word == Word("approved", "ann", NOON)
    assert word is not None
    assert (word.approves(NOON), word.approves(later)) == (True, False)
    assert approvals.give(DEPLOYMENT, "approved", "bob", later, asked=later)
    assert approvals.read(DEPLOYMENT) == Word("approved", "bob", later)


def test_an_abort_holds_against_every_approval_before_it_and_after(approvals: Approvals) -> None:
    assert approvals.give(DEPLOYMENT, "approved", "ann", NOON, asked=NOON)
    assert approvals.give(DEPLOYMENT, "aborted", "bob", NOON)
    assert not approvals.give(DEPLOYMENT, "aborted", "eve", NOON)
    assert not approvals.give(DEPLOYMENT, "approved", "eve", NOON + HOUR, asked=NOON + HOUR)
    assert approvals.read(DEPLOYMENT) == Word("aborted", "bob", NOON)
