"""Rules 1, 2 and 12: whose event it is, order and repeats, batches."""

import json
from typing import Any

import pytest

from breakwater.diagnosis import Job, Memory, Upload, diagnose_batch
from breakwater.events import read_batch
from tests.support import ABSENT, a_container, judge, load_event, some_facts

STOPPED = "task_stopped_nonzero_exit"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param([1], "malformed", id="a list"),
        pytest.param(None, "malformed", id="null"),
        pytest.param({}, "foreign", id="an empty object"),
        pytest.param(load_event(STOPPED, source="my.ecs"), "foreign", id="another source"),
        pytest.param(load_event(STOPPED, source=["aws.ecs"]), "foreign", id="a source that is no text"),
        pytest.param(load_event(STOPPED, account=111122223333), "foreign", id="an account that is no text"),
        pytest.param(load_event(STOPPED, region="us-east-1"), "foreign", id="another Region"),
        pytest.param(load_event(STOPPED, detail_type="ECS News"), "unknown", id="an unknown kind"),
        pytest.param(load_event(STOPPED, detail_type="ECS News", account="9"), "foreign", id="foreign before unknown"),
        pytest.param(load_event(STOPPED, detail="{}"), "malformed", id="a detail that is a text"),
        pytest.param(load_event(STOPPED, detail=ABSENT, region=ABSENT), "foreign", id="foreign before malformed"),
    ],
)
def test_what_is_not_ours_is_left_alone(event: object, expected: str) -> None:
    got = judge(event)
    assert (got.category, got.severity, got.cause, got.action) == ("none", "none", expected, "none")


def _sequence(*events: object, **facts: Any) -> list[str]:
    memory = Memory()
    return [judge(event, memory, **facts).cause for event in events]


RUNNING = "task_running"
SIDECAR = "task_running_sidecar_failed"
OTHER = "arn:aws:ecs:eu-central-1:111122223333:task/shop/other"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([load_event(STOPPED)] * 2, "app_error duplicate", id="twice"),
        pytest.param(
            [load_event(STOPPED), load_event(STOPPED, id="x", exit_code=9)], "app_error duplicate", id="another id"
        ),
        pytest.param(
            [load_event(STOPPED, task_arn=ABSENT), load_event(STOPPED)], "app_error duplicate", id="named by resources"
        ),
        pytest.param([load_event(STOPPED), load_event(RUNNING)], "app_error stale", id="an old state comes late"),
        pytest.param([load_event(STOPPED), load_event(SIDECAR)], "app_error stale", id="a sidecar comes late"),
        pytest.param([load_event(STOPPED), load_event("task_spot_warning")], "app_error stale", id="a late warning"),
        pytest.param([load_event(STOPPED), load_event(STOPPED, task_arn=OTHER)], "app_error app_error", id="another"),
        pytest.param(
            [load_event("task_spot_warning"), load_event(STOPPED)], "spot_interruption app_error", id="warned"
        ),
        pytest.param([load_event("task_stopped_by_user"), load_event(STOPPED)], "user_stop duplicate", id="quiet end"),
        pytest.param([load_event(STOPPED, account="9"), load_event(STOPPED)], "foreign app_error", id="foreign first"),
        pytest.param([load_event(SIDECAR)] * 2, "sidecar_error duplicate", id="a sidecar twice"),
        pytest.param([load_event(SIDECAR), load_event(STOPPED)], "sidecar_error app_error", id="sidecar, then the end"),
        pytest.param(
            [load_event(SIDECAR), load_event(SIDECAR, task_arn=OTHER)], "sidecar_error sidecar_error", id="another's"
        ),
        pytest.param(
            [
                load_event(SIDECAR),
                load_event(
                    SIDECAR,
                    containers=[a_container(status="RUNNING"), a_container("metrics", 1), a_container("cache", 2)],
                ),
            ],
            "sidecar_error sidecar_error",
            id="another sidecar of the same task",
        ),
        pytest.param(
            [load_event(STOPPED, task_arn=ABSENT, resources=[])] * 2, "app_error app_error", id="a task without a name"
        ),
    ],
)
def test_a_task_is_told_once(events: list[object], expected: str) -> None:
    assert _sequence(*events) == expected.split()


