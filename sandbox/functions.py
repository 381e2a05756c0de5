"""Lambda: handlers found by their Handler string, run one at a time, each in its own `Process`.

Asynchronous invocations are retried after one and two minutes and then handed to the OnFailure destination, with the
documented record. A handler that raises is an error of that invocation; what the *sandbox* cannot do is kept and
raised at the front door.
"""

import importlib
import json
import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox import iam
from sandbox.account import Account
from sandbox.delivery import Sender, deliver
from sandbox.errors import ChangedConstantError, SandboxError, TemplateError, TimedOutError, UnsupportedError
from sandbox.isolation import Output, Process
from sandbox.roles import Role

ASYNC_RETRY_DELAYS = (60, 120)
MAX_RESPONSE_BYTES = 6 * 1024 * 1024
MAX_ASYNC_BYTES = 1024 * 1024
MAX_LOG_LINES = 200_000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a function wrote, at virtual time."""

    at: datetime
    request_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation gave: `payload` is the answer as JSON, `error` says why there is none."""

    payload: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a function. `seconds` is real time, of this machine and under emulation: no claim about AWS."""

    function: str
    at: datetime
    event_type: str
    outcome: str
    error: str | None
    request_id: str
    seconds: float = field(compare=False)


@dataclass(slots=True, eq=False)
class Function:
    """One function as the template declares it."""

    name: str
    arn: str
    logical_id: str
    handler: str
    timeout: int
    memory: int
    role: Role
    roots: tuple[Path, ...]
    environment: Mapping[str, str]
    log_group: str
    json_logs: bool = False
    log_level: str = "INFO"
    policy: tuple[iam.Statement, ...] = ()
    retries: int = 2
    max_age: int = 21_600
    on_failure: str | None = None
    process: Process | None = None
    entry: Callable[[Any, Any], Any] | None = None
    request_id: str = "init"
    lines: deque[LogLine] = field(default_factory=lambda: deque(maxlen=MAX_LOG_LINES))


@dataclass(frozen=True, slots=True)
class Context:
    """Lambda's context object."""

    function_name: str
    invoked_function_arn: str
    aws_request_id: str
    memory_limit_in_mb: str
    log_group_name: str
    remaining: Callable[[], float]
    function_version: str = "$LATEST"
    log_stream_name: str = "sandbox"
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """How long until the timeout, in virtual time."""
        return max(0, int(self.remaining() * 1000))


