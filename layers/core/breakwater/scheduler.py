"""Schedules of EventBridge Scheduler, in one group of ours."""

from collections.abc import Callable, Iterator
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import NotFoundError
from breakwater.routes import LATEST_SECONDS, TRIES, Schedule


class ScheduleGroup:
    """The schedules of one group. They fire to the minute, and one that has fired for the last time stays."""

    def __init__(self, client: Callable[[], Any], group: str) -> None:
        self._client = client
        self._group = group

    def all(self) -> Iterator[Schedule]:
        """Every schedule of the group. One that goes while it is read is left out."""
        start: dict[str, str] = {}
        while True:
            with translated_errors("list schedules"):
                answer = self._client().list_schedules(GroupName=self._group, MaxResults=100, **start)
            for entry in answer["Schedules"]:
                try:
                    yield self._read(entry["Name"])
                except NotFoundError:
                    continue
            if not answer.get("NextToken"):
                return
            start = {"NextToken": answer["NextToken"]}

    def create(self, schedule: Schedule) -> None:
        """Create a schedule. Raises `ConflictError` if there is one of its name."""
        with translated_errors(f"create schedule {schedule.name}"):
            self._client().create_schedule(**self._request(schedule))

    def change(self, schedule: Schedule) -> None:
        """Make a schedule say this, and nothing that it said before."""
        with translated_errors(f"update schedule {schedule.name}"):
            self._client().update_schedule(**self._request(schedule))

    def delete(self, name: str) -> None:
        """Delete a schedule, there or not."""
        try:
            with translated_errors(f"delete schedule {name}"):
                self._client().delete_schedule(GroupName=self._group, Name=name)
        except NotFoundError:
            return

    def _read(self, name: str) -> Schedule:
        with translated_errors(f"read schedule {name}"):
            found = self._client().get_schedule(GroupName=self._group, Name=name)
        target = found["Target"]
        plain = (
            found.get("FlexibleTimeWindow") == {"Mode": "OFF"}
            and found.get("ActionAfterCompletion", "NONE") == "NONE"
            and not {"StartDate", "EndDate", "KmsKeyArn"} & found.keys()
            and target.get("RetryPolicy") == _RETRY
        )
        return Schedule(
            name=name,
            expression=found["ScheduleExpression"],
            zone=found.get("ScheduleExpressionTimezone", "UTC"),
            target=target["Arn"],
            role=target["RoleArn"],
            dead_letters=target.get("DeadLetterConfig", {}).get("Arn", ""),
            input=target.get("Input", ""),
            description=found.get("Description", ""),
            enabled=found["State"] == "ENABLED" and plain,
        )

    def _request(self, schedule: Schedule) -> dict[str, Any]:
        return {
            "Name": schedule.name,
            "GroupName": self._group,
            "Description": schedule.description,
            "ScheduleExpression": schedule.expression,
            "ScheduleExpressionTimezone": schedule.zone,
            "State": "ENABLED" if schedule.enabled else "DISABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "NONE",
            "Target": {
                "Arn": schedule.target,
                "RoleArn": schedule.role,
                "Input": schedule.input,
                "DeadLetterConfig": {"Arn": schedule.dead_letters},
                "RetryPolicy": _RETRY,
            },
        }


_RETRY = {"MaximumEventAgeInSeconds": LATEST_SECONDS, "MaximumRetryAttempts": TRIES}
