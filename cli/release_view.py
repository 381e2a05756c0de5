"""What a person sees of a release: its steps, how far each has come, and who is asked. Pure: history in, view out.

The history is the record that the machine writes before each thing it does. What ECS says of the deployment now only
makes it livelier: a view without it is behind by one event at most.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from release.record import Line, Release, Stage

RUNNING = "RUNNING"
RELEASED = frozenset({"Released", "Rehearsed"})
_ROLLING_BACK = ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


class Step(StrEnum):
    """The steps, in their order."""

    PREFLIGHT = "preflight"
    LEASE = "lease"
    DEPLOY = "deploy"
    CHECKS = "checks"
    SHIFT = "shift"
    BAKE = "bake"
    RETURN = "return"
    VERIFY = "verify"


SHIFTING = (Step.PREFLIGHT, Step.LEASE, Step.DEPLOY, Step.CHECKS, Step.SHIFT, Step.BAKE, Step.VERIFY)
ROLLING = (Step.PREFLIGHT, Step.LEASE, Step.DEPLOY, Step.CHECKS, Step.VERIFY)
_AT = {
    "TEST_TRAFFIC_SHIFT": Step.CHECKS,
    "POST_TEST_TRAFFIC_SHIFT": Step.CHECKS,
    "PRE_PRODUCTION_TRAFFIC_SHIFT": Step.SHIFT,
    "PRODUCTION_TRAFFIC_SHIFT": Step.SHIFT,
    "POST_PRODUCTION_TRAFFIC_SHIFT": Step.SHIFT,
    "BAKE_TIME": Step.BAKE,
    "CLEAN_UP": Step.VERIFY,
}
_AFTER = {  # a hook that was continued leads there
    "POST_TEST_TRAFFIC_SHIFT": Step.SHIFT,
    "PRE_PRODUCTION_TRAFFIC_SHIFT": Step.SHIFT,
    "POST_PRODUCTION_TRAFFIC_SHIFT": Step.BAKE,
}


class How(StrEnum):
    """How far a step has come."""

    AHEAD = "ahead"
    DOING = "doing"
    ASKING = "asking"
    DONE = "done"
    FAILED = "failed"
    NOT_DONE = "not done"


@dataclass(frozen=True, slots=True)
class Row:
    """One step."""

    step: Step
    how: How
    note: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """The service deployment as ECS has it: status, lifecycle stage, percent of production traffic, tasks."""

    status: str
    stage: str | None = None
    weight: float | None = None
    running: int = 0
    requested: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is read of a release: the execution, its record, and its deployment if that may be read."""

    execution: str
    status: str
    started_at: datetime
    service: str
    stopped_at: datetime | None = None
    error: str = ""
    cause: str = ""
    release: Release | None = None
    now: Now | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person is asked, and until when."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended. `good` also for a rehearsal."""

    good: bool
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class View:
    """What is shown. `lines` is what happened so far, `live` what ECS adds to it."""

    execution: str
    service: str
    title: str
    started_at: datetime
    rows: tuple[Row, ...]
    lines: tuple[Line, ...]
    live: str
    asked: Asked | None
    result: Result | None
    stopped_at: datetime | None = None

    @property
    def name(self) -> str:
        """The execution's own name: what one types."""
        return self.execution.rpartition(":")[2]


def view_of(seen: Seen) -> View:
    """From what is read to what is shown."""
    release = seen.release
    result = _result(seen)
    question = release.question if release is not None and result is None else None
    return View(
        execution=seen.execution,
        service=release.service or seen.service if release is not None else seen.service,
        title=_title(release),
        started_at=seen.started_at,
        rows=tuple(_rows(seen, result)),
        lines=release.lines if release is not None else (),
        live=_live(seen.now) if result is None else "",
        asked=Asked(question.reason, question.until) if question is not None else None,
        result=result,
        stopped_at=seen.stopped_at,
    )


def _title(release: Release | None) -> str:
    if release is None or not release.task_definition:
        return ""
    new = release.task_definition.rpartition("/")[2]
    old = release.before.task_definition.rpartition("/")[2] if release.before is not None else ""
    how = release.strategy.lower().replace("_", "/")
    return ", ".join([f"{old} → {new}" if old else new, how, *(["begun by another"] if release.attended else [])])


