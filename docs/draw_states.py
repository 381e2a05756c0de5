"""Print a state machine as a Mermaid diagram: `python docs/draw_states.py statemachines/release.asl.json`.

docs/releases.md holds the output; a test compares the two.
"""

import json
import sys
from pathlib import Path
from typing import Any


def diagram(machine: dict[str, Any]) -> str:
    """The states and where each leads; what is caught is drawn with its errors."""
    lines = ["stateDiagram-v2", f"    [*] --> {machine['StartAt']}"]
    for name, state in machine["States"].items():
        if "Next" in state:
            lines.append(f"    {name} --> {state['Next']}")
        choices = [(choice["Next"], _told(choice["Condition"])) for choice in state.get("Choices", [])]
        lines += [f"    {name} --> {target}: {condition}" for target, condition in choices]
        if "Default" in state:
            lines.append(f"    {name} --> {state['Default']}: else")
        for catch in state.get("Catch", []):
            error = "any error" if catch["ErrorEquals"] == ["States.ALL"] else " or ".join(catch["ErrorEquals"])
            lines.append(f"    {name} --> {catch['Next']}: {error}")
        if state["Type"] in ("Succeed", "Fail"):
            lines.append(f"    {name} --> [*]")
    return "\n".join(lines)


def _told(condition: str) -> str:
    return (
        condition.removeprefix("{%")
        .removesuffix("%}")
        .strip()
        .replace("$next = ", "")
        .replace("$", "")
        .replace("'", "")
    )


if __name__ == "__main__":
    sys.stdout.write(diagram(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))) + "\n")
