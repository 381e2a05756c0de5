"""Runs that a change of the policy, of a mode or of time leaves behind, and schedules that begin anew."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from batch_runner.sweep import sweep
from breakwater.errors import NotFoundError, ThrottledError
from breakwater.model import Mode
from breakwater.policies import BatchPolicy
from breakwater.runs import Outcome, Phase
from tests.fakes.batch import ACTING, NOON, SILENCE, BatchHouse, a_job, an_object, an_upload

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def a_house(**changes: Any) -> BatchHouse:
    return BatchHouse(BatchPolicy(jobs=(a_job(**changes),)))


def swept(house: BatchHouse, later: timedelta = timedelta()) -> list[str]:
    house.at(later)
    return sweep(house.engine, house.platform, house.home())


def observing(house: BatchHouse) -> BatchPolicy:
    (job,) = house.policy.jobs
    return BatchPolicy(jobs=(replace(job, rules=replace(job.rules, mode=Mode.OBSERVE)),))


@pytest.mark.parametrize("gone", [True, False], ids=["the job is gone", "the job observes"])
def test_a_call_that_nobody_may_repeat_any_more_ends_as_unheard(gone: bool) -> None:
    house = a_house()
    house.platform.answers = [SILENCE]
    house.due(house.policy.jobs[0])
    assert house.runs("nightly")[0].phase is Phase.STARTING
    house.policy = BatchPolicy() if gone else observing(house)
    for _ in range(6):
        swept(house, 4 * HOUR)
    assert house.outcomes("nightly")[0] is Outcome.FAILED
    assert ("opened", "nightly", "unheard") in house.told
    assert house.platform.calls.count("run") == 1
    assert house.store.lane("nightly").lane.active == ()


def test_a_call_is_never_repeated_once_ecs_may_have_forgotten_its_token() -> None:
    house = a_house()
    house.platform.answers = ["lost"]
    house.due(house.policy.jobs[0])
    (task,) = house.platform.running
    house.platform.tokens.clear()
    house.at(26 * HOUR)
    house.engine.look("nightly")
    assert list(house.platform.tasks.values()) == [task]
    assert house.outcomes("nightly")[0] is Outcome.FAILED
    assert house.told[0] == ("opened", "nightly", "unheard")


def test_what_waits_for_its_next_attempt_is_given_up_and_told_when_the_job_may_no_longer_act() -> None:
    house = a_house(rules=replace(ACTING, retry=replace(ACTING.retry, exit_codes=None)))
    house.due(house.policy.jobs[0])
    house.hear(house.platform.end(house.platform.running[0], 1))
    house.policy = observing(house)
    swept(house, 5 * MINUTE)
    (run,) = house.runs("nightly")
    assert (run.outcome, run.attempt) == (Outcome.REFUSED, 1)
    assert "the mode is observe" in run.reason
    assert [cause for _, _, cause in house.told] == ["refused"]
    assert house.store.lane("nightly").lane.active == ()


def test_uploads_in_line_are_given_up_one_by_one_when_their_route_may_no_longer_act() -> None:
    house = BatchHouse(BatchPolicy(uploads=(an_upload(concurrency=1),)))
    for number in range(3):
        house.hear(an_object(f"incoming/{number}.csv"), number)
    (upload,) = house.policy.uploads
    house.policy = BatchPolicy(uploads=(replace(upload, rules=replace(upload.rules, mode=Mode.OBSERVE)),))
    swept(house, 5 * MINUTE)
    assert sorted(str(run.outcome) for run in house.runs("ingest")) == ["None", "refused", "refused"]
    house.hear(house.platform.end(house.platform.running[0]))
    assert sorted(str(run.outcome) for run in house.runs("ingest")) == ["refused", "refused", "succeeded"]


def test_a_deadline_is_told_also_while_the_job_only_observes() -> None:
    house = a_house(rules=replace(ACTING, deadline_minutes=30, timeout_minutes=10))
    house.due(house.policy.jobs[0])
    house.policy = observing(house)
    swept(house, 31 * MINUTE)
    assert house.told == [("opened", "nightly", "overdue")]
    assert house.platform.calls.count("stop") == 0, "in observe no task is stopped"


def test_a_task_whose_job_left_the_policy_is_watched_to_its_end_and_not_stopped() -> None:
    house = a_house(rules=replace(ACTING, timeout_minutes=600))
    house.due(house.policy.jobs[0])
    house.policy = BatchPolicy()
    for _ in range(12):
        swept(house, HOUR)
    assert "stop" not in house.platform.calls
    house.hear(house.platform.end(house.platform.running[0]))
    assert house.outcomes("nightly") == [Outcome.SUCCEEDED]


def test_a_schedule_that_came_into_force_later_has_missed_nothing_before() -> None:
    """The look for missed runs was noted under the old schedule, an hour and a grace ago."""
    house = a_house(schedule="cron(0 2 * * ? *)")
    swept(house)
    house.at(NOON + 30 * MINUTE)
    changed = a_job(schedule="cron(0 12 * * ? *)", since=f"{house.now:%Y-%m-%dT%H:%M:%SZ}")
    house.policy = BatchPolicy(jobs=(changed,))
    for _ in range(12):
        swept(house, 5 * MINUTE)
    assert house.told == []
    assert house.runs("nightly") == []


def test_a_rate_that_the_platform_counts_from_another_time_runs_when_it_fires() -> None:
    """A schedule that was deleted by hand is made anew, and changed: then its rate may count from that time."""
    house = a_house(schedule="rate(1 day)", since="2026-04-13T12:00:00Z")
    (job,) = house.policy.jobs
    swept(house, 20 * MINUTE)
    assert house.outcomes("nightly") == [Outcome.MISSED], "the point of our own grid"
    for day in range(3):
        house.at(NOON + day * 24 * HOUR + 5 * HOUR)
        house.due(job)
        house.due(job)
        for task in house.platform.running:
            house.hear(house.platform.end(task))
        for _ in range(6):
            swept(house, 3 * HOUR)
    assert house.outcomes("nightly") == [Outcome.MISSED, *[Outcome.SUCCEEDED] * 3]
    swept(house, 48 * HOUR)
    assert [outcome for outcome in house.outcomes("nightly") if outcome is Outcome.MISSED] == [Outcome.MISSED] * 3


def test_one_cluster_that_is_gone_does_not_hide_the_others() -> None:
    jobs = (a_job("first", task=replace(a_job().task, cluster="gone")), a_job("second"))
    house = BatchHouse(BatchPolicy(jobs=jobs))
    for job in jobs:
        house.due(job)
    (_, second) = house.platform.running
    house.at(5 * MINUTE)
    house.platform.end(second)

    class WithoutCluster:
        def describe(self, cluster: str, arns: Iterable[str]) -> Any:
            if cluster == "gone":
                raise NotFoundError("describe tasks: ClusterNotFoundException")
            return house.platform.describe(cluster, arns)

    problems = sweep(house.engine, WithoutCluster(), house.home())
    assert problems == []
    assert house.outcomes("second") == [Outcome.SUCCEEDED]
    house.at(80 * MINUTE)
    sweep(house.engine, WithoutCluster(), house.home())
    assert house.outcomes("first") == [Outcome.FAILED]
    assert ("opened", "first", "unheard") in house.told


def test_one_task_that_cannot_be_stopped_now_does_not_keep_the_others_from_their_turn() -> None:
    jobs = (a_job("first"), a_job("second"))
    house = BatchHouse(BatchPolicy(jobs=jobs))
    for job in jobs:
        house.due(job)
    first, second = house.platform.running
    house.at(61 * MINUTE)
    stop = house.platform.stop

    def throttled(cluster: str, task: str, reason: str) -> None:
        if task == first.arn:
            raise ThrottledError("stop a task: ThrottlingException")
        stop(cluster, task, reason)

    house.platform.stop = throttled  # type: ignore[method-assign]  # one task only
    problems = sweep(house.engine, house.platform, house.home())
    assert len(problems) == 1
    assert "ThrottlingException" in problems[0]
    assert second.stopped is not None
