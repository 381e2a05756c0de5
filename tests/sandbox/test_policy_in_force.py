"""A pushed policy reaches functions that are warm already, within a minute."""

from datetime import timedelta
from typing import Any

from sandbox import Secret
from tests.sandbox.policy_stack import PolicyStack, deployed

A_MINUTE = timedelta(minutes=1)
ODD = "SomethingNewIn2027"


def a_crash(service: str, code: str) -> dict[str, Any]:
    """A task of a service that ended by itself, or by a code that nobody knows, which is less severe."""
    arn = f"arn:aws:ecs:us-east-1:111122223333:task/prod/{service}"
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "detail": {
            "taskArn": arn,
            "clusterArn": "arn:aws:ecs:us-east-1:111122223333:cluster/prod",
            "taskDefinitionArn": f"arn:aws:ecs:us-east-1:111122223333:task-definition/{service}:1",
            "group": f"service:{service}",
            "lastStatus": "STOPPED",
            "stopCode": code,
            "stoppedReason": "Essential container in task exited",
            "containers": [{"name": "app", "lastStatus": "STOPPED", "exitCode": 1}],
        },
    }


def told_of(stack: PolicyStack, service: str, code: str = "EssentialContainerExited") -> tuple[int, int]:
    """How many mails and chat messages a crash of a new service makes."""
    mails, posts = len(stack.sandbox.messages), len(stack.sandbox.webhook_posts)
    stack.sandbox.put_event(a_crash(service, code))
    stack.sandbox.advance(A_MINUTE)
    return len(stack.sandbox.messages) - mails, len(stack.sandbox.webhook_posts) - posts


def test_alerts_and_channels_follow_the_policy_within_a_minute() -> None:
    with deployed(SlackSecretArn=Secret("https://hooks.slack.com/services/T0/B0/x")) as stack:
        assert told_of(stack, "one") == (1, 1)
        assert told_of(stack, "odd", ODD) == (1, 1)
        stack.push("version: 1\nchannels: {slack: {minimum_severity: high}}\n")
        stack.sandbox.advance(A_MINUTE)
        assert told_of(stack, "two") == (1, 1)
        assert told_of(stack, "odder", ODD) == (1, 0)
        stack.push("version: 1\ndefaults: {alerts: {enabled: false}}\n")
        stack.sandbox.advance(A_MINUTE)
        assert told_of(stack, "three") == (0, 0)
        stack.push("version: 1\n")
        stack.sandbox.advance(A_MINUTE)
        assert told_of(stack, "four") == (1, 1)


def test_in_quiet_hours_what_is_less_than_high_waits_for_a_digest_at_their_end() -> None:
    with deployed() as stack:
        ends = stack.sandbox.now + timedelta(minutes=20)
        hours = f'{{begins: "{ends - timedelta(hours=2):%H:%M}", ends: "{ends:%H:%M}"}}'
        stack.push(
            f"version: 1\ndefaults: {{quiet_hours: [{hours}]}}\nservices: [{{match: prod/loud, quiet_hours: []}}]\n"
        )
        stack.sandbox.advance(A_MINUTE)
        assert told_of(stack, "high") == (1, 0)
        assert told_of(stack, "odd", ODD) == (0, 0)
        assert told_of(stack, "odder", ODD) == (0, 0)
        assert told_of(stack, "loud", ODD) == (1, 0)
        stack.sandbox.advance(ends - timedelta(seconds=1))
        before = len(stack.sandbox.messages)
        stack.sandbox.advance(timedelta(minutes=6))
        (digest,) = stack.sandbox.messages[before:]
        assert "2 incidents: 2 medium" in digest.subject
        assert all(f"prod/{name}" in digest.body for name in ("odd", "odder"))
        assert (stack.sandbox.dead_letters, stack.sandbox.lost) == ([], [])


def test_while_the_table_is_ill_the_last_policy_holds() -> None:
    with deployed() as stack:
        stack.push("version: 1\ndefaults: {alerts: {enabled: false}}\n")
        assert told_of(stack, "one") == (0, 0)
        stack.sandbox.advance(A_MINUTE)
        stack.sandbox.fail("dynamodb", "BatchGetItem", "ThrottlingException", times=2, function="TaskAlertsFunction")
        assert told_of(stack, "two") == (0, 0)


def a_job(stack: PolicyStack, name: str, seconds: int) -> str:
    """A job that is due so many seconds from now."""
    due = stack.sandbox.now + timedelta(seconds=seconds)
    task = "task: {cluster: batch, task_definition: report}"
    return f"  - {{name: {name}, schedule: at({due:%Y-%m-%dT%H:%M:%S}), {task}}}\n"


def test_a_schedule_that_fires_seconds_after_its_push_meets_its_job() -> None:
    """The function is warm and read the policy less than a minute ago."""
    with deployed() as stack:
        first = "version: 1\njobs:\n" + a_job(stack, "first", 20)
        stack.push(first)
        second = first + a_job(stack, "second", 10)
        stack.upload(second)
        stack.sandbox.advance(timedelta(seconds=20))
        runs = {str(item["pk"]) for item in stack.sandbox.table_items() if str(item["pk"]).startswith("RUNS#")}
        assert runs == {"RUNS#first", "RUNS#second"}
