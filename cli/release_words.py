"""May a person's word be given, and on what? Pure: the record of the release and the time are arguments."""

from dataclasses import dataclass
from datetime import datetime

from breakwater.rendezvous import Kind, Word
from release.record import Release, Stage

ENDED = (Stage.TURNED, Stage.REHEARSED, Stage.HANDED_OVER, Stage.OVER)
LONGEST_BY = 600


@dataclass(frozen=True, slots=True)
class Give:
    """Keep the word, then tell the one who waits. `asked` is when the question came that an approval answers.

    Such an approval is dated with its question: it answers that one and no later one, whatever the caller's clock says.
    """

    deployment: str
    at: datetime
    asked: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class TooEarly:
    """There is nothing yet that the word could be about: look again in a moment."""

    reason: str


@dataclass(frozen=True, slots=True)
class Decline:
    """It would change nothing, so nothing is kept."""

    reason: str


WordDecision = Give | TooEarly | Decline


def decide_word(kind: Kind, release: Release, now: datetime, *, deployment: str | None = None) -> WordDecision:
    """Say whether a word reaches a release. `deployment` is what the person named, if it was a deployment.

    Only what was asked can be approved, and only while there is time: an approval ahead of its question would wave
    through what nobody knows yet. An abort is good at any time until the release is over or on its way back.
    `now` is the caller's own clock, which may be minutes off and still sign a call.
    """
    service, ours = release.service, release.service_deployment
    if release.ending is not None or release.stage in ENDED:
        how = release.ending.error if release.ending is not None else release.stage
        return Decline(f"too late: the release of {service} is over ({how})")
    if release.stage is Stage.RETURNING:
        return Decline(f"too late: {service} is on its way back already ({release.why})")
    if ours is None:
        return TooEarly(f"the release of {service} has begun no deployment yet")
    if deployment not in (None, ours):
        named, there = (str(one).rpartition("/")[2] for one in (deployment, ours))
        return Decline(f"{named} is not the deployment of the release that {service} has now, which is {there}")
    if kind is Kind.ABORTED:
        return Give(ours, now, None, f"{service} goes back to what it had")
    question = release.question
    if question is None:
        return Decline(f"the release of {service} asks nobody: there is nothing to approve")
    if now >= question.until:
        return Decline(f"too late: there was time until {question.until:%H:%M} UTC, and {service} goes back")
    return Give(ours, question.since, question.since, f"{service} goes on although {question.reason}")


def word_of(kind: Kind, given: Give, by: str, why: str) -> Word:
    """The word as it is kept; why it was given stands beside who gave it."""
    return Word(str(kind), (f"{by} ({why})" if why else by)[:LONGEST_BY], given.at)


def said_before(kind: Kind, prior: Word) -> str:
    """What a second word hears: the first one holds."""
    again = f"{prior.word} already" if prior.word == kind else prior.word
    when = f"at {prior.at:%H:%M} UTC" if prior.aborts else f"on what was asked at {prior.at:%H:%M} UTC"
    return f"it was {again} by {prior.by} {when}: the first word holds"
