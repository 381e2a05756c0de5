"""A YAML document that a person wrote, read into a pydantic model; every mistake in it named by line and path.

`load` is the whole of it. The YAML is PyYAML's, with what surprises people taken out: the only bare words that are not
text are `true`, `false` and `null`, and numbers as JSON writes them (so `off`, `22:30` and `012345678901` are text);
no tags, no second document, no key twice, no key that is not text; anchors and aliases are fine as long as they do not
blow the document up. What is wrong is collected and reported together, not one mistake at a time. Syntax is the
exception: after a broken line nothing that follows can be trusted, so that one is reported alone.

Only the command line and `policy_sync` import this: pydantic costs a third of a cold start (docs/decisions/0020).
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, Tag, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError
from yaml.composer import ComposerError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .errors import DocumentError, Problem
from .redact import plain, redact

M = TypeVar("M", bound=BaseModel)
Path = tuple[str | int, ...]

MAX_CHARACTERS = 1_000_000  # PyYAML reads about 100,000 characters a second
MAX_VALUES = 50_000  # after aliases are written out
MAX_DEPTH = 40
MAX_PROBLEMS = 100  # what a person reads at most; the last one says how many more there are
_SHOWN = 60

_TEXT, _MAP, _SEQ = "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
_NULL, _BOOL, _INT, _FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))


def load(text: str, model: type[M], name: str) -> M:
    """Read a YAML document into a model; DocumentError has all that is wrong with it, in the order of its lines.

    `name` is what the document is called in the messages, usually its file name.
    """
    document = _Document()
    value = document.read(text)
    if not document.given_up:
        try:
            found = model.model_validate(value)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                document.judge(detail, model)
        else:
            if not document.problems:
                return found
    raise DocumentError(name, _in_order(document.problems))


def misplaced(title: str, problems: Iterable[tuple[Path, str]]) -> ValidationError:
    """The error that a model's own validator raises for what only shows when parts are compared.

    Each problem is the path below that model and what is wrong there, so that it is reported at its own line:
    `raise misplaced("Scenario", [(("services", 0, "task"), 'no task definition is called "web"')])`.
    """
    return ValidationError.from_exception_data(
        title,
        [
            # As an argument of the template, so that a brace in the text is no placeholder.
            InitErrorDetails(type=PydanticCustomError("misplaced", "{what}", {"what": what}), loc=path, input=None)
            for path, what in problems
        ],
    )


# ── YAML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Loader(yaml.SafeLoader):
    """PyYAML's parser with the scalars of JSON. YAML 1.1 reads `off` as false and `22:30` as 1350."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML's own shape
    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ComposerError(None, None, f"nested deeper than {MAX_DEPTH}", self.get_mark())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


