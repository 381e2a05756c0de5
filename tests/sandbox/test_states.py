"""Step Functions in the sandbox: real definitions, virtual time, the roles of the template."""

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox
from tests.sandbox.states_stage import deploy, inner, machine, start, task, waiting

MINUTE = timedelta(minutes=1)


def token(account: Sandbox, key: str = "k") -> str:
    """The token that the worker has kept."""
    return next(str(item["token"]) for item in account.table_items() if item["pk"] == key)


def answer(account: Sandbox, output: Any = None) -> None:
    account.client("stepfunctions").send_task_success(taskToken=token(account), output=json.dumps(output or {}))


ASK = waiting(
    {"do": "keep", "key": "k"}, TimeoutSeconds=3600, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Late"}]
)
LATE = {"Type": "Succeed", "Output": "late"}


def test_a_token_that_is_answered_lets_the_execution_go_on(tmp_path: Path) -> None:
    with deploy(tmp_path, machine("Ask", Ask={**ASK, "Output": "{% $states.result.verdict %}"}, Late=LATE)) as account:
        start(account)
        account.advance(10 * MINUTE)
        [execution] = account.executions
        assert execution.status == "RUNNING"
        answer(account, {"verdict": "good"})
        account.run_until_idle()
        assert (execution.status, execution.entered, execution.result) == ("SUCCEEDED", ["Ask"], "good")
        assert execution.stopped_at == execution.started_at + 10 * MINUTE


def test_a_token_that_nobody_answers_times_out_into_its_catch(tmp_path: Path) -> None:
    with deploy(tmp_path, machine("Ask", Ask=ASK, Late=LATE)) as account:
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert (execution.status, execution.entered) == ("SUCCEEDED", ["Ask", "Late"])
        assert execution.stopped_at == execution.started_at + 60 * MINUTE
        with pytest.raises(account.client("stepfunctions").exceptions.TaskTimedOut):
            answer(account)


def test_a_second_answer_and_an_invented_token_are_refused_by_name(tmp_path: Path) -> None:
    with deploy(tmp_path, machine("Ask", Ask=ASK, Late=LATE)) as account:
        start(account)
        account.advance(MINUTE)
        client = account.client("stepfunctions")
        answer(account)
        with pytest.raises(client.exceptions.TaskTimedOut):
            answer(account)
        with pytest.raises(client.exceptions.InvalidToken):
            client.send_task_success(taskToken="invented", output="{}")
        with pytest.raises(client.exceptions.InvalidOutput):
            client.send_task_success(taskToken=token(account), output="{")


def test_an_answer_may_come_before_the_waiter_stands(tmp_path: Path) -> None:
    state = waiting({"do": "answer", "output": {"soon": True}}, TimeoutSeconds=60)
    with deploy(tmp_path, machine("Ask", Ask=state)) as account:
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert (execution.status, execution.result) == ("SUCCEEDED", {"soon": True})
        assert execution.stopped_at == execution.started_at


def test_each_attempt_at_a_task_has_a_token_of_its_own(tmp_path: Path) -> None:
    retry = [{"ErrorEquals": ["NotYet"], "IntervalSeconds": 30, "MaxAttempts": 2}]
    with deploy(
        tmp_path, machine("Ask", Ask=waiting({"do": "keep", "key": "k"}, TimeoutSeconds=600, Retry=retry))
    ) as account:
        start(account)
        account.advance(MINUTE)
        first = token(account)
        account.client("stepfunctions").send_task_failure(taskToken=first, error="NotYet", cause="too early")
        account.advance(MINUTE)
        assert token(account) != first
        answer(account, {"now": True})
        account.run_until_idle()
        assert account.executions[0].result == {"now": True}


def test_a_refusal_is_caught_by_its_error_and_keeps_its_cause(tmp_path: Path) -> None:
    state = waiting(
        {"do": "refuse", "error": "Smoke.Failed"},
        TimeoutSeconds=60,
        Catch=[{"ErrorEquals": ["Smoke.Failed"], "Next": "Back", "Output": "{% $states.errorOutput %}"}],
    )
    with deploy(tmp_path, machine("Ask", Ask=state, Back={"Type": "Succeed"})) as account:
        start(account)
        account.run_until_idle()
        assert account.executions[0].result == {"Error": "Smoke.Failed", "Cause": "said so"}


