"""Who hears what: the journal of every decision and change, people only where one of them is needed."""

import hashlib
from datetime import datetime

from breakwater.approvals import answering
from breakwater.attending import Waiting
from breakwater.errors import BreakwaterError, ThrottledError
from breakwater.incidents import fingerprint
from breakwater.journal import Entry, written
from breakwater.model import Category, Cause, Diagnosis, Evidence, Finding, Severity, Subject, SubjectKind
from breakwater.redact import redact

from . import news
from .record import Release
from .wiring import AUTOMATION, Work

OPENED = frozenset({Cause.RELEASE_ASKS, Cause.RELEASE_RETURNED, Cause.RELEASE_UNSETTLED})
"""The causes of what a release leaves open, until a later one of the service passes or nothing more is heard of it."""


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


def ask(work: Work, release: Release, now: datetime) -> None:
    """Ask a person what is open, with the command that answers. Raises `ThrottledError` if nobody could be told.

    Each question is told once, however often this is called. Called again later, it keeps the incident from being taken
    for over because nothing more is heard of it.
    """
    question = release.question
    if question is None:
        return
    command = answering(release.service_deployment or release.service, work.stack)
    about = redact(question.reason)[:500].replace("`", "'")  # backticks mark the command, which is never cut
    said = f"{about}. Until {question.until:%H:%M} UTC answer with `{command}`, or `abort` in place of `approve`"
    which = f"question:{question.at}:{question.since.isoformat()}"
    _tell(work, release, which, Category.HOOK_ATTENTION, Cause.RELEASE_ASKS, said, now, Severity.HIGH)


def answered(work: Work, release: Release, why: str, now: datetime) -> None:
    """Resolve the question: it was answered, or is not asked any more. What is asked next is then news again."""
    diagnosis = Diagnosis(Category.HOOK_ATTENTION, Severity.HIGH, Cause.RELEASE_ASKS, "")
    question = Finding("", _subject(release), diagnosis, now)
    work.desk.resolve([fingerprint(question)], redact(why)[:400], now)


def returned(
    work: Work, release: Release, reason: str, now: datetime, *, person: bool, report: str | None = None
) -> None:
    """Say that a revision went back, or that a person has to look. Raises `ThrottledError` if nobody could be told."""
    severity = Severity.HIGH if person else Severity.MEDIUM
    cause = Cause.RELEASE_UNSETTLED if person else Cause.RELEASE_RETURNED
    category = Category.DEPLOYMENT_ROLLED_BACK
    _tell(work, release, "ending", category, cause, redact(reason), now, severity, _wrote(report))


def settled(work: Work, release: Release, now: datetime) -> None:
    """Resolve what earlier releases of the service left open: it is as it should be.

    That is worth less than the release: where it fails it is logged, and they are closed by quiet.
    """
    what = f"{release.task_definition.rpartition('/')[2]} was released and verified"
    try:
        work.desk.resolve(work.desk.open_about(_subject(release), OPENED), what, now)
    except BreakwaterError as error:
        work.logger.error("not resolved", service=release.service, problem=str(error))


def released(work: Work, release: Release, now: datetime, report: str | None) -> None:
    """Say once that a release passed."""
    said = redact(news.released(release))
    _tell(work, release, "ending", Category.RELEASED, Cause.RELEASED, said, now, Severity.LOW, _wrote(report))


def _wrote(report: str | None) -> str | None:
    return f"Wrote the report of the release: {report}" if report else None


def waits(work: Work, waiting: Waiting, task_definition: str, reason: str, now: datetime) -> None:
    """Say that a deployment waits at a hook that no release answers. Raises `ThrottledError` if nobody could be told.

    Whoever finds it, the release that does nothing or the sweep, tells the same fact of the same incident: it is told
    once for each hook, and stays open while the sweep finds it to wait.
    """
    said = f"the deployment waits at a hook that no release answers; answer it by hand: {redact(reason)}"
    finding = Finding(
        f"attend:{waiting.deployment}:{waiting.hook_id}",
        Subject(SubjectKind.SERVICE, waiting.service, waiting.cluster, task_definition.rpartition("/")[2] or None),
        Diagnosis(Category.HOOK_ATTENTION, Severity.HIGH, Cause.RELEASE_UNSETTLED, said[:1000]),
        now,
        Evidence(deployment=waiting.deployment),
    )
    if work.desk.take([finding], work.alerts, now).unfinished:
        raise ThrottledError("the incident could not be kept")


def _tell(
    work: Work,
    release: Release,
    which: str,
    category: Category,
    cause: Cause,
    reason: str,
    now: datetime,
    severity: Severity,
    done: str | None = None,
) -> None:
    finding = Finding(
        f"release:{release.execution}:{which}",
        _subject(release),
        Diagnosis(category, severity, cause, reason[:1000]),
        now,
        Evidence(deployment=release.service_deployment, done=done),
    )
    taken = work.desk.take([finding], work.alerts, now)
    if taken.unfinished and cause is Cause.RELEASED:
        work.logger.error("not told", service=release.service)  # it has passed all the same
    elif taken.unfinished:
        raise ThrottledError("the incident could not be kept")


def _subject(release: Release) -> Subject:
    return Subject(
        SubjectKind.SERVICE, release.name, release.cluster, release.task_definition.rpartition("/")[2] or None
    )
