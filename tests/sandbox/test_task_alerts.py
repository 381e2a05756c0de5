"""The real stack in the sandbox: from an event on the bus to a message, and what happens when something is down."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import Container, Sandbox, Secret
from tests.fuzz_core import mutate
from tests.support import EVENTS

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
START = datetime(2026, 3, 2, 10, 6, tzinfo=UTC)
TASK = "0123456789abcdef0123456789abcdef"
CANARY = "canary-hunter2-0123456789"


@pytest.fixture
def account() -> Iterator[Sandbox]:
    """Breakwater deployed with mail and Slack, and a service `web` with one known revision."""
    parameters: dict[str, str | Secret] = {
        "AlertEmail": "oncall@example.com",
        "SlackSecretArn": Secret("https://hooks.slack.com/services/T0/B0/x"),
    }
    with Sandbox.deploy(TEMPLATE, parameters, start=START) as sandbox:
        sandbox.register_task_definition("web", [Container("app", log_group="/web", log_prefix="ecs")])
        yield sandbox


def a_crash(task: str = TASK, **detail: object) -> dict[str, Any]:
    """The container of a task of the service `web` ends with 1."""
    arn = f"arn:aws:ecs:us-east-1:111122223333:task/prod/{task}"
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "resources": [arn],
        "detail": {
            "taskArn": arn,
            "clusterArn": "arn:aws:ecs:us-east-1:111122223333:cluster/prod",
            "taskDefinitionArn": "arn:aws:ecs:us-east-1:111122223333:task-definition/web:1",
            "group": "service:web",
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "containers": [{"name": "app", "lastStatus": "STOPPED", "exitCode": 1}],
            **detail,
        },
    }


def subjects(sandbox: Sandbox) -> list[str]:
    """The subjects of the mails to people, without those of the suite's own alarms."""
    return [mail.subject for mail in sandbox.messages if not mail.subject.startswith(("ALARM", "OK"))]


def test_a_crash_is_mailed_and_posted_once_with_its_log_and_resolved_after_quiet(account: Sandbox) -> None:
    account.write_log("/web", f"ecs/app/{TASK}", ["starting", "KeyError: 'PRICE'"])
    account.put_event([a_crash(), a_crash()])
    account.advance(timedelta(minutes=2))
    (mail,) = account.messages
    assert mail.subject == "[HIGH] prod/web: the application ended with an error (web:1)"
    assert "| KeyError: 'PRICE'" in mail.body
    account.put_event(a_crash())
    account.advance(timedelta(minutes=40))
    assert [subject.split()[0] for subject in subjects(account)] == ["[HIGH]", "[RESOLVED]"]
    assert len(account.webhook_posts) == 2
    assert (account.dead_letters, account.lost) == ([], [])
    assert {run.outcome for run in account.invocations} == {"ok"}


def test_nothing_normal_starts_a_function(account: Sandbox) -> None:
    account.put_event(
        [
            a_crash(lastStatus="DEPROVISIONING"),
            a_crash(stopCode="UserInitiated", stoppedReason="Essential container in task exited"),
            a_crash(stopCode="ServiceSchedulerInitiated", stoppedReason="Scaling activity initiated by (x)"),
            a_crash(containers=[{"name": "app", "lastStatus": "STOPPED", "exitCode": 0}]),
            a_crash() | {"account": "999988887777"},
        ]
    )
    account.advance(timedelta(minutes=2))
    assert account.invocations == []
    assert account.calls.total == 0


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        pytest.param("dynamodb", "TransactWriteItems", "ThrottlingException", id="the table throttles"),
        pytest.param("dynamodb", "BatchGetItem", "InternalServerError", id="the table fails"),
        pytest.param("sns", "PublishBatch", "InternalFailure", id="the incident topic fails"),
        pytest.param("sns", "Publish", "InternalFailure", id="the mail topic fails"),
    ],
)
def test_an_outage_delays_the_message_and_does_not_lose_or_repeat_it(
    account: Sandbox, service: str, operation: str, code: str
) -> None:
    account.fail(service, operation, code, times=2)
    account.put_event(a_crash())
    account.advance(timedelta(minutes=29))
    assert [subject.split()[0] for subject in subjects(account)] == ["[HIGH]"]
    assert len(account.webhook_posts) == 1
    assert account.dead_letters == []