@pytest.mark.parametrize(
    ("beats", "entered", "minutes"),
    [pytest.param(0, ["Ask", "Dead"], 2, id="none"), pytest.param(3, ["Ask", "Dead"], 5, id="three, then none")],
)
def test_a_missing_heartbeat_has_an_error_of_its_own(
    tmp_path: Path, beats: int, entered: list[str], minutes: int
) -> None:
    state = waiting(
        {"do": "keep", "key": "k"},
        TimeoutSeconds=3600,
        HeartbeatSeconds=120,
        Catch=[{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Dead"}],
    )
    with deploy(tmp_path, machine("Ask", Ask=state, Dead={"Type": "Succeed"})) as account:
        start(account)
        for _ in range(beats):
            account.advance(MINUTE)
            account.client("stepfunctions").send_task_heartbeat(taskToken=token(account))
        account.run_until_idle()
        [execution] = account.executions
        assert execution.entered == entered
        assert execution.stopped_at == execution.started_at + minutes * MINUTE


def test_a_wait_takes_its_time_and_none_of_ours(tmp_path: Path) -> None:
    until = {"Type": "Wait", "Timestamp": "2026-03-02T11:30:00Z", "End": True}
    with deploy(
        tmp_path, machine("Bake", Bake={"Type": "Wait", "Seconds": 600, "Next": "Until"}, Until=until)
    ) as account:
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert execution.stopped_at is not None
        assert execution.stopped_at.isoformat() == "2026-03-02T11:30:00+00:00"
        arn = {"executionArn": execution.arn}
        events = account.client("stepfunctions").get_execution_history(**arn)["events"]
        assert [
            (event["timestamp"] - execution.started_at).total_seconds() for event in events if "Exited" in event["type"]
        ] == [600, 5400]


def test_retries_back_off_and_then_give_up(tmp_path: Path) -> None:
    retry = [
        {"ErrorEquals": ["BusyError"], "IntervalSeconds": 10, "BackoffRate": 3, "MaxAttempts": 3, "MaxDelaySeconds": 60}
    ]
    with deploy(tmp_path, machine("Try", Try=task({"do": "fail"}, Retry=retry))) as account:
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert (execution.status, execution.error) == ("FAILED", "BusyError")
        assert (execution.entered, execution.transitions) == (["Try"], 4)
        assert [(one.at - execution.started_at).total_seconds() for one in account.invocations] == [0, 10, 40, 100]


def test_branches_run_beside_each_other_and_one_that_fails_ends_all(tmp_path: Path) -> None:
    def both(second: dict[str, Any]) -> dict[str, Any]:
        first = inner("A", A={"Type": "Wait", "Seconds": 500, "Next": "A2"}, A2=task({"do": "echo", "value": 1}))
        branches = {"Type": "Parallel", "Branches": [first, second], "End": True}
        return machine(
            "Both",
            Both={**branches, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Out"}]},
            Out={"Type": "Succeed"},
        )

    slow = waiting({"do": "keep", "key": "k"}, TimeoutSeconds=100)
    with deploy(tmp_path, both(inner("B", B=slow))) as account:
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert execution.entered == ["Both", "A", "B", "Out"]
        assert execution.stopped_at == execution.started_at + timedelta(seconds=100)
        assert account.calls.of("lambda", "Invoke") == 1
        assert not account.account.clock.busy


def test_a_map_runs_as_many_items_at_once_as_it_may(tmp_path: Path) -> None:
    item = inner("Wait", Wait={"Type": "Wait", "Seconds": 10, "End": True, "Output": "{% $states.input * 2 %}"})
    state = {"Type": "Map", "Items": "{% [1..7] %}", "MaxConcurrency": 3, "ItemProcessor": item, "End": True}
    with deploy(tmp_path, machine("Each", Each=state)) as account:
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert execution.result == [2, 4, 6, 8, 10, 12, 14]
        assert execution.stopped_at == execution.started_at + timedelta(seconds=30)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(waiting({"do": "keep", "key": "k"}, TimeoutSeconds=86_400), id="at a token"),
        pytest.param({"Type": "Wait", "Seconds": 86_400, "End": True}, id="at a wait"),
        pytest.param(
            task({"do": "fail"}, Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 80_000}]),
            id="between attempts",
        ),
        pytest.param(
            {
                "Type": "Parallel",
                "End": True,
                "Branches": [inner("W", W={"Type": "Wait", "Seconds": 9000, "End": True})],
            },
            id="in a branch",
        ),
    ],
)
def test_an_execution_is_stopped_where_it_stands(tmp_path: Path, state: dict[str, Any]) -> None:
    with deploy(tmp_path, machine("Here", Here=state)) as account:
        arn = start(account)
        account.advance(MINUTE)
        account.client("stepfunctions").stop_execution(executionArn=arn, error="Stop", cause="by hand")
        account.run_until_idle()
        [execution] = account.executions
        assert (execution.status, execution.error, execution.cause) == ("ABORTED", "Stop", "by hand")
        assert execution.stopped_at == account.now == execution.started_at + MINUTE
        assert execution.history[-1]["type"] == "ExecutionAborted"
        assert not [
            event for event in execution.history if event["type"].endswith(("TimedOut", "Failed")) and event["id"] > 8
        ]


