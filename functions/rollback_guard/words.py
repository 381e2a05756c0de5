"""What the decisions say, with the numbers that tipped them. Pure."""

from collections.abc import Iterable
from datetime import datetime

from breakwater.evidence import ALPHA, Question, Tally

from .case import Case
from .picture import Presence, RolloutState, Target, short

_SEEN: dict[Question, str] = {
    Question.CERTAIN: "failed in a way that repeats with certainty",
    Question.EARLY: "exited with the same code within 30 seconds of the start",
    Question.START: "failed within five minutes of the start",
    Question.RUNNING: "crashed after they had been running",
}


def evidence(case: Case) -> str:
    """What speaks against the revision."""
    weighed, own = case.alone, case.picture.own
    counted = {
        Question.CERTAIN: own.certain_count,
        Question.EARLY: own.same_code,
        Question.START: own.starts_failed,
        Question.RUNNING: own.late,
    }[weighed.question]
    of = (
        f"of {weighed.starts} started tasks"
        if weighed.question is not Question.RUNNING
        else f"in {weighed.task_hours:.1f} task-hours"
    )
    since = f" since {clock(own.first_at)}" if own.first_at else ""
    return (
        f"{case.bad} of {case.picture.service}: {counted} {of} {_SEEN[weighed.question]}{since}. A revision that works "
        f"shows that in fewer than one of {1 / ALPHA:,.0f} deployments."
    )


def not_enough(case: Case) -> str:
    """Why the guard goes on watching."""
    weighed = case.weighed
    return (
        f"{case.bad} of {case.picture.service}: {counts(case.picture.own)}, {weighed.starts} started tasks; the "
        f"evidence is {weighed.e:.3g}, and {1 / ALPHA:,.0f} is enough."
    )


def counts(tally: Tally) -> str:
    """A tally in words."""
    parts = (
        (tally.certain_count, "certain failures"),
        (tally.starts_failed - tally.certain_count, "failed starts"),
        (tally.late, "later crashes"),
        (tally.outside, "failures outside the revision"),
    )
    return ", ".join(f"{count} {what}" for count, what in parts if count) or "no failures"


def outside(case: Case) -> str:
    """The registry, a network or a secret store."""
    own = case.picture.own
    return (
        f"{own.outside} tasks of {case.bad} of {case.picture.service} could not start because something outside the "
        "revision was out of reach: the registry, the network, a secret store or capacity. Going back would not help."
    )


def old_fails_too(case: Case) -> str:
    """The control group."""
    control = case.picture.control
    names = ", ".join(sorted({short(rollout.revision) for rollout in case.picture.others})) or "The revision before it"
    return (
        f"{evidence(case)} But {names} fails at the same time ({counts(control)}, about "
        f"{case.weighed.background.control:.0%} of its tasks): the cause is not the revision, and going back would not "
        "help."
    )


def old_is_missing(case: Case) -> str:
    """The control group is not complete."""
    return (
        f"{evidence(case)} But fewer tasks run than the {case.picture.desired} that are wanted: the old ones may fail "
        "as well, which shows within seconds."
    )


def old_is_unheard(case: Case) -> str:
    """The control group has not had its chance."""
    return (
        f"{evidence(case)} But the first of them ended only seconds ago, too few to tell whether the old tasks fail as "
        "well."
    )


def shared(case: Case, target: Target) -> str:
    """Both revisions need what is missing."""
    causes = ", ".join(sorted(cause for cause, _ in case.picture.own.certain if cause in target.shares))
    return (
        f"{evidence(case)} But {short(target.revision)} needs exactly the same thing ({causes}), so going back would "
        "not help."
    )


def unusable(targets: Iterable[Target]) -> str:
    """Why no target will do."""
    return "; ".join(f"{short(target.revision)} {_lack(target)}" for target in targets) or "none was found"


def _lack(target: Target) -> str:
    if target.active is Presence.GONE:
        return "is INACTIVE or deleted"
    if target.active is Presence.UNKNOWN:
        return "could not be read"
    return "has an image that is no longer in its registry"


def caveats(case: Case, target: Target) -> tuple[str, ...]:
    """What a person should know besides."""
    found = [f"The rollback also affects: {', '.join(target.differs)}."] if target.differs else []
    if target.images is Presence.UNKNOWN:
        found.append(
            f"Whether the images of {short(target.revision)} are still in their registry could not be checked."
        )
    if case.picture.primary.state is RolloutState.COMPLETED:
        found.append(f"The deployment had COMPLETED: your infrastructure code still names {case.bad}.")
    return tuple(found)


def clock(at: datetime) -> str:
    """A time as people read it at night."""
    return f"{at:%H:%M:%S} UTC"