def test_a_topic_that_refuses_for_good_is_heard_of_through_the_suites_own_alarms(account: Sandbox) -> None:
    account.fail("sns", "PublishBatch", "AuthorizationErrorException", times=10_000)
    account.put_event(a_crash())
    account.advance(timedelta(minutes=20))
    assert subjects(account) == []
    assert any("TaskAlertsSweepErrorsAlarm" in mail.subject for mail in account.messages)
    assert any(
        "refused" in line.text or "AuthorizationError" in line.text for line in account.logs("TaskAlertsFunction")
    )


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        pytest.param("logs", "GetLogEvents", id="no right to read the log"),
        pytest.param("ecs", "DescribeTaskDefinition", id="no right to read the task definition"),
    ],
)
def test_what_cannot_be_looked_up_is_said_and_the_alert_goes_out(
    account: Sandbox, service: str, operation: str
) -> None:
    account.fail(service, operation, "AccessDeniedException", times=9)
    account.put_event(a_crash())
    account.advance(timedelta(minutes=2))
    (mail,) = account.messages
    assert mail.subject.startswith("[HIGH] prod/web")


def test_a_slack_that_is_down_gets_its_message_later_and_mail_is_not_repeated(account: Sandbox) -> None:
    account.webhooks.reply(503, "down", times=2)
    account.put_event(a_crash())
    account.advance(timedelta(minutes=29))
    assert [subject.split()[0] for subject in subjects(account)] == ["[HIGH]"]
    assert [post.status for post in account.webhook_posts] == [503, 503, 200]


def test_secrets_of_the_task_appear_nowhere(account: Sandbox) -> None:
    account.write_log("/web", f"ecs/app/{TASK}", [f"connecting with {CANARY}", f"DB_PASSWORD={CANARY}x"])
    overrides = {"containerOverrides": [{"name": "app", "environment": [{"name": "MODE", "value": CANARY}]}]}
    reason = f"could not reach postgres://app:{CANARY}@db/web"
    account.put_event(
        a_crash(
            overrides=overrides, containers=[{"name": "app", "lastStatus": "STOPPED", "exitCode": 1, "reason": reason}]
        )
    )
    account.advance(timedelta(minutes=45))
    assert len(account.messages) == 2
    told = repr([account.messages, account.webhook_posts])
    kept = repr(account.table_items("Table")) + repr(account.logs(None))
    assert CANARY not in told + kept


def test_two_hundred_mutated_messages_are_each_handled_or_kept_with_their_reason(account: Sandbox) -> None:
    chance = random.Random(7)
    examples = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(EVENTS.glob("*.json"))]
    queue = account.resource("TaskAlertsQueue").physical_id
    bodies = [_as_text(mutate(chance.choice(examples), chance)) for _ in range(200)]
    bodies += ["{not json", "[1, 2", "NaN", "{}{}"]
    sqs = account.client("sqs")
    for body in bodies:
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    account.advance(timedelta(hours=2))
    assert {run.outcome for run in account.invocations if run.function == "TaskAlertsFunction"} == {"ok"}
    assert sorted(dead.body for dead in account.dead_letters) == sorted(bodies[200:])
    assert all("batchItemFailures" in dead.reason for dead in account.dead_letters)


def _as_text(value: object) -> str:
    """As JSON text that a queue takes; what JSON cannot say becomes text, what is too deep is written by hand."""
    try:
        return json.dumps(value, default=repr).replace("NaN", "null").replace("Infinity", "9e999")[:200_000]
    except RecursionError:
        return (
            '{"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": ' + '{"a":' * 900 + "1" + "}" * 901
        )
