"""Looking at the production traffic while a release goes on, for its report. It never holds a release up."""

from datetime import datetime

from breakwater.checks.results import CheckResult, Verdict
from breakwater.errors import BreakwaterError
from breakwater.listeners import weights_of

from .record import Release, Stage, Traffic
from .sight import Rollout
from .story import new_share
from .wiring import Work


def looked(release: Release, rollout: Rollout, work: Work, now: datetime) -> Release:
    """With the weights that the listener has now, and where the deployment is: one call for each event."""
    stage = rollout.hook.stage if rollout.hook is not None else str(rollout.seen.stage or rollout.seen.status)
    return _seen(release, stage, work, now)


def closed(release: Release, work: Work, now: datetime) -> Release:
    """With the weights that the listener has at the end of a release that began."""
    return _seen(release, "", work, now) if release.stage in (Stage.FORWARD, Stage.RETURNING) else release


def _seen(release: Release, stage: str, work: Work, now: datetime) -> Release:
    """Weights that cannot be read are left out: the report has a gap there, the release none."""
    if not release.rules or release.strategy == "ROLLING":
        return release
    try:
        weights = weights_of(lambda: work.client("elbv2"), list(release.rules))
    except BreakwaterError as error:
        work.logger.warning("the weights could not be read for the report", problem=str(error))
        return release
    return release.seen(Traffic(now, stage, new_share(release.before, weights)))


def answered(result: CheckResult) -> str:
    """A check's verdict in words, with the status of each answer that it got."""
    statuses = [str(attempt.status) for attempt in result.attempts if attempt.status is not None]
    told = f" (answers: {', '.join(statuses)})" if statuses else ""
    return f"{type(result.verdict).__name__}: {result.verdict.reason}{told}"


def counted(release: Release, verdict: Verdict, now: datetime) -> Release:
    """With what the metrics of both sides said at a look."""
    names = ("new_requests", "new_errors", "old_requests", "old_errors")
    counts = [value if isinstance(value := verdict.evidence.get(name), int) else None for name in names]
    if counts == [None] * len(names):
        return release
    last = release.traffic[-1] if release.traffic else Traffic(now, "")
    return release.seen(Traffic(now, last.stage, last.share, *counts))
