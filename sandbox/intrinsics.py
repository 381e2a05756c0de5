"""CloudFormation's intrinsic functions, strictly: what is not known here is an error, not a string."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sandbox.errors import TemplateError, UnsupportedError

_SUB = re.compile(r"\$\{([^!}][^}]*)\}")
_LITERAL = re.compile(r"\$\{!([^}]*)\}")


class _NoValue:
    """What `AWS::NoValue` gives: the property is not there."""


NO_VALUE: Final = _NoValue()

Lookup = Callable[[str, str | None], object]


class Intrinsics:
    """Evaluates values of a template. `lookup(logical_id, attribute)` answers Ref and GetAtt of resources."""

    def __init__(
        self,
        values: Mapping[str, object],
        conditions: Mapping[str, object],
        mappings: Mapping[str, Any],
        lookup: Lookup,
    ) -> None:
        self._values = values
        self._conditions = conditions
        self._mappings = mappings
        self._lookup = lookup
        self._known: dict[str, bool] = {}
        self._asking: set[str] = set()

    def condition(self, name: str) -> bool:
        """Whether a named condition holds."""
        if name not in self._known:
            if name not in self._conditions:
                raise TemplateError(f"condition {name} is not declared")
            if name in self._asking:
                raise TemplateError(f"condition {name} depends on itself")
            self._asking.add(name)
            self._known[name] = self._truth(self._conditions[name], f"condition {name}")
            self._asking.discard(name)
        return self._known[name]

    def resolve(self, value: object, where: str) -> Any:
        """Evaluate a value; lists and mappings lose entries that are `AWS::NoValue`."""
        if isinstance(value, list):
            items = [self.resolve(item, f"{where}[{index}]") for index, item in enumerate(value)]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref":
                return self._ref(argument, where)
            if isinstance(name, str) and name.startswith("Fn::"):
                return self._function(name, argument, where)
        intrinsic = next((key for key in value if isinstance(key, str) and key.startswith("Fn::")), None)
        if intrinsic:
            raise TemplateError(f"{where}: {intrinsic} stands beside other keys")
        resolved = {key: self.resolve(item, f"{where}.{key}") for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def _ref(self, name: object, where: str) -> object:
        if name == "AWS::NoValue":
            return NO_VALUE
        if not isinstance(name, str):
            raise TemplateError(f"{where}: Ref needs a name")
        return self._values[name] if name in self._values else self._lookup(name, None)

    def _function(self, name: str, argument: Any, where: str) -> Any:
        match name:
            case "Fn::If":
                test, yes, no = self._arguments(name, argument, 3, where)
                return self.resolve(yes if self.condition(test) else no, where)
            case "Fn::GetAtt":
                logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
                return self._lookup(logical_id, self.resolve(attribute, where))
            case "Fn::Sub":
                return self._sub(argument, where)
            case "Fn::Join":
                separator, parts = self._arguments(name, argument, 2, where)
                return str(separator).join(str(part) for part in self.resolve(parts, where))
            case "Fn::Select":
                index, items = (self.resolve(item, where) for item in self._arguments(name, argument, 2, where))
                if not 0 <= int(index) < len(items):
                    raise TemplateError(f"{where}: Fn::Select has no element {index}")
                return items[int(index)]
            case "Fn::Split":
                separator, text = (self.resolve(item, where) for item in self._arguments(name, argument, 2, where))
                return str(text).split(separator)
            case "Fn::FindInMap":
                return self._find(self._arguments(name, argument, 3, where), where)
            case "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not":
                return self._truth({name: argument}, where)
        raise UnsupportedError(f"{where}: intrinsic {name}")

    def _arguments(self, name: str, argument: object, count: int, where: str) -> list[Any]:
        if not isinstance(argument, list) or len(argument) != count:
            raise TemplateError(f"{where}: {name} needs {count} arguments")
        return argument

    def _sub(self, argument: object, where: str) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})
        own = {key: self.resolve(value, where) for key, value in given.items()}

        def replace(match: re.Match[str]) -> str:
            name = match.group(1).strip()
            if name in own:
                return str(own[name])
            if name in self._values:
                return str(self._values[name])
            logical_id, _, attribute = name.partition(".")
            return str(self._lookup(logical_id, attribute or None))

        return _LITERAL.sub(r"${\1}", _SUB.sub(replace, text))

    def _find(self, arguments: list[Any], where: str) -> object:
        name, first, second = (self.resolve(item, where) for item in arguments)
        try:
            return self._mappings[name][first][second]
        except KeyError as problem:
            raise TemplateError(f"{where}: mapping {name} has no {first}.{second}") from problem

    def _truth(self, value: object, where: str) -> bool:
        if not isinstance(value, Mapping) or len(value) != 1:
            raise TemplateError(f"{where}: not a condition")
        [(name, argument)] = value.items()
        match name:
            case "Condition":
                return self.condition(argument)
            case "Fn::Equals":
                left, right = (self.resolve(item, where) for item in argument)
                return str(left) == str(right)
            case "Fn::Not":
                return not self._truth(argument[0], where)
            case "Fn::And":
                return all(self._truth(item, where) for item in argument)
            case "Fn::Or":
                return any(self._truth(item, where) for item in argument)
        raise UnsupportedError(f"{where}: condition function {name}")


def references(value: object) -> Iterator[str]:
    """Names that a value refers to, resources or not; CloudFormation orders creation by them."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt":
                yield (item.split(".", 1) if isinstance(item, str) else item)[0]
            elif key == "Fn::Sub":
                text, given = item if isinstance(item, list) else (item, {})
                yield from (name.strip().partition(".")[0] for name in _SUB.findall(text))
                yield from references(given)
            else:
                yield from references(item)
