"""Rule 8: what counts against the deployment in progress. Whatever takes the vote away leaves the alert."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support import ABSENT, NOW, judge, load_event

ARN = "arn:aws:ecs:{region}:{account}:task/shop/5f1c"


@pytest.mark.parametrize(
    ("changes", "facts", "counts"),
    [
        pytest.param({}, {}, True, id="the deployment in progress"),
        pytest.param({}, {"deployment_in_progress": None}, False, id="no deployment"),
        pytest.param({}, {"deployment_in_progress": "ecs-svc/1"}, False, id="another deployment"),
        pytest.param({"started_by": ABSENT}, {"deployment_in_progress": None}, False, id="absent is not equal"),
        pytest.param({"started_by": ""}, {"deployment_in_progress": ""}, False, id="empty is not equal"),
        pytest.param({"group": "family:checkout"}, {}, False, id="no service"),
        pytest.param({}, {"deployment_is_rollback": True}, False, id="a rollback"),
        pytest.param({}, {"deployment_controller": "CODE_DEPLOY"}, False, id="CodeDeploy"),
        pytest.param({}, {"deployment_controller": "EXTERNAL"}, False, id="an external controller"),
        pytest.param({}, {"now": NOW + timedelta(minutes=29)}, True, id="exactly 30 minutes old"),
        pytest.param({}, {"now": NOW + timedelta(minutes=29, seconds=1)}, False, id="a second older"),
        pytest.param({}, {"now": NOW - timedelta(days=1)}, True, id="from the future"),
        pytest.param({"time": ABSENT}, {}, False, id="no time"),
        pytest.param({"time": "yesterday"}, {}, False, id="an unreadable time"),
        pytest.param({"time": 1776151800}, {}, False, id="a number is no time"),
        pytest.param({"time": "2026-04-14T09:30:00.123456789+02:00"}, {}, True, id="another way to write the time"),
        pytest.param({"replay_name": "monday"}, {}, False, id="a replay"),
        pytest.param({"replay_name": None}, {}, True, id="no replay"),
        pytest.param({"task_arn": ARN.format(region="eu-central-1", account="999988887777")}, {}, False, id="account"),
        pytest.param({"task_arn": ARN.format(region="us-east-1", account="111122223333")}, {}, False, id="Region"),
        pytest.param({"task_arn": "5f1c"}, {}, False, id="not an ARN"),
        pytest.param({"task_arn": ABSENT}, {}, True, id="the ARN is in resources"),
        pytest.param({"task_arn": ABSENT, "resources": []}, {}, False, id="no ARN at all"),
        pytest.param({}, {"account": None, "region": None}, True, id="the envelope stands in for unknown facts"),
    ],
)
def test_a_crash_counts_only_if_all_of_the_conditions_hold(
    changes: dict[str, Any], facts: dict[str, Any], counts: bool
) -> None:
    got = judge(load_event("task_stopped_nonzero_exit", **changes), **facts)
    assert got.counts_for_rollback is counts
    assert (got.category, got.any_alert) == ("task_failed", True)


@pytest.mark.parametrize(
    ("time", "told"),
    [
        pytest.param("2026-04-14T07:36:00Z", False, id="five minutes: clocks differ"),
        pytest.param("2026-04-14T07:36:01Z", True, id="a second more"),
        pytest.param("2099-01-01T00:00:00Z", True, id="far ahead"),
    ],
)
def test_an_event_from_the_future_counts_and_says_so(time: str, told: bool) -> None:
    got = judge(load_event("task_stopped_nonzero_exit", time=time))
    assert (got.counts_for_rollback, "dated in the future" in got.reason) == (True, told)


@pytest.mark.parametrize(
    ("time", "late"),
    [
        pytest.param("2026-04-14T07:30:00Z", False, id="fresh"),
        pytest.param("2026-04-13T07:30:00Z", True, id="a day old"),
        pytest.param("?", True, id="of unknown age"),
    ],
)
def test_a_late_event_is_marked(time: str, late: bool) -> None:
    assert judge(load_event("task_stopped_nonzero_exit", time=time)).late is late
