"""The work at a hook: HTTP checks, tasks of the new revision, and looks at both sides' metrics.

HTTP checks are tried in here until each is decided; a task is begun here and its end waited for as any other event.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from breakwater.aws import translated_errors
from breakwater.checks import (
    Attempt,
    CheckResult,
    Comparison,
    HttpCheck,
    Inconclusive,
    TaskCheck,
    TaskEnd,
    Try,
    Verdict,
    compare,
    judge_task,
    next_attempt,
    verdict_of,
)
from breakwater.checks.spec import MetricAnalysis
from breakwater.errors import BreakwaterError, ThrottledError
from breakwater.http_probe import Probe
from breakwater.listeners import balancer_dimension
from breakwater.model import Cause
from breakwater.preflight_facts import ServiceFacts
from breakwater.preflight_roads import aimed
from breakwater.preflight_tasks import PARAMETER
from breakwater.reach import reach_of
from breakwater.redact import redact
from breakwater.release_policy import ReleasePolicy, looks_planned
from breakwater.rendezvous_events import CHECK_GROUP
from breakwater.sample_windows import starts_of
from breakwater.secret_headers import read_secret
from breakwater.target_metrics import read_sides

from .analysis import ShiftDecision, decide_shift_analysis
from .record import CheckTask, Looks, Release, Stage
from .wiring import Work

STARTED_BY = "breakwater/check/"
"""What begins with `breakwater/` is not alerted of task by task: who started it says what became of it."""
TAG = "breakwater:check"
"""The tag of a check's task, with the stack's name: IAM lets the function stop what carries it, and no other task."""
LONGEST_MS = 720_000
"""So long all HTTP checks may take together: the invocation ends after 900 s, and an attempt may take 60."""
TIME_IS_UP = "the check's time is up"
GOES_BACK, HANDED_OVER = "the release goes back", "the release is handed over"
SEEN_WITHIN = timedelta(minutes=10)
"""ECS is eventually consistent: so long after RunTask a task that it does not show is not missing."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Tasks still run: come again when one ends, or after so many seconds."""

    tasks: tuple[CheckTask, ...]
    seconds: int
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """Every check is decided."""

    tasks: tuple[CheckTask, ...]
    results: tuple[CheckResult, ...]
    verdict: Verdict


def checked(release: Release, policy: ReleasePolicy, at: str, work: Work, now: datetime) -> Pending | Done:
    """Run the checks of a policy at one place."""
    facts = work.sight.standing(release.cluster, release.name).facts
    wanted = [check for check in policy.checks if isinstance(check, TaskCheck)]
    tasks, waiting, results = _tasks(release, wanted, facts, at, work, now)
    if waiting:
        left = min(one.began_at + timedelta(seconds=check.timeout_seconds) for check, one in waiting) - now
        names = ", ".join(check.name for check, _ in waiting)
        return Pending(tasks, max(1, int(left.total_seconds()) + 1), f"tasks run for {names}")
    requests = [aimed(check, facts) for check in policy.checks if isinstance(check, HttpCheck)]
    if requests:
        results += _requests(requests, _probe(facts, policy, work), work)
    return Done(tasks, tuple(results), verdict_of(results))


# ── HTTP ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _probe(facts: ServiceFacts, policy: ReleasePolicy, work: Work) -> Probe:
    reach = reach_of(work.client, facts, policy)
    secret = partial(read_secret, lambda: work.client("secretsmanager"))
    return Probe(reach.allowed, reach.origins, secret, work.probe, reach.astray)


def _requests(checks: Sequence[HttpCheck], probe: Probe, work: Work) -> list[CheckResult]:
    """Try each check until it is decided, all of them side by side. What is open when the time is up stays open: it
    would be killed with its invocation, and tried again from the beginning."""
    began = work.now()
    attempts: dict[str, list[Attempt]] = {check.name: [] for check in checks}
    results: dict[str, CheckResult] = {}
    while len(results) < len(checks):
        due: list[int] = []
        for check in checks:
            if check.name in results:
                continue
            since = _since(began, work.now())
            if since >= LONGEST_MS:
                late = Inconclusive(f"all checks together took longer than {LONGEST_MS // 60_000} minutes")
                results[check.name] = CheckResult(check.name, late, tuple(attempts[check.name]))
                continue
            step = next_attempt(check.name, check.sample, attempts[check.name], since)
            if isinstance(step, Try) and step.at_ms <= since:
                attempts[check.name].append(probe.attempt(check, since))
                step = next_attempt(check.name, check.sample, attempts[check.name], _since(began, work.now()))
            if isinstance(step, Try):
                due.append(step.at_ms)
            else:
                results[check.name] = step.result
        if due:
            work.sleep(max(0.05, (min(due) - _since(began, work.now())) / 1000))
    return [results[check.name] for check in checks]


