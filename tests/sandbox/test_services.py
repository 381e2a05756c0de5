"""The sandbox's own SQS, SNS and PutEvents, as a client sees them; and what containers leave behind."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from sandbox import Container, Sandbox, UnsupportedError


@pytest.fixture
def queue(sandbox: Sandbox) -> dict[str, Any]:
    return {"QueueUrl": sandbox.resource("CopyQueue").physical_id}


def count(sandbox: Sandbox, queue: dict[str, Any]) -> list[str]:
    answer = sandbox.client("sqs").get_queue_attributes(**queue, AttributeNames=["All"])["Attributes"]
    names = ("", "NotVisible", "Delayed")
    return [answer[f"ApproximateNumberOfMessages{name}"] for name in names]


def test_a_message_is_hidden_while_it_is_worked_on_and_comes_back(sandbox: Sandbox, queue: dict[str, Any]) -> None:
    sqs = sandbox.client("sqs")
    sqs.send_message(**queue, MessageBody="hello")
    [message] = sqs.receive_message(**queue)["Messages"]
    assert "Messages" not in sqs.receive_message(**queue)
    assert count(sandbox, queue) == ["0", "1", "0"]
    sandbox.advance(timedelta(seconds=30))
    [again] = sqs.receive_message(**queue)["Messages"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    sqs.delete_message(**queue, ReceiptHandle=message["ReceiptHandle"])
    assert count(sandbox, queue) == ["0", "1", "0"], "an outdated receipt deletes nothing"
    sqs.delete_message(**queue, ReceiptHandle=again["ReceiptHandle"])
    assert count(sandbox, queue) == ["0", "0", "0"]


def test_visibility_can_be_changed(sandbox: Sandbox, queue: dict[str, Any]) -> None:
    sqs = sandbox.client("sqs")
    sqs.send_message(**queue, MessageBody="hello")
    [message] = sqs.receive_message(**queue)["Messages"]
    sqs.change_message_visibility(**queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=300)
    sandbox.advance(timedelta(seconds=299))
    assert count(sandbox, queue) == ["0", "1", "0"]
    sandbox.advance(timedelta(seconds=1))
    assert count(sandbox, queue) == ["1", "0", "0"]


def test_a_batch_says_which_entries_failed(sandbox: Sandbox, queue: dict[str, Any]) -> None:
    entries = [{"Id": "a", "MessageBody": "fine"}, {"Id": "b", "MessageBody": "bad \x00"}]
    answer = sandbox.client("sqs").send_message_batch(**queue, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("b", "InvalidMessageContents")]


def test_old_messages_are_gone_when_their_retention_is_over(sandbox: Sandbox, queue: dict[str, Any]) -> None:
    sandbox.client("sqs").send_message(**queue, MessageBody="hello")
    sandbox.advance(timedelta(days=4, seconds=1))
    assert count(sandbox, queue) == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("service", "operation", "params", "problem"),
    [
        pytest.param("sqs", "send_message", {"QueueUrl": "x", "MessageBody": "y"}, "NonExistentQueue", id="no queue"),
        pytest.param("sns", "publish", {"TopicArn": "arn:aws:sns:x", "Message": "y"}, "NotFound", id="no topic"),
    ],
)
def test_what_is_not_there_is_a_real_error(
    service: str, operation: str, params: dict[str, Any], problem: str, sandbox: Sandbox
) -> None:
    with pytest.raises(ClientError, match=problem):
        getattr(sandbox.client(service), operation)(**params)


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("x" * 101, id="too long"),
        pytest.param("naïve", id="not ASCII"),
        pytest.param("two\nlines", id="two lines"),
        pytest.param("", id="empty"),
    ],
)
def test_a_subject_that_sns_refuses_is_refused(subject: str, sandbox: Sandbox) -> None:
    topic = sandbox.resource("MailTopic").physical_id
    with pytest.raises(ClientError, match="Subject"):
        sandbox.client("sns").publish(TopicArn=topic, Message="text", Subject=subject)


def test_parameters_are_checked_as_botocore_does(sandbox: Sandbox) -> None:
    with pytest.raises(ParamValidationError):
        sandbox.client("sns").publish(Topic="x", Message="y")


def test_nobody_forges_an_event_of_aws(sandbox: Sandbox) -> None:
    entry = {"Source": "aws.ecs", "DetailType": "x", "Detail": "{}"}
    answer = sandbox.client("events").put_events(Entries=[entry, {**entry, "Source": "probe"}])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        pytest.param("rds", "describe_db_instances", {}, id="a service that is not there"),
        pytest.param("sqs", "purge_queue", {"QueueUrl": "x"}, id="an operation that is not there"),
    ],
)
def test_what_is_not_part_of_the_sandbox_is_an_error(
    service: str, operation: str, params: dict[str, Any], sandbox: Sandbox
) -> None:
    with pytest.raises(UnsupportedError, match="is not part of this sandbox"):
        getattr(sandbox.client(service), operation)(**params)


def test_containers_have_definitions_and_logs(sandbox: Sandbox) -> None:
    app = Container("app", log_group="/ecs/web", environment=(("TOKEN", "hush"),))
    arn = sandbox.register_task_definition("web", [app, Container("sidecar", essential=False)])
    assert arn == "arn:aws:ecs:us-east-1:111122223333:task-definition/web:1"
    found = sandbox.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert [container["essential"] for container in found["containerDefinitions"]] == [True, False]
    sandbox.write_log("/ecs/web", "ecs/app/1", ["one", "two"])
    sandbox.write_log("/ecs/web", "ecs/app/1", ["three"])
    lines = sandbox.client("logs").get_log_events(logGroupName="/ecs/web", logStreamName="ecs/app/1")["events"]
    assert [line["message"] for line in lines] == ["one", "two", "three"]


def test_a_table_has_what_the_template_says(sandbox: Sandbox) -> None:
    name = sandbox.resource("Table").physical_id
    lifetime = sandbox.client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert lifetime == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_the_envelope_of_an_event_is_filled_in(sandbox: Sandbox) -> None:
    sandbox.put_event({"source": "probe", "detail-type": "stranger", "detail": {}})
    [dead] = sandbox.dead_letters
    body = json.loads(dead.body)
    assert (body["account"], body["region"], body["time"]) == ("111122223333", "us-east-1", "2026-03-02T10:00:00Z")
    assert len(body["id"]) == 36
