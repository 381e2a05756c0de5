"""What the first step of a release is made of: as the others, and it knows what tasks of checks may be."""

import os
from dataclasses import dataclass, replace
from functools import cache

from breakwater.settings import read

from .wiring import Settings, Work, made_of


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginSettings(Settings):
    """The function's environment."""

    check_task_role_arns: str = ""


@cache
def wiring() -> Work:
    """The parts as they run in Lambda."""
    settings = read(BeginSettings, os.environ)
    roles = tuple(role for role in settings.check_task_role_arns.split(",") if role)
    return replace(made_of(settings), check_task_roles=roles)
