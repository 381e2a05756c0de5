"""What `breakwater release start` asks the state machine, checked by the machine's own rules before any call."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from breakwater.errors import BreakwaterError, RefusedError
from breakwater.redact import redact
from cli.context import WrongUsageError
from cli.release_account import Account
from cli.release_image import checked_image, register
from cli.release_target import service_of
from release.request import RequestError, read_request

_ANY_REVISION = "to-be-registered:1"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_IN_WORDS = {
    "task_definition": "task-definition",
    "despite_alarms": "despite-alarms",
    "despite_quarantine": "despite-quarantine",
    "requested_by": "by",
}


class UnderWayError(Exception):
    """Another release has the service, or this one was started before; the message says which."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line, and can be."""

    service: str
    task_definition: str | None
    image: str | None
    container: str | None
    more: dict[str, Any]
    id: str | None

    def request(self, task_definition: str, by: str) -> dict[str, Any]:
        """The execution's input. Raises `WrongUsageError`, naming each field that is wrong."""
        raw = {"service": self.service, "task_definition": task_definition, "requested_by": by, **self.more}
        try:
            read_request(raw)
        except RequestError as error:
            told = str(error)
            for field, option in _IN_WORDS.items():
                told = told.replace(f"{field}:", f"{option}:")
            raise WrongUsageError(told.replace("the input is not a release: ", "")) from None
        return raw


@dataclass(frozen=True, slots=True)
class Started:
    """An execution that runs now."""

    execution: str
    request: dict[str, Any]
    registered: bool

    @property
    def name(self) -> str:
        """The execution's own name."""
        return self.execution.rpartition(":")[2]


def wish_of(
    service: str,
    cluster: str | None,
    task_definition: str | None,
    image: str | None,
    container: str | None,
    *,
    mode: str,
    despite_alarms: bool,
    despite_quarantine: bool = False,
    by: str | None,
    reason: str,
    id_: str | None,
) -> Wish:
    """Check what was asked for. Raises `WrongUsageError`; no call was made by then."""
    if (task_definition is None) == (image is None):
        raise WrongUsageError("say what to release: either --task-definition or --image")
    if container is not None and image is None:
        raise WrongUsageError("container: only --image asks for one")
    if id_ is not None and not re.fullmatch(r"[^\x00-\x1f\x7f]{1,200}", id_):
        raise WrongUsageError("id: must be 1 to 200 printable characters")
    more: dict[str, Any] = {"mode": mode}
    if despite_alarms:
        more["despite_alarms"] = True
    if despite_quarantine:
        more["despite_quarantine"] = True
    if reason:
        more["reason"] = redact(reason)
    if by is not None:
        more["requested_by"] = by
    image = None if image is None else checked_image(image)
    wish = Wish(service_of(service, cluster), task_definition, image, container, more, id_)
    wish.request(task_definition or _ANY_REVISION, by or "")
    return wish


def start(wish: Wish, account: Account) -> Started:
    """Start it. Raises `UnderWayError`, `BreakwaterError`; what was registered by then is named."""
    now = account.now()
    if wish.id is not None:
        _refuse_if_known(name_of(wish, "", now), account)
    _refuse_if_under_way(wish, account, now)
    made = register(account.client("ecs"), wish.service, wish.image, wish.container) if wish.image else None
    definition = made or str(wish.task_definition)
    request = wish.request(definition, "" if "requested_by" in wish.more else account.caller())
    try:
        execution = account.start(name_of(wish, definition, now), request)
    except BreakwaterError as error:
        left = f"; {made.rpartition('/')[2]} was registered and is not released" if made else ""
        if "ExecutionAlreadyExists" in str(error):
            said = f"this release was started before{left}: breakwater release watch {name_of(wish, definition, now)}"
            raise UnderWayError(said) from None
        raise type(error)(f"{error}{left}") from error
    return Started(execution, request, made is not None)


def name_of(wish: Wish, definition: str, now: datetime) -> str:
    """The execution's name: the same for the same id, else for the same wish in the same minute.

    Step Functions takes a name once in 90 days, so what is started twice by mistake, or by a pipeline that tries again,
    is one release.
    """
    slug = _NOT_IN_NAMES.sub("-", wish.service)[:40]
    if wish.id is not None:
        said = json.dumps([wish.service, wish.id])
        return f"{slug}-{hashlib.sha256(said.encode()).hexdigest()[:12]}"
    said = json.dumps([wish.service, definition, wish.more, f"{now:%Y-%m-%dT%H:%M}"], sort_keys=True)
    revision = definition.rpartition(":")[2]
    return f"{slug}-{revision}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def _refuse_if_known(name: str, account: Account) -> None:
    found = account.described(account.execution_arn(name))
    if found is not None:
        raise UnderWayError(f"the release with this id is {found['status']}: breakwater release watch {name}")


def _refuse_if_under_way(wish: Wish, account: Account, now: datetime) -> None:
    """Say so before anything is registered. The machine looks again: who may not read the table still may start."""
    try:
        holder = account.holder(wish.service)
        found = None if holder is None else account.described(holder)
    except RefusedError:
        return
    if holder is None or found is None or found["status"] != "RUNNING":
        return
    name = holder.rpartition(":")[2]
    if wish.task_definition is not None and name == name_of(wish, wish.task_definition, now):
        return  # this one, said twice
    raise UnderWayError(f"a release of {wish.service} is under way: breakwater release watch {name} (or abort it)")
