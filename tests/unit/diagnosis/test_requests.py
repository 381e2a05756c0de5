"""Rules 10 and 11: what may start work."""

from typing import Any

import pytest

from breakwater.diagnosis import Job, Surge, Upload
from tests.support import ABSENT, judge, load_event

INBOX = Upload("shop-inbox", "import", "incoming/", ".csv", r"incoming/[\w .+/-]+\.csv")
JOBS = (
    Job("invoice-run", "arn:aws:scheduler:eu-central-1:111122223333:schedule/shop/invoice-run"),
    Job("hourly-sync", "arn:aws:events:eu-central-1:111122223333:rule/hourly-sync"),
)
RUN = "run_task upload"
REFUSED = "refuse refused"


@pytest.mark.parametrize(
    ("changes", "uploads", "expected"),
    [
        pytest.param({}, (INBOX,), RUN, id="it fits"),
        pytest.param({}, (), REFUSED, id="nothing is configured"),
        pytest.param({}, (Upload("other", "x"), INBOX), RUN, id="the second entry fits"),
        pytest.param({"key": "Incoming/a.csv"}, (Upload("shop-inbox", "x", "incoming/"),), REFUSED, id="prefix case"),
        pytest.param({"key": "incoming/a.CSV"}, (Upload("shop-inbox", "x", "", ".csv"),), REFUSED, id="case of suffix"),
        pytest.param(
            {"key": "incoming/a.csv\n"}, (Upload("shop-inbox", "x", "", "", r"incoming/a\.csv$"),), REFUSED, id="$"
        ),
        pytest.param({"key": "incoming/a\x7fb"}, (Upload("shop-inbox", "x"),), REFUSED, id="a control character"),
        pytest.param({"key": "incoming/../a.csv"}, (INBOX,), REFUSED, id="dots in the middle"),
        pytest.param({"key": "incoming/a..csv"}, (INBOX,), RUN, id="dots that are no segment"),
        pytest.param({"key": "incoming/dir/"}, (Upload("shop-inbox", "x"),), REFUSED, id="a folder marker"),
        pytest.param({"key": "incoming/x.csv.exe.csv?"}, (INBOX,), REFUSED, id="the pattern must match the whole key"),
        pytest.param({"key": "incoming/a%20b.csv"}, (INBOX,), REFUSED, id="the key is not decoded"),
        pytest.param({"key": ABSENT}, (Upload("shop-inbox", "x"),), REFUSED, id="no key"),
        pytest.param({"size": 0}, (INBOX,), REFUSED, id="empty"),
        pytest.param({"size": 0}, (Upload("shop-inbox", "x", allow_empty=True),), RUN, id="empty, which is allowed"),
        pytest.param({"size": ABSENT}, (INBOX,), RUN, id="of unknown size"),
        pytest.param({}, (Upload("shop-inbox", "x", allowed_key="("),), REFUSED, id="a pattern that is none"),
        pytest.param({"source": "aws.ec2"}, (INBOX,), REFUSED, id="not announced by S3"),
        pytest.param({"detail_type": "Object Restore Completed"}, (INBOX,), REFUSED, id="another event of S3"),
    ],
)
def test_only_a_new_object_that_fits_starts_a_job(
    changes: dict[str, Any], uploads: tuple[Upload, ...], expected: str
) -> None:
    got = judge(load_event("object_created", **changes), uploads=uploads)
    assert f"{got.action} {got.cause}" == expected
    assert (got.category, got.any_alert, got.counts_for_rollback) == ("none", False, False)


def test_a_deletion_starts_nothing() -> None:
    got = judge(load_event("object_deleted"), uploads=(Upload("shop-inbox", "x"),))
    assert f"{got.action} {got.cause}" == REFUSED


@pytest.mark.parametrize(
    ("event", "changes", "expected"),
    [
        pytest.param("scheduled_batch_run", {}, "run_task schedule", id="our payload"),
        pytest.param("scheduled_batch_run", {"job": "hourly-sync"}, REFUSED, id="another job's schedule"),
        pytest.param("scheduled_batch_run", {"job": 7}, REFUSED, id="no job"),
        pytest.param("scheduled_batch_run", {"scheduleArn": ABSENT}, REFUSED, id="no schedule"),
        pytest.param(
            "scheduled_batch_run",
            {"scheduledTime": "<aws.scheduler.scheduled-time>"},
            "refuse malformed",
            id="a placeholder",
        ),
        pytest.param("scheduled_batch_run", {"scheduledTime": ABSENT}, "refuse malformed", id="no time"),
        pytest.param("scheduled_batch_run", {"action": "batch.delete"}, "refuse malformed", id="an unknown action"),
        pytest.param("scheduled_batch_run", {"action": ABSENT}, "refuse malformed", id="no action"),
        pytest.param("scheduled_batch_run", {"note": "x"}, "run_task schedule", id="a key more"),
        pytest.param("scheduled_batch_run", {"schema": "breakwater/2"}, "none foreign", id="another schema"),
        pytest.param("scheduled_event", {}, "run_task schedule", id="EventBridge's own envelope"),
        pytest.param("scheduled_event", {"detail": ABSENT}, "run_task schedule", id="its detail is not read"),
        pytest.param("scheduled_event", {"source": "aws.scheduler"}, "run_task schedule", id="from the scheduler"),
        pytest.param("scheduled_event", {"source": "aws.ecs"}, REFUSED, id="from neither"),
        pytest.param("scheduled_event", {"resources": ["x"]}, REFUSED, id="an unknown schedule"),
        pytest.param("scheduled_event", {"resources": [None, JOBS[1].schedule]}, REFUSED, id="only the first counts"),
        pytest.param("scheduled_event", {"account": "999988887777"}, "none foreign", id="another account's"),
    ],
)
def test_a_schedule_starts_its_own_job_only(event: str, changes: dict[str, Any], expected: str) -> None:
    got = judge(load_event(event, **changes), jobs=JOBS)
    assert f"{got.action} {got.cause}" == expected


@pytest.mark.parametrize(
    ("surge", "changes", "expected"),
    [
        pytest.param(Surge("s-17", 6, 6, 2), {}, "scale_revert schedule", id="untouched"),
        pytest.param(Surge("s-17", 6, 5, 2), {}, "stand_down stale", id="somebody changed the count"),
        pytest.param(Surge("s-17", 6, None, 2), {}, "stand_down stale", id="the service is gone"),
        pytest.param(Surge("s-18", 6, 6, 2), {}, REFUSED, id="another one"),
        pytest.param(None, {}, REFUSED, id="none"),
        pytest.param(Surge("s-17", 6, 6, 2), {"scheduledTime": "soon"}, "refuse malformed", id="no time"),
    ],
)
def test_a_scale_up_is_given_back_unless_somebody_took_over(
    surge: Surge | None, changes: dict[str, Any], expected: str
) -> None:
    got = judge(load_event("scheduled_scale_revert", **changes), surge=surge)
    assert f"{got.action} {got.cause}" == expected
