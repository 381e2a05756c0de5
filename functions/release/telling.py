"""Who hears what: the journal of every decision and change, people only where one of them is needed."""

import hashlib
from datetime import datetime

from breakwater.errors import BreakwaterError, ThrottledError
from breakwater.journal import Entry, written
from breakwater.model import Category, Cause, Diagnosis, Evidence, Finding, Severity, Subject, SubjectKind
from breakwater.redact import redact

from .record import Release
from .wiring import AUTOMATION, Work


def journal(work: Work, release: Release, decision: str, reason: str, now: datetime, outcome: str = "done") -> None:
    """Keep a line. It is worth less than the release: what cannot be kept is logged."""
    work.logger.info("release", service=release.service, decision=decision, reason=reason, execution=release.short)
    digest = hashlib.sha256(f"{decision}:{reason}".encode()).hexdigest()[:10]
    entry = Entry(
        id=f"{release.short}-{digest}",
        at=now,
        automation=AUTOMATION,
        subject=_subject(release),
        decision=decision,
        reason=redact(reason)[:1000],
        evidence={
            "execution": release.short,
            "task_definition": release.task_definition.rpartition("/")[2],
            "service_deployment": release.service_deployment or "",
            "deployment": release.deployment or "",
        },
        outcome=outcome,
    )
    try:
        work.table.write(written(entry))
    except BreakwaterError as error:
        work.logger.error("not journalled", decision=decision, problem=str(error))


def ask(work: Work, release: Release, at: str, reason: str, until: datetime, now: datetime) -> None:
    """Ask a person, with the command that answers. Raises `ThrottledError` if nobody could be told."""
    deployment = release.service_deployment or release.service
    command = f"breakwater release approve {deployment}"
    about = redact(reason)[:600].replace("`", "'")  # backticks mark the command, which is never cut
    said = f"{about}. Until {until:%H:%M} UTC answer with `{command}`, or `abort` in place of `approve`"
    _tell(work, release, f"question:{at}", Category.HOOK_ATTENTION, Cause.RELEASE_ASKS, said, now, Severity.HIGH)


def returned(work: Work, release: Release, reason: str, now: datetime, *, person: bool) -> None:
    """Say that a revision went back, or that a person has to look. Raises `ThrottledError` if nobody could be told."""
    severity = Severity.HIGH if person else Severity.MEDIUM
    cause = Cause.RELEASE_UNSETTLED if person else Cause.RELEASE_RETURNED
    _tell(work, release, "ending", Category.DEPLOYMENT_ROLLED_BACK, cause, redact(reason), now, severity)


def waits(work: Work, release: Release, reason: str, now: datetime) -> None:
    """Say that somebody's deployment waits at a hook, and its release does nothing: nobody else will answer it."""
    said = f"the deployment waits at a hook that no release answers; answer it by hand: {redact(reason)}"
    _tell(work, release, "waits", Category.HOOK_ATTENTION, Cause.RELEASE_UNSETTLED, said, now, Severity.HIGH)


def _tell(
    work: Work,
    release: Release,
    which: str,
    category: Category,
    cause: Cause,
    reason: str,
    now: datetime,
    severity: Severity,
) -> None:
    finding = Finding(
        f"release:{release.execution}:{which}",
        _subject(release),
        Diagnosis(category, severity, cause, reason[:1000]),
        now,
        Evidence(deployment=release.service_deployment),
    )
    taken = work.desk.take([finding], work.alerts, now)
    if taken.unfinished:
        raise ThrottledError("the incident could not be kept")


def _subject(release: Release) -> Subject:
    return Subject(
        SubjectKind.SERVICE, release.name, release.cluster, release.task_definition.rpartition("/")[2] or None
    )
