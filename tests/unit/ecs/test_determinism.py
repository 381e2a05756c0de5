"""The same calls with the same seed give the same log, byte for byte; and the modules cannot see the world."""

import ast
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from sandbox.ecs import Model
from sandbox.ecs.workloads import background_crashes, crash_on_start, flaky
from tests.unit.ecs.build import CLUSTER, a_model, a_service, guarded, parsed, revise

ROOT = Path(__file__).parents[3]
MODULES = sorted((ROOT / "sandbox" / "ecs").glob("*.py"))
PURE = {
    "collections", "collections.abc", "dataclasses", "datetime", "decimal", "enum", "functools", "hashlib", "heapq",
    "json", "math", "random", "typing", "uuid",
}  # fmt: skip


def a_story(seed: int) -> Model:
    """Three services, each with troubles of its own, for six hours."""
    model = Model(seed=seed)
    model.catalogue.create_cluster(CLUSTER)
    rng = random.Random(99)
    for name, workload in (("a", flaky(0.2)), ("b", background_crashes(2.0)), ("c", crash_on_start())):
        good = revise(model, None, family=name)
        model.create_service(CLUSTER, name, good, 3, settings=guarded())
        bad = revise(model, workload, family=name)
        at = model.now + timedelta(minutes=rng.randrange(10, 60))
        model.call_at(at, _updating(model, name, bad))
    model.advance(timedelta(hours=6))
    return model


def _updating(model: Model, name: str, revision: str) -> Callable[[], None]:
    def update() -> None:
        model.update_service(CLUSTER, name, task_definition=revision)

    return update


def test_the_same_seed_gives_the_same_log() -> None:
    assert a_story(5).log() == a_story(5).log()


def test_another_seed_gives_another_log() -> None:
    assert a_story(5).log() != a_story(6).log()


def test_being_listened_to_changes_nothing() -> None:
    quiet, heard = Model(seed=3), Model(seed=3)
    heard.listen(lambda change, event: None)
    for model in (quiet, heard):
        model.catalogue.create_cluster(CLUSTER)
        model.create_service(CLUSTER, "web", revise(model, flaky(0.3)), 5)
        model.advance(3600)
    assert quiet.log() == heard.log()


def test_the_size_of_the_steps_changes_nothing() -> None:
    logs = []
    for step in (1.0, 37.0, 3600.0):
        model = Model(seed=3)
        model.catalogue.create_cluster(CLUSTER)
        model.create_service(CLUSTER, "web", revise(model, flaky(0.3)), 5)
        for _ in range(round(3600 / step) + 1):
            model.advance(step)
        model.advance(model.now.replace(hour=12, minute=0, second=0))
        logs.append(model.log())
    assert logs[0] == logs[1] == logs[2]


def test_one_service_does_not_change_the_luck_of_another() -> None:
    lives = []
    for others in (0, 3):
        model, _told = a_model()
        for number in range(others):
            model.create_service(CLUSTER, f"z{number}", revise(model, flaky(0.5), family=f"z{number}"), 2)
        model.create_service(CLUSTER, "web", revise(model, flaky(0.5)), 3, settings=guarded())
        model.advance(1200)
        tasks = [task.id for task in model.catalogue.cluster(CLUSTER).services["web"].tasks.values()]
        lives.append(tasks)
    assert lives[0] == lives[1]


@pytest.mark.parametrize("hash_seed", ["0", "1", "random"])
def test_a_process_of_its_own_gives_the_same_log(hash_seed: str) -> None:
    code = "from tests.unit.ecs.test_determinism import a_story, sha256; "
    code += "print(sha256(a_story(5).log().encode()).hexdigest())"
    done = subprocess.run(  # noqa: S603  # our own interpreter with our own text
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == sha256(a_story(5).log().encode()).hexdigest()


def test_every_line_of_the_log_is_json_in_the_order_of_time() -> None:
    model, _told = a_model()
    a_service(model, 2)
    entries = parsed(model)
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
    assert {"at", "kind", "subject", "version", "status", "note"} == set(entries[0])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_of_the_model_imports_nothing_that_sees_the_world(path: Path) -> None:
    imports: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append(node.module or "")
    strangers = [
        name for name in imports if name not in PURE and not name.startswith(("sandbox.ecs", "sandbox.errors"))
    ]
    assert not strangers, f"{path.name} is part of the pure model and may not import {strangers}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_of_the_model_asks_no_clock_and_no_shared_luck(path: Path) -> None:
    called = {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
    forbidden = {"datetime.now", "datetime.utcnow", "random.random", "random.choice", "random.randrange", "uuid.uuid4"}
    assert not called & forbidden
