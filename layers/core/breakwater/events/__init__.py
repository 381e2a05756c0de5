"""Typed events: tolerant of what AWS adds, strict on what we own.

`read` turns a decoded JSON value into an event or an `Unreadable` and never raises; `read_json` and `read_batch` undo
the wrapping. Importing this package builds no model.
"""

from .base import Arn, AwsEvent, last_name, parse_arn, parse_time
from .batches import Batch, Record, read_batch, read_json
from .hosts import (
    AlarmStateChange,
    InstanceHealthChange,
    InstanceStateChange,
    SpotWarning,
    TerminateLifecycle,
)
from .reading import DETAIL_TYPES, SOURCES, Event, Unreadable, read
from .schedules import SCHEMA, BatchRun, ScaleRevert, ScheduledEvent
from .services import DeploymentStateChange, HookStateChange, ServiceAction, ServiceEvent
from .tasks import Container, TaskStateChange
from .uploads import ObjectCreated, ObjectEvent, ObjectOther

__all__ = [
    "DETAIL_TYPES",
    "SCHEMA",
    "SOURCES",
    "AlarmStateChange",
    "Arn",
    "AwsEvent",
    "Batch",
    "BatchRun",
    "Container",
    "DeploymentStateChange",
    "Event",
    "HookStateChange",
    "InstanceHealthChange",
    "InstanceStateChange",
    "ObjectCreated",
    "ObjectEvent",
    "ObjectOther",
    "Record",
    "ScaleRevert",
    "ScheduledEvent",
    "ServiceAction",
    "ServiceEvent",
    "SpotWarning",
    "TaskStateChange",
    "TerminateLifecycle",
    "Unreadable",
    "last_name",
    "parse_arn",
    "parse_time",
    "read",
    "read_batch",
    "read_json",
]
