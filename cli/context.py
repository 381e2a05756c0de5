"""The context of `breakwater explain`: what Breakwater would have looked up, from a file instead of from AWS.

The file is wrong usage if it cannot be read: whoever wrote it is told where and why, in one line.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StrictBool, StrictInt, ValidationError

from breakwater.diagnosis import Facts, Job, Surge, Upload
from breakwater.events import parse_time


class WrongUsageError(Exception):
    """The caller gave something that cannot be used; the message says where and why."""


def _time(value: object) -> datetime:
    time = parse_time(value)
    if time is None:
        raise ValueError("is not a time like 2026-03-02T10:06:00Z")
    return time


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return value


class _Part(BaseModel):
    """A part of the context. Keys that we do not know are left alone: the contract may grow."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Upload(_Part):
    bucket: str
    run: str = ""
    prefix: str | None = None
    suffix: str | None = None
    allowed_key: Annotated[str, AfterValidator(_pattern)] | None = None
    allow_empty: StrictBool | None = None


class _Job(_Part):
    job: str
    schedule: str


class _Surge(_Part):
    id: str
    set_to: StrictInt
    desired_now: StrictInt | None = None
    previous: StrictInt | None = None
    cluster: str | None = None
    service: str | None = None


class _Context(_Part):
    now: Annotated[datetime, BeforeValidator(_time)] | None = None
    account: str | None = None
    region: str | None = None
    essential: dict[str, StrictBool] | None = None
    deployment_in_progress: str | None = None
    deployment_is_rollback: StrictBool | None = None
    deployment_controller: str | None = None
    native_rollback: StrictBool | None = None
    smoke_test: StrictBool | None = None
    uploads: tuple[_Upload, ...] | None = None
    jobs: tuple[_Job, ...] | None = None
    surge: _Surge | None = None

    def facts(self) -> Facts:
        """Give the facts as the rules want them; the real clock only where the context has none."""
        return Facts(
            now=self.now or datetime.now(UTC),
            account=self.account,
            region=self.region,
            essential=self.essential,
            deployment_in_progress=self.deployment_in_progress,
            deployment_is_rollback=bool(self.deployment_is_rollback),
            deployment_controller=self.deployment_controller or "ECS",
            native_rollback=bool(self.native_rollback),
            smoke_test=bool(self.smoke_test),
            uploads=tuple(
                Upload(
                    entry.bucket,
                    entry.run,
                    entry.prefix or "",
                    entry.suffix or "",
                    entry.allowed_key,
                    bool(entry.allow_empty),
                )
                for entry in self.uploads or ()
            ),
            jobs=tuple(Job(entry.job, entry.schedule) for entry in self.jobs or ()),
            surge=Surge(**self.surge.model_dump()) if self.surge else None,
        )


class Contexts:
    """The facts for each file, by the last component of its path. A file without an entry has none looked up."""

    def __init__(self, by_name: Mapping[str, Facts]) -> None:
        self._by_name = by_name

    @classmethod
    def read(cls, path: Path | None) -> "Contexts":
        """Read the file, or raise `WrongUsageError`."""
        if path is None:
            return cls({})
        try:
            raw = json.loads(path.read_bytes())
        except OSError as error:
            raise WrongUsageError(f"context {path}: {error.strerror or 'cannot be read'}") from None
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise WrongUsageError(f"context {path}: {where}: not JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            raise WrongUsageError(f"context {path}: not JSON: {error}") from None
        if not isinstance(raw, dict):
            raise WrongUsageError(f"context {path}: must be one object: file name -> context")
        return cls({name: _facts(path, name, entry) for name, entry in raw.items()})

    def of(self, file: str) -> Facts:
        """Return the facts for a file."""
        return self._by_name.get(file) or _Context().facts()


def _facts(path: Path, name: str, entry: object) -> Facts:
    try:
        return _Context.model_validate(entry).facts()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join([name, *(str(part) for part in problem["loc"])])
        why = problem["msg"].removeprefix("Value error, ")
        raise WrongUsageError(f"context {path}: {where}: {why}") from None