def _since(began: datetime, now: datetime) -> int:
    return round((now - began).total_seconds() * 1000)


# ── tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _tasks(
    release: Release, checks: Sequence[TaskCheck], facts: ServiceFacts, at: str, work: Work, now: datetime
) -> tuple[tuple[CheckTask, ...], list[tuple[TaskCheck, CheckTask]], list[CheckResult]]:
    """Begin what has not begun, look at what has; those that still run, and the results of the others."""
    known = {(one.check, one.at): one for one in release.tasks}
    waiting: list[tuple[TaskCheck, CheckTask]] = []
    results: list[CheckResult] = []
    for check in checks:
        task = known.get((check.name, at))
        if task is None:  # its event tells how it ended, or its time is up: it is not to be seen at once
            task = _run(release, check, facts, at, work, now)
        elif task.end is None:
            task = replace(task, end=_end(release, check, task, work, now))
        known[check.name, at] = task
        if task.end is None:
            waiting.append((check, task))
        else:
            results.append(judge_task(check, task.end))
    return tuple(known.values()), waiting, results


def _run(release: Release, check: TaskCheck, facts: ServiceFacts, at: str, work: Work, now: datetime) -> CheckTask:
    """RunTask of the new revision where the service itself runs. The client token makes it one task however often
    this is tried (ECS keeps tokens for a day). Raises `ThrottledError`: then the machine tries it again."""
    digest = hashlib.sha256(f"{release.execution}:{at}:{check.name}".encode()).hexdigest()
    container = {"name": check.container, "command": list(check.command)} if check.command else None
    begun = CheckTask(check.name, at, now)
    try:
        if container is not None and check.container is None:
            container["name"] = _essential(release.task_definition, work)
        with translated_errors(f"run the task of the check {check.name}"):
            answer = work.client("ecs").run_task(
                cluster=release.cluster,
                taskDefinition=release.task_definition,
                count=1,
                clientToken=digest[:64],
                startedBy=f"{STARTED_BY}{digest[:12]}",
                group=f"{CHECK_GROUP}:{release.service}",
                tags=[{"key": TAG, "value": work.stack}],
                **_placed(facts, release, work),
                **({"overrides": {"containerOverrides": [container]}} if container else {}),
            )
    except ThrottledError:
        raise
    except BreakwaterError as error:
        return replace(begun, end=_refused(check, str(error)))
    if answer.get("tasks"):
        return replace(begun, arn=str(answer["tasks"][0]["taskArn"]))
    reasons = ", ".join(str(one.get("reason")) for one in answer.get("failures") or [])
    return replace(begun, end=_refused(check, reasons or "ECS started no task"))


def _refused(check: TaskCheck, why: str) -> TaskEnd:
    if "AccessDenied" in why:
        why = f"does the stack's parameter {PARAMETER} name the roles of this revision? {why}"
    return TaskEnd(refused=redact(why, check.command)[:500])


def _placed(facts: ServiceFacts, release: Release, work: Work) -> dict[str, Any]:
    """Where the service's own tasks run: launch type and network."""
    with translated_errors(f"describe service {release.service}"):
        answer = work.client("ecs").describe_services(cluster=release.cluster, services=[release.name])
    raw = answer["services"][0]
    placed = {name: raw[name] for name in ("networkConfiguration", "platformVersion") if raw.get(name)}
    if raw.get("capacityProviderStrategy"):
        return {**placed, "capacityProviderStrategy": raw["capacityProviderStrategy"]}
    return {**placed, "launchType": facts.launch_type}


def _essential(definition: str, work: Work) -> str:
    with translated_errors(f"describe task definition {definition.rpartition('/')[2]}"):
        raw = work.client("ecs").describe_task_definition(taskDefinition=definition)["taskDefinition"]
    return str(next(one["name"] for one in raw["containerDefinitions"] if one.get("essential", True)))