def _result(seen: Seen) -> Result | None:
    """How it ended, by the execution; the record of a release that nobody closed says it as well."""
    ending = seen.release.ending if seen.release is not None else None
    if seen.status == RUNNING:
        return None
    if seen.status == "SUCCEEDED":
        outcome, reason = (ending.error, ending.cause) if ending is not None else ("Released", "")
        return Result(outcome in RELEASED, outcome, reason)
    error = seen.error or (ending.error if ending is not None else seen.status)
    why = seen.cause or (ending.cause if ending is not None else f"its execution is {seen.status}")
    return Result(False, error, why)


# ── the steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _rows(seen: Seen, result: Result | None) -> Iterator[Row]:
    release = seen.release
    steps = _steps(release)
    if release is None or release.stage in (Stage.TURNED, Stage.REHEARSED):
        yield _first(release, result)
        yield from (Row(step, How.AHEAD if result is None else How.NOT_DONE) for step in steps[1:])
        return
    good = result is not None and result.good
    reached = len(steps) if good else steps.index(_reached(release, seen.now, steps))
    failed = _failed(release, result)
    for place, step in enumerate(steps):
        note, at = _note(step, release)
        if step is Step.RETURN:
            yield _returning(release, seen, result)
        elif place < reached or (good and place <= reached):
            yield Row(step, How.DONE if note or step is not Step.CHECKS else How.NOT_DONE, note, at)
        elif step is Step.VERIFY and failed:
            yield _verified(release, result)
        elif place > reached:
            yield Row(step, How.NOT_DONE if failed else How.AHEAD)
        elif failed:
            yield Row(step, How.FAILED, release.why or (result.reason if result is not None else ""), at)
        elif release.question is not None:
            yield Row(step, How.ASKING, release.question.reason, release.question.since)
        else:
            live = _live(seen.now) if step is not Step.VERIFY else _cleaning(seen.now)
            yield Row(step, How.DOING, "; ".join(part for part in (live, note) if part), at)


def _steps(release: Release | None) -> tuple[Step, ...]:
    steps = ROLLING if release is not None and release.strategy == "ROLLING" else SHIFTING
    if release is None or not _goes_back(release):
        return steps
    return (*steps[:-1], Step.RETURN, Step.VERIFY)


def _goes_back(release: Release) -> bool:
    returned = release.ending is not None and release.ending.error in ("Returned", "NotReturned")
    return returned or release.stage is Stage.RETURNING or any(line.what == "back" for line in release.lines)


def _first(release: Release | None, result: Result | None) -> Row:
    """The first step, while it is all there is."""
    line = release.lines[0] if release is not None and release.lines else None
    if result is None and line is None:
        return Row(Step.PREFLIGHT, How.DOING)
    good = release is not None and release.stage is Stage.REHEARSED
    reason = line.reason if line is not None else (result.reason if result is not None else "")
    return Row(Step.PREFLIGHT, How.DONE if good else How.FAILED, reason, line.at if line is not None else None)


def _failed(release: Release, result: Result | None) -> bool:
    return bool(result is not None and not result.good) or _goes_back(release) or release.stage is Stage.HANDED_OVER


def _reached(release: Release, now: Now | None, steps: tuple[Step, ...]) -> Step:
    """The step that it is at, or that failed: the furthest of what the history and ECS tell."""
    found = [Step.DEPLOY, *_told_by(release.lines)]
    if release.progress is not None:
        status, stage, *_ = [*release.progress.at.split(" "), "", ""]
        found.append(_at(status, stage))
    if now is not None and not _goes_back(release):
        found.append(_at(now.status, now.stage or ""))
    if release.settle_until is not None and not _goes_back(release):
        found.append(Step.VERIFY)
    if release.strategy == "ROLLING":
        found = [_rolling(step, release) for step in found]
    if release.ending is not None and release.ending.error == "NotVerified":
        found.append(Step.VERIFY)
    return max(found, key=steps.index)


