"""What a state machine may say here, checked before it is created. Pure.

Step Functions checks much of this itself when the state machine is created, the interpreter nearly nothing of it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.errors import TemplateError, UnsupportedError
from sandbox.states import integrations

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_.-]+)\}")
_TYPES = frozenset({"Task", "Pass", "Wait", "Choice", "Parallel", "Map", "Succeed", "Fail"})
_TERMINAL = frozenset({"Succeed", "Fail"})
MAX_BYTES = 1024 * 1024

States = Mapping[str, Any]


def substituted(text: str, values: Mapping[str, Any], where: str) -> str:
    """Put in DefinitionSubstitutions. A name without a value, which CloudFormation leaves as it stands, is an error."""
    missing = sorted(set(_PLACEHOLDER.findall(text)) - values.keys())
    if missing:
        raise TemplateError(f"{where}: DefinitionSubstitutions has no {missing[0]}")
    return _PLACEHOLDER.sub(lambda match: _plain(values[match[1]]), text)


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def checked(text: str, where: str) -> None:
    """Refuse a definition that AWS would refuse, or that cannot run here."""
    if len(text.encode()) > MAX_BYTES:
        raise TemplateError(f"{where}: a definition of more than a megabyte")
    try:
        machine = json.loads(text)
    except ValueError as problem:
        raise TemplateError(f"{where}: the definition is not JSON: {problem}") from problem
    if not isinstance(machine, dict) or not isinstance(machine.get("States"), dict):
        raise TemplateError(f"{where}: the definition has no States")
    seen: set[str] = set()
    for scope in _scopes(machine):
        if scope is not machine and "QueryLanguage" in scope:
            raise TemplateError(f"{where}: QueryLanguage belongs to the machine or a state, not to a branch")
        _check_scope(scope, where)
        twice = seen & scope["States"].keys()
        if twice:
            raise TemplateError(f"{where}: the state name {min(twice)} stands twice")
        seen |= scope["States"].keys()


def _scopes(machine: States) -> Iterator[States]:
    """A machine and everything in it that has states of its own."""
    yield machine
    for state in machine["States"].values():
        inner = [*state.get("Branches", []), *(state[key] for key in ("ItemProcessor", "Iterator") if key in state)]
        for one in inner:
            yield from _scopes(one)


def _check_scope(scope: States, where: str) -> None:
    states: Mapping[str, Mapping[str, Any]] = scope["States"]
    if scope.get("StartAt") not in states:
        raise TemplateError(f"{where}: StartAt names {scope.get('StartAt')}, which is not there")
    for name, state in states.items():
        place = f"{where}: state {name}"
        if state.get("Type") not in _TYPES:
            raise TemplateError(f"{place}: there is no type {state.get('Type')}")
        for target in _targets(state):
            if target not in states:
                raise TemplateError(f"{place} goes to {target}, which is not there")
        if state["Type"] not in {*_TERMINAL, "Choice"} and ("Next" in state) is bool(state.get("End", False)):
            raise TemplateError(f"{place} needs either Next or End")
        _check_known(state, place)
    reached = _reached(scope)
    if left := sorted(states.keys() - reached):
        raise TemplateError(f"{where}: no way leads to the state {left[0]}")


def _check_known(state: States, place: str) -> None:
    if state["Type"] == "Task":
        if not isinstance(state.get("Resource"), str):
            raise TemplateError(f"{place} has no Resource")
        try:
            integrations.of(state["Resource"])
        except UnsupportedError as problem:
            raise UnsupportedError(f"{place}: {problem}") from problem
    if "Credentials" in state:
        raise UnsupportedError(f"{place}: Credentials")
    processor = state.get("ItemProcessor", {}).get("ProcessorConfig", {})
    if processor.get("Mode", "INLINE") != "INLINE" or "ItemReader" in state or "ResultWriter" in state:
        raise UnsupportedError(f"{place}: a distributed Map")


def _targets(state: States) -> Iterator[str]:
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (rule["Next"] for key in ("Catch", "Choices") for rule in state.get(key, []) if "Next" in rule)


def _reached(scope: States) -> set[str]:
    reached: set[str] = set()
    ahead = [scope["StartAt"]]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += _targets(scope["States"][name])
    return reached
