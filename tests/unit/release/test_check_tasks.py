"""A check that runs as a task: ECS shows a task late, is too busy now and then, and forgets it; the release may be over
before the task is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.checks import TaskCheck
from breakwater.checks.tasks import TaskEnd
from breakwater.errors import ThrottledError
from breakwater.model import Mode
from breakwater.release_policy import ReleasePolicy
from release.examining import Done, Pending, checked, stopped
from release.record import CheckTask, Release, Stage
from tests.fakes.aws import Aws
from tests.fakes.release_sight import NOW, RELEASE, Shown, a_rollout
from tests.fakes.release_work import Bench, an_aws, asked

TASK = "arn:aws:ecs:eu-central-1:111122223333:task/prod/1"
POLICY = ReleasePolicy(Mode.ACT, (TaskCheck("migrate", timeout_seconds=120),))
RUNS = CheckTask("migrate", "h1", NOW, TASK)
SERVICE = {"services": [{"launchType": "FARGATE"}]}


def checking(bench: Bench, tasks: tuple[CheckTask, ...] = (), minutes: float = 0) -> Pending | Done:
    now = NOW + timedelta(minutes=minutes)
    return checked(replace(RELEASE, tasks=tasks), POLICY, "h1", bench.work, now)


def ecs(*tasks: dict[str, Any], **errors: str) -> Aws:
    begun = {"tasks": [{"taskArn": TASK}]}
    return an_aws(errors, describe_services=SERVICE, run_task=begun, describe_tasks={"tasks": list(tasks)})


# ── begun ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_task_that_was_begun_now_is_not_asked_how_it_ended() -> None:
    bench = Bench(aws=ecs())
    done = checking(bench)
    assert isinstance(done, Pending)
    assert [(task.arn, task.end) for task in done.tasks] == [(TASK, None)]
    assert done.seconds == 121
    assert bench.aws.made("describe_tasks") == []


def test_a_task_that_ecs_is_too_busy_to_run_is_tried_again_and_no_doubt() -> None:
    bench = Bench(aws=ecs(run_task="ThrottlingException"))
    with pytest.raises(ThrottledError):  # which the machine tries again; the client token makes it one task
        checking(bench)
    bench.aws.errors.clear()
    assert isinstance(checking(bench), Pending)
    first, second = bench.aws.made("run_task")
    assert first == second


def test_a_task_that_ecs_refuses_is_a_doubt() -> None:
    done = checking(Bench(aws=ecs(run_task="InvalidParameterException")))
    assert isinstance(done, Done)
    assert "was not started" in done.verdict.reason


# ── seen ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param(0.1, Pending, id="a read right after it was begun"),
        pytest.param(3, Pending, id="after its own time, and not seen yet"),
        pytest.param(10, Done, id="ten minutes later it is gone"),
    ],
)
def test_one_read_does_not_say_that_a_task_is_missing(minutes: float, expected: type) -> None:
    done = checking(Bench(aws=ecs()), (RUNS,), minutes)
    assert type(done) is expected
    if isinstance(done, Pending):
        assert done.seconds > 0


@pytest.mark.parametrize(
    ("task", "minutes", "said"),
    [
        pytest.param({"lastStatus": "RUNNING"}, 1, None, id="it runs"),
        pytest.param(
            {"lastStatus": "RUNNING"},
            2,
            "1 of 1 checks failed: migrate: the task had not ended after 120 s",
            id="it runs too long",
        ),
    ],
)
def test_a_task_that_is_seen_has_its_time_and_no_more(task: dict[str, Any], minutes: float, said: str | None) -> None:
    done = checking(Bench(aws=ecs({"taskArn": TASK, **task})), (RUNS,), minutes)
    assert (None if isinstance(done, Pending) else done.verdict.reason) == said


# ── left behind ───────────────────────────────────────────────────────────────────────────────────────────────────────

ENDED = replace(RUNS, check="seed", arn="arn:ended", end=TaskEnd(exit_code=0))
REFUSED = replace(RUNS, check="warm", arn="", end=TaskEnd(refused="no"))


def test_the_tasks_that_still_run_are_stopped_once() -> None:
    bench = Bench()
    left = stopped(replace(RELEASE, tasks=(RUNS, ENDED, REFUSED)), bench.work)
    assert stopped(left, bench.work) == left
    [call] = bench.aws.made("stop_task")
    assert (call["task"], call["reason"]) == (TASK, "the release goes back")
    assert all(task.end is not None for task in left.tasks)
    assert left.tasks[1:] == (ENDED, REFUSED)


def test_a_task_that_cannot_be_stopped_holds_no_return_up() -> None:
    bench = Bench(aws=an_aws({"stop_task": "ServerException"}))
    release = replace(RELEASE, tasks=(RUNS,))
    assert stopped(release, bench.work) == release


@pytest.mark.parametrize(
    "release",
    [
        pytest.param(RELEASE, id="it is aborted now"),
        pytest.param(replace(RELEASE, stage=Stage.RETURNING, why="the lease was lost"), id="it goes back already"),
    ],
)
def test_a_release_that_goes_back_leaves_no_task_of_its_checks_behind(release: Release) -> None:
    bench = Bench(Shown([a_rollout("ROLLBACK_IN_PROGRESS", None)]))
    bench.keep(replace(release, tasks=(RUNS,)))
    asked(bench)
    assert [call["task"] for call in bench.aws.made("stop_task")] == [TASK]
    [task] = bench.release.tasks
    assert task.end is not None