def _told_by(lines: Iterable[Line]) -> Iterator[Step]:
    """The steps that the history tells of, up to where it failed."""
    for line in lines:
        if line.what in ("failed", "back", "handed over"):
            return
        if line.what.startswith("check"):
            yield Step.CHECKS
        elif line.what.startswith("look "):
            yield Step.SHIFT
        elif line.what.startswith("CONTINUE at "):
            yield _AFTER.get(line.what.removeprefix("CONTINUE at "), Step.DEPLOY)


def _at(status: str, stage: str) -> Step:
    return Step.VERIFY if status == "SUCCESSFUL" else _AT.get(stage, Step.DEPLOY)


def _rolling(step: Step, release: Release) -> Step:
    """A rolling service is checked when it is through."""
    if step is Step.VERIFY:
        return Step.VERIFY if release.judged or release.settle_until is not None else Step.CHECKS
    return step if step in ROLLING else Step.DEPLOY


def _note(step: Step, release: Release) -> tuple[str, datetime | None]:
    """What the history says of a step."""
    lines = release.lines
    match step:
        case Step.PREFLIGHT:
            return _last(line for line in lines if line.what == "begun")
        case Step.LEASE:
            return ("nobody else changes the service", release.began_at) if release.token else ("", None)
        case Step.DEPLOY if release.attended:
            return "begun by another", None
        case Step.DEPLOY:
            return _last(line for line in lines if line.what == "deploy")
        case Step.CHECKS:
            checks = {line.what: line for line in lines if line.what.startswith("check")}
            if "checks" in checks and len(checks) > 1:
                checks.pop("checks")  # that its tasks run is old news once they have ended
            told = [f"{what[6:]}: {line.reason}" if what[6:] else line.reason for what, line in checks.items()]
            approved, _ = _last(_approvals(lines, "check"))
            return "; ".join([approved] if approved else told), max((line.at for line in checks.values()), default=None)
        case Step.SHIFT:
            approved, at = _last(_approvals(lines, "look "))
            return (approved, at) if approved else _last(line for line in lines if line.what.startswith("look "))
        case Step.VERIFY:
            return _last(line for line in lines if line.what == "released")
    return "", None


def _approvals(lines: Iterable[Line], about: str) -> Iterator[Line]:
    """The words of people that let it go on, after checks or after looks at the metrics."""
    examined = ""
    for line in lines:
        if line.what.startswith(("check", "look ")):
            examined = line.what
        elif line.what == "go on" and line.reason.startswith("approved by ") and examined.startswith(about):
            yield line


def _last(lines: Iterator[Line]) -> tuple[str, datetime | None]:
    found = list(lines)
    return (found[-1].reason, found[-1].at) if found else ("", None)


def _returning(release: Release, seen: Seen, result: Result | None) -> Row:
    note, at = _last(line for line in release.lines if line.what == "back")
    note = note.removeprefix(f"{release.why}; ")
    if result is None:
        live = f"{seen.now.status}, {_live(seen.now)}" if seen.now is not None else ""
        return Row(Step.RETURN, How.DOING, "; ".join(part for part in (live, note) if part), at)
    return Row(Step.RETURN, How.DONE if result.outcome == "Returned" else How.FAILED, note, at)


def _verified(release: Release, result: Result | None) -> Row:
    """Verifying what came of a failure."""
    if result is None:
        return Row(Step.VERIFY, How.AHEAD)
    if not _goes_back(release) and result.outcome != "NotVerified":
        return Row(Step.VERIFY, How.NOT_DONE)
    note = result.reason.removeprefix(f"{release.why}; ")
    ended = release.lines[-1].at if release.lines else None
    return Row(Step.VERIFY, How.DONE if result.outcome == "Returned" else How.FAILED, note, ended)


def _cleaning(now: Now | None) -> str:
    return "ECS takes the old tasks away" if now is not None and now.stage == "CLEAN_UP" else ""


def _live(now: Now | None) -> str:
    """What ECS says of it at this moment."""
    if now is None:
        return ""
    if now.status in _ROLLING_BACK or now.weight:
        return f"{now.weight or 0:g} % of the production traffic"
    return f"{now.running} of {now.requested} tasks of the new revision run" if now.requested else ""
