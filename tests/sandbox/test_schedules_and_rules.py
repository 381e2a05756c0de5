"""Schedules, rules and buckets of the sandbox by their APIs: what AWS does, or an error that names it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox import iam
from sandbox.bus import Bus
from sandbox.errors import UnsupportedError
from tests.sandbox.policy_stack import FULL, PolicyStack, deployed

AN_HOUR = timedelta(hours=1)


@pytest.fixture
def stack() -> Iterator[PolicyStack]:
    with deployed() as found:
        yield found


def a_schedule(stack: PolicyStack, **more: Any) -> dict[str, Any]:
    """The request that makes a schedule to the queue of jobs."""
    queue = next(queue for queue in stack.sandbox.account.queues.all() if "BatchQueue" in queue.name)
    role = stack.sandbox.account.roles.by_arn(
        f"arn:aws:iam::{stack.sandbox.account.id}:role/{stack.sandbox.resource('PolicyScheduleRole').physical_id}"
    )
    return {
        "GroupName": stack.group,
        "Name": "mine",
        "ScheduleExpression": "rate(10 minutes)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": queue.arn, "RoleArn": role.arn, "Input": '{"job": "mine"}'},
        **more,
    }


def sent(stack: PolicyStack) -> int:
    return next(queue.sent for queue in stack.sandbox.account.queues.all() if "BatchQueue" in queue.name)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_schedule_fires_until_it_is_changed_or_deleted(stack: PolicyStack) -> None:
    stack.scheduler.create_schedule(**a_schedule(stack))
    stack.sandbox.advance(AN_HOUR)
    assert sent(stack) == 6
    stack.scheduler.update_schedule(**a_schedule(stack, ScheduleExpression="rate(30 minutes)"))
    stack.sandbox.advance(AN_HOUR)
    assert sent(stack) == 8
    stack.scheduler.update_schedule(**a_schedule(stack, State="DISABLED"))
    stack.sandbox.advance(AN_HOUR)
    assert sent(stack) == 8
    stack.scheduler.update_schedule(**a_schedule(stack))
    stack.scheduler.delete_schedule(GroupName=stack.group, Name="mine")
    stack.sandbox.advance(AN_HOUR)
    assert sent(stack) == 8
    assert stack.sandbox.lost == []


def test_a_schedule_says_what_aws_says_when_it_cannot(stack: PolicyStack) -> None:
    made = stack.scheduler.create_schedule(**a_schedule(stack, ClientToken="once"))
    assert (
        stack.scheduler.create_schedule(**a_schedule(stack, ClientToken="once"))["ScheduleArn"] == (made["ScheduleArn"])
    )
    with pytest.raises(ClientError) as twice:
        stack.scheduler.create_schedule(**a_schedule(stack))
    assert code(twice) == "ConflictException"
    for wrong in (
        {"Name": "x", "ScheduleExpression": "cron(0 3 * * *)"},
        {"Name": "x", "ScheduleExpressionTimezone": "Europe/Bonn"},
        {"Name": "x", "ScheduleExpression": "rate(0 minutes)"},
    ):
        with pytest.raises(ClientError) as refused:
            stack.scheduler.create_schedule(**a_schedule(stack, **wrong))
        assert code(refused) == "ValidationException"
    for operation in ("get_schedule", "delete_schedule"):
        with pytest.raises(ClientError) as missing:
            getattr(stack.scheduler, operation)(GroupName=stack.group, Name="nobody")
        assert code(missing) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as nowhere:
        stack.scheduler.list_schedules(GroupName="nowhere")
    assert code(nowhere) == "ResourceNotFoundException"


def test_lists_come_page_by_page(stack: PolicyStack) -> None:
    for number in range(5):
        stack.scheduler.create_schedule(**a_schedule(stack, Name=f"s{number}"))
        stack.events.put_rule(Name=f"mine-{number}", EventPattern='{"source": ["mine"]}')
    names: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = stack.scheduler.list_schedules(GroupName=stack.group, MaxResults=2, **token)
        names += [entry["Name"] for entry in page["Schedules"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert names == ["s0", "s1", "s2", "s3", "s4"]
    first = stack.events.list_rules(NamePrefix="mine-", Limit=3)
    rest = stack.events.list_rules(NamePrefix="mine-", NextToken=first["NextToken"])
    assert [rule["Name"] for rule in (*first["Rules"], *rest["Rules"])] == [f"mine-{number}" for number in range(5)]


def test_a_rule_routes_from_its_target_on_and_goes_only_without_targets(stack: PolicyStack) -> None:
    queue = next(queue for queue in stack.sandbox.account.queues.all() if "UploadsQueue" in queue.name)
    name = f"breakwater-{stack.sandbox.account.arn('cloudformation', 'x').split(':')[0]}-mine"
    stack.events.put_rule(Name=name, EventPattern='{"source": ["mine"]}')
    stack.events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue.arn}])
    stack.sandbox.put_event({"source": "mine", "detail-type": "x", "detail": {}})
    assert [lost.source.rpartition("/")[2] for lost in stack.sandbox.lost] == [name]  # the queue's policy has no leave
    with pytest.raises(ClientError) as kept:
        stack.events.delete_rule(Name=name)
    assert code(kept) == "ValidationException"
    stack.events.remove_targets(Rule=name, Ids=["1"])
    stack.events.delete_rule(Name=name)
    stack.events.delete_rule(Name=name)
    with pytest.raises(ClientError) as pattern:
        stack.events.put_rule(Name=name, EventPattern='{"source": "mine"}')
    assert code(pattern) == "InvalidEventPatternException"
    with pytest.raises(ClientError) as missing:
        stack.events.list_targets_by_rule(Rule=name)
    assert code(missing) == "ResourceNotFoundException"


def test_what_nobody_thought_of_is_an_error_that_names_it(stack: PolicyStack) -> None:
    unknown: list[tuple[str, str, dict[str, Any]]] = [
        ("scheduler", "create_schedule", a_schedule(stack, KmsKeyArn="arn:aws:kms:us-east-1:111122223333:key/x")),
        ("scheduler", "create_schedule", a_schedule(stack, StartDate="2026-03-02T10:00:00Z")),
        ("scheduler", "list_schedules", {"State": "ENABLED"}),
        ("scheduler", "list_schedule_groups", {}),
        ("events", "put_rule", {"Name": "x", "ScheduleExpression": "rate(1 day)"}),
        ("events", "list_rules", {"EventBusName": "other"}),
        ("events", "describe_rule", {"Name": "x"}),
        ("s3", "delete_objects", {"Bucket": "x", "Delete": {"Objects": [{"Key": "x"}]}}),
        ("s3", "delete_bucket", {"Bucket": stack.bucket}),
    ]
    for service, operation, request in unknown:
        with pytest.raises(UnsupportedError, match=service):
            getattr(stack.sandbox.client(service), operation)(**request)


def test_a_bucket_speaks_only_if_it_is_told_to(stack: PolicyStack, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []

    def listen(bus: Bus, event: Mapping[str, Any]) -> None:
        if event["source"] == "aws.s3":
            heard.append((event["detail-type"], event["detail"]))

    monkeypatch.setattr(Bus, "put", listen)
    stack.s3.create_bucket(Bucket="quiet")
    stack.s3.put_object(Bucket="quiet", Key="a", Body=b"1")
    stack.sandbox.advance(timedelta(minutes=1))
    assert heard == []
    stack.s3.put_bucket_notification_configuration(
        Bucket="quiet", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    stack.s3.put_object(Bucket="quiet", Key="b c+é", Body=b"12")
    stack.s3.copy_object(Bucket="quiet", Key="d", CopySource="quiet/a")
    stack.s3.delete_object(Bucket="quiet", Key="a")
    stack.sandbox.advance(AN_HOUR)
    assert [(kind, detail["object"]["key"], detail["reason"]) for kind, detail in heard] == [
        ("Object Created", "b c+é", "PutObject"),
        ("Object Created", "d", "CopyObject"),
        ("Object Deleted", "a", "DeleteObject"),
    ]
    sequencers = [detail["object"]["sequencer"] for _, detail in heard]
    assert sequencers == sorted(set(sequencers))
    assert heard[0][1]["object"]["size"] == 2


def test_without_leave_to_pass_the_role_on_no_schedule_is_made(stack: PolicyStack) -> None:
    function = stack.sandbox.account.functions.get("PolicySyncFunction")
    assert function is not None
    whole = function.role.statements
    poor = tuple(statement for statement in whole if "iam:passrole" not in statement.actions)
    assert len(poor) < len(whole)
    function.role = replace(function.role, statements=poor)
    stack.push(FULL)
    assert stack.ours() == ([], ["prices"])
    assert "iam:PassRole" in stack.item("DOCUMENT")["problems"]


def test_a_role_is_passed_to_the_scheduler_and_to_nobody_else(stack: PolicyStack) -> None:
    function = stack.sandbox.account.functions.get("PolicySyncFunction")
    assert function is not None
    role = a_schedule(stack)["Target"]["RoleArn"]
    for service, verdict in (
        ("scheduler.amazonaws.com", iam.Verdict.ALLOWED),
        ("ecs-tasks.amazonaws.com", iam.Verdict.NOT_ALLOWED),
    ):
        asked = iam.Request("iam:PassRole", role, {"iam:PassedToService": [service]})
        assert function.role.verdict(asked) is verdict
