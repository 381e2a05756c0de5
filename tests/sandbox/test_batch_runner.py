"""batch_runner in the real stack: from a schedule or an object to a task, its end, and what people hear."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.batch import Figures, a_bad_account
from breakwater.runs import Outcome
from sandbox import Sandbox
from sandbox.shop import BatchWork
from tests.template.reading import ROOT

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
    assert a_bad_account(jobs=3, occurrences=6, seed=7) == Figures(18, wrong=0, double=0, silent=0)