def _end(release: Release, check: TaskCheck, task: CheckTask, work: Work, now: datetime) -> TaskEnd | None:
    """How a task ended; `None` while it runs and has time left."""
    with translated_errors(f"describe the task of the check {check.name}"):
        answer = work.client("ecs").describe_tasks(cluster=release.cluster, tasks=[task.arn])
    found = answer.get("tasks") or []
    if not found and now < task.began_at + SEEN_WITHIN:
        return None
    if not found:
        return TaskEnd(refused="ECS does not know the task any more")
    raw = found[0]
    if raw.get("stoppedReason") == TIME_IS_UP:  # an invocation that was killed after it had stopped the task
        return TaskEnd(overdue=True)
    if raw.get("lastStatus") == "STOPPED":
        return task_end(raw, check)
    if now < task.began_at + timedelta(seconds=check.timeout_seconds):
        return None
    with translated_errors(f"stop the task of the check {check.name}"):
        work.client("ecs").stop_task(cluster=release.cluster, task=task.arn, reason=TIME_IS_UP)
    return TaskEnd(overdue=True)


def stopped(release: Release, work: Work) -> Release:
    """With the tasks of its checks stopped that still run: it goes on no more, and nobody waits for them.

    What cannot be stopped holds nothing up, and is tried again at the next look.
    """
    tasks = tuple(replace(task, end=_stopped(release, task, work)) for task in release.tasks)
    return replace(release, tasks=tasks)


def _stopped(release: Release, task: CheckTask, work: Work) -> TaskEnd | None:
    if task.end is not None or not task.arn:
        return task.end
    reason = HANDED_OVER if release.stage is Stage.HANDED_OVER else GOES_BACK
    try:
        with translated_errors(f"stop the task of the check {task.check}"):
            work.client("ecs").stop_task(cluster=release.cluster, task=task.arn, reason=reason)
    except BreakwaterError as error:
        work.logger.warning("the task of a check was not stopped", problem=str(error), check=task.check)
        return None
    return TaskEnd(cause=Cause.USER_STOP, detail=reason)


def task_end(raw: dict[str, Any], check: TaskCheck) -> TaskEnd:
    """What the end of a task says, read by the diagnosis that reads its event."""
    from breakwater.diagnosis import Facts, diagnose
    from breakwater.events import parse_arn, read

    containers = raw.get("containers") or []
    counted = [one for one in containers if check.container in (None, one.get("name"))]
    code = next((one["exitCode"] for one in counted if "exitCode" in one), None)
    home, at = parse_arn(str(raw["taskArn"])), raw.get("stoppedAt") or raw["createdAt"]
    account, region = (home.account, home.region) if home else ("", "")
    said = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in raw.items()}
    event = {
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "account": account,
        "region": region,
        "time": at.isoformat(),
        "detail": said,
    }
    diagnosis = diagnose(read(event), Facts(now=at, account=account, region=region))
    detail = redact(str(raw.get("stoppedReason") or ""), check.command)[:500]
    return TaskEnd(exit_code=code, cause=diagnosis.cause, detail=detail)


# ── metrics ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def analysed(
    release: Release, policy: ReleasePolicy, looks: Looks, work: Work, now: datetime
) -> tuple[ShiftDecision, Verdict]:
    """One look, and what it is decided by. What cannot be read is no answer: another look, and in the end a person."""
    analysis = policy.analysis or MetricAnalysis()
    try:
        verdict = _compared(release, analysis, looks, work, now)
    except BreakwaterError as error:
        verdict = Inconclusive(f"the metrics could not be read: {error}")
    return decide_shift_analysis(verdict, looks.count, analysis.window_minutes), verdict


def _compared(release: Release, analysis: MetricAnalysis, looks: Looks, work: Work, now: datetime) -> Verdict:
    facts = work.sight.standing(release.cluster, release.name).facts
    green, blue = sides(release, work.sight.weights(facts), facts)
    balancer = balancer_dimension(lambda: work.client("elbv2"), green)
    starts = starts_of(facts, looks.since, timedelta(minutes=analysis.window_minutes))
    windows = {green: starts.green, blue: starts.blue}
    both = read_sides(lambda: work.client("cloudwatch"), balancer, windows, analysis.quantiles, now)
    return compare(analysis, Comparison(both[green], both[blue], looks.count, looks_planned(facts.steps))).verdict


def sides(release: Release, weights: dict[str, dict[str, int]], facts: ServiceFacts) -> tuple[str, str]:
    """The target groups of the new and of the old side: the old one had the traffic before.

    Raises `BreakwaterError` if that was not seen, as in a deployment that is attended late.
    """
    before: dict[str, dict[str, int]] = {}
    for share in release.before.shares if release.before else ():
        before.setdefault(share.rule, {})[share.group] = share.weight
    for binding in facts.bindings:
        had = before.get(binding.production_rule or "", {})
        old = [group for group in binding.target_groups if had.get(group)]
        new = [group for group in binding.target_groups if group not in old]
        if len(old) == len(new) == 1:
            return new[0], old[0]
    raise BreakwaterError("which target group belongs to the new revision is not known")
