"""moto's interpreter made to run here: imported late, patched, and asked to run one definition at a time.

See `seams.py` for how things are replaced, `baton.py` for time, `corrections.py` for what the interpreter gets wrong.
"""

import random
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sandbox.errors import SandboxError, TemplateError
from sandbox.states import seams
from sandbox.states.baton import Baton, Threading, Time
from sandbox.states.clients import Clients

if TYPE_CHECKING:
    from sandbox.account import Account
    from sandbox.states.machines import Execution, Executions


@lru_cache(maxsize=16)
def _tree(definition: str) -> Any:
    """The syntax of a definition. It takes ten times as long as the rest of its reading, and is only looked at."""
    from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]
    from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
    from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
    from moto.stepfunctions.parser.asl.parse.asl_parser import ASLParserException, SyntaxErrorListener

    heard = SyntaxErrorListener()  # type: ignore[no-untyped-call]
    parser = ASLParser(CommonTokenStream(ASLLexer(InputStream(definition))))
    parser.removeErrorListeners()
    parser.addErrorListener(heard)
    tree = parser.state_machine()  # type: ignore[no-untyped-call]
    if heard.errors:
        raise ASLParserException(errors=heard.errors)
    return tree


def _parsed(definition: str) -> Any:
    """What `AmazonStateLanguageParser.parse` gives, its syntax read once a process; the program is new each time."""
    from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

    return Preprocessor().visit(_tree(definition))


class Interpreter:
    """The one interpreter of a sandbox."""

    def __init__(self, account: "Account", executions: "Executions") -> None:
        from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for
        from moto.stepfunctions.parser.backend import execution_worker

        from sandbox.states import corrections, spelling  # they import the interpreter as well

        self._account, self._executions = account, executions
        self._worker = execution_worker
        self._programs: dict[str, Any] = {}
        self.baton = Baton(account.clock, account.faults.append, self._doing)
        rng = random.Random(f"{account.seed}:states")  # of its own: parsing draws ids, which must not shift others
        self.patches = seams.Patches()
        clients = Clients(account, self.baton)
        self.patches.everywhere(
            seams.replaced(Threading(self.baton), Time(self.baton), clients.client_for, rng, boto_client_for)
        )
        self.waiting = corrections.Waiting(executions, self.baton, self.patches)
        spelling.Spelling(account, self.patches, rng)

    def _doing(self) -> str | None:
        function = self._account.functions.current
        return None if function is None else f"the handler of {function.logical_id}"

    def parsed(self, definition: str, where: str) -> Any:
        """Read a definition; the program it gives is used by all executions."""
        if definition not in self._programs:
            try:
                self._programs[definition] = _parsed(definition)
            except Exception as problem:  # the parser raises whatever it stumbles over
                raise TemplateError(f"{where}: the definition is refused: {problem}") from problem
        return self._programs[definition]

    def start(self, execution: "Execution") -> None:
        """Begin an execution; it runs when the clock moves on."""
        machine = execution.machine
        program = self.parsed(machine.definition, machine.logical_id)
        execution.env = env = self._environment(execution)
        env.next_state_name = program.start_at.start_at_name
        details = {"input": execution.input, "inputDetails": {"truncated": False}, "roleArn": machine.role.arn}
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type="ExecutionStarted",
            event_details={"executionStartedEventDetails": details},
            update_source_event_id=False,
        )

        def run() -> None:
            if env.is_running():
                program.eval(env)
            else:
                program._eval_body(env)  # stopped before it began: it only says so
            self._executions.ended(execution)

        self.baton.start(run, f"execution {execution.name}", owner=execution)

    def _environment(self, execution: "Execution") -> Any:
        from moto.stepfunctions.parser.api import StateMachineType
        from moto.stepfunctions.parser.asl.eval import evaluation_details as details
        from moto.stepfunctions.parser.backend.execution_worker_comm import ExecutionWorkerCommunication

        class Silent(ExecutionWorkerCommunication):
            def terminated(self) -> None:
                raise SandboxError("the interpreter's own worker is not used")

        account, machine = self._account, execution.machine
        worker = self._worker.ExecutionWorker(
            details.EvaluationDetails(
                details.AWSExecutionDetails(account.id, account.region, machine.role.arn),
                details.ExecutionDetails(
                    execution.arn,
                    execution.name,
                    machine.role.arn,
                    execution.parsed_input,
                    execution.started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                ),
                details.StateMachineDetails(machine.arn, machine.name, StateMachineType.STANDARD, machine.definition),
            ),
            Silent(),
            None,
            {},
        )
        return worker._get_evaluation_environment()

    def stop(self, execution: "Execution", error: str | None, cause: str | None) -> None:
        """StopExecution: what runs is halted, and its result is in nobody's way any more."""
        execution.env.set_stop(stop_date=self._account.clock.now, cause=cause, error=error)

    def ending(self, execution: "Execution") -> tuple[str, Mapping[str, Any], Any]:
        """How an execution came out: status, error and cause, output."""
        env = execution.env
        state = env.program_state()
        kind = type(state).__name__
        if kind == "ProgramEnded":
            return "SUCCEEDED", {}, env.states.get_input()
        if kind == "ProgramStopped":
            return "ABORTED", {"error": state.error, "cause": state.cause}, None
        if kind == "ProgramTimedOut":
            return "TIMED_OUT", {}, None
        return "FAILED", dict(state.error or {}), None

    def close(self) -> None:
        """End every thread, and give the interpreter back as it was."""
        self.baton.close()
        self.patches.undo()
        self.waiting.forget()
