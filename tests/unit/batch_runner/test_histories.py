"""Many runs in a bad account, and one that dies at every call: each ends in one success or one incident."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from batch_runner.sweep import sweep
from breakwater.policies import BatchPolicy
from breakwater.runs import Outcome, Phase
from tests.fakes.batch import NOON, BatchHouse, a_job, an_object, an_upload
from tests.thoroughness import so_many
from tests.unit.batch_runner.simulation import Killed, Simulation

MINUTE = timedelta(minutes=1)
TABLE = ("get_many", "put_many", "delete_many", "transact", "write", "keys_with_status", "under")
PLATFORM = ("run", "stop", "describe")


def test_thousands_of_occurrences_end_in_one_success_or_one_incident_each() -> None:
    """Ten thousand in `make exhaustive`."""
    jobs = so_many(40, exhaustive=200)
    lived = Simulation(seed=20260414, jobs=jobs, hours=50)
    lived.live()
    figures = lived.verdict()
    assert figures["occurrences"] == 50 * jobs
    assert {name: figures.get(name, 0) for name in ("wrong", "double", "silent")} == {
        "wrong": 0,
        "double": 0,
        "silent": 0,
    }
    assert all(figures[word] > jobs / 4 for word in ("succeeded", "failed", "missed", "skipped"))
    assert sum(figures[str(outcome)] for outcome in Outcome if str(outcome) in figures) == 50 * jobs


class Death:
    """Kills at one call, before or after it was done; counts calls."""

    def __init__(self, at: int, *, done: bool) -> None:
        self.at, self.done, self.calls = at, done, 0

    def watch(self, thing: Any, names: tuple[str, ...]) -> None:
        for name in names:
            setattr(thing, name, self._around(getattr(thing, name)))

    def _around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            if self.calls == self.at and not self.done:
                raise Killed
            answer = call(*arguments, **more)
            if self.calls == self.at:
                raise Killed
            return answer

        return watched


def one_life(kind: str, ending: int, death: Death) -> BatchHouse:
    """A run that is asked for, begins, ends; every message is delivered again until nothing dies, then sweeps."""
    job, upload = a_job(), an_upload()
    house = BatchHouse(BatchPolicy(jobs=(job,)) if kind == "job" else BatchPolicy(uploads=(upload,)))
    death.watch(house.table, TABLE)
    death.watch(house.platform, PLATFORM)
    death.watch(house.topic, ("publish",))

    def delivered(action: Callable[[], object]) -> None:
        try:
            action()
        except Killed:
            action()

    delivered((lambda: house.due(job, NOON)) if kind == "job" else (lambda: house.hear(an_object())))
    house.at(2 * MINUTE)
    delivered(house.wake)
    delivered(lambda: sweep(house.engine, house.platform, house.home()))
    for number in range(4):
        for task in house.platform.running:
            event = house.platform.end(task, ending)
            delivered(lambda event=event: house.hear(event))  # type: ignore[misc]  # bound now
        house.at(6 * MINUTE)
        if number % 2:
            delivered(house.wake)
        delivered(lambda: sweep(house.engine, house.platform, house.home()))
    return house


@pytest.mark.parametrize("kind", ["job", "upload"])
@pytest.mark.parametrize("ending", [0, 1])
@pytest.mark.parametrize("done", [pytest.param(False, id="before"), pytest.param(True, id="after")])
def test_a_run_that_dies_at_any_call_converges_to_the_same_end(kind: str, ending: int, done: bool) -> None:
    calm = Death(0, done=done)
    wanted = one_life(kind, ending, calm)
    name = "nightly" if kind == "job" else "ingest"
    tasks = 1 if kind == "job" or ending == 0 else 2  # an upload is tried twice here
    assert len(wanted.platform.tasks) == tasks
    assert calm.calls > 15
    for at in range(1, calm.calls + 1):
        house = one_life(kind, ending, Death(at, done=done))
        assert len(house.platform.tasks) == tasks, f"call {at} of {calm.calls}"
        assert house.outcomes(name) == wanted.outcomes(name), f"call {at} of {calm.calls}"
        assert {(kind, cause) for kind, _, cause in house.told} == {(kind, cause) for kind, _, cause in wanted.told}, (
            f"call {at} of {calm.calls}"
        )
        assert list(house.store.untold()) == []
        assert house.store.lane(name).lane.active == ()


def test_an_end_that_no_event_told_is_heard_by_the_sweep() -> None:
    job = a_job()
    house = BatchHouse(BatchPolicy(jobs=(job,)))
    house.due(job)
    house.at(5 * MINUTE)
    house.platform.end(house.platform.running[0])
    house.at(5 * MINUTE)
    sweep(house.engine, house.platform, house.home())
    assert house.outcomes("nightly") == [Outcome.SUCCEEDED]


def test_a_task_that_ecs_has_forgotten_is_told_as_unheard_and_not_before_ecs_would_forget() -> None:
    job = a_job()
    house = BatchHouse(BatchPolicy(jobs=(job,)))
    house.due(job)
    house.platform.end(house.platform.running[0])
    house.at(74 * MINUTE)
    sweep(house.engine, house.platform, house.home())
    assert house.told == []
    house.at(2 * MINUTE)
    sweep(house.engine, house.platform, house.home())
    assert house.told == [("opened", "nightly", "unheard")]


def test_a_task_that_runs_too_long_is_stopped_with_a_reason_and_told() -> None:
    job = a_job()
    house = BatchHouse(BatchPolicy(jobs=(job,)))
    house.due(job)
    (task,) = house.platform.running
    house.at(59 * MINUTE)
    sweep(house.engine, house.platform, house.home())
    assert task.stopped is None
    house.at(2 * MINUTE)
    sweep(house.engine, house.platform, house.home())
    assert task.reason.startswith("breakwater: it has run for 61 min; its timeout is 60 min")
    house.hear(task.event())
    assert house.told == [("opened", "nightly", "timed_out")]


@pytest.mark.parametrize("minutes", [2, 5, 60, 63])
def test_a_timeout_and_a_deadline_are_kept_to_the_minute_by_wake_ups(minutes: int) -> None:
    """The task takes its time to go."""
    rules = replace(a_job().rules, timeout_minutes=minutes, deadline_minutes=minutes + 1)
    job = a_job(rules=rules, grace_minutes=1)
    house = BatchHouse(BatchPolicy(jobs=(job,)))
    house.due(job)
    (task,) = house.platform.running
    stop = house.platform.stop
    house.platform.stop = lambda *_: house.platform.calls.append("stop")  # type: ignore[method-assign]  # it lingers
    for minute in range(minutes + 3):
        house.at(NOON + minute * MINUTE)
        house.wake()
        if minute % 5 == 0:
            sweep(house.engine, house.platform, house.home())
        assert house.platform.calls.count("stop") == (minute >= minutes), f"minute {minute}"
        assert (("opened", "nightly", "overdue") in house.told) is (minute > minutes), f"minute {minute}"
    stop("shop", task.arn, "x")
    house.hear(task.event())
    assert ("opened", "nightly", "timed_out") in house.told
    assert house.wakes == [], "one message for each moment, and none that goes round"


def test_a_run_that_has_not_succeeded_by_its_deadline_is_told_once_and_goes_on() -> None:
    job = a_job(rules=replace(a_job().rules, timeout_minutes=600, deadline_minutes=30))
    house = BatchHouse(BatchPolicy(jobs=(job,)))
    house.due(job)
    for _ in range(10):
        house.at(10 * MINUTE)
        sweep(house.engine, house.platform, house.home())
    assert house.told == [("opened", "nightly", "overdue")]
    house.hear(house.platform.end(house.platform.running[0]))
    assert [kind for kind, _, _ in house.told] == ["opened", "resolved"]


def test_a_run_that_nobody_asked_for_is_found_missing_once() -> None:
    job = a_job(schedule="cron(0 12 * * ? *)")
    house = BatchHouse(BatchPolicy(jobs=(job,)))
    for _ in range(60):
        house.at(5 * MINUTE)
        sweep(house.engine, house.platform, house.home())
    assert house.outcomes("nightly") == [Outcome.MISSED]
    assert house.told == [("opened", "nightly", "missed")]
    house.due(job, NOON)
    assert house.platform.tasks == {}, "what was given up is not begun when the event comes after all"


def test_what_waits_for_an_upload_that_left_the_policy_is_refused_and_told() -> None:
    house = BatchHouse(BatchPolicy(uploads=(an_upload(concurrency=1),)))
    house.hear(an_object("incoming/a.csv"))
    house.hear(an_object("incoming/b.csv"))
    house.policy = BatchPolicy()
    sweep(house.engine, house.platform, house.home())
    assert [run.outcome for run in house.runs("ingest") if run.key == "incoming/b.csv"] == [Outcome.REFUSED]
    assert [run.outcome for run in house.runs("ingest") if run.key == "incoming/a.csv"] == [None]


def test_an_upload_that_still_waits_at_its_deadline_is_told_once() -> None:
    rules = replace(an_upload().rules, deadline_minutes=10, timeout_minutes=600)
    house = BatchHouse(BatchPolicy(uploads=(an_upload(concurrency=1, rules=rules),)))
    house.hear(an_object("incoming/a.csv"))
    house.hear(an_object("incoming/b.csv"))
    for _ in range(4):
        house.at(5 * MINUTE)
        sweep(house.engine, house.platform, house.home())
    assert [(run.phase, run.overdue_told) for run in reversed(house.runs("ingest"))].count((Phase.WAITING, True)) == 1
    (notice,) = house.topic.published
    assert (str(notice.incident.cause), notice.incident.count) == ("overdue", 1)
    incidents = [item for key, item in house.table.items.items() if key[0].startswith("INCIDENT#")]
    assert ['"count":2' in str(item["doc"]) for item in incidents] == [True], "both runs are overdue, in one incident"
