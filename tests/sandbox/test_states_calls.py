"""What state machines call, who starts them, and that a run ends the same way each time."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import SandboxError, TemplateError
from sandbox.ecs.workloads import Workload, crash_after, exits_zero
from tests.sandbox.ecs_calls import VPC
from tests.sandbox.states_stage import ANYTHING, deploy, machine, register, sdk, start, task

MINUTE = timedelta(minutes=1)
AWSVPC = {"AwsvpcConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"]}}


def test_ecs_is_called_under_the_machines_role_and_answers_in_capitals(tmp_path: Path) -> None:
    look = sdk("ecs", "describeServices", Cluster="prod", Services=["web"])
    with deploy(tmp_path, machine("Look", Look=look), ANYTHING) as account:
        arn = register(account)
        account.client("ecs").create_service(
            cluster="prod",
            serviceName="web",
            taskDefinition=arn,
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration=VPC,
        )
        account.run_until_idle()
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        [service] = execution.result["Services"]
        assert (service["RunningCount"], service["Deployments"][0]["RolloutState"]) == (1, "COMPLETED")
        assert service["CreatedAt"] == "2026-03-02T10:00:00.000Z"
        assert [(call.function, call.operation) for call in account.calls.log] == [("Machine", "DescribeServices")]


def test_errors_of_an_sdk_call_have_the_names_of_the_sdk(tmp_path: Path) -> None:
    change = sdk("ecs", "updateService", Cluster="prod", Service="nobody")
    change["Catch"] = [{"ErrorEquals": ["Ecs.ServiceNotFoundException"], "Next": "Gone"}]
    with deploy(tmp_path, machine("Change", Change=change, Gone={"Type": "Succeed"}), ANYTHING) as account:
        register(account)
        start(account)
        account.run_until_idle()
        assert account.executions[0].entered == ["Change", "Gone"]


@pytest.mark.parametrize(
    ("workload", "status"),
    [pytest.param(exits_zero(90), "SUCCEEDED", id="exit 0"), pytest.param(crash_after(90, 3), "FAILED", id="exit 3")],
)
def test_a_task_that_is_run_is_waited_for_without_asking(tmp_path: Path, workload: Workload, status: str) -> None:
    run = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Arguments": {
            "Cluster": "prod",
            "TaskDefinition": "web",
            "LaunchType": "FARGATE",
            "NetworkConfiguration": AWSVPC,
        },
        "TimeoutSeconds": 86400,
        "End": True,
    }
    with deploy(tmp_path, machine("Run", Run=run), ANYTHING) as account:
        register(account)
        account.ecs.faults.set_workload("web:1", workload)
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert (execution.status, execution.error) == (status, None if status == "SUCCEEDED" else "States.TaskFailed")
        assert account.calls.of("ecs", "RunTask") == 1
        assert account.calls.of("ecs", "DescribeTasks") == 2
        assert execution.stopped_at is not None
        assert MINUTE < execution.stopped_at - execution.started_at < 5 * MINUTE


@pytest.mark.parametrize("by", [pytest.param("stop", id="stopped"), pytest.param("timeout", id="timed out")])
def test_a_task_is_stopped_with_the_state_that_waits_for_it(tmp_path: Path, by: str) -> None:
    run = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Arguments": {"Cluster": "prod", "TaskDefinition": "web", "LaunchType": "FARGATE"},
        "TimeoutSeconds": 600,
        "End": True,
    }
    run["Arguments"]["NetworkConfiguration"] = AWSVPC  # type: ignore[index]  # the arguments are a dict
    with deploy(tmp_path, machine("Run", Run=run), ANYTHING) as account:
        register(account)
        arn = start(account)
        account.advance(5 * MINUTE)
        if by == "stop":
            account.client("stepfunctions").stop_execution(executionArn=arn)
        account.run_until_idle()
        assert account.executions[0].status == ("ABORTED" if by == "stop" else "FAILED")
        assert account.calls.of("ecs", "StopTask", "Machine") == 1
        assert account.client("ecs").list_tasks(cluster="prod")["taskArns"] == []


def test_the_optimized_integrations_do_what_they_say(tmp_path: Path) -> None:
    def state(name: str, arguments: dict[str, Any], following: str) -> dict[str, Any]:
        return {"Type": "Task", "Resource": f"arn:aws:states:::{name}", "Arguments": arguments, "Next": following}

    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    definition = machine(
        "Put",
        Put=state("dynamodb:putItem", {"TableName": "${Table}", "Item": {**key, "n": {"N": "1"}}}, "Raise"),
        Raise=state(
            "dynamodb:updateItem",
            {
                "TableName": "${Table}",
                "Key": key,
                "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            },
            "Say",
        ),
        Say=state("sns:publish", {"TopicArn": "${Topic}", "Message": {"hello": "there"}}, "Tell"),
        Tell=state(
            "events:putEvents", {"Entries": [{"Source": "mine", "DetailType": "told", "Detail": {"a": 1}}]}, "Get"
        ),
        Get={
            **state("dynamodb:getItem", {"TableName": "${Table}", "Key": key}, "Never"),
            "Output": "{% $states.result.Item.n.N %}",
        },
        Never={"Type": "Succeed"},
    )
    allowed = {"Effect": "Allow", "Action": ["dynamodb:*", "sns:Publish", "events:PutEvents"], "Resource": "*"}
    with deploy(tmp_path, definition, allowed) as account:
        start(account)
        before = account.account.bus.events
        account.run_until_idle()
        assert account.executions[0].result == "2"
        assert account.account.bus.events == before + 2  # its own, and that the execution has ended


def test_a_machine_starts_another_and_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / "child.asl.json").write_text(
        json.dumps(
            machine(
                "Nap",
                Nap={"Type": "Wait", "Seconds": 300, "Next": "Out"},
                Out={"Type": "Succeed", "Output": {"slept": True}},
            )
        )
    )
    child = {"Type": "AWS::Serverless::StateMachine", "Properties": {"DefinitionUri": "child.asl.json", "Policies": []}}
    run = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": {"StateMachineArn": "${Child}", "Input": {"a": 1}, "Name": "inner"},
        "Output": "{% $states.result.Output %}",
        "End": True,
    }
    allowed = {"Effect": "Allow", "Action": ["states:StartExecution", "states:DescribeExecution"], "Resource": "*"}
    definition = json.loads(
        json.dumps(machine("Run", Run=run)).replace(
            "${Child}", "arn:aws:states:us-east-1:111122223333:stateMachine:child"
        )
    )
    child["Properties"]["Name"] = "child"  # type: ignore[index]  # a dict of dicts
    with deploy(tmp_path, definition, allowed, Child=child) as account:
        start(account)
        account.run_until_idle()
        parent, started = account.executions
        assert (started.name, started.status) == ("inner", "SUCCEEDED")
        assert (parent.status, parent.result) == ("SUCCEEDED", {"slept": True})
        assert parent.stopped_at == started.stopped_at == parent.started_at + timedelta(seconds=300)


RULE = {
    "Type": "EventBridgeRule",
    "Properties": {"Pattern": {"source": ["shop"], "detail-type": ["ordered"]}},
}
SCHEDULE = {"Type": "ScheduleV2", "Properties": {"ScheduleExpression": "rate(1 hour)", "Input": '{"by": "schedule"}'}}


def test_a_rule_and_a_schedule_start_executions_with_their_roles(tmp_path: Path) -> None:
    definition = machine("Say", Say={"Type": "Succeed", "Output": "{% $states.input.(by ? by : detail.order) %}"})
    with deploy(tmp_path, definition, events={"Rule": RULE, "Schedule": SCHEDULE}) as account:
        account.put_event({"source": "shop", "detail-type": "ordered", "detail": {"order": 7}})
        account.advance(timedelta(minutes=90))
        assert [execution.result for execution in account.executions] == [7, "schedule"]
        assert account.lost == []


def test_a_role_that_step_functions_may_not_take_is_refused(tmp_path: Path) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    with pytest.raises(TemplateError, match=r"does not let states\.amazonaws\.com take it"):
        deploy(
            tmp_path,
            machine("One", One={"Type": "Succeed"}),
            properties={"Role": {"Fn::GetAtt": "Role.Arn"}},
            Role=role,
        )


def test_logging_needs_the_permissions_that_aws_asks_for(tmp_path: Path) -> None:
    destination = {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": "MachineLogs.Arn"}}}
    logging = {"Level": "ALL", "IncludeExecutionData": False, "Destinations": [destination]}
    definition = machine("One", One={"Type": "Succeed"})
    with pytest.raises(TemplateError, match="CreateLogDelivery"):
        deploy(tmp_path, definition, properties={"Logging": logging, "Tracing": {"Enabled": True}})
    delivery = [
        "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
        "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
    ]  # fmt: skip
    allowed = {"Effect": "Allow", "Action": delivery, "Resource": "*"}
    with deploy(
        tmp_path, definition, allowed, properties={"Logging": logging, "Tracing": {"Enabled": True}}
    ) as account:
        start(account)
        account.run_until_idle()
        assert account.executions[0].status == "SUCCEEDED"


def test_a_failure_of_an_execution_tells_the_bus(tmp_path: Path) -> None:
    rule = {
        "Type": "EventBridgeRule",
        "Properties": {"Pattern": {"source": ["aws.states"], "detail": {"status": ["FAILED"]}}},
    }
    with deploy(
        tmp_path, machine("Out", Out={"Type": "Fail", "Error": "No", "Cause": "so"}), listens={"Failed": rule}
    ) as account:
        start(account)
        account.run_until_idle()
        assert [(one.status, one.error, one.cause) for one in account.executions] == [("FAILED", "No", "so")]
        assert [one.function for one in account.invocations] == ["WorkerFunction"]


def test_a_handler_that_really_blocks_is_named(tmp_path: Path) -> None:
    with deploy(tmp_path, machine("Stuck", Stuck=task({"do": "block"}))) as account:
        account.invoke("WorkerFunction", {"do": "echo"})  # what is imported at first is not what blocks
        account.account.states._running.baton.patience = 1.5
        start(account)
        with pytest.raises(SandboxError, match="the handler of WorkerFunction has blocked the sandbox"):
            account.run_until_idle()


def test_a_handler_starts_an_execution_that_runs_when_it_is_done(tmp_path: Path) -> None:
    with deploy(tmp_path, machine("Nap", Nap={"Type": "Wait", "Seconds": 60, "End": True})) as account:
        arn = account.resource("Machine").physical_id
        given = {"do": "start", "machine": arn, "name": "by-hand", "input": {"a": 1}}
        assert (
            account.invoke("WorkerFunction", given).payload == f'"{arn.replace("stateMachine", "execution")}:by-hand"'
        )
        assert [execution.entered for execution in account.executions] == [[]]
        account.run_until_idle()
        assert [execution.entered for execution in account.executions] == [["Nap"]]
