"""The real stack when something is wrong with it: who is told, what waits, and what the mode `off` means."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from breakwater.wire import dump_notice
from sandbox import Sandbox, Secret, UnsupportedError
from sandbox.metrics import Metrics
from tests.template.bus import TARGET_TRACKING, an_alarm, an_exit
from tests.unit.notifier.samples import a_notice

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
START = datetime(2026, 3, 2, 10, 6, tzinfo=UTC)
PARAMETERS: dict[str, str | Secret] = {
    "AlertEmail": "oncall@example.com",
    "SlackSecretArn": Secret("https://hooks.slack.com/services/T0/B0/x"),
}
AT = "arn:aws:ecs:us-east-1:111122223333"
CRASH = an_exit(
    1,
    taskArn=f"{AT}:task/prod/0123456789abcdef0123456789abcdef",
    clusterArn=f"{AT}:cluster/prod",
    taskDefinitionArn=f"{AT}:task-definition/web:1",
) | {"time": "2026-03-02T10:06:00Z"}
WAKE_UP = json.dumps({"schema": "breakwater/1", "action": "notifier.flush", "channel": "mail"})


@pytest.fixture
def account() -> Iterator[Sandbox]:
    with Sandbox.deploy(TEMPLATE, PARAMETERS, start=START) as sandbox:
        yield sandbox


def raised(sandbox: Sandbox) -> list[str]:
    """The alarms that went off, by what their mails are about."""
    found = (re.match(r'ALARM: "breakwater-(\w+)-', mail.subject) for mail in sandbox.messages)
    return [match[1] for match in found if match]


def test_a_fresh_stack_with_nothing_to_do_raises_no_alarm(account: Sandbox) -> None:
    account.advance(timedelta(hours=2))
    assert raised(account) == []
    assert set(account.alarms.values()) == {"OK"}


@pytest.mark.parametrize("sweep", ["TaskAlertsSweep", "NotifierSweep", "RollbackGuardSweep"])
def test_sweeps_that_stop_coming_are_missed(account: Sandbox, sweep: str) -> None:
    account.advance(timedelta(minutes=20))
    for rule in account.account.bus.rules:
        if rule.pattern is None:
            rule.targets = tuple(target for target in rule.targets if f"{sweep}Function" not in target.arn)
    account.advance(timedelta(minutes=14))
    assert raised(account) == []
    account.advance(timedelta(minutes=6))
    assert raised(account) == [f"{sweep}SilenceAlarm"]


@pytest.mark.parametrize("minutes", [10, 60])
def test_an_outage_of_slack_delays_its_message_and_gives_up_nothing(account: Sandbox, minutes: int) -> None:
    account.webhooks.reply(503, "down", times=999)
    account.put_event(CRASH)
    account.advance(timedelta(minutes=minutes))
    account.webhooks.replies.clear()
    account.advance(timedelta(minutes=29))
    assert account.webhook_posts[-1].status == 200
    assert account.dead_letters == []


def test_notices_that_fail_for_half_an_hour_are_told_to_ops_and_one_failure_is_not(account: Sandbox) -> None:
    account.webhooks.reply(503, "down", times=1)
    account.put_event(CRASH)
    account.advance(timedelta(minutes=28))
    assert "NotifierNoticesFailedAlarm" not in raised(account)
    account.webhooks.reply(503, "down", times=20)
    account.advance(timedelta(minutes=60))
    assert raised(account).count("NotifierNoticesFailedAlarm") == 1


def test_events_that_keep_coming_back_are_told_to_ops(account: Sandbox) -> None:
    queue = account.resource("TaskAlertsQueue").physical_id
    for _ in range(5):
        account.client("sqs").send_message(QueueUrl=queue, MessageBody="{not json")
        account.advance(timedelta(minutes=4))
    assert set(raised(account)) == {"TaskAlertsMessagesReturnedAlarm", "TaskAlertsBacklogAlarm"}


@pytest.mark.parametrize(("times", "told"), [pytest.param(1, False, id="once"), pytest.param(999, True, id="always")])
def test_notices_that_cannot_be_published_are_told_to_ops(account: Sandbox, times: int, told: bool) -> None:
    account.fail("sns", "PublishBatch", "InternalFailure", times=times)
    account.put_event(CRASH)
    account.advance(timedelta(minutes=29))
    assert ("TaskAlertsNoticesUnpublishedAlarm" in raised(account)) is told


def test_with_the_mode_off_nothing_is_told_and_nothing_is_left_over() -> None:
    with Sandbox.deploy(TEMPLATE, {**PARAMETERS, "Mode": "off"}, start=START) as off:
        off.put_event(CRASH)
        notice = dump_notice(a_notice())
        off.client("sqs").send_message(QueueUrl=off.resource("NotifierQueue").physical_id, MessageBody=notice)
        off.client("sqs").send_message(QueueUrl=off.resource("NotifierQueue").physical_id, MessageBody=WAKE_UP)
        off.advance(timedelta(hours=1))
        assert (off.messages, off.webhook_posts, off.dead_letters) == ([], [], [])
        assert {run.outcome for run in off.invocations} == {"ok"}
        assert {run.function for run in off.invocations} >= {"TaskAlertsFunction", "NotifierFunction"}
        assert off.calls.total == 0


def test_a_lever_of_target_tracking_wakes_nobody(account: Sandbox) -> None:
    account.put_event(an_alarm("ALARM", "AWS/ECS", name=TARGET_TRACKING))
    account.advance(timedelta(minutes=4))
    assert account.invocations == []


@pytest.mark.parametrize(
    ("line", "total"),
    [
        pytest.param({"Failed": [1.0, 2.0], "service": "a"}, 3.0, id="a list of values"),
        pytest.param({"Failed": 1, "service": "a"}, 1.0, id="one value"),
        pytest.param({"Failed": [0.0], "service": "a"}, 0.0, id="nothing failed"),
        pytest.param({"Failed": [1.0], "service": "b"}, None, id="another dimension"),
    ],
)
def test_a_metric_in_a_log_line_is_counted_under_its_dimensions(line: dict[str, object], total: float | None) -> None:
    metrics = Metrics()
    directive = {"Namespace": "N", "Dimensions": [["service"]], "Metrics": [{"Name": "Failed", "Unit": "Count"}]}
    metrics.take(json.dumps({**line, "_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}}), START)
    key = ("N", "Failed", frozenset({("service", "a")}))
    assert metrics.total(key, START, START + timedelta(seconds=1)) == total
    assert metrics.total(key, START - timedelta(seconds=1), START) is None


@pytest.mark.parametrize("line", ['{"_aws": ', '{"_aws": {"CloudWatchMetrics": [{"Namespace": "N"}]}}'])
def test_a_metric_that_cloudwatch_would_drop_is_an_error(line: str) -> None:
    with pytest.raises(UnsupportedError, match="not valid embedded metric format"):
        Metrics().take(line, START)
