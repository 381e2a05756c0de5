"""What `sam build` makes of the template can be imported as Lambda would: the artifact, its layer, nothing else."""

import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sandbox.template import load
from tests.packaging.importing import ROOT, import_handler
from tests.template.reading import functions

pytestmark = pytest.mark.packaging

SAM = [str(ROOT / ".venv-sam/bin/python"), "-m", "samcli"]
BUILT = ROOT / "build/sam"
ARCHITECTURE = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine().lower()]


@cache
def runtime() -> str:
    python = shutil.which("python3.13")
    assert python, "sam build needs Python 3.13, as in Lambda: install python3.13 and put it on PATH."
    return python


@cache
def built() -> dict[str, Any]:
    runtime()
    command = [*SAM, "build", "--build-dir", str(BUILT), "--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return load(BUILT / "template.yaml")


def artifact(logical_id: str, location: str) -> Path:
    return BUILT / str(built()["Resources"][logical_id]["Properties"][location])


@pytest.fixture(autouse=True)
def network(socket_enabled: None) -> None:
    """sam build fetches the wheels of the layer, in a process of its own."""


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_handler_is_imported_from_artifact_and_layer_alone(name: str) -> None:
    handler = built()["Resources"][name]["Properties"]["Handler"]
    roots = [artifact(name, "CodeUri"), artifact("CoreLayer", "ContentUri") / "python"]
    imported = import_handler(runtime(), "-S", handler=handler, roots=roots)
    assert imported.found, f"{handler} is not a function"
    assert not imported.outside(*roots), f"{handler} loads something that Lambda would not find"


def test_the_artifact_holds_the_automations_and_nothing_that_helps_to_make_them() -> None:
    held = {path.name for path in artifact("TaskAlertsFunction", "CodeUri").iterdir() if path.is_dir()}
    assert held - {"__pycache__"} == {path.parent.name for path in (ROOT / "functions").glob("*/__init__.py")}


def test_the_layer_fits_into_lambda_with_the_code() -> None:
    sizes = [path.stat().st_size for path in artifact("CoreLayer", "ContentUri").rglob("*") if path.is_file()]
    assert sum(sizes) < 100 * 2**20, "Lambda takes 250 MB unpacked; we stay far below"
