"""A small CloudFormation: parameters, conditions, order of creation, outputs. Fresh create only.

It provisions a translated template through the providers of `sandbox.resources`. A type, property or intrinsic that
is not understood is an error that names it. There is no update and no delete: a sandbox is deployed once.
"""

import graphlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.errors import TemplateError, UnsupportedError
from sandbox.intrinsics import Intrinsics, references

_SECTIONS = {
    "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions", "Resources",
    "Outputs",
}  # fmt: skip
_RESOURCE_KEYS = {
    "Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy",
}  # fmt: skip
_PARAMETER_KEYS = {
    "Type", "Default", "Description", "AllowedValues", "AllowedPattern", "ConstraintDescription", "MinLength",
    "MaxLength", "MinValue", "MaxValue", "NoEcho",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resource:
    """One provisioned resource: `physical_id` is what Ref gives, `attributes` what GetAtt gives."""

    logical_id: str
    type: str
    physical_id: str
    attributes: Mapping[str, str]


Provision = Callable[[str, str, dict[str, Any]], Resource]


def parameter_values(template: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """Check the given parameters against their declarations and fill in the defaults."""
    declared: Mapping[str, Any] = template.get("Parameters", {})
    unknown = given.keys() - declared.keys()
    if unknown:
        raise TemplateError(f"parameters that the template does not declare: {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {}
    for name, declaration in declared.items():
        strange = declaration.keys() - _PARAMETER_KEYS
        if strange:
            raise UnsupportedError(f"parameter {name}: {min(strange)}")
        if name not in given and "Default" not in declaration:
            raise TemplateError(f"parameter {name} has no default and is not given")
        values[name] = _checked(name, declaration, str(given.get(name, declaration.get("Default"))))
    return values


def _checked(name: str, declaration: Mapping[str, Any], value: str) -> Any:
    kind = declaration.get("Type")
    if not isinstance(kind, str) or kind.startswith("AWS::SSM::"):
        raise UnsupportedError(f"parameter {name}: type {kind}")
    said = declaration.get("ConstraintDescription", "")
    allowed = declaration.get("AllowedValues")
    if allowed is not None and value not in [str(option) for option in allowed]:
        raise TemplateError(f"parameter {name}: {value!r} is not one of {allowed} {said}".rstrip())
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        raise TemplateError(f"parameter {name}: {value!r} does not match {pattern} {said}".rstrip())
    if not int(declaration.get("MinLength", 0)) <= len(value) <= int(declaration.get("MaxLength", len(value))):
        raise TemplateError(f"parameter {name}: {value!r} has the wrong length")
    if kind == "Number":
        number = float(value)
        if not float(declaration.get("MinValue", number)) <= number <= float(declaration.get("MaxValue", number)):
            raise TemplateError(f"parameter {name}: {value} is out of range")
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [part.strip() for part in value.split(",")]
    return value


class Stack:
    """One stack, created at once."""

    def __init__(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, Any],
        pseudo: Mapping[str, str],
        provision: Provision,
    ) -> None:
        strange = template.keys() - _SECTIONS
        if strange:
            raise UnsupportedError(f"template section {min(strange)}")
        self._template = template
        self._provision = provision
        self.resources: dict[str, Resource] = {}
        self._absent: set[str] = set()
        self._intrinsics = Intrinsics(
            {**pseudo, **parameters}, template.get("Conditions", {}), template.get("Mappings", {}), self._attribute
        )

    def create(self) -> None:
        """Provision every resource whose condition holds, in the order of their dependencies."""
        declared: Mapping[str, Any] = self._template.get("Resources", {})
        for logical_id in self._order(declared):
            resource = declared[logical_id]
            strange = resource.keys() - _RESOURCE_KEYS
            if strange:
                raise UnsupportedError(f"{logical_id}: resource attribute {min(strange)}")
            condition = resource.get("Condition")
            if condition is not None and not self._intrinsics.condition(condition):
                self._absent.add(logical_id)
                continue
            properties = self._intrinsics.resolve(resource.get("Properties", {}), logical_id)
            self.resources[logical_id] = self._provision(logical_id, resource["Type"], properties)

    def outputs(self) -> dict[str, str]:
        """Evaluate the outputs; an exported name is refused, there is nobody to import it."""
        values: dict[str, str] = {}
        for name, output in self._template.get("Outputs", {}).items():
            strange = output.keys() - {"Value", "Description", "Condition"}
            if strange:
                raise UnsupportedError(f"output {name}: {min(strange)}")
            if "Condition" not in output or self._intrinsics.condition(output["Condition"]):
                values[name] = str(self._intrinsics.resolve(output["Value"], f"output {name}"))
        return values

    def _order(self, declared: Mapping[str, Any]) -> list[str]:
        graph: dict[str, list[str]] = {}
        for logical_id, resource in declared.items():
            explicit = resource.get("DependsOn", [])
            names = [*([explicit] if isinstance(explicit, str) else explicit)]
            missing = [name for name in names if name not in declared]
            if missing:
                raise TemplateError(f"{logical_id}: DependsOn names {missing[0]}, which is not there")
            found = (name for name in references(resource.get("Properties", {})) if name in declared)
            graph[logical_id] = list(dict.fromkeys([*names, *found]))
        try:
            return list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as problem:
            raise TemplateError(f"circular dependency: {' -> '.join(problem.args[1])}") from problem

    def _attribute(self, logical_id: str, attribute: str | None) -> object:
        if logical_id in self._absent:
            raise TemplateError(f"reference to {logical_id}, whose condition does not hold")
        if logical_id not in self.resources:
            raise TemplateError(f"reference to {logical_id}, which is neither parameter nor resource")
        resource = self.resources[logical_id]
        if attribute is None:
            return resource.physical_id
        if attribute not in resource.attributes:
            raise UnsupportedError(f"{logical_id}: {resource.type} attribute {attribute}")
        return resource.attributes[attribute]