@pytest.mark.parametrize(
    ("change", "second"),
    [
        pytest.param({}, "duplicate", id="the same version"),
        pytest.param({"sequencer": "FF"}, "duplicate", id="the version decides"),
        pytest.param({"version_id": "v2"}, "upload", id="another version"),
        pytest.param({"key": "other.csv"}, "upload", id="another key"),
    ],
)
def test_an_object_is_known_by_its_version(change: dict[str, Any], second: str) -> None:
    first = load_event("object_created")
    got = _sequence(first, load_event("object_created", **change), uploads=(Upload("shop-inbox", "x"),))
    assert got == ["upload", second]


@pytest.mark.parametrize(
    ("change", "second"),
    [
        pytest.param({}, "duplicate", id="the same etag and sequencer"),
        pytest.param({"sequencer": "FF"}, "upload", id="another sequencer"),
        pytest.param({"etag": ABSENT}, "upload", id="another etag"),
    ],
)
def test_an_object_without_versions_is_known_by_etag_and_sequencer(change: dict[str, Any], second: str) -> None:
    first = load_event("object_created", version_id=ABSENT)
    again = load_event("object_created", version_id=ABSENT, **change)
    assert _sequence(first, again, uploads=(Upload("shop-inbox", "x"),)) == ["upload", second]


@pytest.mark.parametrize(
    ("change", "second"),
    [
        pytest.param({"executionId": "other", "attempt": "2"}, "duplicate", id="another attempt"),
        pytest.param({"scheduledTime": "2026-04-14T09:30:00.000+02:00"}, "duplicate", id="the same time"),
        pytest.param({"scheduledTime": "2026-04-15T07:30:00Z"}, "schedule", id="the next day"),
    ],
)
def test_a_run_is_known_by_schedule_and_time(change: dict[str, Any], second: str) -> None:
    first = load_event("scheduled_batch_run")
    jobs = (Job("invoice-run", first["scheduleArn"]),)
    assert _sequence(first, load_event("scheduled_batch_run", **change), jobs=jobs) == ["schedule", second]


def _batch(*bodies: object) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]}


def test_a_batch_takes_the_worst_decision_and_reports_only_what_is_unreadable() -> None:
    batch = read_batch(load_event("sqs_batch_with_poison"))
    assert batch is not None
    got = diagnose_batch(batch, some_facts())
    assert (got.records, got.alerts) == (3, 1)
    assert got.batch_item_failures == ("00000000-0000-4000-8000-000000000001",)
    assert (got.decision.category, got.decision.counts_for_rollback) == ("task_failed", True)


def test_any_record_that_counts_makes_the_batch_count() -> None:
    worst = load_event(STOPPED, started_by="ecs-svc/1", task_arn=OTHER)
    votes = load_event("task_stopped_failed_elb_health_check")
    batch = read_batch(_batch(json.dumps(votes), json.dumps(worst)))
    assert batch is not None
    got = diagnose_batch(batch, some_facts())
    assert (got.decision.cause, got.decision.counts_for_rollback, got.alerts) == ("app_error", True, 2)


@pytest.mark.parametrize(
    ("raw", "records", "failures"),
    [
        pytest.param({"Records": []}, 0, (), id="empty"),
        pytest.param(_batch("", "{", "NaN", "[" * 100_000), 4, ("m0", "m1", "m2", "m3"), id="nothing is JSON"),
        pytest.param({"Records": [7, {"messageId": 5, "body": "x"}, {"messageId": "m"}]}, 3, ("m",), id="odd records"),
        pytest.param(_batch("[1]", "null"), 2, (), id="JSON, but no events"),
    ],
)
def test_a_batch_without_an_event_is_malformed(raw: object, records: int, failures: tuple[str, ...]) -> None:
    batch = read_batch(raw)
    assert batch is not None
    got = diagnose_batch(batch, some_facts())
    assert (got.decision.category, got.decision.cause) == ("none", "malformed")
    assert (got.records, got.alerts, got.batch_item_failures) == (records, 0, failures)
