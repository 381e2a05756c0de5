"""A request is read strictly: one clear error, or exactly what is to be done."""

from datetime import UTC, datetime
from typing import Any

import pytest

from scaler.requests import End, InvalidRequestError, List, Start, WindowTurn, Woken, read_request

NOW = datetime(2026, 3, 2, 10, 0, 0, 250_000, tzinfo=UTC)
START: dict[str, Any] = {"action": "start", "cluster": "prod", "service": "web", "desired": 12, "minutes": 60}


def read(**changes: Any) -> Any:
    asked = {name: value for name, value in (START | changes).items() if value is not None}
    return read_request(asked, NOW, 24)


def test_a_surge_for_an_hour() -> None:
    surge = read(by="ada")
    assert isinstance(surge, Start)
    assert (surge.desired, surge.starts.isoformat(), surge.until.isoformat(), surge.by) == (
        12,
        "2026-03-02T10:00:00+00:00",
        "2026-03-02T11:00:00+00:00",
        "ada",
    )


def test_times_are_read_in_the_zone_that_is_given() -> None:
    surge = read(minutes=None, start="2026-03-02T18:00", until="2026-03-02T20:00", zone="Europe/Berlin")
    assert (surge.starts.hour, surge.until.hour) == (17, 19)


def test_the_same_request_has_the_same_id_and_another_one_another() -> None:
    assert read().id == read(by="ada").id == read(answer_errors=True).id
    assert read().id != read(desired=13).id


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param({"action": "end", "cluster": "c", "service": "s", "id": "x"}, End("c", "s", "x"), id="one surge"),
        pytest.param({"action": "end", "cluster": "c", "service": "s"}, End("c", "s", None), id="all of a service"),
        pytest.param({"action": "list"}, List(None, None), id="list"),
        pytest.param(
            {"schema": "breakwater/1", "action": "scale.revert", "surgeId": "b", "cluster": "c", "service": "s"},
            Woken("c", "s"),
            id="a schedule",
        ),
        pytest.param(
            {"schema": "breakwater/1", "action": "scale.window", "window": "night"}, WindowTurn("night"), id="a window"
        ),
    ],
)
def test_what_else_can_be_asked(raw: dict[str, Any], expected: object) -> None:
    assert read_request(raw, NOW, 24) == expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"desired": -1}, "desired: -1 is not a whole number from 1", id="negative"),
        pytest.param({"desired": 0}, "desired: 0", id="none"),
        pytest.param({"desired": True}, "desired: True", id="a truth value"),
        pytest.param({"desired": "12"}, "desired: '12'", id="text"),
        pytest.param({"desired": 2.5}, "desired: 2.5", id="a fraction"),
        pytest.param({"desired": None}, "desired: None", id="no count"),
        pytest.param({"minutes": 0}, "minutes: 0", id="no time"),
        pytest.param({"minutes": None}, "until, minutes: exactly one", id="no end"),
        pytest.param({"until": "2026-03-02T11:00Z"}, "until, minutes: exactly one", id="two ends"),
        pytest.param({"minutes": None, "until": "2026-03-02T09:00Z"}, "is not after the start", id="past"),
        pytest.param(
            {"minutes": None, "start": "2026-03-02T12:00Z", "until": "2026-03-02T11:00Z"},
            "is not after the start",
            id="end before start",
        ),
        pytest.param({"start": "2026-03-01T00:00Z"}, "is past, it is", id="over before it was asked for"),
        pytest.param({"minutes": 25 * 60}, "at most 24 hours", id="longer than the policy allows"),
        pytest.param({"minutes": None, "until": "2026-03-02T18:00"}, "has no offset", id="whose time is that"),
        pytest.param({"minutes": None, "until": "tomorrow"}, "is no time such as", id="no time"),
        pytest.param({"zone": "Mars/Olympus"}, "zone: 'Mars/Olympus' is no IANA time zone", id="unknown zone"),
        pytest.param({"zone": "../etc/passwd"}, "zone: '../etc/passwd'", id="a path"),
        pytest.param(
            {"minutes": None, "start": "2026-03-29T02:30", "until": "2026-03-29T05:00", "zone": "Europe/Berlin"},
            "does not exist in Europe/Berlin",
            id="a time in the gap",
        ),
        pytest.param({"service": "a/b"}, "service: 'a/b' is not a name", id="an ARN"),
        pytest.param({"cluster": None}, "cluster: missing", id="no cluster"),
        pytest.param({"id": "é"}, "id: at most 32", id="an id that no schedule can have"),
        pytest.param({"dezired": 1}, "dezired: unknown", id="a typing error"),
        pytest.param({"action": "stop"}, "action: 'stop' is none of", id="unknown action"),
    ],
)
def test_a_wrong_request_names_the_field_and_says_why(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequestError) as error:
        read(**changes)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("raw", [None, [], "start", 7, {}, {"schema": "breakwater/1"}])
def test_what_is_no_request_at_all_is_refused(raw: object) -> None:
    with pytest.raises(InvalidRequestError):
        read_request(raw, NOW, 24)
