"""batch_runner in the real stack: from a schedule or an object to a task, its end, and what people hear."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.batch import Figures, a_bad_account
from breakwater.runs import Outcome
from sandbox import Sandbox
from sandbox.ecs.workloads import crash_on_start, exits_zero
from sandbox.shop import BatchWork
from tests.sandbox.killer import Killer
from tests.template.reading import ROOT
from tests.thoroughness import EXHAUSTIVE, deaths

START = datetime(2026, 3, 3, 1, 6, tzinfo=UTC)


@pytest.fixture
def work() -> Iterator[BatchWork]:
    """The stack in mode act, the shop beside it, the example's policy in force."""
    with Sandbox.deploy(ROOT / "template.yaml", {"AlertEmail": "oncall@example.com", "Mode": "act"}, start=START) as it:
        work = BatchWork(it)
        work.prepare()
        yield work


def runs(sandbox: Sandbox, name: str) -> list[dict[str, Any]]:
    return [json.loads(item["doc"]) for item in sandbox.table_items() if item["pk"] == f"RUNS#{name}"]


def tasks(sandbox: Sandbox, run: dict[str, Any]) -> list[Any]:
    """The tasks of a run that have stopped within the hour for which ECS remembers them."""
    return [task for task in sandbox.ecs.world.stopped_tasks if run["id"] in (task.started_by or "")]


def subjects(sandbox: Sandbox) -> list[str]:
    return [mail.subject for mail in sandbox.messages if not mail.subject.startswith(("ALARM", "OK"))]


def clean(sandbox: Sandbox) -> None:
    """Nothing was lost, refused or raised."""
    assert (sandbox.dead_letters, sandbox.lost) == ([], [])
    assert {run.outcome for run in sandbox.invocations} == {"ok"}
    refused = [call for call in sandbox.calls.log if (call.error or "").startswith("AccessDenied")]
    assert refused == []


def test_an_upload_becomes_rows_of_the_table_by_the_code_of_the_example(work: BatchWork) -> None:
    rows = work.upload()
    assert [(row["article"]["S"], row["price"]["N"], row["source"]["S"]) for row in rows] == [
        ("anchor", "129.50", "incoming/prices.csv"),
        ("buoy", "39.90", "incoming/prices.csv"),
    ]
    (run,) = runs(work.sandbox, "ingest")
    assert (run["outcome"], run["exit_code"], run["attempt"]) == (Outcome.SUCCEEDED, 0, 1)
    assert subjects(work.sandbox) == []
    clean(work.sandbox)


def test_a_file_that_is_wrong_is_set_aside_told_once_and_writes_nothing(work: BatchWork) -> None:
    assert work.upload("incoming/bad.csv", b"article,price\nanchor,12\nbuoy,free\n") == []
    (run,) = runs(work.sandbox, "ingest")
    assert (run["outcome"], run["exit_code"], run["attempt"]) == (Outcome.QUARANTINED, 65, 1)
    (subject,) = subjects(work.sandbox)
    assert subject.startswith("[MEDIUM] shop/ingest")
    clean(work.sandbox)


def test_other_objects_start_nothing(work: BatchWork) -> None:
    for key in ("incoming/", "outgoing/a.csv", "incoming/a b.csv", "incoming/--help.csv\n", "incoming/a.txt"):
        work.sandbox.client("s3").put_object(Bucket="shop-inbox", Key=key, Body=b"x")
    work.sandbox.advance(timedelta(minutes=2))
    assert runs(work.sandbox, "ingest") == []


def test_a_nightly_job_that_fails_once_is_told_at_its_deadline_and_resolved_by_its_retry(work: BatchWork) -> None:
    work.bad_night()
    (run,) = runs(work.sandbox, "reprice")
    assert (run["outcome"], run["attempt"], len(run["history"])) == (Outcome.SUCCEEDED, 2, 2)
    assert run["due"] == "2026-03-03T01:30:00Z", "02:30 in Berlin"
    assert subjects(work.sandbox) == [
        "[HIGH] shop/reprice: a run has not succeeded by its deadline",
        "[RESOLVED] shop/reprice: a run has not succeeded by its deadline",
    ]
    clean(work.sandbox)


def test_spot_that_has_no_room_falls_back_to_on_demand(work: BatchWork) -> None:
    work.sandbox.ecs.faults.shortage("FARGATE_SPOT")
    assert len(work.upload()) == 2
    (run,) = runs(work.sandbox, "ingest")
    assert (run["outcome"], run["attempt"], run["provider"]) == (Outcome.SUCCEEDED, 2, 1)
    clean(work.sandbox)


