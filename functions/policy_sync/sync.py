"""From the newest document to what is in force: read, judge, plan, apply, say what came of it.

The order makes a crash between any two calls harmless. Everything is read and judged before anything is written. Then
the compiled policy comes into force together with the note that schedules and rules are behind it, so that a schedule
never fires for a job that nobody knows; then those are made; then the note that it is done. Who finds the first note
without the last starts again, and the plan is what is still missing. An incident is noted before it is opened, and the
document's version only after, so whoever starts again opens the same one and knows which to close.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from breakwater.compiled import Compiled
from breakwater.errors import DocumentError, NotFoundError, Problem, ThrottledError
from breakwater.incidents import fingerprint
from breakwater.model import Finding
from breakwater.objects import StoredObject
from breakwater.policy import FILE, compile_policy, read_policy
from breakwater.redact import redact
from breakwater.routes import Routes, routes_of

from . import findings
from .applying import Applied, carry_out, said
from .decision import Plan, decide_plan
from .state import Document, Status, fits
from .wiring import Work

MOST_BYTES = 1_000_000


def synchronize(work: Work, owner: str, time_left: Callable[[], bool]) -> Document | None:
    """Bring the newest document into force, or reject it; `None` if there is none.

    Raises `ConflictError` while somebody else is at it, and `BreakwaterError` if nothing could be read or kept.
    """
    with work.state.lease(owner, work.now()):
        document, before = work.state.read()
        try:
            newest = work.newest()
        except NotFoundError:
            return None
        now = work.now()
        try:
            policy = _judged(newest, work.place.schedule_arn, before, now)
        except DocumentError as error:
            return _reject(work, document, newest.version, before, error, time_left)
        plan = _plan(work, policy, now)
        begun = replace(document, version=newest.version, status=Status.APPLYING, problems=(), behind=True)
        work.state.put_in_force(policy, begun, owner, now)
        return _apply(work, begun, plan, policy, time_left)


def _judged(newest: StoredObject, schedule_arn: str, before: Compiled, now: datetime) -> Compiled:
    """The compiled policy. Raises `DocumentError` naming everything that is wrong."""
    if newest.size > MOST_BYTES:
        raise DocumentError(FILE, (Problem(1, 1, "", f"{newest.size:,} bytes", f"at most {MOST_BYTES:,}"),))
    try:
        text = newest.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = newest.body.count(b"\n", 0, error.start) + 1
        raise DocumentError(FILE, (Problem(line, 1, "", "bytes that are not UTF-8", "text in UTF-8"),)) from None
    policy = compile_policy(read_policy(text), schedule_arn, before, now)
    size = fits(policy)
    if size:
        raise DocumentError(FILE, (Problem(1, 1, "", f"compiled it is {size:,} bytes", "at most 380,000"),))
    return policy


def _plan(work: Work, policy: Compiled, now: datetime) -> Plan:
    """What is missing for a policy, by what is there now."""
    wanted = routes_of(policy.jobs, policy.uploads, work.place, policy.scaling.windows)
    return decide_plan(wanted, Routes(tuple(work.schedules.all()), tuple(work.rules.all())), now)


def _apply(work: Work, begun: Document, plan: Plan, policy: Compiled, time_left: Callable[[], bool]) -> Document:
    """Make schedules and rules those of the policy, and say what could not be made."""
    applied = carry_out(plan, work.schedules, work.rules, time_left)
    _say(work, begun.version, applied)
    now = work.now()
    ended = replace(begun, changes=tuple(map(said, plan.steps)), checked=int(now.timestamp()))
    if applied.failed:
        finding = findings.unapplied(begun.version, applied.failed, now)
        unfinished = replace(ended, status=Status.UNFINISHED, problems=applied.failed)
        return _tell(work, begun, unfinished, finding, policy)
    work.desk.resolve(begun.incidents, "the newest document is in force", now)
    done = replace(ended, status=Status.APPLIED, incidents=(), behind=False)
    work.state.note(done, now)
    return done


def _reject(
    work: Work,
    document: Document,
    version: str,
    before: Compiled,
    error: DocumentError,
    time_left: Callable[[], bool],
) -> Document:
    """Tell people, and see to it that schedules and rules are those of the last good policy, which stays in force."""
    now = work.now()
    problems = tuple(redact(f"{error.name}:{problem}") for problem in error.problems)
    noted = document
    if (document.version, document.status) != (version, Status.REJECTED):
        finding = findings.rejected(version, problems, now)
        fate = replace(document, version=version, status=Status.REJECTED, problems=problems, changes=())
        noted = _tell(work, document, fate, finding, before)
    applied = carry_out(_plan(work, before, now), work.schedules, work.rules, time_left)
    _say(work, version, applied)
    last = replace(noted, behind=bool(applied.failed), checked=int(now.timestamp()))
    work.state.note(last, now)
    return last


def _tell(work: Work, document: Document, fate: Document, finding: Finding, policy: Compiled) -> Document:
    """Open the incident of a document's fate, close those of the documents before it, note the fate."""
    now = work.now()
    own = fingerprint(finding)
    earlier = tuple(id_ for id_ in document.incidents if id_ != own)
    work.state.note(replace(document, incidents=(*earlier, own)), now)
    taken = work.desk.take([finding], policy.alerts(), now)
    if taken.unfinished:
        raise ThrottledError("the incident could not be kept: it is tried again")
    if earlier:
        work.desk.resolve(earlier, "a newer document was pushed", now)
    last = replace(fate, incidents=(own,))
    work.state.note(last, now)
    return last


def _say(work: Work, version: str, applied: Applied) -> None:
    for change in applied.done:
        work.logger.info("applied", version=version, change=change)
    for problem in applied.failed:
        work.logger.error("not applied; the sweep tries again", version=version, problem=problem)
