"""Step Functions and Lambda through boto3, for handlers, state machines and tests."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from botocore.response import StreamingBody

from sandbox.aws import Answer, ServiceError
from sandbox.ecs.errors import EcsError
from sandbox.ecs_api import wire
from sandbox.ecs_api.paging import Pages
from sandbox.errors import SandboxError, UnsupportedError
from sandbox.states.machines import Execution, Executions, Machine

if TYPE_CHECKING:
    from sandbox.account import Account

Params = Mapping[str, Any]
Json = dict[str, Any]
_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")
_UNDERSTOOD: Mapping[str, frozenset[str]] = {
    "StartExecution": frozenset({"stateMachineArn", "name", "input"}),
    "DescribeExecution": frozenset({"executionArn", "includedData"}),
    "GetExecutionHistory": frozenset({
        "executionArn", "maxResults", "reverseOrder", "nextToken", "includeExecutionData",
    }),
    "StopExecution": frozenset({"executionArn", "error", "cause"}),
    "ListExecutions": frozenset({"stateMachineArn", "statusFilter", "maxResults", "nextToken"}),
    "DescribeStateMachine": frozenset({"stateMachineArn", "includedData"}),
    "ListStateMachines": frozenset({"maxResults", "nextToken"}),
    "SendTaskSuccess": frozenset({"taskToken", "output"}),
    "SendTaskFailure": frozenset({"taskToken", "error", "cause"}),
    "SendTaskHeartbeat": frozenset({"taskToken"}),
}  # fmt: skip


class StatesApi:
    """The operations of Step Functions."""

    def __init__(self, account: "Account") -> None:
        self._account = account
        self._pages = Pages()
        self._operations: dict[str, Callable[[Params], Json]] = {
            "StartExecution": self.start,
            "DescribeExecution": self.describe,
            "GetExecutionHistory": self.history,
            "StopExecution": self.stop,
            "ListExecutions": self.executions,
            "DescribeStateMachine": self.machine,
            "ListStateMachines": self.machines,
            "SendTaskSuccess": self.success,
            "SendTaskFailure": self.failure,
            "SendTaskHeartbeat": self.heartbeat,
        }

    def answers(self) -> dict[tuple[str, str], Answer]:
        """Every operation for the gate."""

        def answer(operation: str) -> Answer:
            return lambda params: self._answer(operation, params)

        return {("stepfunctions", operation): answer(operation) for operation in self._operations}

    def _answer(self, operation: str, params: Params) -> Json:
        strange = sorted(params.keys() - _UNDERSTOOD[operation])
        if strange:
            raise UnsupportedError(f"stepfunctions:{operation}.{strange[0]} is not part of this sandbox")
        try:
            return wire.answered(operation, self._operations[operation](params), "stepfunctions")
        except EcsError as problem:  # of a page
            raise ServiceError("InvalidToken", problem.message) from problem

    @property
    def _all(self) -> Executions:
        return self._account.states

    def _machine(self, params: Params) -> Machine:
        arn = params["stateMachineArn"]
        machine = self._all.machines.get(arn)
        if machine is None:
            raise ServiceError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine

    def _execution(self, params: Params) -> Execution:
        arn = params["executionArn"]
        execution = self._all.get(arn)
        if execution is None:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return execution

    def start(self, params: Params) -> Json:
        """StartExecution: it runs when time moves on."""
        machine, name = self._machine(params), params.get("name")
        if name is not None and not _NAME.fullmatch(name):
            raise ServiceError("InvalidName", f"Invalid Name: '{name}'")
        execution = self._all.start(machine, params.get("input", "{}"), name)
        return {"executionArn": execution.arn, "startDate": execution.started_at}

    def describe(self, params: Params) -> Json:
        """DescribeExecution."""
        execution = self._execution(params)
        return {
            **_brief(execution),
            "input": execution.input,
            "inputDetails": {"included": True},
            **({} if execution.output is None else {"output": execution.output, "outputDetails": {"included": True}}),
            **({} if execution.error is None else {"error": execution.error}),
            **({} if execution.cause is None else {"cause": execution.cause}),
        }

    def history(self, params: Params) -> Json:
        """GetExecutionHistory, with the model's instants."""
        events = [{**event, "timestamp": _instant(event["timestamp"])} for event in self._execution(params).history]
        if params.get("reverseOrder", False):
            events.reverse()
        if not params.get("includeExecutionData", True):
            raise UnsupportedError("stepfunctions:GetExecutionHistory.includeExecutionData")
        here, more = self._pages.page("GetExecutionHistory", params, events, usual=100, most=1000)
        return {"events": here, **more}

    def stop(self, params: Params) -> Json:
        """StopExecution."""
        execution = self._execution(params)
        return {"stopDate": self._all.stop(execution, params.get("error"), params.get("cause"))}

    def executions(self, params: Params) -> Json:
        """ListExecutions, the latest first."""
        machine, status = self._machine(params), params.get("statusFilter")
        found = [
            _brief(one) for one in reversed(self._all.all) if one.machine is machine and status in (None, one.status)
        ]
        here, more = self._pages.page("ListExecutions", params, found, usual=100, most=1000)
        return {"executions": here, **more}

    def machine(self, params: Params) -> Json:
        """DescribeStateMachine."""
        machine = self._machine(params)
        return {
            **_machine_brief(machine),
            "status": "ACTIVE",
            "definition": machine.definition,
            "roleArn": machine.role.arn,
        }

    def machines(self, params: Params) -> Json:
        """ListStateMachines."""
        found = [_machine_brief(machine) for machine in self._all.machines.values()]
        here, more = self._pages.page("ListStateMachines", params, found, usual=100, most=1000)
        return {"stateMachines": here, **more}

    def success(self, params: Params) -> Json:
        """SendTaskSuccess."""
        text, output = params["taskToken"], params["output"]
        try:
            json.loads(output)
        except ValueError as problem:
            raise ServiceError("InvalidOutput", f"Invalid Output: '{problem}'") from problem
        self._all.answer(text, lambda token: token.endpoint.notify(_outcome("Success", text, output)), last=True)
        return {}

    def failure(self, params: Params) -> Json:
        """SendTaskFailure."""
        text, said = params["taskToken"], (params.get("error"), params.get("cause"))
        self._all.answer(text, lambda token: token.endpoint.notify(_outcome("Failure", text, *said)), last=True)
        return {}

    def heartbeat(self, params: Params) -> Json:
        """SendTaskHeartbeat."""
        self._all.answer(params["taskToken"], lambda token: token.endpoint.notify_heartbeat(), last=False)
        return {}


