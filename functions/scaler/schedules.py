"""The one-time schedules that wake the scaler when a surge begins and when it is over.

They are the first of two ways back; the sweep is the second. A schedule deletes itself once it has fired.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import ConflictError

from .scale import Claim

TRIES = 10
LATEST_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Wakers:
    """Creates schedules in one group of ours, which call the scaler in a role of their own."""

    client: Callable[[], Any]
    group: str
    role: str
    dead_letters: str

    def wake_for(self, claim: Claim, cluster: str, service: str, function: str, now: datetime) -> None:
        """See that the scaler is woken at the begin, if that is to come, and at the end. Twice is once."""
        moments = {"end": claim.until} | ({"start": claim.starts} if claim.starts > now else {})
        for which, at in moments.items():
            of = sha256(f"{cluster}/{service}/{claim.id}@{at.isoformat()}".encode()).hexdigest()[:16]
            name = f"surge-{which}-{of}"
            payload = {
                "schema": "breakwater/1",
                "action": "scale.revert",
                "surgeId": claim.id,
                "cluster": cluster,
                "service": service,
                "scheduledTime": "<aws.scheduler.scheduled-time>",
                "scheduleArn": "<aws.scheduler.schedule-arn>",
            }
            try:
                with translated_errors(f"create schedule {name}"):
                    self.client().create_schedule(
                        Name=name,
                        GroupName=self.group,
                        ScheduleExpression=f"at({at.astimezone(UTC):%Y-%m-%dT%H:%M:%S})",
                        ScheduleExpressionTimezone="UTC",
                        FlexibleTimeWindow={"Mode": "OFF"},
                        ActionAfterCompletion="DELETE",
                        Target={
                            "Arn": function,
                            "RoleArn": self.role,
                            "Input": json.dumps(payload),
                            "DeadLetterConfig": {"Arn": self.dead_letters},
                            "RetryPolicy": {"MaximumEventAgeInSeconds": LATEST_SECONDS, "MaximumRetryAttempts": TRIES},
                        },
                    )
            except ConflictError:
                continue
