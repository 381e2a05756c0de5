"""What no event told: an event that was lost, a word that did not arrive, a release whose execution is gone. Pure."""

from dataclasses import dataclass
from datetime import datetime

from breakwater.rendezvous import Kind, Message, Word

from .facts import OVER, ROLLING_BACK, DeploymentSeen, HookSeen


@dataclass(frozen=True, slots=True)
class Nudge:
    """Tell the one who waits what the lost event would have told."""

    message: Message
    reason: str


@dataclass(frozen=True, slots=True)
class Orphan:
    """Its execution has ended without closing it: nobody will. A person is told, and the service let go."""

    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing is to be done."""

    reason: str


SweepDecision = Nudge | Orphan | Leave


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of an open release.

    `asked_about` is the hook that it has asked a person about, `asked` when. `hook` is one that waits for the release,
    and not for a task of its checks, or for more traffic; `task_ended` such a task. `settles`: it knows of the end, and
    looks by itself whether the service is as it should be. `returning`: it knows that it goes back.
    """

    execution: str
    """RUNNING, or how the execution ended."""
    waits: bool
    deployment: DeploymentSeen | None
    hook: HookSeen | None = None
    asked_about: str | None = None
    asked: datetime | None = None
    until: datetime | None = None
    word: Word | None = None
    task_ended: str | None = None
    settles: bool = False
    returning: bool = False


def decide_sweep(seen: Seen, now: datetime) -> SweepDecision:
    """What five minutes without an event may mean. A message has the identity of the state that it tells of, so the
    same state nudges once."""
    if seen.execution != "RUNNING":
        return Orphan(f"its execution is {seen.execution} and left the release open")
    if not seen.waits:
        return Leave("it does not wait")
    at, deployment = now.isoformat(), seen.deployment
    name = deployment.arn if deployment else None
    word = seen.word
    if word is not None and (word.aborts or (seen.asked is not None and word.approves(seen.asked))):
        return _nudge(f"word:{word.word}:{word.at.isoformat()}", Kind(word.word), at, name, "a word")
    if seen.asked_about is not None and seen.until is not None and now >= seen.until:
        return _nudge(f"overdue:{seen.asked_about}", Kind.ENDED, at, name, "the end of a person's time")
    if seen.task_ended is not None:
        return _nudge(f"task:{seen.task_ended}", Kind.ENDED, at, seen.task_ended, "the end of a check's task")
    if deployment is None:
        return Leave("its deployment cannot be seen")
    return _of_deployment(seen, deployment, at)


def _of_deployment(seen: Seen, deployment: DeploymentSeen, at: str) -> SweepDecision:
    name = deployment.arn
    if deployment.status in OVER and seen.settles:
        return Leave("its service settles")
    if deployment.status in OVER:
        return _nudge(f"{deployment.arn}:{deployment.status}", Kind.ENDED, at, name, f"its end: {deployment.status}")
    if seen.hook is not None and seen.hook.hook_id != seen.asked_about:
        return _nudge(f"{deployment.arn}:{seen.hook.hook_id}", Kind.HOOK, at, name, f"a hook at {seen.hook.stage}")
    if deployment.status in ROLLING_BACK and not seen.returning:
        return _nudge(f"{deployment.arn}:back", Kind.ENDED, at, name, "its way back")
    return Leave(f"it waits for a deployment that is {deployment.status}")


def _nudge(identity: str, kind: Kind, at: str, deployment: str | None, what: str) -> Nudge:
    return Nudge(Message(f"sweep:{identity}", kind, at, deployment), f"no event has told of {what}")
