"""The native Lambda hook: ECS calls at each lifecycle stage and does what is answered.

Arrives: the payload of a lifecycle hook. Decided: `decide_hook` and `decide_answer`. Answered: SUCCEEDED, FAILED, or
IN_PROGRESS with the seconds until the next call and what is to be remembered until then. An exception would be a FAILED
without a reason, so what goes wrong in here becomes a verdict: inconclusive.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from breakwater.attending import Direction
from breakwater.checks import CheckResult, HttpCheck, Inconclusive, TaskCheck, Try, Verdict, next_attempt, verdict_of
from breakwater.checks.results import Failed, Passed
from breakwater.errors import BreakwaterError
from breakwater.events import parse_arn
from breakwater.preflight import Warn, refused
from breakwater.release_policy import MOST_LOOKS
from breakwater.rendezvous import Word

from .decision import Do, Fail, Later, Succeed, Work, decide_answer, decide_asked, decide_hook
from .memory import Memory, kept, remembered
from .payload import HookCall, Unusable, read_call
from .wiring import Means, wiring

Answer = Succeed | Fail | Later

ENOUGH = timedelta(minutes=5)
"""After so long a call begins no further attempt: the invocation ends after ten minutes, and the next call goes on."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer one call of a lifecycle hook."""
    return respond(event, context, wiring())


def respond(event: object, context: Any, means: Means) -> dict[str, Any]:
    """Read the call, decide, do the work it asks for, journal what is final, answer in the words of ECS."""
    now = means.now()
    call = read_call(event)
    answer = _answer(call, context, means, now)
    details = call.details if isinstance(call, HookCall) else {}
    if isinstance(call, HookCall):
        answer = _told(call, answer, means, now)
    stage = call.stage if isinstance(call, HookCall) else None
    means.logger.info("hook answered", answer=type(answer).__name__, stage=stage, reason=answer.reason)
    match answer:
        case Succeed():
            return {"hookStatus": "SUCCEEDED"}
        case Fail():
            return {"hookStatus": "FAILED"}
        case Later(seconds=seconds, memory=memory):
            return {"hookStatus": "IN_PROGRESS", "callBackDelay": seconds, "hookDetails": kept(details, memory)}
        case _:
            assert_never(answer)


def _told(call: HookCall, answer: Answer, means: Means, now: datetime) -> Answer:
    """Ask the person, or journal what is final and resolve what was asked. None may cost the deployment its answer."""
    try:
        if not isinstance(answer, Later):
            means.journal(call, "hook succeeded" if isinstance(answer, Succeed) else "hook failed", answer.reason, now)
            if remembered(call.details, call.stage, now).asked is not None:
                means.answered(call, answer.reason, now)
        elif answer.ask:
            means.ask(call, answer.reason, now)
    except BreakwaterError as error:
        means.logger.error("could not be told", problem=str(error), reason=answer.reason)
        if isinstance(answer, Later) and answer.ask:  # nobody was asked, so the next call asks
            return replace(answer, memory=replace(answer.memory, asked=None))
    return answer


def _word(call: HookCall, means: Means) -> Word | None:
    """What a person said, as far as it can be read just now."""
    try:
        return means.word(call.deployment)
    except BreakwaterError as error:
        means.logger.warning("approvals could not be read", problem=str(error))
        return None


def _answer(call: HookCall | Unusable, context: Any, means: Means, now: datetime) -> Answer:
    home = parse_arn(context.invoked_function_arn)
    account, region = (home.account, home.region) if home else ("", "")
    ours = isinstance(call, HookCall) and (call.account, call.region) == (account, region)
    policy = means.policy(call.cluster, call.service) if isinstance(call, HookCall) else means.policy("", "")
    direction = means.direction(call.deployment) if isinstance(call, HookCall) and ours else Direction.UNKNOWN
    decision = decide_hook(call, direction, policy, account=account, region=region)
    if not isinstance(decision, Do) or isinstance(call, Unusable):
        return Fail("there is nothing to work on") if isinstance(decision, Do) else decision
    memory = remembered(call.details, call.stage, now)
    if memory.asked is not None:
        return decide_asked(memory, policy, now, _word(call, means))
    try:
        done = _done(decision.work, call, memory, means, context, now)
    except BreakwaterError as error:
        done = Inconclusive(f"the check could not be made: {error}")
    if isinstance(done, Later):
        return done
    return decide_answer(done, memory, policy, now, _word(call, means))


def _done(work: Work, call: HookCall, memory: Memory, means: Means, context: Any, now: datetime) -> Verdict | Later:
    match work:
        case Work.PREFLIGHT:
            return _preflight(call, means, str(context.invoked_function_arn))
        case Work.CHECKS:
            return _checks(call, memory, means, now)
        case Work.ANALYSIS:
            return _analysis(call, memory, means, now)
        case _:
            assert_never(work)


def _preflight(call: HookCall, means: Means, ourselves: str) -> Verdict:
    """The deployment is under way, so what only matters before it began is left out by `means`."""
    findings = means.preflight(call, ourselves)
    against = refused(findings)
    if against:
        return Failed("; ".join(finding.reason for finding in against[:3]), {"refused": len(against)})
    warned = sum(isinstance(finding, Warn) for finding in findings)
    return Passed(f"{len(findings) - warned} preflight checks passed, {warned} warn")


def _checks(call: HookCall, memory: Memory, means: Means, now: datetime) -> Verdict | Later:
    """Make one attempt of each check that is not decided, then say when to come again, or the verdict."""
    probe = means.probe(call)
    since = round((now - memory.began).total_seconds() * 1000)
    attempts, results, waits = dict(memory.attempts), [], []
    for check in means.policy(call.cluster, call.service).checks:
        if isinstance(check, TaskCheck):
            results.append(CheckResult(check.name, Inconclusive("a Lambda hook runs no tasks: use a PAUSE hook")))
            continue
        step = _step(check, attempts, since)
        if isinstance(step, Try) and step.at_ms <= since and means.now() - now < ENOUGH:
            made = probe.attempt(check, since)
            attempts[check.name] = (*attempts.get(check.name, ()), made)
            step = _step(check, attempts, since)
        if isinstance(step, Try):
            waits.append(step.at_ms - since)
        else:
            results.append(step.result)
    if not waits:
        return verdict_of(results)
    if any(isinstance(result.verdict, Failed) for result in results):
        return verdict_of(results)  # nothing that is still open can make it pass
    seconds = max(1, -(-min(waits) // 1000))
    return Later(seconds, replace(memory, attempts=attempts), f"{len(waits)} checks are not decided yet")


def _step(check: HttpCheck, attempts: Mapping[str, Any], since: int) -> Any:
    return next_attempt(check.name, check.sample, attempts.get(check.name, ()), since)


def _analysis(call: HookCall, memory: Memory, means: Means, now: datetime) -> Verdict | Later:
    """One look at both sides; where it is too early to judge, another one a window later, at most five."""
    looks = memory.looks + 1
    seen = means.compare(call, looks, memory.began, now)
    if isinstance(seen.verdict, Inconclusive) and looks < MOST_LOOKS:
        reason = f"look {looks} of {MOST_LOOKS}: {seen.verdict.reason}"
        return Later(seen.window_minutes * 60, replace(memory, looks=looks), reason)
    return seen.verdict