_Loader.add_implicit_resolver(_NULL, re.compile(r"(?:null|~|)\Z"), ["n", "~", ""])
_Loader.add_implicit_resolver(_BOOL, re.compile(r"(?:true|false)\Z"), ["t", "f"])
_Loader.add_implicit_resolver(_INT, re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z"), list("-0123456789"))
_Loader.add_implicit_resolver(
    _FLOAT,
    re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?(?:[eE][-+]?[0-9]{1,3})?\Z"),
    list("-0123456789"),
)


@dataclass(slots=True)
class _Document:
    """The nodes of a document, what they say in Python, and what is wrong with them."""

    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)
    given_up: bool = False
    values: int = 0

    def read(self, text: str) -> object:
        try:
            if len(text) > MAX_CHARACTERS:
                self.give_up(1, 1, f"{len(text):,} characters", f"at most {MAX_CHARACTERS:,}")
            self.root = _Loader(text).get_single_node()
            value = None if self.root is None else self.value(self.root, (), ())
            return {} if value is None else value
        except yaml.MarkedYAMLError as error:
            self.note_syntax(error)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            column = error.position - text.rfind("\n", 0, error.position)
            self.note(line, column, (), f"the character U+{int(error.character):04X}", "printable text")
            self.given_up = True
        except _TooMuchError:
            pass
        return None

    def value(self, node: Node, path: Path, above: tuple[Node, ...]) -> object:
        """What a node says. Each use of an alias counts, so that ten lines cannot become a billion values."""
        self.values += 1
        if self.values > MAX_VALUES:
            self.give_up(*_at(node), f"more than {MAX_VALUES:,} values, aliases written out", "a smaller document")
        if any(node is other for other in above):
            self.give_up(*_at(node), "an anchor that contains its own alias", "no circle")
        if isinstance(node, MappingNode):
            return self.mapping(node, path, above)
        if isinstance(node, SequenceNode):
            self.check_tag(node, path, _SEQ)
            return [self.value(item, (*path, index), (*above, node)) for index, item in enumerate(node.value)]
        return self.scalar(node, path)

    def mapping(self, node: MappingNode, path: Path, above: tuple[Node, ...]) -> dict[str, object]:
        self.check_tag(node, path, _MAP)
        found: dict[str, object] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            line, column = _at(key)
            if not isinstance(key, ScalarNode) or key.tag != _TEXT:
                shown = f'"{_shown(key.value)}"' if isinstance(key, ScalarNode) else "a list or a mapping"
                self.note(line, column, path, f"the key {shown} is not text", "put a text key in quotes")
            elif key.value in found:
                self.note(
                    line, column, (*path, key.value), f"the key stands twice, first in line {lines[key.value]}", "once"
                )
            else:
                lines[key.value] = line
                found[key.value] = self.value(value, (*path, key.value), (*above, node))
        return found

    def scalar(self, node: Node, path: Path) -> object:
        text = str(node.value)
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL and text in {"true", "false"}:
            return text == "true"
        if node.tag == _INT and text.lstrip("-").isdecimal():
            return int(text)
        if node.tag == _FLOAT and re.fullmatch(r"[-0-9.eE+]+", text):
            if math.isfinite(number := float(text)):
                return number
            self.note(*_at(node), path, f"{_shown(text)} is too large", "a number that a computer can hold")
            return 0.0
        self.check_tag(node, path, _TEXT)
        return text

    def check_tag(self, node: Node, path: Path, expected: str) -> None:
        if node.tag != expected:
            self.note(*_at(node), path, f"the tag {_shown(node.tag)}", "values without tags")

    def note_syntax(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = plain(error.problem or "not YAML")
        allowed = "valid YAML"
        if "'\\t'" in (error.problem or "") or "'\\\\t'" in (error.problem or ""):
            what, allowed = "a tab where spaces are meant", "indentation by spaces"
        elif "another document" in (error.problem or ""):
            what, allowed = "a second document", "one document"
        elif error.context:
            what = f"{plain(error.context)}: {what}"
        self.note(line, column, (), what, allowed)
        self.given_up = True

    def give_up(self, line: int, column: int, found: str, allowed: str) -> NoReturn:
        self.given_up = True
        self.note(line, column, (), found, allowed)
        raise _TooMuchError

    def note(self, line: int, column: int, path: Path, found: str, allowed: str) -> None:
        self.problems.append(Problem(line, column, _written(path), found, allowed))

    # ── pydantic ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def judge(self, detail: ErrorDetails, model: type[BaseModel]) -> None:
        """One error of pydantic, at the line it is about."""
        missing = detail["type"] == "missing"
        node, path = self.place(detail["loc"][:-1] if missing else detail["loc"], detail["type"] == "extra_forbidden")
        if missing:
            path = (*path, detail["loc"][-1])
        found, allowed = _described(detail, model)
        self.note(*_at(node), path, found, allowed)

    def place(self, loc: Path, key: bool) -> tuple[Node | None, Path]:
        """The node that a location of pydantic's means. Members of unions and the like are in it too: skip them."""
        node, where = self.root, self.root
        path: Path = ()
        for part in loc:
            step = _child(node, part)
            if step is not None:
                where, node = step
                path = (*path, part)
        return (where if key else node), path


class _TooMuchError(Exception):
    """Reading stopped; the problem is noted."""


def _child(node: Node | None, part: str | int) -> tuple[Node, Node] | None:
    """The key (or the item itself) and the value under this part of a path."""
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.tag == _TEXT and key.value == part), None)
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _at(node: Node | None) -> tuple[int, int]:
    return (node.start_mark.line + 1, node.start_mark.column + 1) if node else (1, 1)


