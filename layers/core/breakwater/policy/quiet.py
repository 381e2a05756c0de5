"""Quiet hours: when what is not of high severity waits."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from breakwater.documents import misplaced

from .parts import DAYS, NOT_EMPTY, Clock, Day, PolicyPart, Zone


class QuietHours(PolicyPart):
    """A time in which only incidents of high severity are told at once; one digest at its end names the others."""

    days: Annotated[tuple[Day, ...], NOT_EMPTY] = Field(DAYS, max_length=7, description="On which days it begins.")
    begins: Clock = Field(description='A local time, in quotes: `"22:00"`.')
    ends: Clock = Field(description="Before `begins` it is on the next day.")
    time_zone: Zone = Field("UTC", description="The IANA zone of both.")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        problems: list[tuple[tuple[str | int, ...], str]] = []
        if len(set(self.days)) < len(self.days):
            problems.append((("days",), "a day is named twice"))
        if self.begins == self.ends:
            problems.append((("ends",), f"it is when it begins ({self.begins}): that is quiet all day, or never"))
        if problems:
            raise misplaced("QuietHours", problems)
        return self
