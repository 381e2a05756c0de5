"""The API of EventBridge Scheduler: schedules that fire on the virtual clock until they are changed or deleted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.account import Account
from sandbox.aws import Answer, ServiceError
from sandbox.errors import TemplateError, UnsupportedError
from sandbox.schedules import Firing, instants, schedule_target

Params = Mapping[str, Any]
_PARTS = {
    "Name", "GroupName", "Description", "ScheduleExpression", "ScheduleExpressionTimezone", "State",
    "FlexibleTimeWindow", "ActionAfterCompletion", "Target", "ClientToken",
}  # fmt: skip
_TARGET = {"Arn", "RoleArn", "Input", "DeadLetterConfig", "RetryPolicy"}
_MOST = 100


@dataclass(slots=True, eq=False)
class Kept:
    """One schedule as it was last put, and what lets it fire."""

    arn: str
    said: dict[str, Any]
    firing: Firing
    token: str | None = None


@dataclass(slots=True, eq=False)
class SchedulerApi:
    """The schedules of the account by group and name."""

    account: Account
    groups: set[str] = field(default_factory=lambda: {"default"})
    kept: dict[tuple[str, str], Kept] = field(default_factory=dict)

    def answers(self) -> dict[tuple[str, str], Answer]:
        """Every operation for the gate."""
        served: dict[str, Callable[[Params], dict[str, Any]]] = {
            "CreateSchedule": self.create,
            "UpdateSchedule": self.update,
            "DeleteSchedule": self.delete,
            "GetSchedule": self.get,
            "ListSchedules": self.all,
        }
        return {("scheduler", name): answer for name, answer in served.items()}

    def create(self, params: Params) -> dict[str, Any]:
        """Create a schedule; the same call with the same token once more changes nothing."""
        key = self._key(params)
        old = self.kept.get(key)
        if old is not None:
            if old.token and old.token == params.get("ClientToken"):
                return {"ScheduleArn": old.arn}
            raise ServiceError("ConflictException", f"Schedule {key[1]} already exists.", 409)
        return self._put(key, params)

    def update(self, params: Params) -> dict[str, Any]:
        """Replace all that a schedule says."""
        key = self._key(params)
        self._found(key).firing.stop(self.account.clock)
        return self._put(key, params)

    def delete(self, params: Params) -> dict[str, Any]:
        """Delete a schedule; it does not fire any more."""
        key = self._key(params)
        self._found(key).firing.stop(self.account.clock)
        del self.kept[key]
        return {}

    def get(self, params: Params) -> dict[str, Any]:
        """All that a schedule says."""
        kept = self._found(self._key(params))
        return {**kept.said, "Arn": kept.arn}

    def all(self, params: Params) -> dict[str, Any]:
        """The schedules of a group, or of all, in order, page by page."""
        strange = params.keys() - {"GroupName", "MaxResults", "NextToken"}
        if strange:
            raise UnsupportedError(f"scheduler:ListSchedules {min(strange)}")
        group = params.get("GroupName")
        if group is not None:
            self._group(group)
        names = sorted(key for key in self.kept if group in (None, key[0]))
        start, size = int(params.get("NextToken", "0")), params.get("MaxResults", _MOST)
        page = [
            {"Name": key[1], "GroupName": key[0], "Arn": self.kept[key].arn, "State": self.kept[key].said["State"]}
            for key in names[start : start + size]
        ]
        more = {"NextToken": str(start + size)} if start + size < len(names) else {}
        return {"Schedules": page, **more}

    def _put(self, key: tuple[str, str], params: Params) -> dict[str, Any]:
        strange = (params.keys() - _PARTS) | {f"Target.{name}" for name in params["Target"].keys() - _TARGET}
        if strange:
            raise UnsupportedError(f"scheduler: {min(strange)} of a schedule")
        target = params["Target"]
        arn = self.account.arn("scheduler", f"schedule/{key[0]}/{key[1]}")
        zone = params.get("ScheduleExpressionTimezone", "UTC")
        try:
            instants(params["ScheduleExpression"], self.account.clock.now, ZoneInfo(zone))
            self.account.roles.by_arn(target["RoleArn"])
        except (TemplateError, ZoneInfoNotFoundError, ValueError) as problem:
            raise ServiceError("ValidationException", f"Invalid schedule: {problem}") from problem
        window = params["FlexibleTimeWindow"]
        spread = timedelta(minutes=window.get("MaximumWindowInMinutes", 0) if window["Mode"] == "FLEXIBLE" else 0)
        self.account.schedule_dead_letters |= {target.get("DeadLetterConfig", {}).get("Arn", "")}
        said = {name: value for name, value in params.items() if name != "ClientToken"}
        said = {"State": "ENABLED", "GroupName": key[0], "ScheduleExpressionTimezone": "UTC", **said}
        firing = Firing()
        after = params.get("ActionAfterCompletion", "NONE")
        gone = (lambda: self.kept.pop(key, None)) if after == "DELETE" else None
        if said["State"] == "ENABLED":
            firing = schedule_target(self.account, arn, params["ScheduleExpression"], zone, target, spread, gone)
        self.kept[key] = Kept(arn, said, firing, params.get("ClientToken"))
        return {"ScheduleArn": arn}

    def _key(self, params: Params) -> tuple[str, str]:
        group = params.get("GroupName", "default")
        self._group(group)
        return group, params["Name"]

    def _group(self, group: str) -> None:
        if group not in self.groups:
            raise ServiceError("ResourceNotFoundException", f"Schedule group {group} does not exist.", 404)

    def _found(self, key: tuple[str, str]) -> Kept:
        if key not in self.kept:
            raise ServiceError("ResourceNotFoundException", f"Schedule {key[1]} does not exist.", 404)
        return self.kept[key]
