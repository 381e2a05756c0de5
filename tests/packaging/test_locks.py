"""The locks are complete, exact and agree with what asks for them. `make lock` compiles them anew."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
NAMES = sorted(path.stem for path in REQUIREMENTS.glob("*.in"))


def wanted(name: str) -> list[str]:
    """The requirement lines of an .in file."""
    lines = (line.partition("#")[0].strip() for line in (REQUIREMENTS / f"{name}.in").read_text().splitlines())
    return [line for line in lines if line]


def locked(name: str) -> dict[str, str]:
    """Distribution to version. Where a version depends on the Python, the lock names several; the last counts."""
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", (REQUIREMENTS / f"{name}.txt").read_text(), re.MULTILINE)
    return {distribution.lower(): version for distribution, version in pins}


def test_the_layer_is_built_from_the_runtime_lock() -> None:
    copy = (ROOT / "layers/core/requirements.txt").read_bytes()
    assert copy == (REQUIREMENTS / "runtime.txt").read_bytes(), "run make lock, which copies it"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_for_is_pinned_and_locked(name: str) -> None:
    for line in wanted(name):
        if line.startswith("-r "):
            continue
        pinned = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[[a-z0-9,_-]+\])?==(\S+)", line)
        assert pinned, f"pin {line} in {name}.in with =="
        distribution, version = pinned.group(1).lower(), pinned.group(2)
        assert locked(name).get(distribution) == version, f"run make lock: {name}.txt does not have {line}"


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_has_a_hash_for_every_entry_and_names_no_index(name: str) -> None:
    text = (REQUIREMENTS / f"{name}.txt").read_text()
    entries = re.findall(r"^[A-Za-z0-9_.-]+==.*\n(.*)", text, re.MULTILINE)
    assert entries
    assert all("--hash=sha256:" in following for following in entries)
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE), "a lock holds no options"


def test_people_work_with_the_versions_that_run_in_lambda() -> None:
    work = locked("dev")
    differing = {name: (version, work.get(name)) for name, version in locked("runtime").items()}
    assert all(there == here for there, here in differing.values()), differing


def test_every_lock_is_compiled_by_make_lock() -> None:
    script = (REQUIREMENTS / "compile.sh").read_text()
    assert all(re.search(rf"\b{name}\b", script) for name in NAMES), "compile the new .in file in compile.sh"
