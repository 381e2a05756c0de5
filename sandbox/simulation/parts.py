"""What all parts of a scenario file share: unknown keys are refused, times are written `90s` or `1h30m`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?")


class Part(BaseModel):
    """A part of a scenario file. We own its shape, so what it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


def read_duration(given: object) -> timedelta:
    """Read `90s`, `10m`, `1h30m` or `2d`. A number without a unit is refused: nobody knows what it means."""
    match = _DURATION.fullmatch(given) if isinstance(given, str) else None
    if not given or match is None:
        raise ValueError("not a duration; write it as 90s, 10m, 1h30m or 2d")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def written(duration: timedelta) -> str:
    """A duration as scenario files have it."""
    seconds, text = int(duration.total_seconds()), ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= size:
            text += f"{seconds // size}{unit}"
            seconds %= size
    return text or "0s"


def seconds(duration: timedelta) -> int:
    """A duration as AWS's APIs have it."""
    return int(duration.total_seconds())


Duration = Annotated[timedelta, BeforeValidator(read_duration)]
"""A time span."""
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9][A-Za-z0-9_./:*@-]*$")]
"""A name as AWS has them."""
RuleName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/.*)?$")]
"""A listener and the path of a rule (`https/random/*`), or a listener alone for its default."""
Line = Annotated[str, Field(max_length=2000)]
"""Any text of one line."""
Lines = Annotated[tuple[Line, ...], BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else given)]
"""A list of texts."""
Count = Annotated[int, Field(ge=0)]
Many = Annotated[tuple[Name, ...], BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else given)]
"""A list of names."""
