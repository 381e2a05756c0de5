"""What the sweep of releases is made of: as the steps of the machine, and it may start an execution of it.

The steps cannot be told the machine's ARN: the machine is made of them.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

from breakwater.attendance import Attendance
from breakwater.attending import Began
from breakwater.compiled import Compiled
from breakwater.model import Mode
from breakwater.settings import read

from .record import Stage
from .records import Records
from .wiring import Settings, Work, made_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings(Settings):
    """The function's environment."""

    state_machine_arn: str


@dataclass(frozen=True, slots=True)
class Sweeping:
    """The parts, ready to be used. A test builds its own.

    `attends` are the services (globs) at whose hooks the policy has something to do.
    """

    work: Work
    attendance: Attendance
    attends: Callable[[datetime], tuple[str, ...]]


@cache
def wiring() -> Sweeping:
    """The parts as they run in Lambda."""
    settings = read(SweepSettings, os.environ)
    work = made_of(settings)

    def attends(now: datetime) -> tuple[str, ...]:
        return attended(work.rules(now)) if settings.mode is Mode.ACT else ()

    machine, native = settings.state_machine_arn, settings.native_hook_arn
    began = partial(began_of, work.records)
    return Sweeping(work, Attendance(work.table, work.client, work.policy, machine, native, began), attends)


def began_of(records: Records, execution: str) -> Began | None:
    """What the release of an execution that was to attend has on record."""
    kept = records.load(execution)
    if kept is None:
        return None
    return Began(kept.release.why if kept.release.stage in (Stage.TURNED, Stage.REHEARSED) else "")


def attended(policy: Compiled) -> tuple[str, ...]:
    """The entries of a policy whose releases act and have something to check."""
    return tuple(one.match for one in policy.services if one.release.mode is Mode.ACT and one.checks)
