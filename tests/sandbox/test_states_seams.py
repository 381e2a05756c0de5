"""Canaries: each place where the vendored interpreter is replaced. A new moto that moved one fails here by its name."""

import threading
import time
from pathlib import Path

import pytest

from sandbox import Sandbox
from sandbox.states.seams import PACKAGE
from tests.sandbox.conftest import TEMPLATE
from tests.sandbox.states_stage import deploy, machine

BLOCKING = {
    "parser.asl.component.common.retry.retrier_decl:time",
    "parser.asl.component.program.program:threading",
    "parser.asl.component.state.exec.execute_state:Thread",
    "parser.asl.component.state.exec.execute_state:threading",
    "parser.asl.component.state.exec.state_map.iteration.inline_iteration_component:threading",
    "parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record:threading",
    "parser.asl.component.state.exec.state_map.iteration.job:threading",
    "parser.asl.component.state.exec.state_parallel.branch_worker:threading",
    "parser.asl.component.state.exec.state_parallel.branches_decl:threading",
    "parser.asl.component.state.exec.state_task.service.state_task_service_callback:threading",
    "parser.asl.component.state.exec.state_task.service.state_task_service_callback:time",
    "parser.asl.component.state.wait.wait_function.wait_function:time",
    "parser.asl.eval.callback.callback:Event",
    "parser.asl.eval.environment:threading",
    "parser.asl.eval.event.event_manager:threading",
    "parser.backend.execution_worker:Thread",
}
LUCK = {
    "parser.asl.component.common.retry.jitter_strategy_decl:random",
    "parser.asl.component.intrinsic.function.statesfunction.math_operations.math_random:random",
    "parser.utils:uuid4",
}
CLIENTS = {
    "parser.asl.component.state.exec.state_map.item_reader.eval.resource_eval_s3",
    "parser.asl.component.state.exec.state_map.result_writer.resource_eval.resource_eval_s3",
    "parser.asl.component.state.exec.state_task.lambda_eval_utils",
    *(
        f"parser.asl.component.state.exec.state_task.service.state_task_service_{name}"
        for name in ("aws_sdk", "batch", "dynamodb", "ecs", "events", "glue", "sfn", "sns", "sqs", "unsupported")
    ),
    "parser.asl.utils.boto_client",
}


def places(tmp_path: Path) -> set[str]:
    with deploy(tmp_path, machine("One", One={"Type": "Succeed"})) as account:
        return account.account.states._running.patches.places


def test_every_thread_sleep_and_draw_of_the_interpreter_is_replaced(tmp_path: Path) -> None:
    found = places(tmp_path)
    kinds = ("threading", "Thread", "Event", "time", "random", "uuid4")
    assert {place for place in found if place.rpartition(":")[2] in kinds} == BLOCKING | LUCK


def test_every_client_of_the_interpreter_is_replaced(tmp_path: Path) -> None:
    assert {place.partition(":")[0] for place in places(tmp_path) if place.endswith(":boto_client_for")} == CLIENTS


def test_everything_is_put_back_when_the_sandbox_closes(tmp_path: Path) -> None:
    places(tmp_path)
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.program import program
    from moto.stepfunctions.parser.asl.jsonata import jsonata

    assert vars(program)["threading"] is threading
    assert vars(retrier_decl)["time"] is time
    assert jsonata._eval_jsonata is None  # moto has no evaluator of its own; with one, ours may go


def test_moto_still_spells_nothing_itself() -> None:
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
        StateTaskService,
    )

    for name in ("_normalise_parameters", "_normalise_response"):
        assert getattr(StateTaskService, name)(object(), {"Cluster": "a"}) is None


def test_without_a_state_machine_the_interpreter_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(self: object, account: object, executions: object) -> None:
        raise AssertionError(f"{PACKAGE} was loaded")

    monkeypatch.setattr("sandbox.states.interpreter.Interpreter.__init__", loaded)
    with Sandbox.deploy(TEMPLATE, {"AlertEmail": "ops@example.com"}) as account:
        account.run_until_idle()
        assert account.executions == []