def _outcome(kind: str, *said: str | None) -> Any:
    """What the interpreter takes as the answer to a token; it is loaded if there is one."""
    from moto.stepfunctions.parser.asl.eval.callback import callback

    return getattr(callback, f"CallbackOutcome{kind}")(*said)


def _brief(execution: Execution) -> Json:
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.started_at,
        **({} if execution.stopped_at is None else {"stopDate": execution.stopped_at}),
    }


def _machine_brief(machine: Machine) -> Json:
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": "STANDARD",
        "creationDate": machine.created_at,
    }


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


class LambdaApi:
    """Invoke: by a state machine at once, by anybody asynchronously."""

    def __init__(self, account: "Account") -> None:
        self._account = account

    def answers(self) -> dict[tuple[str, str], Answer]:
        """Every operation for the gate."""
        return {("lambda", "Invoke"): self.invoke}

    def invoke(self, params: Params) -> Json:
        """Run a function and give its answer, or queue the event."""
        strange = sorted(params.keys() - {"FunctionName", "Payload", "InvocationType", "Qualifier"})
        kind = params.get("InvocationType", "RequestResponse")
        if strange or kind not in ("RequestResponse", "Event") or params.get("Qualifier", "$LATEST") != "$LATEST":
            raise UnsupportedError(f"lambda:Invoke with {strange[0] if strange else 'this type or qualifier'}")
        function = self._account.functions.get(params["FunctionName"].removesuffix(":$LATEST"))
        if function is None:
            raise ServiceError("ResourceNotFoundException", f"Function not found: {params['FunctionName']}", 404)
        payload = params.get("Payload", b"{}")
        event = json.loads(payload.read() if hasattr(payload, "read") else payload)
        if kind == "Event":
            self._account.functions.invoke_async(function, event, "api")
            return {"StatusCode": 202, "Payload": _body("")}
        if self._account.functions.current is not None:
            raise UnsupportedError(f"{self._account.functions.current.logical_id} waits for {function.logical_id}")
        acting = self._account.acting
        try:
            outcome = self._account.functions.invoke(function, event, "api" if acting is None else "state machine")
        except SandboxError as fault:
            self._account.faults.append(fault)
            raise
        failed = {} if outcome.error is None else {"FunctionError": "Unhandled"}
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": _body(outcome.payload), **failed}


def _body(text: str) -> StreamingBody:
    raw = text.encode()
    return StreamingBody(BytesIO(raw), len(raw))
