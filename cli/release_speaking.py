"""A person's word, from the command line to the release that waits: kept in the table first, then told."""

from dataclasses import dataclass
from typing import assert_never

from breakwater.errors import BreakwaterError
from breakwater.rendezvous import Kind, Message
from cli.release_account import AbsentError, Account
from cli.release_target import ByDeployment, Target
from cli.release_words import Decline, Give, TooEarly, decide_word, said_before, word_of
from release.record import Release

LOOKS = 6
BETWEEN = 5.0
_UNDER_WAY = ("PENDING", "IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a word. `trouble` is what went wrong after it was kept."""

    word: str
    kept: bool
    told: str
    service: str = ""
    execution: str = ""
    deployment: str = ""
    by: str = ""
    trouble: str = ""

    def data(self) -> dict[str, object]:
        """The same for programs."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def speak(kind: Kind, target: Target, why: str, account: Account) -> Said:
    """Give a word to the release that is meant. Raises `BreakwaterError`, then nothing was kept.

    A deployment that no release attends may be held by the native Lambda hook: it reads the word at ECS's next call.
    """
    deployment = target.deployment if isinstance(target, ByDeployment) else None
    execution = _execution(target, account)
    found = account.record(execution) if execution is not None else None
    if found is None or execution is None:
        if deployment is not None:
            return _to_hook(kind, deployment, why, account)
        if execution is None or account.described(execution) is None:
            raise AbsentError(f"there is no release {str(execution).rpartition(':')[2]}")
        return Said(str(kind), False, "too early: the release is not admitted yet", execution=execution)
    for look in range(LOOKS):
        decision = decide_word(kind, found, account.now(), deployment=deployment)
        match decision:
            case Give():
                return _given(kind, decision, found, why, account)
            case Decline(reason=reason):
                return Said(str(kind), False, reason, found.service, execution)
            case TooEarly(reason=reason) if look == LOOKS - 1:
                return Said(str(kind), False, f"{reason}; say it again in a moment", found.service, execution)
            case TooEarly():
                account.sleep(BETWEEN)
                found = account.record(execution) or found
            case _:
                assert_never(decision)
    raise AssertionError("the last look answers")


def _execution(target: Target, account: Account) -> str | None:
    try:
        return account.execution_of(target)
    except AbsentError:
        if isinstance(target, ByDeployment):
            return None
        raise


def _given(kind: Kind, decision: Give, found: Release, why: str, account: Account) -> Said:
    word = word_of(kind, decision, account.caller(), why)
    prior = account.give(decision.deployment, word, decision.asked)
    # Who said it first may not have come as far as telling it: telling it twice changes nothing.
    trouble = _trouble(account, found.service, (prior or word).message(decision.deployment))
    where = (found.service, found.execution, decision.deployment, word.by, trouble)
    if prior is not None:
        return Said(str(kind), False, said_before(kind, prior), *where)
    return Said(str(kind), True, decision.reason, *where)


def _trouble(account: Account, service: str, message: Message) -> str:
    try:
        account.tell(service, message)
    except BreakwaterError as error:
        return f"it is kept, but could not be handed over ({error}); the sweep does so within five minutes"
    return ""


def _to_hook(kind: Kind, deployment: str, why: str, account: Account) -> Said:
    """No release has it: is it held by a Lambda hook?"""
    raw = account.raw_deployment(deployment)
    short = deployment.rpartition("/")[2]
    if raw is None or raw.get("status") not in _UNDER_WAY:
        state = "cannot be seen" if raw is None else f"is {raw.get('status')}"
        return Said(str(kind), False, f"too late: the deployment {short} {state}", deployment=deployment)
    hooks = raw.get("lifecycleHookDetails") or []
    if not any(one.get("targetType") == "AWS_LAMBDA" and one.get("status") == "IN_PROGRESS" for one in hooks):
        told = f"no release has the deployment {short}, and no Lambda hook holds it: nobody waits for a word"
        return Said(str(kind), False, told, deployment=deployment)
    now = account.moment()
    word = word_of(kind, Give(deployment, now, now, ""), account.caller(), why)
    prior = account.give(deployment, word, now)
    if prior is not None:
        return Said(str(kind), False, said_before(kind, prior), deployment=deployment, by=word.by)
    told = "the Lambda hook that holds it hears of it when ECS calls it again"
    return Said(str(kind), True, told, deployment=deployment, by=word.by)
