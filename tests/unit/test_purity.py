"""What decides knows no AWS, no environment, no clock, no chance and no log."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "core" / "breakwater"

STANDARD = {
    "calendar",
    "collections",
    "collections.abc",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "html",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "types",
    "typing",
    "urllib.parse",
    "zoneinfo",  # reads the time zones' own data, which is no state of the world that a decision could change
}
# The pure files of the package, and its pure folders.
PURE_MODULES = (
    "addresses",
    "attending",
    "causes",
    "evidence",
    "causes_own",
    "findings",
    "incidents",
    "ledger",
    "listener_rules",
    "model",
    "occurrences",
    "policies",
    "preflight",
    "preflight_facts",
    "preflight_findings",
    "preflight_roads",
    "preflight_snippets",
    "preflight_tasks",
    "quiet",
    "redact",
    "redact_patterns",
    "release_policy",
    "rendezvous",
    "rendezvous_events",
    "routes",
    "sample_windows",
    "sent_back",
    "window_times",
    "runs",
)
PURE_FOLDERS = ("checks", "diagnosis")
# What the decision of the rollback guard is made of.
PURE_GUARD = ("answers", "case", "counted", "outcome", "picture", "stops", "suspicion", "words")
PURE_SCALER = ("headroom", "requests", "scale", "targets", "windows")
OWN = {*PURE_MODULES, *PURE_FOLDERS, "events"}
PURE = sorted(
    [
        *(ROOT / "functions").glob("*/decision.py"),
        *(
            ROOT / "functions" / "release" / f"{name}.py"
            for name in (
                "analysis",
                "chart",
                "endings",
                "expecting",
                "facts",
                "failure",
                "news",
                "old_reads",
                "outcome",
                "pacing",
                "page",
                "progress",
                "record",
                "returning",
                "story",
                "sweeping",
            )
        ),
        *(ROOT / "functions" / "deployment_hooks" / f"{name}.py" for name in ("memory", "payload")),
        *(ROOT / "functions" / "rollback_guard" / f"{name}.py" for name in PURE_GUARD),
        *(ROOT / "functions" / "batch_runner" / f"{name}.py" for name in ("classes", "request", "specs", "telling")),
        *(ROOT / "functions" / "scaler" / f"{name}.py" for name in PURE_SCALER),
        *(PACKAGE / f"{name}.py" for name in PURE_MODULES),
        *(path for folder in PURE_FOLDERS for path in (PACKAGE / folder).glob("*.py")),
    ]
)
CLOCKS = {"now", "utcnow", "today"}


def allowed(module: str) -> bool:
    """Whether a pure module may import this one."""
    top, _, rest = module.partition(".")
    return module in STANDARD or (top == "breakwater" and rest.partition(".")[0] in OWN)


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_decides_imports_nothing_that_can_see_or_change_the_world(path: Path) -> None:
    imports = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imports.append(node.module or "")
    strangers = [module for module in imports if not allowed(module)]
    assert not strangers, f"{path.name} is pure and may not import {strangers}: hand the values in as arguments"


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_decides_is_told_the_time(path: Path) -> None:
    calls = [
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS
    ]
    clocks = [call for call in calls if call.startswith(("datetime", "date", "time"))]
    assert not clocks, f"{path.name} is pure and may not ask a clock ({clocks}): take `now` as an argument"


def test_there_are_decisions_to_look_at() -> None:
    assert {path.parent.name for path in PURE} >= {"task_alerts", "notifier", "diagnosis", "breakwater"}