def test_a_machine_has_a_timeout_of_its_own(tmp_path: Path) -> None:
    definition = {**machine("Bake", Bake={"Type": "Wait", "Seconds": 600, "End": True}), "TimeoutSeconds": 300}
    with deploy(tmp_path, definition) as account:
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert (execution.status, execution.history[-1]["type"]) == ("TIMED_OUT", "ExecutionTimedOut")
        assert execution.stopped_at == execution.started_at + timedelta(seconds=300)


def test_a_handler_that_takes_longer_than_its_state_may_is_timed_out(tmp_path: Path) -> None:
    with deploy(tmp_path, machine("Slow", Slow=task({"do": "sleep", "seconds": 30}, TimeoutSeconds=5))) as account:
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert (execution.status, execution.error) == ("FAILED", "States.Timeout")
        assert "TaskSucceeded" not in {event["type"] for event in execution.history}


def test_an_execution_is_started_once_for_a_name_and_input(tmp_path: Path) -> None:
    with deploy(tmp_path, machine("Bake", Bake={"Type": "Wait", "Seconds": 60, "End": True})) as account:
        client, arn = account.client("stepfunctions"), account.resource("Machine").physical_id
        first = client.start_execution(stateMachineArn=arn, name="same", input='{"a": 1}')
        again = client.start_execution(stateMachineArn=arn, name="same", input='{"a":1}')
        assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
        with pytest.raises(client.exceptions.ExecutionAlreadyExists):
            client.start_execution(stateMachineArn=arn, name="same", input='{"a": 2}')
        account.run_until_idle()
        with pytest.raises(client.exceptions.ExecutionAlreadyExists):
            client.start_execution(stateMachineArn=arn, name="same", input='{"a": 1}')
        assert len(account.executions) == 1
        listed = client.list_executions(stateMachineArn=arn, statusFilter="SUCCEEDED")["executions"]
        assert [one["name"] for one in listed] == ["same"]
        assert client.describe_execution(executionArn=first["executionArn"])["status"] == "SUCCEEDED"


def test_a_call_that_the_role_does_not_allow_fails_the_state_by_its_name(tmp_path: Path) -> None:
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": {"TopicArn": "${Topic}", "Message": "hello"},
        "End": True,
    }
    with deploy(tmp_path, machine("Say", Say=publish)) as account:
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert (execution.status, execution.error) == ("FAILED", "SNS.AuthorizationErrorException")
        assert [call.error for call in account.calls.log if call.service == "sns"] == ["AuthorizationError"]


def test_an_undefined_expression_fails_the_state(tmp_path: Path) -> None:
    with deploy(
        tmp_path, machine("One", One={"Type": "Pass", "Output": "{% $states.input.nothing %}", "End": True})
    ) as account:
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert (execution.status, execution.error) == ("FAILED", "States.QueryEvaluationError")


