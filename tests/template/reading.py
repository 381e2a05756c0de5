"""The template as data, as written and as SAM translates it, and the few questions that several tests ask of it."""

import dataclasses
import importlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sandbox import template as sam
from sandbox.patterns import Pattern, compile_pattern

ROOT = Path(__file__).parents[2]
ACCOUNT = "111122223333"
REGION = "us-east-1"
PARAMETERS = {"AlertEmail": "oncall@example.com"}

Resource = dict[str, Any]


@cache
def written() -> dict[str, Any]:
    """`template.yaml` with its short intrinsics spelled out. Read it, never change it."""
    return sam.load(ROOT / "template.yaml")


@cache
def translated() -> dict[str, Any]:
    """What CloudFormation gets to see."""
    return sam.expand(sam.load(ROOT / "template.yaml"), PARAMETERS, REGION)


def resources(*types: str) -> dict[str, Resource]:
    """The resources as written, of the given types."""
    return {name: body for name, body in written()["Resources"].items() if body["Type"] in types}


def translated_resources(*types: str) -> dict[str, Resource]:
    """The resources as translated, of the given types."""
    return {name: body for name, body in translated()["Resources"].items() if body["Type"] in types}


def functions() -> dict[str, Resource]:
    """The functions as written, by logical ID."""
    return resources("AWS::Serverless::Function")


def folder(handler: str) -> str:
    """The automation a handler belongs to: its first name."""
    return handler.split(".")[0]


def variables_read(handler: str) -> set[str]:
    """The environment variables of a handler's settings, but for those that Lambda itself sets: they are in the module
    that it takes its parts from."""
    module = importlib.import_module(handler.rpartition(".")[0])
    wiring = importlib.import_module(module.wiring.__module__)
    names = [name for name in vars(wiring) if name.endswith("Settings")]
    fields = {field.name.upper() for name in names for field in dataclasses.fields(getattr(wiring, name))}
    return fields - {"AWS_REGION"}


def pointed_at(value: object) -> set[str]:
    """The logical IDs that a value refers to, however deep; pseudo parameters and parameters included."""
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return {value["Ref"]}
        if set(value) == {"Fn::GetAtt"}:
            return {value["Fn::GetAtt"][0]}
        return set().union(*(pointed_at(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(pointed_at(inner) for inner in value))
    return set()


def event_patterns() -> dict[str, str]:
    """Each rule's pattern as the JSON that EventBridge would be given."""
    rules = resources("AWS::Events::Rule").items()
    return {
        name: json.dumps(_plain(rule["Properties"]["EventPattern"]), separators=(",", ":"))
        for name, rule in rules
        if "EventPattern" in rule["Properties"]
    }


@cache
def _compiled() -> dict[str, Pattern]:
    return {name: compile_pattern(pattern) for name, pattern in event_patterns().items()}


def rules_that_match(event: dict[str, Any], of: str | tuple[str, ...] = "") -> list[str]:
    """The rules that would route this event, or those whose names begin so: automations have roads of their own."""
    return [name for name, pattern in _compiled().items() if name.startswith(of) and pattern.matches(event)]


def statements(role: Resource) -> Iterator[dict[str, Any]]:
    """The statements of a translated role's own policies; `Fn::If` counts as its first branch."""
    for policy in role["Properties"].get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def as_list(value: Any) -> list[Any]:
    """IAM's one-or-many as many."""
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:
    if value == {"Ref": "AWS::AccountId"}:
        return ACCOUNT
    if value == {"Ref": "AWS::Region"}:
        return REGION
    if isinstance(value, dict) and set(value) == {"Ref"}:
        return str(value["Ref"]).lower()  # a resource of the stack, by a name that it might have
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
