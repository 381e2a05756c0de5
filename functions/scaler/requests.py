"""What the scaler is asked: by a person or a pipeline (`start`, `end`, `list`), or by a schedule.

Strict, for a wrong number here is a wrong number of tasks: an unknown key, a time without a zone, an end before its
start are each one error that names the field and says why, and nothing is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SCHEMA = "breakwater/1"
MOST_TASKS = 10_000
LONGEST_ID = 32
_START = {"action", "cluster", "service", "desired", "start", "until", "minutes", "zone", "id", "by", "answer_errors"}
_END = {"action", "cluster", "service", "id", "answer_errors"}
_LIST = {"action", "cluster", "service", "answer_errors"}


class InvalidRequestError(ValueError):
    """The request is wrong; the message says where and why. Step Functions matches on the name."""


@dataclass(frozen=True, slots=True)
class Start:
    """Scale a service up for a time."""

    cluster: str
    service: str
    desired: int
    starts: datetime
    until: datetime
    id: str
    by: str


@dataclass(frozen=True, slots=True)
class End:
    """End a surge before its time, or all of a service."""

    cluster: str
    service: str
    id: str | None


@dataclass(frozen=True, slots=True)
class List:
    """Say what is kept, of all services or of one."""

    cluster: str | None
    service: str | None


@dataclass(frozen=True, slots=True)
class Woken:
    """A schedule says that something of this service may be due."""

    cluster: str
    service: str


@dataclass(frozen=True, slots=True)
class WindowTurn:
    """A schedule says that this window opens or closes."""

    name: str


Request = Start | End | List | Woken | WindowTurn


def read_request(raw: object, now: datetime, maximum_hours: int) -> Request:
    """Read one invocation. Raises `InvalidRequestError`."""
    if not isinstance(raw, Mapping):
        raise InvalidRequestError("the request is not an object")
    if raw.get("schema") == SCHEMA:
        return _from_a_schedule(raw)
    match raw.get("action"):
        case "start":
            _known(raw, _START)
            return _start(raw, now, maximum_hours)
        case "end":
            _known(raw, _END)
            return End(_name(raw, "cluster"), _name(raw, "service"), _optional(raw, "id"))
        case "list":
            _known(raw, _LIST)
            if "service" in raw and "cluster" not in raw:
                raise InvalidRequestError("service: say in which cluster")
            return List(_optional(raw, "cluster"), _optional(raw, "service"))
        case action:
            raise InvalidRequestError(f"action: {action!r} is none of start, end, list")


def _from_a_schedule(raw: Mapping[str, Any]) -> Woken | WindowTurn:
    if raw.get("action") == "scale.revert":
        return Woken(_name(raw, "cluster"), _name(raw, "service"))
    if raw.get("action") == "scale.window":
        return WindowTurn(_name(raw, "window"))
    raise InvalidRequestError(f"action: {raw.get('action')!r} is none of scale.revert, scale.window")


def _start(raw: Mapping[str, Any], now: datetime, maximum_hours: int) -> Start:
    cluster, service = _name(raw, "cluster"), _name(raw, "service")
    desired = raw.get("desired")
    if not isinstance(desired, int) or isinstance(desired, bool) or not 1 <= desired <= MOST_TASKS:
        raise InvalidRequestError(f"desired: {desired!r} is not a whole number from 1 to {MOST_TASKS}")
    zone = _zone(raw)
    now = now.replace(microsecond=0)  # schedules know whole seconds
    starts = _instant(raw, "start", zone) or now
    until, minutes = _instant(raw, "until", zone), raw.get("minutes")
    if (until is None) is (minutes is None):
        raise InvalidRequestError("until, minutes: exactly one of them says when the surge is over")
    if until is None:
        if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes < 1:
            raise InvalidRequestError(f"minutes: {minutes!r} is not a whole number above 0")
        until = starts + timedelta(minutes=minutes)
    if until <= starts:
        raise InvalidRequestError(f"until: {until.isoformat()} is not after the start, {starts.isoformat()}")
    if until <= now:
        raise InvalidRequestError(f"until: {until.isoformat()} is past, it is {now.isoformat()}")
    if until - max(starts, now) > timedelta(hours=maximum_hours):
        raise InvalidRequestError(f"until: a surge lasts at most {maximum_hours} hours here (policy: maximum_hours)")
    id_ = _optional(raw, "id") or _id_of(raw)
    if len(id_) > LONGEST_ID or not all(char.isascii() and (char.isalnum() or char in "-_.") for char in id_):
        raise InvalidRequestError(f"id: at most {LONGEST_ID} letters, digits, dots, dashes and underscores")
    return Start(cluster, service, desired, starts, until, id_, _optional(raw, "by") or "")


def _id_of(raw: Mapping[str, Any]) -> str:
    """The same request has the same id, so that one that is delivered twice is one surge."""
    said = "|".join(f"{name}={raw.get(name)}" for name in sorted(_START - {"by", "answer_errors"}))
    return sha256(said.encode()).hexdigest()[:10]


def _zone(raw: Mapping[str, Any]) -> ZoneInfo | None:
    name = raw.get("zone")
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise InvalidRequestError(f"zone: {name!r} is no IANA time zone, such as Europe/Berlin") from error


def _instant(raw: Mapping[str, Any], field: str, zone: ZoneInfo | None) -> datetime | None:
    text = raw.get(field)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(f"{field}: {text!r} is no time such as 2026-03-02T18:00") from error
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    if zone is None:
        raise InvalidRequestError(f"{field}: {text!r} has no offset; give one, or a zone")
    there = at.replace(tzinfo=zone).astimezone(UTC)
    if there.astimezone(zone).replace(tzinfo=None) != at:
        raise InvalidRequestError(f"{field}: {text!r} does not exist in {zone.key}: the clock is put forward then")
    return there


def _known(raw: Mapping[str, Any], known: set[str]) -> None:
    strange = sorted(set(map(str, raw)) - known)
    if strange:
        raise InvalidRequestError(f"{strange[0]}: unknown; known are {', '.join(sorted(known))}")


def _name(raw: Mapping[str, Any], field: str) -> str:
    value = _optional(raw, field)
    if value is None:
        raise InvalidRequestError(f"{field}: missing")
    return value


def _optional(raw: Mapping[str, Any], field: str) -> str | None:
    value = raw.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > 255 or "/" in value:
        raise InvalidRequestError(f"{field}: {value!r} is not a name")
    return value