def test_variables_keep_text_with_quotes(tmp_path: Path) -> None:
    keep = {"Type": "Pass", "Assign": {"said": "{% $states.input.said %}"}, "Next": "Say"}
    with deploy(tmp_path, machine("Keep", Keep=keep, Say={"Type": "Succeed", "Output": "{% $said %}"})) as account:
        start(account, {"said": 'a "quoted" \\ word'})
        account.run_until_idle()
        assert account.executions[0].result == 'a "quoted" \\ word'


def test_who_closes_the_sandbox_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = threading.active_count()
    with deploy(tmp_path, machine("Ask", Ask=ASK, Late=LATE)) as account:
        for number in range(5):
            start(account, name=f"n{number}")
        account.advance(MINUTE)
        assert threading.active_count() > before
    assert threading.active_count() == before


def test_a_definition_in_json_path_runs_as_well(tmp_path: Path) -> None:
    definition = {
        "StartAt": "Call",
        "States": {
            "Call": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "${Worker}", "Payload": {"do": "echo", "value.$": "$.n"}},
                "ResultSelector": {"got.$": "$.Payload", "id.$": "States.UUID()"},
                "ResultPath": "$.answer",
                "Next": "Big",
            },
            "Big": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.answer.got", "NumericGreaterThan": 5, "Next": "Yes"}],
                "Default": "No",
            },
            "Yes": {"Type": "Wait", "SecondsPath": "$.n", "End": True},
            "No": {"Type": "Fail", "Error": "Small"},
        },
    }
    with deploy(tmp_path, definition) as account:
        start(account, {"n": 7}, "seven")
        start(account, {"n": 3}, "three")
        account.run_until_idle()
        seven, three = account.executions
        assert (seven.entered, three.entered) == (["Call", "Big", "Yes"], ["Call", "Big", "No"])
        assert (seven.status, three.error, seven.result["answer"]["got"]) == ("SUCCEEDED", "Small", 7)
        assert seven.stopped_at == seven.started_at + timedelta(seconds=7)


def test_a_function_by_its_arn_is_a_task_too(tmp_path: Path) -> None:
    state = {"Type": "Task", "Resource": "${Worker}", "Arguments": {"do": "echo", "value": [1, None]}, "End": True}
    with deploy(tmp_path, machine("Call", Call=state)) as account:
        start(account)
        account.run_until_idle()
        assert account.executions[0].result == [1, None]


def test_an_execution_that_is_stopped_in_a_map_says_nothing_afterwards(tmp_path: Path) -> None:
    item = inner("Wait", Wait={"Type": "Wait", "Seconds": 900, "End": True})
    state = {"Type": "Map", "Items": "{% [1..5] %}", "MaxConcurrency": 2, "ItemProcessor": item, "End": True}
    with deploy(tmp_path, machine("Each", Each=state)) as account:
        arn = start(account)
        account.advance(MINUTE)
        account.client("stepfunctions").stop_execution(executionArn=arn)
        account.run_until_idle()
        [execution] = account.executions
        assert (execution.status, execution.history[-1]["type"]) == ("ABORTED", "ExecutionAborted")
        assert account.now == execution.started_at + MINUTE
        again = start(account, name="two")
        account.run_until_idle()
        assert account.client("stepfunctions").describe_execution(executionArn=again)["status"] == "SUCCEEDED"


def test_attempts_are_counted_for_each_execution(tmp_path: Path) -> None:
    retry = [{"ErrorEquals": ["BusyError"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    with deploy(tmp_path, machine("Try", Try=task({"do": "fail"}, Retry=retry))) as account:
        for name in ("one", "two"):
            start(account, name=name)
            account.run_until_idle()
        assert len(account.invocations) == 6
        assert [execution.status for execution in account.executions] == ["FAILED", "FAILED"]


def test_a_call_that_fails_on_purpose_is_retried_by_its_name(tmp_path: Path) -> None:
    retry = [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 5, "MaxAttempts": 3}]
    with deploy(tmp_path, machine("Call", Call=task({"do": "echo", "value": 1}, Retry=retry))) as account:
        account.fail("lambda", "Invoke", "TooManyRequestsException", times=2, function="Machine")
        start(account)
        account.run_until_idle()
        [execution] = account.executions
        assert execution.result == 1
        assert execution.stopped_at == execution.started_at + timedelta(seconds=15)
