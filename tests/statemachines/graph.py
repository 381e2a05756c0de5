"""A state machine as data: its states, where each leads, and what it refers to. cfn-lint does not open these files."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "statemachines"
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
_STRING = re.compile(r"'[^']*'")
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")
_ENDS = ("Succeed", "Fail")

Machine = dict[str, Any]


def machines() -> list[str]:
    return sorted(path.name.removesuffix(".asl.json") for path in FOLDER.glob("*.asl.json"))


def load(name: str) -> Machine:
    """The machine before substitution: it has to be JSON as it lies there."""
    machine: Machine = json.loads((FOLDER / f"{name}.asl.json").read_text(encoding="utf-8"))
    return machine


def states(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = machine["States"]
    return found


def targets(state: dict[str, Any]) -> list[tuple[str, str]]:
    """Where a state may lead, each with how."""
    found: list[tuple[str, str]] = [(how, state[how]) for how in ("Next", "Default") if how in state]
    found += [("Choices", choice["Next"]) for choice in state.get("Choices", [])]
    found += [("Catch", catch["Next"]) for catch in state.get("Catch", [])]
    return found


def reachable(machine: Machine) -> set[str]:
    seen: set[str] = set()
    waiting = [machine["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [target for _, target in targets(states(machine)[name])]
    return seen


def can_end(machine: Machine) -> set[str]:
    """The states from which an end can be reached."""
    ending = {name for name, state in states(machine).items() if state["Type"] in _ENDS or state.get("End")}
    while True:
        more = {
            name
            for name, state in states(machine).items()
            if name not in ending and any(target in ending for _, target in targets(state))
        }
        if not more:
            return ending
        ending |= more


def strings(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key != "Comment":
                yield from strings(value)
    elif isinstance(part, list):
        for value in part:
            yield from strings(value)
    elif isinstance(part, str):
        yield part


def placeholders(machine: Machine) -> set[str]:
    return {name for text in strings(machine) for name in _PLACEHOLDER.findall(text)}


def expressions(part: object) -> list[str]:
    return [match.group(1) for text in strings(part) if (match := _EXPRESSION.fullmatch(text))]


def variables_read(part: object) -> set[str]:
    """The variables that JSONata in a part of a machine reads, `$states` apart."""
    return {
        name for text in expressions(part) for name in _VARIABLE.findall(_STRING.sub("''", text)) if name != "states"
    }


def assigned_on(state: dict[str, Any], how: str, target: str) -> set[str]:
    """What is assigned when a state is left in one way."""
    if how == "Catch":
        catches = [catch for catch in state["Catch"] if catch["Next"] == target]
        return set.intersection(*(set(catch.get("Assign", {})) for catch in catches))
    return set(state.get("Assign", {}))


def assigned_before(machine: Machine) -> dict[str, set[str]]:
    """The variables that every way to a state has assigned: a forward analysis to its fixed point."""
    everything = {name for state in states(machine).values() for name in state.get("Assign", {})}
    known = {name: set(everything) for name in states(machine)}
    known[machine["StartAt"]] = set()
    changed = True
    while changed:
        changed = False
        for name, state in states(machine).items():
            for how, target in targets(state):
                now = known[target] & (known[name] | assigned_on(state, how, target))
                if target != machine["StartAt"] and now != known[target]:
                    known[target], changed = now, True
    return known
