"""One visit to one service or many: who looks and when, and what a look came to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from breakwater.events import parse_arn

from .counted import Home
from .wiring import Work


@dataclass(frozen=True, slots=True)
class Visit:
    """Who looks, when, and where we are at home. `holder` names the invocation, for leases."""

    work: Work
    now: datetime
    home: Home
    holder: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a look came to, for the log."""

    decision: str
    reason: str
    asked: bool = False


def visit_of(work: Work, context: Any) -> Visit:
    """Who and where we are, by the function's own ARN, and when it is."""
    arn = parse_arn(context.invoked_function_arn)
    home = Home(arn.account, arn.region) if arn else Home("", "")
    return Visit(work, work.now(), home, str(context.aws_request_id))
