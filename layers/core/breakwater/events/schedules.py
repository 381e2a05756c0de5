"""What schedules send: EventBridge's own envelope, or a payload of ours (`"schema": "breakwater/1"`)."""

from datetime import datetime

from .base import AwsEvent, Text, parse_time
from .shapes import Shape

SCHEMA = "breakwater/1"


class ScheduledEvent(AwsEvent):
    """Scheduled Event: a schedule or rule without an input of its own. `detail` may be the string "{}"; it is not read.

    The schedule's or rule's ARN is `resources[0]`, and `time` is the scheduled time.
    """


class OwnPayload(Shape):
    """What both payloads carry.

    What else they hold is ignored: a schedule may say more than is read here (`executionId` and `attempt`, say, which
    differ between attempts and so identify nothing), and no job stays undone because of it.
    """

    scheduled_time: Text = None
    schedule_arn: Text = None

    @property
    def at(self) -> datetime | None:
        """The scheduled time, unless its placeholder was never replaced."""
        return parse_time(self.scheduled_time)


class BatchRun(OwnPayload):
    """Run a batch job."""

    job: Text = None


class ScaleRevert(OwnPayload):
    """Give back what a temporary scale-up took."""

    surge_id: Text = None
