"""What people hear of a release: that it passed, what it asks, and that what is over is over; each of it once."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from breakwater.desk import IncidentDesk
from breakwater.incident_store import IncidentStore
from breakwater.ledger import Ledger, Rollback, State
from breakwater.model import Cause, IncidentStatus, Mode, Notice, NoticeKind, Severity
from breakwater.policies import AlertPolicy
from release import news, telling
from release.record import Before, Ending, Question, Release, Stage
from release.wiring import Settings, Work, made_of
from tests.fakes.table import FakeTable
from tests.fakes.topic import FakeTopic
from tests.samples import a_finding

BEGAN = datetime(2026, 3, 2, 10, 4, tzinfo=UTC)
ECS = "arn:aws:ecs:eu-central-1:111122223333:"
REPORT = "s3://reports-1/releases/prod/shop/shop-1/release-report.html"
VERIFIED = "shop:2 runs 2 of 2 tasks, 2 targets healthy, the weights are as they should be"
SMOKE = (90, "check smoke", "Passed: 2 of 2 attempts passed (answers: 200, 200)")
APPROVED = (
    700,
    "go on",
    "approved by arn:aws:sts::111122223333:assumed-role/ops/ann although inconclusive: too few: 3",
)


def a_release(*lines: tuple[int, str, str], revision: int = 2, name: str = "shop", **more: Any) -> Release:
    usual: dict[str, Any] = {
        "execution": f"arn:aws:states:eu-central-1:111122223333:execution:release:{name}-{revision}",
        "service": f"prod/{name}",
        "stage": Stage.FORWARD,
        "mode": Mode.ACT,
        "began_at": BEGAN,
        "task_definition": f"{ECS}task-definition/{name}:{revision}",
        "strategy": "CANARY",
        "before": Before(f"{ECS}task-definition/{name}:1", "ecs-svc/1", 2),
        "service_deployment": f"{ECS}service-deployment/prod/{name}/x{revision}",
        "ending": Ending("released", "Released", VERIFIED),
    }
    made = Release(**{**usual, **more})
    for seconds, what, reason in (*lines, (840, "released", VERIFIED)):
        made = made.told(BEGAN + timedelta(seconds=seconds), what, reason)
    return made


@dataclass
class House:
    """What a release tells with, over a table and a topic in memory."""

    table: FakeTable = field(default_factory=FakeTable)
    topic: FakeTopic = field(default_factory=FakeTopic)
    now: datetime = BEGAN

    @property
    def desk(self) -> IncidentDesk:
        return IncidentDesk(IncidentStore(self.table), self.topic, "release", pause=lambda: None)

    @property
    def work(self) -> Work:
        parts = made_of(Settings("table", "arn:topic", "reports-1", "breakwater-eu"))
        return replace(parts, table=self.table, desk=self.desk)

    @property
    def told(self) -> list[tuple[NoticeKind, Cause]]:
        return [(notice.kind, notice.incident.cause) for notice in self.topic.published]

    @property
    def last(self) -> Notice:
        return self.topic.published[-1]

    def asked(self, at: str, minutes: int = 60, revision: int = 2) -> Release:
        """A release that has just asked a person."""
        question = Question(at, "too few requests", self.now, self.now + timedelta(minutes=minutes))
        release = a_release(revision=revision, question=question)
        telling.ask(self.work, release, self.now)
        return release

    def wait(self, minutes: int) -> None:
        """Let the sweep of incidents look every five minutes."""
        for _ in range(minutes // 5):
            self.now += timedelta(minutes=5)
            self.desk.sweep(AlertPolicy(), self.now)


# ── what is said ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("release", "said"),
    [
        pytest.param(
            a_release(SMOKE, (400, "look 1", "too few"), (500, "look 2", "fine"), requested_by="pipeline/7"),
            "shop:2 in place of shop:1: CANARY, 14 minutes, asked for by pipeline/7. Checks: smoke passed; the metrics "
            f"of both sides compared in 2 looks. Verified: {VERIFIED}.",
            id="ours",
        ),
        pytest.param(
            a_release(SMOKE, attended=True, requested_by="HOOK_AWAITING_ACTION"),
            "shop:2 in place of shop:1: CANARY, 14 minutes, a deployment that somebody else started and that was "
            f"attended. Checks: smoke passed. Verified: {VERIFIED}.",
            id="somebody else's",
        ),
        pytest.param(
            a_release((90, "check smoke", "Inconclusive: nobody answered"), APPROVED),
            "shop:2 in place of shop:1: CANARY, 14 minutes. Checks: smoke inconclusive; approved by "
            "arn:aws:sts::111122223333:assumed-role/ops/ann although inconclusive. "
            f"Verified: {VERIFIED}.",
            id="a doubt that a person approved",
        ),
        pytest.param(
            a_release(before=None),
            f"shop:2: CANARY, 14 minutes. Checks: no check ran. Verified: {VERIFIED}.",
            id="nothing was checked, and nothing stood before",
        ),
    ],
)
def test_one_line_says_what_was_released_how_which_checks_passed_and_what_was_verified(
    release: Release, said: str
) -> None:
    assert news.released(release) == said


ROLLBACK = Rollback(
    BEGAN - timedelta(minutes=3),
    f"{ECS}task-definition/shop:1",
    f"{ECS}task-definition/shop:2",
    "ecs-svc/1",
    State.ASKED,
    "it crashes",
)


@pytest.mark.parametrize(
    ("attended", "rollback", "expected"),
    [
        pytest.param(True, ROLLBACK, True, id="the guard went back by this deployment"),
        pytest.param(False, ROLLBACK, False, id="somebody released it by hand"),
        pytest.param(True, replace(ROLLBACK, at=BEGAN - timedelta(hours=2)), False, id="a rollback of long ago"),
        pytest.param(True, replace(ROLLBACK, to=ROLLBACK.bad), False, id="a rollback to something else"),
        pytest.param(True, replace(ROLLBACK, state=State.ABANDONED), False, id="a rollback that never was"),
    ],
)
def test_what_the_guard_tells_is_not_told_as_a_release(attended: bool, rollback: Rollback, expected: bool) -> None:
    assert news.is_the_guards(a_release(attended=attended), Ledger(rollbacks=(rollback,))) is expected


# ── a release that passed ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_release_that_passed_is_told_once_and_leaves_nothing_open() -> None:
    house = House()
    for _ in range(3):  # tried again after a crash
        telling.released(house.work, a_release(SMOKE), house.now, REPORT)
        house.now += timedelta(minutes=1)
    house.wait(120)

    assert house.told == [(NoticeKind.RESOLVED, Cause.RELEASED)]
    incident = house.last.incident
    assert (incident.severity, incident.status) == (Severity.LOW, IncidentStatus.RESOLVED)
    assert "smoke passed" in incident.summary
    assert REPORT in (incident.evidence.done or "")


def test_a_release_whose_notice_was_lost_is_told_by_the_sweep() -> None:
    house = House()
    house.topic.down = True
    telling.released(house.work, a_release(), house.now, None)
    house.topic.down = False
    house.wait(10)

    assert house.told == [(NoticeKind.RESOLVED, Cause.RELEASED)]
    assert house.last.incident.evidence.done is None


def test_the_same_revision_released_again_is_told_again() -> None:
    house = House()
    for execution in ("shop-2", "shop-2-again"):
        telling.released(house.work, replace(a_release(), execution=execution), house.now, REPORT)

    assert [notice.incident.count for notice in house.topic.published] == [1, 2]
    assert {notice.kind for notice in house.topic.published} == {NoticeKind.RESOLVED}


def test_a_release_that_passes_resolves_what_earlier_ones_of_its_service_left_open() -> None:
    house = House()
    for revision, name in ((2, "shop"), (3, "shop"), (2, "other")):
        telling.returned(house.work, a_release(revision=revision, name=name), "smoke failed", house.now, person=False)
    telling.returned(house.work, a_release(revision=4), "it is gone", house.now, person=True)
    house.asked("hook-1", revision=5)
    crash = a_finding(service="shop", revision="shop:2")  # that its tasks crash is not over because of a release
    house.desk.take([crash], AlertPolicy(), house.now)
    before = len(house.topic.published)

    telling.settled(house.work, a_release(revision=6), house.now)

    over = house.topic.published[before:]
    assert sorted((str(one.incident.subject.revision), one.incident.cause) for one in over) == [
        ("shop:2", Cause.RELEASE_RETURNED),
        ("shop:3", Cause.RELEASE_RETURNED),
        ("shop:4", Cause.RELEASE_UNSETTLED),
        ("shop:5", Cause.RELEASE_ASKS),
    ]
    assert {(one.kind, one.incident.over) for one in over} == {
        (NoticeKind.RESOLVED, "shop:6 was released and verified")
    }


# ── a question ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_question_gives_the_whole_command_also_where_the_stack_has_another_name() -> None:
    house = House()
    house.asked("hook-1")
    command = f"`breakwater release approve {ECS}service-deployment/prod/shop/x2 --stack breakwater-eu`"
    assert command in house.last.incident.summary


def test_the_longest_names_leave_the_command_whole() -> None:
    house = House()
    question = Question("hook-1", "why " * 500, house.now, house.now + timedelta(minutes=9))
    deployment = f"{ECS}service-deployment/{'c' * 60}/{'s' * 200}/xS9HTiHdMrf8578_Ee1LV"
    telling.ask(house.work, replace(a_release(), question=question, service_deployment=deployment), house.now)
    assert f"`breakwater release approve {deployment} --stack breakwater-eu`, or `abort`" in house.last.incident.summary


def test_the_next_question_of_a_release_is_told_too() -> None:
    house = House()
    first = house.asked("hook-1")
    house.now += timedelta(minutes=4)
    telling.answered(house.work, first, "approved by ann", house.now)
    house.asked("hook-1")  # a hook's id may be the same at the next step
    assert [kind for kind, _ in house.told] == [NoticeKind.OPENED, NoticeKind.RESOLVED, NoticeKind.REOPENED]
    assert house.last.incident.over is None


def test_a_question_that_is_kept_and_was_never_told_is_told_by_whoever_comes_next_and_only_once() -> None:
    house = House()
    release = house.asked("hook-1")
    for _ in range(3):
        house.now += timedelta(minutes=5)
        telling.ask(house.work, release, house.now)
    assert house.told == [(NoticeKind.OPENED, Cause.RELEASE_ASKS)]


def test_a_question_is_not_taken_for_over_while_it_is_open() -> None:
    house = House()
    release = house.asked("hook-1", minutes=60)
    for _ in range(11):
        house.wait(5)
        telling.ask(house.work, release, house.now)  # as the sweep of releases does
    assert house.told == [(NoticeKind.OPENED, Cause.RELEASE_ASKS)]
    telling.answered(house.work, release, "nobody answered until 11:04 UTC", house.now)
    assert (house.last.kind, house.last.incident.over) == (NoticeKind.RESOLVED, "nobody answered until 11:04 UTC")
