"""What the first step of a release is made of: as the others, and it knows Breakwater's own Lambda hook."""

import os
from dataclasses import dataclass, replace
from functools import cache

from breakwater.settings import read

from .wiring import Settings, Work, made_of


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginSettings(Settings):
    """The function's environment."""

    native_hook_arn: str


@cache
def wiring() -> Work:
    """The parts as they run in Lambda."""
    settings = read(BeginSettings, os.environ)
    return replace(made_of(settings), native_hook=settings.native_hook_arn)
