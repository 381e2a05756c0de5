"""Frozen objects read from JSON, declared by their annotations.

A field is `name: Text = None`; its key is the name in camel case, or what `named(...)` says. Each kind of field is an
annotation that carries a function from whatever was found (nothing: `None`) to a value of the field's type, so reading
cannot fail: a value of the wrong type is treated as absent and one odd value never costs us the rest of an event.

These are not pydantic models, and that is on purpose: importing pydantic and making some thirty classes costs two
fifths of a whole cold start, for events most of which are dropped (`docs/decisions/0020-cold-start.md`).
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Self, TypeVar, get_args, get_origin

Convert = Callable[[object], Any]


class Reads:
    """Marks an annotation with the function that reads its values."""

    __slots__ = ("convert",)

    def __init__(self, convert: Convert) -> None:
        self.convert = convert


class _Key:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


def named(name: str) -> Any:
    """The key of a field whose name does not say it. Stands where the default stands."""
    return _Key(name)


class Shape:
    """An object of known fields. What else the JSON holds is ignored."""

    _fields: ClassVar[tuple[tuple[str, str, Convert], ...]] = ()

    def __init_subclass__(cls) -> None:
        fields = {name: (name, wanted, convert) for name, wanted, convert in cls._fields}
        for name, annotation in cls.__annotations__.items():
            given = cls.__dict__.get(name)
            wanted = given.name if isinstance(given, _Key) else _camel(name)
            fields[name] = (name, wanted, _convert(annotation))
        cls._fields = tuple(fields.values())

    @classmethod
    def read(cls, raw: dict[Any, Any]) -> Self:
        """Read an object."""
        made = cls.__new__(cls)
        made.__dict__.update({name: convert(raw.get(wanted)) for name, wanted, convert in cls._fields})
        return made

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it may hold unhashable values

    def __repr__(self) -> str:
        """Its name only: what an event says may be secret."""
        return f"{type(self).__name__}(…)"


ShapeT = TypeVar("ShapeT", bound=Shape)


def one(shape: type[ShapeT]) -> Reads:
    """An object of a shape; `None` if it is no object."""
    return Reads(lambda value: shape.read(value) if isinstance(value, dict) else None)


def each(shape: type[ShapeT]) -> Reads:
    """A list of objects of a shape, as a tuple. What is no object in it is left out."""
    return Reads(
        lambda value: (
            tuple(shape.read(item) for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
        )
    )


def _convert(annotation: Any) -> Convert:
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        shape = annotation
        return lambda value: shape.read(value if isinstance(value, dict) else {})
    if get_origin(annotation) is Annotated:
        for mark in get_args(annotation)[1:]:
            if isinstance(mark, Reads):
                return mark.convert
    return lambda value: value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