def _written(path: Path) -> str:
    """`services[2].task`, as people write it."""
    written = ""
    for part in path:
        written += f"[{part}]" if isinstance(part, int) else f".{_shown(part)}"
    return written.removeprefix(".")


def _shown(text: object) -> str:
    """A value in a message: one harmless line, no secret, not long."""
    line = redact(plain(str(text)))
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    ordered = sorted(set(problems), key=lambda problem: (problem.line, problem.column, problem.path, problem.found))
    if len(ordered) <= MAX_PROBLEMS:
        return tuple(ordered)
    last = ordered[MAX_PROBLEMS]
    more = Problem(last.line, last.column, "", f"{len(ordered) - MAX_PROBLEMS} more problems from here on", "")
    return (*ordered[:MAX_PROBLEMS], more)


# ── What pydantic found, in our words ────────────────────────────────────────────────────────────────────────────────


def _described(detail: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    """What was found, and what is allowed instead."""
    kind, context, given = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "extra_forbidden":
        allowed = _keys(model, detail["loc"][:-1])
        return f"unknown key{_meant(str(detail['loc'][-1]), allowed)}", ", ".join(allowed)
    if kind == "missing":
        return "missing", "this key is required"
    if kind == "misplaced":
        return plain(detail["msg"]), ""
    if kind in {"literal_error", "enum", "union_tag_invalid"}:
        expected = str(context.get("expected") or context.get("expected_tags", ""))
        given = context.get("tag", given)
        words = re.findall(r"'((?:[^'\\]|\\.)*)'", expected)
        return f"{_value(given)}{_meant(str(given), words)}", ", ".join(words) or expected
    if kind in {"value_error", "assertion_error"}:
        return f"{_value(given)}: {plain(str(context.get('error', detail['msg'])))}", ""
    return _value(given), plain(detail["msg"]).removeprefix("Input should be ").removeprefix("Value should be ")


def _value(given: object) -> str:
    match given:
        case None:
            return "nothing"
        case bool():
            return str(given).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f'"{_shown(given)}"'
        case _:
            return _shown(given)


def _meant(word: str, words: Iterable[str]) -> str:
    close = get_close_matches(word, list(words), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _keys(model: type[BaseModel], loc: Path) -> list[str]:
    """The keys that the model has at this location, all members of a union together if nothing tells them apart."""
    types: list[Any] = [model]
    for part in loc:
        types = [found for kind in types for found in _below(kind, part)]
    models = [kind for each in types for kind, _ in _members(each) if _is_model(kind)]
    return sorted({_spelt(name, info) for kind in models for name, info in kind.model_fields.items()})


def _below(kind: Any, part: str | int) -> Iterator[Any]:
    """The types that a part of a location leads to; the name of a union's member leads to that member."""
    members = list(_members(kind))
    if len(members) > 1:
        tagged = [member for member, tag in members if part in _names(member, tag)]
        if tagged:
            yield from tagged
            return
    for member, _ in members:
        if _is_model(member):
            for name, info in member.model_fields.items():
                if part == _spelt(name, info):
                    yield Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        elif get_origin(member) in {list, tuple, set, frozenset}:
            yield get_args(member)[0]
        elif get_origin(member) is dict:
            yield get_args(member)[1]


def _members(kind: Any, tag: str | None = None) -> Iterator[tuple[Any, str | None]]:
    """The plain types of an annotation, with the tag that each has in its union."""
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *extras = get_args(kind)
        yield from _members(inner, next((extra.tag for extra in extras if isinstance(extra, Tag)), tag))
    elif origin in {Union, UnionType}:
        for member in get_args(kind):
            yield from _members(member, tag)
    elif kind is not type(None):
        yield kind, tag


def _names(kind: Any, tag: str | None) -> set[object]:
    """What pydantic may call this member of a union in a location."""
    names: set[object] = {tag} if tag is not None else set()
    if _is_model(kind):
        names.add(kind.__name__)
        for info in kind.model_fields.values():
            if get_origin(info.annotation) is Literal:
                names.update(get_args(info.annotation))
    return names


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _spelt(name: str, info: FieldInfo) -> str:
    return info.alias or name
