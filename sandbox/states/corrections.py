"""What the interpreter does by blocking, or otherwise than AWS when it waits, and what stands there instead.

Every replacement is a method of the interpreter's own class by its own name; the rest of the class stays as it is.
"""

import contextlib
import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_ecs
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_ecs import (
    StateTaskServiceEcs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackPoolManager
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.utils import TMP_THREADS

from sandbox.states.baton import Baton, HaltedError
from sandbox.states.seams import Patches

if TYPE_CHECKING:
    from sandbox.states.machines import Execution, Executions


class Waiting:
    """Waits in virtual time, and what ends them."""

    def __init__(self, executions: "Executions", baton: Baton, patches: Patches) -> None:
        self._executions, self._baton = executions, baton
        self._awaited: dict[str, Any] = {}
        for owner, name, make in (
            (ExecutionState, "_evaluate_with_timeout", self._with_timeout),
            (CommonStateField, "_eval_body", self._state_body),
            (WaitFunction, "_wait_interval", self._wait_interval),
            (Timestamp, "_get_wait_seconds", self._timestamp_seconds),
            (StateTaskServiceCallback, "_eval_sync", self._sync),
            (StateTaskServiceEcs, "_build_sync_resolver", self._awaiting("Tasks")),
            (StateTaskServiceSfn, "_build_sync_resolver", self._awaiting("ExecutionArn")),
            (StateTaskServiceSfn, "_build_sync2_resolver", self._awaiting("ExecutionArn")),
            (CallbackPoolManager, "add", self._token_added),
            *((Environment, f"set_{way}", self._environment_ends) for way in ("ended", "error", "timed_out", "stop")),
        ):
            patches.put(owner, name, make(owner.__dict__[name]))
        for name in ("_log_evaluation_step", "_log_failure_event_exception", "_log_exception"):
            patches.put(EvalComponent, name, lambda *_, **__: None)  # each writes out the whole definition

    def over(self, arn: str) -> None:
        """A task or an execution that a `.sync` state may wait for is over."""
        event = self._awaited.pop(arn, None)
        if event is not None:
            event.set()

    def forget(self) -> None:
        """Let go of what the interpreter would keep for ever."""
        TMP_THREADS.clear()

    def _with_timeout(self, original: Callable[..., Any]) -> Callable[..., None]:
        """One attempt at a state, in a thread and a frame of its own.

        Unlike the original, an attempt that timed out or was stopped leaves nothing behind: its thread is halted, its
        token is closed, and each further attempt has a new token, as on AWS.
        """
        baton, executions = self._baton, self._executions

        def evaluate(state: Any, env: Any) -> None:
            state.timeout.eval(env=env)
            seconds = env.stack.pop()
            token = _token(env)
            frame = env.open_frame()
            frame.states.reset(input_value=env.states.get_input())
            frame.stack = copy.deepcopy(env.stack)
            outputs: list[Any] = []
            problems: list[Exception] = []
            finished = baton.events()

            def attempt() -> None:
                with baton.working_for(frame):
                    try:
                        state._eval_execution(frame)
                        outputs.append(frame.stack[-1])
                    except Exception as problem:
                        problems.append(problem)
                finished.set()

            baton.start(attempt, f"state {state.name}")
            try:
                in_time = finished.wait(seconds)
            finally:
                if token is not None:
                    executions.close_token(token)
                frame.set_ended()
                env.close_frame(frame)
            if not in_time:
                raise EvalTimeoutError
            if problems:
                raise problems[0]
            _leave(state, env, outputs[0])

        return evaluate

    def _state_body(self, original: Callable[..., Any]) -> Callable[..., None]:
        """A state that is halted ends without a word; its program then says why (ABORTED, TIMED_OUT)."""

        def body(state: Any, env: Any) -> None:
            try:
                with self._baton.working_for(env):
                    original(state, env)
            except HaltedError:
                if env.is_running():
                    raise

        return body

    def _wait_interval(self, original: Callable[..., Any]) -> Callable[..., None]:
        """Wait exactly; the original truncates differences of floats."""

        def wait(function: Any, env: Any, wait_seconds: int) -> None:
            if wait_seconds > 0:
                self._baton.block(wait_seconds)

        return wait

    def _timestamp_seconds(self, original: Callable[..., Any]) -> Callable[..., float]:
        """The original subtracts the machine's local time from a UTC time."""

        def seconds(function: Any, env: Any) -> float:
            function.string.eval(env=env)
            text = env.stack.pop()
            if not Timestamp._is_valid_timestamp_pattern(text):
                raise RuntimeError(f"not a timestamp: {text}")
            return (datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime.now(UTC)).total_seconds()

        return seconds

    def _awaiting(self, member: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Remember what a `.sync` state waits for."""

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def build(state: Any, env: Any, **more: Any) -> Any:
                output = env.stack[-1][member]
                arn = output[0]["TaskArn"] if isinstance(output, list) else output
                return Resolver(arn, original(state, env=env, **more))

            return build

        return make

    def _sync(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Look once more when the task or execution is over, instead of every half second."""

        def wait(state: Any, env: Any, sync_resolver: "Resolver", **_: Any) -> Any:
            while True:
                result = sync_resolver()
                if result is not None:
                    return result
                event = self._awaited.setdefault(sync_resolver.arn, self._baton.events())
                try:
                    event.wait()
                except HaltedError:
                    self._take_along(sync_resolver.arn)
                    raise

        return wait

    def _take_along(self, arn: str) -> None:
        """Stop what a state waited for that is halted itself, as far as its role may."""
        clients = vars(state_task_service_ecs)["boto_client_for"]  # as replaced for the interpreter
        region = arn.split(":")[3]
        with contextlib.suppress(ClientError):
            if ":task/" in arn:
                clients(region=region, service="ecs").stop_task(cluster=arn.split("/")[1], task=arn)
            else:
                clients(region=region, service="stepfunctions").stop_execution(executionArn=arn)

    def _token_added(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def add(pool: Any, callback_id: str) -> Any:
            endpoint = original(pool, callback_id)
            execution: Execution = self._baton.owner  # type: ignore[assignment]  # every thread with a pool has one
            self._executions.open_token(callback_id, execution, endpoint)
            return endpoint

        return add

    def _environment_ends(self, original: Callable[..., Any]) -> Callable[..., None]:
        def ends(env: Any, *args: Any, **kwargs: Any) -> None:
            original(env, *args, **kwargs)
            self._baton.ended()

        return ends


def _leave(state: Any, env: Any, output: Any) -> None:
    """What the original does with the output of an attempt."""
    env.stack.append(output)
    if not state._is_language_query_jsonpath():
        env.states.set_result(output)
    if state.assign_decl:
        state.assign_decl.eval(env=env)
    if state.result_selector:
        state.result_selector.eval(env=env)
    if state.result_path:
        state.result_path.eval(env)
    else:
        env.states.reset(input_value=env.stack.pop())


def _token(env: Any) -> str | None:
    """The token of this attempt, if its task has one: a new one for each attempt."""
    context = env.states.context_object
    data = context.context_object_data
    if "Task" in data and data["State"]["RetryCount"]:
        env.callback_pool_manager.add(context.update_task_token())
    token: str | None = data.get("Task", {}).get("Token")
    return token


class Resolver:
    """Asks whether something is over."""

    def __init__(self, arn: str, ask: Callable[[], Any]) -> None:
        self.arn, self._ask = arn, ask

    def __call__(self) -> Any:
        return self._ask()


def encoded(bindings: dict[str, Any]) -> str:
    """Declare variables for JSONata; the original does not escape strings."""
    return "".join(
        f"{name}:={json.dumps(value, default=str, separators=(',', ':'))};" for name, value in bindings.items()
    )
