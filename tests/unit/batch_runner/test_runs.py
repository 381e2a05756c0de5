"""A run from beginning to end, over fakes: what is started, tried again, skipped, replaced, told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from batch_runner.classes import class_of_error, class_of_reason
from breakwater.model import Mode
from breakwater.policies import BatchPolicy, Overlap, RetrySpec, TaskSpec
from breakwater.runs import Outcome, Phase
from tests.fakes.batch import ACTING, NO_ROOM, NOON, SILENCE, THROTTLED, BatchHouse, a_job, an_object, an_upload

MINUTE = timedelta(minutes=1)
SPOT = {"stop_code": "SpotInterruption", "reason": "Your Spot Task was interrupted."}


def a_house(**changes: Any) -> BatchHouse:
    return BatchHouse(BatchPolicy(jobs=(a_job(**changes),)))


def test_a_run_that_is_due_begins_one_task_and_ends_with_its_exit_code() -> None:
    house = a_house()
    job = house.policy.jobs[0]
    house.due(job)
    (task,) = house.platform.running
    assert task.request["startedBy"].startswith("breakwater/run/nightly/20260414T120000Z-")
    house.at(5 * MINUTE)
    house.hear(house.platform.end(task))
    (run,) = house.runs("nightly")
    assert (run.outcome, run.exit_code, run.attempt, run.ended_at) == (Outcome.SUCCEEDED, 0, 1, NOON + 5 * MINUTE)
    assert house.told == []
    assert house.store.lane("nightly").lane.active == ()


def test_the_same_occurrence_asked_for_again_begins_nothing_whoever_asks_and_when() -> None:
    house = a_house()
    job = house.policy.jobs[0]
    for later in (0, 1, 10, 60 * 24 * 3):
        house.at(NOON + later * MINUTE)
        house.due(job, NOON)
    assert len(house.platform.tasks) == 1


def test_what_is_asked_for_after_its_grace_was_missed_and_does_not_begin() -> None:
    house = a_house()
    house.at(NOON + 16 * MINUTE)
    house.due(house.policy.jobs[0], NOON)
    assert house.platform.tasks == {}
    assert house.outcomes("nightly") == [Outcome.MISSED]
    assert house.told == [("opened", "nightly", "missed")]


@pytest.mark.parametrize(
    ("how", "exit_code"),
    [
        pytest.param(SPOT, 143, id="spot"),
        pytest.param(SPOT, 0, id="spot, and the program left with 0 on SIGTERM"),
        pytest.param(
            {"stop_code": "TaskFailedToStart", "reason": "Capacity is unavailable at this time."}, None, id="capacity"
        ),
        pytest.param({"stop_code": "InfrastructureHealth", "reason": "x"}, 137, id="infrastructure"),
        pytest.param(
            {"stop_code": "TaskFailedToStart", "reason": "Timeout waiting for network interface provisioning"},
            None,
            id="network",
        ),
    ],
)
def test_what_the_platform_did_is_tried_again_as_another_task_of_the_same_run(
    how: dict[str, str], exit_code: int | None
) -> None:
    house = a_house()
    house.due(house.policy.jobs[0])
    house.hear(house.platform.end(house.platform.running[0], exit_code, **how))
    assert house.platform.running == []
    house.at(MINUTE)
    house.wake()
    (second,) = house.platform.running
    house.hear(house.platform.end(second))
    (run,) = house.runs("nightly")
    assert (run.outcome, run.attempt, len(run.history)) == (Outcome.SUCCEEDED, 2, 2)
    assert house.told == []


@pytest.mark.parametrize(
    ("codes", "exit_code", "tasks"),
    [
        pytest.param((), 1, 1, id="no code is worth another try"),
        pytest.param((75,), 75, 2, id="the job names it"),
        pytest.param((75,), 1, 1, id="the job names another"),
        pytest.param(None, 1, 2, id="any code"),
    ],
)
def test_an_exit_code_is_tried_again_if_the_job_says_so(
    codes: tuple[int, ...] | None, exit_code: int, tasks: int
) -> None:
    house = a_house(rules=replace(ACTING, retry=RetrySpec(2, codes, 60)))
    house.due(house.policy.jobs[0])
    house.hear(house.platform.end(house.platform.running[0], exit_code))
    house.at(MINUTE)
    house.wake()
    assert len(house.platform.tasks) == tasks
    for task in house.platform.running:
        house.hear(house.platform.end(task, exit_code))
    assert house.outcomes("nightly") == [Outcome.FAILED]
    assert house.told == [("opened", "nightly", "app_error")]


def test_the_end_of_an_attempt_that_is_told_again_changes_nothing_of_the_next() -> None:
    """While the next waits, while nobody knows whether it began, and while it runs."""
    house = a_house(rules=replace(ACTING, retry=RetrySpec(3, (75,), 60)))
    house.due(house.policy.jobs[0])
    again = house.platform.end(house.platform.running[0], 75)
    house.hear(again)
    before = house.runs("nightly")
    house.at(timedelta(seconds=10))
    house.hear(again)
    assert house.runs("nightly") == before, "it waits"
    house.platform.answers = ["lost"]
    house.at(MINUTE)
    house.wake()
    before = house.runs("nightly")
    assert (before[0].phase, before[0].attempt, before[0].task) == (Phase.STARTING, 2, None)
    house.hear(again)
    assert house.runs("nightly") == before, "nobody knows whether it began"
    for _ in range(3):
        house.at(MINUTE)
        house.wake()
    assert house.runs("nightly")[0].phase is Phase.RUNNING
    house.hear(again)
    house.hear(house.platform.end(house.platform.running[0]))
    (run,) = house.runs("nightly")
    assert (run.outcome, run.attempt, len(run.history), len(house.platform.tasks)) == (Outcome.SUCCEEDED, 2, 2, 2)
    assert house.told == []


def test_no_room_on_spot_falls_back_to_on_demand_with_a_new_token() -> None:
    task = TaskSpec("shop", "nightly", container="job", capacity_providers=("FARGATE_SPOT", "FARGATE"))
    house = a_house(task=task)
    house.platform.answers = [NO_ROOM]
    house.due(house.policy.jobs[0])
    house.at(MINUTE)
    house.wake()
    (begun,) = house.platform.running
    assert begun.request["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE", "weight": 1}]
    assert len(house.platform.tokens) == 2


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(["lost"], id="the answer was lost"),
        pytest.param([SILENCE, "lost", "start"], id="no answer, then a lost one"),
        pytest.param([THROTTLED, THROTTLED], id="throttled"),
        pytest.param([class_of_error("ServerException", 500, "")], id="an error of ECS"),
    ],
)
def test_a_call_whose_outcome_is_unknown_is_made_again_with_the_same_token(answers: list[Any]) -> None:
    house = a_house()
    house.platform.answers = answers
    house.due(house.policy.jobs[0])
    for _ in range(6):
        house.at(5 * MINUTE)
        house.wake()
    assert len(house.platform.tasks) == 1
    assert len(house.platform.tokens) == 1
    assert house.runs("nightly")[0].phase is Phase.RUNNING


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        pytest.param(class_of_error("InvalidParameterException", 400, "x"), "refused", id="a wrong parameter"),
        pytest.param(class_of_error("AccessDeniedException", 400, "x"), "refused", id="not allowed"),
        pytest.param(class_of_error("ClusterNotFoundException", 400, "x"), "refused", id="no such cluster"),
        pytest.param(class_of_reason("ATTRIBUTE"), "placement", id="no instance of this kind"),
    ],
)
def test_what_ecs_refuses_for_good_is_told_at_once(answer: Any, cause: str) -> None:
    house = a_house()
    house.platform.answers = [answer]
    house.due(house.policy.jobs[0])
    assert house.outcomes("nightly") == [Outcome.FAILED]
    assert house.told == [("opened", "nightly", cause)]


def test_a_shortage_that_lasts_is_given_up_after_all_attempts() -> None:
    house = a_house()
    house.platform.answers = [NO_ROOM] * 9
    house.due(house.policy.jobs[0])
    for _ in range(5):
        house.at(15 * MINUTE)
        house.wake()
    assert house.outcomes("nightly") == [Outcome.FAILED]
    assert len(house.platform.tokens) == 3
    assert house.told == [("opened", "nightly", "capacity")]


def test_the_first_success_after_failures_resolves_what_was_told_and_quiet_does_not() -> None:
    house = a_house(schedule="rate(1 hour)")
    job = house.policy.jobs[0]
    house.due(job)
    house.hear(house.platform.end(house.platform.running[0], 1))
    house.at(NOON + 60 * MINUTE)
    house.engine.desk.sweep(house.alerts, house.now)
    assert [kind for kind, _, _ in house.told] == ["opened"]
    house.due(job)
    house.hear(house.platform.end(house.platform.running[0]))
    assert [kind for kind, _, _ in house.told] == ["opened", "resolved"]
    assert house.store.lane("nightly").lane.incidents == ()


def test_a_run_that_is_due_while_another_goes_on_is_skipped_and_told() -> None:
    house = a_house(schedule="rate(1 hour)")
    job = house.policy.jobs[0]
    house.due(job)
    house.at(60 * MINUTE)
    house.due(job)
    assert len(house.platform.tasks) == 1
    assert house.outcomes("nightly") == [None, Outcome.SKIPPED]
    assert house.told == [("opened", "nightly", "overlapped")]


def test_runs_may_go_on_beside_each_other_if_the_job_allows_it() -> None:
    house = a_house(schedule="rate(1 hour)", overlap=Overlap.ALLOW)
    for _ in range(3):
        house.due(house.policy.jobs[0])
        house.at(60 * MINUTE)
    assert len(house.platform.running) == 3


def test_the_newest_run_replaces_those_before_it_once_they_have_stopped() -> None:
    house = a_house(schedule="rate(1 hour)", overlap=Overlap.REPLACE)
    job = house.policy.jobs[0]
    house.due(job)
    (first,) = house.platform.running
    house.at(60 * MINUTE)
    house.due(job)
    assert first.stop_code == "UserInitiated"
    assert len(house.platform.tasks) == 1, "the old task has to be gone first"
    house.at(60 * MINUTE)
    house.due(job)
    house.hear(first.event())
    (last,) = house.platform.running
    house.hear(house.platform.end(last))
    assert house.outcomes("nightly") == [Outcome.REPLACED, Outcome.REPLACED, Outcome.SUCCEEDED]
    assert len(house.platform.tasks) == 2


@pytest.mark.parametrize(
    ("stack", "job"),
    [pytest.param(Mode.OBSERVE, Mode.ACT, id="the stack"), pytest.param(Mode.ACT, Mode.OBSERVE, id="the job")],
)
def test_in_observe_a_run_is_noted_and_announced_and_not_started(stack: Mode, job: Mode) -> None:
    house = BatchHouse(BatchPolicy(jobs=(a_job(rules=replace(ACTING, mode=job)),)), stack)
    house.due(house.policy.jobs[0])
    assert house.platform.calls == []
    assert house.outcomes("nightly") == [Outcome.OBSERVED]
    assert house.told == [("opened", "nightly", "observed")]


def test_a_task_that_claims_to_be_ours_and_is_not_is_judged_like_any_other() -> None:
    house = a_house()
    house.due(house.policy.jobs[0])
    event = house.platform.end(house.platform.running[0], 1)
    event["detail"]["startedBy"] = "breakwater/run/nightly/20200101T000000Z-000000000000/1"
    house.hear(event)
    assert house.runs("nightly")[0].phase is Phase.RUNNING
    assert house.told == [("opened", "nightly", "app_error")]


def test_uploads_run_once_for_each_version_in_order_and_never_more_than_there_is_room_for() -> None:
    house = BatchHouse(BatchPolicy(uploads=(an_upload(concurrency=5),)))
    keys = [f"incoming/{number:04d}.csv" for number in range(1000)]
    for position, key in enumerate(keys):
        house.hear(an_object(key), position)
        if position % 3 == 0:
            house.hear(an_object(key), position)
    begun, most = [], 0
    while house.platform.running:
        most = max(most, len(house.platform.running))
        task = house.platform.running[0]
        begun.append(task.request["overrides"]["containerOverrides"][0]["environment"][0]["value"])
        house.hear(house.platform.end(task))
    assert begun == keys
    assert most == 5
    assert len(house.platform.tasks) == 1000
    assert house.told == []


def test_an_object_that_fails_every_time_is_set_aside_and_the_others_go_on() -> None:
    house = BatchHouse(BatchPolicy(uploads=(an_upload(concurrency=1),)))
    house.hear(an_object("incoming/poison.csv"))
    house.hear(an_object("incoming/good.csv", at=NOON + MINUTE))
    while house.platform.running or house.wakes:
        for task in house.platform.running:
            poison = "poison" in str(task.request["overrides"])
            house.hear(house.platform.end(task, 1 if poison else 0))
        house.at(MINUTE)
        house.wake()
    assert sorted(str(run.outcome) for run in house.runs("ingest")) == ["quarantined", "succeeded"]
    assert [(kind, cause) for kind, _, cause in house.told] == [("opened", "app_error")]
    assert "poison.csv" in house.topic.published[0].incident.summary


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(an_object("incoming/"), id="a folder marker"),
        pytest.param(an_object("incoming/a.csv") | {"detail-type": "Object Deleted"}, id="a deletion"),
        pytest.param(an_object("incoming/out/a.csv"), id="what a task wrote"),
        pytest.param(an_object(bucket={"name": "somebody-else"}), id="another bucket"),
        pytest.param(an_object() | {"account": "999988887777"}, id="another account"),
        pytest.param(an_object("incoming/../../etc/a.csv"), id="a way out of the prefix"),
        pytest.param(an_object("incoming/a\n.csv"), id="a control character"),
    ],
)
def test_what_must_not_start_a_task_starts_none(event: dict[str, Any]) -> None:
    house = BatchHouse(BatchPolicy(uploads=(an_upload(output_prefixes=("incoming/out/",)),)))
    house.hear(event)
    assert house.platform.calls == []
    assert house.runs("ingest") == []