class Functions:
    """The functions of the account, and who is running now."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._by_arn: dict[str, Function] = {}
        self.current: Function | None = None
        self.invocations: list[Invocation] = []
        self.observers: list[Callable[[Invocation], None]] = []

    def add(self, function: Function) -> None:
        """Take in a function; its code is imported at its first invocation."""
        for root in function.roots:
            if not root.is_dir():
                raise TemplateError(f"{function.logical_id}: there is no folder {root.name}")
        self._by_arn[function.arn] = function

    def all(self) -> list[Function]:
        """Every function, in order of creation."""
        return list(self._by_arn.values())

    def get(self, name: str) -> Function | None:
        """Find a function by ARN, name or logical id, or None."""
        return self._by_arn.get(name) or next(
            (function for function in self._by_arn.values() if name in (function.name, function.logical_id)), None
        )

    def invoke(self, function: Function, event: object, event_type: str) -> Outcome:
        """Run the handler once, now, and say what came out. Never raises for what the handler does."""
        if self.current is not None:
            raise SandboxError(f"{function.name} invoked while {self.current.name} runs")
        account = self._account
        function.request_id = request_id = account.uuid()
        began, real = account.clock.now, time.perf_counter()
        deadline = account.clock.deadline = began + timedelta(seconds=function.timeout)
        context = Context(
            function.name, function.arn, request_id, str(function.memory), function.log_group,
            lambda: (deadline - account.clock.now).total_seconds(),
        )  # fmt: skip
        self.current = function
        try:
            with self._process(function).entered():
                outcome = self._run(function, event, context)
        finally:
            self.current = None
            account.clock.deadline = None
        status = "ok" if outcome.error is None else "timeout" if outcome.error.startswith("Task timed out") else "error"
        seconds = time.perf_counter() - real
        invocation = Invocation(function.logical_id, began, event_type, status, outcome.error, request_id, seconds)
        self.invocations.append(invocation)
        for observer in self.observers:
            observer(invocation)
        return outcome

    def invoke_async(self, function: Function, event: object, source: str) -> None:
        """Queue an event for a function, as services that do not wait for an answer do."""
        size = len(json.dumps(event).encode())
        if size > MAX_ASYNC_BYTES:
            raise SandboxError(f"{function.name}: asynchronous event of {size} bytes, limit {MAX_ASYNC_BYTES}")
        self._attempt_later(function, event, source, self._account.clock.now, 0)

    def _attempt_later(self, function: Function, event: object, source: str, accepted: datetime, attempt: int) -> None:
        wait = ASYNC_RETRY_DELAYS[attempt - 1] if attempt else 0
        self._account.clock.call_in(
            wait, lambda: self._attempt(function, event, source, accepted, attempt), f"invocation of {function.name}"
        )

    def _attempt(self, function: Function, event: object, source: str, accepted: datetime, attempt: int) -> None:
        outcome = self.invoke(function, event, source)
        if outcome.error is None:
            return
        next_at = self._account.clock.now + timedelta(seconds=ASYNC_RETRY_DELAYS[min(attempt, 1)])
        if attempt >= function.retries:
            self._give_up(function, event, outcome, "RetriesExhausted", attempt + 1)
        elif (next_at - accepted).total_seconds() > function.max_age:
            self._give_up(function, event, outcome, "EventAgeExceeded", attempt + 1)
        else:
            self._attempt_later(function, event, source, accepted, attempt + 1)

    def _give_up(self, function: Function, event: object, outcome: Outcome, condition: str, attempts: int) -> None:
        account = self._account
        record = {
            "version": "1.0",
            "timestamp": account.clock.now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "requestContext": {
                "requestId": function.request_id,
                "functionArn": f"{function.arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": json.loads(outcome.payload),
        }
        body = json.dumps(record)
        if function.on_failure is None:
            account.lose(function.name, "", f"{condition} and no OnFailure destination: {outcome.error}", body)
            return
        sender = Sender("lambda.amazonaws.com", function.arn, role=function.role.arn)
        refusal = deliver(account, sender, function.on_failure, body, failure=f"{condition}: {outcome.error}")
        if refusal is not None:
            account.lose(function.name, function.on_failure, f"{refusal.code}: {refusal.message}", body)

    def _process(self, function: Function) -> Process:
        if function.process is None:
            seed = self._account.rng.getrandbits(32)
            output = Output(lambda text: self._log(function, text))
            function.process = Process(function.roots, function.environment, output, seed)
            function.process.root_logger.addHandler(LambdaLogHandler(output, function))
            if function.json_logs:
                function.process.root_logger.setLevel(function.log_level)
        return function.process

    def _log(self, function: Function, text: str) -> None:
        account = self._account
        function.lines.append(LogLine(account.clock.now, function.request_id, text))
        try:
            account.metrics.take(text, account.clock.now)
        except UnsupportedError as fault:
            account.faults.append(UnsupportedError(f"{function.logical_id}: {fault}"))

    def _run(self, function: Function, event: object, context: Context) -> Outcome:
        try:
            if function.entry is None:
                module, _, name = function.handler.rpartition(".")
                function.entry = getattr(importlib.import_module(module), name)
            answer = json.dumps(function.entry(json.loads(json.dumps(event)), context))
        except TimedOutError:
            error = f"Task timed out after {function.timeout:.2f} seconds"
            self._log(function, f"{context.aws_request_id} {error}")
            return Outcome(json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": error}), error)
        except (Exception, SystemExit) as problem:
            if isinstance(problem, ChangedConstantError):
                self._account.faults.append(problem)
            return self._failed(function, problem)
        if len(answer) > MAX_RESPONSE_BYTES:
            return Outcome('{"errorType": "Function.ResponseSizeTooLarge"}', "Function.ResponseSizeTooLarge")
        return Outcome(answer)

    def _failed(self, function: Function, problem: BaseException) -> Outcome:
        kind, text = type(problem).__name__, str(problem)
        stack = traceback.format_tb(problem.__traceback__)[1:]
        self._log(function, f"[ERROR] {kind}: {text}\nTraceback (most recent call last):\n{''.join(stack)}".rstrip())
        payload = {"errorMessage": text, "errorType": kind, "requestId": function.request_id, "stackTrace": stack}
        return Outcome(json.dumps(payload), f"{kind}: {text}")


class LambdaLogHandler(logging.StreamHandler[Output]):
    """What Lambda's runtime puts on the root logger, as text or as JSON by the function's LogFormat."""

    def __init__(self, output: Output, function: Function) -> None:
        super().__init__(output)
        self._function = function

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as the runtime would."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        if not self._function.json_logs:
            return f"[{record.levelname}]\t{at}\t{self._function.request_id}\t{super().format(record)}"
        line = {
            "timestamp": at, "level": record.levelname, "message": record.getMessage(), "logger": record.name,
            "requestId": self._function.request_id,
        }  # fmt: skip
        if record.exc_info and record.exc_info[0]:
            line["errorType"] = record.exc_info[0].__name__
            line["stackTrace"] = logging.Formatter().formatException(record.exc_info)
        return json.dumps(line)
