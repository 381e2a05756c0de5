"""State machines, their executions and the task tokens that are out, whatever runs them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sandbox.aws import ServiceError
from sandbox.errors import TemplateError
from sandbox.roles import Role
from sandbox.states import definition as definitions

if TYPE_CHECKING:
    from sandbox.account import Account
    from sandbox.states.interpreter import Interpreter

RUNNING = "RUNNING"
NAME_KEPT = timedelta(days=90)
"""How long the name of a closed execution cannot be used again: delivery-and-security 1."""
MAX_INPUT = 256 * 1024
_LAST = frozenset({"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"})


@dataclass(slots=True, eq=False)
class Machine:
    """One state machine as the template declares it. What it calls, it calls under its role."""

    arn: str
    name: str
    logical_id: str
    definition: str
    role: Role
    created_at: datetime


@dataclass(slots=True, eq=False)
class Execution:
    """One run of a state machine."""

    arn: str
    name: str
    machine: Machine
    input: str
    started_at: datetime
    parsed_input: Any
    env: Any = field(repr=False, default=None)
    status: str = RUNNING
    stopped_at: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None

    @property
    def state_machine(self) -> str:
        """The logical id of its state machine."""
        return self.machine.logical_id

    @property
    def history(self) -> list[dict[str, Any]]:
        """The events of its history, as GetExecutionHistory has them but for the type of their instants."""
        events: list[dict[str, Any]] = self.env.event_manager.get_event_history()
        last = next((place for place, event in enumerate(events) if event["type"] in _LAST), len(events))
        return events[: last + 1]  # what a branch says while it is taken down comes too late

    @property
    def entered(self) -> list[str]:
        """The states that were entered, in order."""
        return [
            event["stateEnteredEventDetails"]["name"] for event in self.history if "stateEnteredEventDetails" in event
        ]

    @property
    def transitions(self) -> int:
        """How many state transitions AWS would count: every state that was entered, and every further attempt."""
        kinds = [event["type"] for event in self.history]
        attempts = sum(kind in ("TaskScheduled", "LambdaFunctionScheduled") for kind in kinds)
        return len(self.entered) + max(0, attempts - kinds.count("TaskStateEntered"))

    @property
    def result(self) -> Any:
        """The output, read; None if there is none."""
        return None if self.output is None else json.loads(self.output)


@dataclass(slots=True, eq=False)
class Token:
    """A task token that was given out. It is good for one answer, while its task waits."""

    execution: Execution
    endpoint: Any
    open: bool = True


class Executions:
    """All state machines of an account and what they do."""

    def __init__(self, account: "Account") -> None:
        self._account = account
        self._interpreter: Interpreter | None = None
        self._tokens: dict[str, Token] = {}
        self.machines: dict[str, Machine] = {}
        self.all: list[Execution] = []
        account.ecs.model.listen(lambda change, event: self._ecs_changed(event))

    def add(self, machine: Machine) -> None:
        """Take in a state machine; its definition is checked and parsed."""
        definitions.checked(machine.definition, machine.logical_id)
        if not machine.role.trusts("states.amazonaws.com", self._account.context(SourceAccount=self._account.id)):
            raise TemplateError(f"{machine.logical_id}: {machine.role.arn} does not let states.amazonaws.com take it")
        self._running.parsed(machine.definition, machine.logical_id)
        self.machines[machine.arn] = machine

    @property
    def _running(self) -> "Interpreter":
        if self._interpreter is None:
            from sandbox.states.interpreter import Interpreter  # importing it costs a second

            self._interpreter = Interpreter(self._account, self)
        return self._interpreter

    def close(self) -> None:
        """End everything that runs."""
        if self._interpreter is not None:
            self._interpreter.close()
            self._interpreter = None

    def get(self, arn: str) -> Execution | None:
        """An execution by its ARN."""
        return next((one for one in self.all if one.arn == arn), None)

    def start(self, machine: Machine, text: str, name: str | None) -> Execution:
        """StartExecution; the same name and input again give the execution that runs already."""
        name = name or self._account.uuid()
        arn = self._account.arn("states", f"execution:{machine.name}:{name}")
        if len(text.encode()) > MAX_INPUT:
            raise ServiceError("InvalidExecutionInput", f"The input is larger than {MAX_INPUT} bytes.")
        try:
            parsed = json.loads(text)
        except ValueError as problem:
            raise ServiceError(
                "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{problem}'"
            ) from problem
        there = next((one for one in reversed(self.all) if one.arn == arn), None)
        if there is not None and there.status == RUNNING and there.parsed_input == parsed:
            return there
        if there is not None and not self._forgotten(there):
            raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        execution = Execution(arn, name, machine, text, self._account.clock.now, parsed)
        self.all.append(execution)
        self._running.start(execution)
        self._tell(execution)
        return execution

    def _forgotten(self, execution: Execution) -> bool:
        return execution.stopped_at is not None and execution.stopped_at + NAME_KEPT < self._account.clock.now

    def stop(self, execution: Execution, error: str | None, cause: str | None) -> datetime:
        """StopExecution: it is ABORTED; stopping one that has ended changes nothing."""
        if execution.status == RUNNING:
            self._running.stop(execution, error, cause)
            execution.status, execution.stopped_at = "ABORTED", self._account.clock.now
            execution.error, execution.cause = error, cause
        return execution.stopped_at or self._account.clock.now

    def ended(self, execution: Execution) -> None:
        """The interpreter is through with an execution."""
        status, details, output = self._running.ending(execution)
        execution.status = status
        execution.stopped_at = execution.stopped_at or self._account.clock.now
        execution.error, execution.cause = details.get("error"), details.get("cause")
        if status == "SUCCEEDED":
            execution.output = json.dumps(output, separators=(",", ":"), default=str)
        self._running.waiting.over(execution.arn)
        self._tell(execution)

    def _ecs_changed(self, event: Mapping[str, Any] | None) -> None:
        if self._interpreter is not None and event is not None:
            detail = event["detail"]
            if detail.get("lastStatus") == "STOPPED":
                self._interpreter.waiting.over(detail["taskArn"])

    # ── task tokens ─────────────────────────────────────────────────────────────────────────────────────────────────
    def open_token(self, token: str, execution: Execution, endpoint: Any) -> None:
        """A task has a token to give out."""
        self._tokens[token] = Token(execution, endpoint)

    def close_token(self, token: str) -> None:
        """Its task is over: nobody waits for it any more."""
        if token in self._tokens:
            self._tokens[token].open = False

    def token_of(self, token: str) -> Token | None:
        """What is known of a token."""
        return self._tokens.get(token)

    def answer(self, text: str, deliver: Callable[[Token], object], *, last: bool) -> None:
        """SendTask…: hand something to whoever waits; `last` if it ends the task."""
        token = self._tokens.get(text)
        if token is None:
            raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")
        if not token.open or token.execution.status != RUNNING:
            raise ServiceError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
        token.open = not last
        deliver(token)

    def _tell(self, execution: Execution) -> None:
        """`Step Functions Execution Status Change`, as EventBridge has it."""
        stopped = execution.stopped_at
        detail: dict[str, Any] = {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine.arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": int(execution.started_at.timestamp() * 1000),
            "stopDate": None if stopped is None else int(stopped.timestamp() * 1000),
            "input": execution.input,
            "output": execution.output,
            "inputDetails": {"included": True},
            "outputDetails": None if execution.output is None else {"included": True},
            "error": execution.error,
            "cause": execution.cause,
        }
        event = {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}
        self._account.bus.put({**event, "resources": [execution.arn]})
