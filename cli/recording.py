"""A recorded stretch of an account: one EventBridge event a line, and what is known of task definitions beside it.

Whatever is wrong with the input is wrong usage, told in one line with file and line (or key); nothing is skipped.
A recording covers a month at most: the sandbox lives through every five minutes of it, and a single wrong date would
otherwise keep it busy for a century.
"""

import codecs
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from breakwater.events import parse_time
from cli.context import WrongUsageError
from cli.stretch import Delivery, Stretch

_NEEDED = ("source", "detail-type", "detail", "account", "region", "time")
_LARGEST = 256 * 1024
_QUIET = timedelta(minutes=45)
_LONGEST = timedelta(days=31)
_ERA = datetime(2014, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)  # there was no ECS before
_SHAPE = "a recording has one event per line"


class ReplayContext(BaseModel):
    """What the account knows: by task definition (`family:revision` or its ARN), container by container, essential?"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task_definitions: Mapping[str, Mapping[str, StrictBool]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recording:
    """The stretch, and what people have to know of how it was made."""

    stretch: Stretch
    notes: tuple[str, ...]


def read_recording(
    events: Path, context: Path | None = None, account: str | None = None, region: str | None = None
) -> Recording:
    """Read a recording. Raises `WrongUsageError`. Account and Region are those of most events, unless given."""
    recorded = sorted(_deliveries(events), key=lambda each: each[1].at)
    if not recorded:
        raise WrongUsageError(f"{events}: no events in it")
    _check_times(events, recorded[0], recorded[-1])
    deliveries = [delivery for _, delivery in recorded]
    places = Counter((str(each.event["account"]), str(each.event["region"])) for each in deliveries)
    (usual_account, usual_region), _ = places.most_common(1)[0]
    home = account or usual_account, region or usual_region
    known = _definitions(context, *home)
    elsewhere = sum(times for place, times in places.items() if place != home)
    unknown = sorted(_wanted(deliveries) - {str(definition["taskDefinitionArn"]) for definition in known})
    return Recording(
        Stretch(
            title=f"the recording {events.name}",
            seed=0,
            account=home[0],
            region=home[1],
            start=deliveries[0].at.replace(second=0, microsecond=0),
            end=deliveries[-1].at + _QUIET,
            deliveries=tuple(deliveries),
            task_definitions=tuple(known),
        ),
        tuple(_notes(elsewhere, home, unknown)),
    )


def _deliveries(path: Path) -> Iterable[tuple[int, Delivery]]:
    """The events with the numbers of their lines. A byte order mark, as Windows writes it, is no part of the first."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    event, at = _event(line, f"{path}, line {number}")
                    yield number, Delivery(at, event)
    except OSError as error:
        raise WrongUsageError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError as error:
        raise WrongUsageError(f"{path}: not UTF-8 text at byte {error.start}") from None


def _check_times(path: Path, first: tuple[int, Delivery], last: tuple[int, Delivery]) -> None:
    if last[1].at - first[1].at > _LONGEST:
        begins, ends = (f"line {number} ({each.at.isoformat()})" for number, each in (first, last))
        raise WrongUsageError(f"{path}: from {begins} to {ends}: a recording may cover {_LONGEST.days} days at most")
    for number, each in (first, last):
        if not _ERA[0] <= each.at < _ERA[1]:
            years = f"{_ERA[0].year} to {_ERA[1].year - 1}"
            raise WrongUsageError(f"{path}, line {number}: time {each.event['time']!r} is not in the years {years}")


def _event(line: str, where: str) -> tuple[dict[str, Any], datetime]:
    if len(line.encode("utf-8", "surrogatepass")) > _LARGEST:
        raise WrongUsageError(f"{where}: larger than EventBridge's 256 KiB; {_SHAPE}")
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise WrongUsageError(f"{where}: not JSON: {said}; {_SHAPE}") from None
    if not isinstance(event, dict):
        raise WrongUsageError(f"{where}: not an event but a JSON {type(event).__name__}; {_SHAPE}")
    missing = [name for name in _NEEDED if name not in event]
    if missing:
        raise WrongUsageError(f"{where}: not an EventBridge event, it has no {missing[0]}")
    at = parse_time(event["time"])
    if at is None:
        raise WrongUsageError(f"{where}: time {event['time']!r} is not a time like 2026-03-02T10:06:00Z")
    return event, at


def _definitions(path: Path | None, account: str, region: str) -> list[Mapping[str, Any]]:
    if path is None:
        return []
    try:
        context = ReplayContext.model_validate_json(path.read_bytes().removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise WrongUsageError(f"context {path}: {error.strerror or 'cannot be read'}") from None
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise WrongUsageError(f"context {path}: {where}: {problem['msg']}") from None
    return [_definition(path, name, flags, account, region) for name, flags in context.task_definitions.items()]


def _definition(path: Path, name: str, flags: Mapping[str, bool], account: str, region: str) -> Mapping[str, Any]:
    family, _, revision = name.rpartition("/")[2].partition(":")
    if not family or not revision.isdigit() or int(revision) < 1:
        raise WrongUsageError(f"context {path}: task_definitions.{name}: not family:revision")
    return {
        "taskDefinitionArn": f"arn:aws:ecs:{region}:{account}:task-definition/{family}:{int(revision)}",
        "family": family,
        "revision": int(revision),
        "containerDefinitions": [
            {"name": container, "image": "unknown", "essential": essential} for container, essential in flags.items()
        ],
    }


def _wanted(deliveries: Iterable[Delivery]) -> set[str]:
    """The task definitions of tasks that ended."""
    details = (each.event["detail"] for each in deliveries if isinstance(each.event["detail"], dict))
    ended = (detail for detail in details if detail.get("lastStatus") == "STOPPED")
    return {str(detail["taskDefinitionArn"]) for detail in ended if detail.get("taskDefinitionArn")}


def _notes(elsewhere: int, home: tuple[str, str], unknown: list[str]) -> Iterable[str]:
    if elsewhere:
        yield f"Of another account or Region than {home[0]}, {home[1]}: {elsewhere}. Nobody is told of those."
    if unknown:
        names = ", ".join(arn.rpartition("/")[2] for arn in unknown[:5]) + (" …" if len(unknown) > 5 else "")
        yield (
            f"Of {len(unknown)} task definitions nothing is known ({names}): all their containers are taken as "
            "essential. A context file can say which are not."
        )
    yield "The recording holds no container logs, so alerts show none."
