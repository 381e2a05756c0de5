"""A question to a person holds for as long as the deployment waits where it was asked."""

from dataclasses import replace
from datetime import datetime

from . import telling
from .facts import OVER
from .record import Question
from .records import Kept
from .sight import Rollout
from .wiring import Work

AFTER = "after the deployment"
"""Where a question is asked at which no hook waits."""
WENT_ON = "the deployment went on without an answer"


def not_overtaken(kept: Kept, rollout: Rollout, work: Work, now: datetime) -> Kept:
    """Without a question whose hook waits no more: a person continued the deployment by hand, or ECS at the hook's own
    time. It is resolved and forgotten, and nobody's silence sends the deployment back."""
    question = kept.release.question
    if question is None or not _went_on(question, rollout):
        return kept
    telling.answered(work, kept.release, WENT_ON, now)  # before it is forgotten
    release = replace(kept.release, question=None).told(now, "went on", WENT_ON)
    return work.records.keep(kept, release, now)


def _went_on(question: Question, rollout: Rollout) -> bool:
    """That the hook is not read is not enough: a read may be older than it."""
    if question.at == AFTER:
        return False
    if rollout.hook is not None:
        return rollout.hook.hook_id != question.at
    return rollout.seen.status in OVER or question.at in rollout.answered
