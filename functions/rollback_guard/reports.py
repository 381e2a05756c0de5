"""What people are told, in their words: which revision, how bad, what was done or why not, what remains. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from breakwater.ledger import Ledger, Rollback, State
from breakwater.model import Category, Cause, Diagnosis, Evidence, Finding, Severity, Subject, SubjectKind

from .answers import Hold, HoldKind, RollBack
from .picture import Picture, short
from .records import Mark

ASK_FOR_ACT = "To have it done next time, let the rollback guard act: Mode=act and `mode: act` in the policy."


def code_still_names(bad: str) -> str:
    """Rule 9: what a rollback leaves undone."""
    return f"Your infrastructure code still names {short(bad)}: change it, or its next run deploys {short(bad)} again."


def rolled_back(service: str, rollback: Rollback, marks: Iterable[Mark], now: datetime) -> Finding:
    """ECS was asked to go back."""
    how = (
        "stopped the deployment with a rollback (StopServiceDeployment)"
        if rollback.stop
        else "deployed the last known good revision again (UpdateService)"
    )
    done = f"Breakwater {how}: {short(rollback.bad)} goes back to {short(rollback.to)}. Its outcome will be told."
    return _finding(
        service,
        rollback.bad,
        f"rollback:{rollback.fence}",
        Diagnosis(Category.DEPLOYMENT_ROLLED_BACK, Severity.HIGH, Cause.ROLLED_BACK, rollback.reason),
        marks,
        rollback.fence,
        now,
        done,
        rollback.remains,
    )


def would_roll_back(picture: Picture, decision: RollBack, marks: Iterable[Mark], now: datetime) -> Finding:
    """The mode is observe: said, and not done."""
    to = short(decision.to.revision)
    done = f"Nothing: the mode is observe. In act, Breakwater would have gone back to {to} ({decision.how})."
    return _finding(
        str(picture.service),
        decision.bad,
        f"would:{decision.fence}",
        Diagnosis(Category.DEPLOYMENT_FAILED, Severity.HIGH, Cause.WOULD_ROLL_BACK, decision.reason),
        marks,
        decision.fence,
        now,
        done,
        (f"Deploy {to} by hand if you agree.", *decision.caveats, ASK_FOR_ACT),
    )


_REMAINS: dict[HoldKind, str] = {
    HoldKind.WOULD_NOT_HELP: "Look at what both revisions share; another revision would fail the same way.",
    HoldKind.NO_TARGET: "Fix it forward, or deploy by hand a revision that you trust.",
    HoldKind.BUDGET: "Decide by hand; automatic rollbacks of this service go on when the 24 hours are over.",
    HoldKind.QUARANTINED: "Somebody deployed it again: settle with them whether that was meant.",
    HoldKind.TRIED: "See the incident about that rollback.",
    HoldKind.ROLLBACK_OF_ROLLBACK: "A person is needed: deploy by hand what you trust.",
    HoldKind.CONTROLLER: "Roll back where the deployment was started (CodeDeploy, or your own controller).",
    HoldKind.HALTED: "Roll back by hand, or release the kill switch (parameter RollbackKillSwitch, policy key halted).",
    HoldKind.STALE: "Nothing; the next look decides.",
    HoldKind.UNREADABLE: "Look at the service yourself, and at the permissions of the guard's role.",
}


def held(service: str, revision: str, deployment: str, hold: Hold, marks: Iterable[Mark], now: datetime) -> Finding:
    """The evidence is enough and nothing is done, or nothing could be read."""
    severity = Severity.MEDIUM if hold.kind is HoldKind.UNREADABLE else Severity.HIGH
    return _finding(
        service,
        revision,
        f"held:{deployment}:{hold.kind}",
        Diagnosis(Category.DEPLOYMENT_FAILED, severity, Cause.ROLLBACK_HELD, hold.reason),
        marks,
        deployment,
        now,
        "Nothing was changed: see the reason.",
        (_REMAINS[hold.kind],),
    )


def is_news(kind: HoldKind, ledger: Ledger, revision: str) -> bool:
    """Whether people hear that nothing is done, or the journal alone has it (docs/decisions/0046).

    Where going back would not help, or nothing else was ever known good, there is nothing to decide, and the failures
    have their own incidents already: a database that fails over under twelve services would be told twice as often.
    That our own rollback fails too, or was refused, is told as its outcome.
    """
    match kind:
        case HoldKind.WOULD_NOT_HELP | HoldKind.STALE | HoldKind.TRIED:
            return False
        case HoldKind.NO_TARGET:
            return any(good.revision != revision for good in ledger.known_good)
        case HoldKind.ROLLBACK_OF_ROLLBACK:
            return not any(past.to == revision and past.state is State.FAILED for past in ledger.rollbacks)
        case _:
            return True


def outcome(service: str, rollback: Rollback, helped: bool, what: str, marks: Iterable[Mark], now: datetime) -> Finding:
    """Rolled back and steady, or the rollback did not help."""
    to, bad = short(rollback.to), short(rollback.bad)
    if helped:
        reason = f"{service} was rolled back from {bad} to {to} and is steady: {what}."
        diagnosis = Diagnosis(Category.DEPLOYMENT_ROLLED_BACK, Severity.LOW, Cause.ROLLBACK_STEADY, reason)
        done = f"The rollback to {to} is complete."
        remains: tuple[str, ...] = (code_still_names(rollback.bad),)
    else:
        reason = f"{service} was rolled back from {bad} to {to}, and that did not help: {what}."
        diagnosis = Diagnosis(Category.DEPLOYMENT_ROLLED_BACK, Severity.HIGH, Cause.ROLLBACK_FAILED, reason)
        done = "Nothing more: a rollback is not rolled back."
        remains = ("A person is needed: look at what both revisions share.", code_still_names(rollback.bad))
    identity = f"outcome:{rollback.fence}:{diagnosis.cause}"
    return _finding(service, rollback.bad, identity, diagnosis, marks, rollback.fence, now, done, remains)


def silent(service: str, revision: str | None, desired: int, minutes: int, since: datetime, now: datetime) -> Finding:
    """It wants tasks and has none."""
    reason = f"Service {service} wants {desired} tasks and has had none running for {minutes} minutes or more."
    return _finding(
        service,
        revision or "",
        f"silent:{since.isoformat()}",
        Diagnosis(Category.SERVICE_IMPAIRED, Severity.HIGH, Cause.NOT_RUNNING, reason),
        (),
        "",
        now,
        "Nothing: silence tells no cause.",
        (),
    )


def _finding(
    service: str,
    revision: str,
    identity: str,
    diagnosis: Diagnosis,
    marks: Iterable[Mark],
    deployment: str,
    now: datetime,
    done: str,
    remains: tuple[str, ...],
) -> Finding:
    """The newest stop of the deployment speaks for it: its task has the log that people want to read."""
    cluster, _, name = service.partition("/")
    own = [mark for mark in marks if mark.deployment == deployment]
    newest = max(own, key=lambda mark: mark.at, default=None)
    evidence = Evidence(
        task_arn=newest.task if newest else None,
        task_definition=newest.revision if newest else None,
        deployment=deployment or None,
        stopped_reason=newest.reason if newest else None,
        done=done,
        remains=remains,
    )
    return Finding(
        f"rollback_guard:{service}:{identity}",
        Subject(SubjectKind.SERVICE, name, cluster, short(revision) or None),
        replace(diagnosis, container=newest.container if newest else None),
        now,
        evidence,
    )
