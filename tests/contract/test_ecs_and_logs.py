"""What the adapters read from ECS and CloudWatch Logs, on moto."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from moto import mock_aws

from breakwater.ecs import LogTarget, TaskDefinitions, service_states
from breakwater.logs import read_tail
from tests.fakes.table import FakeTable
from tests.samples import NOON

REGION = "us-east-1"
CONTAINERS = [
    {
        "name": "app",
        "image": "app:1",
        "memory": 128,
        "environment": [{"name": "DATABASE_PASSWORD", "value": "canary-hunter2"}],
        "command": ["serve", "--token", "canary-token"],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": "/web", "awslogs-region": REGION, "awslogs-stream-prefix": "web"},
        },
    },
    {"name": "agent", "image": "agent:1", "memory": 64, "essential": False},
]


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@dataclass
class Counted:
    """A client that counts how often each of its operations was called."""

    client: Any
    calls: list[str] = field(default_factory=list)

    def __call__(self) -> Any:
        return self

    def __getattr__(self, name: str) -> Callable[..., Any]:
        self.calls.append(name)
        operation: Callable[..., Any] = getattr(self.client, name)
        return operation


@pytest.fixture
def ecs() -> Counted:
    return Counted(boto3.client("ecs", region_name=REGION))


@pytest.fixture
def web(ecs: Counted) -> str:
    answer = ecs.client.register_task_definition(family="web", containerDefinitions=CONTAINERS)
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def test_a_revision_tells_what_is_essential_and_where_it_logs(ecs: Counted, web: str) -> None:
    definition = TaskDefinitions(ecs, FakeTable()).read([web], NOON)[web]
    assert definition.essential == {"app": True, "agent": False}
    assert definition.logs == {"app": LogTarget("awslogs", "/web", REGION, "web")}


def test_a_revision_is_asked_of_ecs_once_and_then_known_to_every_process(ecs: Counted, web: str) -> None:
    table = FakeTable()
    first = TaskDefinitions(ecs, table)
    assert first.read([web, web], NOON) == first.read([web], NOON) == TaskDefinitions(ecs, table).read([web], NOON)
    assert ecs.calls == ["describe_task_definition"]


def test_what_is_kept_of_a_revision_has_no_environment_value_and_no_command(ecs: Counted, web: str) -> None:
    table = FakeTable()
    TaskDefinitions(ecs, table).read([web], NOON)
    assert "canary" not in repr(table.items)


def test_a_revision_that_cannot_be_read_is_missing_and_asked_for_again(ecs: Counted) -> None:
    gone = f"arn:aws:ecs:{REGION}:123456789012:task-definition/gone:1"
    problems: list[str] = []
    definitions = TaskDefinitions(ecs, FakeTable(), problems.append)
    assert definitions.read([gone], NOON) == {} == definitions.read([gone], NOON)
    assert len(ecs.calls) == 2
    assert all(problem.startswith("describe gone:1: ") for problem in problems)
    assert len(problems) == 2


def test_services_are_described_ten_to_a_call_and_unknown_ones_are_missing(ecs: Counted, web: str) -> None:
    ecs.client.create_cluster(clusterName="prod")
    for number in range(12):
        ecs.client.create_service(cluster="prod", serviceName=f"s{number}", taskDefinition=web, desiredCount=1)
    wanted = [("prod", f"s{number}") for number in range(12)] + [("prod", "unknown"), ("other", "s1")]
    states = service_states(ecs, wanted)
    assert set(states) == {("prod", f"s{number}") for number in range(12)}
    assert ecs.calls.count("describe_services") == 3
    assert states["prod", "s1"].controller == "ECS"
    assert str(states["prod", "s1"].deployment_in_progress).startswith("ecs-svc/")


TARGET = LogTarget("awslogs", "/web", REGION, "web")
TASK = "arn:aws:ecs:us-east-1:111122223333:task/prod/0123abc"


def put_log(*lines: str) -> Any:
    logs = boto3.client("logs", region_name=REGION)
    logs.create_log_group(logGroupName="/web")
    logs.create_log_stream(logGroupName="/web", logStreamName="web/app/0123abc")
    now = int(time.time() * 1000)  # moto refuses what is older than a fortnight, as CloudWatch does
    logs.put_log_events(
        logGroupName="/web",
        logStreamName="web/app/0123abc",
        logEvents=[{"timestamp": now + number, "message": line} for number, line in enumerate(lines)],
    )
    return logs


def test_the_tail_is_the_last_lines_in_their_order_redacted() -> None:
    logs = put_log(*(f"line {number}" for number in range(30)), "password=canary-hunter2", "plain override-value")
    tail = read_tail(lambda: logs, TARGET, "app", TASK, region=REGION, lines=4, scrub=["override-value"])
    assert tail.lines[:2] == ("line 28", "line 29")
    assert tail.stream == "web/app/0123abc"
    assert "canary" not in repr(tail)
    assert "override-value" not in repr(tail)


def test_a_very_long_line_is_cut() -> None:
    logs = put_log("word " * 5000)
    (line,) = read_tail(lambda: logs, TARGET, "app", TASK, region=REGION, lines=4).lines
    assert len(line) <= 500


@dataclass
class Broken:
    """A logs client whose only operation fails."""

    error: Exception

    def get_log_events(self, **words: object) -> None:
        raise self.error


def an_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetLogEvents")


@pytest.mark.parametrize(
    ("target", "error", "says"),
    [
        pytest.param(None, None, "says nothing", id="no log configuration"),
        pytest.param(LogTarget("awsfirelens"), None, "through awsfirelens", id="another driver"),
        pytest.param(LogTarget("awslogs", "/web", REGION), None, "stream-prefix", id="no prefix"),
        pytest.param(LogTarget("awslogs", "/web", "eu-west-1", "web"), None, "kept in eu-west-1", id="another Region"),
        pytest.param(TARGET, an_error("ResourceNotFoundException"), "does not exist", id="no stream"),
        pytest.param(TARGET, an_error("AccessDeniedException"), "refused by IAM", id="refused"),
        pytest.param(TARGET, an_error("ThrottlingException"), "just now", id="throttled"),
        pytest.param(TARGET, ConnectTimeoutError(endpoint_url="x"), "just now", id="no network"),
    ],
)
def test_a_log_that_cannot_be_read_is_an_answer_that_says_why(
    target: LogTarget | None, error: Exception | None, says: str
) -> None:
    tail = read_tail(lambda: Broken(error or RuntimeError()), target, "app", TASK, region=REGION, lines=4)
    assert tail.lines == ()
    assert says in str(tail.missing)
