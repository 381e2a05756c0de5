"""How a release has ended, in words for its caller and for people. Pure."""

from dataclasses import replace

from .outcome import Verified, Wrong
from .record import Ending, Release, Stage


def ending_by_stage(release: Release, failure: str) -> Ending | None:
    """How it ended if that does not depend on what the service looks like now.

    `failure` is the error that led here, if one did. What was to go back and is still on its way forward did not begin
    to go back: that step failed itself. Then it is released no more, whatever the service looks like, and it is not
    back.
    """
    match release.stage:
        case Stage.TURNED:
            return Ending("failed", "Refused", release.why)
        case Stage.REHEARSED:
            return Ending("released", "Rehearsed", release.why)
        case Stage.HANDED_OVER:
            return Ending("failed", "HandedOver", release.why)
        case Stage.ADMITTED:
            return Ending("failed", "NotBegun", f"nothing was changed: {release.why or failure}")
        case Stage.FORWARD if release.why or failure:
            left = f"the way back could not be begun{f' ({failure})' if failure else ''}: look at the service"
            return Ending("failed", "NotReturned", f"{release.why}; {left}" if release.why else left)
    return None


def ending_by_outcome(release: Release, outcome: Verified | Wrong) -> Ending:
    """How it ended by whether the service is as it should be."""
    back, good = release.stage is Stage.RETURNING, isinstance(outcome, Verified)
    if back and good:
        return Ending("failed", "Returned", f"{release.why}; it is back, and verified: {outcome.reason}")
    if back:
        return Ending("failed", "NotReturned", f"{release.why}; it went back, and is {outcome.reason}")
    return Ending("released", "Released", outcome.reason) if good else Ending("failed", "NotVerified", outcome.reason)


def blamed(ending: Ending, release: Release) -> Ending:
    """With what follows for a revision that was itself at fault."""
    if not release.at_fault or ending.error == "Released":
        return ending
    revision = release.task_definition.rpartition("/")[2]
    return replace(ending, cause=f"{ending.cause}. {revision} is quarantined: a release of it is refused")
