"""From whatever arrived to a typed event. Never raises, whatever it is given.

The order of the questions is the specification's: is it an object, does a source of AWS send it, do we know its
detail-type, has it a detail. Whether account and Region are ours is asked in the diagnosis, which knows who we are,
*before* it looks at what is found wrong here; so `Unreadable` carries them along.
"""

from dataclasses import dataclass
from typing import Any, cast

from breakwater.model import Cause

from .base import AwsEvent
from .hosts import AlarmStateChange, InstanceHealthChange, InstanceStateChange, SpotWarning, TerminateLifecycle
from .schedules import SCHEMA, BatchRun, ScaleRevert, ScheduledEvent
from .services import DeploymentStateChange, HookStateChange, ServiceAction
from .tasks import TaskStateChange
from .uploads import ObjectCreated, ObjectOther

Event = (
    TaskStateChange
    | DeploymentStateChange
    | ServiceAction
    | HookStateChange
    | InstanceStateChange
    | InstanceHealthChange
    | AlarmStateChange
    | TerminateLifecycle
    | SpotWarning
    | ObjectCreated
    | ObjectOther
    | ScheduledEvent
    | BatchRun
    | ScaleRevert
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why there is no event to judge: `malformed`, `foreign` or `unknown`.

    `placed` says that its source is one we listen to, so that account and Region are compared. `own` says that it was
    a payload of ours, which is refused rather than ignored. `what` is a word of the event itself (its source or
    detail-type) and not to be trusted.
    """

    cause: Cause
    why: str
    what: str | None = None
    account: str | None = None
    region: str | None = None
    placed: bool = False
    own: bool = False


SOURCES = frozenset(
    {"aws.ecs", "aws.s3", "aws.events", "aws.scheduler", "aws.cloudwatch", "aws.autoscaling", "aws.ec2"}
)

DETAIL_TYPES: dict[str, type[AwsEvent]] = {
    "ECS Task State Change": TaskStateChange,
    "ECS Deployment State Change": DeploymentStateChange,
    "ECS Service Action": ServiceAction,
    "ECS Hook State Change": HookStateChange,
    "ECS Container Instance State Change": InstanceStateChange,
    "ECS Container Instance Health Change": InstanceHealthChange,
    "CloudWatch Alarm State Change": AlarmStateChange,
    "EC2 Instance-terminate Lifecycle Action": TerminateLifecycle,
    "EC2 Spot Instance Interruption Warning": SpotWarning,
    "Object Created": ObjectCreated,
    "Object Deleted": ObjectOther,
    "Scheduled Event": ScheduledEvent,
}

_OWN: dict[str, type[BatchRun] | type[ScaleRevert]] = {"batch.run": BatchRun, "scale.revert": ScaleRevert}

_NO_OBJECT = Unreadable(Cause.MALFORMED, "it is not a JSON object")


def read(raw: object) -> Event | Unreadable:
    """Turn one decoded JSON value into an event, or say why not."""
    if not isinstance(raw, dict):
        return _NO_OBJECT
    if raw.get("schema") == SCHEMA and "source" not in raw:
        return _read_own(raw)
    source, kind = _text(raw.get("source")), _text(raw.get("detail-type"))
    if source not in SOURCES:
        return Unreadable(Cause.FOREIGN, "no AWS service that Breakwater listens to sent it", source)
    account, region = _text(raw.get("account")), _text(raw.get("region"))
    model = _model(source, kind)
    if model is None:
        return Unreadable(Cause.UNKNOWN, "its detail-type is not known", kind, account, region, placed=True)
    if model is not ScheduledEvent and not isinstance(raw.get("detail"), dict):
        return Unreadable(Cause.MALFORMED, "it has no detail", kind, account, region, placed=True)
    return cast(Event, model.read(raw))


def _model(source: str, kind: str | None) -> type[AwsEvent] | None:
    """Pick the model by detail-type; of S3 every kind of event is known, since all but one are refused alike."""
    if kind is None:
        return None
    if source == "aws.s3" and kind != "Object Created":
        return ObjectOther
    return DETAIL_TYPES.get(kind)


def _read_own(raw: dict[Any, Any]) -> BatchRun | ScaleRevert | Unreadable:
    action = _text(raw.get("action"))
    model = _OWN.get(action or "")
    if model is None:
        return Unreadable(Cause.MALFORMED, "its action is not known", action, own=True)
    return model.read(raw)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
