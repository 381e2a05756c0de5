"""The whole document, and what only shows when its parts are compared."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from breakwater.documents import misplaced

from .batch import Job, Upload
from .parts import PolicyPart
from .scaling import Scaling
from .services import Channels, Defaults, Service

_Problem = tuple[tuple[str | int, ...], str]


class Policy(PolicyPart):
    """What Breakwater may do, where, and how loudly."""

    version: Literal[1] = Field(description="The shape of the document. There is only 1.")
    channels: Channels = Channels()
    defaults: Defaults = Defaults()
    services: tuple[Service, ...] = Field((), max_length=500, description="The first entry that matches is taken.")
    jobs: tuple[Job, ...] = Field((), max_length=200, description="Tasks that run by schedule.")
    uploads: tuple[Upload, ...] = Field((), max_length=100, description="Tasks that run for new objects.")
    scaling: Scaling = Scaling()

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        problems = [*_twice(self.jobs, self.uploads), *_unreached(self.services), *_overlapping(self.uploads)]
        if problems:
            raise misplaced("Policy", problems)
        return self


def _twice(jobs: Sequence[Job], uploads: Sequence[Upload]) -> Iterator[_Problem]:
    seen: dict[str, str] = {}
    sections: tuple[tuple[str, Sequence[Job | Upload]], ...] = (("jobs", jobs), ("uploads", uploads))
    for section, entries in sections:
        for index, entry in enumerate(entries):
            if entry.name in seen:
                yield (section, index, "name"), f'{seen[entry.name]} is called "{entry.name}" too'
            seen.setdefault(entry.name, f"{section}[{index}]")


def _unreached(services: Sequence[Service]) -> Iterator[_Problem]:
    """Entries that an earlier one hides: the first that matches a service is taken, so these would never apply."""
    for index, entry in enumerate(services):
        hiding = next((at for at in range(index) if _covers(services[at].match, entry.match)), None)
        if hiding is not None:
            earlier = services[hiding].match
            yield (
                ("services", index, "match"),
                f'services[{hiding}] ("{earlier}") matches all of these first; put the narrower entry before the wider',
            )


def _covers(wide: str, narrow: str) -> bool:
    """Whether one glob matches whatever another does. The other's own `*` and `?` are taken as characters."""
    pattern = "".join({"*": "[^/]*", "?": "[^/*]"}.get(char, re.escape(char)) for char in wide)
    return re.fullmatch(pattern, narrow) is not None


def _overlapping(uploads: Sequence[Upload]) -> Iterator[_Problem]:
    """Routes that one object could take both of. Which job it starts would be chance."""
    for index, upload in enumerate(uploads):
        for earlier in range(index):
            other = uploads[earlier]
            if (
                upload.bucket == other.bucket
                and _one_begins(upload.prefix, other.prefix)
                and _one_begins(upload.suffix[::-1], other.suffix[::-1])
            ):
                what = f'a key could fit uploads[{earlier}] ("{other.name}") as well: make prefixes or suffixes differ'
                yield ("uploads", index, "prefix"), what
                break


def _one_begins(text: str, other: str) -> bool:
    return text.startswith(other) or other.startswith(text)
