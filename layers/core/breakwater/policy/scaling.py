"""Scaling: how far surges may go, when services rest, and which clusters keep room."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from breakwater.documents import misplaced
from breakwater.model import Mode

from .parts import DAYS, NOT_EMPTY, Clock, ClusterGlob, Day, Glob, Name, PolicyPart, Whole, Zone


class Surge(PolicyPart):
    """How far a temporary scale-up may go. It is clamped to these limits, and that is said."""

    mode: Mode | None = Field(None, description="Else that of `defaults`.")
    maximum_factor: Whole = Field(5, ge=2, le=100, description="Times the count that it found.")
    maximum_tasks: Whole = Field(200, ge=1, le=5000, description="Tasks of one service.")
    maximum_hours: Whole = Field(24, ge=1, le=168, description="How long one may last.")


class Window(PolicyPart):
    """A time in which services are held at a count, or within two; what was there before comes back at its end."""

    name: Name
    match: Glob = Field(description="The services, as in `services`.")
    days: Annotated[tuple[Day, ...], NOT_EMPTY] = Field(
        DAYS,
        max_length=7,
        description="On which days it opens.",
    )
    opens: Clock = Field(description='A local time, in quotes: `"20:00"`.')
    closes: Clock = Field(description="At or before `opens` it is on the next day.")
    time_zone: Zone = Field("UTC", description="The IANA zone of both.")
    mode: Mode | None = Field(None, description="Else that of `defaults`.")
    desired: Whole | None = Field(None, ge=0, le=5000, description="The count, or instead of it:")
    minimum: Whole | None = Field(None, ge=0, le=5000, description="the minimum of Application Auto Scaling and")
    maximum: Whole | None = Field(None, ge=0, le=5000, description="the maximum.")

    @model_validator(mode="after")
    def _is_meant(self) -> Self:
        problems: list[tuple[tuple[str | int, ...], str]] = []
        if len(set(self.days)) < len(self.days):
            problems.append((("days",), "a day is named twice"))
        bounds = (self.minimum, self.maximum)
        if self.desired is not None and bounds != (None, None):
            problems.append((("desired",), "there is a minimum or maximum too; allowed is the count or the bounds"))
        if (self.desired, *bounds) == (None, None, None):
            problems.append(((), "a window holds desired, or minimum and maximum"))
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            problems.append((("minimum",), f"it is above the maximum ({self.maximum})"))
        if problems:
            raise misplaced("Window", problems)
        return self


class Headroom(PolicyPart):
    """Clusters on EC2 that keep room for one more of their largest task."""

    match: ClusterGlob = Field(description="The clusters.")
    mode: Mode | None = Field(None, description="Else that of `defaults`.")


class Scaling(PolicyPart):
    """What the scaler may do."""

    surge: Surge = Surge()
    windows: tuple[Window, ...] = Field((), max_length=100)
    headroom: tuple[Headroom, ...] = Field((), max_length=50)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [window.name for window in self.windows]
        problems = [
            (("windows", index, "name"), f'an earlier window is called "{name}" too')
            for index, name in enumerate(names)
            if name in names[:index]
        ]
        if problems:
            raise misplaced("Scaling", problems)
        return self
