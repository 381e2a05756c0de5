"""What all events share: the tolerant building blocks, the envelope, times and ARNs.

AWS owns the shape of its events and adds to it without asking, so unknown fields are ignored and a field of the wrong
type is treated as absent: one odd value must never cost us the rest of an event.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from .shapes import Reads, Shape, named


def _string(value: object) -> str | None:
    """Accept a string as it is (lone surrogates too) and anything else as absent."""
    return value if isinstance(value, str) else None


def whole_number(value: object) -> int | None:
    """Read an integer or a string of digits; a bool, a float or anything else is absent.

    A string of more digits than any exit code has is cut: all that matters of it is that it is not zero.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value.lstrip("0")[:_MANY_DIGITS] or "0")
    return None


_MANY_DIGITS = 18


def _positions(value: object) -> tuple[str | None, ...]:
    """Keep the places of a list of strings: an entry that is no string is absent, the next one does not move up."""
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(item if isinstance(item, str) else None for item in value)


def _present(value: object) -> bool:
    return value is not None


Text = Annotated[str | None, Reads(_string)]
Number = Annotated[int | None, Reads(whole_number)]
Strings = Annotated[tuple[str | None, ...], Reads(_positions)]
Presence = Annotated[bool, Reads(_present)]


class AwsEvent(Shape):
    """EventBridge's envelope. `replayed` says that an archive sent it again."""

    id: Text = None
    source: Text = None
    detail_type: Text = named("detail-type")
    account: Text = None
    region: Text = None
    time: Text = None
    resources: Strings = ()
    replayed: Presence = named("replay-name")

    @property
    def resource(self) -> str | None:
        """The first resource: the task, service, instance, bucket, alarm or schedule that the event is about."""
        return (self.resources[0] or None) if self.resources else None

    @property
    def at(self) -> datetime | None:
        """The envelope's time in UTC, if it can be read."""
        return parse_time(self.time)


# ECS hooks use nine fraction digits and alarms write +0000, so `datetime.fromisoformat` alone will not do.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,18}))?\s?(?:([Zz])|([+-]\d\d):?(\d\d))?", re.ASCII
)


def parse_time(value: object) -> datetime | None:
    """Read an ISO time with any number of fraction digits as UTC; one without an offset is UTC; else `None`."""
    if not isinstance(value, str) or not (match := _TIME.fullmatch(value)):
        return None
    day, minute, second, fraction, _, hours, minutes = match.groups()
    offset = f"{hours}:{minutes}" if hours else "+00:00"
    text = f"{day}T{minute}{second or ':00'}.{(fraction or '0')[:6].ljust(6, '0')}{offset}"
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class Arn(NamedTuple):
    """The parts of an ARN that decisions look at. `resource` is all that follows the account."""

    service: str
    region: str
    account: str
    resource: str


def parse_arn(value: str | None) -> Arn | None:
    """Split an ARN of any partition, or say that it is none."""
    parts = (value or "").split(":", 5)
    if len(parts) < _ARN_PARTS or parts[0] != "arn":
        return None
    return Arn(parts[2], parts[3], parts[4], parts[5])


_ARN_PARTS = 6


def last_name(arn: str | None) -> str | None:
    """Return what follows the last slash of an ARN: a cluster's name, a service's name, a task's id."""
    return arn.rsplit("/", 1)[-1] or None if arn else None


def cluster_in(arn: str | None) -> str | None:
    """Return the cluster's name from a long ARN (`type/cluster/name`); short ones do not have it."""
    parsed = parse_arn(arn)
    parts = parsed.resource.split("/") if parsed else []
    return parts[1] or None if len(parts) >= _LONG_FORM else None


_LONG_FORM = 3
