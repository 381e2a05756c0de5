from typing import Annotated

import pytest

from breakwater.events.base import Number, Text
from breakwater.events.shapes import Shape, each, named, one


class Wheel(Shape):
    """One of several."""

    wheel_size: Number = None


class Vehicle(Shape):
    """What all have in common."""

    wheels: Annotated[tuple[Wheel, ...], each(Wheel)] = ()
    spare: Annotated[Wheel | None, one(Wheel)] = None


class Car(Vehicle):
    """A vehicle with a name."""

    plate: Text = named("number-plate")


def test_fields_are_found_by_camel_case_or_by_the_key_that_is_said() -> None:
    car = Car.read({"number-plate": "HH-1", "wheels": [{"wheelSize": "17"}, 3, {"wheelSize": 18}], "spare": {}})
    assert (car.plate, [wheel.wheel_size for wheel in car.wheels]) == ("HH-1", [17, 18])
    assert car.spare == Wheel.read({})


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"number-plate": 1, "wheels": {}, "spare": []}, id="wrong types"),
        pytest.param({"number-plate": None, "wheels": None, "spare": None, "colour": "red"}, id="nulls and strangers"),
    ],
)
def test_what_is_not_of_its_type_counts_as_absent(raw: dict[str, object]) -> None:
    car = Car.read(raw)
    assert (car.plate, car.wheels, car.spare) == (None, (), None)


def test_it_cannot_be_changed_and_shows_nothing_of_what_it_holds() -> None:
    car = Car.read({"number-plate": "secret"})
    with pytest.raises(AttributeError, match="frozen"):
        car.plate = "other"
    assert "secret" not in repr(car)


def test_two_are_equal_if_all_their_fields_are() -> None:
    assert Car.read({"number-plate": "a", "colour": "red"}) == Car.read({"number-plate": "a"})
    assert Car.read({"number-plate": "a"}) != Car.read({"number-plate": "b"})
    assert Car.read({}) != Vehicle.read({})
