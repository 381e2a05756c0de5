"""Each function has a process, a role, an environment and a log of its own; and two runs are the same."""

import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from sandbox import Sandbox, UnsupportedError

Events = Callable[..., dict[str, Any]]
TEMPLATE = Path(__file__).parent / "fixtures" / "template.yaml"
REAL = Path(__file__).parents[2] / "template.yaml"


def test_modules_live_between_invocations_but_are_not_shared_between_functions(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event([event("work", do="log") for _ in range(7)])
    sandbox.run_until_idle()
    answers = [sandbox.invoke("DirectFunction", {}).payload for _ in range(2)]
    assert [answer.startswith(f'{{"seen": {count}, "colour": "red"') for count, answer in enumerate(answers, 1)] == [
        True,
        True,
    ]


LEFT_AS_IT_WAS = """
import logging, os, random, sys, time
from sandbox import Sandbox, Secret

parameters = {"AlertEmail": "ops@example.com", "SlackSecretArn": Secret("url")}
with Sandbox.deploy("tests/sandbox/fixtures/template.yaml", parameters) as sandbox:
    before = (dict(os.environ), list(sys.path), sys.stdout, logging.root, random.getstate(), time.sleep)
    sandbox.put_event({"source": "probe", "detail-type": "work", "detail": {"do": "store", "pk": "a"}})
    sandbox.run_until_idle()
    assert len(sandbox.invocations) == 1
    assert before == (dict(os.environ), list(sys.path), sys.stdout, logging.root, random.getstate(), time.sleep)
    assert "probe" not in sys.modules
    assert time.time() > sandbox.now.timestamp() or time.time() < sandbox.now.timestamp() - 60
"""


def test_the_process_around_a_sandbox_is_left_as_it_was() -> None:
    """In a process of its own, where nothing but this sandbox can have touched it."""
    root = Path(__file__).parents[2]
    where = os.pathsep.join(str(root / folder) for folder in ("functions", "layers/core", "."))
    command = [sys.executable, "-c", LEFT_AS_IT_WAS]
    subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": where}, check=True)  # noqa: S603  our own words


def test_what_is_written_into_the_description_of_a_service_is_seen_by_nobody_else() -> None:
    """moto writes members into the errors of S3 as it answers."""
    ours, theirs = (Loader().load_service_model("s3", "service-2") for _ in range(2))
    ours["shapes"].clear()
    assert theirs["shapes"] == Loader().load_service_model("s3", "service-2")["shapes"] != {}


def test_of_closed_sandboxes_no_more_than_the_last_stays_in_memory() -> None:
    """Each that stayed made every collection of garbage slower: a long test run spent most of its time there.

    `typing` keeps the last overload of each name for good, and with it what that belongs to.
    """
    left = []
    for _ in range(3):
        with Sandbox.deploy(REAL, {"AlertEmail": "ops@example.com"}) as sandbox:
            sandbox.advance(timedelta(minutes=6))
            left.append(weakref.ref(sandbox.account.functions))
        del sandbox
    gc.collect()
    assert sum(each() is not None for each in left) <= 1


def test_a_role_without_the_permission_gets_a_real_error(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("work", do="delete"))
    sandbox.advance(timedelta(seconds=5))
    [run] = sandbox.invocations
    assert run.error is not None
    assert "AccessDeniedException" in run.error
    assert "dynamodb:DeleteItem on arn:aws:dynamodb:us-east-1:111122223333:table/breakwater-Table" in run.error
    [call] = sandbox.calls.log
    assert (call.service, call.operation, call.error) == ("dynamodb", "DeleteItem", "AccessDeniedException")


def test_an_operation_whose_permissions_are_unknown_is_an_error_even_if_swallowed(
    sandbox: Sandbox, event: Events
) -> None:
    sandbox.put_event(event("work", do="unknown"))
    with pytest.raises(UnsupportedError, match="WorkerFunction: permissions of dynamodb:ListTables"):
        sandbox.run_until_idle()


def test_logs_carry_the_virtual_time_and_the_request(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("work", do="log", text="good morning"))
    sandbox.run_until_idle()
    line = next(line for line in sandbox.logs("WorkerFunction") if "good morning" in line.text)
    assert line.text.startswith("[WARNING]\t2026-03-02T10:00:05.000Z\t" + line.request_id)
    assert line.at == sandbox.invocations[0].at


def test_a_crash_is_logged_with_its_trace(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event(event("work", do="raises", text="oh no"))
    sandbox.advance(timedelta(seconds=5))
    assert sandbox.logs("WorkerFunction")[-1].text.startswith("[ERROR] ValueError: oh no\nTraceback")


def test_write_units_follow_the_size_of_the_item(sandbox: Sandbox, event: Events) -> None:
    sandbox.put_event([event("work", do="store", pk="a"), event("work", do="store", pk="b" * 1020)])
    sandbox.run_until_idle()
    assert sandbox.calls.write_units == 3
    assert sandbox.calls.counts() == {("WorkerFunction", "dynamodb", "PutItem"): 2}


def history(seed: int) -> tuple[object, ...]:
    def event(**detail: Any) -> dict[str, Any]:
        return {"source": "probe", "detail-type": "work", "detail": detail}

    with Sandbox.deploy(TEMPLATE, {"AlertEmail": "ops@example.com"}, seed=seed) as sandbox:
        sandbox.chaos(drop=0.1, duplicate=0.2, delay=timedelta(minutes=3))
        sandbox.put_event([event(do="store", pk=str(number)) for number in range(40)])
        sandbox.put_event([event(do="fail"), event(do="log", text="x"), event(do="publish", kind="copy")])
        sandbox.run_until_idle()
        return (
            tuple(sandbox.invocations),
            tuple(sandbox.logs()),
            tuple(sandbox.dead_letters),
            tuple(sandbox.messages),
            tuple(sandbox.calls.log),
            repr(sandbox.table_items()),
            sandbox.now,
        )


def test_two_runs_of_one_seed_are_the_same_and_another_seed_is_not() -> None:
    assert history(7) == history(7)
    assert history(7) != history(8)
