"""From the bus through queues to handlers and on: batches, failures, dead letters, retries, mail, chat, logs."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from sandbox import Sandbox, UnsupportedError
from sandbox.bus import Chaos
from sandbox.patterns import compile_pattern

Events = Callable[..., dict[str, Any]]
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def runs(sandbox: Sandbox, function: str) -> list[tuple[float, str]]:
    """Give when a function ran, in seconds since the first deployment minute, and how it ended."""
    first = sandbox.now.replace(hour=10, minute=0, second=0, microsecond=0)
    return [((run.at - first).total_seconds(), run.outcome) for run in sandbox.invocations if run.function == function]


def test_a_batch_goes_out_when_its_window_has_passed(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event([event("work", do="log"), event("work", do="log")])
    sandbox.advance(4 * SECOND)
    assert runs(sandbox, "WorkerFunction") == []
    sandbox.put_event(event("work", do="log"))
    sandbox.advance(SECOND)
    assert runs(sandbox, "WorkerFunction") == [(5, "ok")]
    assert json.loads(sandbox.logs("WorkerFunction")[-1].text)["records"] == 3


def test_a_full_batch_does_not_wait_and_the_rest_does(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event([event("work", do="log") for _ in range(45)])
    sandbox.advance(0 * SECOND)
    assert runs(sandbox, "WorkerFunction") == [(0, "ok"), (0, "ok")]
    sandbox.run_until_idle()
    assert runs(sandbox, "WorkerFunction") == [(0, "ok"), (0, "ok"), (5, "ok")]


def test_only_the_failed_record_comes_back_and_ends_in_the_dead_letter_queue(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event([event("work", do="log"), event("work", do="fail", mark="this one")])
    sandbox.run_until_idle()
    assert runs(sandbox, "WorkerFunction") == [(5, "ok"), (70, "ok")]
    [dead] = sandbox.dead_letters
    assert (dead.queue, json.loads(dead.body)["detail"]["mark"]) == ("WorkDeadLetterQueue", "this one")
    assert dead.reason == "received 2 times: named in batchItemFailures"


@pytest.mark.parametrize("do", [pytest.param("raises", id="raises"), pytest.param("garbage", id="answers garbage")])
def test_the_whole_batch_comes_back_if_the_function(do: str, sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event([event("work", do="log"), event("work", do=do)])
    sandbox.run_until_idle()
    assert len(sandbox.dead_letters) == 2
    assert len(runs(sandbox, "WorkerFunction")) == 2


def test_an_event_that_no_rule_wants_goes_nowhere(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("holiday", do="raise"))
    sandbox.run_until_idle()
    assert sandbox.invocations == []


def test_a_queue_that_does_not_trust_the_rule_makes_a_dead_letter_that_says_so(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("stranger"))
    [dead] = sandbox.dead_letters
    assert dead.queue == "RulesDeadLetterQueue"
    assert dead.attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert dead.attributes["RULE_ARN"].startswith("arn:aws:events:us-east-1:111122223333:rule/breakwater-StrangerRule")
    assert dead.attributes.keys() == {"RULE_ARN", "TARGET_ARN", "ERROR_CODE", "ERROR_MESSAGE"}


def test_what_aws_would_drop_is_kept_as_lost(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("lonely"))
    [lost] = sandbox.lost
    assert lost.reason.startswith("NO_PERMISSIONS")
    assert sandbox.dead_letters == []


def test_an_asynchronous_failure_is_retried_twice_and_then_recorded(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("direct", do="raise"))
    sandbox.run_until_idle()
    assert runs(sandbox, "DirectFunction") == [(0, "error"), (60, "error"), (180, "error")]
    [dead] = sandbox.dead_letters
    record = json.loads(dead.body)
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestPayload"]["detail"] == {"do": "raise"}
    assert record["responsePayload"]["errorType"] == "RuntimeError"


def test_an_alarm_on_errors_sends_mail_and_recovers(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("direct", do="raise"))
    sandbox.advance(MINUTE)
    assert sandbox.alarms == {"DirectErrorsAlarm": "ALARM"}
    assert [mail.subject.split(" ")[0] for mail in sandbox.messages] == ["ALARM:"]
    sandbox.advance(5 * MINUTE)
    assert sandbox.alarms == {"DirectErrorsAlarm": "OK"}


def test_a_schedule_runs_in_virtual_time_and_keeps_nothing_busy(sandbox: Sandbox) -> None:
    sandbox.run_until_idle()
    assert sandbox.invocations == []
    sandbox.advance(11 * MINUTE)
    assert runs(sandbox, "DirectFunction") == [(300, "ok"), (600, "ok")]


def test_a_delayed_message_waits_in_virtual_time(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("work", do="again"))
    sandbox.run_until_idle()
    assert runs(sandbox, "WorkerFunction") == [(5, "ok"), (50, "ok")]


def test_mail_is_captured_and_a_filter_policy_is_obeyed(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event([event("work", do="publish", kind="copy"), event("work", do="publish", kind="other")])
    sandbox.run_until_idle()
    assert [(mail.endpoint, mail.subject, mail.body) for mail in sandbox.messages] == [
        ("ops@example.com", "Hello", "text")
    ] * 2
    queue_url = sandbox.resource("CopyQueue").physical_id
    answer = sandbox.client("sqs").receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
    [message] = answer["Messages"]
    envelope = json.loads(message["Body"])
    assert (envelope["Type"], envelope["Message"]) == ("Notification", "text")
    assert envelope["MessageAttributes"] == {"kind": {"Type": "String", "Value": "copy"}}


def test_a_webhook_is_captured_and_can_fail(sandbox: Sandbox, event: Events) -> None:
    url = "https://hooks.slack.com/services/T/B/x"
    sandbox.webhooks.reply(429, "slow down", retry_after="30")
    sandbox.put_event([event("work", do="post", url=url), event("work", do="post", url=url)])
    sandbox.run_until_idle()
    assert [(post.url, post.body, post.status) for post in sandbox.webhook_posts] == [
        (url, "hi", 429),
        (url, "hi", 200),
    ]
    said = [line.text for line in sandbox.logs("WorkerFunction")]
    assert any("answered 429 30" in text for text in said)


def test_any_other_network_is_an_error_even_if_the_handler_swallows_it(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("work", do="post swallowing", url="https://example.com/"))
    with pytest.raises(UnsupportedError, match="request to https://example"):
        sandbox.run_until_idle()


def test_sleeping_takes_virtual_time_and_ends_at_the_timeout(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("work", do="sleep", seconds=12))
    sandbox.run_until_idle()
    assert any("18000 ms left" in line.text for line in sandbox.logs("WorkerFunction"))
    sandbox.put_event(event("work", do="sleep", seconds=31))
    sandbox.advance(10 * SECOND)
    assert sandbox.invocations[-1].outcome == "timeout"
    assert sandbox.logs("WorkerFunction")[-1].text.endswith("Task timed out after 30.00 seconds")


def test_an_event_put_for_later_arrives_then(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("work", do="log"), at=sandbox.now + 90 * SECOND)
    sandbox.run_until_idle()
    assert runs(sandbox, "WorkerFunction") == [(95, "ok")]


def test_calls_can_be_made_to_fail_on_purpose(sandbox: Sandbox, event: Events) -> None:
    sandbox.fail("dynamodb", "PutItem", "ThrottlingException")
    sandbox.put_event(event("work", do="store", pk="a"))
    sandbox.run_until_idle()
    assert [run.outcome for run in sandbox.invocations] == ["error", "ok"]
    assert [call.error for call in sandbox.calls.log] == ["ThrottlingException", None]
    assert len(sandbox.table_items()) == 1


def test_a_bad_bus_sends_again_under_other_ids_and_late_but_only_what_fits(sandbox: Sandbox, event: Events) -> None:
    arrived: list[tuple[str, str, int]] = []
    began = sandbox.now

    def heard(each: Mapping[str, Any], matched: bool) -> None:
        arrived.append((each["detail-type"], each["id"], (sandbox.now - began) // SECOND))

    sandbox.account.bus.heard = heard
    sandbox.account.bus.chaos = Chaos(
        duplicate=1.0,
        again=10 * MINUTE,
        renamed=0.5,
        late=0.5,
        late_by=60 * MINUTE,
        only=compile_pattern({"detail-type": ["work"]}),
    )
    sandbox.put_event([event("work", do="log") for _ in range(40)] + [event("play", do="log") for _ in range(40)])
    sandbox.run_until_idle()

    work = [(id_, at) for kind, id_, at in arrived if kind == "work"]
    assert [at for kind, _, at in arrived if kind == "play"] == [0] * 40
    assert len(work) == 80
    assert 50 <= len({id_ for id_, _ in work}) <= 70
    assert 10 <= sum(at == 0 for _, at in work) <= 30
    assert 20 * 60 < max(at for _, at in work) < 70 * 60


def test_a_bad_bus_drops_doubles_and_delays_by_the_seed(sandbox: Sandbox, event: Events) -> None:
    sandbox.chaos(drop=0.3, duplicate=0.3, delay=10 * MINUTE)
    sandbox.put_event([event("work", do="store", pk=str(number)) for number in range(100)])
    sandbox.run_until_idle()
    stored = [item["pk"] for item in sandbox.table_items()]
    assert 55 < len(set(stored)) < 85
    assert len(set(stored)) < len(stored)
