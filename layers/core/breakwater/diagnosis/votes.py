"""Rule 8: what counts against the deployment in progress."""

from datetime import timedelta

from breakwater.events import AwsEvent, TaskStateChange

from .facts import Facts

FRESH = timedelta(minutes=30)
SKEW = timedelta(minutes=5)
AWS_BATCH = "AWSBatch-"


def fresh(event: AwsEvent, facts: Facts) -> bool:
    """Whether the event is at most 30 minutes old by its envelope; of unknown age it is not."""
    at = event.at
    return at is not None and facts.now - at <= FRESH


def ahead(event: AwsEvent, facts: Facts) -> bool:
    """Whether the event is dated in the future by more than clocks differ.

    It counts all the same, since it is not older than 30 minutes; but people are told.
    """
    at = event.at
    return at is not None and at - facts.now > SKEW


def may_count(task: TaskStateChange, facts: Facts) -> bool:
    """Whether a failure of this task is evidence against the deployment in progress."""
    return (
        bool(facts.deployment_in_progress)
        and task.detail.started_by == facts.deployment_in_progress
        and not task.standalone
        and not facts.deployment_is_rollback
        and facts.deployment_controller == "ECS"
        and not task.replayed
        and fresh(task, facts)
        and _ours(task, facts)
        and not of_aws_batch(task)
    )


def of_aws_batch(task: TaskStateChange) -> bool:
    """Whether AWS Batch runs the task; it retries by itself."""
    return (task.cluster or "").startswith(AWS_BATCH)


def _ours(task: TaskStateChange, facts: Facts) -> bool:
    arn = task.arn
    here = (facts.account or task.account, facts.region or task.region)
    return arn is not None and (arn.account, arn.region) == here