def test_in_observe_nothing_is_started_and_everything_is_said() -> None:
    with Sandbox.deploy(ROOT / "template.yaml", {"AlertEmail": "oncall@example.com"}, start=START) as sandbox:
        work = BatchWork(sandbox)
        work.prepare()
        assert work.upload() == []
        work.sandbox.advance(timedelta(minutes=30))
        assert [run["outcome"] for name in ("ingest", "reprice") for run in runs(sandbox, name)] == ["observed"] * 2
        assert [call for call in sandbox.calls.log if call.operation == "RunTask"] == []
        assert [subject.split()[0] for subject in subjects(sandbox)][:2] == ["[LOW]", "[LOW]"]
        clean(sandbox)


def test_occurrences_in_a_bad_account_end_in_one_success_or_one_incident_each() -> None:
    """A short one: `python -m benchmarks.batch` has two hundred."""
    assert a_bad_account(jobs=4, occurrences=4, seed=7) == Figures(16, wrong=0, double=0, silent=0)


@pytest.mark.parametrize("fails", [False, True], ids=["it succeeds", "it fails"])
def test_a_run_killed_at_any_of_its_calls_converges_to_one_task_and_one_end(
    work: BatchWork, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Every twelfth call of a run, before it and after it by turns; each of them, twice, in `make exhaustive`."""
    sandbox = work.sandbox
    sandbox.ecs.faults.set_workload("ingest:1", crash_on_start(1) if fails else exits_zero(40))
    killer = Killer(sandbox, "BatchRunner", monkeypatch)
    work.upload("incoming/calm.csv")
    calls = killer.calls
    deadly = deaths(range(calls)) if EXHAUSTIVE else deaths(range(calls))[int(fails) :: 12]
    for turn, (number, after) in enumerate(deadly):
        key = f"incoming/{turn}.csv"
        killer.arm(number, after)
        sandbox.client("s3").put_object(Bucket="shop-inbox", Key=key, Body=b"x")
        sandbox.advance(timedelta(minutes=4))
        where = f"call {number} {'after' if after else 'before'} {killer.disarm()}"
        sandbox.advance(timedelta(minutes=14))  # until the message comes again, and a sweep
        (run,) = [run for run in runs(sandbox, "ingest") if run["key"] == key]
        assert run["outcome"] == (Outcome.QUARANTINED if fails else Outcome.SUCCEEDED), where
        assert len(tasks(sandbox, run)) == 1, where
        facts = [item for item in sandbox.table_items() if str(item["pk"]).startswith("FACT#")]
        assert len(facts) == (turn + 2 if fails else 0), f"told once: {where}"
    assert not [item for item in sandbox.table_items() if item.get("status") in ("run-active", "run-untold")]
    assert calls > 20


SLOW_RETRY = """\
version: 1
jobs:
  - name: slow
    schedule: at(2026-03-03T01:10:00)
    mode: act
    timeout_minutes: 7
    task: {cluster: shop, task_definition: reprice, container: reprice, launch_type: FARGATE,
           network: {subnets: [subnet-0aa11bb22cc33dd44]}}
    retries: {attempts: 2, exit_codes: [75], backoff_seconds: 420}
"""


def test_a_long_wait_for_the_next_attempt_raises_no_alarm_and_a_timeout_is_kept_to_the_minute(work: BatchWork) -> None:
    """The second attempt waits for seven minutes; then its task hangs, for seven minutes at most."""
    sandbox = work.sandbox
    faults = sandbox.ecs.faults
    work.push(SLOW_RETRY.encode())
    faults.set_workload("reprice:1", crash_on_start(75))
    sandbox.advance(START.replace(minute=13))
    faults.set_workload("reprice:1", exits_zero(24 * 3600))
    sandbox.advance(START.replace(minute=29))
    (run,) = runs(sandbox, "slow")
    first, second = tasks(sandbox, run)
    assert [first.stop_code, second.stop_code] == ["EssentialContainerExited", "UserInitiated"]
    assert (run["outcome"], run["cause"], run["attempt"]) == (Outcome.FAILED, "timed_out", 2)
    assert second.stopped_reason == "breakwater: it has run for 7 min; its timeout is 7 min"
    assert [mail.subject for mail in sandbox.messages if mail.subject.startswith("ALARM")] == []
    clean(sandbox)
